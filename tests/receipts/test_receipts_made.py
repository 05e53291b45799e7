"""Receipts as they are made: what is signed is this role's own verdict at its own time, and never greener than that."""

import base64
import hashlib
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import jwt
import pytest
import segno
import typst
from cryptography import x509
from receipt_room import JOSE, JSON, PAGE, PDF, Room, now

from certsvc.authorities import trust_services
from certsvc.domain.receipt import canonical
from certsvc.domain.states import Status
from certsvc.errors import CustodyError
from certsvc.http.receipts import Receipting
from certsvc.http.site import Site
from certsvc.http.trust import create_trust_app
from certsvc.ids import new_ref
from certsvc.log import open_log
from certsvc.receipting import open_receipting

pytest_plugins = ["receipt_fixtures"]
SCHEMA = Path(__file__).resolve().parents[1] / "vectors" / "receipts" / "receipt-1.schema.json"


def problem(answer: Any, status: int, code: str) -> str:
    """The words of a problem."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["detail"])


def test_a_receipt_says_what_was_asked_when_by_whom_and_what_the_page_showed(till: Room) -> None:
    code, before = till.licence.ref.typed_code, now()
    said, _ = till.made(code=code.lower().replace("-", ""), purpose="  东城支行  开户 2026-1127 ")
    assert before <= datetime.fromisoformat(said["made_at"]) <= now() + timedelta(seconds=1)
    assert said["asked"] == {
        "by": "code",
        "sha256": hashlib.sha256(code.encode()).hexdigest(),
        "size": None,
        "typed_code": code,
    }
    assert said["by"]["authority"] == "云山市电子证照" and said["by"]["url"] == "http://yz.example"
    assert said["by"]["demonstration"] is True and said["by"]["program"].startswith("certsvc ")
    assert (said["purpose"], said["log"], said["timestamp"]) == ("东城支行 开户 2026-1127", None, None)
    page = till.ask(till.public, "GET", f"/C/{code}", headers={"Accept": PAGE}).text
    zh = said["shown"]["zh"]
    words = [zh["word"], zh["title"], zh["holder"], *(one["text"] for one in zh["answers"])]
    words += [fact["value"] for fact in zh["facts"]] + [one["number"] for one in zh["permits"]]
    assert [word for word in words if word not in page.replace("</i><i>", "")] == []
    report = till.ask(till.public, "GET", f"/C/{code}", headers={"Accept": JSON}).json()
    assert said["report"] | {"asked_at": ""} == report | {"asked_at": ""}
    assert len(zh["permits"]) == len(said["report"]["permits"]) == 6
    assert [line["age"] for line in zh["permits"]][:1] == ["26 小时前，超过时限"]


def test_the_record_is_a_jws_that_any_library_reads_with_our_certificate(till: Room) -> None:
    said, jws = till.made(code=till.licence.ref.typed_code)
    header = jwt.get_unverified_header(jws)
    assert (header["alg"], header["typ"]) == ("ES256", "certsvc-receipt+jws")
    signer, above = (x509.load_der_x509_certificate(base64.b64decode(each)) for each in header["x5c"])
    signer.verify_directly_issued_by(above)
    payload = jwt.PyJWS().decode(jws, signer.public_key(), algorithms=["ES256"])  # type: ignore[arg-type]
    assert json.loads(payload) == said and payload == canonical(said)
    root = x509.load_pem_x509_certificate((till.settings.anchors / "root.pem").read_bytes())
    assert root not in (signer, above)
    above.verify_directly_issued_by(root)


@pytest.mark.long
def test_every_receipt_keeps_to_the_published_schema(till: Room) -> None:
    page = unsealed_page()
    schema = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    digits = till.digits(till.licence)
    shown = [till.made(code=till.licence.ref.typed_code)[0], till.made(qr=digits, purpose="x")[0], of_file(till, page)]
    till.shelf.down = True
    try:
        shown.append(till.made(code=till.licence.ref.typed_code)[0])
    finally:
        till.shelf.down = False
    for said in shown:
        assert [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(said)] == []
        for member in ("id", "made_at", "by", "asked", "report", "shown", "log", "timestamp"):
            assert not schema.is_valid({name: value for name, value in said.items() if name != member}), member


def of_file(till: Room, page: bytes) -> dict[str, Any]:
    """The receipt of a file."""
    answer = till.receipt(files={"file": ("x.pdf", page, PDF)})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()["receipt"]
    return said


def unsealed_page() -> bytes:
    """A PDF that nobody sealed."""
    pdf = typst.compile(b"= secret-of-the-file")
    assert isinstance(pdf, bytes)
    return pdf


@pytest.mark.long
def test_a_receipt_of_a_file_names_its_digest_and_holds_nothing_of_it(till: Room) -> None:
    page = unsealed_page()
    said = of_file(till, page)
    assert said["asked"]["sha256"] == hashlib.sha256(page).hexdigest() and said["asked"]["by"] == "file"
    assert said["asked"]["size"] == len(page) and said["report"]["verdict"] == "not_valid"
    assert "secret-of-the-file" not in json.dumps(said) and "x.pdf" not in json.dumps(said)


def test_a_register_that_cannot_be_asked_is_signed_as_undetermined(till: Room) -> None:
    till.shelf.down = True
    try:
        said, _ = till.made(code=till.licence.ref.typed_code)
    finally:
        till.shelf.down = False
    assert said["report"]["verdict"] == "undetermined"
    assert said["shown"]["zh"]["word"] == "无法判定" and said["shown"]["family"] == "unk"
    assert said["asked"]["typed_code"] == till.licence.ref.typed_code  # so that it can be asked again


def test_what_was_valid_on_the_page_and_is_revoked_when_the_receipt_is_made_is_signed_as_revoked(till: Room) -> None:
    code = till.licence.ref.typed_code
    assert till.ask(till.public, "GET", f"/C/{code}", headers={"Accept": JSON}).json()["verdict"] == "valid"
    kept = till.shelf.certificates[0]
    till.shelf.certificates[0] = replace(kept, status=Status.REVOKED)
    try:
        said, _ = till.made(code=code)
    finally:
        till.shelf.certificates[0] = kept
    assert said["report"]["verdict"] == "not_valid" and said["shown"]["zh"]["qualifier"] == "已吊销"


def test_a_receipt_of_a_qr_in_any_spelling_of_its_address(till: Room) -> None:
    digits = till.digits(till.licence)
    for spelt in (digits, f"HTTP://YZ.EXAMPLE/Q/{digits}", f"https://yz.example/Q/{digits}"):
        said, _ = till.made(qr=spelt)
        assert said["report"]["verdict"] == "valid" and said["asked"]["by"] == "qr"
        assert said["asked"]["sha256"] == hashlib.sha256(digits.encode()).hexdigest()
        assert digits not in json.dumps(said)
    words = problem(till.receipt(qr=f"https://yz.example.net/Q/{digits}"), 400, "invalid_input")
    assert "yz.example.net" in words


@pytest.mark.long
def test_a_photo_of_a_qr_gives_a_receipt_that_says_it_was_a_photo(till: Room) -> None:
    photo = photo_of(till)
    answer = till.receipt(files={"file": ("photo.png", photo, "image/png")})
    assert answer.status_code == 200, answer.text
    said = answer.json()["receipt"]
    assert (said["asked"]["by"], said["report"]["verdict"]) == ("photo", "valid")
    assert said["asked"]["sha256"] == hashlib.sha256(photo).hexdigest()


def photo_of(till: Room) -> bytes:
    """A picture of the licence's QR."""
    picture = io.BytesIO()
    segno.make(f"HTTP://YZ.EXAMPLE/Q/{till.digits(till.licence)}", error="m").save(
        picture, kind="png", scale=6, border=4
    )
    return picture.getvalue()


