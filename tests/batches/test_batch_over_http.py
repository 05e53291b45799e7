"""Batches through the API, with the office as it is served and a worker beside it."""

import asyncio
import csv
import hashlib
import io
import json
import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from batched import FOOD, food, ndjson, payloads, pieces

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from desk import Desk
from office_room import EVERY_ACT, READS, Caller, Room

from certsvc.batching import open_batches
from certsvc.domain.client import ClientKind
from certsvc.http.office import batch_upload
from certsvc.issuance.batches import reading as batch_reading
from certsvc.issuance.batches.end import tend
from certsvc.log import open_log
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.takings import Takings

pytest_plugins = ["office_fixtures"]
PATH = "/v1/batches"
NDJSON, CSV = "application/x-ndjson", "text/csv"
GROUND = {"reason": "查处", "legal_basis": "某法第一条", "decision_number": "云罚〔2026〕1号"}


@pytest.fixture(scope="module")
def sender(room: Room, desk: Desk) -> Caller:
    """A department's system."""
    return desk.run(room.caller("批量系统", EVERY_ACT | READS))


@pytest.fixture(scope="module")
def stranger(room: Room, desk: Desk) -> Caller:
    """Another department's system, that may do the same."""
    return desk.run(room.caller("another-system", EVERY_ACT | READS))


@pytest.fixture(scope="module")
def persons(room: Room, desk: Desk) -> list[Caller]:
    """Two persons who may approve."""
    names = ("批准人甲", "批准人乙")
    return [desk.run(room.caller(name, frozenset({"approve:*"}), ClientKind.PERSON)) for name in names]


async def send(caller: Caller, data: bytes, key: str | None = None, kind: str = NDJSON, **asked: Any) -> httpx.Response:
    """Send a batch, in pieces."""
    headers = {"Idempotency-Key": key or secrets.token_hex(8), "Content-Type": kind}
    params = {"type": FOOD, **asked}
    answer: httpx.Response = await caller.http.post(PATH, params=params, content=pieces(data), headers=headers)
    return answer


async def sent_and_gone(room: Room, caller: Caller, key: str, data: bytes) -> None:
    """Begin to send a batch, and be gone."""
    headers = {**caller.http.headers, "idempotency-key": key, "content-type": NDJSON}
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": f"type={FOOD}".encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    events: Any = iter([{"type": "http.request", "body": data, "more_body": True}])

    async def receive() -> Any:
        return next(events, {"type": "http.disconnect"})

    async def unheard(message: Any) -> None:
        """Nobody is there to hear the answer."""

    await room.app(scope, receive, unheard)


async def worked(room: Room, uri: str, caller: Caller, batch_id: str) -> dict[str, Any]:
    """The batch once it stands still."""
    async with open_pool(uri, seconds=60) as pool:
        worker = open_batches(room.settings, room.issuing, room.clients, pool, Takings(pool), open_log())
        while await tend(worker) or await worker.do_one():
            pass
    shown: dict[str, Any] = (await caller.get(f"{PATH}/{batch_id}")).json()
    return shown


@pytest.fixture
def uri(office_server: tuple[EmbeddedServer, Any]) -> str:
    """The register's, as its owner."""
    return office_server[0].uri("certsvc")


def test_a_batch_is_sent_followed_and_read_row_by_row(room: Room, sender: Caller, uri: str, desk: Desk) -> None:
    async def story() -> None:
        data = payloads(food(9001), food(9002)) + ndjson([{"key": "=1+1", "payload": {**food(9003), "category": "x"}}])
        sent = await send(sender, data, on_wrong="skip")
        assert sent.status_code == 202, sent.text
        batch = sent.json()
        assert sent.headers["location"] == f"{PATH}/{batch['id']}"
        assert (batch["state"], batch["rows"], batch["size"]) == ("checking", 3, len(data))
        assert batch["sha256"] == hashlib.sha256(data).hexdigest()
        assert (await sender.get(f"{PATH}/{batch['id']}/manifest")).status_code == 404
        done = await worked(room, uri, sender, batch["id"])
        assert (done["state"], done["counts"]["done"], done["counts"]["wrong"]) == ("finished", 2, 1)
        assert [one["move"] for one in done["history"]] == ["receive", "pass", "run", "finish"]
        found, cursor = [], None
        while True:
            params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
            page = (await sender.get(f"{PATH}/{batch['id']}/rows", params=params)).json()
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        assert [(row["line"], row["key"], row["state"]) for row in found] == [
            (1, "row 1", "done"),
            (2, "row 2", "done"),
            (3, "=1+1", "wrong"),
        ]
        assert found[2]["error"]["problems"][0]["field"] == "category"
        certificate = (await sender.get(f"/v1/certificates/{found[0]['code']}")).json()
        assert certificate["number"] == found[0]["number"]
        wrong = (await sender.get(f"{PATH}/{batch['id']}/rows", params={"state": "wrong"})).json()
        assert [row["line"] for row in wrong["items"]] == [3]
        manifest = await sender.get(f"{PATH}/{batch['id']}/manifest")
        assert hashlib.sha256(manifest.content).hexdigest() == done["manifest"]
        assert manifest.headers["content-type"] == NDJSON
        lines = [json.loads(line) for line in manifest.text.splitlines()]
        assert [line["code"] for line in lines[:2]] == [row["code"] for row in found[:2]]
        table = await sender.get(f"{PATH}/{batch['id']}/manifest.csv")
        rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
        assert [row["key"] for row in rows] == ["row 1", "row 2", "'=1+1"]

    desk.run(story())


