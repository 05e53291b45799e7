"""Every answer, whatever it is: nothing from elsewhere, nothing kept, nothing told to other sites, nothing logged."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT, PublicSite, certificate, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.errors import SettingsError
from certsvc.http.headers import AddHeaders
from certsvc.http.site import Site

Client = TestClient[Litestar]
PEM = b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
ELSEWHERE = re.compile(r"""(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w.-]+|\burl\(|@import|javascript:|data:""")
COMMENT = re.compile(r"(?:^|\s)//.*|/\*(?s:.*?)\*/")
INLINE = re.compile(r"""<script(?![^>]* src=)|<style|\sstyle=|\son\w+=""")


@pytest.fixture(scope="module")
def licence() -> RegisteredCertificate:
    return certificate("business-licence-company", "good-lingnan")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, licence: RegisteredCertificate) -> PublicSite:
    trust = tmp_path_factory.mktemp("public")
    (trust / "anchors" / "token-keys").mkdir(parents=True)
    (trust / "crl").mkdir()
    (trust / "anchors" / "root.pem").write_bytes(PEM)
    (trust / "anchors" / "token-keys" / "2026q4.pem").write_bytes(PEM)
    (trust / "crl" / "issuing.crl").write_bytes(b"crl")
    (trust / "notes.txt").write_bytes(b"not published")
    (trust.parent / "outside.pem").write_bytes(b"secret")
    (trust / "link.pem").symlink_to(trust.parent / "outside.pem")
    return make_site(trust, [licence])


@pytest.fixture(scope="module")
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


@pytest.fixture(scope="module")
def answers(client: Client, site: PublicSite, licence: RegisteredCertificate) -> dict[str, httpx.Response]:
    """One answer of each kind."""
    asked = {
        "home": client.get("/"),
        "english": client.get("/?lang=en"),
        "scan": client.get(f"/Q/{site.digits(licence)}"),
        "json": client.get(f"/C/{licence.ref.typed_code}", headers={"Accept": "application/json"}),
        "head": client.head(f"/C/{licence.ref.typed_code}"),
        "malformed": client.get("/Q/12"),
        "too long": client.get(f"/Q/{'1' * 3000}"),
        "mistyped": client.get("/C/X"),
        "redirect": client.get("/code", params={"code": licence.ref.typed_code}, follow_redirects=False),
        "no page": client.get("/nothing/here"),
        "no file": client.get("/static/style.css"),
        "wrong method": client.delete("/"),
        "get of verify": client.get("/verify"),
        "options": client.options("/"),
        "no pdf": client.post("/verify", content=b"x"),
        "file": client.post(
            "/verify", files={"file": ("a.pdf", site.sealed(licence))}, headers={"Accept": "text/html"}
        ),
        "health": client.get("/health"),
    }
    site.shelf.down = True
    asked["down"] = client.get(f"/Q/{site.digits(licence)}")
    asked["not ready"] = client.get("/health")
    site.shelf.down = False
    return asked


def test_every_answer_carries_the_headers_errors_too(answers: dict[str, httpx.Response]) -> None:
    for name, answer in answers.items():
        shown = {key: answer.headers.get(key) for key in ("referrer-policy", "x-robots-tag", "x-content-type-options")}
        assert shown == {
            "referrer-policy": "no-referrer",
            "x-robots-tag": "noindex, nofollow",
            "x-content-type-options": "nosniff",
        }, name
        assert answer.headers["cache-control"] == "no-store", name
        assert answer.headers["x-frame-options"] == "DENY", name
        assert answer.headers["vary"] == "Accept, Accept-Language", name
        assert "server" not in answer.headers and "set-cookie" not in answer.headers, name


def test_the_content_security_policy_allows_our_own_files_and_nothing_else(answers: dict[str, httpx.Response]) -> None:
    for name, answer in answers.items():
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'", name
        assert {policy[key] for key in ("style-src", "script-src", "img-src", "form-action")} == {"'self'"}, name
        assert "unsafe" not in answer.headers["content-security-policy"], name


def test_nothing_on_a_page_leads_to_another_host_and_nothing_is_inline(answers: dict[str, httpx.Response]) -> None:
    pages = {
        name: answer.text for name, answer in answers.items() if "text/html" in answer.headers.get("content-type", "")
    }
    assert len(pages) >= 10
    for name, page in pages.items():
        assert (ELSEWHERE.findall(page), INLINE.findall(page)) == ([], []), name
    for path in sorted((ROOT / "verifier_web" / "static").iterdir()):
        if path.suffix == ".png":
            continue
        text = COMMENT.sub("", path.read_text("utf-8"))
        assert ELSEWHERE.findall(text) == [], path.name
        # they store what the time without network needs, ask us what a passkey is to sign or whether a seal is on
        # yet, or send what a clerk types
        if path.name not in ("store.js", "sw.js", "passkey.js", "again.js", "entry-save.js", "evidence.js"):
            assert re.findall(r"\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|EventSource)\b", text) == [], path.name
        assert re.findall(r"import\(|\bfrom '(?!\./)", text) == [], path.name


def test_tls_is_kept_once_used_and_not_asked_for_without(tmp_path: Path) -> None:
    plain = Site("yz.example", "http://yz.example", ROOT / "verifier_web", tmp_path, True)
    secure = replace(plain, public_url="https://yz.example")
    assert "Strict-Transport-Security" not in AddHeaders(plain)._always
    assert AddHeaders(secure)._always["Strict-Transport-Security"].startswith("max-age=31536000")
    with pytest.raises(SettingsError):
        replace(plain, public_url="ftp://yz.example")


def test_head_is_get_without_the_content(client: Client, licence: RegisteredCertificate) -> None:
    for path in ("/", f"/C/{licence.ref.typed_code}", "/C/X", "/nothing", "/health", "/trust/anchors/root.pem"):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"], path
        if path != f"/C/{licence.ref.typed_code}":  # the time on it may have moved on
            assert head.headers["content-length"] == got.headers["content-length"], path


def test_a_wrong_method_is_405_and_says_which_are_right(client: Client) -> None:
    assert {"GET", "HEAD"} <= set(client.post("/").headers["allow"].split(", "))
    answer = client.put("/verify", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


# ---- static files ----


def test_static_files_have_names_that_change_with_their_content_and_are_kept_for_ever(client: Client) -> None:
    names = set(re.findall(r'/static/([\w.]+)"', client.get("/").text))
    assert {re.sub(r"\.[0-9a-f]{16}\.", ".", name) for name in names} == {"style.css", "page.js", "mark.svg"}
    for name in names:
        answer = client.get(f"/static/{name}")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# ---- trust files ----


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("anchors/root.pem", "application/x-pem-file"),
        ("anchors/token-keys/2026q4.pem", "application/x-pem-file"),
        ("crl/issuing.crl", "application/pkix-crl"),
    ],
)
def test_trust_files_may_be_mirrored_by_anyone(client: Client, name: str, kind: str) -> None:
    answer = client.get(f"/trust/{name}")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "anchors",
        "anchors/",
        "nothing.pem",
        "link.pem",
        "../outside.pem",
        "%2e%2e/outside.pem",
        "..%2foutside.pem",
        "anchors/..%2f..%2foutside.pem",
        "%2fetc%2fpasswd",
        "/etc/ssl/cert.pem",
        "anchors/root.pem%00",
        "a" * 300 + ".pem",
    ],
)
def test_nothing_but_published_kinds_below_the_folder_is_served(client: Client, name: str) -> None:
    answer = client.get(httpx.URL("http://testserver.local", raw_path=f"/trust/{name}".encode()))
    assert answer.status_code == 404
    assert b"secret" not in answer.content and b"root:" not in answer.content


# ---- the access log ----


def test_the_log_tells_route_and_status_and_never_what_was_asked(
    tmp_path: Path, licence: RegisteredCertificate, capsys: pytest.CaptureFixture[str]
) -> None:
    site = make_site(tmp_path, [licence])  # its log is opened now, where capsys listens
    code, digits = licence.ref.typed_code, site.digits(licence)
    with TestClient(site.app) as client:
        client.get(f"/Q/{digits}")
        client.get(f"/C/{code}")
        client.get("/code", params={"code": code}, follow_redirects=False)
        client.get(f"/nothing/{code}?x={digits}")
        client.post("/verify", files={"file": (f"{code}.pdf", site.sealed(licence))})
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [(line["route"], line["status"]) for line in answered] == [
        ("scan", 200),
        ("code", 200),
        ("typed", 303),
        ("none", 404),
        ("file", 200),
    ]
    assert all(line.keys() == {"event", "level", "timestamp", "address", "route", "status"} for line in answered)
    for told in (code, code.replace("-", ""), digits, licence.holder_name, licence.number, "/Q/", "nothing"):
        assert told not in written
