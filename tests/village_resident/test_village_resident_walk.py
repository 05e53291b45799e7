"""A resident asks, corrects, takes back, fetches and prints a proof with nothing but a browser, and no script."""

import base64
import json
import re
import sys
from io import BytesIO
from pathlib import Path

import pytest
from litestar.testing import RequestFactory
from PIL import Image
from pypdfium2 import PdfDocument

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from resident_room import (
    FORM,
    FOUR,
    GROUND,
    TYPED,
    VILLAGE,
    DeskRoom,
    Hand,
    Phone,
    cancelled,
    code_on,
    corrected,
    hidden,
    page_of,
    sealed,
    secret_for,
)
from village_people import APPROVER, CLERK, STRANGER
from walked import Walks

from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import hash_of_code
from certsvc.errors import TooManyRequests
from certsvc.http.routes import Asked
from certsvc.http.village.resident import Limits
from certsvc.verify.pixels import read_picture

pytest_plugins = ["walk_fixtures", "resident_fixtures"]

PERSONAL = ("周桂芳", "周志明", "440524188001010014", "0000-00000315", "4419-0032871", "南洲路12号")
PROGRESS, FILE, TERMINAL = "/apply/progress", "/apply/file", "/apply/terminal"
UNKNOWN = "P-00000-00000-00000"


def count(room: DeskRoom) -> int:
    """How many requests there are."""
    (row,) = room.rows("select count(*) from proof_request")
    return int(row["count"])


def test_a_resident_asks_and_gets_a_code_on_a_slip_with_nothing_personal(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    assert f"{FORM}?organ={VILLAGE}" in phone.get(FORM).text, "the village is chosen from a list"
    assert f"{FORM}?organ={VILLAGE}" in phone.get(f"{FORM}?place=石塘").text, "or by a part of its name"
    assert "没有找到" in phone.get(f"{FORM}?place=没有这个村").text
    form, before = phone.form(), count(resident_room)
    sent = [phone.post(FORM, form) for _ in range(2)]
    assert [one.status_code for one in sent] == [200, 200] and count(resident_room) == before + 1, "sent twice is one"
    assert code_on(sent[0].text) == code_on(sent[1].text)
    assert not any(personal in sent[0].text for personal in PERSONAL)
    assert sent[0].headers["cache-control"] == "no-store"
    (row,) = resident_room.rows(
        "select origin, state, consent_how, consent_what from proof_request where code_hash = $1",
        hash_of_code(code_on(sent[0].text)),
    )
    assert (row["origin"], row["state"], row["consent_how"]) == ("online", "draft", "online")
    assert "单独同意" in row["consent_what"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("f.applicant_id", "440524188001010015", "校验"),
        ("f.account", "", "必须填写"),
        ("contact", "", "联系电话"),
        ("agree", "", "同意了才能提交"),
        ("agree_sensitive", "", "单独同意"),
    ],
    ids=["wrong-check-digit", "left-out", "no-telephone", "not-agreed", "sensitive-not-agreed"],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    resident_room: DeskRoom, field: str, value: str, said: str
) -> None:
    phone, before = Phone(resident_room), count(resident_room)
    answer = phone.post(FORM, {**phone.form(), "f.purpose": "<b>水费</b>😀 𠮷", field: value})
    assert answer.status_code == 422 and count(resident_room) == before
    summary, _, rest = answer.text.partition("</ul>")
    assert 'role="alert"' in summary and said in summary and said in rest, "on top, and at the field"
    assert "&lt;b&gt;水费&lt;/b&gt;😀 𠮷" in rest and 'value="周志明"' in rest and TYPED["f.water_address"] in rest


def test_a_row_more_is_given_without_a_script_and_nothing_is_sent(resident_room: DeskRoom) -> None:
    phone, before = Phone(resident_room), count(resident_room)
    page = phone.post(FORM, {**phone.form(), "more": "names"}).text
    assert page.count('name="f.names"') > 4 and 'value="周志明"' in page and count(resident_room) == before