def test_wherever_a_receipt_of_a_file_is_asked_for_a_photo_can_be_chosen_too(till: Room) -> None:
    files = {"file": ("photo.png", photo_of(till), "image/png")}
    result = till.ask(till.public, "POST", "/verify", files=files, headers={"Accept": PAGE}).text
    forms = till.ask(till.trust, "GET", "/receipts", headers={"Accept": PAGE}).text
    for page, name in ((result, "again-file"), (forms, "receipt-file")):
        chooser = page.partition(f'id="{name}"')[2].partition(">")[0]
        assert 'accept="application/pdf,.pdf,image/jpeg,image/png,image/webp"' in chooser, name


def test_a_form_that_a_program_sends_without_escapes_is_read_as_utf_8(till: Room) -> None:
    headers = {"Accept": JSON, "Content-Type": "application/x-www-form-urlencoded"}
    content = f"code={till.licence.ref.typed_code}&purpose=东城支行".encode()
    answer = till.ask(till.trust, "POST", "/receipts", content=content, headers=headers)
    assert answer.status_code == 200 and answer.json()["receipt"]["purpose"] == "东城支行"
    problem(till.ask(till.trust, "POST", "/receipts", content=b"code=%ff", headers=headers), 400, "invalid_input")


@pytest.mark.long
def test_programs_ask_in_json_and_get_what_they_accept(till: Room) -> None:
    code = till.licence.ref.typed_code

    def ask(accept: str, **body: str) -> Any:
        return till.ask(till.trust, "POST", "/receipts", json=body, headers={"Accept": accept})

    answer = ask(JOSE, code=code)
    assert answer.headers["content-type"].startswith(JOSE) and answer.text.count(".") == 2
    assert till.paste(answer.text).json()["verdict"] == "receipt"
    answer = ask(PDF, code=code)
    assert answer.headers["content-type"] == PDF and answer.content.startswith(b"%PDF-1.7")
    assert 'filename="receipt-' in answer.headers["content-disposition"]
    assert ask("*/*", code=code).json().keys() == {"receipt", "jws"}
    problem(ask(JSON, code=code, colour="red"), 400, "invalid_input")


