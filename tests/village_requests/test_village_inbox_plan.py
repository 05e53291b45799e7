"""A page of the inbox among 40,000 requests of many villages reads about as many rows as it shows."""

import asyncio
import json
from datetime import date
from typing import Any

import asyncpg
import pytest
from village_people import APPROVER, CLERK, TODAY, VILLAGE, account_of, opened, submitted
from village_room import Village

from certsvc.store.pool import Pool
from certsvc.store.proof_requests import BEFORE_ALL, SQL, PostgresProofRequests

pytestmark = pytest.mark.long

pytest_plugins = ["village_fixtures"]

FILL = """
set session_replication_role = replica;
insert into organ (uscc, kind, name, area) select 'made-up-organ-' || lpad(n::text, 4, '0'), 'village', 'x', '441900'
from generate_series(1, 20) n;
insert into proof_request (id, organ, type_id, origin, opened_by, key, digest, opened_at, code_hash, due, version,
  state, changed_at, handler, identity_how, identity_by, identity_at, consent_what, consent_how, consent_at,
  approval_id, shown, sealed, key_id)
select 'v-' || translate(lpad(n::text, 20, '0'), '0123456789', 'abcdefghij'),
  case when n % 20 = 0 then r.organ else 'made-up-organ-' || lpad((n % 20)::text, 4, '0') end, r.type_id, r.origin,
  'made', n::text, r.digest, r.opened_at, sha256(n::text::bytea), date '2026-12-01' + (n / 20 % 90)::integer, r.version,
  r.state, r.changed_at, r.handler, r.identity_how, r.identity_by, r.identity_at, r.consent_what, r.consent_how,
  r.consent_at, r.approval_id, 'x', 'x', 'x'
from generate_series(1, 40000) n, proof_request r
where r.opened_by <> 'made' and r.state = case when n % 40 < 20 then 'draft' else 'submitted' end;
analyze;
"""


@pytest.fixture(scope="module")
def filled(village: Village) -> Village:
    """The village with 2,000 open requests, and twenty villages beside it."""

    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        await opened(requests, "draft")
        await submitted(requests, "waiting")
        connection = await asyncpg.connect(village.database.super_uri)
        await connection.execute(FILL)
        await connection.close()

    village.tell(story)
    assert village.sql("select count(*) from proof_request where organ = $1", VILLAGE) == 2002
    return village


@pytest.mark.parametrize(("name", "mine"), [(CLERK, True), (CLERK, False), (APPROVER, True), (APPROVER, False)])
@pytest.mark.parametrize("after", [BEFORE_ALL, (date(2027, 1, 15), "")])
def test_a_page_reads_about_as_many_as_it_shows(
    filled: Village, name: str, mine: bool, after: tuple[date, str]
) -> None:
    async def plan() -> dict[str, Any]:
        connection = await asyncpg.connect(filled.database.uri)
        turns = ["clerk", "approver", "sealing"]
        values = VILLAGE, turns, account_of(name), *after, 21, name == CLERK, name == APPROVER, mine, TODAY
        try:
            for _ in range(6):
                plan = await connection.fetchval("explain (analyze, buffers, format json) " + SQL["inbox"], *values)
        finally:
            await connection.close()
        found: dict[str, Any] = json.loads(plan)[0]["Plan"]
        return found

    found = asyncio.run(plan())
    assert found["Actual Rows"] == 21
    assert found["Shared Hit Blocks"] + found["Shared Read Blocks"] < 2500
