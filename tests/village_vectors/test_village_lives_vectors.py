"""What became of a sealed proof: each test is named after what went wrong where its request alone was asked."""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_resident"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_sitting"))
from desk_room import DeskRoom, Hand, somebody
from desk_stories import AT, decided
from lives_story import (
    asks_to_cancel,
    corrected,
    correcting,
    from_elsewhere,
    now,
    opened,
    page_of,
    ref_of,
    reissued,
    request_of,
    sealed,
    submitted,
)
from resident_room import Phone, code_on, secret_for
from sitting_room import GROUND
from village_people import APPROVER, CLERK, VILLAGE, act, confirmed

from certsvc.domain.acts import Act, Organ
from certsvc.domain.calendar import beijing_date
from certsvc.domain.life import status_on
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_life import LifeState
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.states import Status
from certsvc.errors import ActNotAllowed, Conflict
from certsvc.issuance.acts import Acting
from certsvc.issuance.approvals import ask_to_act
from certsvc.issuance.village.deciding import cancel, decide, withdraw
from certsvc.issuance.village.drafts import usual_due
from certsvc.issuance.village.work import VillageWork, clerk_acts_as
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["walk_fixtures", "desk_fixtures"]
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def two_versions(desk_room: DeskRoom) -> tuple[ProofRequest, ProofRequest]:
    """A proof and its correction, both sealed."""
    old = sealed(desk_room, "old of two")
    return old, corrected(desk_room, old, "new of two")


@pytest.fixture(scope="module")
def rescinded(desk_room: DeskRoom) -> ProofRequest:
    """A proof that a superior organ has rescinded."""
    request = sealed(desk_room, "rescinded")
    from_elsewhere(desk_room, request, Act.RESCIND)
    return request


def state_of(room: DeskRoom, request: ProofRequest) -> LifeState:
    """What the register says of the proof of a request today."""

    async def story(work: VillageWork) -> LifeState:
        return (await work.requests.lives([request.id], beijing_date(now())))[request.id].state

    return room.tell(story)


def code_of(room: DeskRoom, request: ProofRequest) -> str:
    """The code on the slip of a request made at the counter."""
    return code_on(Hand(room, CLERK).get(f"{page_of(request)}/slip").text)


def agree(room: DeskRoom, request: ProofRequest, asked: ProofAct) -> None:
    """An approver agrees, past the use cases: the database alone."""

    async def story(work: VillageWork) -> None:
        known, at = await work.requests.request(request.id), now()
        done = act(known, asked, APPROVER)
        assert isinstance(work.requests, PostgresProofRequests)
        sure = await confirmed(work.requests, done, at)
        await work.requests.decide(done, True, at, sure)

    room.tell(story)


def test_village_cancelling_an_old_proof_ends_the_new_one(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest]
) -> None:
    old, new = two_versions
    hand = Hand(desk_room, CLERK)
    page = hand.get(page_of(old)).text
    assert f"{page_of(old)}/cancel" not in page and f"{page_of(old)}/correct" not in page
    assert page_of(new) in page, "where to go instead"
    form = {"reason_code": "other", "legal_basis": "x", "decision_number": "x", "reason": "名单有误"}
    refused = hand.act(page_of(old), "cancel", seen=str(old.version), key="cancel old", **form)
    assert refused.status_code == 409 and "已经更正" in refused.text

    async def past_the_use_case(work: VillageWork) -> None:
        clerk, known = await somebody(work, CLERK, VILLAGE), await work.requests.request(old.id)
        with pytest.raises(ActNotAllowed, match="was corrected"):
            await cancel(work, clerk, old.id, GROUND, known.version, "cancel old", now())
        asking = work.requests.asking(act(known, ProofAct.ASK_CANCEL, CLERK, reason="名单有误"), now())
        acting = Acting(client=CLERK, key="old", act=Act.RESCIND, ref=await ref_of(work, known), ground=GROUND)
        with pytest.raises(ActNotAllowed, match="was corrected"):
            await ask_to_act(work.issuing, asking, clerk_acts_as(clerk, known.type_id, Act.RESCIND), acting, now())

    desk_room.tell(past_the_use_case)
    assert state_of(desk_room, new) is LifeState.IN_FORCE


@pytest.mark.long
def test_village_a_wish_to_cancel_outlives_what_it_was_for_and_is_agreed_to(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "wish outlived")
    asks_to_cancel(desk_room, request)
    newest = reissued(desk_room, request)
    page = Hand(desk_room, APPROVER).get(page_of(request)).text
    assert "不能同意" in page and newest.typed_code in page and 'value="agree"' not in page
    assert 'value="return"' in page, "refusing stops, and is always open"
    with pytest.raises(ActNotAllowed, match="was corrected"):
        agree(desk_room, request, ProofAct.CONFIRM_CANCEL)
    decided(desk_room, page_of(request), ProofAct.REFUSE_CANCEL, "已有新的一份")
    assert request_of(desk_room, request.id).state is ProofState.SEALED


