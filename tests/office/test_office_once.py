"""A write is done once, however often it is sent, and answered alike."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from desk import Desk
from office_room import Caller, Room
from payloads import FILING, a_filing, issued

from certsvc.domain.answer import Answer
from certsvc.errors import KeyReused, RegisterUnavailable
from certsvc.store.answers import PostgresAnswers
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["office_fixtures"]

PATH, HOOKS = "/v1/certificates", "/v1/webhooks"
CONDITION = {"reason_code": "commitment", "due": "2027-06-30", "legal_basis": "告知承诺制"}


async def sql(server: EmbeddedServer, statement: str, *values: object) -> None:
    """Do something behind the office's back."""
    connection = await asyncpg.connect(server.uri("certsvc"))
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


def test_the_same_request_again_has_the_same_answer(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        body = {"type": FILING, "payload": a_filing()}
        first = await market.post(PATH, body, "again-1")
        again = await market.post(PATH, body, "again-1")
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["etag"] == first.headers["etag"]
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")

    desk.run(story())


def test_a_refusal_is_answered_alike_too(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        body = {"type": FILING, "payload": a_filing(uscc="1")}
        first, again = [await market.post(PATH, body, "again-2") for _ in range(2)]
        assert (again.status_code, again.content) == (422, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
        assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")

    desk.run(story())


@pytest.mark.long
def test_another_body_under_the_same_key_is_refused(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        await market.post(PATH, {"type": FILING, "payload": a_filing()}, "again-3")
        other = await market.post(PATH, {"type": FILING, "payload": a_filing()}, "again-3")
        assert (other.status_code, other.json()["code"]) == (422, "request_key_reused")

    desk.run(story())


@pytest.mark.long
def test_another_path_under_the_same_key_is_refused_whatever_the_body(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        body = {"act": "attach_condition", "ground": CONDITION}
        first, second = [f"{PATH}/{(await issued(market))['code']}" for _ in range(2)]
        assert (await market.post(f"{first}/acts", body, "again-4")).status_code == 201
        other = await market.post(f"{second}/acts", body, "again-4")
        assert (other.status_code, other.json()["code"]) == (422, "request_key_reused"), other.text
        assert len((await market.get(f"{second}/history")).json()["events"]) == 1

    desk.run(story())


def test_another_method_or_query_under_the_same_key_is_refused_whatever_the_body(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = (await market.post(HOOKS, {"url": "https://hooks.example.com/"})).json()
        hook, body, key = f"{HOOKS}/{made['id']}", b"{}", {"Idempotency-Key": "again-5"}
        headers = {**key, "Content-Type": "application/json"}
        assert (await market.http.patch(hook, content=body, headers=headers)).status_code == 200
        gone = await market.http.request("DELETE", hook, content=body, headers=key)
        assert (gone.status_code, gone.json()["code"]) == (422, "request_key_reused"), gone.text
        assert (await market.get(hook)).status_code == 200
        again, later = [f"{hook}/replay?since=2026-01-0{day}T00:00:00Z" for day in (1, 2)]
        key = {"Idempotency-Key": "again-6"}
        assert (await market.http.post(again, headers=key)).status_code == 202
        other = await market.http.post(later, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "request_key_reused"), other.text

    desk.run(story())


@pytest.mark.long
def test_two_clients_may_have_one_key(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller("second-system", frozenset({f"issue:{FILING}", f"read:{FILING}"}))
        first = await market.post(PATH, {"type": FILING, "payload": a_filing()}, "shared")
        second = await other.post(PATH, {"type": FILING, "payload": a_filing()}, "shared")
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["code"] != second.json()["code"]

    desk.run(story())


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 203])
def test_a_write_without_a_good_key_is_refused(market: Caller, desk: Desk, key: str) -> None:
    body = {"type": FILING, "payload": {}}
    answer = desk.run(market.http.post(PATH, json=body, headers={"Idempotency-Key": key}))
    assert answer.status_code == 400, answer.text


@pytest.mark.long
def test_many_at_once_under_one_key_make_one_certificate(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        body = {"type": FILING, "payload": a_filing()}
        answers = await asyncio.gather(*(market.post(PATH, body, "race") for _ in range(5)))
        done = [answer for answer in answers if answer.status_code == 201]
        waiting = [answer for answer in answers if answer.status_code == 409]
        assert len(done) >= 1 and len(done) + len(waiting) == 5
        assert {answer.json()["code"] for answer in waiting} <= {"request_in_progress"}
        assert all(answer.headers["retry-after"] for answer in waiting)
        again = await market.post(PATH, body, "race")
        assert {answer.json()["code"] for answer in [*done, again]} == {again.json()["code"]}

    desk.run(story())


@pytest.mark.long
def test_what_was_done_before_the_office_died_is_found_again(
    market: Caller, office_server: tuple[EmbeddedServer, object], desk: Desk
) -> None:
    """Killed after the work and before its answer was kept: the row says that it is in progress."""

    async def story() -> None:
        body = {"type": FILING, "payload": a_filing()}
        first = await market.post(PATH, body, "killed")
        broken_off = "update answer set status = null, headers = null, body = null, begun_at = $1 where key = 'killed'"
        await sql(office_server[0], broken_off, datetime.now(UTC) - timedelta(seconds=10))
        assert (await market.post(PATH, body, "killed")).json()["code"] == "request_in_progress"
        await sql(office_server[0], broken_off, datetime.now(UTC) - timedelta(seconds=61))
        again = await market.post(PATH, body, "killed")
        assert (again.status_code, again.json()["code"]) == (201, first.json()["code"])

    desk.run(story())


@pytest.mark.long
def test_a_write_whose_client_is_gone_is_done_to_its_end_and_its_answer_is_there(
    market: Caller, office_server: tuple[EmbeddedServer, object], desk: Desk
) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(office_server[0].uri("certsvc"))
        body = {"type": FILING, "payload": a_filing()}
        gone = asyncio.create_task(market.post(PATH, body, "gone"))
        try:
            async with asyncio.timeout(60):
                while not await connection.fetch("select from answer where key = 'gone'"):  # noqa: ASYNC110 - in the database
                    await asyncio.sleep(0.005)
                gone.cancel()
                while (status := await connection.fetchval("select status from answer where key = 'gone'")) is None:
                    assert await connection.fetch("select from answer where key = 'gone'"), "it was broken off"
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()
        again = await market.post(PATH, body, "gone")
        assert (status, again.status_code, again.headers["idempotency-replayed"]) == (201, 201, "true")

    desk.run(story())


@pytest.mark.long
def test_an_answer_that_cannot_be_kept_leaves_its_key_free_and_the_work_done_once(
    room: Room, market: Caller, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RegisterUnavailable("查不了。", "The register cannot be asked now.")

    async def story() -> None:
        payload = a_filing()
        with monkeypatch.context() as patched:
            patched.setattr(room.office.answers, "keep", fail)
            assert (await market.post(PATH, {"type": FILING, "payload": payload}, "not-kept")).status_code == 503
        again = await market.post(PATH, {"type": FILING, "payload": payload}, "not-kept")
        assert again.status_code == 201, again.text
        found = (await market.get(PATH, params={"type": FILING, "limit": 100})).json()["items"]
        assert [one["code"] for one in found if one["holder"] == payload["name"]] == [again.json()["code"]]

    desk.run(story())


def test_an_answer_is_kept_for_seven_days_to_the_second(room: Room, desk: Desk) -> None:
    kept, at, week = room.office.answers, datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=7)
    answer, client, key = Answer(status=201, headers={}, body=b"x"), "c-" + "a" * 20, "week"

    assert isinstance(kept, PostgresAnswers)

    async def story() -> None:
        assert await kept.begin(client, key, bytes(32), at) == at
        await kept.keep(client, key, at, answer)
        assert await kept.begin(client, key, bytes(32), at + week - timedelta(seconds=1)) == answer
        with pytest.raises(KeyReused):
            await kept.begin(client, key, b"1" * 32, at + week - timedelta(seconds=1))
        await kept.purge(at + week - timedelta(seconds=1))
        assert await kept.begin(client, key, bytes(32), at + week - timedelta(seconds=1)) == answer
        assert await kept.begin(client, key, b"1" * 32, at + week) == at + week

    desk.run(story())


@pytest.mark.long
def test_an_answer_is_kept_for_seven_days_and_the_work_for_ever(
    room: Room, market: Caller, office_server: tuple[EmbeddedServer, object], desk: Desk
) -> None:
    async def story() -> None:
        body = {"type": FILING, "payload": a_filing()}
        first = await market.post(PATH, body, "old")
        await sql(office_server[0], "update answer set begun_at = begun_at - interval '8 days' where key = 'old'")
        again = await market.post(PATH, body, "old")
        assert again.json()["code"] == first.json()["code"]
        other = await market.post(PATH, {"type": FILING, "payload": a_filing()}, "old")
        assert other.status_code == 422

    desk.run(story())
