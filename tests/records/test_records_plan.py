"""The records of one business among 50,000: one index look-up, few pages."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certsvc.ids import Uscc, slot_of_licence
from certsvc.issuance.records.reporting import put_record
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.records import MOST_ELSEWHERE, SQL

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from record_desk import COMPANY, FEEDER, FIRE, NOW, put_form, recording

pytestmark = pytest.mark.long

FILL = """
set session_replication_role = replica;
insert into record (slot, source_id, source_ref, subject, observed_at, received_at, digest, fields, warnings,
  contradicted)
select (get_byte(d, 0) * 16 + get_byte(d, 1) / 16)::smallint, r.source_id, 'made-' || n,
  to_char(n / 4, 'FM000000000000000000'), r.observed_at, r.received_at, r.digest, r.fields, r.warnings, false
from record r, generate_series(1, 50000) n, sha256(convert_to('made' || n / 4, 'UTF8')) d where r.source_ref = '1';
analyze;
"""


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    """A database with two records of one business, and 50,000 of others."""
    database = fresh_database(embedded_server)

    async def fill() -> None:
        async with recording(database, FIRE) as desk:
            for number in ("1", "2"):
                await put_record(desk, FEEDER, "fire", number, put_form(), number, NOW)
        connection = await asyncpg.connect(database.super_uri)
        await connection.execute(FILL)
        await connection.close()

    asyncio.run(fill())
    return database


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


async def explain(database: Database) -> dict[str, Any]:
    """The plan as the public role runs it, prepared as asyncpg prepares it, past the first five runs."""
    connection = await asyncpg.connect(database.public_uri)
    try:
        for _ in range(6):
            values = slot_of_licence(Uscc(COMPANY)), COMPANY, MOST_ELSEWHERE
            plan = await connection.fetchval("explain (analyze, buffers, format json) " + SQL["elsewhere"], *values)
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


def test_the_records_of_one_business_are_one_index_look_up(database: Database) -> None:
    plan = asyncio.run(explain(database))
    assert plan["Actual Rows"] == 2
    by_table = {node["Relation Name"]: node for node in nodes(plan) if "Relation Name" in node}
    assert by_table["record"]["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert "record_by_subject" in {node.get("Index Name") for node in nodes(plan)}
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 40
