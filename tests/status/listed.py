"""A register with certificates of types in the tree, and a worker's hand on their lists."""

import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from chosen import tree_catalog

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))

from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database, open_register, running_server
from holders import company_code
from lived import Lived, begin, request
from made_up import COMPANY, NOW, SEAL
from made_up import licence as licence_draft
from made_up import permit as permit_draft

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.authority.shelf import FolderShelf
from certsvc.authority.status_lists import StatusShelf, own_status_keys
from certsvc.catalog import Catalog
from certsvc.domain.acts import Act
from certsvc.domain.calendar import Term
from certsvc.domain.issuing import Draft
from certsvc.domain.status_list import ListedState, decompress, entry, list_file
from certsvc.domain.token import Claims, to_digits
from certsvc.ids import Ref, Uscc
from certsvc.jobs.status_lists import StatusListWork
from certsvc.listing import list_rules
from certsvc.seal.token import sign_token
from certsvc.store.notices import PostgresNotices
from certsvc.store.pool import Pool, open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister
from certsvc.store.status_lists import PostgresStatusLists
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.offline import OfflineReport, check_offline

ROOT = Path(__file__).resolve().parents[2]
URL = "https://yz.yunshan.example"
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FACTS = {"name": "云山市晨光食品有限公司", "address": "石塘镇一号", "legal_representative": "陈*"}
PERMIT_FACTS = {"name": FACTS["name"], "residence": FACTS["address"], "legal_representative": "陈*"}
LICENCES, PERMITS = "1-2026q4", "101-2026q4"
TYPED_SEAL = replace(SEAL, certificate_types=frozenset({"business-licence-company", "food-business"}))

__all__ = [
    "COMPANY",
    "NOW",
    "Act",
    "Database",
    "Lived",
    "begin",
    "company_code",
    "die_before_statement",
    "fresh_database",
    "open_register",
    "ran_to_the_end",
    "request",
    "running_server",
]


@cache
def catalog() -> Catalog:
    """The types in the tree."""
    return tree_catalog()


def licence(business: Uscc = COMPANY, **changed: Any) -> Draft:
    """A company's licence."""
    made = licence_draft(f"licence {business}", business)
    return replace(made, type_id="business-licence-company", list_name=LICENCES, public_fields=FACTS, **changed)


def permit(key: str = "permit", business: Uscc = COMPANY, **changed: Any) -> Draft:
    """A food permit under it."""
    made = permit_draft(key, business=business)
    typed = replace(made, type_id="food-business", type_number=101, list_name=PERMITS, public_fields=PERMIT_FACTS)
    return replace(typed, **changed)


@dataclass
class Room:
    """The register, and one worker's part in its lists."""

    register: PostgresRegister
    reader: PostgresReader
    lists: PostgresStatusLists
    work: StatusListWork
    authority: Authority
    folder: Path
    pool: Pool
    log: structlog.testing.CapturingLogger = field(default_factory=structlog.testing.CapturingLogger)

    def file(self, name: str = PERMITS) -> Path:
        """Where a list lies."""
        return self.folder / list_file(name)

    def data(self, name: str = PERMITS) -> bytes | None:
        """A list as it is handed out."""
        path = self.file(name)
        return path.read_bytes() if path.exists() else None

    async def certificate(self, ref: Ref) -> tuple[str, int]:
        """The place of a certificate in the lists."""
        reservation = await self.register.reservation(ref)
        return reservation.list_name, reservation.list_index

    async def entry(self, ref: Ref) -> ListedState:
        """What is kept for it, published or not."""
        name, index = await self.certificate(ref)
        known = [one.name for one in await self.lists.changed(0)]
        if name not in known:
            return ListedState.NO_STATEMENT
        return ListedState(entry((await self.lists.read(name)).packed, index))

    async def digits(self, ref: Ref) -> str:
        """A token of it under our key, which the register does not have."""
        made = await self.register.reservation(ref)
        claims = Claims(
            ref=ref,
            issued_at=made.reserved_at.replace(microsecond=0),
            expires_at=made.term.expires_at,
            subject=made.subject,
            type_number=made.type_number,
            version=made.version,
            list_index=made.list_index,
            holder_name=None,
        )
        return to_digits(sign_token(claims, *self.authority.token_key(made.reserved_at)))

    async def offline(self, ref: Ref, now: datetime) -> OfflineReport:
        """What a reader without network finds, with the list that lies out there."""
        name, _ = await self.certificate(ref)
        return check_offline(await self.digits(ref), AnchorFolder(self.folder).current(), self.data(name), now)

    async def state(self, ref: Ref, now: datetime) -> str | None:
        """The word of the list."""
        found = (await self.offline(ref, now)).state
        return None if found is None else found.word


@asynccontextmanager
async def open_room(database: Database, folder: Path, now: datetime = NOW) -> AsyncIterator[Room]:
    """A room over a fresh register."""
    async with open_pool(database.uri, seconds=60) as pool, open_pool(database.public_uri, read_only=True) as reading:
        register = PostgresRegister(pool)
        await register.enrol_seals([TYPED_SEAL], now)
        authority = made_authority(folder, now)
        yield make_room(register, PostgresReader(reading), authority, folder, pool)


def made_authority(folder: Path, now: datetime = NOW) -> Authority:
    """Throw-away keys that publish into a folder."""
    plan = load_plan(ROOT / "keys" / "ceremonies" / "demonstration.toml")
    authority = throw_away_authority(plan, now, FolderShelf(folder).put, [])
    authority.make_services(now)
    return authority


def make_room(
    register: PostgresRegister, reader: PostgresReader, authority: Authority, folder: Path, pool: Pool
) -> Room:
    """One worker more over the same register."""
    log = structlog.testing.CapturingLogger()
    lists = PostgresStatusLists(pool)
    work = StatusListWork(
        lists=lists,
        settle=PostgresNotices(pool).settle,
        rules=list_rules(catalog()),
        authority=authority,
        shelf=StatusShelf(FolderShelf(folder), URL, lambda: own_status_keys(authority)),
        log=structlog.wrap_logger(log, processors=[]),
    )
    return Room(register, reader, lists, work, authority, folder, pool, log)


def unpacked(data: bytes) -> bytes:
    """The entries in a list, its signature not looked at."""
    payload = data.split(b".")[1]
    lst = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))["status_list"]["lst"]
    return decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)))


def long_term() -> Term:
    """From the day of the made-up certificates on, without end."""
    return Term(NOW.date())
