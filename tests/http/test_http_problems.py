"""Problems (RFC 9457) for programs and people, silence about what nobody expected, and alarms for what must not be."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.testing import TestClient
from public_site import ROOT, PublicSite, certificate, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.errors import CertsvcError, PayloadInvalid, Problem, StoreError
from certsvc.http.language import load_languages
from certsvc.http.problems import problem_json, show
from certsvc.ids import new_ref

JSON = {"Accept": "application/json"}
SECRET = "postgresql://certsvc:hunter2@10.0.0.7/register"
Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def licence() -> RegisteredCertificate:
    return certificate("business-licence-company", "good-lingnan")


@pytest.fixture
def log() -> io.StringIO:
    """What the site writes to standard error."""
    return io.StringIO()


@pytest.fixture
def site(tmp_path: Path, licence: RegisteredCertificate, log: io.StringIO) -> PublicSite:
    with redirect_stderr(log):
        return make_site(tmp_path, [licence])


@pytest.fixture
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


def logged(log: io.StringIO, event: str) -> list[dict[str, Any]]:
    """The lines of the log with this event."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


# ---- problems ----


def test_every_problem_of_an_input_is_named_by_field_in_both_languages() -> None:
    languages = load_languages(ROOT / "verifier_web" / "words")
    wrong = Problem(field="/uscc", code="check", zh="校验位不符。", en="The check character does not match.")
    shown = show(PayloadInvalid("内容不合要求。", "The content is not acceptable.", problems=[wrong]), languages["en"])
    assert problem_json(shown) == {
        "type": "urn:certsvc:problem:payload_invalid",
        "title": "The content of the certificate is not acceptable",
        "status": 422,
        "detail": "The content is not acceptable.",
        "code": "payload_invalid",
        "problems": [
            {"field": "/uscc", "code": "check", "zh": "校验位不符。", "en": "The check character does not match."}
        ],
    }


@pytest.mark.parametrize(
    "error", [StoreError(SECRET, SECRET), RuntimeError(SECRET), HTTPException(SECRET, status_code=500)]
)
def test_of_an_unexpected_error_only_that_it_happened_leaves(error: Exception) -> None:
    for language in load_languages(ROOT / "verifier_web" / "words").values():
        shown = show(error, language)
        assert (shown.status, shown.code) == (500, "internal")
        assert SECRET not in str(problem_json(shown))


def test_every_error_has_a_title_in_both_languages_and_a_code_of_its_own() -> None:
    def below(kind: type[CertsvcError]) -> Iterator[type[CertsvcError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    kinds = [kind for kind in below(CertsvcError) if kind.__module__ == "certsvc.errors"]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.title() and kind.title_zh and 400 <= kind.status < 600 for kind in kinds)


def test_an_unexpected_error_is_500_without_detail_and_logged_without_its_message(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    async def break_down(*asked: object) -> None:
        raise RuntimeError(SECRET)

    site.shelf.gather = break_down  # type: ignore[assignment, method-assign]
    page = client.get(f"/C/{licence.ref.typed_code}")
    content = client.get(f"/C/{licence.ref.typed_code}", headers=JSON)
    assert (page.status_code, content.status_code) == (500, 500)
    assert content.json()["code"] == "internal"
    assert "请勿把它当作有效" in page.text and 'class="verdict' not in page.text
    for text in (page.text, content.text):
        assert not [word for word in (SECRET, "hunter2", "Traceback", "RuntimeError", ".py") if word in text]
    lines = logged(log, "unexpected_error")
    assert [(line["route"], line["error"]) for line in lines] == [("code", "RuntimeError")] * 2
    assert "hunter2" not in str(lines) and licence.ref.typed_code not in str(lines)


def test_a_problem_page_offers_a_way_on(client: Client) -> None:
    page = client.get("/nothing").text
    assert "没有这个页面" in page and 'href="/"' in page and 'action="/code"' in page and 'action="/verify"' in page


@pytest.mark.parametrize(
    "path", ["/C/%00", "/C/%ff", "/Q/%0d%0a", "/C/a/b", "/Q/", "/C/", "/static/..%2f..%2fREADME.md"]
)
def test_strange_addresses_are_clear_problems(client: Client, path: str) -> None:
    answer = client.get(path, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["", "*/*;q=nonsense", "text/html;q=0", "x" * 5000, ",,,", "application/*"])
def test_strange_accept_headers_are_answered(client: Client, accept: str) -> None:
    assert client.get("/", headers={"Accept": accept}).status_code == 200
    assert client.get("/nothing", headers={"Accept": accept}).status_code == 404


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        ("application/json", False),
        ("application/problem+json", False),
        ("application/json, text/html;q=0.9", False),
        ("text/html, application/json;q=0.9", True),
        ("*/*", True),
        ("image/png", True),
    ],
)
def test_accept_chooses_between_page_and_json(
    client: Client, licence: RegisteredCertificate, accept: str, is_page: bool
) -> None:
    for path in (f"/C/{licence.ref.typed_code}", "/C/X"):
        answer = client.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"].startswith("text/html") == is_page