@pytest.mark.long
def test_village_between_agreeing_and_doing_it_a_new_version_comes_and_is_ended(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "ended in between")
    asks_to_cancel(desk_room, request)
    agree(desk_room, request, ProofAct.CONFIRM_CANCEL)
    newest = reissued(desk_room, request)
    desk_room.seal(request.id)

    async def status(work: VillageWork) -> Status | None:
        return status_on(await work.issuing.register.events(newest), beijing_date(now()))

    assert desk_room.tell(status) is Status.VALID
    assert "撤销没有办成" in Hand(desk_room, CLERK).get(page_of(request)).text


def test_village_a_corrected_proof_is_still_handed_out_as_if_nothing_were(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest]
) -> None:
    old, new = two_versions
    hand = Hand(desk_room, CLERK)
    page = hand.get(page_of(old)).text
    assert re.search(r'class="tag[^>]*>\s*<svg.*?</svg>\s*已更正', page, re.S), page[:3000]
    assert "可以交给申请人" not in page and f"{page_of(old)}/file" not in page and f"{page_of(old)}/handing" not in page
    assert hand.get(f"{page_of(old)}/file").status_code == 409
    handing = hand.get(f"{page_of(old)}/handing").text
    assert 'name="to"' not in handing and page_of(new) in handing
    with pytest.raises(ActNotAllowed, match="was corrected"):
        secret_for(desk_room, old)
    listed = hand.get(AT).text
    assert re.search(rf"{old.id}.*?已更正", listed, re.S) and "已更正" in listed
    progress = Phone(desk_room).post("/apply/progress", {"code": code_of(desk_room, old)}).text
    assert "证明已更正" in progress and "办好了" not in progress
    assert 'class="button main" href="/apply/file' not in progress
    assert "办好了" in Phone(desk_room).post("/apply/progress", {"code": code_of(desk_room, new)}).text
    assert hand.get(f"{page_of(new)}/file").status_code == 200


def test_village_a_proof_that_a_superior_rescinded_reads_as_sealed(
    desk_room: DeskRoom, rescinded: ProofRequest
) -> None:
    hand, today = Hand(desk_room, CLERK), now()
    page = hand.get(page_of(rescinded)).text
    day = beijing_date(today)
    assert "证明已撤销" in page and "上级机关" in page and f"{day.year}年{day.month}月{day.day}日" in page
    for act_ in ("correct", "cancel", "file", "handing"):
        assert f"{page_of(rescinded)}/{act_}" not in page
    assert hand.get(f"{page_of(rescinded)}/file").status_code == 409
    progress = Phone(desk_room).post("/apply/progress", {"code": code_of(desk_room, rescinded)}).text
    assert "证明已撤销" in progress and "上级机关" in progress and "办好了" not in progress
    assert re.search(rf"{rescinded.id}.*?已撤销", hand.get(AT).text, re.S)


@pytest.mark.long
def test_village_a_number_handed_out_before_fetches_what_was_rescinded_since(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "handed out before")
    code, secret = code_of(desk_room, request), secret_for(desk_room, request)
    from_elsewhere(desk_room, request, Act.RESCIND)
    for path in ("/apply/file", "/apply/terminal"):
        gone = Phone(desk_room).post(path, {"code": code, "secret": secret})
        assert gone.status_code == 409 and "上级机关撤销" in gone.text and "%PDF" not in gone.text
    with pytest.raises(ActNotAllowed, match="Rescinded by a superior"):
        secret_for(desk_room, request, "another")
    with pytest.raises(Exception, match="not_in_force"):
        desk_room.rows(
            "insert into handing_out (request_id, key, digest, account, person, given_to, seen, at, ends_at) "
            "select request_id, 'direct', digest, account, person, given_to, seen, at, ends_at from handing_out "
            "where request_id = $1",
            request.id,
        )


def test_village_what_is_not_in_force_is_opened_to_be_corrected(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest], rescinded: ProofRequest
) -> None:
    for request, why in ((two_versions[0], "was corrected"), (rescinded, "Rescinded by a superior")):
        with pytest.raises(ActNotAllowed, match=why):
            opened(desk_room, request, f"not in force {request.id}")
    hand, form = Hand(desk_room, CLERK), {"reason": "写错了", "ground": "clerical"}
    refused = hand.act(page_of(rescinded), "correct", key="correct rescinded", **form)
    assert refused.status_code == 409 and "上级机关撤销" in refused.text


