"""Records through the API, with the office and the worker as they are served."""

import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from desk import Desk
from office_room import Caller, Room
from record_desk import COMPANY, FIRE, FIRE_TYPE, chunks, listed, ndjson, said

pytest_plugins = ["office_fixtures"]
PATH = "/v1/records"
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def fire(room: Room, desk: Desk) -> Caller:
    """The fire department's system, which reports as the source `fire`, and as `fire-two` for lists."""

    async def story() -> Caller:
        for name in ("fire", "fire-two"):
            source = replace(FIRE, id=name, registered_at=NOW)
            await room.office.recording.records.add_source(source, "test")
        return await room.caller(FIRE.client, frozenset({f"record:{FIRE_TYPE}", "notify:*"}))

    return desk.run(story())


@pytest.fixture(scope="module")
def stranger(room: Room, desk: Desk) -> Caller:
    """Another department's system, which may report everything, but is no source."""
    return desk.run(room.caller("stranger", frozenset({"record:*", "read:*"})))


async def put(caller: Caller, path: str, body: Any, key: str | None = None) -> httpx.Response:
    return await caller.http.put(path, json=body, headers={"Idempotency-Key": key or secrets.token_hex(8)})


async def send(
    caller: Caller, path: str, data: bytes, key: str | None = None, kind: dict[str, str] = NDJSON
) -> httpx.Response:
    """A list, in pieces as a stream has them."""
    headers = {"Idempotency-Key": key or secrets.token_hex(8), **kind}
    return await caller.http.post(path, content=chunks(data), headers=headers)


def body(hours: float = 0, **changes: Any) -> dict[str, Any]:
    return {**said(**changes), "observed_at": (NOW - hours * HOUR).isoformat()}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["code"]) == (status, code), answer.text
    return found


