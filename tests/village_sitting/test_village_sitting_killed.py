"""A sitting that is killed before any statement: all of it is done or nothing, the marks stay, and it is confirmed
again."""

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from dying import die_before_statement, ran_to_the_end
from sitting_people import agreed_of, confirm, look, sitting, wait_for
from village_people import APPROVER, NOW, account_of
from village_room import settled_village

from certsvc.domain.proof_acts import ProofState
from certsvc.domain.sitting import Agreed
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.proof_requests import PostgresProofRequests

pytestmark = pytest.mark.long
pytest_plugins = ["village_fixtures"]

USED = "select count(*) from account_confirmation where used_at is not null"
HALF = """select count(*) from proof_confirmation c where (select count(*) from proof_request_event e
    where e.confirmation = c.confirmation) <> array_length(string_to_array(c.what, E'\\n'), 1) - 1"""
UNDONE = """select count(*) from proof_request r join approval a on a.id = r.approval_id
    where (r.state, a.state) not in (('submitted', 'waiting'), ('approved', 'approved'))"""
NO_JOB = """select count(*) from approval a where a.state = 'approved'
    and not exists (select from job where kind = 'approval' and key = a.id)"""
WHOLE = HALF, UNDONE, NO_JOB


class Story:
    """One sitting of three, as it is prepared, tried and looked at."""

    def __init__(self, uri: str, name: str) -> None:
        self._uri, self._name = uri, name
        self.agreed = asyncio.run(self._prepared())

    async def _prepared(self) -> tuple[Agreed, ...]:
        async with open_pool(self._uri) as pool:
            requests = PostgresProofRequests(pool)
            agreed = agreed_of(*await wait_for(requests, self._name, 3))
            await look(requests, agreed)
            for one in agreed:
                await requests.mark(account_of(APPROVER), one.request_id, one.seen, NOW)
            return agreed

    async def sit(self, dies_before: int | None) -> None:
        """As the page does it: confirmed anew, unless it is known to be done."""
        async with open_pool(self._uri) as pool:
            if dies_before is not None:
                die_before_statement(dies_before)
            requests = PostgresProofRequests(pool)
            if await requests.became(account_of(APPROVER), key=self._name) is None:
                await requests.agree(sitting(self.agreed, self._name, await confirm(requests, self.agreed)), NOW)

    async def stands(self) -> tuple[set[ProofState], int]:
        """The states of its requests, and how many marks there are."""
        async with open_pool(self._uri) as pool:
            requests = PostgresProofRequests(pool)
            states = {(await requests.request(one.request_id)).state for one in self.agreed}
            seen = await requests.seen(account_of(APPROVER), [one.request_id for one in self.agreed])
            return states, sum(at is not None for at in seen.values())


@pytest.mark.long(seconds=20)
def test_killed_before_any_statement_a_sitting_is_whole_and_confirmed_again(village_server: EmbeddedServer) -> None:
    village = settled_village(village_server)
    number, ended = 0, False
    while not ended:
        number += 1
        story = Story(village.database.uri, f"sitting {number}")
        ended = ran_to_the_end(lambda story=story, number=number: asyncio.run(story.sit(number)))  # type: ignore[misc]
        assert asyncio.run(story.stands()) in (({ProofState.SUBMITTED}, 3), ({ProofState.APPROVED}, 0)), number
        asyncio.run(story.sit(None))
        assert asyncio.run(story.stands())[0] == {ProofState.APPROVED}
        assert [village.sql(statement) for statement in WHOLE] == [0, 0, 0], number
        assert village.sql(USED) == number, "one confirmation was used up for each"
    assert number > 25