# ---- alarms ----


def alarms(log: io.StringIO) -> list[tuple[str, str, str]]:
    """Level, code and route of every alarm; nothing else stands in its line."""
    lines = logged(log, "alarm")
    assert all(line.keys() == {"event", "level", "timestamp", "alarm", "route"} for line in lines)
    return [(line["level"], line["alarm"], line["route"]) for line in lines]


def send(client: Client, data: bytes) -> str:
    answer = client.post("/verify", files={"file": ("周建芳.pdf", data)}, headers=JSON)
    return str(answer.json()["verdict"])


def test_a_sound_file_that_is_not_registered_raises_an_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    assert send(client, site.sealed(licence)) == "undetermined"
    assert alarms(log) == [("error", "sealed_but_not_registered", "file")]


def test_a_sound_file_of_a_certificate_without_a_row_raises_an_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    assert send(client, site.sealed(replace(licence, ref=new_ref(None)))) == "undetermined"
    assert alarms(log) == [("error", "sealed_but_not_registered", "file")]


def test_a_registered_file_that_is_not_sound_raises_an_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    data = site.sealed(licence, {"padding": "data_in_padding"})
    site.shelf.documents[hashlib.sha256(data).digest()] = licence.ref
    assert send(client, data) == "not_valid"
    assert alarms(log) == [("error", "registered_but_unsound", "file")]


def test_a_token_of_ours_without_a_row_raises_an_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    client.get(f"/Q/{site.digits(replace(licence, ref=new_ref(None)))}")
    assert alarms(log) == [("error", "token_without_row", "scan")]


def test_what_is_merely_wrong_or_down_raises_no_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    data = site.sealed(licence)
    site.shelf.documents[hashlib.sha256(data).digest()] = licence.ref
    assert send(client, data) == "valid"
    assert send(client, site.sealed(licence, {"signer": "not_our_anchor"})) == "not_valid"
    for path in (f"/Q/{site.digits(licence)}", f"/Q/{site.digits(licence, foreign=True)}", "/Q/12"):
        client.get(path)
    client.get(f"/C/{new_ref(None).typed_code}")  # mistyped or guessed: nothing was signed
    site.shelf.down = True
    assert send(client, data) == "undetermined"
    client.get(f"/Q/{site.digits(licence)}")
    assert alarms(log) == []


def test_a_register_that_fails_between_two_questions_raises_no_alarm(
    client: Client, site: PublicSite, licence: RegisteredCertificate, log: io.StringIO
) -> None:
    find = site.shelf.find_document

    async def fail_once(sha256: bytes) -> object:
        site.shelf.down = True
        try:
            return await find(sha256)
        finally:
            site.shelf.down = False

    site.shelf.find_document = fail_once  # type: ignore[assignment, method-assign]
    data = site.sealed(licence)
    site.shelf.documents[hashlib.sha256(data).digest()] = licence.ref
    assert send(client, data) == "undetermined"
    assert alarms(log) == []
