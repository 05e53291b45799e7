"""The trust role over HTTP, asked by OpenSSL and by whoever sends nonsense."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import (
    OCSPCertStatus,
    OCSPRequestBuilder,
    OCSPResponseStatus,
    load_der_ocsp_response,
)
from timestamp_queries import FLAWED, query
from trust_pki import Pki, make_pki
from trust_served import free_loopback_port, served_trust

from certsvc import der

TIMESTAMP_QUERY, OCSP_REQUEST = "application/timestamp-query", "application/ocsp-request"
TOKEN = "p4cS7vQ-registry"


@dataclass
class Site:
    """A running service, the authority behind it, and what it wrote."""

    url: str
    pki: Pki
    log: Path

    def openssl(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run openssl in the authority's folder."""
        return subprocess.run(
            ["openssl", *map(str, arguments)],
            cwd=self.pki.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def post(self, path: str, message: bytes, kind: str = "", **headers: str) -> httpx.Response:
        """Send a message; `kind` empty leaves out its type."""
        sent = {"Content-Type": kind, **headers} if kind else headers
        return httpx.post(self.url + path, content=message, headers=sent, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask for a path; nothing is followed."""
        return httpx.get(self.url + path, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One service for this file; strangers have 1000 timestamps a minute."""
    folder, port = tmp_path_factory.mktemp("trust"), free_loopback_port()
    pki = make_pki(folder / "home", f"http://127.0.0.1:{port}")
    pki.issue("revoked", "seal")
    pki.revoke(pki.certificates["revoked"].serial_number, x509.ReasonFlags.cessation_of_operation)
    for name in ("seal", "revoked"):
        pki.path(name)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    (pki.folder / "clients").write_text(f"registry {digest}\n", encoding="utf-8")
    log = folder / "log"
    with served_trust(pki.folder, port, log=log) as url:
        yield Site(url, pki, log)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["-sha256", "-sha384", "-sha512"])
@pytest.mark.parametrize("certificates", [True, False], ids=["with-certificates", "without"])
def test_openssl_gets_a_timestamp_over_http_and_verifies_it(site: Site, digest: str, certificates: bool) -> None:
    (site.pki.folder / "data").write_bytes(b"a document")
    asked = site.openssl("ts", "-query", "-data", "data", digest, *(["-cert"] if certificates else []), "-out", "query")
    assert asked.returncode == 0
    reply = site.post("/tsa", (site.pki.folder / "query").read_bytes(), TIMESTAMP_QUERY)
    (site.pki.folder / "reply").write_bytes(reply.content)
    site.pki.path("timestamp", "issuing")
    untrusted = [] if certificates else ["-untrusted", "timestamp-issuing.pem"]
    for source in (["-queryfile", "query"], ["-data", "data"]):
        done = site.openssl("ts", "-verify", *source, "-in", "reply", "-CAfile", "root.pem", *untrusted)
        assert done.returncode == 0, done.stderr
    (site.pki.folder / "other").write_bytes(b"another document")
    assert site.openssl("ts", "-verify", "-data", "other", "-in", "reply", "-CAfile", "root.pem").returncode != 0


@pytest.mark.needs("openssl")
def test_openssl_reads_why_a_request_was_rejected(site: Site) -> None:
    for name, text in (("sha-1", "unrecognized or unsupported algorithm"), ("extension", "extension is not supported")):
        (site.pki.folder / "reply").write_bytes(site.post("/tsa", FLAWED[name][0], TIMESTAMP_QUERY).content)
        shown = site.openssl("ts", "-reply", "-in", "reply", "-text").stdout
        assert "Status: Rejected." in shown and text in shown


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
@pytest.mark.parametrize("nonce", ["-nonce", "-no_nonce"])
@pytest.mark.parametrize(("name", "status"), [("seal", "good"), ("revoked", "revoked"), ("0x1234", "unknown")])
def test_openssl_asks_for_a_status(site: Site, digest: str, nonce: str, name: str, status: str) -> None:
    which = ["-serial", name] if name.startswith("0x") else ["-cert", f"{name}.pem"]
    done = site.openssl(
        "ocsp", "-issuer", "issuing.pem", digest, *which, nonce, "-url", f"{site.url}/ocsp", "-CAfile", "root.pem"
    )
    assert done.returncode == 0, done.stderr
    assert f"{which[1]}: {status}\n" in done.stdout
    assert "Response verify OK" in done.stderr
    assert ("cessationOfOperation" in done.stdout) is (status == "revoked")
    assert "WARNING: no nonce in response" not in done.stderr


def verified(site: Site, name: str) -> subprocess.CompletedProcess[str]:
    """`openssl verify` of the whole chain. It fetches the issuing authority's CRL itself, from the address in the
    certificates; the root names no address, so its own is fetched and given."""
    (site.pki.folder / "root.crl").write_bytes(site.get("/crl/root.crl").content)
    checks = ["-crl_check_all", "-crl_download", "-CRLfile", "root.crl"]
    return site.openssl("verify", *checks, "-CAfile", "root.pem", "-untrusted", "issuing.pem", f"{name}.pem")


@pytest.mark.needs("openssl")
def test_openssl_follows_the_crl_addresses_in_the_certificates(site: Site) -> None:
    assert verified(site, "seal").stdout == "seal.pem: OK\n"
    refused = verified(site, "revoked")
    assert refused.returncode != 0
    assert "certificate revoked" in refused.stderr


@pytest.mark.needs("openssl")
def test_a_revocation_is_seen_at_once_by_ocsp_and_crl(site: Site) -> None:
    site.pki.issue("later", "seal")
    site.pki.path("later")
    ask = ["ocsp", "-issuer", "issuing.pem", "-cert", "later.pem", "-url", f"{site.url}/ocsp", "-CAfile", "root.pem"]
    assert "later.pem: good" in site.openssl(*ask, "-no_nonce").stdout
    assert verified(site, "later").returncode == 0
    site.pki.revoke(site.pki.certificates["later"].serial_number)
    assert "later.pem: revoked" in site.openssl(*ask, "-no_nonce").stdout
    assert "certificate revoked" in verified(site, "later").stderr


def status_request(site: Site, nonce: bytes | None = None, name: str = "seal") -> bytes:
    """An OCSP request by SHA-1, as the oldest clients send it."""
    certificates = site.pki.certificates
    builder = OCSPRequestBuilder().add_certificate(certificates[name], certificates["issuing"], SHA1())
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(lambda text: quote(text, safe=""), id="everything-escaped"),
        pytest.param(lambda text: text, id="slashes-and-pluses-as-they-are"),
        pytest.param(lambda text: text.replace("/", "%2f").replace("=", ""), id="no-padding"),
        pytest.param(lambda text: text.replace("+", "-").replace("/", "_"), id="url-alphabet"),
        pytest.param(lambda text: text.replace("+", "%20"), id="plus-made-a-space"),
    ],
)
def test_a_request_in_an_address_is_read_however_it_is_spelt(site: Site, spelt: object) -> None:
    """The nonce is drawn until its Base64 has everything that is spelt in several ways."""
    assert callable(spelt)
    texts = (base64.b64encode(status_request(site, bytes((number,)) * 9)).decode() for number in range(256))
    text = next(text for text in texts if "//" in text or {"/", "+", "="} <= set(text))
    response = site.get("/ocsp/" + spelt(text))
    assert response.headers["Content-Type"] == "application/ocsp-response"
    answer = load_der_ocsp_response(response.content)
    assert answer.certificate_status is OCSPCertStatus.GOOD


