"""The work is with what changes: following notices, days and lives among 50,000 certificates goes by indexes."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from listed import NOW, TYPED_SEAL, Database, begin, fresh_database, licence, open_register, permit
from test_store_plan import fill, nodes

from certsvc.domain.calendar import beijing_date
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.status_lists import SQL

pytestmark = pytest.mark.long

pytest_plugins = ["status_fixtures"]

TODAY = beijing_date(NOW)
MORE = """
set session_replication_role = replica;
insert into notice (position, at, kind, client, slot, ref, type_id, seal_id, area, data, action)
select row_number() over (order by slot, ref) + 10, issued_at, 'certificate.issue', null, slot, ref, type_id, seal_id,
  '441900', '{}', 'read'
from certificate where life_ref = ref;
insert into status_due (day, slot, life_ref) select date '2027-01-01' + number_of % 1000, slot, ref
from (select slot, ref, row_number() over () ::integer as number_of from certificate where life_ref = ref) one;
analyze;
"""


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Database:
    """One that holds 50,000, each with a notice and a day on which it is due."""
    database = fresh_database(server)

    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([TYPED_SEAL], NOW)
            await begin(register, licence(), NOW)
            await begin(register, permit(), NOW)
        await fill(database)
        connection = await asyncpg.connect(database.super_uri)
        await connection.execute(MORE)
        await connection.close()

    asyncio.run(story())
    return database


async def planned(database: Database, name: str, *values: Any) -> dict[str, Any]:
    """The plan as the worker runs it, for the tenth time."""
    connection = await asyncpg.connect(database.uri)
    try:
        for _ in range(10):
            async with connection.transaction():
                plan = await connection.fetchval("explain (analyze, buffers, format json) " + SQL[name], *values)
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


def require_few_pages(plan: dict[str, Any], most: int) -> None:
    """No table with a row for each certificate is read from end to end."""
    kinds = {(node.get("Relation Name"), node["Node Type"]) for node in nodes(plan) if "Relation Name" in node}
    assert all(kind != "Seq Scan" for name, kind in kinds if name != "notice_end"), kinds
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < most


def test_what_was_told_last_is_found_by_its_positions(filled: Database) -> None:
    plan = asyncio.run(planned(filled, "told", 40_000, 40_100))
    assert plan["Actual Rows"] == 100
    require_few_pages(plan, 1500)


def test_what_is_due_is_found_by_its_day(filled: Database) -> None:
    nothing = asyncio.run(planned(filled, "take_due", TODAY, 200))
    assert nothing["Actual Rows"] == 0
    require_few_pages(nothing, 50)


def test_the_walk_goes_on_where_it_was(filled: Database) -> None:
    plan = asyncio.run(planned(filled, "walk", 2000, bytes(10), 200))
    assert plan["Actual Rows"] == 200
    require_few_pages(plan, 1500)


def test_what_hangs_on_one_life_is_a_few_index_ranges(filled: Database) -> None:
    async def lives(category: str) -> tuple[list[int], list[bytes]]:
        connection = await asyncpg.connect(filled.uri)
        rows = await connection.fetch(
            "select slot, ref from certificate where category = $1 and life_ref = ref limit 20", category
        )
        await connection.close()
        return [row["slot"] for row in rows], [row["ref"] for row in rows]

    for category, rows in (("licence", 100), ("permit", 40)):
        slots, refs = asyncio.run(lives(category))
        plan = asyncio.run(planned(filled, "gather", slots, refs, TODAY))
        assert rows - 10 <= plan["Actual Rows"] <= rows
        require_few_pages(plan, 3000)