def test_a_browser_gets_a_page_and_from_it_the_file_of_the_same_receipt(till: Room) -> None:
    page = till.receipt(PAGE, code=till.licence.ref.typed_code)
    assert page.headers["content-type"].startswith(PAGE) and "只说明" in page.text
    jws = page.text.split('name="receipt" value="')[1].partition('"')[0]
    pdf = till.receipt(PAGE, receipt=jws, **{"as": "pdf"})
    read = till.verify(pdf.content).json()["receipt"]["content"]
    assert read == till.paste(jws).json()["receipt"]["content"]
    assert till.receipt(PAGE, receipt=jws, **{"as": "jws"}).text == jws


def test_a_page_says_in_which_language_each_word_of_a_receipt_is(till: Room) -> None:
    def page(language: str) -> str:
        fields = {"code": till.licence.ref.typed_code}
        answer = till.ask(till.trust, "POST", f"/receipts?lang={language}", data=fields, headers={"Accept": PAGE})
        return str(answer.text)

    hant, english = page("hant"), page("en")
    assert '<span lang="zh-Hans">有效</span>' in hant and "<dd>輸入查驗碼</dd>" in hant
    assert "<h4>Food business permit</h4>" in english
    assert "<dd>code typed</dd>" in english and '<dd><span lang="zh-Hans">云山市电子证照</span></dd>' in english


def test_pages_are_made_only_of_a_record_that_is_genuine(till: Room) -> None:
    _, jws = till.made(code=till.licence.ref.typed_code)
    forged = jws[:-4] + ("AAAA" if not jws.endswith("AAAA") else "BBBB")
    problem(till.receipt(receipt=forged), 400, "invalid_input")


def test_a_receipt_asked_for_twice_is_two_and_nothing_is_kept(till: Room) -> None:
    folder = till.settings.home

    def files() -> set[str]:
        return {str(path) for path in folder.rglob("*") if path.is_file()}

    till.made(code=till.licence.ref.typed_code)
    before = files()
    one, other = (till.made(code=till.licence.ref.typed_code)[0] for _ in range(2))
    assert one["id"] != other["id"] and len(one["id"]) == 32
    assert files() == before


