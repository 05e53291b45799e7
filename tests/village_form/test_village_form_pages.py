"""A clerk begins a proof and fills in its form without script: it is kept as it was typed, and nothing of it is lost to
an error, to somebody else, or to a session that ran out."""

import html
import json
from typing import Any

import pytest
from form_room import (
    AT,
    AUDITOR,
    CATALOG,
    CLERK,
    STRANGER,
    Filling,
    FormRoom,
    good,
    hidden,
    proof_kinds,
    standing,
)

from certsvc.catalog import CertificateType
from certsvc.catalog.entry import entry_form
from certsvc.domain.proof_request import ConsentGiven
from certsvc.http.village.entry import MOST_ENTRY

pytest_plugins = ["account_fixtures", "form_fixtures"]
WATER, RENT, MARITAL = "tiered-water-proof", "public-rental-housing-proof", "marital-relation-proof"
WRONG = "440524188701180357"
"""Its check digit is wrong."""


@pytest.fixture(scope="module")
def clerk(form_room: FormRoom) -> Filling:
    return form_room.clerk()


def typed(kind: CertificateType, payload: dict[str, Any]) -> dict[str, list[str]]:
    """An example as a form is filled in with it."""
    return {f"f.{key}": texts for key, texts in entry_form(kind).of_clerk.typed(payload).items()}


@pytest.mark.parametrize("kind", proof_kinds(), ids=lambda kind: str(kind.id))
def test_every_good_example_is_typed_in_and_read_back_byte_for_byte(
    form_room: FormRoom, clerk: Filling, kind: CertificateType
) -> None:
    for path in good(kind):
        payload = json.loads(path.read_text("utf-8")) | {"handler": CLERK}
        id_ = clerk.begin(kind.id)
        assert clerk.send(id_, typed(kind, payload)).status_code == 303
        assert dumped(form_room.content(id_).payload) == dumped(payload), path
        page = clerk.form(id_).text
        fields = [(name, value) for name, value in standing(page) if name.startswith("f.") and value]
        assert fields == [(name, text) for name, texts in regrouped(kind, typed(kind, payload)) for text in texts]
        assert clerk.send(id_, page=page).status_code == 303
        assert dumped(form_room.content(id_).payload) == dumped(payload), "sent as it stands: the same"


def dumped(payload: Any) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)


