"""`/v1/events` and `/v1/webhooks` as departments have them, over HTTP, with a worker that does its jobs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from desk import Desk
from receiver import Receiver, answer, receiving, verifies
from telling_desk import FIRE, MARKET

from certsvc.store.notices import tell

from office_room import EVERY_ACT, READS, Caller, Room  # isort: skip  # found by way of telling_desk
from payloads import FILING, a_filing  # isort: skip

pytest_plugins = ["office_fixtures"]

HOOKS, EVENTS = "/v1/webhooks", "/v1/events"
NOBODY = "w-" + "a" * 20


@pytest.fixture(scope="module")
def other(room: Room, desk: Desk) -> Caller:
    """Another department's system."""
    return desk.run(room.caller(FIRE, EVERY_ACT | READS))


@pytest.fixture(scope="module")
def deaf(room: Room, desk: Desk) -> Caller:
    """A system that is not to be told anything."""
    return desk.run(room.caller("deaf-system", EVERY_ACT | {"read:*"}))


async def say(room: Room, kind: str, client: str, **data: Any) -> None:
    """Tell something to a client."""
    async with room.clients._pool.transaction() as connection:
        await tell(connection, datetime.now(UTC), kind, data, client=client)


@asynccontextmanager
async def settling(room: Room) -> AsyncIterator[None]:
    """A worker's chore, as often as it can."""

    async def settle() -> None:
        while True:
            await room.worker.telling.settle(datetime.now(UTC))
            await asyncio.sleep(0.02)

    task = asyncio.create_task(settle())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def came(receiver: Receiver, count: int, path: str = "/hook") -> None:
    """Wait until so many messages came."""
    while len(receiver.ids(path)) < count:  # noqa: ASYNC110 - the event is on another side of a socket
        await asyncio.sleep(0.01)