@pytest.mark.parametrize(
    "fields",
    [{"as": "json"}, {"purpose": "x"}, {"code": "1", "qr": "2"}, {"code": " "}],
    ids=["nothing", "only a purpose", "two things", "a blank"],
)
def test_one_thing_is_asked_about_and_no_more(till: Room, fields: dict[str, str]) -> None:
    problem(till.receipt(**fields), 400, "invalid_input")


@pytest.mark.parametrize(
    "purpose", ["字" * 61, "a\u202eb", "a\x00b", "\u200b\u200b"], ids=["long", "turned", "nul", "unseen"]
)
def test_a_purpose_is_short_and_every_character_of_it_is_seen(till: Room, purpose: str) -> None:
    problem(till.receipt(code=till.licence.ref.typed_code, purpose=purpose), 400, "invalid_input")


def test_what_is_mistyped_unknown_or_too_large_is_refused_and_nothing_is_signed(till: Room) -> None:
    code = till.licence.ref.typed_code
    problem(till.receipt(code=code[:-1] + ("0" if code[-1] != "0" else "1")), 400, "wrong_check_character")
    problem(till.receipt(code=new_ref(None).typed_code), 404, "not_found")
    problem(till.receipt(qr="12345"), 400, "malformed_token")
    problem(till.receipt(files={"file": ("x.pdf", b"%PDF-" + bytes(20 << 20), PDF)}), 413, "file_too_large")
    problem(till.receipt(files={"file": ("x.txt", b"no PDF", PDF)}), 415, "not_a_pdf")
    answer = till.ask(till.trust, "POST", "/receipts", content=b"x", headers={"Content-Type": "text/plain"})
    problem(answer, 415, "wrong_media_type")
    answer = till.ask(
        till.trust,
        "POST",
        "/receipts",
        content=b"receipt=" + b"a" * (600 << 10),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    problem(answer, 413, "message_too_large")


def app_of(till: Room, receipting: Receipting | None) -> Any:
    """The trust role with another maker of receipts, or none."""
    site = Site("yz.example", "http://yz.example", till.settings.web, till.settings.public, True)
    return create_trust_app(trust_services(till.settings, now(), open_log()), site, receipting)


@pytest.mark.long
def test_one_address_gets_so_many_a_minute(till: Room) -> None:
    app = app_of(till, replace(till.receipting, per_minute=2))

    def ask(address: str) -> int:
        fields = {"code": till.licence.ref.typed_code}
        headers = {"X-Forwarded-For": address}
        return till.ask(app, "POST", "/receipts", data=fields, headers=headers).status_code

    assert [ask("198.51.100.7") for _ in range(3)] == [200, 200, 429]
    assert ask("198.51.100.8") == 200


def test_without_a_register_the_role_says_so_and_its_other_services_go_on(till: Room) -> None:
    app = app_of(till, None)
    answer = till.ask(app, "POST", "/receipts", data={"code": till.licence.ref.typed_code})
    assert "没有连接登记簿" in problem(answer, 503, "unavailable")
    assert till.ask(app, "GET", "/health").status_code == 200


def test_without_its_key_the_role_says_so_and_signs_nothing(till: Room) -> None:
    app = app_of(till, replace(till.receipting, press=lambda now: None))
    problem(till.ask(app, "POST", "/receipts", data={"code": till.licence.ref.typed_code}), 503, "unavailable")


def test_the_press_closes_when_its_key_is_gone_and_opens_when_it_is_back(till: Room) -> None:
    path = till.settings.home / "authority" / "keys" / "receipt.key"
    away = path.rename(path.with_suffix(".away"))
    try:
        with pytest.raises(CustodyError):
            till.authority().credential("receipt")
        opened = open_receipting(till.settings, till.verifying, till.receipting.pages, now(), open_log())
        assert opened.press(now()) is None
    finally:
        away.rename(path)
    assert opened.press(now() + timedelta(seconds=6)) is not None
