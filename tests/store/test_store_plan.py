"""A scan among 50,000 certificates: one index range, few pages."""

import asyncio
import json
from typing import Any

import asyncpg
from embedded_fixture import Database, open_register
from made_up import NOW, TODAY, issue, licence, permit

from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.reader import SQL

pytest_plugins = ["store_fixtures"]

FILL = """
set session_replication_role = replica;
with
  licence as (
    select id, slot_of(raw) as slot, raw as ref from (
      select id, substring(sha256(convert_to('licence' || id, 'UTF8')) for 10) as raw
      from generate_series(1, 10000) as id
    ) made
  ),
  permit as (
    select licence.id * 10 + n as id, licence.slot, licence.ref as root_ref,
      substring(licence.ref for 2) || substring(sha256(convert_to(licence.id || ' ' || n, 'UTF8')) for 8) as ref
    from licence, generate_series(1, 4) as n
  ),
  made as (
    select slot, ref, ref as root_ref, 'licence' as category, 1 as type_number, id from licence
    union all
    select slot, ref, root_ref, 'permit', 2, id from permit
  )
insert into certificate (slot, ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
  holder_name, holder_code_kind, subject, issuer_name, issuer_uscc, seal_id, valid_from, list_name, list_index,
  public_fields, sealed_payload, payload_key_id, reserved_at, token, issued_at, life_ref, act, takes_over)
select m.slot, m.ref, m.root_ref, m.category, 't', 1, m.type_number, m.id, 1, m.type_number || '.' || m.id,
  c.holder_name, c.holder_code_kind, case m.category when 'licence' then to_char(m.id, 'FM000000000000000000') end,
  c.issuer_name, c.issuer_uscc, c.seal_id, c.valid_from, m.type_number || '', m.id,
  c.public_fields, c.sealed_payload, c.payload_key_id, c.reserved_at, c.token, c.issued_at, m.ref, c.act,
  c.takes_over
from made m, certificate c where c.category = 'licence';
insert into event (slot, ref, act, status, effective, recorded_at, actor, organ, retroactive, version_ref)
select slot, ref, 'issue', 'valid', valid_from, issued_at, 'test', 'issuer', false, ref from certificate c
where not exists (select from event e where e.ref = c.ref);
insert into status_period (slot, ref, status, valid, known, event_id, life_ref, conditions)
select slot, ref, status, daterange(effective, null), tstzrange(recorded_at, null), id, ref, '[]' from event e
where not exists (select from status_period p where p.ref = e.ref);
insert into application_case (slot, ref, opened_by, key, digest, opened_at, applicant, licence_slot, licence_ref)
select slot, substring(ref for 2) || substring(sha256('case' || ref) for 8), 'desk', number, sha256(ref), issued_at,
  'x', slot, ref
from certificate where category = 'licence';
insert into case_part (slot, ref, type_id, place, working_days, state, changed_at, deadline)
select slot, ref, 'type ' || place, place, 10, 'accepted', opened_at, '2026-12-31'
from application_case, generate_series(1, 2) place;
insert into external_page (slot, ref, file, page, x_mm, y_mm, module_mm)
select slot, ref, sha256(ref), 1, 10, 10, 0.5 from certificate where category = 'licence';
analyze;
"""


async def fill(database: Database) -> None:
    connection = await asyncpg.connect(database.super_uri)
    try:
        await connection.execute(FILL)
    finally:
        await connection.close()


async def explain(database: Database, ref: Ref) -> dict[str, Any]:
    """The plan as the public role runs it, prepared as asyncpg prepares it, past the first five runs."""
    connection = await asyncpg.connect(database.public_uri)
    try:
        for _ in range(6):
            plan = await connection.fetchval(
                "explain (analyze, buffers, format json) " + SQL["gather"], ref.slot, ref.to_bytes(), TODAY, NOW
            )
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


async def first_permit(database: Database, root: Ref) -> Ref:
    connection = await asyncpg.connect(database.uri)
    try:
        statement = "select ref from certificate where root_ref = $1 and ref <> $1 limit 1"
        return ref_from_bytes(await connection.fetchval(statement, root.to_bytes()))
    finally:
        await connection.close()


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


def test_a_scan_among_fifty_thousand_reads_one_index_range(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            await issue(register, licence())
            await issue(register, permit())
            await fill(database)
            refs = await asyncpg.connect(database.uri)
            row = await refs.fetchrow("select ref from certificate where category = 'licence' and number = '5000'")
            assert await refs.fetchval("select count(*) from certificate") == 50_002
            await refs.close()
            assert row is not None
            ref = ref_from_bytes(row["ref"])
            plan = await explain(database, ref)
            kinds = {(node.get("Relation Name"), node["Node Type"]) for node in nodes(plan) if "Relation Name" in node}
            assert {kind for _, kind in kinds} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, kinds
            assert "certificate_by_root" in {node.get("Index Name") for node in nodes(plan)}
            assert plan["Actual Rows"] == 5
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 80
            one = await explain(database, await first_permit(database, ref))
            assert one["Actual Rows"] == 2
            gathered = await reader.gather(ref, TODAY, NOW)
            assert gathered is not None and len(gathered.permits) == 4 and len(gathered.pending) == 2

    asyncio.run(story())
