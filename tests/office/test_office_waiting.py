"""What cannot be sealed now: the answer says that it waits and why, and it is finished by itself."""

import asyncio
from datetime import UTC, datetime

import pytest
from desk import Desk
from office_room import Caller, Room
from payloads import FILING, a_filing

from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.issuance.seals import act_on_seal

pytestmark = pytest.mark.long

pytest_plugins = ["office_fixtures"]

PATH = "/v1/certificates"
MANAGER = "演示管理人"
LONGEST = 60.0
"""Seconds to wait for what the queue tries again after five."""


async def do(room: Room, act: SealAct) -> None:
    """The manager acts on the seal of the market regulator."""
    request = SealActRequest(client="test", key=act, seal_id="market", act=act, actor=MANAGER, reason="试")
    await act_on_seal(room.worker.seals, request, datetime.now(UTC))


async def until_issued(market: Caller, code: str) -> dict[str, object]:
    """The certificate once it is issued."""
    async with asyncio.timeout(LONGEST):
        while True:
            read: dict[str, object] = (await market.get(f"{PATH}/{code}")).json()
            if read["state"] == "issued":
                return read
            await asyncio.sleep(0.2)


def test_under_a_suspended_seal_it_waits_says_why_and_is_finished_once_the_seal_is_back(
    room: Room, market: Caller, desk: Desk
) -> None:
    async def story() -> None:
        await do(room, SealAct.SUSPEND)
        body = {"type": FILING, "payload": a_filing()}
        try:
            answer = await market.post(PATH, body, "waiting")
            made = answer.json()
            assert (answer.status_code, made["state"], made["documents"]) == (202, "reserved", []), answer.text
            assert made["waiting"]["code"] == "queued" and "suspended" in made["waiting"]["en"]
            read = (await market.get(f"{PATH}/{made['code']}")).json()
            assert (read["waiting"]["code"], read["status"]) == ("queued", None)
        finally:
            await do(room, SealAct.RESUME)
        done = await until_issued(market, made["code"])
        assert (done["number"], done["waiting"]) == (made["number"], None)
        again = await market.post(PATH, body, "waiting")
        assert (again.status_code, again.json()["code"]) == (202, made["code"])

    desk.run(story())


def test_who_does_not_want_to_wait_is_told_where_to_look(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        body = {"type": FILING, "payload": a_filing()}
        answer = await market.post(PATH, body, Prefer="respond-async")
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{PATH}/{answer.json()['code']}"
        await until_issued(market, answer.json()["code"])

    desk.run(story())
