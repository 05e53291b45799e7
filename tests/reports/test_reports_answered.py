"""Departments answer: each its own reports, the late ones first, once; a correction is an event on the certificate."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from desk import Desk as Loop
from report_room import CONTACT, OPERATOR, WORDS, Caller, Counter, Room, department

from certsvc.domain.problem_report import KEPT_UNANSWERED_DAYS
from certsvc.ids import new_report_number
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["report_fixtures"]

PATH = "/v1/reports"
SAID = {"said": "已核对，登记的地址就是现在的经营场所。"}
UNFOUNDED = {"outcome": "unfounded", **SAID}


async def reported(counter: Counter, filing: dict[str, Any], **fields: str) -> str:
    """A report about the filing; its number."""
    return await counter.send(code=filing["code"], contact=CONTACT, **fields)


async def numbers(caller: Caller, **query: str) -> list[str]:
    """The reports that somebody has to answer, in their order."""
    answer = await caller.get(PATH, params={"limit": "100", **query})
    assert answer.status_code == 200, answer.text
    return [one["number"] for one in answer.json()["items"]]


async def audited(server: EmbeddedServer, number: str) -> list[tuple[str, str]]:
    """Who did what with a report, as the audit has it."""
    connection = await asyncpg.connect(server.uri("certsvc"))
    rows = await connection.fetch("select actor, action from audit where detail ->> 'report' = $1 order by id", number)
    await connection.close()
    return [(row["actor"], row["action"]) for row in rows]


def test_the_department_reads_it_whole_which_is_on_record_and_answers_in_public(
    counter: Counter, answering: Caller, filing: dict[str, Any], office_server: tuple[EmbeddedServer, Any], desk: Loop
) -> None:
    async def story() -> None:
        number = await reported(counter, filing)
        listed = await answering.get(PATH)
        assert WORDS not in listed.text and "13800000000" not in listed.text
        assert await audited(office_server[0], number) == []
        whole = (await answering.get(f"{PATH}/{number}")).json()
        assert whole["reported"] == {"words": WORDS, "contact": CONTACT, "typed": None, "digits": None}
        assert whole["department"]["name"] == "云山市市场监督管理局"
        taken = await answering.post(f"{PATH}/{number}/acknowledge", {"said": "已联系，正在核对。"})
        assert (taken.status_code, taken.json()["state"]) == (200, "acknowledged"), taken.text
        closed = await answering.post(f"{PATH}/{number}/close", UNFOUNDED)
        assert (closed.status_code, closed.json()["state"]) == (200, "closed"), closed.text
        found = await counter.followed(number)
        assert (found["state"], found["answer"]["outcome"]) == ("closed", "unfounded")
        assert (found["contact"]["said"], found["answer"]["said"]) == ("已联系，正在核对。", SAID["said"])
        assert number not in await numbers(answering) and number in await numbers(answering, state="closed")
        assert await audited(office_server[0], number) == [
            ("market-answers", "view_report"),
            ("market-answers", "report_acknowledge"),
            ("market-answers", "report_close"),
        ]

    desk.run(story())


@pytest.mark.parametrize(
    "scopes",
    [
        ("answer:*:market:4403", "read:*"),
        ("answer:*:health:4419", "read:*"),
        ("answer:drug-retail", "read:*"),
        ("read:*", "view:*", "correct:*", "decide:*", "record:*"),
    ],
    ids=["another area", "another seal", "another type", "every other action"],
)
def test_for_whom_it_is_not_a_report_does_not_exist(
    room: Room, counter: Counter, filing: dict[str, Any], desk: Loop, scopes: tuple[str, ...]
) -> None:
    async def story() -> None:
        number = await reported(counter, filing)
        other = await department(room, f"not for {scopes[0]}", *scopes)
        assert await numbers(other) == []
        for unknown in (number, new_report_number()):
            answers = [
                await other.get(f"{PATH}/{unknown}"),
                await other.post(f"{PATH}/{unknown}/acknowledge", {}),
                await other.post(f"{PATH}/{unknown}/close", UNFOUNDED),
            ]
            assert {answer.status_code for answer in answers} == {404}

    desk.run(story())


def test_what_is_due_first_comes_first_page_by_page(
    counter: Counter, answering: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        slow = await reported(counter, filing, kind="data_wrong")
        urgent = await reported(counter, filing, kind="looks_forged")
        listed = await numbers(answering)
        assert listed.index(urgent) < listed.index(slow)
        page, seen = (await answering.get(PATH, params={"limit": "2"})).json(), []
        while True:
            seen += [one["number"] for one in page["items"]]
            if page["next"] is None:
                break
            page = (await answering.get(PATH, params={"limit": "2", "cursor": page["next"]})).json()
        assert seen == listed

    desk.run(story())


def test_an_answer_sent_twice_or_by_many_at_once_is_one(
    counter: Counter, answering: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        number, key = await reported(counter, filing), secrets.token_hex(8)
        close = f"{PATH}/{number}/close"
        for _ in range(2):
            assert (await answering.post(close, UNFOUNDED, key)).status_code == 200
        assert (await answering.post(close, UNFOUNDED | {"said": "别的"}, key)).status_code == 422
        late = await answering.post(close, UNFOUNDED)
        assert (late.status_code, late.json()["code"]) == (409, "act_not_allowed")
        other = await reported(counter, filing)
        at_once = await asyncio.gather(*(answering.post(f"{PATH}/{other}/close", UNFOUNDED) for _ in range(5)))
        assert sorted(answer.status_code for answer in at_once) == [200, 409, 409, 409, 409]

    desk.run(story())


def test_a_correction_is_an_event_of_the_certificate_since_the_report_and_its_history_says_so(
    counter: Counter, answering: Caller, market: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        certificate = f"/v1/certificates/{filing['code']}"
        before = (await answering.get(certificate + "/history")).json()["events"][-1]["id"]
        number = await reported(counter, filing)
        closing = {"outcome": "corrected", "said": "已更正。", "certificate": filing["code"]}
        for body in (closing, closing | {"event": before}, closing | {"event": 10**9}):
            refused = await answering.post(f"{PATH}/{number}/close", body)
            assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input"), refused.text
        ground = {"reason_code": "commitment", "due": "2027-06-30", "legal_basis": "行政许可法"}
        acted = await market.post(certificate + "/acts", {"act": "attach_condition", "ground": ground})
        assert acted.status_code == 201, acted.text
        event = (await answering.get(certificate + "/history")).json()["events"][-1]["id"]
        closed = await answering.post(f"{PATH}/{number}/close", closing | {"event": event})
        assert closed.status_code == 200, closed.text
        assert closed.json()["correction"] == {"certificate": filing["code"], "event": event}
        events = (await answering.get(certificate + "/history")).json()["events"]
        assert {one["id"]: one["reports"] for one in events if one["reports"]} == {event: [number]}
        assert (await counter.followed(number))["answer"]["outcome"] == "corrected"

    desk.run(story())


def test_an_event_of_another_business_corrects_nothing(
    counter: Counter, answering: Caller, market: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        number = await reported(counter, filing)
        found = (await market.get("/v1/certificates", params={"limit": "100", "type": filing["type"]})).json()["items"]
        found += (await market.get("/v1/certificates", params={"limit": "100"})).json()["items"]
        subject = next(one["subject"] for one in found if one["code"] == filing["code"])
        others = [one for one in found if one["subject"] != subject and one["issued_at"]]
        other = next(one for one in others if one["issuer"]["name"] == "云山市市场监督管理局")
        event = (await answering.get(f"/v1/certificates/{other['code']}/history")).json()["events"][-1]["id"]
        body = {"outcome": "corrected", "said": "已更正。", "certificate": other["code"], "event": event}
        refused = await answering.post(f"{PATH}/{number}/close", body)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")

    desk.run(story())


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "corrected", "said": "x"},
        {"outcome": "forwarded", "said": "x"},
        {"outcome": "unfounded", "said": "x", "event": 3},
        {"outcome": "unfounded", "said": "x", "forwarded_to": "别人"},
        {"outcome": "unfounded"},
        {"outcome": "denied", "said": "x"},
        {"outcome": "unfounded", "said": "字" * 1001},
    ],
)
def test_an_answer_that_does_not_say_what_it_must_is_refused(
    counter: Counter, answering: Caller, filing: dict[str, Any], desk: Loop, body: dict[str, Any]
) -> None:
    async def story() -> None:
        number = await reported(counter, filing)
        answer = await answering.post(f"{PATH}/{number}/close", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert (await counter.followed(number))["state"] == "open"

    desk.run(story())


def test_a_missing_permit_goes_to_the_source_named_or_to_the_operator(
    room: Room, counter: Counter, answering: Caller, filing: dict[str, Any], office_server: Any, desk: Loop
) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(office_server[0].uri("certsvc"))
        (source,) = await connection.fetch("select id, zh, client from source order by id limit 1")
        await connection.close()
        named = await reported(counter, filing, kind="permit_missing", department=source["id"])
        unnamed = await reported(counter, filing, kind="permit_missing")
        assert (await counter.followed(named))["department"] == source["zh"]
        assert (await counter.followed(unnamed))["department"] is None
        operator = await department(room, OPERATOR, "read:*")
        assert unnamed in await numbers(operator) and named not in await numbers(operator)
        assert {named, unnamed} & {*await numbers(answering)} == set()
        unknown = await counter.post(kind="permit_missing", department="no-such-department")
        assert (unknown.status_code, unknown.json()["problems"][0]["field"]) == (400, "department")

    desk.run(story())


def test_the_worker_tells_who_answers_once_of_each_report_and_of_what_is_overdue(
    room: Room, counter: Counter, answering: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def told(number: str) -> list[tuple[str, str | None]]:
        found = (await answering.get("/v1/events", params={"after": "0", "limit": "500"})).json()["items"]
        return [
            (one["type"], one["data"].get("overdue"))
            for one in found
            if one["type"].startswith("report.") and one["data"]["report"] == number
        ]

    async def story() -> None:
        number = await reported(counter, filing, kind="looks_forged")
        now = datetime.now(UTC)
        for _ in range(2):
            await room.worker.reports.tell_all(now)
        assert await told(number) == [("report.opened", None)]
        for later in (20, 20, 21):
            await room.worker.reports.tell_all(now + timedelta(days=later))
        overdue = [("report.overdue", "contact"), ("report.overdue", "answer")]
        assert await told(number) == [("report.opened", None), *overdue]
        await answering.post(f"{PATH}/{number}/close", UNFOUNDED)
        await room.worker.reports.tell_all(now + timedelta(days=30))
        assert await told(number) == [("report.opened", None), *overdue, ("report.closed", None)]
        stranger = await department(room, "not told", "notify:*", "read:*")
        heard = (await stranger.get("/v1/events", params={"after": "0", "limit": "500"})).text
        assert number not in heard
        said = (await answering.get("/v1/events", params={"after": "0", "limit": "500"})).text
        assert WORDS not in said and "13800000000" not in said

    desk.run(story())


def test_words_and_contact_are_erased_some_days_after_the_answer_and_the_answer_stays(
    room: Room, counter: Counter, answering: Caller, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        closed, pending = await reported(counter, filing), await reported(counter, filing)
        await answering.post(f"{PATH}/{closed}/close", UNFOUNDED)
        now = datetime.now(UTC) + timedelta(days=31)
        assert await room.worker.reports.erase(now - timedelta(days=40), now) == 0
        assert await room.worker.reports.erase(now - timedelta(days=30), now) > 0
        assert await room.worker.reports.erase(now - timedelta(days=30), now) == 0
        gone = (await answering.get(f"{PATH}/{closed}")).json()
        assert gone["reported"] is None and gone["erased_at"] and gone["answer"]["said"] == SAID["said"]
        found = (await answering.get(f"{PATH}/{pending}")).json()
        assert found["reported"]["words"] == WORDS
        assert (await counter.followed(closed))["answer"]["said"] == SAID["said"]
        due = datetime.fromisoformat(found["answer"]["due"])
        await room.worker.reports.erase(now, due + timedelta(days=KEPT_UNANSWERED_DAYS))
        assert (await answering.get(f"{PATH}/{pending}")).json()["reported"]["words"] == WORDS
        await room.worker.reports.erase(now, due + timedelta(days=KEPT_UNANSWERED_DAYS, seconds=1))
        forgotten = (await answering.get(f"{PATH}/{pending}")).json()
        assert forgotten["reported"] is None and forgotten["erased_at"] and forgotten["state"] == "open"
        late = await answering.post(f"{PATH}/{pending}/close", UNFOUNDED)
        assert late.json()["state"] == "closed", "what was never answered may still be"

    desk.run(story())
