"""What each route answers, as a page a person can read and as JSON: one test for each sentence of the promise."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import TODAY, PublicSite, certificate, decided, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import IN_FORCE, Status
from certsvc.ids import new_ref

JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BASE = {"verdict", "document", "register", "term", "checks"}
Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def shelf() -> list[RegisteredCertificate]:
    return list(licence_with_permits())


@pytest.fixture
def site(tmp_path: Path, shelf: list[RegisteredCertificate]) -> PublicSite:
    return make_site(tmp_path, shelf)


@pytest.fixture
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


def says(answer: httpx.Response, status: int, *words: str) -> None:
    """The answer is a whole page in Chinese with this status, and these words stand on it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>") and answer.text.rstrip().endswith("</html>")
    assert [word for word in words if word not in answer.text] == []


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem by RFC 9457 with this status and stable code."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= content.keys()
    assert (content["status"], content["code"], content["type"]) == (status, code, f"urn:certsvc:problem:{code}")
    assert content["title"] and content["detail"]
    return content


def report(answer: httpx.Response, status: int, verdict: str) -> dict[str, Any]:
    """The answer is a report with every fixed name."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    content: dict[str, Any] = answer.json()
    assert content.keys() >= BASE
    assert content["verdict"] == verdict
    names = {"kind", "outcome", "reason", "indication", "sub_indication"}
    assert all(check.keys() == names for check in content["checks"])
    return content


def post(client: Client, data: bytes, headers: dict[str, str] = JSON, name: str = "a.pdf") -> httpx.Response:
    return client.post("/verify", files={"file": (name, data, "application/pdf")}, headers=headers)


# ---- /Q ----


def test_a_genuine_qr_is_valid(client: Client, site: PublicSite, shelf: list[RegisteredCertificate]) -> None:
    path = f"/Q/{site.digits(shelf[0])}"
    says(client.get(path, headers=PAGE), 200, "<title>有效 – 营业执照", "云山市岭南鲜生商贸有限公司")
    content = report(client.get(path, headers=JSON), 200, "valid")
    assert (content["document"], content["term"]) == ("sound", "none")
    assert content["register"] == {"status": "valid", "age_s": 180}
    assert content["certificate"]["number"] == "91441900MA51ABC088"
    assert [permit.keys() >= {"verdict", "status", "status_age_s"} for permit in content["permits"]] == [True] * 6


@pytest.mark.parametrize("digits", ["12", "abc", "0123", "１２３", "1" * 700, "-1", "1.0"])
def test_malformed_digits_are_400(client: Client, digits: str) -> None:
    says(client.get(f"/Q/{digits}", headers=PAGE), 400, "二维码内容不合格式")
    problem(client.get(f"/Q/{digits}", headers=JSON), 400, "malformed_token")


@pytest.mark.parametrize("length", [701, 1900])
def test_over_long_digits_are_414(client: Client, length: int) -> None:
    says(client.get(f"/Q/{'1' * length}", headers=PAGE), 414, "过长")
    problem(client.get(f"/Q/{'1' * length}", headers=JSON), 414, "token_too_long")


def test_an_address_longer_than_any_of_ours_is_414(client: Client) -> None:
    says(client.get(f"/Q/{'1' * 2500}", headers=PAGE), 414, "网址过长")
    problem(client.get(f"/Q/{'1' * 2500}", headers=JSON), 414, "url_too_long")
    problem(client.get(f"/C/x?{'a' * 2500}", headers=JSON), 414, "url_too_long")


def test_a_token_of_another_authority_is_not_valid(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    path = f"/Q/{site.digits(shelf[0], foreign=True)}"
    says(client.get(path, headers=PAGE), 200, "<title>无效 不是本系统签发")
    content = report(client.get(path, headers=JSON), 200, "not_valid")
    assert (content["document"], content["register"], content["certificate"]) == ("unsound", None, None)
    assert content["permits"] == []


def test_a_token_with_a_changed_digit_is_malformed_or_not_valid_never_green(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    digits = site.digits(shelf[0])
    statuses = set()
    for place in range(0, len(digits), 23):
        changed = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
        answer = client.get(f"/Q/{changed}", headers=JSON)
        statuses.add(answer.status_code)
        assert answer.status_code == 400 or report(answer, 200, "not_valid")
    changed = digits[:-1] + str((int(digits[-1]) + 1) % 10)  # in the signature: it still parses
    assert report(client.get(f"/Q/{changed}", headers=JSON), 200, "not_valid")["document"] == "unsound"
    assert statuses <= {200, 400}


def test_a_foreign_signature_is_refused_before_the_register_is_asked(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    site.shelf.down = True
    report(client.get(f"/Q/{site.digits(shelf[0], foreign=True)}", headers=JSON), 200, "not_valid")


def test_a_token_of_ours_without_a_row_is_undetermined(client: Client, site: PublicSite) -> None:
    stray = replace(certificate("business-licence-company", "good-lingnan"), ref=new_ref(None))
    path = f"/Q/{site.digits(stray)}"
    says(client.get(path, headers=PAGE), 200, "<title>无法判定 登记簿中没有", "请勿当作有效")
    content = report(client.get(path, headers=JSON), 200, "undetermined")
    assert (content["document"], content["register"]) == ("sound", {"status": "unknown", "age_s": None})


def test_a_database_that_is_down_is_503_with_the_page_and_never_green(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    site.shelf.down = True
    for path in (f"/Q/{site.digits(shelf[0])}", f"/C/{shelf[0].ref.typed_code}"):
        page = client.get(path, headers=PAGE)
        says(page, 503, "<title>无法判定 请勿当作有效", "登记簿现在查不了")
        assert 'class="verdict unk"' in page.text and page.headers["retry-after"] == "10"
        content = report(client.get(path, headers=JSON), 503, "undetermined")
        assert (content["register"], content["certificate"]) == (None, None)


def test_a_down_register_still_shows_what_the_token_itself_says(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    site.shelf.down = True
    says(client.get(f"/Q/{site.digits(shelf[0])}"), 503, "二维码里写明的内容", "云山市岭南鲜生商贸有限公司")


# ---- /C ----


def test_a_typed_code_is_read_in_any_case_and_without_hyphens(
    client: Client, shelf: list[RegisteredCertificate]
) -> None:
    code = shelf[0].ref.typed_code
    for typed in (code, code.lower(), code.replace("-", "")):
        says(client.get(f"/C/{typed}", headers=PAGE), 200, "<title>有效 – 营业执照")
        assert report(client.get(f"/C/{typed}", headers=JSON), 200, "valid")["certificate"]["typed_code"] == code


def test_a_wrong_check_character_is_400_and_the_register_is_not_asked(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    site.shelf.down = True
    code = shelf[0].ref.typed_code
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    says(client.get(f"/C/{wrong}", headers=PAGE), 400, "错误：", f'value="{wrong}"', 'role="alert"')
    problem(client.get(f"/C/{wrong}", headers=JSON), 400, "wrong_check_character")


@pytest.mark.parametrize("code", ["X", "UUUU-UUUU-UUUU-UUUU-U", "7K3M-9Q2D", "<b>"])
def test_what_is_no_code_is_400(client: Client, code: str) -> None:
    says(client.get(f"/C/{code}", headers=PAGE), 400, "错误：")
    problem(client.get(f"/C/{code}", headers=JSON), 400, "invalid_identifier")


def test_an_unknown_code_is_404_and_every_unknown_code_gets_the_same_page(client: Client) -> None:
    pages = set()
    for _ in range(2):
        code = new_ref(None).typed_code
        answer = client.get(f"/C/{code}", headers=PAGE)
        says(answer, 404, "没有查到")
        pages.add(answer.text.replace(code, "CODE"))
        problem(client.get(f"/C/{code}", headers=JSON), 404, "not_found")
    assert len(pages) == 1


def test_the_form_leads_a_typed_code_to_its_own_address(client: Client, shelf: list[RegisteredCertificate]) -> None:
    code = shelf[0].ref.typed_code
    asked = {"code": code.lower().replace("-", " "), "lang": "en"}
    answer = client.get("/code", params=asked, headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/C/{code}?lang=en")
    says(client.get("/code", params={"code": "nonsense"}, headers=PAGE), 400, "错误：", 'value="nonsense"')
    problem(client.get("/code", headers=JSON), 400, "invalid_identifier")


# ---- POST /verify ----


def test_a_registered_sound_file_is_valid(client: Client, site: PublicSite, shelf: list[RegisteredCertificate]) -> None:
    data = site.sealed(shelf[1])
    site.shelf.documents[hashlib.sha256(data).digest()] = shelf[1].ref
    says(post(client, data, PAGE, "证照.pdf"), 200, "<title>有效 – 食品经营许可证", "证照.pdf")
    content = report(post(client, data, JSON, "证照.pdf"), 200, "valid")
    assert content["file"] == "证照.pdf"
    assert (content["document"], content["register"]["status"], content["term"]) == ("sound", "valid", "in_force")


def test_a_sound_file_that_is_not_registered_is_undetermined(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    data = site.sealed(shelf[1])
    says(post(client, data, PAGE), 200, "<title>无法判定 有印章，没有登记")
    assert report(post(client, data), 200, "undetermined")["register"] == {"status": "unknown", "age_s": None}


@pytest.mark.parametrize("registered", [True, False])
def test_an_unsound_file_is_not_valid_registered_or_not(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate], registered: bool
) -> None:
    data = site.sealed(shelf[1], {"signature": "altered"})
    if registered:
        site.shelf.documents[hashlib.sha256(data).digest()] = shelf[1].ref
    says(post(client, data, PAGE), 200, "<title>无效 文件被改动")
    assert report(post(client, data), 200, "not_valid")["document"] == "unsound"


def test_a_sound_file_with_the_register_down_is_undetermined(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    data = site.sealed(shelf[1])
    site.shelf.documents[hashlib.sha256(data).digest()] = shelf[1].ref
    site.shelf.down = True
    says(post(client, data, PAGE), 200, "<title>无法判定", "登记簿现在查不了")
    content = report(post(client, data), 200, "undetermined")
    assert (content["document"], content["register"]) == ("sound", None)


def test_who_takes_anything_gets_json_from_post_and_a_page_from_a_link(
    client: Client, site: PublicSite, shelf: list[RegisteredCertificate]
) -> None:
    anything = {"Accept": "*/*"}
    report(post(client, site.sealed(shelf[1]), anything), 200, "undetermined")
    says(client.get(f"/C/{shelf[0].ref.typed_code}", headers=anything), 200)


# ---- JSON of what is in trouble ----


def test_each_permit_has_its_own_verdict_and_status_and_the_licence_keeps_its_own(
    client: Client, shelf: list[RegisteredCertificate]
) -> None:
    content = report(client.get(f"/C/{shelf[0].ref.typed_code}", headers=JSON), 200, "valid")
    found = {
        permit["type"]: (permit["verdict"], permit["status"], permit["term_state"]) for permit in content["permits"]
    }
    assert found == {
        "food-business": ("valid", "valid", "in_force"),
        "drug-retail": ("valid", "valid", "in_force"),
        "hotel-special-trade": ("valid", "valid", "none"),
        "fire-safety-check": ("undetermined", "unknown", "none"),
        "publications-retail": ("not_valid", "suspended", "in_force"),
        "public-place-hygiene": ("not_valid", "valid", "over"),
    }


def test_a_permit_tells_of_its_licence(client: Client, shelf: list[RegisteredCertificate]) -> None:
    content = report(client.get(f"/C/{shelf[1].ref.typed_code}", headers=JSON), 200, "valid")
    assert content["licence"]["number"] == "91441900MA51ABC088"
    says(client.get(f"/C/{shelf[1].ref.typed_code}"), 200, "所属的营业执照", f"/C/{shelf[0].ref.typed_code}")


@pytest.mark.long
@pytest.mark.parametrize("status", [status for status in Status if status is not Status.UNKNOWN])
def test_every_state_has_its_own_answer(tmp_path: Path, status: Status) -> None:
    act = decided("decide", reason="made up") if status is not Status.VALID else None
    one = certificate("business-licence-company", "good-lingnan", status=status, change=act)
    with TestClient(make_site(tmp_path, [one]).app) as client:
        fine = status in IN_FORCE
        content = report(client.get(f"/C/{one.ref.typed_code}", headers=JSON), 200, "valid" if fine else "not_valid")
        assert content["register"] == {"status": status.value, "age_s": 180}
        page = client.get(f"/C/{one.ref.typed_code}", headers=PAGE)
        words = "有效" if fine else "目前无效" if status is Status.SUSPENDED else "无效"
        says(page, 200, f"<title>{words}")
        assert ('class="verdict ok"' in page.text) == fine


@pytest.mark.long
@pytest.mark.parametrize(
    ("start", "end", "term", "verdict"),
    [(-10, 0, "in_force", "valid"), (-10, -1, "over", "not_valid"), (1, 10, "not_yet", "not_valid")],
)
def test_both_ends_of_a_term_are_included(tmp_path: Path, start: int, end: int, term: str, verdict: str) -> None:
    first, last = (TODAY + timedelta(days=offset) for offset in (start, end))
    one = certificate("food-business", "good-snack-bar", valid_from=str(first), valid_to=str(last))
    with TestClient(make_site(tmp_path, [one]).app) as client:
        assert report(client.get(f"/C/{one.ref.typed_code}", headers=JSON), 200, verdict)["term"] == term


def test_a_state_past_its_limit_is_unknown_and_undetermined(tmp_path: Path) -> None:
    one = certificate("business-licence-company", "good-lingnan", status_age_s=72 * 3600)
    with TestClient(make_site(tmp_path, [one]).app) as client:
        content = report(client.get(f"/C/{one.ref.typed_code}", headers=JSON), 200, "undetermined")
        assert content["register"] == {"status": "unknown", "age_s": 72 * 3600}
        says(client.get(f"/C/{one.ref.typed_code}"), 200, "<title>无法判定", "超过时限")


# ---- /health ----


def test_health_is_200_when_ready_and_503_otherwise(client: Client, site: PublicSite) -> None:
    assert client.get("/health").status_code == 200
    site.shelf.down = True
    problem(client.get("/health", headers=JSON), 503, "register_unavailable")
