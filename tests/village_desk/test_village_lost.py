"""What once got lost at the console, or led nowhere: each by itself, named after the flaw."""

import re
import sys
from html import unescape
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from desk_room import DeskRoom, Hand
from desk_stories import AT, decided, draft, id_of
from village_people import APPROVER, AUDITOR, CLERK, OTHER, STRANGER

from certsvc.domain.proof_acts import ProofAct

pytest_plugins = ["desk_fixtures"]
ENGLISH = re.compile(r'<a href="([^"]*)" lang="en" hreflang="en">')
KEPT = re.compile(r'<textarea class="kept" name="([^"]+)" hidden>\n([^<]*)</textarea>')
REASON = "新墓址要写全名称\n和墓位，再附回执。"
END_SESSIONS = "update account_session set ended_at = now(), ended_why = 'ended' where ended_at is null"


@pytest.fixture(scope="module")
def submitted(desk_room: DeskRoom) -> str:
    """The address of a request that waits for an approver."""
    page, hand = draft(desk_room, "lost submitted"), Hand(desk_room, CLERK)
    assert hand.act(page, "identity", how="in_person").status_code == 303
    assert hand.act(page, "submit").status_code == 303
    return page


def in_english(text: str) -> list[str]:
    """Where the page in English is."""
    return [unescape(each) for each in ENGLISH.findall(text)]


@pytest.mark.parametrize(
    "asked",
    [
        "/new?item=tiered-water-proof",
        "/new?name=%E5%8D%B1%E6%88%BF",
        "/book?month=2026-11&kind=tiered-water-proof",
        "/book?month=2026-11&print=1",
        "?mine=2026-11-01~v-aaaaaaaaaaaaaaaaaaaa",
    ],
    ids=["item", "name", "month", "print", "place_in_a_list"],
)
def test_village_another_language_lost_what_the_page_was_asked_with(desk_room: DeskRoom, asked: str) -> None:
    hand = Hand(desk_room, CLERK)
    (english,) = in_english(hand.get(f"{AT}{asked}").text)
    assert english == f"{AT}{asked}&lang=en"
    assert hand.get(english).status_code == 200 and in_english(hand.get(english).text) == []


def test_village_another_language_lost_which_request_of_a_sitting_was_open(desk_room: DeskRoom, submitted: str) -> None:
    hand, opened = Hand(desk_room, APPROVER), f"{AT}/sitting?open={id_of(submitted)}"
    (english,) = in_english(hand.get(opened).text)
    assert english == f"{opened}&lang=en" and "Agree" in hand.get(english).text


def test_village_another_language_asks_for_no_longer_an_address_than_there_may_be(desk_room: DeskRoom) -> None:
    hand, long = Hand(desk_room, CLERK), "%E5%8D%B1" * 200
    assert in_english(hand.get(f"{AT}/new?name={long}").text) == [f"{AT}/new?name={long}&lang=en"]
    assert in_english(hand.get(f"{AT}/new?name={'+' * 1900}").text) == [f"{AT}/new?lang=en"]


def test_village_an_answer_to_a_form_led_to_the_verifier_for_another_language(desk_room: DeskRoom) -> None:
    hand, page = Hand(desk_room, CLERK), draft(desk_room, "refused")
    refused = hand.act(page, "submit")
    assert refused.status_code >= 400 and 'role="alert"' in refused.text
    assert "hreflang" not in refused.text and "/?lang=" not in refused.text


@pytest.mark.parametrize("ended", ["by_time", "by_signing_in_again"])
def test_village_a_reason_was_lost_with_its_session(desk_room: DeskRoom, submitted: str, ended: str) -> None:
    hand = Hand(desk_room, APPROVER)
    fields = hand.hidden(submitted) | {"opinion": "return", "reason": REASON, "password": "secret-of-mine"}
    if ended == "by_time":
        desk_room.rows(END_SESSIONS)
        lost = hand.post(f"{submitted}/decide", **fields)
        assert lost.status_code == 401 and "登录已过期" in lost.text
        assert "secret-of-mine" not in lost.text and "form_token" not in lost.text
        fields = dict(map(_unescaped, KEPT.findall(lost.text)))
        assert fields["reason"].splitlines() == REASON.splitlines()
    again = Hand(desk_room, APPROVER)
    asked = again.post(f"{submitted}/decide", **fields)
    assert asked.status_code == 403 and f"现在登录的是{APPROVER}" in asked.text
    assert "新墓址要写全名称" in KEPT.sub("", asked.text), "it is seen before it is sent"
    assert desk_room.rows("select state from proof_request where id = $1", id_of(submitted))[0]["state"] == "submitted"
    kept = dict(map(_unescaped, KEPT.findall(asked.text)))
    assert kept["reason"].splitlines() == REASON.splitlines() and "password" not in kept
    (token,) = re.findall(r'name="form_token" value="([^"]+)"', asked.text.partition("<main")[2])
    shown = again.post(f"{submitted}/decide", **kept | {"form_token": token, "opinion": "agree"})
    assert shown.status_code == 403 and "新墓址要写全名称" in shown.text, "sent whole, and answered by its own page"


def _unescaped(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0], unescape(pair[1])


def test_village_another_sites_form_is_given_nothing_back(desk_room: DeskRoom, submitted: str) -> None:
    hand = Hand(desk_room, APPROVER)
    for site in ("cross-site", "same-site"):
        answer = hand.post(f"{submitted}/decide", site, opinion="return", reason=REASON)
        assert answer.status_code == 403 and "form_token" not in answer.text.partition("<main")[2]
        assert "新墓址" not in answer.text


