"""What may be sent to `POST /verify`, how much of it, how slowly, and what each mistake is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import SEALED_AT, PublicSite, certificate, make_site

from certsvc.http.upload import MAX_DRAINED, Uploads

JSON = {"Accept": "application/json"}
MIB = 1024 * 1024
BOUNDARY = "x" * 20
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "accept": "application/json"}
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'.encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
Client = TestClient[Litestar]


@pytest.fixture
def site(tmp_path: Path) -> PublicSite:
    return make_site(tmp_path)


@pytest.fixture
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is this problem; the file never reached a worker."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def post(client: Client, data: bytes, name: str = "a.pdf") -> httpx.Response:
    return client.post("/verify", files={"file": (name, data, "application/pdf")}, headers=JSON)


def whole(data: bytes, head: bytes = HEAD) -> bytes:
    return head + data + TAIL


def test_a_file_of_20_mib_is_taken_and_one_byte_more_is_413(client: Client, site: PublicSite) -> None:
    refused(post(client, SEALED_AT.ljust(20 * MIB)), 422, "unreadable_file")
    assert site.inspector.inspected == 1
    refused(post(client, SEALED_AT.ljust(20 * MIB + 1)), 413, "file_too_large")
    assert site.inspector.inspected == 1


def test_an_over_large_file_is_told_on_a_page_too(client: Client) -> None:
    answer = client.post("/verify", files={"file": ("a.pdf", b"x" * (21 * MIB))}, headers={"Accept": "text/html"})
    assert answer.status_code == 413 and "文件超过 20 MiB" in answer.text and 'action="/verify"' in answer.text


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n", b" %PDF-1.7", b"PK\x03\x04"])
def test_what_is_not_a_pdf_is_415_whatever_its_name_and_type(client: Client, site: PublicSite, data: bytes) -> None:
    refused(post(client, data), 415, "not_a_pdf")
    assert site.inspector.inspected == 0


@pytest.mark.parametrize("kind", ["application/pdf", "text/plain", "multipart/form-data", "application/json", ""])
def test_a_body_that_is_no_multipart_form_is_415(client: Client, kind: str) -> None:
    headers = {**JSON, **({"Content-Type": kind} if kind else {})}
    refused(client.post("/verify", content=b"%PDF-1.7", headers=headers), 415, "not_a_pdf")


def test_an_unreadable_pdf_is_422(client: Client, site: PublicSite) -> None:
    refused(post(client, SEALED_AT + b"garbage"), 422, "unreadable_file")
    refused(post(client, SEALED_AT + msgspec.json.encode({"unreadable": "encrypted"})), 422, "unreadable_file")
    assert site.inspector.inspected == 2


def test_busy_workers_are_503_with_retry_after(client: Client, site: PublicSite) -> None:
    site.inspector.busy = True
    data = site.sealed(certificate("business-licence-company", "good-lingnan"))
    answer = post(client, data)
    refused(answer, 503, "workers_busy")
    assert answer.headers["retry-after"] == "10"
    page = client.post("/verify", files={"file": ("a.pdf", data)}, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["retry-after"]) == (503, "10") and "核对文件的人很多" in page.text


def test_too_many_uploads_at_once_are_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certsvc.http.public.Uploads", partial(Uploads, at_once=0))
    with TestClient(make_site(tmp_path).app) as client:
        refused(post(client, b"%PDF-1.7"), 503, "workers_busy")


# ---- malformed forms ----


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary here",
        HEAD,
        HEAD + b"%PDF-1.7 never closed",
        whole(b"%PDF-1.7", b"--" + BOUNDARY.encode() + b"\r\nbroken header\r\n\r\n"),
        f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx".encode() + TAIL,
        TAIL.lstrip(),
    ],
    ids=["empty", "no boundary", "head only", "never closed", "bad header", "no name", "no field"],
)
def test_a_malformed_form_is_400(client: Client, site: PublicSite, body: bytes) -> None:
    refused(client.post("/verify", content=body, headers=FORM), 400, "invalid_input")
    assert site.inspector.inspected == 0


def test_no_file_chosen_is_400_and_says_so(client: Client) -> None:
    for head in (
        HEAD.replace(b"a.pdf", b""),
        HEAD.replace(b'"file"', b'"other"'),
        HEAD.replace(b'; filename="a.pdf"', b""),
    ):
        answer = client.post("/verify", content=whole(b"%PDF-1.7", head), headers=FORM)
        refused(answer, 400, "invalid_input")
        assert "没有选择文件" in answer.json()["detail"]


def test_two_files_at_once_are_refused_so_that_none_is_silently_left_out(client: Client, site: PublicSite) -> None:
    files = [("file", (name, b"%PDF-1.7", "application/pdf")) for name in ("a.pdf", "b.pdf")]
    answer = client.post("/verify", files=files, headers=JSON)
    refused(answer, 400, "invalid_input")
    assert "一次只核对一个" in answer.json()["detail"] and site.inspector.inspected == 0


def test_other_fields_are_passed_over_but_not_without_end(client: Client, site: PublicSite) -> None:
    data = site.sealed(certificate("business-licence-company", "good-lingnan"))
    few = client.post("/verify", data={"lang": "zh"}, files={"file": ("a.pdf", data)}, headers=JSON)
    assert few.status_code == 200
    many = client.post("/verify", data={f"f{n}": "x" for n in range(20)}, files={"file": ("a.pdf", data)}, headers=JSON)
    refused(many, 400, "invalid_input")


def test_a_long_file_name_is_cut(client: Client, site: PublicSite) -> None:
    data = site.sealed(certificate("business-licence-company", "good-lingnan"))
    assert len(post(client, data, "长" * 500 + ".pdf").json()["file"]) == 200


# ---- streams: what a well-behaved client never sends ----


def ask(site: PublicSite, chunks: AsyncIterator[bytes], headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Send a body piece by piece, without saying how long it will be; status and content of the answer."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/verify",
        "raw_path": b"/verify",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or FORM).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        try:
            return {"type": "http.request", "body": await anext(chunks), "more_body": True}
        except StopAsyncIteration:
            return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(site.app(scope, receive, send), 20))  # type: ignore[arg-type]
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return sent[0]["status"], body


def test_an_endless_upload_is_413_and_read_no_further_than_its_limit(site: PublicSite) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield HEAD
        while True:
            taken += MIB
            yield b"\0" * MIB

    status, body = ask(site, endless())
    assert status == 413 and b"file_too_large" in body
    assert taken <= MAX_DRAINED + 25 * MIB


def test_a_broken_off_upload_is_a_clear_problem(site: PublicSite) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield HEAD + b"%PDF-1.7"

    status, body = ask(site, broken())
    assert status == 400 and b"invalid_input" in body


@pytest.mark.long
def test_a_slow_upload_is_cut_off_with_408(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certsvc.http.public.Uploads", partial(Uploads, seconds=0.2))

    async def slow() -> AsyncIterator[bytes]:
        yield HEAD
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    begun = time.monotonic()
    status, body = ask(make_site(tmp_path), slow())
    assert status == 408 and b"upload_too_slow" in body
    assert time.monotonic() - begun < 5


def test_a_client_that_lies_about_the_length_gains_nothing(site: PublicSite) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield HEAD
        while True:
            yield b"\0" * MIB

    assert ask(site, endless(), {**FORM, "content-length": "10"})[0] == 413
    assert ask(site, endless(), {**FORM, "content-length": "nonsense"})[0] in (400, 413)
