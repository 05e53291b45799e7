"""From approval to a village's sealed proof, by the real walk: what waits is sealed once, what is killed is seen."""

import json
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from demonstration import ROOT, Demonstration, NewHome
from desk import Desk

from certsvc.domain.actor import Actor
from certsvc.domain.approval import Approval, ApprovalState, Decision
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Order
from certsvc.domain.proof_request import VILLAGE_KEY
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealRulesRequest, rules_of
from certsvc.domain.seal_authorisation import (
    AuthorisationRequest,
    NotAuthorised,
    SealWait,
    Terms,
)
from certsvc.domain.seal_book import EVER, BookLine, UseOutcome
from certsvc.issuance.approvals import ask_to_issue, carry_out
from certsvc.issuance.service import Arrow
from certsvc.issuance.village.authorising import authorise, waiting_for
from certsvc.jobs.queue import do_one
from certsvc.log import open_log
from certsvc.settings import load_settings
from certsvc.store.approvals import CARRY_OUT, PostgresApprovals
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import open_pool
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seal_waits import PostgresSealWaits
from certsvc.store.seals import PostgresSeals

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from village_seal_room import confirmed_by
from walked import Walks

pytestmark = pytest.mark.long
SEAL_ID, TYPE = "village-shitang", "tiered-water-proof"
MANAGER, KEEPER, CONFIRMS, APPROVER = "黄卫东", "何婉仪", "演示批准人", "黄志强"
CLERK = Actor(name=KEEPER, scopes=frozenset({"issue:*"}))
Result = TypeVar("Result")


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass
class Village:
    """The demonstration's village over its register, with a worker that does one job at a time."""

    walks: Walks
    arrows: list[str] = field(default_factory=list)

    def told(self, story: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the loop of all tests."""
        return self.walks.desk.run(story)

    async def act(self, act: SealAct, **changed: Any) -> None:
        """The manager acts on the seal."""
        async with open_pool(self.walks.uri) as pool:
            seals, key = PostgresSeals(pool), f"{act} {now().isoformat()}"
            request = SealActRequest(client="test", key=key, seal_id=SEAL_ID, act=act, actor=MANAGER, reason="试")
            if act is SealAct.CHANGE_RULES:
                rules = replace(rules_of((await seals.seal(SEAL_ID, now())).seal), **changed)
                await seals.act(_with_rules(request, rules), now())
            else:
                await seals.act(request, now())

    async def open(self, quota: int) -> None:
        """The keeper opens the seal."""
        async with open_pool(self.walks.uri) as pool:
            first = beijing_date(now())
            terms = Terms(certificate_types=frozenset({TYPE}), quota=quota, first_day=first, last_day=first)
            async with pool.transaction() as connection:
                confirmation = await confirmed_by(connection, KEEPER, terms.digest(SEAL_ID))
            request = AuthorisationRequest(
                key=now().isoformat(), seal_id=SEAL_ID, terms=terms, confirmation=confirmation
            )
            await authorise(PostgresSealAuthorisations(pool), request, now())

    async def close(self) -> None:
        """The keeper takes back what the demonstration opened."""
        async with open_pool(self.walks.uri) as pool:
            authorisations = PostgresSealAuthorisations(pool)
            for each in await authorisations.standings(SEAL_ID, now()):
                await authorisations.revoke(SEAL_ID, each.authorisation.id, KEEPER, "试", now())

    async def approved(self, key: str) -> Approval:
        """A proof that a clerk asked for and somebody else approved."""
        uri = self.walks.uri
        async with self.walks.desk.issuing(self.walks.settings, uri) as issuing, open_pool(uri) as pool:
            approvals = PostgresApprovals(pool)
            asked = await ask_to_issue(issuing, approvals, CLERK, order(f"{VILLAGE_KEY}{key}"), now())
            decision = Decision(person=APPROVER, approves=True, reason=None, at=now())
            return await approvals.decide(asked.asked.id, APPROVER, decision)

    async def work(self) -> bool:
        """One job, if one is due: what it took is in `arrows`."""
        self.arrows.clear()

        def walk(arrow: str, detail: object) -> None:
            self.arrows.append(str(arrow))

        uri = self.walks.uri
        async with (
            self.walks.desk.issuing(self.walks.settings, uri, walk) as issuing,
            open_pool(uri, seconds=60) as pool,
        ):

            async def handle(key: str, at: datetime) -> None:
                await carry_out(issuing, PostgresApprovals(pool), key, at)

            return await do_one(JobQueue(pool), {CARRY_OUT: handle}, now, open_log())

    async def state(self, approval_id: str) -> tuple[ApprovalState, SealWait | None]:
        """How far it has come, and what it waits for."""
        async with open_pool(self.walks.uri) as pool:
            found = await PostgresApprovals(pool).approval(approval_id)
            return found.state, await waiting_for(PostgresSealWaits(pool), approval_id)

    async def newest(self, lines: int) -> list[BookLine]:
        """The end of the book, the oldest line first."""
        async with open_pool(self.walks.uri) as pool:
            return [*await PostgresSealBook(pool).newest(SEAL_ID, None, lines, EVER)][::-1]


def _with_rules(request: SealActRequest, rules: Any) -> SealRulesRequest:
    values = {name: getattr(request, name) for name in ("client", "key", "seal_id", "act", "actor", "reason")}
    return SealRulesRequest(**values, confirmed_by=CONFIRMS, rules=rules)


def order(key: str) -> Order:
    """An order for a proof about water."""
    example = ROOT / "schemas" / TYPE / "v2" / "examples" / "good-zhou.json"
    return Order(client=KEEPER, key=key, type_id=TYPE, payload=json.loads(example.read_text("utf-8")))


@pytest.fixture(scope="module")
def village(demonstration: Demonstration, new_home: NewHome, desk: Desk) -> Iterator[Village]:
    """A copy of the demonstration, whose village's seal is opened beforehand, and closed again."""
    home = demonstration.home.copied_to(new_home())
    server = EmbeddedServer(home.path)
    server.start()
    try:
        made = Village(Walks(load_settings({"CERTSVC_HOME": str(home.path)}), server, desk))
        made.told(made.close())
        yield made
    finally:
        server.stop()


def test_village_a_seal_suspended_after_the_approval_makes_it_wait_say_so_and_be_sealed_once(village: Village) -> None:
    async def story() -> None:
        before = (await village.newest(1))[0].number
        asked = await village.approved("suspended")
        approval_id = asked.asked.id
        await village.act(SealAct.SUSPEND)
        assert await village.work()
        await expects(village, approval_id, "not_enabled")
        assert not await village.work()
        await village.act(SealAct.RESUME)
        assert await village.work()
        await expects(village, approval_id, NotAuthorised.REVOKED)
        assert (await village.newest(1))[0].number == before
        await village.open(1)
        assert await village.work()
        assert await village.state(approval_id) == (ApprovalState.DONE, None)
        (line,) = (await village.newest(2))[1:]
        assert (line.number, line.outcome, line.copies) == (before + 1, UseOutcome.SEALED, 1)
        assert (line.keeper, line.approver, line.handler) == (KEEPER, APPROVER, KEEPER)
        assert not await village.work()
        assert (await village.newest(1))[0] == line

    village.told(story())


async def expects(village: Village, approval_id: str, reason: str) -> None:
    """It is approved, and waits for this."""
    state, wait = await village.state(approval_id)
    assert state is ApprovalState.APPROVED and wait is not None
    assert (wait.reason, wait.seal_id) == (reason, SEAL_ID)
    assert now() - wait.since < timedelta(minutes=2)


def test_village_killed_between_booking_and_publishing_the_book_says_so(village: Village) -> None:
    async def ready() -> tuple[str, int]:
        await village.open(9)
        await village.approved("whole")
        assert await village.work()
        step = village.arrows.index(Arrow.USE_BOOKED) + 1
        asked = await village.approved("killed")
        return asked.asked.id, step

    approval_id, step = village.told(ready())
    dying = replace(order("killed"), key=approval_id, decided_at=now())
    village.walks.issue_and_die(dying, step)

    async def looked() -> None:
        (lost,) = await village.newest(1)
        assert (lost.outcome, lost.copies, lost.approver) == (UseOutcome.NOT_PUBLISHED, 0, APPROVER)
        assert await village.work()
        assert await village.state(approval_id) == (ApprovalState.DONE, None)
        first, second = await village.newest(2)
        assert (first.number, first.outcome) == (lost.number, UseOutcome.SEALED_AGAIN)
        assert (second.number, second.outcome, second.ref) == (lost.number + 1, UseOutcome.SEALED, lost.ref)

    village.told(looked())