def test_the_same_upload_again_is_answered_as_before_and_another_under_its_key_is_refused(
    sender: Caller, desk: Desk
) -> None:
    async def story() -> None:
        data = payloads(food(9011))
        first = await send(sender, data, "again", dry_run=True)
        again = await send(sender, data, "again", dry_run=True)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        other = await send(sender, data + b"\n", "again", dry_run=True)
        assert other.json()["code"] == "request_key_reused"

    desk.run(story())


def test_an_upload_that_breaks_off_leaves_nothing_running_and_is_sent_again(
    room: Room, sender: Caller, uri: str, desk: Desk
) -> None:
    data = payloads(food(9021), food(9022))

    async def story() -> None:
        await sent_and_gone(room, sender, "broken", data[:900])
        listed = (await sender.get(PATH)).json()["items"]
        assert listed[0]["state"] == "receiving"
        sent = await send(sender, data, "broken", dry_run=True)
        assert sent.status_code == 202
        done = await worked(room, uri, sender, sent.json()["id"])
        assert (done["state"], done["rows"]) == ("checked", 2)
        listed = (await sender.get(PATH)).json()["items"]
        assert "receiving" not in [one["state"] for one in listed]

    desk.run(story())


def test_for_another_client_a_batch_does_not_exist(
    sender: Caller, stranger: Caller, persons: list[Caller], desk: Desk
) -> None:
    async def story() -> None:
        batch = (await send(sender, payloads(food(9031)), dry_run=True)).json()["id"]
        for other in (stranger, persons[0]):
            for path in ("", "/rows", "/manifest", "/manifest.csv"):
                assert (await other.get(f"{PATH}/{batch}{path}")).json()["code"] == "not_found"
            for move in ("pause", "resume", "cancel", "retry", "approve"):
                answer = await other.post(f"{PATH}/{batch}/{move}", None)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
            assert batch not in [one["id"] for one in (await other.get(PATH)).json()["items"]]
        assert (await sender.get(f"{PATH}/{batch[:-1]}")).status_code == 400

    desk.run(story())


@pytest.mark.long
def test_a_mass_act_waits_for_persons_and_is_paused_resumed_and_cancelled(
    room: Room, sender: Caller, persons: list[Caller], uri: str, desk: Desk
) -> None:
    async def story() -> None:
        issued = (await send(sender, payloads(food(9041), food(9042)))).json()["id"]
        await worked(room, uri, sender, issued)
        rows = (await sender.get(f"{PATH}/{issued}/rows")).json()["items"]
        table = "_code,reason,legal_basis,decision_number\r\n" + "".join(
            f"{row['code']},{','.join(GROUND.values())}\r\n" for row in rows
        )
        sent = await send(sender, table.encode("gb18030"), kind=f"{CSV}; charset=gb18030", act="suspend")
        one = f"{PATH}/{sent.json()['id']}"
        waiting = await worked(room, uri, sender, sent.json()["id"])
        assert (waiting["state"], waiting["needed"]) == ("awaiting_approval", 2)
        assert [found["id"] for found in (await persons[0].get(PATH)).json()["items"]] == [waiting["id"]]
        assert (await sender.post(f"{one}/approve", None)).json()["code"] == "forbidden"
        for person, state in zip(persons, ("awaiting_approval", "running"), strict=True):
            answer = await person.post(f"{one}/approve", None)
            assert (answer.status_code, answer.json()["state"]) == (200, state)
        assert (await persons[0].post(f"{one}/cancel", None)).json()["code"] == "forbidden"
        for move, state in (("pause", "paused"), ("resume", "running"), ("pause", "paused"), ("cancel", "cancelled")):
            answer = await sender.post(f"{one}/{move}", None)
            assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
        refused = await sender.post(f"{one}/retry", None)
        assert (refused.status_code, refused.json()["code"]) == (409, "act_not_allowed")
        done = await worked(room, uri, sender, waiting["id"])
        assert (done["counts"]["cancelled"], done["approved_by"]) == (2, ["批准人甲", "批准人乙"])

    desk.run(story())


