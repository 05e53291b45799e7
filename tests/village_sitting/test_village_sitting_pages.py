"""Approving at the pages, without script: one request, or several in a sitting with one confirmation."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
from desk_room import DeskRoom, Hand
from sitting_room import AT, Approver, approver, request_of, to_cancel, waiting
from village_people import APPROVER, AUDITOR, CLERK, OTHER, SECOND, STRANGER

from certsvc.domain.proof_acts import ProofState

pytest_plugins = ["walk_fixtures", "desk_fixtures"]

SITTING = f"{AT}/sitting"


@pytest.fixture(scope="module")
def sitting_approver(desk_room: DeskRoom) -> Approver:
    """The approver of the village."""
    return approver(desk_room)


def said(text: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


def return_(hand: Hand, page: str, reason: str) -> None:
    """An approver sends a request back by its page."""
    text = hand.get(page).text
    fields = dict(re.findall(r'<input type="hidden" name="(form_token|seen|key)" value="([^"]*)">', text))
    answer = hand.post(f"{page}/decide", **fields, opinion="return", reason=reason)
    assert answer.status_code == 303, said(answer.text)


@pytest.mark.long
def test_a_sitting_of_five_by_password_and_code_leaves_out_what_changed(
    desk_room: DeskRoom, sitting_approver: Approver
) -> None:
    five, hand = waiting(desk_room, *(f"five {number}" for number in range(5))), sitting_approver.hand
    listed = hand.get(SITTING).text
    assert all(each in listed for each in five) and "还没看" in listed and "确认同意" not in listed
    token = sitting_approver.form("/village/account", "sign-out")["form_token"]
    unseen = hand.post(SITTING, form_token=token, do="mark", id=five[0], seen="3")
    assert unseen.status_code == 409 and "还没有打开看过这一版" in unseen.text
    for each in five:
        answer = hand.post(SITTING, **sitting_approver.form(f"{SITTING}?open={each}", 'value="mark"'))
        assert answer.status_code == 303, said(answer.text)
        following = answer.headers["location"]
        assert following.startswith((f"{SITTING}?open=v-", f"{SITTING}#confirm")) and each not in following
    return_(Hand(desk_room, SECOND), f"{AT}/requests/{five[2]}", "户号位数不对")
    assert five[2] not in hand.get(SITTING).text, "what changed has no mark any more"
    form = sitting_approver.form(SITTING, 'value="confirm"')
    assert form["what"].count("approve v-") == 4
    form["what"] = "\n".join([*form["what"].split("\n"), f"approve {five[2]} 3"])
    form["what"] = "\n".join([form["what"].split("\n")[0], *sorted(form["what"].split("\n")[1:])])
    wrong = hand.post(SITTING, **{**form, "password": "这不是密码但是很长", "code": "000000"})
    assert wrong.status_code == 403 and "密码或动态码不对" in wrong.text, said(wrong.text)
    assert request_of(desk_room, five[0]).state is ProofState.SUBMITTED
    form |= sitting_approver.confirmation()
    done = hand.post(SITTING, **form)
    assert done.status_code == 303, said(done.text)
    again = hand.post(SITTING, **form)
    assert again.headers["location"] == done.headers["location"], "sent twice, with a code that is used up"
    text = said(hand.get(done.headers["location"]).text)
    assert "已同意 4 件（共 5 件）" in text and f"{SECOND} 已于" in text and "退回" in text
    states = [request_of(desk_room, each).state for each in five]
    assert states.count(ProofState.APPROVED) == 4 and states[2] is ProofState.RETURNED
    desk_room.seal(five[0])
    assert "已用印" in hand.get(done.headers["location"]).text
    other = Hand(desk_room, SECOND).get(done.headers["location"])
    assert other.status_code == 404, "what another confirmed is theirs"


@pytest.mark.long
def test_one_request_alone_and_what_is_shown_of_it(desk_room: DeskRoom, sitting_approver: Approver) -> None:
    (one,), hand = waiting(desk_room, "alone"), sitting_approver.hand
    page = f"{AT}/requests/{one}"
    text = said(hand.get(page).text)
    for shown in ("系统核对", "格式和规则：没有问题", "重复开具", "印章：", "入户走访，两人，有记录。", CLERK):
        assert shown in text, shown
    changed = re.search("相比|对照", text)
    assert changed and changed.start() < text.index("发出后的样子") < text.index("系统核对"), "what changed comes first"
    form = sitting_approver.form(page, 'value="agree"')
    nothing = hand.post(f"{page}/decide", **form)
    assert nothing.status_code == 403 and request_of(desk_room, one).state is ProofState.SUBMITTED
    empty = hand.post(f"{page}/decide", **sitting_approver.form(page, 'value="return"'), reason=" ")
    assert empty.status_code == 400 and empty.text.count("退回或不同意时请写明原因") == 2, "above, and at the field"
    long = "啊" * 2001
    kept = hand.post(f"{page}/decide", **sitting_approver.form(page, 'value="return"'), reason=long)
    assert kept.status_code == 400 and long in kept.text, "nothing that was typed is lost"
    form |= sitting_approver.confirmation()
    done = hand.post(f"{page}/decide", **form)
    assert done.status_code == 303, said(done.text)
    assert hand.post(f"{page}/decide", **form).headers["location"] == done.headers["location"]
    assert "正在用印" in hand.get(done.headers["location"]).text
    desk_room.seal(one)
    to_cancel(desk_room, one)
    assert "审批撤销" in hand.get(page).text and one in hand.get(SITTING).text
    refuse = sitting_approver.form(page, 'value="return"')
    assert hand.post(f"{page}/decide", **refuse, reason="先核实").status_code == 303
    assert request_of(desk_room, one).state is ProofState.SEALED


@pytest.mark.long
def test_two_approvers_at_once_one_wins_and_the_other_is_told(desk_room: DeskRoom, sitting_approver: Approver) -> None:
    (one,), hand = waiting(desk_room, "at once"), sitting_approver.hand
    page = f"{AT}/requests/{one}"
    form = sitting_approver.form(page, 'value="agree"')
    return_(Hand(desk_room, SECOND), page, "请补户口簿")
    late = hand.post(f"{page}/decide", **{**form, "password": "x", "code": "1"})
    text = said(late.text)
    assert late.status_code == 412 and "您的意见没有记下" in text and f"退回 {SECOND}" in text
    assert "您看到的是第 3 版，现在是第 4 版" in text and request_of(desk_room, one).state is ProofState.RETURNED


@pytest.mark.long
def test_who_made_it_and_who_may_not_are_refused_by_page_and_by_forged_form(desk_room: DeskRoom) -> None:
    (own,) = waiting(desk_room, "own", name=SECOND)
    page = f"{AT}/requests/{own}"
    for name, status in ((SECOND, 403), (CLERK, 403), (AUDITOR, 403), (STRANGER, 404)):
        hand = Hand(desk_room, name)
        shown = hand.get(page)
        assert "/decide" not in shown.text, name
        token = hand.hidden("/village/account")["form_token"]
        fields = {"form_token": token, "seen": "3", "key": "forged", "password": "x", "code": "1"}
        for opinion in ("agree", "return"):
            forged = hand.post(f"{page}/decide", **fields, opinion=opinion, reason="x")
            assert forged.status_code == status, (name, opinion, said(forged.text))
        what = f"certsvc: agreed to\napprove {own} 3"
        for do in ("mark", "return", "confirm", "unmark"):
            sat = hand.post(SITTING, **fields, do=do, id=own, reason="x", what=what)
            assert sat.status_code in (403, 404, 409), (name, do, said(sat.text))
        if name == SECOND:
            assert "经办过这件申请" in said(forged.text)
    assert request_of(desk_room, own).state is ProofState.SUBMITTED
    assert Hand(desk_room, STRANGER).get(f"/village/at/{OTHER}/requests/{own}").status_code == 404


def test_a_forged_text_or_a_foreign_form_confirms_nothing(desk_room: DeskRoom, sitting_approver: Approver) -> None:
    hand = sitting_approver.hand
    token = sitting_approver.form("/village/account", "sign-out")["form_token"]
    unknown = f"certsvc: agreed to\napprove v-{'a' * 20} 3"
    for what, status in (("", 400), ("certsvc: agreed to", 400), ("approve x", 400), (unknown, 404)):
        answer = hand.post(SITTING, form_token=token, do="confirm", key="k", what=what, password="x", code="1")
        assert answer.status_code == status, (what, said(answer.text))
    assert hand.post(SITTING, form_token="x", do="confirm", key="k", what=unknown).status_code == 403
    assert hand.get(f"{SITTING}?done=k-{'a' * 20}").status_code == 404
    assert hand.get(f"{SITTING}?open=v-{'a' * 20}").status_code == 404
    assert APPROVER in hand.get(SITTING).text
