"""One message to one receiver, over real sockets: what it answers, how it lies, how it stalls, and where it leads."""

import asyncio
import datetime
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from receiver import Receiver, answer, receiving
from worker import public_tls

from certsvc.domain.webhook import Answer, Trouble
from certsvc.settings import Webhooks
from certsvc.telling import sender as sender_module
from certsvc.telling.answer import MOST_HEAD
from certsvc.telling.sender import Sender

THIS_MACHINE = Webhooks().allowed(is_demonstration=True)
HEADERS = {"webhook-id": "notice-1", "webhook-timestamp": "1614265330", "webhook-signature": "v1,AAAA"}
BODY = '{"type":"certificate.issue","number":"云山"}'.encode()
NAME = "hooks.example.com"


class Names:
    """A resolver whose answers are given, in turn; the last for ever."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self._answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, OSError):
            raise found
        return found


def sent(path: str, *answers: bytes, seconds: float = 15.0) -> tuple[Answer, Receiver]:
    """Send to a receiver on this machine that answers so."""

    async def story() -> tuple[Answer, Receiver]:
        async with receiving() as receiver:
            if answers:
                receiver.answers[path] = list(answers)
            sender = Sender(networks=THIS_MACHINE, tls=public_tls(), seconds=seconds)
            return await sender.send(receiver.url(path), HEADERS, BODY), receiver

    return asyncio.run(story())


def test_a_message_arrives_as_it_was_signed() -> None:
    came, receiver = sent("/hook?shop=%E4%BA%91")
    assert (came.status, came.trouble, came.beginning, came.arrived) == (200, None, "thanks", True)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook?shop=%E4%BA%91", BODY)
    assert HEADERS.items() <= received.headers.items()
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [201, 202, 204, 299])
def test_any_2xx_is_arrived(status: int) -> None:
    assert sent("/hook", answer(status))[0].arrived


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 502, 599, 600, 999])
def test_anything_else_is_not(status: int) -> None:
    came, _ = sent("/hook", answer(status))
    assert came.status == status and not came.arrived


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    came, receiver = sent("/redirect", answer(status, Location="/hook"))
    assert (came.status, len(receiver.received)) == (status, 1)


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd"])
def test_a_redirect_into_a_private_network_leads_nowhere(target: str) -> None:
    came, receiver = sent("/redirect", answer(302, Location=target))
    assert (came.status, receiver.connections) == (302, 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "data", "trouble"),
    [
        ("/never", b"", Trouble.TIME),
        ("/drip", answer(200, b"x" * 100), Trouble.TIME),
        ("/close", b"", Trouble.ANSWER),
        ("/half", b"HTTP/1.1 200 OK\r\nContent-", Trouble.ANSWER),
        ("/garbage", b"\x00\xff\xfe\r\n\r\n", Trouble.ANSWER),
        ("/ssh", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Trouble.ANSWER),
        ("/http09", b"<html>thanks</html>\r\n\r\n", Trouble.ANSWER),
        ("/http2", b"HTTP/2 200\r\n\r\n", Trouble.ANSWER),
        ("/no-number", b"HTTP/1.1 OK\r\n\r\n", Trouble.ANSWER),
        ("/other-digits", "HTTP/1.1 ２００ OK\r\n\r\n".encode(), Trouble.ANSWER),
        ("/head-too-large", b"HTTP/1.1 200 OK\r\nX: " + b"x" * MOST_HEAD + b"\r\n\r\n", Trouble.ANSWER),
        ("/endless-head", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * MOST_HEAD, Trouble.ANSWER),
        ("/informational-for-ever", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, Trouble.ANSWER),
    ],
)
def test_a_receiver_that_stalls_or_is_none_is_a_failure_with_a_name(path: str, data: bytes, trouble: Trouble) -> None:
    came, _ = sent(path, data, seconds=1.0)
    assert (came.status, came.trouble, came.arrived) == (None, trouble, False)


def test_informational_answers_before_the_answer_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert sent("/hook", early + answer(200))[0].arrived


@pytest.mark.long
def test_of_a_huge_answer_only_the_beginning_is_read_and_kept() -> None:
    came, _ = sent("/huge", answer(500, b"x" * 50_000_000))
    assert (came.status, came.beginning) == (500, "x" * 500)


@pytest.mark.long
@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\nno end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nno end\r\n",
        answer(200, b"no end"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno \r\n3;x=y\r\nend\r\n0\r\n\r\n",
    ],
)
def test_a_receiver_that_does_not_hang_up_has_answered_all_the_same(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "BODY_SECONDS", 0.2)
    came, _ = sent("/open", data)
    assert (came.status, came.beginning) == (200, "no end")


def test_what_is_kept_of_an_answer_can_be_shown_and_stored() -> None:
    came, _ = sent(
        "/hook", answer(500, "\x00\x1b[31m坏\u202e\ud800".encode("utf-8", "surrogatepass") + b"\xff\r\n\tok")
    )
    assert came.beginning.startswith("\ufffd\ufffd[31m坏\ufffd")
    assert came.beginning.endswith("\n\tok") and came.beginning.encode()


@pytest.mark.parametrize(
    ("wish", "seconds"), [("120", 120), ("0", 0), ("-1", None), ("1e3", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_retry_after_is_taken_in_seconds(wish: str, seconds: int | None) -> None:
    came, _ = sent("/hook", answer(429, Retry_After=wish))
    assert came.retry_after == (None if seconds is None else datetime.timedelta(seconds=seconds))


def ask_name(names: Names, url: str, tls: ssl.SSLContext | None = None, **settings: Any) -> Answer:
    """Send to a name."""
    return asyncio.run(Sender(resolve=names, tls=tls or public_tls(), **settings).send(url, HEADERS, BODY))


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["10.0.0.7"]]
)
def test_a_name_that_leads_into_a_private_network_gets_no_connection(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected = []
    monkeypatch.setattr(asyncio, "open_connection", lambda *where, **_: connected.append(where))
    came = ask_name(Names(found), f"https://{NAME}/")
    assert (came.trouble, connected) == (Trouble.ADDRESS, [])


def test_localhost_by_the_systems_own_resolver_gets_no_connection() -> None:
    assert asyncio.run(Sender().send("https://localhost:1/", HEADERS, BODY)).trouble is Trouble.ADDRESS


def test_a_name_that_changes_between_judging_and_connecting_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = []

    async def refuse(address: str, port: int, **_: object) -> None:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", refuse)
    rebinding = Names(["8.8.8.8", "2606:4700::1111"], ["127.0.0.1"])
    came = ask_name(rebinding, f"https://{NAME}:8443/")
    assert came.trouble is Trouble.CONNECTION
    assert (rebinding.asked, connected) == (1, [("8.8.8.8", 8443), ("2606:4700::1111", 8443)])
    assert ask_name(rebinding, f"https://{NAME}:8443/").trouble is Trouble.ADDRESS


def test_a_name_in_an_allowed_network_is_connected_to_and_not_once_it_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = []

    async def refuse(address: str, port: int, **_: object) -> None:
        connected.append((address, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", refuse)
    allowing = Webhooks(networks=("10.20.0.0/16",)).allowed(is_demonstration=False)
    moving = Names(["10.20.3.4"], ["10.20.3.4", "10.21.0.1"], ["127.0.0.1"])
    troubles = [ask_name(moving, f"https://{NAME}/", networks=allowing).trouble for _ in range(3)]
    assert troubles == [Trouble.CONNECTION, Trouble.ADDRESS, Trouble.ADDRESS]
    assert connected == [("10.20.3.4", 443)]


@pytest.mark.parametrize("found", [OSError("no such host"), []])
def test_a_name_without_addresses_is_a_failure_with_a_name(found: Sequence[str] | OSError) -> None:
    assert ask_name(Names(found), f"https://{NAME}/").trouble is Trouble.NAME


@pytest.mark.long
def test_a_name_server_that_never_answers_is_over_in_time() -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    came = asyncio.run(Sender(resolve=never, seconds=0.2).send(f"https://{NAME}/", HEADERS, BODY))
    assert came.trouble is Trouble.TIME


def test_an_address_that_is_not_taken_any_more_is_not_sent_to() -> None:
    assert ask_name(Names(["8.8.8.8"]), "http://127.0.0.1/").trouble is Trouble.ADDRESS


def test_nobody_there_is_a_failure_with_a_name() -> None:
    async def story() -> Answer:
        async with receiving() as receiver:
            url = receiver.url()
        return await Sender(networks=THIS_MACHINE).send(url, HEADERS, BODY)

    assert asyncio.run(story()).trouble is Trouble.CONNECTION


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert sent("/hook")[0].arrived


@dataclass(frozen=True)
class Tls:
    """Contexts of a receiver that is known as a name, and of a sender that trusts its root."""

    receiver: ssl.SSLContext
    sender: ssl.SSLContext


def make_tls(folder: Path, name: str) -> Tls:
    """A self-signed certificate for a name, which the sender trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    formats = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "both").write_bytes(key.private_bytes(*formats) + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "both")
    return Tls(serving, ssl.create_default_context(cadata=pem.decode()))


