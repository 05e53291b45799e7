"""Who may approve: a person, what another asked for, under each of its seals and in its area; and which day counts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from desk import Desk
from office_room import EVERY_ACT, READS, Caller, Room
from payloads import GROUND, PROOF, SCHEMAS, a_proof, issued

from certsvc.domain.actor import Actor
from certsvc.domain.approval import Decision
from certsvc.domain.calendar import beijing_date
from certsvc.domain.client import ClientKind
from certsvc.domain.issuing import Order
from certsvc.errors import Forbidden
from certsvc.issuance import approvals as approvals_module
from certsvc.issuance.approvals import ask_to_issue, carry_out, decide

pytest_plugins = ["office_fixtures"]

CERTIFICATES, APPROVALS = "/v1/certificates", "/v1/approvals"
JOINT, SEALS = "joint-completion-acceptance", ("housing", "planning", "civil-defence")
"""A permit under three seals."""


async def a_person(room: Room, *scopes: str) -> Caller:
    """Somebody with these scopes."""
    return await room.caller(f"批准人 {' '.join(scopes)}"[:100], frozenset(scopes), ClientKind.PERSON)


async def decided(person: Caller, approval_id: str, approves: bool) -> Any:
    """What they say of it."""
    return await person.post(f"{APPROVALS}/{approval_id}/decisions", {"approves": approves, "reason": "材料不齐"})


async def is_there(person: Caller, approval_id: str) -> bool:
    """Whether a request is there for a person: listed, read and decided, or nothing of it."""
    listed = (await person.get(APPROVALS, params={"limit": 100})).json()["items"]
    read = await person.get(f"{APPROVALS}/{approval_id}")
    is_listed = approval_id in [each["id"] for each in listed]
    assert is_listed is (read.status_code == 200), read.text
    if not is_listed:
        said = await decided(person, approval_id, True)
        assert (said.status_code, said.json()) == (404, read.json()), said.text
    return is_listed


async def waiting_proof(caller: Caller) -> str:
    """A proof that a client asked for."""
    answer = await caller.post(CERTIFICATES, {"type": PROOF, "payload": a_proof()})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def of_three_seals(room: Room, desk: Desk) -> str:
    """A request for a permit under three seals, as a type's policy may put it before a person."""
    example = SCHEMAS / JOINT / "v1" / "examples" / "good-school.json"
    payload = json.loads(example.read_text("utf-8"))
    actor = Actor(name="joint-system", scopes=frozenset({f"issue:{JOINT}"}))
    order = Order(client=actor.name, key="joint", type_id=JOINT, payload=payload)

    async def story() -> str:
        asked = await ask_to_issue(room.office.issuing, room.office.approvals, actor, order, datetime.now(UTC))
        assert set(asked.asked.seals) == set(SEALS)
        return asked.asked.id

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(approvals_module, "needed", lambda *_: 1)
        return desk.run(story())


@pytest.mark.parametrize(
    "scopes",
    [
        *([f"approve:{JOINT}:{seal}" for seal in SEALS if seal != missing] for missing in SEALS),
        *([f"approve:{JOINT}:{seal}"] for seal in SEALS),
        [f"approve:{JOINT}:*:4403"],
        [f"approve:{JOINT}:housing", f"approve:{JOINT}:planning", f"approve:{JOINT}:civil-defence:4403"],
        ["approve:drug-retail", f"read:{JOINT}", f"issue:{JOINT}"],
    ],
    ids=" ".join,
)
def test_a_request_under_several_seals_is_not_there_for_who_may_not_approve_under_each(
    room: Room, of_three_seals: str, desk: Desk, scopes: Sequence[str]
) -> None:
    async def story() -> None:
        assert not await is_there(await a_person(room, *scopes), of_three_seals)

    desk.run(story())


def test_a_request_under_several_seals_is_there_for_who_may_approve_under_each(
    room: Room, of_three_seals: str, desk: Desk
) -> None:
    async def story() -> None:
        person = await a_person(room, *(f"approve:{JOINT}:{seal}:4419" for seal in SEALS))
        assert await is_there(person, of_three_seals)
        assert (await decided(person, of_three_seals, False)).json()["state"] == "returned"

    desk.run(story())


@pytest.mark.long
@pytest.mark.parametrize(
    ("scope", "there"),
    [
        (f"approve:{PROOF}:*:4403", False),
        (f"approve:{PROOF}:*:441999", False),
        (f"approve:{PROOF}:market", False),
        (f"approve:{PROOF}:village-shitang:4403", False),
        (f"approve:{PROOF}:village-shitang:4419", True),
        (f"approve:{PROOF}:*:441900", True),
    ],
)
def test_a_request_is_there_only_for_who_approves_in_its_area_and_under_its_seal(
    room: Room, market: Caller, desk: Desk, scope: str, there: bool
) -> None:
    async def story() -> None:
        assert await is_there(await a_person(room, scope), await waiting_proof(market)) is there

    desk.run(story())


@pytest.mark.long
@pytest.mark.parametrize("approves", [True, False])
def test_a_system_does_not_decide_even_with_the_scope_to(
    room: Room, market: Caller, desk: Desk, approves: bool
) -> None:
    """The database gives no system that scope; were it to, a machine would still not be a person."""

    async def story() -> None:
        approval_id = await waiting_proof(market)
        system = Actor(name="approving-system", scopes=frozenset({"approve:*"}))
        said = Decision(person=system.name, approves=approves, reason="x", at=datetime.now(UTC))
        with pytest.raises(Forbidden):
            await decide(room.office.approvals, market.client, system, approval_id, said)
        assert (await market.get(f"{APPROVALS}/{approval_id}")).json()["state"] == "waiting"

    desk.run(story())


@pytest.mark.long
def test_a_person_does_not_approve_what_they_asked_for_even_with_the_scope_to(room: Room, desk: Desk) -> None:
    async def story() -> None:
        person = await room.caller("申请人甲", EVERY_ACT | READS | {"approve:*"}, ClientKind.PERSON)
        approval_id = await waiting_proof(person)
        answer = await decided(person, approval_id, True)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
        assert (await person.get(f"{APPROVALS}/{approval_id}")).json()["state"] == "waiting"

    desk.run(story())


@pytest.mark.long
def test_an_act_holds_from_the_day_of_the_approval_and_not_from_the_day_it_is_carried_out(
    room: Room, market: Caller, approver: Caller, desk: Desk
) -> None:
    """Approved tomorrow; the worker comes back two days later."""

    async def story() -> None:
        made = await issued(market)
        path = f"{CERTIFICATES}/{made['code']}"
        asked = (await market.post(f"{path}/acts", {"act": "suspend", "ground": GROUND})).json()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        said = Decision(person=approver.client.name, approves=True, reason=None, at=tomorrow)
        await room.office.approvals.decide(asked["id"], approver.client.id, said)
        await carry_out(room.issuing, room.office.approvals, asked["id"], tomorrow + timedelta(days=2))
        event = (await market.get(f"{path}/history")).json()["events"][-1]
        assert (event["act"], event["effective"]) == ("suspend", beijing_date(tomorrow).isoformat())
        assert datetime.fromisoformat(event["recorded_at"]) == tomorrow + timedelta(days=2)

    desk.run(story())
