"""Web-hooks as a department's program has them, by `certsvc.client`: made, looked into, replayed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from desk import Desk
from receiver import answer, receiving
from telling_desk import MARKET
from test_telling_api import came, say, settling

from certsvc.client import Client

from office_room import Caller, Room  # isort: skip  # found by way of telling_desk

pytestmark = pytest.mark.long

pytest_plugins = ["office_fixtures"]


def test_the_client_makes_looks_into_and_replays_deliveries(market: Caller, room: Room, desk: Desk) -> None:
    async def story() -> None:
        url, transport = room.settings.office_url, httpx.ASGITransport(room.app)  # type: ignore[arg-type]  # two spellings of ASGI
        async with (
            receiving() as receiver,
            settling(room),
            Client(url, market.client.id, market._key, kid="one", transport=transport) as api,
        ):
            receiver.answers["/hook"] = [answer(500, b"out of paper"), answer(200)]
            hook = await api.webhooks.add(receiver.url(), ["test.client"])
            assert hook.secret is not None and (await api.webhooks.read(hook.id)).secret is None
            await say(room, "test.client", MARKET, number=1)
            await came(receiver, 1)
            (waiting,) = await listed(api.webhooks.deliveries(hook.id, "pending"))
            seen = await until(api, hook.id, waiting.id, lambda one: one.attempts[0].status is not None)
            assert (seen.message_id, seen.attempts[0].answer) == (receiver.ids()[0], "out of paper")
            ping = await api.webhooks.test(hook.id)
            await came(receiver, 2)
            await until(api, hook.id, ping.id, arrived)
            since = datetime.now(UTC) - timedelta(minutes=1)
            changed = await api.webhooks.change(hook.id, kinds=["test.client", "test.other"])
            assert changed.kinds == ("test.client", "test.other") and changed.url == hook.url
            assert (await api.webhooks.change(hook.id, kinds=None)).kinds is None
            assert (await api.webhooks.change(hook.id, kinds=["test.client"], state="paused")).state == "paused"
            assert (await api.webhooks.change(hook.id, state="active")).kinds == ("test.client",)
            await until(api, hook.id, waiting.id, arrived)
            again = await api.webhooks.replay(hook.id, waiting.id)
            assert again.message_id == seen.message_id
            await until(api, hook.id, waiting.id, arrived)
            assert await api.webhooks.replay_since(hook.id, since) == 1
            await api.webhooks.remove(hook.id)
            assert hook.id not in [one.id for one in await listed(api.webhooks.list())]

    desk.run(story())


async def until(api: Client, hook_id: str, delivery_id: str, is_so: Callable[[Any], bool]) -> Any:
    """A delivery once it is so."""
    while not is_so(seen := await api.webhooks.delivery(hook_id, delivery_id)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return seen


def arrived(delivery: Any) -> bool:
    """Whether its receiver has it."""
    return bool(delivery.state == "delivered")


async def listed(found: AsyncIterator[Any]) -> list[Any]:
    """All of a list."""
    return [one async for one in found]
