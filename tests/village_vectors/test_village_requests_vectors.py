"""What a hostile hand tries at the pages of requests: each test is named after the flaw that it looks for."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_sitting"))
from desk_room import DeskRoom, Hand, somebody
from desk_stories import decided, draft, id_of
from sitting_room import AT, GROUND, now, request_of, waiting
from village_people import APPROVER, CLERK, SECOND, VILLAGE

from certsvc.domain.approval import ApprovalState
from certsvc.domain.evidence import new_evidence_id
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import KEPT_DAYS
from certsvc.errors import Forbidden
from certsvc.issuance.village.deciding import cancel, decide_cancel
from certsvc.issuance.village.work import VillageWork

pytest_plugins = ["walk_fixtures", "desk_fixtures"]

SITTING = f"{AT}/sitting"


def token(hand: Hand) -> str:
    """The token of the forms of a session."""
    return hand.hidden("/village/account")["form_token"]


@pytest.fixture(scope="module")
def sealed_proof(desk_room: DeskRoom) -> str:
    """A proof in force that the approver and the second one have looked at."""
    (one,) = waiting(desk_room, "in force")
    page = f"{AT}/requests/{one}"
    decided(desk_room, page, ProofAct.APPROVE)
    for name in (APPROVER, SECOND):
        assert Hand(desk_room, name).get(page).status_code == 200
    return one


@pytest.mark.long
def test_village_a_page_that_shows_a_part_is_no_look_at_the_whole(desk_room: DeskRoom) -> None:
    (one,) = waiting(desk_room, "a part only")
    hand = Hand(desk_room, APPROVER)
    for page in ("preview", "evidence"):
        assert hand.get(f"{AT}/requests/{one}/{page}").status_code == 200
    form = {"form_token": token(hand), "do": "mark", "id": one, "seen": "3"}
    marked = hand.post(SITTING, **form)
    assert marked.status_code == 409 and "还没有打开看过这一版" in marked.text
    assert hand.post(SITTING, **form).status_code == 303, "the page that says so shows all of it"


def test_village_no_end_is_offered_that_nobody_asked_for(desk_room: DeskRoom, sealed_proof: str) -> None:
    hand = Hand(desk_room, APPROVER)
    opened = hand.get(f"{SITTING}?open={sealed_proof}")
    assert opened.status_code == 303 and opened.headers["location"] == f"{AT}/requests/{sealed_proof}"
    seen = str(request_of(desk_room, sealed_proof).version)
    marked = hand.post(SITTING, form_token=token(hand), do="mark", id=sealed_proof, seen=seen)
    assert marked.status_code == 409 and "没有人申请撤销" in marked.text


@pytest.mark.long
def test_village_nobody_decides_the_end_that_they_asked_for(desk_room: DeskRoom, sealed_proof: str) -> None:
    async def story(work: VillageWork) -> None:
        who, known = await somebody(work, SECOND, VILLAGE), await work.requests.request(sealed_proof)
        await cancel(work, who, known.id, GROUND, known.version, "second asks", now())
        with pytest.raises(Forbidden):
            await decide_cancel(work, who, known.id, False, "改主意了", known.version + 1, "second decides", now())

    desk_room.tell(story)
    hand, seen = Hand(desk_room, SECOND), str(request_of(desk_room, sealed_proof).version)
    assert 'value="agree"' not in hand.get(f"{AT}/requests/{sealed_proof}").text
    marked = hand.post(SITTING, form_token=token(hand), do="mark", id=sealed_proof, seen=seen)
    assert marked.status_code == 403


@pytest.mark.long
def test_village_nothing_is_said_of_what_is_erased(desk_room: DeskRoom) -> None:
    (one,) = waiting(desk_room, "not given in a year")
    text = Hand(desk_room, APPROVER).get(f"{AT}/requests/{one}").text
    assert f"{KEPT_DAYS} 天内" in text and "12 个月内" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/requests/%00",
        "/sitting?open=%00",
        "/sitting?done=%00",
        "/requests/{one}/evidence/%00",
        "/requests/{one}/evidence/%00/1",
        f"/requests/{{one}}/evidence/{new_evidence_id()}/40000",
        f"/requests/{{one}}/evidence/{new_evidence_id()}/99999999999",
    ],
    ids=["request", "opened", "done", "evidence", "page_of_none", "over_smallint", "over_bigint"],
)
def test_village_a_strange_address_is_not_there(desk_room: DeskRoom, sealed_proof: str, path: str) -> None:
    answer = Hand(desk_room, APPROVER).get(AT + path.format(one=sealed_proof))
    assert answer.status_code in (400, 404), answer.text[:2000]


@pytest.mark.long
@pytest.mark.parametrize(
    ("act", "fields"),
    [
        ("form", {"key": "save\0"}),
        ("withdraw", {"key": "withdraw", "reason": "\0"}),
        ("evidence/%00/remove", {"key": "k" * 20}),
        (f"evidence/{new_evidence_id()}/remove", {"key": "k" * 20 + "\0"}),
    ],
    ids=["key", "reason", "evidence", "key_of_evidence"],
)
def test_village_a_nul_in_a_form_is_no_failure_of_ours(desk_room: DeskRoom, act: str, fields: dict[str, str]) -> None:
    page, hand = draft(desk_room, f"nul {act[:8]}{len(fields['key'])}"), Hand(desk_room, CLERK)
    version = str(request_of(desk_room, id_of(page)).version)
    answer = hand.post(f"{page}/{act}", form_token=token(hand), seen=version, version=version, **fields)
    assert answer.status_code in (400, 404), answer.text[:2000]


def test_village_a_nul_in_the_key_of_a_file_is_no_failure_of_ours(desk_room: DeskRoom) -> None:
    page, hand = draft(desk_room, "nul file"), Hand(desk_room, CLERK)
    fields = {"form_token": token(hand), "seen": "1", "key": "k" * 20 + "\0", "name": ""}
    answer = hand._client.post(f"{page}/evidence", data=fields, files={"file": ("a.png", b"x")})
    assert answer.status_code == 400, answer.text[:2000]


@pytest.mark.long
def test_village_what_could_not_be_sealed_waited_in_other_hands_and_stayed_failed_once_reopened(
    desk_room: DeskRoom,
) -> None:
    (one,) = waiting(desk_room, "cannot be sealed")
    decided(desk_room, f"{AT}/requests/{one}", ProofAct.APPROVE, carried_out=False)

    async def fails(work: VillageWork) -> None:
        approval = (await work.requests.request(one)).approval_id
        assert approval is not None
        await work.approvals.finish(
            approval, ApprovalState.FAILED, {"error": {"zh": "没有字形", "en": "no glyph"}}, now()
        )

    desk_room.tell(fails)
    for name, waits in ((CLERK, True), (APPROVER, False)):
        mine, _, others = Hand(desk_room, name).get(AT).text.partition('aria-labelledby="find"')
        assert (one in mine, one in others) == (waits, not waits), name
    clerk, page = Hand(desk_room, CLERK), f"{AT}/requests/{one}"
    assert "没有字形" in clerk.get(page).text
    assert clerk.act(page, "reopen", reason="改一个字").status_code == 303
    assert "没有字形" not in clerk.get(page).text