async def write(caller: Caller, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
    """A write other than POST."""
    headers = {"Idempotency-Key": key or datetime.now(UTC).isoformat()}
    return await caller.http.request(method, path, json=body, headers=headers)


def test_a_licence_that_is_issued_is_told_by_web_hook_and_feed_alike(market: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        async with receiving() as receiver, settling(room):
            begun = (await market.get(EVENTS, params={"after": "latest"})).json()
            made = await market.post(HOOKS, {"url": receiver.url(), "kinds": ["certificate.issue"]})
            assert made.status_code == 201, made.text
            issued = await market.post("/v1/certificates", {"type": FILING, "payload": a_filing()})
            assert issued.status_code == 201, issued.text
            await came(receiver, 1)
            (received,) = receiver.received
            feed = (await market.get(EVENTS, params={"after": begun["next"]})).json()
            (item,) = feed["items"]
            assert (item["id"], item["type"]) == (received.message_id, "certificate.issue")
            assert item["data"]["code"] == issued.json()["code"]
            assert verifies(made.json()["secret"], received.headers, received.body, datetime.now(UTC).timestamp())
            assert httpx.Response(200, content=received.body).json() == item

    desk.run(story())


def test_a_secret_is_shown_to_the_same_request_again_and_lies_nowhere_in_clear(
    market: Caller, room: Room, desk: Desk
) -> None:
    async def story() -> None:
        body = {"url": "https://hooks.example.com/a"}
        first, again = [await market.post(HOOKS, body, "one-key") for _ in range(2)]
        assert first.json() == again.json() and first.headers["cache-control"] == "no-store"
        hook_id, secret = first.json()["id"], first.json()["secret"]
        changed, once_more = [await market.post(f"{HOOKS}/{hook_id}/secret", {}, "change-key") for _ in range(2)]
        assert changed.json() == once_more.json() and changed.json()["secret"] != secret
        assert "secret" not in (await market.get(f"{HOOKS}/{hook_id}")).json()
        async with room.clients._pool.connection() as connection:
            for text in (secret, changed.json()["secret"]):
                assert not await connection.fetchval(
                    "select count(*) from answer where position($1::bytea in body) > 0", text[6:].encode()
                )
        refused = await market.post(HOOKS, {"url": "https://hooks.example.com/b"}, "one-key")
        assert (refused.status_code, refused.json()["code"]) == (422, "request_key_reused")

    desk.run(story())


def test_a_web_hook_is_listed_changed_and_removed(other: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = (await other.post(HOOKS, {"url": "https://hooks.example.com/a", "kinds": ["a.b"]})).json()
        path = f"{HOOKS}/{made['id']}"
        listed = (await other.get(HOOKS)).json()
        assert [one["id"] for one in listed["items"]] == [made["id"]] and listed["next"] is None
        changed = (await write(other, "PATCH", path, {"kinds": None, "state": "paused"})).json()
        assert (changed["kinds"], changed["state"], changed["url"]) == (None, "paused", made["url"])
        disabled = (await write(other, "PATCH", path, {"state": "disabled"})).json()
        assert (disabled["state"], disabled["disabled_why"]) == ("disabled", "owner")
        assert (await other.post(f"{path}/test", {})).status_code == 409
        assert (await write(other, "DELETE", path)).status_code == 204
        assert (await other.get(path)).status_code == 404
        assert (await other.get(HOOKS)).json()["items"] == []

    desk.run(story())


@pytest.mark.long
def test_how_deliveries_fared_is_seen_and_they_are_sent_again(market: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        async with receiving() as receiver, settling(room):
            receiver.answers["/hook"] = [answer(500, b"out of paper"), answer(200)]
            path = f"{HOOKS}/{(await market.post(HOOKS, {'url': receiver.url(), 'kinds': ['test.seen']})).json()['id']}"
            since = datetime.now(UTC) - timedelta(seconds=1)
            await say(room, "test.seen", MARKET, number=1)
            await came(receiver, 1)
            seen = await deliveries(market, path, state="pending")
            while not seen[0]["attempts"][0]["status"]:
                await asyncio.sleep(0.01)
                seen = await deliveries(market, path, state="pending")
            (attempt,) = seen[0]["attempts"]
            assert (attempt["status"], attempt["answer"], attempt["trouble"]) == (500, "out of paper", None)
            ping = await market.post(f"{path}/test", {})
            assert (ping.status_code, ping.json()["type"]) == (202, "webhook.ping")
            await came(receiver, 2)
            assert receiver.ids()[1] == ping.json()["message_id"]
            while len(await deliveries(market, path, state="delivered")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            replayed = await market.post(f"{path}/deliveries/{seen[0]['id']}/replay", {})
            assert (replayed.status_code, replayed.json()["message_id"]) == (202, seen[0]["message_id"])
            await came(receiver, 4)
            while await deliveries(market, path, state="pending"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            all_again = await market.http.post(
                f"{path}/replay", params={"since": since.isoformat()}, headers={"Idempotency-Key": "all-again"}
            )
            assert (all_again.status_code, all_again.json()) == (202, {"deliveries": 1})
            await came(receiver, 5)

    desk.run(story())


def test_what_is_on_its_way_says_where_to_look(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        path = f"{HOOKS}/{(await market.post(HOOKS, {'url': 'https://hooks.example.com/look'})).json()['id']}"
        ping = await market.post(f"{path}/test", {})
        where = ping.headers["location"]
        assert where == f"{path}/deliveries/{ping.json()['id']}"
        assert (await market.get(where)).json()["message_id"] == ping.json()["message_id"]
        again = await market.post(f"{where}/replay", {})
        assert again.headers["location"] == where
        since = await market.post(f"{path}/replay?since=2999-01-01T00:00:00Z", {})
        assert (since.status_code, since.headers["location"]) == (202, f"{path}/deliveries")
        assert (await market.get(since.headers["location"])).status_code == 200

    desk.run(story())


async def deliveries(caller: Caller, path: str, **asked: Any) -> list[Any]:
    """Deliveries as the API lists them."""
    found: list[Any] = (await caller.get(f"{path}/deliveries", params=asked)).json()["items"]
    return found


def test_deliveries_are_had_in_pages(market: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        made = (await market.post(HOOKS, {"url": "http://127.0.0.1:1/", "kinds": ["test.pages"]})).json()
        path = f"{HOOKS}/{made['id']}/deliveries"
        for number in range(5):
            await say(room, "test.pages", MARKET, number=number)
        await market.get(EVENTS, params={"after": "latest"})
        seen, cursor = list[str](), None
        while True:
            page = (await market.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [one["id"] for one in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert len(seen) == len(set(seen)) == 5

    desk.run(story())


def test_the_feed_goes_on_from_where_it_was_read_to(other: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        after = (await other.get(EVENTS, params={"after": "latest"})).json()["next"]
        for number in range(5):
            await say(room, "test.odd" if number % 2 else "test.even", FIRE, number=number)
        read, cursor = list[int](), after
        while page := (await other.get(EVENTS, params={"after": cursor, "limit": 2})).json():
            read += [one["data"]["number"] for one in page["items"]]
            if not page["items"]:
                break
            cursor = page["next"]
        assert read == [0, 1, 2, 3, 4]
        asked = {"after": after, "kind": "test.odd,test.none"}
        odd = (await other.get(EVENTS, params=asked)).json()
        assert [one["data"]["number"] for one in odd["items"]] == [1, 3]
        assert odd["next"] == cursor

    desk.run(story())


@pytest.mark.long
def test_who_waits_is_answered_when_something_happens(other: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        after = (await other.get(EVENTS, params={"after": "latest"})).json()["next"]
        assert (await other.get(EVENTS, params={"after": after})).json() == {"items": [], "next": after}
        waiting = asyncio.create_task(other.get(EVENTS, params={"after": after, "wait": 20}))
        await asyncio.sleep(0)
        await say(room, "test.waited", FIRE)
        (item,) = (await waiting).json()["items"]
        assert item["type"] == "test.waited"

    desk.run(story())


def test_another_clients_web_hooks_and_deliveries_do_not_exist(
    market: Caller, other: Caller, room: Room, desk: Desk
) -> None:
    async def story() -> None:
        hook_id = (await market.post(HOOKS, {"url": "https://hooks.example.com/mine"})).json()["id"]
        for asked in (hook_id, NOBODY):
            path = f"{HOOKS}/{asked}"
            answers = [
                await other.get(path),
                await other.get(f"{path}/deliveries"),
                await other.get(f"{path}/deliveries/1"),
                await write(other, "PATCH", path, {"state": "paused"}),
                await write(other, "DELETE", path),
                await other.post(f"{path}/secret", {}),
                await other.post(f"{path}/test", {}),
                await other.post(f"{path}/deliveries/1/replay", {}),
                await other.post(f"{path}/replay?since=2026-11-24T00:00:00Z", {}),
            ]
            assert {one.status_code for one in answers} == {404}
            assert {one.json()["code"] for one in answers} == {"not_found"}
        assert (await market.get(f"{HOOKS}/{hook_id}")).json()["state"] == "active"

    desk.run(story())


def test_without_the_scope_to_be_told_nothing_is_answered(deaf: Caller, desk: Desk) -> None:
    async def story() -> None:
        path = f"{HOOKS}/{NOBODY}"
        answers = [
            await deaf.get(EVENTS),
            await deaf.get(HOOKS),
            await deaf.get(path),
            await deaf.get(f"{path}/deliveries"),
            await deaf.get(f"{path}/deliveries/1"),
            await deaf.post(HOOKS, {"url": "https://hooks.example.com/"}),
            await write(deaf, "PATCH", path, {}),
            await write(deaf, "DELETE", path),
            await deaf.post(f"{path}/secret", {}),
            await deaf.post(f"{path}/test", {}),
            await deaf.post(f"{path}/deliveries/1/replay", {}),
            await deaf.post(f"{path}/replay?since=2026-11-24T00:00:00Z", {}),
        ]
        assert {one.status_code for one in answers} == {403}

    desk.run(story())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "x" * 2001},
        {"url": 7},
        {"url": "https://10.0.0.1/"},
        {"url": "https://hooks.example.com/", "kinds": []},
        {"url": "https://hooks.example.com/", "kinds": ["certificate"]},
        {"url": "https://hooks.example.com/", "kinds": ["a.b\u0000"]},
        {
            "url": "https://hooks.example.com/",
            "kinds": [f"a.b{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(51)],
        },
        {"url": "https://hooks.example.com/\u0000"},
        {"url": "https://hooks.example.com/", "secret": "whsec_mine"},
        [],
    ],
    ids=str,
)
def test_what_is_wrong_with_a_web_hook_is_said(market: Caller, desk: Desk, body: Any) -> None:
    answered = desk.run(market.post(HOOKS, body))
    assert answered.status_code == 400, answered.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{EVENTS}?after=-1", 400),
        ("GET", f"{EVENTS}?after=999999999999999999", 400),
        ("GET", f"{EVENTS}?after=9999999999999999999", 400),
        ("GET", f"{EVENTS}?after=%00", 400),
        ("GET", f"{EVENTS}?limit=0", 400),
        ("GET", f"{EVENTS}?limit=501", 400),
        ("GET", f"{EVENTS}?wait=21", 400),
        ("GET", f"{EVENTS}?kind=", 400),
        ("GET", f"{EVENTS}?kind=a.b,", 400),
        ("GET", f"{EVENTS}?kind=%00.b", 400),
        ("GET", f"{HOOKS}/w-%00", 400),
        ("GET", f"{HOOKS}/{'w' * 500}", 400),
        ("GET", f"{HOOKS}/{{id}}/deliveries?cursor=x", 400),
        ("GET", f"{HOOKS}/{{id}}/deliveries?cursor=9999999999999999999", 400),
        ("GET", f"{HOOKS}/{{id}}/deliveries?state=x", 400),
        ("GET", f"{HOOKS}/{{id}}/deliveries/0", 404),
        ("GET", f"{HOOKS}/{{id}}/deliveries/999999999999999999", 404),
        ("GET", f"{HOOKS}/{{id}}/deliveries/x", 404),
        ("POST", f"{HOOKS}/{{id}}/deliveries/0/replay", 404),
        ("POST", f"{HOOKS}/{{id}}/deliveries/9999999999999999999/replay", 404),
        ("POST", f"{HOOKS}/{{id}}/deliveries/999999999999999999/replay", 404),
        ("POST", f"{HOOKS}/{{id}}/deliveries/x/replay", 404),
        ("POST", f"{HOOKS}/{{id}}/replay", 400),
        ("POST", f"{HOOKS}/{{id}}/replay?since=yesterday", 400),
        ("POST", f"{HOOKS}/{{id}}/replay?since=2026-11-24T00:00:00", 400),
        ("POST", f"{HOOKS}/{{id}}/replay?since=0001-01-01T00:00:00%2B14:00", 400),
        ("POST", f"{HOOKS}/{{id}}/replay?since=9999-12-31T23:59:59-14:00", 400),
        ("PATCH", f"{HOOKS}/{{id}}", 400),
    ],
)
def test_what_is_wrong_with_a_request_is_said_and_never_500(
    market: Caller, desk: Desk, method: str, path: str, status: int
) -> None:
    async def story() -> None:
        made = await market.post(HOOKS, {"url": "https://hooks.example.com/strange"}, "strange")
        answered = await write(market, method, path.format(id=made.json()["id"]), {"state": "x", "else": 1})
        assert answered.status_code == status, answered.text

    desk.run(story())


def test_without_a_key_nothing_is_made(market: Caller, desk: Desk) -> None:
    answered = desk.run(market.http.post(HOOKS, json={"url": "https://hooks.example.com/"}))
    assert answered.status_code == 400
