"""Whatever is encrypted under a data key moves to the next one with all the rest, or no key could be retired."""

import asyncio
import re
from pathlib import Path

import pytest
from embedded_fixture import Database

from certsvc.store.data_keys import SOURCES, DataKeys, Encrypted
from certsvc.store.pool import open_pool
from certsvc.store.queries import queries

pytest_plugins = ["store_fixtures"]

SCHEMA = Path(__file__).resolve().parents[2] / "certsvc" / "store" / "sql" / "schema"
KEY_COLUMN = re.compile(r"^  (\w*key_id) short_text", re.M)


def test_every_column_that_names_a_data_key_is_moved_and_counted() -> None:
    declared = {
        (table, column)
        for path in SCHEMA.glob("*.sql")
        for table, body in re.findall(r"^create table (\w+) \((.*?)^\)", path.read_text("utf-8"), re.M | re.S)
        for column in KEY_COLUMN.findall(body)
    }
    statements = queries("encrypted")
    moved = set()
    for source, (_, write) in SOURCES.items():
        found = re.search(r"^update (\w+) set \w+ = \$3, (\w+) = \$4", write, re.M)
        assert found is not None, source
        moved.add((found[1], found[2]))
    counted = set(re.findall(r"select (\w+)(?: as key_id)?, count\(\*\)(?: as uses)? from (\w+)", statements["uses"]))
    assert {(table, column) for column, table in counted} == moved == declared


@pytest.mark.parametrize("source", SOURCES)
def test_every_statement_runs(database: Database, source: str) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool, pool.connection() as connection:
            for place in (None, "0" * 20, "1/1", "0" * 20 + "/1", "a"):
                if _fits(source, place):
                    assert await connection.fetch(SOURCES[source][0], place, "data-2", 10) == []
                if place is not None and _fits(source, place):
                    await connection.execute(SOURCES[source][1], place, "data-1", b"x", "data-2")

    asyncio.run(story())


def _fits(source: str, place: str | None) -> bool:
    forms = {
        "certificate": "0{20}",
        "full_view": "0{20}",
        "batch_row": "1/1",
        "batch_error": "1/1",
        "case_content": "0{20}/1",
    }
    return place is None or re.fullmatch(forms.get(source, "a"), place) is not None


def test_an_empty_register_has_nothing_to_move(database: Database) -> None:
    async def story() -> list[int]:
        async with open_pool(database.uri) as pool:

            def again(old: Encrypted) -> bytes:
                raise AssertionError(old)

            return [count async for count in DataKeys(pool).move("data-2", again)]

    assert asyncio.run(story()) == []
