"""`/v1/seal-requests` over HTTP: a PDF goes in, a sealed one comes out; and what is refused is a problem."""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from document_desk import CERTIFICATES, DOCUMENTS, HEALTH
from document_service_room import ServiceRoom, open_service
from made_up_documents import flawed, letter

pytest_plugins = ["document_fixtures"]

PATH = "/v1/seal-requests"
DIGEST = hashlib.sha256(b"one").hexdigest()
BY_RULE = {"rule": "last_page_bottom_right"}


class Service:
    """A room in a loop of its own."""

    def __init__(self, runner: asyncio.Runner, room: ServiceRoom) -> None:
        self._runner, self.room = runner, room

    def run(self, work: Any) -> Any:
        """Do something there."""
        return self._runner.run(work)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Write."""
        found: httpx.Response = self.run(self.room.post(path, **more))
        return found

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Read."""
        found: httpx.Response = self.run(self.room.get(path, **more))
        return found

    def send(self, pdf: bytes, **more: Any) -> str:
        """Send a file; its SHA-256."""
        answer = self.post(f"{PATH}/files", content=pdf, headers={"Content-Type": "application/pdf"}, **more)
        assert answer.status_code == 201, answer.text
        assert answer.json() == {"sha256": hashlib.sha256(pdf).hexdigest(), "size": len(pdf)}
        return str(answer.json()["sha256"])

    def ask(self, body: dict[str, Any], **more: Any) -> httpx.Response:
        """Ask for a seal."""
        return self.post(PATH, json={"reason": "云市监〔2026〕18号", **body}, **more)


