"""Two made-up businesses with a past, in a database; and the public verifier over it, as a stranger meets it."""

import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database as Database
from embedded_fixture import open_register
from lived import Lived, begin, next_version, request
from made_up import COMPANY as COMPANY
from made_up import SEAL, licence, permit
from made_up import SOLE_TRADER as SOLE_TRADER
from public_site import ROOT, Scripted, catalog

from certsvc.domain.acts import Act
from certsvc.domain.calendar import Term
from certsvc.domain.case import Progress
from certsvc.domain.certificate import Gathered, RegisteredDocument
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.domain.history import FeedEvent, History, NamedLicence
from certsvc.domain.issuing import Draft
from certsvc.http.public import create_public_app
from certsvc.http.site import Site
from certsvc.ids import Ref, Uscc
from certsvc.store.history import PostgresHistory
from certsvc.store.pool import Pool, open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister
from certsvc.verify.anchors import Anchors
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

LICENCE, FOOD = "business-licence-company", "food-business"
MORNING = "云山市晨光食品有限公司"
SEAL_OF_ALL = replace(SEAL, certificate_types=frozenset({LICENCE, FOOD, "drug-retail"}))


def at(text: str) -> datetime:
    """A moment of UTC, at eight in the morning unless it says otherwise: 16:00 in Beijing."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T08:00").replace(tzinfo=UTC)


def of_type(made: Draft, type_id: str, start: str, end: str | None, name: str = MORNING) -> Draft:
    """The draft as one of a type in the tree, with a term."""
    kind = catalog().latest(type_id)
    term = Term(date.fromisoformat(start), date.fromisoformat(end) if end else None)
    return replace(
        made,
        type_id=type_id,
        type_version=kind.version,
        type_number=kind.type_number,
        term=term,
        public_fields={"name": name},
        public_holder_name=name,
        holders=(replace(made.holders[0], name=name),),
    )


@dataclass(frozen=True)
class Past:
    """What there is: `food` was renewed late, `pharmacy` suspended for a month; `shop` lost its licence, which was
    recorded ten days after it took effect, and with it its own permit."""

    licence: Lived
    food: Lived
    pharmacy: Lived
    shop: Lived
    shop_food: Lived


async def act(register: PostgresRegister, lived: Lived, what: Act, day: str, recorded: str, **said: Any) -> int:
    """An act, on its day and when it is recorded; its number."""
    done = await register.act(request(lived.ref, what, date.fromisoformat(day), at(recorded), **said))
    return done.id


async def live(database: Database) -> Past:
    """Let it all happen."""
    async with open_register(database) as (register, _):
        await register.enrol_seals([SEAL_OF_ALL], at("2025-01-01"))
        main = await begin(register, of_type(licence(), LICENCE, "2025-03-01", None), at("2025-03-01"))
        food = await begin(register, of_type(permit(), FOOD, "2025-03-10", "2026-03-09"), at("2025-03-10"))
        await act(register, food, Act.ACCEPT_RENEWAL, "2026-02-20", "2026-02-20")
        food.first = of_type(food.first, FOOD, "2026-05-10", "2031-05-09")
        await next_version(register, food, Act.RENEW, date(2026, 5, 10), at("2026-05-10"))
        pharmacy = await begin(
            register, of_type(permit("pharmacy"), "drug-retail", "2025-04-01", "2030-03-31"), at("2025-04-01")
        )
        await act(register, pharmacy, Act.SUSPEND, "2025-06-01", "2025-06-01")
        await act(register, pharmacy, Act.RESUME, "2025-07-01", "2025-07-01")
        wrong = await act(register, pharmacy, Act.SUSPEND, "2025-08-01", "2025-08-01")
        await act(register, pharmacy, Act.STRIKE, "2025-08-03", "2025-08-03", strikes=wrong)
        name = "东城阿强小吃店"
        shop = await begin(
            register, of_type(licence("shop", SOLE_TRADER), LICENCE, "2025-01-01", None, name), at("2025-01-01")
        )
        shop_food = await begin(
            register,
            of_type(permit("shop food", business=SOLE_TRADER), FOOD, "2025-01-05", "2030-01-04", name),
            at("2025-01-05"),
        )
        await act(register, shop, Act.REVOKE, "2025-09-10", "2025-09-20")
    return Past(main, food, pharmacy, shop, shop_food)


class Anew:
    """`RegisterReader` and `HistoryReader` as the public role, connecting anew for each question: a client of tests has
    a loop of its own. Counts the questions."""

    def __init__(self, uri: str) -> None:
        self._uri, self.asked = uri, list[str]()

    def _pool(self, what: str) -> AbstractAsyncContextManager[Pool]:
        self.asked.append(what)
        return open_pool(self._uri, read_only=True)

    async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
        async with self._pool("gather") as pool:
            return await PostgresReader(pool).gather(ref, on, known_at)

    async def find_document(self, sha256: bytes) -> RegisteredDocument | None:
        return None

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        return None

    async def progress(self, ref: Ref) -> Progress | None:
        return None

    async def ready(self) -> bool:
        return True

    async def history(self, ref: Ref) -> History | None:
        async with self._pool("history") as pool:
            return await PostgresHistory(pool).history(ref)

    async def feed(self, ref: Ref) -> Sequence[FeedEvent]:
        async with self._pool("feed") as pool:
            return await PostgresHistory(pool).feed(ref)

    async def by_number(self, uscc: Uscc, on: date) -> NamedLicence | None:
        async with self._pool("by_number") as pool:
            return await PostgresHistory(pool).by_number(uscc, on)


def make_app(trust: Path, reader: Anew) -> Any:
    """The public verifier over the database."""
    verifying = Verifying(
        catalog=catalog(),
        trust=Anchors((), {}, True),
        register=reader,
        inspector=cast(Inspector, Scripted()),
        histories=reader,
    )
    site = Site("yz.example", "https://yz.example", ROOT / "verifier_web", trust, True)
    return create_public_app(verifying, site)
