"""Faults on the wire and below: who is cut off, floods, compresses or nests gets a documented answer, and what was
acknowledged is kept, once."""

import asyncio
import gzip
import json
import os
import signal
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import pytest
from office_served import FILING, Service, shop

from certsvc.client import Client, Retries
from certsvc.client.shapes import Certificate
from certsvc.store.embedded import EmbeddedServer

pytestmark = pytest.mark.long

pytest_plugins = ["office_service_fixtures"]

PATH = "/v1/certificates"
SECONDS = 60.0
ISSUES, AT_ONCE, BEFORE_IT_FALLS = 24, 3, 6


def raw(service: Service, token: str, key: str, body: bytes, *, said: int | None = None, **more: str) -> bytes:
    """A request as it goes over the wire; `said` is the length that it claims."""
    headers = {
        "Host": urlsplit(service.url).netloc,
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": key,
        "Content-Type": "application/json",
        "Content-Length": str(len(body) if said is None else said),
        **more,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode() + body


def connected(service: Service) -> socket.socket:
    """A connection to the service."""
    at = urlsplit(service.url)
    assert at.hostname is not None and at.port is not None
    return socket.create_connection((at.hostname, at.port), timeout=SECONDS)


def order(name: str) -> bytes:
    """An order as it is sent."""
    return json.dumps({"type": FILING, "payload": shop(name)}, ensure_ascii=False).encode()


def answered(service: Service, token: str, key: str, body: bytes) -> httpx.Response:
    """The same request again until it is no longer in progress."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
    deadline = time.monotonic() + SECONDS
    while True:
        answer = httpx.post(service.url + PATH, content=body, headers=headers, timeout=SECONDS)
        if answer.status_code != 409 or time.monotonic() > deadline:
            return answer
        assert answer.json()["code"] == "request_in_progress" and answer.headers["retry-after"]
        time.sleep(0.2)


def test_half_a_body_does_nothing_and_its_key_is_free(service: Service) -> None:
    token, name = service.token(), "云山市半途器械店"
    body = order(name)
    for part in (0, 1, len(body) // 2, len(body) - 1):
        with connected(service) as wire:
            wire.sendall(raw(service, token, "half", body[:part], said=len(body)))
    assert service.filings(name) == []
    assert answered(service, token, "half", body).status_code == 201
    assert len(service.filings(name)) == 1


def test_who_hangs_up_after_sending_finds_the_answer_under_the_key(service: Service) -> None:
    token = service.token()
    for number, pause in enumerate((0.0, 0.05, 0.3)):
        name, key = f"云山市挂断器械店{number}号", f"hung-up-{number}"
        body = order(name)
        with connected(service) as wire:
            wire.sendall(raw(service, token, key, body))
            time.sleep(pause)
        answer = answered(service, token, key, body)
        assert answer.status_code in (201, 202), answer.text
        assert service.filings(name) == [answer.json()["code"]]


def test_a_reset_while_the_answer_is_sent_changes_nothing(service: Service) -> None:
    token, body, key = service.token(), order("云山市复位器械店"), "reset"
    with connected(service) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        wire.sendall(raw(service, token, key, body))
        wire.recv(1)
    first, again = (answered(service, token, key, body) for _ in range(2))
    assert first.json()["code"] == again.json()["code"] and again.headers["idempotency-replayed"] == "true"


DEEP = b'{"type": "food-business", "payload": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001
ODD = {
    "too large": (b'{"type": "' + b"x" * (1024 * 1024) + b'"}', {}, 413, "message_too_large"),
    "compressed": (gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, 415, "wrong_media_type"),
    "a bomb": (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}, 415, "wrong_media_type"),
    "another kind": (b"{}", {"Content-Type": "text/plain"}, 415, "wrong_media_type"),
    "a form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "wrong_media_type"),
    "nested deep": (DEEP, {}, 400, "invalid_input"),
    "nested": (b'{"type": "x", "payload": ' + b"[" * 40 + b"]" * 40 + b"}", {}, 400, "invalid_input"),
    "a member twice": (b'{"type": "food-business", "type": "x", "payload": {}}', {}, 400, "invalid_input"),
    "twice within": (b'{"type": "food-business", "payload": {"a": 1, "a": 2}}', {}, 400, "invalid_input"),
    "NaN": (b'{"type": "food-business", "payload": {"a": NaN}}', {}, 400, "invalid_input"),
    "no UTF-8": (b'{"type": "\xff"}', {}, 400, "invalid_input"),
    "half a surrogate": (b'{"type": "food-business", "payload": {"name": "\\ud800"}}', {}, 400, "invalid_input"),
    "no object": (b"[]", {}, 400, "invalid_input"),
    "nothing": (b"", {}, 400, "invalid_input"),
    "not JSON": (b"{", {}, 400, "invalid_input"),
    "an unknown member": (b'{"type": "food-business", "payload": {}, "x": 1}', {}, 400, "invalid_input"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_body_that_is_not_as_it_must_be_has_a_documented_answer(service: Service, case: str) -> None:
    body, headers, status, code = ODD[case]
    asked = {"Authorization": f"Bearer {service.token()}", "Idempotency-Key": case.replace(" ", "-")}
    kinds = {"Content-Type": "application/json", **headers}
    answer = httpx.post(service.url + PATH, content=body, headers={**asked, **kinds}, timeout=SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(status) in documented(service, PATH, "post")


def documented(service: Service, path: str, method: str) -> set[str]:
    """The statuses in the contract."""
    contract = httpx.get(service.url + "/openapi.json", timeout=SECONDS).json()
    return set(contract["paths"][path][method]["responses"])


def test_headers_that_are_too_long_are_refused(service: Service) -> None:
    asked = {"Authorization": f"Bearer {service.token()}"}
    answer = httpx.get(f"{service.url}{PATH}?number={'9' * 3000}", headers=asked, timeout=SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (414, "url_too_long")
    for long in ({"Authorization": "Bearer " + "a" * 30_000}, {"Cookie": "a" * 30_000}):
        assert httpx.get(service.url + PATH, headers=long, timeout=SECONDS).status_code == 401
    first = b""
    with connected(service) as wire, suppress(OSError):  # it may hang up before all is sent
        wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000)
        wire.shutdown(socket.SHUT_WR)
        first = wire.recv(100)
    assert first == b"" or first.split()[1] in (b"400", b"431")
    assert service.running.get("/health").status_code == 200


def test_postgresql_restarted_under_load_loses_nothing_acknowledged(service: Service) -> None:
    postmaster = service.home.path / "postgres" / "data" / "postmaster.pid"
    done: dict[str, str] = {}

    async def story() -> None:
        waiting, fell = asyncio.Semaphore(AT_ONCE), asyncio.Event()
        async with service.client(Retries(most=60, first_pause=0.2, longest_pause=2.0)) as api:

            async def one(number: int) -> None:
                async with waiting:
                    name = f"云山市断电器械店{number}号"
                    made = await api.certificates.issue(FILING, shop(name), key=f"outage-{number}", wait=SECONDS)
                    assert isinstance(made, Certificate)
                    done[name] = made.code
                    if len(done) == BEFORE_IT_FALLS:
                        fell.set()

            async def fall() -> None:
                await fell.wait()
                os.kill(int(postmaster.read_text().splitlines()[0]), signal.SIGQUIT)  # as if the power failed
                server = EmbeddedServer(service.home.path)
                await asyncio.to_thread(server.start)
                await asyncio.to_thread(server.stop)

            await asyncio.gather(fall(), *(one(number) for number in range(ISSUES)))
            await _all_is_there(api, done)

    asyncio.run(story())
    assert len(done) == ISSUES and len(set(done.values())) == ISSUES
    for name, code in done.items():
        assert service.filings(name) == [code]


async def _all_is_there(api: Client, done: dict[str, str]) -> None:
    for name, code in done.items():
        read = await api.certificates.read(code)
        assert (read.state, read.fields["name"]) == ("issued", name)
        assert (await api.certificates.document(code)).startswith(b"%PDF")
    number = next(iter(done)).removeprefix("云山市断电器械店").removesuffix("号")
    again = await api.certificates.issue(FILING, shop(next(iter(done))), key=f"outage-{number}")
    assert getattr(again, "code", None) == next(iter(done.values()))
