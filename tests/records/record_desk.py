"""A made-up fire department that reports its permits, and the register it reports them to."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import msgspec
from chosen import tree_catalog

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database

from certsvc.catalog import Catalog
from certsvc.domain.actor import Actor
from certsvc.domain.source import Source
from certsvc.ids import parse_uscc
from certsvc.issuance.records.form import PutForm
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording
from certsvc.store.pool import open_pool
from certsvc.store.record_snapshots import PostgresSnapshots
from certsvc.store.records import PostgresRecords

Result = TypeVar("Result")
Story = Callable[[Recording], Awaitable[Result]]
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COMPANY, SOLE_TRADER = "91441900MA51ABC088", "92441900MA52DEF10X"
FIRE_USCC = "11441900007330010D"
FIRE_TYPE, FREE_KIND = "fire-safety-check", "water-intake"
FIRE = Source(
    id="fire",
    zh="云山市消防救援支队",
    en="Yunshan Fire and Rescue",
    organisation=parse_uscc(FIRE_USCC),
    client="fire-system",
    kinds=frozenset({FIRE_TYPE, FREE_KIND, "food-business"}),
    area="4419",
    expected_every=DAY,
    complete_every=2 * DAY,
    most_missing_percent=20,
    registered_at=NOW - 30 * DAY,
)
FEEDER = Actor(name="fire-system", scopes=frozenset({"record:*"}))
OTHER = Actor(name="other-system", scopes=frozenset({"record:*", "read:*"}))


@cache
def catalog() -> Catalog:
    """The types in the tree."""
    return tree_catalog()


def said(**changes: Any) -> dict[str, Any]:
    """What the source says of a permit."""
    return {
        "kind": FIRE_TYPE,
        "number": "云消安检字〔2023〕第0187号",
        "holder_name": "云山市岭南鲜生商贸有限公司",
        "subject": COMPANY,
        "issuer": {"name": "云山市消防救援支队", "uscc": FIRE_USCC},
        "term": {"start": "2023-05-01"},
        "state": "valid",
        **changes,
    }


def put_form(observed_at: datetime = NOW, **changes: Any) -> PutForm:
    """What the source sends to register one record."""
    return msgspec.convert({**said(**changes), "observed_at": observed_at}, PutForm, strict=False)


def ndjson(
    rows: Iterable[Mapping[str, Any]], observed_at: datetime = NOW, *, expect_missing: int = 0, count: int | None = None
) -> bytes:
    """A whole list; `count` is a wrong number of rows at its end."""
    found = [*rows]
    begin = {"begin": {"observed_at": observed_at, "expect_missing": expect_missing}}
    end = {"end": {"rows": len(found) if count is None else count}}
    return b"\n".join(map(msgspec.json.encode, [begin, *found, end]))


def listed(ids: Iterable[str], **changes: Any) -> list[dict[str, Any]]:
    """Rows of a list, all alike but for their ids."""
    return [{"id": one, **said(**changes)} for one in ids]


async def chunks(data: bytes, size: int = 777) -> AsyncIterator[bytes]:
    """As it comes over the network: cut anywhere."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def at(when: datetime = NOW) -> Any:
    """A clock that stands."""
    return lambda: when


@asynccontextmanager
async def recording(database: Database, *sources: Source) -> AsyncIterator[Recording]:
    """The use cases over a database, with these sources registered."""
    async with open_pool(database.uri) as pool:
        records = PostgresRecords(pool)
        for source in sources:
            await records.add_source(source, "test")
        yield Recording(catalog=catalog(), records=records, snapshots=PostgresSnapshots(pool, pool))


def day(offset: int) -> date:
    """A day before or after the day of `NOW`."""
    return (NOW + offset * DAY).date()


def codes(problems: Sequence[Any]) -> set[tuple[str, str]]:
    """What is wrong, and where."""
    return {(one.field, one.code) for one in problems}


def play(database: Database, story: Story[Result], *sources: Any) -> Result:
    """Something done with the use cases, over a database where the fire department is registered."""

    async def run() -> Result:
        async with recording(database, *(sources or (FIRE,))) as desk:
            return await story(desk)

    return asyncio.run(run())


async def sql(database: Database, statement: str, *values: object) -> list[Any]:
    """What the database answers, as its owner; or as whoever its address names."""
    connection = await asyncpg.connect(database.uri)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def take(desk: Recording, data: bytes, key: str, when: Any = NOW, who: Actor = FEEDER) -> Any:
    """A list that comes in."""
    return await take_snapshot(desk, who, "fire", chunks(data), key, at(when))
