"""A request on record: two people at least, whatever way is tried; no version passed over; no neighbour; nothing after
approval."""

import asyncio
import hashlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from village_people import (
    APPROVER,
    AUDITOR,
    CLERK,
    CONSENT,
    NOW,
    OTHER,
    PROOF,
    SECOND,
    STRANGER,
    TODAY,
    VILLAGE,
    account_of,
    act,
    agrees,
    approved,
    content,
    handover,
    identified,
    member,
    opened,
    submitted,
    to_approve,
)
from village_room import Village, settled_village

from certsvc.domain.approval import ApprovalState, Decision
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import LAPSES_AFTER_DAYS, IdentityCheck, Turn, hash_of_code
from certsvc.errors import ActNotAllowed, ChangedMeanwhile, Conflict, Forbidden, KeyReused, NotFound, StoreError
from certsvc.ids import new_progress_code
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["village_fixtures"]

DECIDE = """insert into approval_decision (approval_id, person, client, approves, at)
    select approval_id, $2, 'x', true, $3 from proof_request where id = $1"""
EVENT = """insert into proof_request_event (request_id, version, act, state, account, person, at)
    select id, version + 1, $2, 'x', $3, $4, $5 from proof_request where id = $1"""


async def refused(work: Awaitable[Any], *kind: type[Exception]) -> str:
    with pytest.raises(kind) as met:
        await work
    return str(met.value)


def test_from_draft_to_approval_and_back_once(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "walk")
        assert (request.state, request.version, request.handler_name) == (ProofState.SUBMITTED, 3, CLERK)
        back = await requests.decide(act(request, ProofAct.RETURN, APPROVER, reason="人数不符"), False, NOW)
        assert (back.state, back.outcome) == (ProofState.RETURNED, ApprovalState.RETURNED)
        saved = await requests.act(act(back, ProofAct.SAVE, CLERK), content("y"), NOW)
        assert saved.identity is IdentityCheck.IN_PERSON
        await requests.asking(act(saved, ProofAct.SUBMIT, CLERK), NOW).ask(to_approve(saved))
        again = await requests.request(saved.id)
        done = await agrees(requests, act(again, ProofAct.APPROVE, APPROVER))
        assert (done.state, done.outcome, done.turn) == (ProofState.APPROVED, ApprovalState.APPROVED, Turn.SEALING)
        events = [event.act.value for event in await requests.events(done.id)]
        assert events == ["open", "identify", "submit", "return", "save", "submit", "approve"]
        assert len(await requests.rounds(done.id, 9)) == 2

    village.tell(story)