def sent_by_tls(tls: Tls, trusting: ssl.SSLContext | None, host: str = NAME) -> tuple[Answer, Receiver]:
    """Send to a receiver that is known as `NAME`, and to be found on this machine."""

    async def story() -> tuple[Answer, Receiver]:
        async with receiving(tls.receiver) as receiver:
            sender = Sender(networks=THIS_MACHINE, tls=trusting, resolve=Names(["127.0.0.1"]))
            return await sender.send(receiver.url(host=host), HEADERS, BODY), receiver

    return asyncio.run(story())


def test_over_tls_the_connection_goes_to_the_judged_address_and_the_name_is_verified(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, NAME)
    came, receiver = sent_by_tls(tls, tls.sender)
    assert came.arrived and receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"


def test_the_root_of_an_intranet_is_trusted_by_the_variable_that_openssl_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = make_tls(tmp_path, NAME)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "both"))
    came, _ = sent_by_tls(tls, None)
    assert came.arrived


@pytest.mark.parametrize("wrong", ["another name", "an unknown root", "the address itself"])
def test_who_has_not_the_certificate_for_the_name_learns_nothing(tmp_path: Path, wrong: str) -> None:
    tls = make_tls(tmp_path, "other.example.com" if wrong == "another name" else NAME)
    trusting = None if wrong == "an unknown root" else tls.sender
    came, receiver = sent_by_tls(tls, trusting, "127.0.0.1" if wrong == "the address itself" else NAME)
    assert (came.trouble, receiver.received) == (Trouble.TLS, [])


@pytest.mark.long
def test_https_to_one_who_speaks_none_is_a_failure_with_a_name() -> None:
    async def story() -> Answer:
        async with receiving() as receiver:
            url = receiver.url().replace("http:", "https:")
            with suppress(asyncio.IncompleteReadError):
                return await Sender(networks=THIS_MACHINE, seconds=2).send(url, HEADERS, BODY)
        raise AssertionError

    assert asyncio.run(story()).trouble in (Trouble.TLS, Trouble.TIME, Trouble.CONNECTION)
