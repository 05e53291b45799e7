"""A made-up village whose seal is opened beforehand: 用 keeps it, 办 handles, 核 approves."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database as Database
from made_up import documents, draft
from made_up import use as use
from sealed import applied, put_in_use
from sealed import ask as ask

from certsvc.domain.account import AccountId, Confirmation, Method
from certsvc.domain.acts import Act
from certsvc.domain.approval import Decision, ToApprove, new_approval_id
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Order
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal_authorisation import (
    AuthorisationRequest,
    SealAuthorisation,
    Terms,
)
from certsvc.domain.seal_book import EVER, BookLine
from certsvc.ids import Ref, new_opaque_id
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.pool import Connection, Pool, open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seal_waits import PostgresSealWaits
from certsvc.store.seals import PostgresSeals

SEAL_ID, TYPE, OTHER_TYPE = "village", "business-licence", "food-permit"
KEEPER, HANDLER, APPROVER = "用", "办", "核"
STOPPED_CLOCK = """create or replace function register_time() returns timestamptz language sql volatile
  set search_path = pg_catalog, public, pg_temp as $$ select timestamptz '{at}' $$"""


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def today() -> date:
    """In Beijing."""
    return beijing_date(now())


def terms(quota: int = 5, days: int = 30, **changed: Any) -> Terms:
    """From today on, for one type."""
    values = {"certificate_types": frozenset({TYPE}), "quota": quota, "first_day": today()}
    return Terms(**{**values, "last_day": today() + timedelta(days=days - 1), **changed})


ADD_ACCOUNT = """insert into account (id, name, is_demonstration, added_at) values ($1, $2, true, $3)
  on conflict (name) do update set name = excluded.name returning id"""
CONFIRM = "insert into account_confirmation (id, account, digest, method, at) values ($1, $2, $3, $4, $5)"


async def confirmed_by(connection: Connection, name: str, digest: bytes) -> Confirmation:
    """That somebody confirmed something just now, with a passkey."""
    account = AccountId(await connection.fetchval(ADD_ACCOUNT, new_opaque_id("a"), name, now()))
    made = Confirmation(
        id=new_opaque_id("k"), account=account, name=name, digest=digest, method=Method.PASSKEY, at=now()
    )
    await connection.execute(CONFIRM, made.id, made.account, made.digest, made.method, made.at)
    return made


@dataclass(frozen=True, slots=True)
class Room:
    """Everything over one register."""

    database: Database
    register: PostgresRegister
    seals: PostgresSeals
    approvals: PostgresApprovals
    authorisations: PostgresSealAuthorisations
    waits: PostgresSealWaits
    book: PostgresSealBook

    @classmethod
    def over(cls, database: Database, pool: Pool) -> "Room":
        """Over connections that are open."""
        seals, approvals, register = PostgresSeals(pool), PostgresApprovals(pool), PostgresRegister(pool)
        opened = PostgresSealAuthorisations(pool), PostgresSealWaits(pool), PostgresSealBook(pool)
        return cls(database, register, seals, approvals, *opened)

    async def asked(
        self, of: Terms | None = None, keeper: str = KEEPER, key: str = "", confirmed: bytes | None = None
    ) -> AuthorisationRequest:
        """A request to open the seal, confirmed by a passkey; `confirmed` is the digest of what was, if it is not
        this."""
        of = of or terms()
        connection = await asyncpg.connect(self.database.uri)
        try:
            confirmation = await confirmed_by(connection, keeper, confirmed or of.digest(SEAL_ID))
        finally:
            await connection.close()
        return AuthorisationRequest(
            key=key or secrets.token_hex(8), seal_id=SEAL_ID, terms=of, confirmation=confirmation
        )

    async def open(self, of: Terms | None = None, keeper: str = KEEPER) -> SealAuthorisation:
        """The keeper opens the seal."""
        return await self.authorisations.authorise(await self.asked(of, keeper), now())

    async def approved(self, approver: str = APPROVER, handler: str = HANDLER, seal_id: str = SEAL_ID) -> Ref:
        """A proof that is approved and reserved, with its token."""
        approval_id = await self.approval(handler)
        decision = Decision(person=approver, approves=True, reason=None, at=now())
        await self.approvals.decide(approval_id, approver, decision)
        return await self.reserved(approval_id, handler, seal_id)

    async def approval(self, handler: str = HANDLER) -> str:
        """A request that waits for its approver."""
        request = ToApprove(
            id=new_approval_id(),
            client=handler,
            key=secrets.token_hex(8),
            digest=bytes(32),
            act=Act.ISSUE,
            type_id=TYPE,
            seals=(SEAL_ID,),
            area="441900",
            ref=None,
            sealed_request=b"sealed",
            payload_key_id="data-1",
            needed=1,
            asked_at=now(),
        )
        await self.approvals.ask(request)
        return request.id

    async def reserved(self, key: str, handler: str = HANDLER, seal_id: str = SEAL_ID) -> Ref:
        """A proof reserved for the order of this name."""
        series = NumberSeries("石塘村证字〔2026〕{serial}号")
        made = replace(draft(key, Category.PROOF, series, None), seal_id=seal_id, public_holder_name="王*")
        order = Order(client=handler, key=key, type_id=TYPE, payload={})
        ref = (await self.register.reserve(replace(made, order=order, reserved_at=now()))).ref
        await self.register.keep_token(ref, b"token of " + ref.to_bytes())
        return ref

    async def book_use(self, ref: Ref, by: str = HANDLER, at: datetime | None = None) -> int:
        """Book the use of the seal under a proof."""
        return await self.register.book_seal_use(ref, use(SEAL_ID), by, at or now(), "worker")

    async def publish(self, ref: Ref) -> None:
        """What was sealed goes on record."""
        await self.register.publish(ref, documents(ref), HANDLER, now())

    async def lines(self) -> list[BookLine]:
        """The whole book, the oldest line first."""
        return [*await self.book.oldest(SEAL_ID, 0, 100_000, EVER)]

    async def direct(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """As the owner of the tables, past our own code."""
        connection = await asyncpg.connect(self.database.uri)
        try:
            return [*await connection.fetch(statement, *values)]
        finally:
            await connection.close()


Story = Callable[[Room], Coroutine[Any, Any, None]]


def run(database: Database, story: Story, *, needs: bool = True) -> None:
    """A story over a register with the village's seal, enabled."""

    async def told() -> None:
        async with open_pool(database.uri) as pool:
            room = Room.over(database, pool)
            await put_in_use(room.seals, applied(SEAL_ID, needs_authorisation=needs), now() - timedelta(days=1))
            await story(room)

    asyncio.run(told())
