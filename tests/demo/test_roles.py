"""The roles as an operator starts them: what each answers, what each can open, and the worker beside them."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from demonstration import ROOT, Demonstration, Home, NewHome, unbound_home
from served import Served, children, free_port, served

from certsvc.authority.ceremony import read_authority
from certsvc.domain.revocation import Reason, Revocation

pytestmark = pytest.mark.long

SECONDS = 120.0
PROOF = ROOT / "schemas" / "tiered-water-proof" / "v1" / "examples" / "good-zhou.json"


@pytest.fixture(scope="module")
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder."""
    return unbound_home(demonstration.home.copied_to(new_home()))


@pytest.fixture(scope="module")
def everything(home: Home) -> Iterator[Served]:
    """All roles on one machine."""
    with served(home, "serve", "--role", "all", port=free_port()) as running:
        yield running
        said, complained = running.stop()
        assert "Traceback" not in said + complained


def openssl(*arguments: object) -> str:
    """What openssl says, on either stream."""
    words = ["openssl", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def ocsp(running: Served, home: Home, name: str) -> str:
    """What the responder says of a certificate, as OpenSSL reads it."""
    anchors = home.path / "public" / "anchors"
    certificate = home.path / "authority" / "certificates" / f"{name}.pem"
    trust = ["-CAfile", anchors / "root.pem", "-url", f"{running.url}/ocsp"]
    return openssl("ocsp", "-issuer", anchors / "issuing.pem", "-cert", certificate, *trust)


@pytest.mark.needs("openssl")
def test_all_answers_ocsp_timestamps_and_the_files_of_trust(everything: Served, home: Home, tmp_path: Path) -> None:
    assert "Response verify OK" in (said := ocsp(everything, home, "seal-market")) and ": good" in said
    query, reply = tmp_path / "query", tmp_path / "reply"
    openssl("ts", "-query", "-digest", "ab" * 32, "-sha256", "-cert", "-out", query)
    answer = post(everything, "/tsa", query.read_bytes(), "application/timestamp-query")
    reply.write_bytes(answer)
    root = home.path / "public" / "anchors" / "root.pem"
    assert "Verification: OK" in openssl("ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", root)
    for path, kind in (
        ("/crl/issuing.crl", "application/pkix-crl"),
        ("/crl/root.crl", "application/pkix-crl"),
        ("/ca/root.cer", "application/pkix-cert"),
        ("/trust/anchors.pem", "application/x-pem-file"),
        ("/trust/practice.md", "text/plain"),
    ):
        found = everything.get(path)
        assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (200, kind), path
    assert everything.get("/trust/list.json").json().keys() == {"payload", "protected", "signature"}


def post(running: Served, path: str, data: bytes, kind: str) -> bytes:
    """Ask with a message."""
    import httpx

    answer = httpx.post(running.url + path, content=data, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == 200
    return answer.content


def issue(home: Home, key: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Issue one proof on the command line."""
    return home.run("issue", "tiered-water-proof", PROOF, "--key", key, "--json", **settings)


def test_seals_take_their_timestamps_from_another_service_and_wait_when_it_is_dead(
    everything: Served, home: Home
) -> None:
    done = issue(home, "elsewhere", CERTSVC_TIMESTAMP_URI=f"{everything.url}/tsa")
    assert done.returncode == 0, done.stderr
    (report,) = home.json("verify", *json.loads(done.stdout)["files"])
    assert report["verdict"] == "valid"
    began = time.monotonic()
    waiting = issue(home, "dead", CERTSVC_TIMESTAMP_URI=f"http://127.0.0.1:{free_port()}/tsa")
    assert time.monotonic() - began < SECONDS
    assert (waiting.returncode, json.loads(waiting.stdout)["error"]) == (3, "queued")
    assert issue(home, "dead").returncode == 0


def test_a_type_whose_receivers_demand_it_is_sealed_in_the_form_lt(everything: Served, home: Home) -> None:
    done = issue(home, "long-term", CERTSVC_SEALS_LT_TYPES="tiered-water-proof")
    (path,) = json.loads(done.stdout)["files"]
    assert Path(path).read_bytes().count(b"%%EOF") == 3
    (report,) = home.json("verify", path)
    assert report["verdict"] == "valid"


@pytest.mark.needs("openssl")
def test_the_worker_publishes_a_revocation_at_once_and_the_responder_says_it(everything: Served, home: Home) -> None:
    now = datetime.now(UTC)
    authority = read_authority(home.path, f"file:{home.path / 'secrets' / 'passphrase'}")
    revocation = Revocation(
        name="seal-press",
        reason=Reason.CESSATION_OF_OPERATION,
        effective=now,
        decided_at=now,
        by="陈主管",
        confirmed_by="林副主管",
        why="机构撤并",
    )
    authority.record(revocation)
    serial, deadline = authority.certificate("seal-press").serial_number, time.monotonic() + SECONDS
    while listed(everything, serial) is None:
        assert time.monotonic() < deadline, "the worker published no CRL"
        time.sleep(0.1)
    assert ": revoked" in (said := ocsp(everything, home, "seal-press")) and "cessationOfOperation" in said


def listed(running: Served, serial: int) -> x509.RevokedCertificate | None:
    """The entry of a serial number in the published CRL."""
    return x509.load_der_x509_crl(running.get("/crl/issuing.crl").content).get_revoked_certificate_by_serial_number(
        serial
    )


def test_the_trust_role_needs_two_keys_and_no_database(home: Home, new_home: NewHome) -> None:
    trust = new_home()
    shutil.copytree(home.path / "public", trust.path / "public")
    for name in ("plan.json", "root.crl", "certificates", "keys/timestamp.key", "keys/ocsp.key"):
        source, target = home.path / "authority" / name, trust.path / "authority" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    shutil.copytree(home.path / "secrets", trust.path / "secrets")
    with served(trust, "serve", "--role", "trust", port=free_port()) as running:
        assert running.get("/health").json()["status"] == "ready"
        assert ": good" in ocsp(running, home, "seal-health")
        for path in ("/trust", "/trust/list.json", "/trust/anchors.pem", "/trust/practice.md", "/crl/issuing.crl"):
            assert running.get(path).status_code == 200, path
        assert running.get("/Q/1").status_code == 404
    assert not (trust.path / "postgres").exists()


def test_server_and_worker_end_with_the_process_that_began_them(home: Home) -> None:
    with served(home, "serve", "--role", "all", port=free_port()) as running:
        begun = children(running.process.pid)
        running.process.kill()
        running.process.wait()
    assert len(begun) == 2  # who serves, and the worker
    deadline = time.monotonic() + SECONDS
    while any(Path(f"/proc/{child}").exists() for child in begun):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.1)


def test_a_worker_that_is_killed_is_followed_by_another(home: Home) -> None:
    with served(home, "serve", "--role", "all", port=free_port()) as running:
        (first,) = workers(running)
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while workers(running) in ([], [first]):
            assert time.monotonic() < deadline, "no worker was begun anew"
            time.sleep(0.1)
        _, complained = running.stop()
    assert [json.loads(line)["status"] for line in complained.splitlines() if "worker_ended" in line] == [-9]


def workers(running: Served) -> list[int]:
    """The worker beside a server, if one runs."""
    return [pid for pid in children(running.process.pid) if is_worker(pid)]


def is_worker(pid: int) -> bool:
    """Whether a process lives, and is a worker beside a server."""
    try:
        return b"--with-parent" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