def test_a_record_is_put_changed_read_and_found(fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        one = f"{PATH}/fire/1"
        first = await put(fire, one, body(9), "first")
        assert (first.status_code, first.json()["state"]) == (200, "valid"), first.text
        again = await put(fire, one, body(9), "first")
        assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"
        problem(await put(fire, one, body(8), "first"), 422, "request_key_reused")
        changed = await put(fire, one, body(1, state=None, national_state={"code": "07"}))
        assert (changed.json()["state"], changed.json()["versions"]) == ("revoked", 2)
        late = await put(fire, one, body(5, state="suspended"))
        assert (late.json()["state"], late.json()["versions"]) == ("revoked", 3)
        read = (await fire.get(one)).json()
        assert read["national_state"] == {"code": "07", "description": None}
        known_at = (NOW - HOUR).isoformat()
        problem(await fire.get(one, params={"known_at": known_at}), 404, "not_found")
        day = (NOW - timedelta(days=30)).date().isoformat()
        problem(await fire.get(one, params={"on": day}), 404, "not_found")
        found = (await fire.get(PATH, params={"source": "fire", "subject": COMPANY.lower()})).json()
        assert [item["id"] for item in found["items"]] == ["1"] and found["next"] is None

    desk.run(story())


def test_a_wrong_check_character_is_a_warning_in_the_answer(fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        answer = (await put(fire, f"{PATH}/fire/w", body(subject="91410100779423456X"))).json()
        assert [(one["field"], one["code"]) for one in answer["warnings"]] == [("subject", "wrong_check_character")]
        assert answer["subject"] == "91410100779423456X"

    desk.run(story())


def test_another_clients_source_answers_404_like_one_that_does_not_exist(
    fire: Caller, stranger: Caller, desk: Desk
) -> None:
    async def story() -> None:
        await put(fire, f"{PATH}/fire/1", body())
        for source in ("fire", "no-such-source", "%00", "FIRE"):
            answers = [
                await stranger.get(f"{PATH}/{source}/1"),
                await put(stranger, f"{PATH}/{source}/1", body()),
                await stranger.get(f"{PATH}/sources/{source}"),
                await stranger.get(PATH, params={"source": source.replace("%00", "\0")}),
                await send(stranger, f"{PATH}/{source}/snapshots", ndjson(listed("1"))),
                await send(stranger, f"{PATH}/{source}/reconcile", ndjson(listed("1"))),
                await stranger.get(f"{PATH}/{source}/snapshots/1/differences"),
            ]
            for answer in answers:
                problem(answer, 404, "not_found")
        assert (await stranger.get(f"{PATH}/sources")).json() == {"items": [], "next": None}
        assert (await stranger.get(PATH)).json() == {"items": [], "next": None}

    desk.run(story())


def test_a_kind_beyond_the_scope_is_forbidden(fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        problem(await put(fire, f"{PATH}/fire/f", body(kind="food-business")), 403, "forbidden")
        rows = listed("1", kind="food-business")
        problem(await send(fire, f"{PATH}/fire-two/snapshots", ndjson(rows, NOW)), 403, "forbidden")

    desk.run(story())


def test_a_list_is_applied_told_and_compared(fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        lists = f"{PATH}/fire-two/snapshots"
        first = await send(fire, lists, ndjson(listed("12345"), NOW - 3 * HOUR), "one")
        assert (first.status_code, first.json()["added"], first.json()["state"]) == (201, 5, "applied"), first.text
        again = await send(fire, lists, ndjson(listed("12345"), NOW - 3 * HOUR), "one")
        assert (again.status_code, again.json()) == (201, first.json())
        problem(await send(fire, lists, ndjson(listed("1234"), NOW - 3 * HOUR), "one"), 422, "request_key_reused")
        short = await send(fire, lists, ndjson(listed("123"), NOW - 2 * HOUR))
        assert "expect_missing: 2" in problem(short, 409, "too_much_missing")["detail"]
        second = await send(fire, lists, ndjson(listed("123"), NOW - 2 * HOUR, expect_missing=2))
        assert (second.status_code, second.json()["missing"]) == (201, 2)
        cut = ndjson(listed("1"), NOW - HOUR)[:-10]
        problem(await send(fire, lists, cut), 400, "invalid_input")
        health = (await fire.get(f"{PATH}/sources/fire-two", params={"limit": 1})).json()
        assert (health["records"], health["missing"], health["source"]["freshness"]) == (5, 2, "fresh")
        assert [one["state"] for one in health["snapshots"]][:4] == ["refused", "applied", "refused", "applied"]
        page = health["missing_records"]
        assert [one["id"] for one in page["items"]] == ["4"]
        assert (page["items"][0]["state"], page["items"][0]["reported_state"]) == ("unknown", "valid")
        rest = (await fire.get(f"{PATH}/sources/fire-two", params={"cursor": page["next"]})).json()
        assert [one["id"] for one in rest["missing_records"]["items"]] == ["5"]
        compared = await send(
            fire, f"{PATH}/fire-two/reconcile", ndjson([{"id": "1"}, {"id": "2", "state": "closed"}], NOW)
        )
        told = compared.json()
        assert (compared.status_code, told["only_here"], told["differs"], told["same"]) == (200, 1, 1, 1)
        assert told["items"] == [
            {"id": "2", "kind": "differs", "fields": ["state"]},
            {"id": "3", "kind": "only_here", "fields": []},
        ]
        where = f"{lists}/{told['snapshot']}/differences"
        page = (await fire.get(where, params={"limit": 1})).json()
        assert [one["id"] for one in page["items"]] == ["2"]
        page = (await fire.get(where, params={"limit": 1, "cursor": page["next"]})).json()
        assert ([one["id"] for one in page["items"]], page["next"]) == (["3"], None)
        sources = (await fire.get(f"{PATH}/sources")).json()["items"]
        assert [one["id"] for one in sources] == ["fire", "fire-two"]

    desk.run(story())


def test_a_client_is_told_what_a_list_lacks(room: Room, fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        await room.office.recording.records.add_source(replace(FIRE, id="fire-told", registered_at=NOW), "test")
        lists = f"{PATH}/fire-told/snapshots"
        await send(fire, lists, ndjson(listed("12"), NOW - 2 * HOUR))
        await send(fire, lists, ndjson(listed("1"), NOW - HOUR, expect_missing=1))
        await room.worker.telling.settle(datetime.now(UTC))
        found = (await fire.get("/v1/events", params={"kind": "record.missing"})).json()["items"]
        mine = [one for one in found if one["data"]["source"] == "fire-told"]
        assert [(one["data"]["missing"], one["data"]["records"]) for one in mine] == [(1, ["2"])]

    desk.run(story())


def test_the_worker_looks_every_minute_whether_a_source_is_late(room: Room, fire: Caller, desk: Desk) -> None:
    chore = next(one for one in room.worker.chores() if one.name == "sources")

    async def story() -> None:
        source = replace(FIRE, id="fire-late", registered_at=NOW - timedelta(days=9))
        await room.office.recording.records.add_source(source, "test")
        for _ in range(2):
            await chore.work(datetime.now(UTC))
        await room.worker.telling.settle(datetime.now(UTC))
        found = (await fire.get("/v1/events", params={"kind": "source.late"})).json()["items"]
        mine = [one["data"]["freshness"] for one in found if one["data"]["source"] == "fire-late"]
        assert mine == ["silent"]

    assert chore.every == timedelta(minutes=1)
    desk.run(story())


def test_odd_requests_are_problems_and_never_500(fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        lists = f"{PATH}/fire/snapshots"
        cursors = ("x", "W10", "WyJhIiwiYiJd", "////", "W251bGxd")
        answers = [
            *[await fire.get(PATH, params={"cursor": one}) for one in cursors[:2]],
            *[await fire.get(f"{PATH}/sources/fire", params={"cursor": one}) for one in cursors],
            await fire.get(PATH, params={"subject": "９" * 18}),
            await fire.get(f"{PATH}/fire/1", params={"on": "9999-12-31", "known_at": "2026-01-01T00:00:00"}),
            await fire.get(f"{PATH}/fire/1", params={"on": "0001-01-01"}),
            await fire.get(f"{PATH}/fire/%00"),
            await fire.get(f"{lists}/99999999999999999999/differences"),
            await put(fire, f"{PATH}/fire/%E5%8F%B7", body()),
            await put(fire, f"{PATH}/fire/1", {**body(), "observed_at": "0001-01-01T00:00:00+08:00"}),
            await put(fire, f"{PATH}/fire/1", {**body(), "observed_at": "2026-01-01T00:00:00"}),
            await put(fire, f"{PATH}/fire/1", {**body(), "more": 1}),
            await put(fire, f"{PATH}/fire/1", body(facts={"x": 10**30})),
            await put(fire, f"{PATH}/fire/1", body(number="a\u0000b")),
            await send(fire, lists, ndjson(listed("1")), kind={"Content-Type": "text/plain"}),
            await send(fire, lists, b""),
            await send(fire, lists, b"\x00\xff\n"),
            await send(fire, lists, ndjson(listed("1"), datetime(1, 1, 1, tzinfo=UTC))),
            await fire.http.post(lists, content=ndjson(listed("1")), headers=NDJSON),
        ]
        assert {answer.status_code for answer in answers} <= {400, 404, 415, 422}, [a.text for a in answers]
        kept = await fire.get(f"{PATH}/fire/1", params={"on": "9999-12-31"})
        assert kept.status_code in (200, 404)

    desk.run(story())


async def hang_up(room: Room, fire: Caller, path: str, data: bytes, key: str) -> list[int]:
    """Send the beginning of a list and hang up, as a server tells an application; the statuses it answers with."""
    named = {**fire.http.headers, **NDJSON, "Idempotency-Key": key}
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
        "state": {},
    }
    events = iter([{"type": "http.request", "body": data, "more_body": True}])
    sent: list[int] = []

    async def receive() -> Any:
        return next(events, {"type": "http.disconnect"})

    async def answer(message: Any) -> None:
        sent.extend([message["status"]] if "status" in message else [])

    await room.app(scope, receive, answer)  # type: ignore[arg-type]  # a scope as servers make it
    return sent


def test_a_list_that_is_refused_early_is_taken_to_its_end_so_that_the_answer_is_read(
    room: Room, fire: Caller, desk: Desk
) -> None:
    async def story() -> None:
        await room.office.recording.records.add_source(replace(FIRE, id="fire-early", registered_at=NOW), "test")
        pieces = iter([b"no list at all\n", *[b"x" * 10_000] * 20])
        taken = []

        async def counted() -> AsyncIterator[bytes]:
            for piece in pieces:
                taken.append(piece)
                yield piece

        headers = {**NDJSON, "Idempotency-Key": "early"}
        answer = await fire.http.post(f"{PATH}/fire-early/snapshots", content=counted(), headers=headers)
        problem(answer, 400, "invalid_input")
        assert len(taken) == 21

    desk.run(story())


def test_a_client_that_is_gone_before_the_end_changes_nothing(room: Room, fire: Caller, desk: Desk) -> None:
    async def story() -> None:
        await room.office.recording.records.add_source(replace(FIRE, id="fire-gone", registered_at=NOW), "test")
        path, data = f"{PATH}/fire-gone/snapshots", ndjson(listed("12"), NOW)
        assert await hang_up(room, fire, path, data[:600], "gone") == [400]
        health = (await fire.get(f"{PATH}/sources/fire-gone")).json()
        assert (health["records"], health["source"]["last_heard_at"]) == (0, None)
        whole = await send(fire, path, data, "gone")
        assert whole.json()["added"] == 2

    desk.run(story())
