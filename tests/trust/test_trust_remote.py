"""The client of another timestamp service: what it accepts, and that a dead or slow one costs seconds, once."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from timestamp_queries import DIGEST
from trust_pki import Pki, make_pki

from certsvc import der
from certsvc.authority.clock import Clock, Reading
from certsvc.authority.remote_timestamps import MAX_REPLY, RemoteTimestamper
from certsvc.authority.timestamp_check import accept_reply
from certsvc.authority.timestamp_request import parse_request
from certsvc.authority.timestamp_responder import TimestampResponder
from certsvc.authority.timestamps import POLICY, TokenMaker
from certsvc.errors import SettingsError, TimestampUnavailable

Reply = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The service's and ours."""
    return make_pki(tmp_path_factory.mktemp("trust"))


class Service:
    """A service that answers as told, and remembers what it was asked."""

    def __init__(self, reply: Reply, status: int) -> None:
        self.reply, self.status = reply, status
        self.headers: list[Any] = []
        self.url = ""

    @property
    def asked(self) -> int:
        """How often."""
        return len(self.headers)


@contextmanager
def service(reply: Reply, status: int = 200) -> Iterator[Service]:
    """A service on loopback."""
    made = Service(reply, status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.headers.append(self.headers)
            answer = made.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_port}/tsa"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def genuine(pki: Pki, signer: str = "timestamp", after: timedelta = timedelta(0)) -> Reply:
    """The replies of our own service, under this certificate."""
    maker = TokenMaker(pki.keys[signer], pki.certificates[signer], (pki.certificates["issuing"],))
    responder = TimestampResponder(maker, Clock(unsafe_unsynchronised=False, read=lambda: Reading(0, 0, True)))
    return lambda message: responder.respond(message, pki.now + after).der


def client(pki: Pki, url: str, **told: Any) -> RemoteTimestamper:
    """A client that trusts our root."""
    return RemoteTimestamper(url, [pki.certificates["root"]], **told)


@pytest.mark.needs("openssl")
def test_a_genuine_token_is_taken_and_holds_for_another_program(pki: Pki, tmp_path: Path) -> None:
    with service(genuine(pki)) as asked:
        token = client(pki, asked.url, token="p4cS7vQ").timestamp(DIGEST, pki.now)
    assert asked.headers[0]["Authorization"] == "Bearer p4cS7vQ"
    assert asked.headers[0]["Content-Type"] == "application/timestamp-query"
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "root").write_bytes(pki.certificates["root"].public_bytes(Encoding.PEM))
    command = ["openssl", "ts", "-verify", "-digest", DIGEST.hex(), "-token_in", "-in", str(tmp_path / "token")]
    done = subprocess.run([*command, "-CAfile", str(tmp_path / "root")], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def refused(pki: Pki, reply: Reply, status: int = 200, **told: Any) -> str:
    """Why the client refuses a reply."""
    with service(reply, status) as asked, pytest.raises(TimestampUnavailable) as caught:
        client(pki, asked.url, **told).timestamp(DIGEST, pki.now)
    return str(caught.value)


def of_another_digest(message: bytes) -> bytes:
    return message.replace(DIGEST, bytes(32))


def without_nonce(message: bytes) -> bytes:
    return der.sequence(der.integer(1), parse_request(message, POLICY).imprint, der.TRUE)


def with_another_nonce(message: bytes) -> bytes:
    return der.sequence(der.integer(1), parse_request(message, POLICY).imprint, der.integer(7), der.TRUE)


def without_certificates(message: bytes) -> bytes:
    return message.removesuffix(der.TRUE).replace(message[:2], bytes((0x30, message[1] - 3)), 1)


@pytest.mark.parametrize(
    ("altered", "reason"),
    [
        (of_another_digest, "another digest"),
        (without_nonce, "nonce"),
        (with_another_nonce, "nonce"),
        (without_certificates, "malformed"),
        (lambda _: b"garbage", "rejected"),
    ],
    ids=["another-digest", "no-nonce", "another-nonce", "no-certificates", "rejection"],
)
def test_the_answer_to_another_request_is_refused(pki: Pki, altered: Reply, reason: str) -> None:
    answer = genuine(pki)
    assert reason in refused(pki, lambda message: answer(altered(message)))


def test_a_token_of_another_authority_is_refused(pki: Pki, tmp_path: Path) -> None:
    other = make_pki(tmp_path / "other")
    assert "does not lead to our root" in refused(pki, genuine(other))


@pytest.mark.parametrize("profile", ["seal", "ocsp", "issuing"])
def test_a_certificate_that_is_not_for_timestamps_is_refused(pki: Pki, profile: str) -> None:
    name = profile if profile != "issuing" else "authority"
    pki.issue(name, profile)
    assert "not one for timestamps alone" in refused(pki, genuine(pki, name))


def test_a_certificate_out_of_its_term_is_refused(pki: Pki) -> None:
    """Of a service that does not look at its own."""
    pki.issue("ended", "timestamp", days=0)
    maker = TokenMaker(pki.keys["ended"], pki.certificates["ended"], (pki.certificates["issuing"],))
    later = pki.now + timedelta(seconds=2)

    def careless(message: bytes) -> bytes:
        request = parse_request(message, POLICY)
        return der.sequence(der.sequence(der.integer(0)), maker.token(request.imprint, later, nonce=request.nonce))

    with service(careless) as asked:
        with pytest.raises(TimestampUnavailable, match="does not lead to our root"):
            client(pki, asked.url).timestamp(DIGEST, later)
        assert client(pki, asked.url).timestamp(DIGEST, pki.now)


@pytest.mark.parametrize("after", [timedelta(minutes=6), -timedelta(minutes=6), timedelta(days=400)])
def test_a_service_whose_clock_is_far_from_ours_is_refused(pki: Pki, after: timedelta) -> None:
    assert "far apart" in refused(pki, genuine(pki, after=after))


@pytest.mark.long
def test_every_altered_byte_of_a_reply_is_noticed(pki: Pki) -> None:
    """And nothing but its own error is raised."""
    message = der.sequence(der.integer(1), der.sequence(der.SHA256, der.octet_string(DIGEST)), der.integer(7), der.TRUE)
    reply = genuine(pki)(message)
    trusted = [pki.certificates["root"]]
    assert accept_reply(reply, DIGEST, 7, trusted, pki.now) in reply
    taken = []
    for at in range(len(reply)):
        altered = reply[:at] + bytes((reply[at] ^ 0x41,)) + reply[at + 1 :]
        try:
            accept_reply(altered, DIGEST, 7, trusted, pki.now)
        except TimestampUnavailable:
            continue
        taken.append(at)
    assert taken == []


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        pytest.param(b"", 200, "malformed", id="empty"),
        pytest.param(b"<html>", 200, "malformed", id="a-page"),
        pytest.param(b"0\x80" * 20_000, 200, "malformed", id="nested-without-end"),
        pytest.param(bytes(MAX_REPLY + 1), 200, "too large", id="too-large"),
        pytest.param(b"", 429, "HTTP 429", id="too-many-requests"),
        pytest.param(b"", 302, "HTTP 302", id="elsewhere"),
        pytest.param(b"", 500, "HTTP 500", id="broken"),
    ],
)
def test_nonsense_is_refused(pki: Pki, reply: bytes, status: int, reason: str) -> None:
    assert reason in refused(pki, lambda _: reply, status)