def test_village_who_was_signed_out_was_not_told_why_they_sign_in(desk_room: DeskRoom) -> None:
    hand = Hand(desk_room, CLERK)
    desk_room.rows(END_SESSIONS)
    asked = hand.get(f"{AT}/new?item=tiered-water-proof")
    assert asked.status_code == 303
    shown = hand.get(asked.headers["location"]).text
    assert "登录已过期" in shown
    assert f'name="next" value="{AT}/new?item=tiered-water-proof"' in shown
    assert "登录已过期" not in Hand(desk_room).get("/village/sign-in").text


@pytest.mark.parametrize(
    ("act", "leads"),
    [
        ("{one}/withdraw", "{one}"),
        ("{one}/identity", "{one}"),
        ("{one}/submit", "{one}"),
        ("{one}/decide", "{one}"),
        ("{one}/evidence/e-1/remove", "{one}/evidence"),
        (f"{AT}/seal/revoke", f"{AT}/seal"),
        (f"{AT}/new/tiered-water-proof", f"{AT}/new"),
        (f"{AT}/find", AT),
        ("/village/account/totp/confirm", "/village/account"),
        ("/village/sign-out", "/village"),
    ],
)
def test_village_the_address_of_a_refused_act_answered_405(
    desk_room: DeskRoom, submitted: str, act: str, leads: str
) -> None:
    answer = Hand(desk_room, CLERK).get(f"{act.format(one=submitted)}?lang=en")
    assert answer.status_code == 303 and answer.headers["location"] == f"{leads.format(one=submitted)}?lang=en"


def test_village_an_address_of_an_act_leads_to_no_other_host(desk_room: DeskRoom) -> None:
    answer = Hand(desk_room, CLERK).get("/village/at/%2F%2Fevil.example/find")
    assert answer.status_code in (303, 404) and answer.headers.get("location", "/village").startswith("/village")


def code_of(room: DeskRoom, page: str) -> str:
    """The code of progress of a request made at the counter, as its slip has it."""
    (code,) = re.findall(r"P(?:-[0-9A-HJKMNP-TV-Z]{5}){3}", Hand(room, CLERK).get(f"{page}/slip").text)[:1]
    return str(code)


def sought(room: DeskRoom, text: str, name: str = CLERK, at: str = AT) -> tuple[int, str]:
    """What came of looking for something: the status, and where it leads or what the page says."""
    hand = Hand(room, name)
    answer = hand.post(f"{at}/find", **hand.hidden(at), sought=text)
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.mark.long
def test_village_a_request_was_found_only_by_turning_pages(desk_room: DeskRoom, submitted: str) -> None:
    code = code_of(desk_room, submitted)
    assert sought(desk_room, f" {code.lower().replace('-', ' ')}") == (303, submitted)
    assert sought(desk_room, code, AUDITOR) == (303, submitted)
    number, page = a_sealed_one(desk_room)
    typed = number.replace("〔", "[").replace("〕", "］ ")
    assert sought(desk_room, number) == sought(desk_room, typed) == (303, page)


def a_sealed_one(room: DeskRoom) -> tuple[str, str]:
    """The printed number of a proof, and the address of its request."""
    page, hand = draft(room, "lost sealed", account="4419-7654321"), Hand(room, CLERK)
    if hand.act(page, "identity", how="in_person").status_code == 303:
        assert hand.act(page, "submit").status_code == 303
        decided(room, page, ProofAct.APPROVE)
    statement = """select c.number from proof_request r join issue_order o on o.key = r.approval_id
      join certificate c using (slot, ref) where r.id = $1"""
    return str(room.rows(statement, id_of(page))[0]["number"]), page


@pytest.mark.long
def test_village_another_organs_request_and_none_are_not_found_alike(desk_room: DeskRoom, submitted: str) -> None:
    code, (number, _) = code_of(desk_room, submitted), a_sealed_one(desk_room)
    elsewhere = f"/village/at/{OTHER}"
    answers = [
        _said(sought(desk_room, text, STRANGER, elsewhere), text)
        for text in (code, number, "P-00000-00000-00000", "石塘村证〔2026〕水字第9999号")
    ]
    assert answers == [answers[0]] * 4 and answers[0][0] == 404
    assert "本单位没有这个查询码或证明编号的申请" in answers[0][1]
    hand = Hand(desk_room, STRANGER)
    answer = hand.post(f"{AT}/find", **hand.hidden(elsewhere), sought=code)
    assert answer.status_code == 404 and "没有单位" in answer.text


def _said(answer: tuple[int, str], typed: str) -> tuple[int, str]:
    """What a page says, without what was typed and what is drawn anew."""
    return answer[0], re.sub(r'name="(key|form_token)" value="[^"]*"', "", answer[1].replace(f'value="{typed}"', ""))


@pytest.mark.parametrize("typed", ["\0", "", "P", "周*芳", "P-00000-00000-00001", "石" * 1000, "%", "' or true --"])
def test_village_what_is_no_code_and_no_number_is_answered_in_our_own_words(desk_room: DeskRoom, typed: str) -> None:
    status, said = sought(desk_room, typed)
    assert status in (400, 404) and 'aria-invalid="true"' in said and "hreflang" not in said


@pytest.mark.long
def test_village_a_preview_led_approvers_and_auditors_to_a_form_they_may_not_open(desk_room: DeskRoom) -> None:
    page = draft(desk_room, "half", household="", members=[])
    form = f'href="{page}/form'
    assert form in Hand(desk_room, CLERK).get(f"{page}/preview").text
    for name in (APPROVER, AUDITOR):
        hand = Hand(desk_room, name)
        for shown in (hand.get(f"{page}/preview"), hand.get(page)):
            assert shown.status_code == 200 and form not in shown.text
        assert "处要改" in hand.get(f"{page}/preview").text