@pytest.fixture(scope="module")
def service(register_uri: str, folder: Path) -> Iterator[Service]:
    """The service of this module."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        room = runner.run(stack.enter_async_context(open_service(register_uri, folder)))
        yield Service(runner, room)
        runner.run(stack.aclose())


def one_seal(file: str, seal: str = DOCUMENTS, **more: Any) -> dict[str, Any]:
    """A request for one seal by rule."""
    return {"file": file, "seals": [{"seal": seal, "position": BY_RULE}], **more}


def test_a_document_goes_in_and_comes_out_sealed(service: Service) -> None:
    answer = service.ask(one_seal(service.send(letter(3)), cross_page=True))
    made = answer.json()
    assert (answer.status_code, made["state"], made["kind"], made["pages"]) == (201, "done", "document", 3)
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    assert service.get(answer.headers["location"]).json() == made
    document = service.get(made["document"]["href"])
    assert (document.status_code, document.headers["content-type"]) == (200, "application/pdf")
    assert hashlib.sha256(document.content).hexdigest() == made["document"]["sha256"]
    assert document.content.count(b"/ByteRange") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "position",
    [
        {"page": 2, "x_mm": 120.5, "y_mm": 200},
        {"keyword": "（盖章）"},
        {"keyword": "第 2 段", "occurrence": 2, "dx_mm": 70, "dy_mm": 10},
    ],
)
def test_a_seal_is_placed_by_coordinates_or_keyword(service: Service, position: dict[str, Any]) -> None:
    body = {"file": service.send(letter(2)), "seals": [{"seal": DOCUMENTS, "position": position}]}
    made = service.ask(body).json()
    assert made["state"] == "done", made
    (placed,) = made["seals"]
    assert placed["page"] == 2
    if "page" in position:
        assert (placed["x_mm"], placed["y_mm"]) == (120.5, 200.0)


@pytest.mark.long
def test_joint_seals_are_put_on_in_their_order(service: Service) -> None:
    seals = [{"seal": each, "position": BY_RULE} for each in (HEALTH, DOCUMENTS)]
    made = service.ask({"file": service.send(letter(1)), "seals": seals}).json()
    assert [each["seal"] for each in made["seals"]] == [HEALTH, DOCUMENTS]
    assert service.get(made["document"]["href"]).content.count(b"/ByteRange") == 2


@pytest.mark.parametrize("output", ["raw", "cms"])
def test_digests_are_signed(service: Service, output: str) -> None:
    made = service.ask({"seal": DOCUMENTS, "digests": [DIGEST, DIGEST[::-1]], "output": output}).json()
    assert (made["state"], made["kind"], made["digests"]) == ("done", "digests", [DIGEST, DIGEST[::-1]])
    sizes = [len(base64.b64decode(each)) for each in made["signatures"]]
    assert len(sizes) == 2 and all((size < 80) == (output == "raw") for size in sizes)


def test_the_same_key_again_is_the_same_request(service: Service) -> None:
    body, headers = one_seal(service.send(letter(1))), {"Idempotency-Key": "the-same"}
    first, again = (service.ask(body, headers=headers) for _ in range(2))
    assert first.json() == again.json() and again.headers["idempotency-replayed"] == "true"
    other = service.ask({**body, "cross_page": True}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "request_key_reused")


def test_who_does_not_want_to_wait_asks_later(service: Service) -> None:
    answer = service.ask(one_seal(service.send(letter(1))), headers={"Prefer": "respond-async"})
    assert answer.status_code in (201, 202)
    for _ in range(100):
        found = service.get(answer.headers["location"]).json()
        if found["state"] == "done":
            break
        service.run(asyncio.sleep(0.1))
    assert found["state"] == "done" and found["document"]


def test_a_client_reads_its_own_requests_page_by_page_and_no_others(service: Service) -> None:
    mine = service.ask(one_seal(service.send(letter(1)))).json()["id"]
    first = service.get(f"{PATH}?limit=1").json()
    assert [each["id"] for each in first["items"]] == [mine]
    second = service.get(f"{PATH}?limit=1&cursor={first['next']}").json()
    assert second["items"] and second["items"][0]["id"] < mine
    assert service.get(PATH, token="stranger").json()["items"] == []
    for path in (f"{PATH}/{mine}", f"{PATH}/{mine}/document", f"{PATH}/{'0' * 26}"):
        answer = service.get(path, token="stranger")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_another_client_s_file_is_not_there(service: Service) -> None:
    file = service.send(letter(2))
    answer = service.ask(one_seal(file, HEALTH), token="stranger")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "neither_file_nor_digests": ({}, 400, "invalid_input"),
    "both": ({"file": DIGEST, "seals": [], "digests": [DIGEST]}, 400, "invalid_input"),
    "file_and_digests": ({**one_seal(DIGEST), "seal": DOCUMENTS, "digests": [DIGEST]}, 400, "invalid_input"),
    "file_that_was_not_sent": (one_seal(DIGEST), 404, "not_found"),
    "no_digest": ({"seal": DOCUMENTS, "digests": ["xyz"]}, 400, "invalid_input"),
    "too_many_digests": ({"seal": DOCUMENTS, "digests": [DIGEST] * 101}, 400, "invalid_input"),
    "another_algorithm": ({"seal": DOCUMENTS, "digests": [DIGEST], "algorithm": "SHA-1"}, 400, "invalid_input"),
    "seal_bound_to_types_signs_a_digest": ({"seal": CERTIFICATES, "digests": [DIGEST]}, 403, "forbidden"),
    "seal_that_is_not_there": ({"seal": "none-such", "digests": [DIGEST]}, 404, "not_found"),
    "reason_with_a_nul": ({"seal": DOCUMENTS, "digests": [DIGEST], "reason": "a\0b"}, 400, "invalid_input"),
    "seal_with_a_nul": ({"seal": "a\0b", "digests": [DIGEST]}, 400, "invalid_input"),
    "unknown_field": ({"seal": DOCUMENTS, "digests": [DIGEST], "pin": "1234"}, 400, "invalid_input"),
    "no_position": ({"file": DIGEST, "seals": [{"seal": DOCUMENTS, "position": {}}]}, 400, "invalid_input"),
    "two_positions": (
        {"file": DIGEST, "seals": [{"seal": DOCUMENTS, "position": {**BY_RULE, "keyword": "x"}}]},
        400,
        "invalid_input",
    ),
    "half_a_position": (
        {"file": DIGEST, "seals": [{"seal": DOCUMENTS, "position": {"page": 1, "x_mm": 3}}]},
        400,
        "invalid_input",
    ),
    "the_same_seal_twice": (
        {"file": DIGEST, "seals": [{"seal": DOCUMENTS, "position": BY_RULE}] * 2},
        400,
        "invalid_input",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_a_problem(service: Service, name: str) -> None:
    body, status, code = WRONG[name]
    answer = service.ask(body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_names_that_cannot_be_are_not_there_and_break_nothing(service: Service) -> None:
    for name in ("%00", "x", "a" * 25 + "%00", "é" * 26, "0" * 27):
        for path in (f"{PATH}/{name}", f"{PATH}/{name}/document"):
            assert service.get(path).status_code == 404, path
    cursor = base64.urlsafe_b64encode(b'["2026-11-22T00:00:00Z","\\u0000"]').decode().rstrip("=")
    assert service.get(f"{PATH}?cursor={cursor}").status_code == 400
    broken = b'{"reason": "\\ud800", "seal": "market-documents", "digests": ["' + DIGEST.encode() + b'"]}'
    answer = service.post(PATH, content=broken, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.long
def test_a_flawed_file_is_a_problem_that_says_why(service: Service) -> None:
    data, code = flawed()["script_when_opened"]
    answer = service.ask(one_seal(service.send(data)))
    assert (answer.status_code, answer.json()["code"]) == (422, "document_refused")
    (problem,) = answer.json()["problems"]
    assert (problem["field"], problem["code"]) == ("file", code) and "JavaScript" in problem["en"]


def test_what_is_no_pdf_or_too_large_is_not_taken(service: Service) -> None:
    for content, status in ((b"PK", 415), (b"%PDF-1.7\n" + bytes(20 * 1024 * 1024), 413)):
        answer = service.post(f"{PATH}/files", content=content, headers={"Content-Type": "application/pdf"})
        assert answer.status_code == status, answer.text
    answer = service.post(f"{PATH}/files", content=letter(1), token="nobody")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