def test_after_a_failure_nobody_waits_until_the_service_had_its_rest(pki: Pki) -> None:
    now = [100.0]
    with service(genuine(pki), status=503) as asked:
        timestamper = client(pki, asked.url, rest_seconds=10.0, monotonic=lambda: now[0])
        for _ in range(3):
            with pytest.raises(TimestampUnavailable):
                timestamper.timestamp(DIGEST, pki.now)
        assert asked.asked == 1
        asked.status, now[0] = 200, 109.9
        with pytest.raises(TimestampUnavailable, match="a moment ago"):
            timestamper.timestamp(DIGEST, pki.now)
        now[0] = 110.0
        assert timestamper.timestamp(DIGEST, pki.now)
        assert timestamper.timestamp(DIGEST, pki.now)
        assert asked.asked == 3


@contextmanager
def silent(drip: bytes = b"") -> Iterator[str]:
    """A listener that takes a connection and then says nothing, or a byte now and then."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for byte in drip:
                    connection.sendall(bytes((byte,)))
                    if ended.wait(0.05):
                        return
                ended.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/tsa"
        ended.set()
        thread.join()


@pytest.mark.long
@pytest.mark.parametrize(
    "drip", [b"", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 2000], ids=["silent", "a-byte-now-and-then"]
)
def test_a_service_that_does_not_answer_is_given_up_in_time(pki: Pki, drip: bytes) -> None:
    with silent(drip) as url, pytest.raises(TimestampUnavailable, match="did not answer"):
        client(pki, url, seconds=0.3).timestamp(DIGEST, pki.now)
    for thread in threading.enumerate():
        if thread.name == "timestamp":
            thread.join(10)
            assert not thread.is_alive()


def test_a_service_that_is_not_there_is_unavailable(pki: Pki) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TimestampUnavailable, match="ConnectionRefusedError"):
        client(pki, f"http://127.0.0.1:{port}/tsa").timestamp(DIGEST, pki.now)


@pytest.mark.parametrize("url", ["", "local:", "ftp://tsa.example", "http://", "tsa.example"])
def test_an_address_that_is_none_is_refused_at_the_start(pki: Pki, url: str) -> None:
    with pytest.raises(SettingsError):
        client(pki, url)


@pytest.mark.parametrize("token", ["two\r\nlines", "口令"])
def test_a_token_that_no_header_can_carry_is_refused_at_the_start(pki: Pki, token: str) -> None:
    with pytest.raises(SettingsError) as caught:
        client(pki, "http://tsa.example/tsa", token=token)
    assert token not in str(caught.value)
