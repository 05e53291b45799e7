"""What approvers have seen, marked and confirmed, on PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from asyncpg import Record

from certsvc.domain.account import AccountId
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.seal_acts import SealState
from certsvc.domain.sitting import Agreed, Became, Sitting, digest_of_said, not_seen, parse_said, said_of
from certsvc.errors import KeyReused
from certsvc.ids import Uscc
from certsvc.store.accounts import use_confirmation
from certsvc.store.pool import Connection, Pool
from certsvc.store.proof_rows import to_request
from certsvc.store.queries import queries
from certsvc.store.village_refusals import explained_village

SQL = queries("sittings")


class PostgresSittings:
    """`services.Sittings` but for `agree`, which `PostgresProofRequests` adds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def cancelling(self, member: Member, limit: int) -> Sequence[ProofRequest]:
        """Proofs that wait for an approver to agree that they are cancelled, for longest first. Without content."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["cancelling"], member.organ.uscc, member.account, limit)
        return [to_request(row) for row in rows]

    async def see(self, account: str, request_id: str, version: int, now: datetime) -> None:
        """Put on record that somebody was shown the whole of this version; nothing where it is another by now."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["see"], account, request_id, version, now)

    async def seen(self, account: str, requests: Sequence[str]) -> Mapping[str, datetime | None]:
        """Which of these somebody has looked at as they stand now, and since when they are marked as agreed to."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["seen"], account, list(requests))
        return {row["request_id"]: row["agreed_at"] for row in rows}

    async def mark(self, account: str, request_id: str, seen: int, agreed_at: datetime | None) -> None:
        """Mark a version as agreed to, or take that back (None).

        Raises:
            ActNotAllowed: it was not looked at.
        """
        async with self._pool.connection() as connection:
            if await connection.fetchval(SQL["mark"], account, request_id, seen, agreed_at) is None:
                raise not_seen()

    async def became(
        self, account: str, *, key: str = "", confirmation: str = ""
    ) -> tuple[str, Sequence[Became]] | None:
        """The confirmation that somebody gave under a key, or this one, and what came of it."""
        async with self._pool.connection() as connection:
            row = await (
                connection.fetchrow(SQL["confirmed"], account, key)
                if key
                else connection.fetchrow(SQL["confirmation"], account, confirmation)
            )
            if row is None:
                return None
            agreed = {one.request_id: one for one in parse_said(row["what"])}
            values = list(agreed), [one.seen for one in agreed.values()]
            rows = await connection.fetch(SQL["became"], *values)
        return row["confirmation"], [_became(agreed[one["request_id"]], one, row["confirmation"]) for one in rows]

    async def seal_of(self, organ: Uscc) -> tuple[SealState, str, bool] | None:
        """The state of an organ's seal, who keeps it, and whether its keeper must open it beforehand; None: there is
        none."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["seal_of"], organ)
        return None if row is None else (SealState(row["state"]), row["keeper"], row["needs_authorisation"])

    async def same_of_holder(self, request: ProofRequest, since: datetime) -> int:
        """How many proofs of the same type the same holder was given since."""
        values = request.organ, request.type_id, request.holder_hash, since, request.id
        async with self._pool.connection() as connection:
            return int(await connection.fetchval(SQL["same_of_holder"], *values))


async def confirm_in(connection: Connection, sitting: Sitting, now: datetime) -> bool:
    """Use up the confirmation of a sitting and put on record what it is for, in the transaction of doing that; False
    where it was before.

    Raises:
        ActNotAllowed: it is another's or for something else, too old, or used.
        KeyReused: the key was used for something else.
    """
    what = said_of(sitting.agreed)
    known = await connection.fetchrow(SQL["confirmed"], sitting.account, sitting.key)
    if known is not None:
        if known["what"] != what:
            raise KeyReused.of(sitting.key)
        return False
    digest = digest_of_said(sitting.agreed)
    await use_confirmation(connection, sitting.confirmation, AccountId(sitting.account), digest, now)
    with explained_village():
        await connection.execute(SQL["confirm"], sitting.confirmation, sitting.account, sitting.key, what, now)
    return True


def _became(agreed: Agreed, row: Record, confirmation: str) -> Became:
    return Became(
        agreed=agreed,
        type_id=row["type_id"],
        shown=row["shown"],
        is_done=row["confirmation"] == confirmation,
        act=ProofAct(row["act"]) if row["act"] else None,
        person=row["person"],
        at=row["at"],
    )
