"""Lists of parts among 60,000: of each type and state one index range, as many rows as a page holds."""

import asyncio
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from made_up_cases import AREA, FOOD, HYGIENE, LATER, NOW, opening

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database

from certsvc.domain.case import PENDING, PartState
from certsvc.store.cases import BEFORE_ALL, SQL, PostgresCases
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

pytestmark = pytest.mark.long

FILL = """
set session_replication_role = replica;
insert into application_case (slot, ref, opened_by, key, digest, opened_at, applicant, licence_type)
select get_byte(d, 0) * 16 + get_byte(d, 1) / 16, substring(d for 10), 'portal', 'made-' || n, c.digest, c.opened_at,
  c.applicant, c.licence_type
from application_case c, generate_series(1, 30000) n, sha256(convert_to('made' || n, 'UTF8')) d;
insert into case_part (slot, ref, type_id, place, working_days, state, changed_at, deadline)
select c.slot, c.ref, type_id, place, 10, case when n % 3 = 0 then 'waiting' when n % 3 = 1 then 'refused'
  else 'withdrawn' end, c.opened_at, case when n % 3 = 0 then date '2026-12-01' + n::integer % 90 end
from (select *, row_number() over () as n from application_case where opened_by = 'portal') c,
  (values ('food-permit', 1), ('hygiene', 2)) as type (type_id, place);
analyze;
"""


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    """A database with a case of one counter, and 30,000 of another."""
    database = fresh_database(embedded_server)

    async def fill() -> None:
        async with open_pool(database.uri) as pool:
            await PostgresCases(pool, AREA).open(opening("one", FOOD, HYGIENE), NOW)
        connection = await asyncpg.connect(database.super_uri)
        await connection.execute(FILL)
        await connection.close()

    asyncio.run(fill())
    return database


async def explain(database: Database, *values: object) -> dict[str, Any]:
    """The plan as it is prepared, past the first five runs."""
    connection = await asyncpg.connect(database.uri)
    try:
        for _ in range(6):
            plan = await connection.fetchval("explain (analyze, buffers, format json) " + SQL["parts"], *values)
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


@pytest.mark.parametrize(
    ("states", "after"),
    [
        (sorted(PENDING), BEFORE_ALL),
        (sorted(PENDING), (LATER, 2000, b"\0" * 10, "")),
        ([PartState.REFUSED], BEFORE_ALL),
        ([PartState.REFUSED], (date(9999, 12, 31), 2000, b"\0" * 10, "")),
    ],
)
def test_a_page_of_parts_reads_about_as_many_as_it_shows(
    database: Database, states: list[str], after: tuple[date, int, bytes, str]
) -> None:
    plan = asyncio.run(explain(database, [FOOD], "counter", states, None, *after, 51, None))
    assert plan["Actual Rows"] == 51
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 900
