"""What is told of a part of a case: whoever may decide it knows, in the feed and by web-hook, and nobody else."""

from collections.abc import Sequence

import pytest
from receiver import receiving
from telling_desk import FIRE, MARKET, NOW, Database, Desk, told
from worker import Worker

from certsvc.domain.webhook import DeliveryState
from certsvc.store.notices import PartPlace, tell

pytest_plugins = ["store_fixtures"]

FOOD = PartPlace("food-permit", "441900")
DECIDES = ["notify:*", "decide:food-permit:*:4419"]


async def tell_of_part(desk: Desk, part: PartPlace = FOOD, client: str | None = MARKET) -> None:
    """Something happens to a part of a case."""
    async with desk.pool.transaction() as connection:
        await tell(connection, NOW, "case.part_decided", {"type": part.type_id}, client=client, part=part)


@pytest.mark.parametrize(
    ("scopes", "knows"),
    [
        (["decide:*"], True),
        (["decide:food-permit"], True),
        (["decide:food-permit:*:44"], True),
        (["decide:food-permit:market:4419"], True),
        (["decide:food-permit:*:4420"], False),
        (["decide:hygiene"], False),
        (["decide:hygiene", "decide:*:*:441900"], True),
        (["read:*", "view:*", "case:*", "issue:*"], False),
        ([], False),
    ],
)
def test_who_may_decide_a_part_knows_what_becomes_of_it(database: Database, scopes: Sequence[str], knows: bool) -> None:
    async def story(desk: Desk) -> None:
        await tell_of_part(desk)
        assert bool(await desk.feed(FIRE, scopes)) is knows
        assert len(await desk.feed(MARKET, [])) == 1, "who is told by name needs no scope"

    told(database, story)


def test_to_decide_a_part_is_not_to_read_certificates_and_to_read_is_not_to_decide(database: Database) -> None:
    async def story(desk: Desk) -> None:
        await desk.licence()
        await tell_of_part(desk, PartPlace("business-licence", "441900"), None)
        kinds = {name: [one.kind for one in await desk.feed(FIRE, [f"{name}:*"])] for name in ("read", "decide")}
        assert kinds == {"read": ["certificate.issue"], "decide": ["case.part_decided"]}

    told(database, story)


def test_web_hooks_of_those_who_may_decide_are_told_and_of_nobody_else(database: Database) -> None:
    async def story(desk: Desk) -> None:
        await desk.client(FIRE, DECIDES)
        await desk.client("health-system", ["notify:*", "decide:hygiene", "read:*"])
        async with receiving() as receiver:
            hooks = {name: await desk.hook(receiver.url(f"/{name}"), client=name) for name in (FIRE, "health-system")}
            worker = Worker(desk)
            await tell_of_part(desk)
            await tell_of_part(desk, PartPlace("food-permit", "110000"))
            await worker.deliver()
            assert receiver.ids(f"/{FIRE}") == ["notice-1"]
            assert receiver.ids("/health-system") == []
            assert await desk.hooks.replay_since(FIRE, hooks[FIRE], NOW, NOW) == 1
            assert await desk.hooks.replay_since("health-system", hooks["health-system"], NOW, NOW) == 0
            await worker.deliver()
            assert receiver.ids(f"/{FIRE}") == ["notice-1"] * 2

    told(database, story)


def test_who_may_decide_no_more_is_not_sent_what_waits(database: Database) -> None:
    async def story(desk: Desk) -> None:
        await desk.client(FIRE, DECIDES)
        async with receiving() as receiver:
            hook_id = await desk.hook(receiver.url(), client=FIRE)
            worker = Worker(desk)
            await tell_of_part(desk)
            await worker.telling.settle(NOW)
            await desk.client(FIRE, ["notify:*", "decide:hygiene"])
            await worker.deliver()
            assert receiver.ids() == []
            (waited,) = await desk.hooks.deliveries(FIRE, hook_id, None, None, 9)
            assert waited.state is DeliveryState.FAILED

    told(database, story)
