"""A scan and a search among 50,000 certificates: index ranges, few pages."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database, open_register
from made_up import NOW, TODAY, issue, licence, permit

from certsvc.domain.scope import parse_scope
from certsvc.domain.search import HolderSearch, Search
from certsvc.domain.states import Status
from certsvc.ids import Ref, Uscc, ref_from_bytes
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.plan import plan_each
from certsvc.store.reader import SQL
from certsvc.store.search import SQL as SEARCH
from certsvc.store.search import values, values_of_holder

pytestmark = pytest.mark.long

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
insert into holder (slot, ref, place, name, code_kind, code)
select slot, ref, 1, 'x', '001', lpad(number, 18, '0') from certificate c
where not exists (select from holder h where h.ref = c.ref);
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


ALL = (parse_scope("read:*"),)
MANY = ref_from_bytes(bytes(9) + b"\1")
SOUGHT: dict[str, tuple[dict[str, Any], str]] = {
    "everything": ({}, "certificate_by_reservation"),
    "a later page": ({"after": (NOW, MANY)}, "certificate_by_reservation"),
    "a type": ({"type_id": "food-permit"}, "certificate_by_type"),
    "a type that is not there": ({"type_id": "none"}, "certificate_by_type"),
    "a number": ({"number": "5000"}, "certificate_by_number"),
    "a business": ({"subject": Uscc("000000000000005000")}, "certificate_by_subject"),
    "the permits of a licence": ({"licence": MANY}, "certificate_by_root"),
    "what is valid": ({"status": Status.VALID}, "certificate_by_reservation"),
}


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Database:
    """One that holds 50,000."""
    database = fresh_database(server)

    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            await issue(register, permit())
        await fill(database)

    asyncio.run(story())
    return database


@pytest.mark.parametrize("what", SOUGHT)
def test_a_search_among_fifty_thousand_goes_by_an_index(filled: Database, what: str) -> None:
    asked, index = SOUGHT[what]
    plan = asyncio.run(planned(filled, "search", values(Search(reach=ALL, on=TODAY, **asked))))
    require_few_pages(plan, index)


def test_what_a_holder_has_is_found_by_an_index(filled: Database) -> None:
    for code, code_hash, index in (("000000000000005000", None, "holder_by_code"), (None, b"x" * 32, "holder_by_hash")):
        asked = HolderSearch(reach=ALL, on=TODAY, code=code, code_hash=code_hash)
        require_few_pages(asyncio.run(planned(filled, "held_by", values_of_holder(asked))), index)


def require_few_pages(plan: dict[str, Any], index: str) -> None:
    """It goes by this index."""
    kinds = {node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == "certificate"}
    assert kinds and kinds <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
    assert index in {node.get("Index Name") for node in nodes(plan)}
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 500


def test_what_scopes_cover_is_an_expression_in_the_plan_and_no_call_for_every_row(filled: Database) -> None:
    """Fifty times as fast, where nothing is in reach and every certificate is looked at."""
    beyond = (parse_scope("read:*:*:4403"),)
    plan = asyncio.run(planned(filled, "search", values(Search(reach=beyond, on=TODAY))))
    told = json.dumps(plan)
    assert plan["Actual Rows"] == 0 and "scopes_cover" not in told and "scope_patterns" not in told
    assert "~~ ANY ('{read:%:%:4403%" in told


async def planned(database: Database, name: str, sought: tuple[Any, ...]) -> dict[str, Any]:
    """The plan of a search, as it is asked for the tenth time."""
    connection = await asyncpg.connect(database.uri)
    try:
        for _ in range(10):
            async with connection.transaction():
                await plan_each(connection)
                statement = "explain (analyze, buffers, format json) " + SEARCH[name]
                plan = await connection.fetchval(statement, *sought)
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found
