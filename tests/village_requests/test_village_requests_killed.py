"""Killed at every statement: a request and its approval say the same, and the next try finishes the same work."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from village_people import APPROVER, CLERK, NOW, act, agrees, content, opened, to_approve
from village_room import Village, settled_village

from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import IdentityCheck, hash_of_code
from certsvc.ids import ProgressCode
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import Pool, open_pool
from certsvc.store.proof_requests import PostgresProofRequests

pytestmark = pytest.mark.long

pytest_plugins = ["village_fixtures"]

WHOLE = {
    "a request without its draft": "select count(*) from proof_request where state = 'new' or version = 0",
    "an approval of nothing": "select count(*) from approval a where not exists (select from proof_request_event e "
    "where e.approval_id = a.id)",
    "a request that says another thing than its approval": """select count(*) from proof_request r
        join approval a on a.id = r.approval_id
        where (r.state, a.state) not in (('submitted', 'waiting'), ('approved', 'approved'),
          ('returned', 'returned'))""",
    "an approval that nobody carries out": "select count(*) from approval a where a.state = 'approved' and not exists "
    "(select from job where kind = 'approval' and key = a.id)",
    "an act without its audit": "select (select count(*) from proof_request_event) - (select count(*) from audit "
    "where action like 'proof\\_%')",
    "an act done twice": "select count(*) - count(distinct (request_id, key)) from proof_request_event",
    "a request that was opened twice": "select count(*) - count(distinct code_hash) from proof_request",
}


async def walk_on(pool: Pool, name: str) -> str:
    """From the draft to the approval with one return, beginning wherever an earlier try of the same came to."""
    requests = PostgresProofRequests(pool)
    code_hash = hash_of_code(ProgressCode(name))
    opening = await opened(requests, name, code_hash=code_hash)
    draft = opening.id
    await requests.act(act(draft, ProofAct.IDENTIFY, CLERK, 1, "seen", identity=IdentityCheck.VISIT), None, NOW)
    await submit_once(requests, draft, 2)
    await requests.decide(act(draft, ProofAct.RETURN, APPROVER, 3, reason="补"), False, NOW)
    await requests.act(act(draft, ProofAct.SAVE, CLERK, 4), content("new"), NOW)
    await submit_once(requests, draft, 5)
    await agrees(requests, act(draft, ProofAct.APPROVE, APPROVER, 6))
    return draft


async def submit_once(requests: PostgresProofRequests, draft: str, seen: int) -> None:
    """As `deciding.submit` does it, but for the rehearsal."""
    asked = act(draft, ProofAct.SUBMIT, CLERK, seen)
    if not await requests.acted_before(asked):
        await requests.asking(asked, NOW).ask(to_approve(await requests.request(draft)))


@pytest.mark.long(seconds=25)
def test_killed_before_any_statement_the_next_try_finishes_the_same_request(village_server: EmbeddedServer) -> None:
    village = settled_village(village_server)

    async def run(name: str, number: int | None) -> None:
        async with open_pool(village.database.uri) as pool:
            if number is not None:
                die_before_statement(number)
            draft = await walk_on(pool, name)
            found = await PostgresProofRequests(pool).request(draft)
            assert (found.state, found.version, found.sealed) == (ProofState.APPROVED, 7, b"new")
            assert found.approval_id
            assert len((await PostgresApprovals(pool).approval(found.approval_id)).decisions) == 1

    number, ended = 0, False
    while not ended:
        number += 1
        name = f"walk {number}"
        ended = ran_to_the_end(lambda name=name, number=number: asyncio.run(run(name, number)))  # type: ignore[misc]
        assert counts(village) == dict.fromkeys(WHOLE, 0), number
        asyncio.run(run(name, None))
        assert counts(village) == dict.fromkeys(WHOLE, 0), number
    assert number > 40


def counts(village: Village) -> dict[str, int]:
    found = village.sql(f"select array[{', '.join(f'({statement})' for statement in WHOLE.values())}]")
    return dict(zip(WHOLE, found, strict=True))