@pytest.mark.long
def test_village_a_suspended_proof_is_printed_and_handed_out(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "suspended")
    from_elsewhere(desk_room, request, Act.SUSPEND, Organ.ENFORCER)
    page = Hand(desk_room, CLERK).get(page_of(request)).text
    assert "暂扣中" in page and "执法机关" in page and f"{page_of(request)}/file" not in page
    assert f"{page_of(request)}/cancel" in page, "what is held may be ended"
    asks_to_cancel(desk_room, request)
    decided(desk_room, page_of(request), ProofAct.CONFIRM_CANCEL)
    assert request_of(desk_room, request.id).state is ProofState.CANCELLED


@pytest.mark.long
def test_village_two_corrections_of_one_proof_are_approved_and_the_second_fails(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "twice corrected")
    first = opened(desk_room, request, "first correction")
    with pytest.raises(ActNotAllowed, match=first.id):
        opened(desk_room, request, "second correction")
    page = Hand(desk_room, CLERK).get(page_of(request)).text
    assert f"{page_of(request)}/correct" not in page and page_of(first) in page
    with pytest.raises(ActNotAllowed, match=first.id):
        asks_to_cancel(desk_room, request)

    async def given_up(work: VillageWork) -> None:
        clerk = await somebody(work, CLERK, VILLAGE)
        await withdraw(work, clerk, first.id, "办错了", first.version, "given up", now())

    desk_room.tell(given_up)
    assert opened(desk_room, request, "second correction").id != first.id


@pytest.mark.long
def test_village_two_corrections_opened_at_once_are_both_opened(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "corrected at once")

    async def story(work: VillageWork) -> list[object]:
        ref = await ref_of(work, request)
        both = (correcting(work, ref, f"at once {n}") for n in range(4))
        return await asyncio.gather(*both, return_exceptions=True)

    came = desk_room.tell(story)
    assert sum(isinstance(one, ProofRequest) for one in came) == 1
    assert sum(isinstance(one, ActNotAllowed) for one in came) == 3, came


@pytest.mark.long
def test_village_a_proof_is_corrected_while_somebody_asks_to_cancel_it(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "both at once")
    asks_to_cancel(desk_room, request)
    with pytest.raises(Conflict, match="Somebody has asked"):
        opened(desk_room, request, "while asked to cancel")


@pytest.mark.long
def test_village_a_correction_is_signed_that_can_never_be_sealed(desk_room: DeskRoom) -> None:
    request = sealed(desk_room, "dead correction")
    correction = submitted(desk_room, opened(desk_room, request, "dead"))
    from_elsewhere(desk_room, request, Act.RESCIND)
    page = Hand(desk_room, APPROVER).get(page_of(correction)).text
    assert "不能同意" in page and "上级机关撤销" in page and 'value="agree"' not in page and 'value="return"' in page

    async def signs(work: VillageWork) -> None:
        who = await somebody(work, APPROVER, VILLAGE)
        with pytest.raises(ActNotAllowed, match="Rescinded by a superior"):
            await decide(work, who, correction.id, True, None, correction.version, "signs", now(), "k")

    desk_room.tell(signs)
    with pytest.raises(ActNotAllowed, match="Rescinded"):
        agree(desk_room, correction, ProofAct.APPROVE)
    decided(desk_room, page_of(correction), ProofAct.RETURN, "原证明已撤销")
    assert "这件申请办不下去了" in Hand(desk_room, CLERK).get(page_of(correction)).text
    with pytest.raises(ActNotAllowed, match="Rescinded by a superior"):
        submitted(desk_room, request_of(desk_room, correction.id))


def test_village_a_correction_has_no_last_day_and_is_never_late(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest]
) -> None:
    today = beijing_date(now())
    assert two_versions[1].due == usual_due(today)
    assert two_versions[1].opened_at.date() <= today


def test_village_a_form_sent_again_after_its_correction_is_sealed_is_refused(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest]
) -> None:
    old, new = two_versions
    assert opened(desk_room, old, "new of two").id == new.id, "the same form is the same request"


def test_village_a_proof_whose_term_is_over_says_nothing_of_it(
    desk_room: DeskRoom, two_versions: tuple[ProofRequest, ProofRequest]
) -> None:
    _, new = two_versions

    async def story(work: VillageWork) -> None:
        life = await work.requests.life(await ref_of(work, new), beijing_date(now()))
        assert life is not None and life.state is LifeState.IN_FORCE and life.end is not None
        over = await work.requests.life(life.ref, life.end + timedelta(days=1))
        assert over is not None and over.state is LifeState.EXPIRED
        last = await work.requests.life(life.ref, life.end)
        assert last is not None and last.state is LifeState.IN_FORCE

    desk_room.tell(story)