def test_what_came_of_the_approval_moves_the_request_with_it(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        approvals = PostgresApprovals(pool)
        done, failed = await approved(requests, "done"), await approved(requests, "failed")
        assert done.approval_id and failed.approval_id
        for _ in range(2):
            await approvals.finish(done.approval_id, ApprovalState.DONE, {"code": "c"}, NOW)
            await approvals.finish(failed.approval_id, ApprovalState.FAILED, {"error": {}}, NOW)
        assert (await requests.request(done.id)).state is ProofState.SEALED
        stuck = await requests.request(failed.id)
        assert (stuck.state, stuck.outcome) == (ProofState.APPROVED, ApprovalState.FAILED)
        open_again = await requests.act(act(stuck, ProofAct.REOPEN, CLERK, reason="印章停用"), None, NOW)
        assert open_again.state is ProofState.RETURNED
        sealed = await requests.request(done.id)
        await refused(requests.act(act(sealed, ProofAct.REOPEN, CLERK, reason="x"), None, NOW), ActNotAllowed)

    village.tell(story)


@pytest.mark.parametrize("makes", ["submits", "types", "checks"])
def test_who_had_a_hand_in_it_never_approves(village: Village, makes: str) -> None:
    """SECOND may fill in and may approve, but never both in one request."""

    async def story(requests: PostgresProofRequests, pool: Pool) -> str:
        key = f"four eyes {makes}"
        if makes == "submits":
            request = await submitted(requests, key, SECOND)
        else:
            request = await opened(requests, key)
            if makes == "checks":
                asked = act(request, ProofAct.IDENTIFY, SECOND, identity=IdentityCheck.VISIT)
                request = await requests.act(asked, None, NOW)
            else:
                request = await requests.act(act(request, ProofAct.SAVE, SECOND), None, NOW)
                asked = act(request, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.VISIT)
                request = await requests.act(asked, None, NOW)
            await requests.asking(act(request, ProofAct.SUBMIT, CLERK), NOW).ask(to_approve(request))
            request = await requests.request(request.id)
        await refused(agrees(requests, act(request, ProofAct.APPROVE, SECOND)), Forbidden)
        await refused(requests.decide(act(request, ProofAct.RETURN, SECOND, reason="x"), False, NOW), Forbidden)
        assert request.approval_id
        decision = Decision(person=SECOND, approves=True, reason=None, at=NOW)
        for forged in (SECOND, APPROVER):  # past the use case; and the second past the request too
            said = Decision(person=forged, approves=True, reason=None, at=decision.at)
            await refused(PostgresApprovals(pool).decide(request.approval_id, "x", said), Forbidden, StoreError)
        assert (await requests.request(request.id)).state is ProofState.SUBMITTED
        return request.id

    request_id = village.tell(story)
    assert village.refused(DECIDE, request_id, SECOND, NOW) in (
        "four_eyes",
        "nobody approves what they asked for themselves",
    )
    assert "stale" in village.refused(
        EVENT.replace("version + 1", "version + 2"), request_id, "approve", None, "x", NOW
    )
    for who, why in ((SECOND, "four_eyes"), (APPROVER, "another_approval"), (CLERK, "not_appointed")):
        assert village.refused(EVENT, request_id, "approve", account_of(who), who, NOW) == why
    assert village.refused(EVENT, request_id, "approve", account_of(APPROVER), SECOND, NOW) == "another_name"
    assert village.refused(EVENT, request_id, "approve", None, APPROVER, NOW) == "not_appointed"
    assert "newest event" in village.refused("update proof_request set state = 'approved' where id = $1", request_id)
    approve = "update approval set state = 'approved' where id = (select approval_id from proof_request where id = $1)"
    assert "not everybody" in village.refused(approve, request_id)


def test_an_approval_decided_without_the_request_is_undone(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "past the request")
        assert request.approval_id
        decision = Decision(person=APPROVER, approves=True, reason=None, at=NOW)
        said = await refused(PostgresApprovals(pool).decide(request.approval_id, "x", decision), StoreError)
        assert "decided with its approval" in said
        assert (await PostgresApprovals(pool).approval(request.approval_id)).state is ApprovalState.WAITING

    village.tell(story)


@pytest.mark.parametrize("name", [AUDITOR, STRANGER, "新人"])
def test_who_audits_and_who_is_of_another_village_write_nothing(village: Village, name: str) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        key = f"others {name}"
        await refused(opened(requests, f"{key} opens", name), Forbidden)
        draft, waiting = await identified(requests, f"{key} draft"), await submitted(requests, f"{key} waiting")
        for asked in (
            act(draft, ProofAct.SAVE, name),
            act(draft, ProofAct.IDENTIFY, name, identity=IdentityCheck.VISIT),
            act(draft, ProofAct.WITHDRAW, name),
        ):
            await refused(requests.act(asked, None, NOW), Forbidden)
        await refused(requests.asking(act(draft, ProofAct.SUBMIT, name), NOW).ask(to_approve(draft, name)), Forbidden)
        await refused(agrees(requests, act(waiting, ProofAct.APPROVE, name)), Forbidden)
        assert (await requests.request(waiting.id)).version == waiting.version

    village.tell(story)


def test_without_a_check_of_identity_or_consent_nothing_is_submitted(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await opened(requests, "unknown", None)
        asking = requests.asking(act(request, ProofAct.SUBMIT, CLERK), NOW)
        assert "Nobody has recorded" in await refused(asking.ask(to_approve(request)), ActNotAllowed)
        assert await PostgresApprovals(pool).of_request(CLERK, to_approve(request).key) is None
        checked = act(request, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.OPENID)
        known = await requests.act(checked, None, NOW)
        assert (known.identity, known.identity_by) == (IdentityCheck.OPENID, CLERK)
        another = await requests.act(act(known, ProofAct.SAVE, None), content("z", "another holder"), NOW)
        assert another.identity is None, "another person is named: nobody has seen that one"
        assert another.consent is None, "and what somebody else agreed to is not theirs"
        agreed = act(another, ProofAct.SAVE, None, consent=CONSENT)
        third = await requests.act(agreed, content("z", "a third holder"), NOW)
        assert third.consent == CONSENT, "what they agreed to when they were named stands"

    village.tell(story)


def test_two_approvers_at_once_are_one_approval(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        for number in range(5):
            request = await submitted(requests, f"at once {number}")
            both = [agrees(requests, act(request, ProofAct.APPROVE, name)) for name in (APPROVER, SECOND)]
            said = await asyncio.gather(*both, return_exceptions=True)
            assert sorted(type(one).__name__ for one in said) == ["ChangedMeanwhile", "ProofRequest"]
            assert request.approval_id
            assert len((await PostgresApprovals(pool).approval(request.approval_id)).decisions) == 1

    village.tell(story)


def test_what_is_sent_twice_is_done_once(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        code_hash = hash_of_code(new_progress_code())
        one, two = [await opened(requests, "twice", code_hash=code_hash) for _ in range(2)]
        assert one == two
        checked = act(one, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.VISIT)
        assert await requests.act(checked, None, NOW) == await requests.act(checked, None, NOW)
        waiting = await submitted(requests, "twice submitted")
        asked = act(waiting, ProofAct.APPROVE, APPROVER)
        assert await agrees(requests, asked) == await agrees(requests, asked)
        await refused(requests.decide(act(waiting, ProofAct.RETURN, APPROVER, key=asked.key), False, NOW), KeyReused)

    village.tell(story)


def test_a_draft_saved_while_the_line_dropped_is_neither_lost_nor_saved_over(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await opened(requests, "line")
        first = act(request, ProofAct.SAVE, CLERK, key="first")
        saved = await requests.act(first, content("first"), NOW)
        assert await requests.act(first, content("first"), NOW) == saved, "the answer was lost, and it is sent again"
        late = act(request, ProofAct.SAVE, SECOND, key="late")
        await refused(requests.act(late, content("late"), NOW), ChangedMeanwhile)
        second = await requests.act(act(saved, ProofAct.SAVE, SECOND), content("second"), NOW)
        assert (second.sealed, second.version, second.handler_name) == (b"second", 3, SECOND)

    village.tell(story)


def test_nothing_changes_after_approval(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> tuple[str, str]:
        waiting, done = await submitted(requests, "waits still"), await approved(requests, "done for good")
        for request, asked in ((waiting, ProofAct.SAVE), (done, ProofAct.SAVE), (done, ProofAct.WITHDRAW)):
            await refused(requests.act(act(request, asked, CLERK), content("other"), NOW), ActNotAllowed)
        await refused(requests.decide(act(done, ProofAct.RETURN, SECOND, reason="x"), False, NOW), Conflict)
        return waiting.id, done.id

    for request_id in village.tell(story):
        assert village.refused("update proof_request set sealed = 'x' where id = $1", request_id) == "wrong_state"
        assert village.refused("update proof_request set holder_hash = null where id = $1", request_id)
        assert village.refused("update proof_request set organ = $2 where id = $1", request_id, OTHER)
        assert village.refused("delete from proof_request where id = $1", request_id)
        assert village.refused("update proof_request_event set reason = 'x' where request_id = $1", request_id)


def test_what_is_withdrawn_is_taken_from_those_who_approve(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "withdrawn")
        gone = await requests.act(act(request, ProofAct.WITHDRAW, None), None, NOW)
        assert (gone.state, gone.outcome, gone.turn) == (ProofState.WITHDRAWN, ApprovalState.WITHDRAWN, None)
        await refused(agrees(requests, act(gone, ProofAct.APPROVE, APPROVER)), Conflict)

    village.tell(story)


def test_what_requests_say_goes_some_time_after_their_end(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        draft, waiting = await opened(requests, "kept draft"), await submitted(requests, "kept waiting")
        later = NOW + timedelta(days=LAPSES_AFTER_DAYS + 1)
        assert await requests.erase(later, later) >= 0
        assert (await requests.request(draft.id)).sealed and (await requests.request(waiting.id)).sealed
        assert await requests.lapse(later, "长期未办", later) >= 1
        lapsed = await requests.request(draft.id)
        assert (lapsed.state, (await requests.events(draft.id))[-1].reason) == (ProofState.WITHDRAWN, "长期未办")
        assert await requests.erase(later, later) == 0, "it has only just ended"
        assert await requests.erase(later + timedelta(days=1), later) >= 1
        erased = await requests.request(draft.id)
        assert (erased.sealed, erased.shown, erased.holder_hash) == (None, None, None)
        assert (await requests.request(waiting.id)).sealed
        done = await submitted(requests, "kept withdrawn")
        gone = await requests.act(act(done, ProofAct.WITHDRAW, None), None, NOW)
        await requests.erase(later, later)
        assert gone.approval_id
        assert (await PostgresApprovals(pool).approval(gone.approval_id)).asked.sealed_request == b""
        assert (await PostgresApprovals(pool).approval(waiting.approval_id or "")).asked.sealed_request

    village.tell(story)


def test_village_what_a_clerk_had_who_went_stayed_in_other_hands_for_ever(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        organs, later = PostgresOrgans(pool), TODAY + timedelta(days=400)
        theirs = await opened(requests, "of who goes", SECOND)
        (duty,) = [
            one.id
            for one in await organs.appointments(VILLAGE)
            if one.account == account_of(SECOND) and one.duty is OrganDuty.CLERK
        ]
        await organs.hand_over(handover(goes=(duty,), key="goes later", day=later), NOW)
        for day, mine in ((TODAY, False), (later, True)):
            clerk = await member(pool, CLERK, day=day)
            for asked in (True, False):
                listed = [one.id for one in await requests.inbox(clerk, [Turn.CLERK], asked, None, 100)]
                assert (theirs.id in listed) is (asked is mine), day

    village.tell(story)


def test_the_inbox_has_mine_first_and_what_is_late_first_page_by_page(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        await requests.lapse(NOW + timedelta(days=1), "清空", NOW)
        days = [2, -3, 0, 1, -1]
        drafts = [await opened(requests, f"box {day}", due=TODAY + timedelta(days=day)) for day in days]
        theirs = await opened(requests, "box of second", SECOND)
        online = await opened(requests, "box online", None, due=TODAY + timedelta(days=-9))
        neighbour = await opened(requests, "box of neighbour", STRANGER, organ=OTHER)

        async def listed(name: str, mine: bool, limit: int = 3) -> list[str]:
            who, found, after = await member(pool, name), [], None
            while True:
                page = await requests.inbox(who, [Turn.CLERK], mine, after, limit)
                found += [one.id for one in page]
                assert all(one.sealed is None for one in page)
                if len(page) < limit:
                    return found
                after = (page[-1].due or TODAY.max, page[-1].id)

        by_due = [one.id for one in sorted(drafts, key=lambda one: one.due or TODAY.max)]
        assert await listed(CLERK, True) == [online.id, *by_due]
        assert await listed(CLERK, False) == [theirs.id]
        assert set(await listed(SECOND, True)) == {online.id, theirs.id}
        assert await listed(AUDITOR, True) == []
        everything = {online.id, theirs.id, *by_due}
        assert set(await listed(AUDITOR, False)) == set(await listed(APPROVER, False)) == everything
        assert neighbour.id not in everything
        waiting = await submitted(requests, "box waiting", SECOND)
        for name, is_mine in ((APPROVER, True), (SECOND, False), (CLERK, False)):
            mine = await requests.inbox(await member(pool, name), [Turn.APPROVER], True, None, 100)
            assert (waiting.id in [one.id for one in mine]) is is_mine, name

    village.tell(story)


def test_progress_says_nothing_about_persons(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        code = new_progress_code()
        request = await opened(requests, "progress", code_hash=hash_of_code(code))
        checked = act(request, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.VISIT)
        request = await requests.act(checked, None, NOW)
        await requests.asking(act(request, ProofAct.SUBMIT, CLERK), NOW).ask(to_approve(request))
        asked = act(await requests.request(request.id), ProofAct.RETURN, APPROVER, reason="户号位数不对")
        await requests.decide(asked, False, NOW)
        said = await requests.progress(hash_of_code(code))
        assert (said.type_id, said.state, said.reason) == (PROOF, ProofState.RETURNED, "户号位数不对")
        assert "周" not in repr(said) and CLERK not in repr(said)
        await refused(requests.progress(hashlib.sha256(b"x").digest()), NotFound)

    village.tell(story)


def test_a_request_of_before_a_handover_is_not_approved_by_who_is_gone(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "gone")
        before = NOW - timedelta(days=2)
        await refused(agrees(requests, act(request, ProofAct.APPROVE, APPROVER), before), Forbidden)

    village.tell(story)


def test_who_may_no_longer_sign_in_acts_no_more(village_server: EmbeddedServer) -> None:
    village = settled_village(village_server)

    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "disabled")
        async with pool.transaction() as connection:
            await connection.execute("update account set disabled_at = $1 where name = $2", NOW, APPROVER)
        await refused(agrees(requests, act(request, ProofAct.APPROVE, APPROVER)), Forbidden)
        assert await PostgresOrgans(pool).memberships(account_of(APPROVER), TODAY) == []

    village.tell(story)