def test_double_slashes_in_an_address_are_part_of_the_request(site: Site) -> None:
    texts = (base64.b64encode(status_request(site, b"\xff" * size)).decode() for size in range(6, 20))
    text = next(text for text in texts if "//" in text)
    assert load_der_ocsp_response(site.get("/ocsp/" + text).content).certificate_status is OCSPCertStatus.GOOD


def test_caches_may_keep_an_answer_and_ask_whether_it_changed(site: Site) -> None:
    path = "/ocsp/" + quote(base64.b64encode(status_request(site)).decode(), safe="")
    first = site.get(path)
    answer = load_der_ocsp_response(first.content)
    keep = dict(part.strip().partition("=")[::2] for part in first.headers["Cache-Control"].split(","))
    assert {"public", "no-transform", "must-revalidate"} < set(keep)
    assert 0 < int(keep["max-age"]) <= 300
    assert answer.next_update_utc is not None
    assert parsedate_to_datetime(first.headers["Expires"]) == answer.next_update_utc
    assert parsedate_to_datetime(first.headers["Last-Modified"]) == answer.this_update_utc
    assert first.headers["ETag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'
    again = site.get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert site.get(path, **{"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.long
def test_what_is_for_its_asker_alone_is_not_for_caches(site: Site) -> None:
    nonced = site.post("/ocsp", status_request(site, b"12345678"), OCSP_REQUEST)
    assert nonced.headers["Cache-Control"] == "private, max-age=0"
    malformed = site.post("/ocsp", b"garbage", OCSP_REQUEST)
    assert malformed.headers["Cache-Control"] == "no-store"
    assert site.post("/tsa", query(), TIMESTAMP_QUERY).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "kind",
    [
        TIMESTAMP_QUERY,
        f"{TIMESTAMP_QUERY}; charset=utf-8",
        "application/octet-stream",
        "",
        "application/x-www-form-urlencoded",
    ],
)
def test_a_timestamp_request_is_taken_as_real_clients_send_it(site: Site, kind: str) -> None:
    response = site.post("/tsa", query(der.integer(9)), kind)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/timestamp-reply"
    assert b"\x02\x01\x00" in response.content[:12]  # PKIStatus granted


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flawed_timestamp_request_gets_a_rejection_and_no_error_of_ours(site: Site, flaw: str) -> None:
    response = site.post("/tsa", FLAWED[flaw][0], TIMESTAMP_QUERY)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/timestamp-reply"
    assert b"\x02\x01\x02" in response.content[:12]  # PKIStatus rejection


HOSTILE = {
    "empty": b"",
    "text": b"<html>",
    "zeros": bytes(4096),
    "nested-sequences": b"\x30\x80" * 2000,
    "length-of-2^32": b"\x30\x85\x01\x00\x00\x00\x00\x02\x01\x01",
    "random": hashlib.sha512(b"random").digest(),
}


@pytest.mark.parametrize("flaw", HOSTILE)
def test_nonsense_at_ocsp_is_malformed(site: Site, flaw: str) -> None:
    path = "/ocsp/" + quote(base64.b64encode(HOSTILE[flaw][:900]).decode() or "=", safe="")
    for response in (site.post("/ocsp", HOSTILE[flaw], OCSP_REQUEST), site.get(path)):
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/ocsp-response"
        assert load_der_ocsp_response(response.content).response_status is OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize("text", ["!!!", "%ff%fe", "%00", "a", "....", "%2e%2e%2fpassphrase"])
def test_an_address_that_is_no_base64_is_malformed(site: Site, text: str) -> None:
    response = site.get("/ocsp/" + text)
    assert load_der_ocsp_response(response.content).response_status is OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("path", "size", "kind", "status"),
    [
        pytest.param("/tsa", 8193, TIMESTAMP_QUERY, 413, id="timestamp-too-large"),
        pytest.param("/tsa", 3_000_000, TIMESTAMP_QUERY, 413, id="timestamp-far-too-large"),
        pytest.param("/ocsp", 4097, OCSP_REQUEST, 413, id="ocsp-too-large"),
        pytest.param("/ocsp", 3_000_000, OCSP_REQUEST, 413, id="ocsp-far-too-large"),
        pytest.param("/tsa", 60, "text/html", 415, id="timestamp-a-page"),
        pytest.param("/ocsp", 60, "application/json", 415, id="ocsp-json"),
        pytest.param("/ocsp", 60, "multipart/form-data; boundary=x", 415, id="ocsp-form"),
        pytest.param("/tsa", 60, "nonsense", 415, id="timestamp-nonsense"),
    ],
)
def test_what_http_has_an_answer_for_is_a_problem(site: Site, path: str, size: int, kind: str, status: int) -> None:
    response = site.post(path, bytes(size), kind)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status


@pytest.mark.parametrize(("method", "path"), [("GET", "/tsa"), ("PUT", "/ocsp"), ("DELETE", "/crl/issuing.crl")])
def test_other_methods_are_not_allowed(site: Site, method: str, path: str) -> None:
    assert httpx.request(method, site.url + path, timeout=30).status_code == 405


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [
        ("/crl/issuing.crl", "crl/issuing.crl", "application/pkix-crl"),
        ("/crl/root.crl", "crl/root.crl", "application/pkix-crl"),
        ("/ca/issuing.cer", "ca/issuing.cer", "application/pkix-cert"),
        ("/trust/anchors/root.pem", "anchors/root.pem", "application/x-pem-file"),
        ("/trust/crl/issuing.crl", "crl/issuing.crl", "application/pkix-crl"),
        ("/trust/root.crl", "crl/root.crl", "application/pkix-crl"),
        ("/trust/issuing.crl", "crl/issuing.crl", "application/pkix-crl"),
        ("/trust/root.cer", "ca/root.cer", "application/pkix-cert"),
        ("/trust/issuing.cer", "ca/issuing.cer", "application/pkix-cert"),
    ],
)
def test_files_of_trust_are_served_at_their_addresses_new_and_old(site: Site, path: str, name: str, kind: str) -> None:
    response = site.get(path)
    assert response.status_code == 200
    assert response.content == (site.pki.public / name).read_bytes()
    assert response.headers["Content-Type"] == kind
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert httpx.head(site.url + path, timeout=30).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/crl/no-such.crl",
        "/crl/issuing.cer",
        "/ca/issuing.crl",
        "/ca/../../passphrase",
        "/crl/%2e%2e%2fca%2froot.cer",
        "/trust/../timestamp.key",
        "/trust/%2e%2e/timestamp.key",
        "/trust/%2e%2e/issuing.pem",
        "/trust/crl%00/issuing.crl",
    ],
)
def test_nothing_else_is_served(site: Site, path: str) -> None:
    request = httpx.Request("GET", site.url)
    request.url = request.url.copy_with(raw_path=path.encode())
    with httpx.Client(timeout=30) as client:
        assert client.send(request).status_code == 404


