"""How far scopes reach: what lies under another seal, in another area or of another type is not there for a client."""

from typing import Any

import pytest
from desk import Desk
from office_room import EVERY_ACT, Caller, Room
from payloads import FILING, GROUND, issued

pytest_plugins = ["office_fixtures"]

PATH = "/v1/certificates"
WHY = {"why": "年检核对原件"}
NOTHING = "0000-0000-0000-0000-0"
ACTIONS = sorted({"read", "view", *(scope.partition(":")[0] for scope in EVERY_ACT)})
ELSEWHERE = {
    "another area": f"{FILING}:*:4403",
    "another town of the same city": f"{FILING}:*:441999",
    "another seal": f"{FILING}:health",
    "another type": "drug-retail",
    "its seal in another area, its area under another seal": f"{FILING}:market:4403 {FILING}:health:4419",
}
HERE = {"its area": f"{FILING}:*:4419", "its seal": f"{FILING}:market", "all of it": f"{FILING}:market:441900"}


def everything(places: str) -> frozenset[str]:
    """Every action there."""
    return frozenset(f"{action}:{place}" for action in ACTIONS for place in places.split())


@pytest.fixture(scope="module")
def made(market: Caller, desk: Desk) -> dict[str, Any]:
    """A filing of a market administration of Dongguan (4419), under the seal `market`, with its content."""

    async def story() -> dict[str, Any]:
        one = await issued(market)
        whole = await market.get(f"{PATH}/{one['code']}/payload", params=WHY)
        return {**one, "payload": whole.json()["payload"]}

    return desk.run(story())


async def reads(caller: Caller, made: dict[str, Any], code: str) -> list[Any]:
    """All that shows something of a certificate by its code."""
    documents = [
        made["documents"][0]["href"].replace(made["code"], code),
        *(f"{PATH}/{code}/{name}" for name in ("qr.svg", "qr.png", "poster.pdf")),
    ]
    return [
        await caller.get(f"{PATH}/{code}"),
        await caller.get(f"{PATH}/{code}/history"),
        await caller.get(f"{PATH}/{code}/payload", params=WHY),
        *[await caller.get(path, params=WHY if path == documents[0] else {}) for path in documents],
    ]


async def acts(caller: Caller, made: dict[str, Any], code: str) -> list[Any]:
    """An act that persons confirm, one that is done at once, and the next version."""
    bodies = (
        {"act": "suspend", "ground": GROUND},
        {"act": "attach_condition", "ground": {"reason_code": "commitment", "due": "2027-06-30"}},
        {"act": "reissue", "ground": {"reason_code": "lost"}, "payload": made["payload"]},
    )
    return [await caller.post(f"{PATH}/{code}/acts", body) for body in bodies]


async def found(caller: Caller, made: dict[str, Any]) -> list[list[str]]:
    """What is found in every way of looking for it."""
    ways: list[dict[str, Any]] = [{"type": FILING}, {"status": "valid"}, {}]
    ways += [{name: made[name]} for name in ("number", "subject")]
    answers = [await caller.get(PATH, params={**way, "limit": 100}) for way in ways]
    answers.append(await caller.http.post(f"{PATH}/held-by", json={"code": made["subject"], "limit": 100}))
    assert {answer.status_code for answer in answers} == {200}
    return [[item["code"] for item in answer.json()["items"]] for answer in answers]


@pytest.mark.parametrize("where", ELSEWHERE)
def test_what_lies_beyond_every_scope_does_not_exist(room: Room, made: dict[str, Any], desk: Desk, where: str) -> None:
    async def story() -> None:
        other = await room.caller(f"beyond {where}", everything(ELSEWHERE[where]))
        theirs = [*await reads(other, made, made["code"]), *await acts(other, made, made["code"])]
        nothing = [*await reads(other, made, NOTHING), *await acts(other, made, NOTHING)]
        for answer, same in zip(theirs, nothing, strict=True):
            assert answer.status_code == same.status_code == 404, answer.text
            assert answer.json()["code"] == "not_found"
            assert answer.json()["detail"].replace(made["code"], NOTHING) == same.json()["detail"]
        assert not any(made["code"] in codes for codes in await found(other, made))

    desk.run(story())


@pytest.mark.long
@pytest.mark.parametrize("where", HERE)
def test_what_lies_within_a_scope_is_there(room: Room, made: dict[str, Any], desk: Desk, where: str) -> None:
    async def story() -> None:
        other = await room.caller(f"within {where}", everything(HERE[where]))
        assert {answer.status_code for answer in await reads(other, made, made["code"])} == {200}
        assert all(made["code"] in codes for codes in await found(other, made))

    desk.run(story())


@pytest.mark.parametrize("view", [f"view:{FILING}:*:4403", f"view:{FILING}:health", "view:drug-retail"])
def test_to_read_it_here_and_view_the_whole_elsewhere_is_not_to_view_the_whole_here(
    room: Room, made: dict[str, Any], desk: Desk, view: str
) -> None:
    async def story() -> None:
        other = await room.caller(f"reads, and {view}", frozenset({"read:*", view}))
        for path in (f"{PATH}/{made['code']}/payload", made["documents"][0]["href"]):
            answer = await other.get(path, params=WHY)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
        assert (await other.get(f"{PATH}/{made['code']}")).status_code == 200

    desk.run(story())


@pytest.mark.parametrize("where", [f"{FILING}:*:4403", f"{FILING}:health", "drug-retail"])
def test_to_read_it_here_and_act_elsewhere_is_not_to_act_here(
    room: Room, made: dict[str, Any], desk: Desk, where: str
) -> None:
    async def story() -> None:
        other = await room.caller(f"reads, and acts on {where}", everything(where) | {"read:*"})
        for answer in await acts(other, made, made["code"]):
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text

    desk.run(story())