def regrouped(kind: CertificateType, fields: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """In the order of the page."""
    order = ["who", "facts", "checked", "use"]
    asked = sorted(entry_form(kind).of_clerk.fields, key=lambda each: order.index(each.group))
    return [(f"f.{each.key}", fields[f"f.{each.key}"]) for each in asked if f"f.{each.key}" in fields]


def test_what_is_wrong_is_kept_and_said_above_and_at_the_field(form_room: FormRoom, clerk: Filling) -> None:
    id_ = clerk.begin(RENT)
    wrong = {
        "f.applicant_id": [WRONG],
        "f.income": ["三万八"],
        "f.members": ["周俊杰", "", "林月娥 "],
        "then": ["check"],
    }
    answer = clerk.send(id_, wrong)
    assert answer.headers["location"].endswith("/form?check=1")
    kept = form_room.content(id_).payload
    assert (kept["applicant_id"], kept["income"], kept["members"]) == (WRONG, "三万八", ["周俊杰", "林月娥"])
    page = clerk.form(id_, "?check=1").text
    for at, said in (
        ("f-applicant_id", "公民身份号码：身份号码的校验位不符。"),
        ("f-income", "家庭年收入（元）应为整数。"),
    ):
        assert f'<a href="#{at}">{said}</a>' in page
        assert f'id="{at}-error">' in page and page.count(said) >= 2
    assert 'value="三万八"' in page and f'value="{WRONG}"' in page
    for said in ("请至少选一种核实方式。", "请写核实经过。", "请勾选“申请人同意以上内容”。"):
        assert said in page
    assert "经办人必须填写" not in page, "who handles it is known, and not asked"


def test_only_a_whole_form_goes_on_to_the_request(form_room: FormRoom, clerk: Filling) -> None:
    kind = CATALOG.latest(RENT)
    whole = typed(kind, json.loads(good(kind)[0].read_text("utf-8")))
    ticks = {"consent": ["yes"], "sensitive": ["yes"], "how": ["on_paper"]}
    id_ = clerk.begin(RENT, due="2027-01-29")
    said = {"way": ["visit", "records"], "notes": ["11月21日入户，\r\n五人均在。"], "contact": ["13800000000"]}
    answer = clerk.send(id_, {**whole, **ticks, **said, "then": ["check"]})
    assert answer.headers["location"] == f"{AT}/requests/{id_}"
    request, content = form_room.request(id_), form_room.content(id_)
    assert request.consent is not None and request.consent.how is ConsentGiven.ON_PAPER
    assert "敏感个人信息" in request.consent.what and "家庭年收入" in request.consent.what
    assert (content.contact, content.notes) == ("13800000000", "核实方式：查资料、入户走访\n11月21日入户，\n五人均在。")
    page = clerk.form(id_).text
    assert 'value="visit" checked' in page and "11月21日入户，\n五人均在。" in page and "已记录同意" in page
    assert str(request.due) == "2027-01-29" and "2027-01-29" in page


@pytest.mark.parametrize(
    ("ticks", "said"),
    [
        ({"consent": ["yes"], "how": ["in_person"]}, "敏感个人信息要单独同意"),
        ({"sensitive": ["yes"], "how": ["in_person"]}, "请勾选"),
        ({"consent": ["yes"], "sensitive": ["yes"]}, "请选怎样同意的"),
        ({"consent": ["yes"], "sensitive": ["yes"], "how": ["online"]}, "请选怎样同意的"),
    ],
    ids=["not the sensitive", "the sensitive alone", "not how", "not at a counter"],
)
def test_a_consent_in_part_is_none(form_room: FormRoom, clerk: Filling, ticks: dict[str, list[str]], said: str) -> None:
    id_ = clerk.begin(RENT)
    answer = clerk.send(id_, {**ticks, "f.applicant": ["周俊杰"]})
    assert answer.status_code == 400 and said in answer.text and 'value="周俊杰"' in answer.text
    assert form_room.request(id_).consent is None and "applicant" not in form_room.content(id_).payload


def test_rows_are_added_and_removed_without_script_and_nothing_is_saved(form_room: FormRoom, clerk: Filling) -> None:
    id_ = clerk.begin(WATER)
    rows = {"f.names": ["周一", "周二", "周三"], "f.account": ["写了一半"]}
    page = clerk.send(id_, {**rows, "more": ["names"]}).text
    assert page.count('name="f.names"') == 8 and 'value="写了一半"' in page
    page = clerk.send(id_, {"less": ["names.2"]}, page=page).text
    assert [value for name, value in standing(page) if name == "f.names" and value] == ["周一", "周三"]
    assert form_room.request(id_).version == 1, "nothing was saved yet"
    clerk.send(id_, page=page)
    assert form_room.content(id_).payload["names"] == ["周一", "周三"]


@pytest.mark.parametrize(
    "name",
    [
        "𠮷田㭎",
        "周<b>丽</b>&quot;芳",
        '"><script>alert(1)</script>',
        "周丽芳👩‍👧",
        "周\u200b丽",
        "'; drop table account; --",
    ],
    ids=["rare", "markup", "script", "emoji", "zero width", "sql"],
)
def test_any_characters_in_a_name_are_kept_and_escaped(form_room: FormRoom, clerk: Filling, name: str) -> None:
    id_ = clerk.begin(WATER)
    assert clerk.send(id_, {"f.applicant": [name]}).status_code == 303
    assert form_room.content(id_).payload["applicant"] == name
    page = clerk.form(id_, "?check=1").text
    assert ("f.applicant", name) in standing(page) and "<script>alert" not in page and "<b>丽" not in page
    assert ("印不出来的字符" in page) == ("\u200b" in name or "\u200d" in name)


def test_two_windows_show_both_texts_and_lose_neither(form_room: FormRoom, clerk: Filling) -> None:
    id_ = clerk.begin(WATER)
    first = clerk.form(id_).text
    clerk.send(id_, {"f.applicant": ["先存的"], "f.names": ["周一"], "notes": ["先写的"]})
    answer = clerk.send(id_, {"f.applicant": ["后存的"], "f.names": ["周二"], "notes": ["后写的"]}, page=first)
    assert answer.status_code == 412
    for text in ("先存的", "后存的", "周一", "周二", "先写的", "后写的"):
        assert text in answer.text
    assert form_room.content(id_).payload["applicant"] == "先存的", "nothing is written over unseen"
    assert clerk.send(id_, page=answer.text).status_code == 303
    kept = form_room.content(id_)
    assert (kept.payload["applicant"], kept.payload["names"], kept.notes) == ("后存的", ["周二"], "后写的")


def test_the_same_form_twice_is_saved_once_and_its_key_serves_for_nothing_else(
    form_room: FormRoom, clerk: Filling
) -> None:
    id_ = clerk.begin(WATER)
    page = clerk.form(id_).text
    for _ in range(2):
        assert clerk.send(id_, {"f.applicant": ["周一"]}, page=page).status_code == 303
    assert form_room.request(id_).version == 2
    answer = clerk.send(id_, {"f.applicant": ["周二"]}, page=page)
    assert answer.status_code == 422 and "周一" in answer.text and 'value="周二"' in answer.text
    assert clerk.send(id_, page=answer.text).status_code == 303
    assert form_room.content(id_).payload["applicant"] == "周二"


def test_a_session_that_ran_out_while_typing_loses_nothing(form_room: FormRoom) -> None:
    clerk = form_room.clerk()
    id_ = clerk.begin(WATER)
    ticks = {"consent": ["yes"], "sensitive": ["yes"], "how": ["in_person"]}
    changes = {"f.applicant": ["周\n<丽>芳"], "f.names": ["周一", "周二"], **ticks}
    page = clerk.form(id_).text
    form_room.end_session()
    answer = clerk.send(id_, changes, page=page)
    assert answer.status_code == 401 and "登录已过期" in answer.text and "form_token" not in answer.text
    kept = [(name, html.unescape(value)) for name, value in areas(answer.text)]
    assert [pair for pair in kept if pair[0] in changes] == [(n, v) for n, vs in changes.items() for v in vs]
    again = form_room.clerk()
    shown = again.post(f"{AT}/requests/{id_}/form", kept)
    assert shown.status_code == 403 and "请核对后再保存" in shown.text and form_room.request(id_).version == 1
    assert again.send(id_, page=shown.text).status_code == 303
    assert form_room.content(id_).payload["names"] == ["周一", "周二"]
    assert form_room.request(id_).consent is not None


def areas(page: str) -> list[tuple[str, str]]:
    """The hidden texts of the page that says that the session ran out."""
    found = []
    for part in page.split('<textarea class="kept" name="')[1:]:
        name, _, rest = part.partition('" hidden>\n')
        found.append((name, rest[: rest.index("</textarea>")]))
    return found


def test_the_page_saves_itself_in_json_and_errors_are_json_too(form_room: FormRoom, clerk: Filling) -> None:
    id_, as_json = clerk.begin(WATER), {"Accept": "application/json"}
    page = clerk.form(id_).text
    for _ in range(2):
        answer = clerk.send(id_, {"f.applicant": ["周一"]}, page=page, **as_json)
        said = answer.json()
        assert (answer.status_code, said["seen"]) == (200, 2) and len(said["at"]) == 5
    answer = clerk.send(id_, {"f.applicant": ["周二"], "key": [said["key"]], "seen": ["2"]}, page=page, **as_json)
    assert (answer.status_code, answer.json()["seen"]) == (200, 3)
    stale = clerk.send(id_, {"key": ["another"]}, page=page, **as_json)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    stranger = Filling(form_room).post(f"{AT}/requests/{id_}/form", standing(page), **as_json)
    assert (stranger.status_code, stranger.json()["code"]) == (401, "not_signed_in")


def test_only_a_clerk_of_the_organ_fills_in_and_only_from_our_pages(form_room: FormRoom, clerk: Filling) -> None:
    id_ = clerk.begin(WATER)
    page, address = clerk.form(id_).text, f"{AT}/requests/{id_}/form"
    auditor, stranger = form_room.clerk(AUDITOR), form_room.clerk(STRANGER)
    token = hidden(auditor.get("/village/account").text, "form_token")
    assert auditor.get(address).status_code == 403
    assert auditor.send(id_, {"form_token": [token]}, page=page).status_code == 403
    assert auditor.get(f"{AT}/new").status_code == 403
    assert auditor.post(f"{AT}/new/{WATER}", [("form_token", token), ("key", "k")]).status_code == 403
    assert stranger.get(address).status_code == stranger.get(address.replace(id_, "v-none")).status_code == 404
    assert clerk.post(address, standing(page), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert form_room.request(id_).version == 1
    assert clerk.send(id_, {"f.applicant": ["周" * MOST_ENTRY]}, page=page).status_code == 413
    many = [*standing(page), *[("f.names", "x")] * 300]
    assert clerk.post(address, many).status_code == 400


def test_sent_twice_a_proof_is_begun_once_with_what_is_known(form_room: FormRoom, clerk: Filling) -> None:
    page = clerk.get(f"{AT}/new?item={MARITAL}").text
    pairs = [(name, hidden(page, name)) for name in ("form_token", "key")]
    due = page.partition('name="due"')[2].partition('value="')[2][:10]
    answers = [clerk.post(f"{AT}/new/{MARITAL}", [*pairs, ("due", due)]).headers["location"] for _ in range(2)]
    assert answers[0] == answers[1]
    id_ = answers[0].split("/")[-2]
    kept = form_room.content(id_).payload
    assert set(kept) == {"handler", "valid_from", "valid_to"} and kept["handler"] == CLERK
    assert str(form_room.request(id_).due) == due
    for due in ("1999-01-01", "x", "2999-01-01"):
        assert clerk.post(f"{AT}/new/{MARITAL}", [*pairs[:1], ("key", "k"), ("due", due)]).status_code == 400


def test_what_is_not_given_out_is_said_and_put_on_record_once(form_room: FormRoom, clerk: Filling) -> None:
    page = clerk.get(f"{AT}/new?name=无犯罪记录").text
    assert "村（居）民委员会不能开" in page and "公安派出所" in page and "/notice" in page
    item = hidden(page, "item")
    pairs = [(name, hidden(page, name)) for name in ("form_token", "key", "item", "asked")]
    for _ in range(2):
        answer = clerk.post(f"{AT}/new", pairs)
        assert answer.status_code == 303 and answer.headers["location"].endswith(f"/new?recorded=1&item={item}")
    rows = form_room.room.rows("select item, words, person from proof_refusal where item = $1", item)
    assert [tuple(row) for row in rows] == [(item, None, CLERK)]
    token = pairs[0]
    refused = clerk.post(f"{AT}/new/{item}", [token, ("key", "k")])
    assert refused.status_code in (403, 404, 422), "what is forbidden is not begun by its address either"
    assert clerk.post(f"{AT}/new", [token, ("key", "k2"), ("item", WATER), ("asked", "水费")]).status_code == 400