def test_a_form_that_is_old_forged_from_elsewhere_or_used_makes_no_request(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    form = phone.form()
    phone.post(FORM, form)
    before = count(resident_room)
    used = phone.post(FORM, {**form, "f.account": "4419-0000001"})
    assert used.status_code == 422 and "提交过一次" in used.text and 'value="4419-0000001"' in used.text
    key, at, mark = form["form"].split(".")
    for token in ("", "x", f"{key}.{int(at) - 90_000}.{mark}", f"{key}.{at}.{'0' * 32}"):
        old = phone.post(FORM, {**form, "form": token})
        assert old.status_code == 400 and "打开太久" in old.text and 'value="周桂芳"' in old.text
        assert hidden(old.text)["form"] != token, "to send it once more"
    assert Phone(resident_room, **{"Sec-Fetch-Site": "cross-site"}).post(FORM, form).status_code == 403
    assert phone.post(FORM, {**form, "organ": "54441900ME0034D529"}).status_code == 303, "a village without a seal"
    assert count(resident_room) == before


def test_one_address_sends_and_asks_so_often_and_all_together_so_often() -> None:
    def asked(address: str, **headers: str) -> Asked:
        request: Asked = RequestFactory().post("/", headers=headers)
        request.scope["client"] = (address, 1)
        return request

    limits = Limits(sent=1, asked=1, by_all=3)
    for admit in (limits.admit_sent, limits.admit_asked):
        admit(asked("203.0.113.9"))
        with pytest.raises(TooManyRequests):
            admit(asked("203.0.113.9"))
        admit(asked("127.0.0.1", **{"X-Forwarded-For": "203.0.113.10"}))
        with pytest.raises(TooManyRequests):
            admit(asked("127.0.0.1", **{"X-Forwarded-For": "203.0.113.10"}))
        for _ in range(9):
            admit(asked("127.0.0.1"))
    limits.admit_sent(asked("203.0.113.11"))
    with pytest.raises(TooManyRequests):
        limits.admit_sent(asked("203.0.113.12"))


def test_the_code_alone_shows_how_far_it_is_and_no_more(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    page = phone.post(PROGRESS, {"code": code.lower().replace("-", " ")})
    assert page.status_code == 200 and "经办人在办" in page.text and "石塘村" in page.text
    assert not any(personal in page.text for personal in PERSONAL)
    said = set()
    for typed in (UNKNOWN, "P-ABCDE-ABCDE-ABCDE", "P-QZQZQ"):
        wrong = phone.post(PROGRESS, {"code": typed})
        assert wrong.status_code == 404
        said.add(wrong.text.replace(typed, ""))
    assert len(said) == 1, "mistyped, unknown and malformed are said alike"
    assert code not in phone.get(f"{PROGRESS}?code={code}").text, "it is taken from no address"


def test_who_knows_the_last_four_sees_corrects_and_takes_back(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    refused = phone.post(PROGRESS, {"code": code, "do": "open", "four": "0015"})
    assert refused.status_code == 403 and "后四位不对" in refused.text
    assert not any(personal in refused.text for personal in PERSONAL)
    page = phone.post(PROGRESS, {"code": code, "do": "open", "four": "００１４"})
    assert page.status_code == 200 and all(personal in page.text for personal in PERSONAL)
    form = {**hidden(page.text), **TYPED, "f.account": "4419-0000009"}
    for _ in range(2):
        saved = phone.post(PROGRESS, form)
        assert saved.status_code == 200 and "改好了" in saved.text
    stale = phone.post(PROGRESS, {**form, "form": hidden(saved.text)["form"], "f.account": "4419-0000010"})
    assert stale.status_code == 412 and "4419-0000009" in stale.text and "4419-0000010" in stale.text, "both texts"
    wrong = phone.post(PROGRESS, {**form, "form": hidden(saved.text)["form"], "contact": ""})
    assert wrong.status_code == 422 and hidden(wrong.text)["seen"] == form["seen"] < hidden(stale.text)["seen"]
    status = phone.post(PROGRESS, {"code": code})
    take_back = {**hidden(status.text), "code": code, "do": "withdraw", "four": FOUR}
    assert "请勾选" in phone.post(PROGRESS, take_back).text
    gone = phone.post(PROGRESS, {**take_back, "sure": "yes"})
    assert gone.status_code == 200 and "已撤回" in gone.text
    assert phone.post(PROGRESS, {"code": code, "do": "open", "four": FOUR}).status_code == 409


def test_who_guesses_the_last_four_gets_five_tries(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    tried = [phone.post(PROGRESS, {"code": code, "do": "open", "four": f"{n:04}"}).status_code for n in range(6)]
    assert tried == [403] * 5 + [429]
    assert phone.post(PROGRESS, {"code": code, "do": "open", "four": FOUR}).status_code == 429, "the right one, too"
    assert phone.post(PROGRESS, {"code": code}).status_code == 200, "how far it is can be asked"


@pytest.mark.long
def test_the_proof_is_fetched_with_code_and_number_printed_and_cancelled(resident_room: DeskRoom, walks: Walks) -> None:
    """The whole way: handed out by the clerk's page, downloaded, printed at a terminal; both papers verify by their QR,
    and after it is cancelled both say so and nothing more is handed out. The organ that was named is told of both."""
    phone, clerk = Phone(resident_room), Hand(resident_room, CLERK)
    code = phone.asks(tell="made-up-water")
    request = sealed(resident_room, code)
    assert "办好了" in phone.post(PROGRESS, {"code": code}).text
    page = f"{page_of(request)}/handing"
    assert "可以交给申请人" in clerk.get(page_of(request)).text
    form = {**hidden(clerk.get(page).text), "to": "agent", "seen": "in_person", "agent": ""}
    assert "代领人的姓名" in clerk.post(page, **form).text
    shown = [clerk.post(page, **{**form, "agent": "李小秋"}).text for _ in range(2)]
    found = [re.search(r"<i>(\d{4})</i><i>(\d{4})</i>", one) for one in shown]
    assert found[0] and found[1] and found[0][0] == found[1][0], "the same form gives the same number"
    assert "李**" in shown[0] and "李小秋" not in shown[0].partition("发放记录")[2]
    secret = f"{found[0][1]}-{found[0][2]}"
    assert secret.replace("-", " ") not in clerk.get(page).text, "it is shown once"
    assert "已发取件码，申请人还没有取" in clerk.get(page_of(request)).text

    for wrong in (
        {"code": code, "secret": "0000 0000"},
        {"code": UNKNOWN, "secret": secret},
        {"code": code, "secret": "x"},
    ):
        refused = phone.post(FILE, wrong)
        assert refused.status_code == 403 and "取不到" in refused.text and secret not in refused.text
    file = phone.post(FILE, {"code": code, "secret": secret})
    assert file.headers["content-type"] == "application/pdf" and file.headers["cache-control"] == "no-store"
    assert re.search(r'attachment; filename="[0-9A-Z-]+\.pdf"', file.headers["content-disposition"])
    assert re.search(r'class="done">((?!<li).)*送达((?!<li).)*已取走', clerk.get(page_of(request)).text)
    printed = phone.post(TERMINAL, {"code": code, "secret": secret})
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', printed.text)
    assert len(pictures) == 1 and printed.headers["cache-control"] == "no-store"
    (digits,) = read_picture(Image.open(BytesIO(base64.b64decode(pictures[0]))))
    assert (walks.scan(digits).verdict, walks.check([file.content])[0].verdict) == ("valid", "valid")

    cancelled(resident_room, request)
    assert walks.scan(digits).verdict == "not_valid"
    assert phone.post(FILE, {"code": code, "secret": secret}).status_code == 403
    assert "证明已撤销" in phone.post(PROGRESS, {"code": code}).text
    assert "不能再打印、交给人" in clerk.get(page).text
    assert re.search(r"已撤销，((?!<li).)*已取走", clerk.get(page_of(request)).text), "the paper is out there still"
    told = resident_room.rows("select kind, client, code from proof_told where request_id = $1 order by id", request.id)
    assert [(one["kind"], one["client"]) for one in told] == [("issued", "water"), ("cancelled", "water")]
    notices = resident_room.rows("select kind, data::text from notice where client = 'water' order by id")
    assert [one["kind"] for one in notices] == ["proof.issued", "proof.cancelled"]
    data = [json.loads(one["data"]) for one in notices]
    assert {one["code"] for one in data} == {told[0]["code"]}
    assert [one.get("reason_code") for one in data] == [None, GROUND.reason_code]
    assert not any(personal in one["data"] for one in notices for personal in PERSONAL)


@pytest.mark.long
@pytest.mark.parametrize(
    ("receiver", "hook"), [("made-up-hall", None), ("made-up-water", "water")], ids=["paper", "hook"]
)
def test_who_was_told_of_a_proof_is_told_of_its_correction_and_the_old_file_is_fetched_no_more(
    resident_room: DeskRoom, receiver: str, hook: str | None
) -> None:
    phone, clerk = Phone(resident_room), Hand(resident_room, CLERK)
    code = phone.asks(tell=receiver)
    old = sealed(resident_room, code)
    secret = secret_for(resident_room, old)
    new = corrected(resident_room, old)
    (first,) = resident_room.rows("select code from proof_told where request_id = $1", old.id)
    statement = "select kind, receiver, client, replaces from proof_told where request_id = $1"
    assert [tuple(one) for one in resident_room.rows(statement, new.id)] == [
        ("corrected", receiver, hook, first["code"])
    ]
    statement = """select client, data ->> 'reason_code' from notice
        where kind = 'proof.corrected' and data ->> 'replaces' = $1"""
    noted = [tuple(one) for one in resident_room.rows(statement, first["code"])]
    assert noted == ([(hook, CorrectionGround.CLERICAL)] if hook else [])
    if hook is None:
        notice = clerk.get(f"{page_of(new)}/telling").text
        assert "已经更正" in notice and "云岗镇服务大厅" in notice and first["code"] in notice
        assert not any(each in notice for each in PERSONAL)
    gone = phone.post(FILE, {"code": code, "secret": secret})
    assert gone.status_code == 409 and "已经更正" in gone.text
    for path in ("file", "preview.pdf"):
        printed = PdfDocument(clerk.get(f"{page_of(new)}/{path}").content)[0].get_textpage().get_text_range()
        assert f"代替查验码{first['code']}的原证明" in re.sub(r"\s", "", printed), (
            f"the new paper names the old one: {path}"
        )


@pytest.mark.long
def test_nobody_but_a_clerk_of_the_village_hands_out_by_any_form(resident_room: DeskRoom) -> None:
    request = sealed(resident_room, Phone(resident_room).asks())
    page = f"{page_of(request)}/handing"
    approver, stranger = Hand(resident_room, APPROVER), Hand(resident_room, STRANGER)
    assert 'name="seen"' not in approver.get(page).text
    form = {"to": "applicant", "seen": "in_person", "key": "forged"}
    token = hidden(approver.get(page_of(request)).text)["form_token"]
    assert approver.post(page, **form, form_token=token).status_code == 403
    assert stranger.get(page).status_code == 404 == stranger.get(page.replace(request.id, "v-" + "a" * 20)).status_code
    assert resident_room.rows("select from handing_out where request_id = $1", request.id) == []
    assert secret_for(resident_room, request), "while a clerk may"


def test_large_print_and_language_stay_from_page_to_page(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    for path in ("/apply", FORM, PROGRESS, FILE):
        page = phone.get(f"{path}?lang=en&size=large").text
        assert 'class="large"' in page and "/static/large." in page and 'lang="en"' in page
        links = re.findall(r'href="(/apply[^"]*)"', page.partition("<main")[2])
        assert links and all("size=large" in link and "lang=en" in link for link in links), path
    assert 'class="large"' in phone.get(TERMINAL).text, "always"


def test_a_code_that_nobody_has_does_not_tell_by_any_way(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    for done in ("open", "save", "withdraw"):
        assert phone.post(PROGRESS, {"code": UNKNOWN, "do": done, "four": FOUR}).status_code == 404