BAD: dict[str, tuple[dict[str, Any], str, bytes, int, str]] = {
    "another media type": ({}, "application/json", b"{}", 415, "wrong_media_type"),
    "a compressed body": ({}, NDJSON, b"{}", 415, "wrong_media_type"),
    "an unknown type": ({"type": "no-such-type"}, NDJSON, b"{}", 404, "not_found"),
    "an unknown act": ({"act": "steal"}, NDJSON, b"{}", 400, "invalid_input"),
    "a sample too large": ({"sample": 101}, NDJSON, b"{}", 400, "invalid_input"),
    "another charset": ({}, f"{CSV}; charset=utf-16", b"x", 400, "invalid_input"),
    "no row": ({}, NDJSON, b"\n", 400, "invalid_input"),
    "an unknown column": ({}, CSV, b"nmae\nx\n", 400, "invalid_input"),
    "a quotation mark that is never closed": ({}, CSV, b'name\n"x\n', 400, "invalid_input"),
    "too many bytes": ({}, NDJSON, b"\n" * 20_000, 413, "message_too_large"),
}


@pytest.mark.parametrize("flaw", BAD)
def test_a_bad_upload_is_refused_in_its_own_words(
    sender: Caller, desk: Desk, flaw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, kind, data, status, code = BAD[flaw]
    monkeypatch.setattr(batch_reading, "MOST_BYTES", 10_000)

    async def story() -> httpx.Response:
        headers = {"Idempotency-Key": secrets.token_hex(8), "Content-Type": kind}
        headers |= {"Content-Encoding": "gzip"} if flaw == "a compressed body" else {}
        params = {"type": FOOD, **asked}
        answer: httpx.Response = await sender.http.post(PATH, params=params, content=pieces(data), headers=headers)
        return answer

    answer = desk.run(story())
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_without_a_key_or_the_scope_nothing_is_received(room: Room, desk: Desk) -> None:
    async def story() -> None:
        reader = await room.caller("only-reads", READS)
        assert (await send(reader, payloads(food(1)))).json()["code"] == "forbidden"
        answer = await reader.http.post(PATH, params={"type": FOOD}, content=b"{}", headers={"Content-Type": NDJSON})
        assert answer.status_code == 400

    desk.run(story())


@pytest.mark.long
def test_too_many_uploads_at_once_are_asked_to_come_later_and_a_stalled_one_gives_its_place_back(
    room: Room, sender: Caller, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        go_on = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"{"
            await go_on.wait()

        headers = {"Content-Type": NDJSON}
        stalled = [
            asyncio.create_task(
                sender.http.post(
                    PATH,
                    params={"type": FOOD},
                    content=slow(),
                    headers={**headers, "Idempotency-Key": f"stalled-{one}"},
                )
            )
            for one in range(batch_upload.AT_ONCE)
        ]
        await asyncio.sleep(0.5)
        busy = await send(sender, payloads(food(1)))
        assert (busy.status_code, busy.json()["code"]) == (503, "workers_busy")
        assert busy.headers["retry-after"]
        go_on.set()
        answers = await asyncio.gather(*stalled)
        assert {answer.status_code for answer in answers} == {202}
        assert (await send(sender, payloads(food(9051)), dry_run=True)).status_code == 202

    desk.run(story())


def test_the_contract_describes_the_upload(sender: Caller, desk: Desk) -> None:
    document = desk.run(sender.get("/openapi.json")).json()
    operation = document["paths"][PATH]["post"]
    assert set(operation["requestBody"]["content"]) == {NDJSON, CSV}
    assert "202" in operation["responses"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names >= {"type", "act", "on_wrong", "dry_run", "sample", "Idempotency-Key"}
    moves = {path.rpartition("/")[2] for path in document["paths"] if path.startswith(f"{PATH}/{{batch_id}}/")}
    assert moves == {"rows", "manifest", "manifest.csv", "approve", "pause", "resume", "cancel", "retry"}


def test_time_is_told_only_while_it_runs(room: Room, sender: Caller, desk: Desk) -> None:
    async def story() -> None:
        batch = (await send(sender, payloads(food(9061)), dry_run=True)).json()
        shown = (await sender.get(f"{PATH}/{batch['id']}")).json()
        assert (shown["rows_per_second"], shown["ends_at"]) == (0.0, None)
        assert datetime.fromisoformat(shown["began_at"]) <= datetime.now(UTC)

    desk.run(story())