def test_health_says_that_both_services_answer_and_whose_clock_it_is(site: Site) -> None:
    response = site.get("/health", Accept="application/json")
    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert response.json()["clock"] in ("system", "synchronised")


def test_without_a_crl_the_service_says_so_and_comes_back(site: Site) -> None:
    crl = site.pki.public / "crl" / "issuing.crl"
    kept = crl.read_bytes()
    crl.unlink()
    try:
        answer = load_der_ocsp_response(site.post("/ocsp", status_request(site), OCSP_REQUEST).content)
        assert answer.response_status is OCSPResponseStatus.TRY_LATER
        health = site.get("/health", Accept="application/json")
        assert (health.status_code, health.json()["code"]) == (503, "revocation_data_stale")
    finally:
        crl.write_bytes(kept)
    assert site.get("/health").status_code == 200
    lines = [json.loads(line) for line in site.log.read_text("utf-8").splitlines() if line.startswith("{")]
    assert any(line.get("event") == "no_ocsp_answer" and line["error"] == "TRY_LATER" for line in lines)


def test_a_known_client_is_let_in_and_a_wrong_token_is_not(site: Site) -> None:
    good = site.post("/tsa", query(), TIMESTAMP_QUERY, Authorization=f"Bearer {TOKEN}")
    assert good.status_code == 200
    basic = httpx.post(
        f"{site.url}/tsa",
        content=query(),
        headers={"Content-Type": TIMESTAMP_QUERY},
        auth=("registry", TOKEN),
        timeout=30,
    )
    assert basic.status_code == 200
    wrong = site.post("/tsa", query(), TIMESTAMP_QUERY, Authorization="Bearer wrong")
    assert wrong.status_code == 401
    assert wrong.headers["WWW-Authenticate"] == 'Basic realm="certsvc", Bearer realm="certsvc"'
    assert TOKEN not in site.log.read_text("utf-8")


@pytest.mark.long
def test_strangers_are_told_to_wait_and_known_clients_are_not(site: Site) -> None:
    port = free_loopback_port()
    with served_trust(site.pki.folder, port, per_minute=2) as url:
        other = Site(url, site.pki, site.log)
        answers = [
            other.post("/tsa", query(), TIMESTAMP_QUERY, **{"X-Forwarded-For": address}).status_code
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]
        assert answers == [200, 200, 429, 200]
        late = other.post("/tsa", query(), TIMESTAMP_QUERY, **{"X-Forwarded-For": "192.0.2.1"})
        assert late.json()["code"] == "too_many_requests"
        assert 0 < int(late.headers["Retry-After"]) <= 30
        known = {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {TOKEN}"}
        assert other.post("/tsa", query(), TIMESTAMP_QUERY, **known).status_code == 200


def test_the_time_in_a_token_is_now(site: Site) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    reply = site.post("/tsa", query(), TIMESTAMP_QUERY).content
    at = reply.index(b"\x18\x0f") + 2
    made = datetime.strptime(reply[at : at + 15].decode(), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    assert before <= made <= datetime.now(UTC)
