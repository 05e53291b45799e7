"""Roles started while the key of timestamps or of OCSP is lost: that service alone stops (keys/LOSS.md)."""

import json
import time
from contextlib import AbstractContextManager

import httpx
import pytest
from chosen import some
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPRequestBuilder, OCSPResponse, OCSPResponseStatus, load_der_ocsp_response
from demonstration import Home
from served import READY_SECONDS, Served, free_port, served

from certsvc import der

pytestmark = pytest.mark.long

GRANTED, REJECTION, SYSTEM_FAILURE = der.integer(0), der.integer(2), der.named_bit(25)
"""PKIStatus and PKIFailureInfo (RFC 3161 section 2.4.2)."""

QUERY = der.sequence(der.integer(1), der.sequence(der.SHA256, der.octet_string(b"\xab" * 32)))
OK = OCSPResponseStatus.SUCCESSFUL


def lose(home: Home, name: str) -> bytes:
    """The key is gone; what was in its file."""
    path = home.path / "authority" / "keys" / f"{name}.key"
    kept = path.read_bytes()
    path.unlink()
    return kept


def put_back(home: Home, name: str, key: bytes) -> None:
    """The key comes back from a backup."""
    path = home.path / "authority" / "keys" / f"{name}.key"
    path.touch(0o600)
    path.write_bytes(key)


def ocsp(running: Served, home: Home) -> OCSPResponse:
    """What the responder says of a seal's certificate."""
    folder = home.path / "authority" / "certificates"
    seal, issuing = (
        x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes()) for name in ("seal-market", "issuing")
    )
    asked = OCSPRequestBuilder().add_certificate(seal, issuing, SHA256()).build().public_bytes(Encoding.DER)
    return load_der_ocsp_response(post(running, "/ocsp", asked, "application/ocsp-request"))


def timestamp(running: Served) -> bytes:
    """The reply of the timestamp service."""
    return post(running, "/tsa", QUERY, "application/timestamp-query")


def post(running: Served, path: str, data: bytes, kind: str) -> bytes:
    """Ask with a message."""
    answer = httpx.post(running.url + path, content=data, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.content


def trust_role(home: Home) -> AbstractContextManager[Served]:
    """The trust role, from its first answer on, whatever its health."""
    return served(home, "serve", "--role", "trust", port=free_port(), wait=wait_for_an_answer)


def wait_for_an_answer(running: Served) -> None:
    """Return when the address answers at all."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert running.process.poll() is None, running.process.communicate()
        try:
            running.get("/health")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("no answer in time")


def require_only(running: Served, home: Home, lost: str) -> None:
    """The service of the lost key says so in its own protocol, time and again; the other one works."""
    for _ in range(3):
        reply, answer = timestamp(running), ocsp(running, home)
        if lost == "timestamp":
            assert REJECTION in reply[:12] and reply.endswith(SYSTEM_FAILURE)
            assert answer.response_status is OK
        else:
            assert GRANTED in reply[:12]
            assert answer.response_status is OCSPResponseStatus.TRY_LATER


def complaints(running: Served) -> list[dict[str, str]]:
    """What was logged until the end."""
    _, complained = running.stop()
    assert "Traceback" not in complained
    return [json.loads(line) for line in complained.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("lost", some(["timestamp", "ocsp"]))
def test_all_without_one_key_verifies_and_answers_everything_but_that_service(own_home: Home, lost: str) -> None:
    lose(own_home, lost)
    with served(own_home, "serve", "--role", "all", port=free_port()) as running:
        for path in ("/", "/crl/issuing.crl", "/trust/list.json", "/health"):
            assert running.get(path).status_code == 200, path
        paper = own_home.papers[0]
        report = httpx.post(running.url + "/verify", files={"file": paper.open("rb")}, timeout=30).json()
        assert report["verdict"] == "valid"
        require_only(running, own_home, lost)
        logged = complaints(running)
    assert [(line["event"], line["key"]) for line in logged if "key" in line] == [("key_out_of_order", lost)]
    assert not [line for line in logged if line["event"] in ("worker_ended", "no_timestamp", "no_ocsp_answer")]


@pytest.mark.parametrize("lost", some(["timestamp", "ocsp"]))
def test_trust_without_one_key_says_so_and_takes_it_up_when_it_is_back(own_home: Home, lost: str) -> None:
    key = lose(own_home, lost)
    with trust_role(own_home) as running:
        assert running.get("/crl/issuing.crl").status_code == 200
        health = running.get("/health")
        assert (health.status_code, health.json()["code"]) == (503, "unavailable")
        assert ("OCSP" in health.json()["detail"]) is (lost == "ocsp")
        assert str(own_home.path) not in health.text
        require_only(running, own_home, lost)
        put_back(own_home, lost, key)
        running.wait_until_ready()
        assert GRANTED in timestamp(running)[:12]
        assert ocsp(running, own_home).response_status is OK
        logged = complaints(running)
    assert [(line["event"], line["key"]) for line in logged if "key" in line] == [
        ("key_out_of_order", lost),
        ("key_in_order", lost),
    ]


@pytest.mark.parametrize("role", ["trust", "all"])
def test_a_file_of_timestamp_clients_that_is_missing_is_said_before_anything_is_served(
    own_home: Home, role: str
) -> None:
    missing = f"file:{own_home.path}/no-such-clients"
    done = own_home.run("serve", "--role", role, "--port", free_port(), CERTSVC_TIMESTAMP_CLIENTS=missing)
    assert done.returncode == 2
    assert "no-such-clients" in done.stderr and "Traceback" not in done.stderr and "Worker" not in done.stderr
