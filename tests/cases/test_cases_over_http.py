"""Cases through the API, with the office and the worker as they are served."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from case_desk import FOOD, HYGIENE, LICENCE, answers, registered, term, today

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from desk import Desk
from office_room import Caller, Room

pytest_plugins = ["office_fixtures"]
PATH = "/v1/cases"


@pytest.fixture(scope="module")
def counter(room: Room, desk: Desk) -> Caller:
    """A counter that takes applications."""
    return desk.run(room.caller("counter", frozenset({"case:*", "read:*"})))


@pytest.fixture(scope="module")
def registrar(room: Room, desk: Desk) -> Caller:
    """The department that registers businesses and lets food be sold."""
    return desk.run(room.caller("registrar", frozenset({f"decide:{LICENCE}", f"decide:{FOOD}"})))


@pytest.fixture(scope="module")
def health(room: Room, desk: Desk) -> Caller:
    """The department of health."""
    return desk.run(room.caller("health", frozenset({f"decide:{HYGIENE}"})))


def body(room: Room, **more: Any) -> dict[str, Any]:
    """An application for a licence and two permits."""
    filled = answers(room.issuing.catalog, LICENCE, FOOD, HYGIENE)
    return {"licence": LICENCE, "permits": [FOOD, HYGIENE], "answers": filled, **more}


async def until_issued(caller: Caller, code: str, type_id: str) -> dict[str, Any]:
    """The case once a part is issued."""
    for _ in range(300):
        case: dict[str, Any] = (await caller.get(f"{PATH}/{code}")).json()
        if any(part["type"] == type_id and part["state"] == "issued" for part in case["parts"]):
            return case
        await asyncio.sleep(0.1)
    raise AssertionError(f"{type_id} was not issued: {case}")


def test_the_form_is_asked_for_filled_in_and_decided_until_everything_is_issued(
    room: Room, counter: Caller, registrar: Caller, health: Caller, desk: Desk
) -> None:
    async def story() -> None:
        form = (await counter.get(f"{PATH}/form", params={"licence": LICENCE, "permits": f"{FOOD},{HYGIENE}"})).json()
        assert set(form["schema"]["required"]) <= body(room)["answers"].keys()
        assert form["mapping"]["business.address"] == [[LICENCE, "address"], [FOOD, "residence"]]
        opened = await counter.post(PATH, body(room), "open-1")
        assert opened.status_code == 201, opened.text
        assert (await counter.post(PATH, body(room), "open-1")).json() == opened.json()
        case = opened.json()
        code, one = case["code"], opened.headers["location"]
        assert case["progress"].endswith(f"/P/{code}") and case["answers"] == body(room)["answers"]
        assert case["applicant"].startswith("云*")

        listed = (await health.get(PATH, params={"state": "waiting", "part": HYGIENE})).json()["items"]
        assert [item["case"] for item in listed] == [code]
        seen = (await health.get(one)).json()
        assert seen["answers"] is None
        assert {part["type"] for part in seen["parts"] if part["payload"]} == {HYGIENE}

        for path, content in ((HYGIENE, term(4)), (FOOD, term(5))):
            who = health if path == HYGIENE else registrar
            granted = await who.post(f"{one}/parts/{path}/decisions", {"decision": "grant", "content": content})
            assert granted.status_code == 200, granted.text
        decision = {"decision": "grant", "content": registered(300)}
        granted = await registrar.post(f"{one}/parts/{LICENCE}/decisions", decision, "grant-1")
        assert granted.status_code == 200, granted.text
        for type_id in (LICENCE, FOOD, HYGIENE):
            case = await until_issued(counter, code, type_id)
        assert case["finished"]
        again = await registrar.post(f"{one}/parts/{LICENCE}/decisions", decision, "grant-1")
        assert again.json() == granted.json(), "the answer kept under its key"
        permits = (await counter.get("/v1/certificates", params={"licence": case["licence"]})).json()["items"]
        assert {item["type"] for item in permits} >= {FOOD, HYGIENE}

    desk.run(story())


def test_another_departments_part_and_a_case_that_is_not_there_are_answered_alike(
    room: Room, counter: Caller, registrar: Caller, health: Caller, desk: Desk
) -> None:
    async def story() -> None:
        one = (await counter.post(PATH, body(room))).headers["location"]
        refused = [
            await health.post(f"{one}/parts/{FOOD}/decisions", {"decision": "accept"}),
            await health.post(f"{one}/parts/nothing/decisions", {"decision": "accept"}),
            await registrar.post(f"{one}/answers", {"answers": {}}),
            await registrar.post(f"{one}/parts/{FOOD}/withdraw", {"reason": "x"}),
            await (await room.caller("stranger", frozenset({"decide:drug-retail"}))).get(one),
        ]
        texts = {answer.json()["detail"].replace(one.rpartition("/")[2], "…") for answer in refused}
        assert {answer.status_code for answer in refused} == {404} and len(texts) == 1
        missing = await counter.get(f"{PATH}/0000-0000-0000-0000-0")
        assert missing.status_code == 404 and missing.json()["code"] == refused[0].json()["code"]

    desk.run(story())


def test_what_is_wrong_is_said_by_question_and_by_field(
    room: Room, counter: Caller, registrar: Caller, desk: Desk
) -> None:
    async def story() -> None:
        wrong = body(room)
        del wrong["answers"]["food-business.items"]
        answer = await counter.post(PATH, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "payload_invalid")
        assert [problem["field"] for problem in answer.json()["problems"]] == ["food-business.items"]
        one = (await counter.post(PATH, body(room))).headers["location"]
        decisions = f"{one}/parts/{FOOD}/decisions"
        answer = await registrar.post(decisions, {"decision": "refuse", "reason": "面积不足"})
        assert answer.status_code == 400
        assert {problem["field"] for problem in answer.json()["problems"]} == {
            "legal_basis",
            "decision_number",
            "remedies",
        }
        for odd in ({"decision": "seal"}, {"decision": "accept", "colour": 1}, {}, {"decision": "issue"}):
            assert (await registrar.post(decisions, odd)).status_code == 400
        assert (await registrar.post(decisions, {"decision": "accept"})).status_code == 200
        twice = await registrar.post(decisions, {"decision": "accept"})
        assert (twice.status_code, twice.json()["code"]) == (409, "act_not_allowed")
        strange: list[dict[str, Any]] = [
            {"licence": "moon"},
            {"permits": [FOOD, FOOD]},
            {"permits": ["moon"]},
            {"working_days": {FOOD: 0}},
        ]
        for more in strange:
            assert (await counter.post(PATH, body(room, **more))).status_code in (400, 404)

    desk.run(story())


def test_a_part_is_returned_corrected_and_withdrawn(room: Room, counter: Caller, registrar: Caller, desk: Desk) -> None:
    async def story() -> None:
        one = (await counter.post(PATH, body(room))).headers["location"]
        said = {"decision": "return", "reason": "经营项目写得不清楚"}
        returned = await registrar.post(f"{one}/parts/{FOOD}/decisions", said)
        assert returned.json()["events"][-1]["reason"] == said["reason"]
        corrected = await counter.post(f"{one}/answers", {"answers": {"food-business.items": ["热食类食品制售"]}})
        food = next(part for part in corrected.json()["parts"] if part["type"] == FOOD)
        assert (food["state"], food["payload"]["items"]) == ("waiting", ["热食类食品制售"])
        withdrawn = await counter.post(f"{one}/parts/{LICENCE}/withdraw", {"reason": "不办了"})
        assert {part["state"] for part in withdrawn.json()["parts"]} == {"withdrawn", "ended"}
        assert withdrawn.json()["finished"]

    desk.run(story())


def test_a_list_goes_on_by_its_cursor(room: Room, counter: Caller, registrar: Caller, desk: Desk) -> None:
    async def story() -> None:
        for _ in range(3):
            await counter.post(PATH, body(room))
        whole = (await registrar.get(PATH, params={"part": FOOD})).json()["items"]
        first = (await registrar.get(PATH, params={"part": FOOD, "limit": 2})).json()
        rest = (await registrar.get(PATH, params={"part": FOOD, "cursor": first["next"]})).json()
        assert len(whole) >= 3 and [*first["items"], *rest["items"]] == whole
        assert (await registrar.get(PATH, params={"due_before": today().isoformat()})).json()["items"] == []
        assert (await registrar.get(PATH, params={"cursor": "nonsense"})).status_code == 400

    desk.run(story())
