"""Deliveries to a receiver over real sockets: until it has them, or for days; and nothing to whom nothing is meant."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

import pytest
from receiver import Receiver, answer, receiving, verifies
from telling_desk import FIRE, MARKET, NOW, Database, Desk, open_desk
from worker import Worker

from certsvc.domain.webhook import Answer, DeliveryState, DisabledWhy, HookState, Trouble
from certsvc.telling.deliver import AT_ONCE
from certsvc.telling.hooks import Owner

pytest_plugins = ["store_fixtures"]

Result = TypeVar("Result")
Story = Callable[[Desk, Worker, Receiver], Awaitable[Result]]
OK, BAD, GONE = answer(200), answer(500, b"no"), answer(410)


def delivered(database: Database, story: Story[Result]) -> Result:
    """Run a story with a desk, a worker and a receiver."""

    async def run() -> Result:
        async with open_desk(database.uri) as desk, receiving() as receiver:
            return await story(desk, Worker(desk), receiver)

    return asyncio.run(run())


def test_what_happens_arrives_signed_and_is_what_the_feed_says(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        made = await desk.desk.add(Owner(client=MARKET, key="k"), receiver.url(), None, NOW)
        await desk.licence()
        await worker.deliver()
        (came,), (told,) = receiver.received, await desk.feed()
        assert json.loads(came.body) == told.message()
        assert came.message_id == told.message_id
        assert verifies(made.secret, came.headers, came.body, NOW.timestamp())
        (delivery,) = await desk.hooks.deliveries(MARKET, made.hook.id, None, None, 10)
        assert (delivery.state, delivery.attempts, delivery.kind) == (DeliveryState.DELIVERED, 1, "certificate.issue")
        (attempt,) = await desk.hooks.attempts([delivery.id])
        assert attempt.answer is not None and (attempt.answer.status, attempt.answer.beginning) == (200, "thanks")
        await worker.wait(days=7)
        assert len(receiver.received) == 1

    delivered(database, story)


def test_it_is_tried_again_under_the_same_id_with_the_same_body_and_a_new_time(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/hook"] = [BAD, BAD, OK]
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        await worker.deliver()
        await worker.wait(seconds=4)
        assert len(receiver.received) == 1
        await worker.wait(seconds=3)
        assert (await desk.hooks.hook(MARKET, hook_id)).failures == 2
        await worker.wait(seconds=75)
        assert len(receiver.received) == 3
        first, *again = receiver.received
        assert all((one.message_id, one.body) == (first.message_id, first.body) for one in again)
        assert len({one.headers["webhook-timestamp"] for one in receiver.received}) == 3
        hook = await desk.hooks.hook(MARKET, hook_id)
        assert (hook.failures, hook.failing_since, hook.rests_until) == (0, None, None)
        (delivery,) = await desk.hooks.deliveries(MARKET, hook_id, DeliveryState.DELIVERED, None, 10)
        attempts = await desk.hooks.attempts([delivery.id])
        assert [one.answer and one.answer.status for one in attempts] == [200, 500, 500]

    delivered(database, story)


@pytest.mark.long
def test_a_receiver_that_asks_for_later_is_left_alone_until_then(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/hook"] = [answer(429, Retry_After="600"), OK]
        await desk.hook(receiver.url())
        await desk.tell()
        await worker.deliver()
        await desk.tell()
        await worker.wait(seconds=599)
        assert len(receiver.received) == 1
        await worker.wait(seconds=1)
        assert sorted(receiver.ids()) == ["notice-1", "notice-1", "notice-2"]

    delivered(database, story)


@pytest.mark.long
def test_410_ends_it_at_once_and_its_owner_is_told_by_feed_and_by_another_web_hook(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/gone"] = [GONE]
        gone = await desk.hook(receiver.url("/gone"), kinds=["batch.finished"])
        await desk.hook(receiver.url("/other"), kinds=["webhook.disabled"])
        for _ in range(6):
            await desk.tell()
        await worker.deliver()
        await worker.wait(days=9)
        assert 1 <= len(receiver.ids("/gone")) <= AT_ONCE
        hook = await desk.hooks.hook(MARKET, gone)
        assert (hook.state, hook.disabled_why) == (HookState.DISABLED, DisabledWhy.GONE)
        assert await desk.hooks.deliveries(MARKET, gone, DeliveryState.PENDING, None, 10) == []
        (told,) = [one for one in await desk.feed() if one.kind == "webhook.disabled"]
        assert (told.data["webhook"], told.data["why"]) == (gone, "gone")
        assert receiver.ids("/other") == [told.message_id]
        assert all(one.kind != "webhook.disabled" for one in await desk.feed(FIRE))
        await desk.tell()
        await worker.wait(hours=1)
        assert len(await desk.hooks.deliveries(MARKET, gone, None, None, 10)) == 6

    delivered(database, story)


@pytest.mark.long
def test_when_everything_fails_for_five_days_it_is_disabled(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/hook"] = [BAD]
        hook_id = await desk.hook(receiver.url(), kinds=["batch.finished"])
        for hour in range(24 * 6):
            if hour % 24 == 0:
                await desk.tell()
            await worker.wait(hours=1)
            if hour == 24 * 4:
                assert (await desk.hooks.hook(MARKET, hook_id)).state is HookState.ACTIVE
        hook = await desk.hooks.hook(MARKET, hook_id)
        assert (hook.state, hook.disabled_why) == (HookState.DISABLED, DisabledWhy.FAILED)
        assert worker.now - timedelta(days=2) < hook.failing_since + timedelta(days=5) < worker.now  # type: ignore[operator]
        states = {one.state for one in await desk.hooks.deliveries(MARKET, hook_id, None, None, 100)}
        assert states == {DeliveryState.FAILED}
        assert sum(one.kind == "webhook.disabled" for one in await desk.feed()) == 1

    delivered(database, story)


@pytest.mark.long
def test_a_message_that_its_receiver_never_takes_fails_alone(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        receiver.poison.add("notice-1")
        await desk.tell()
        for _ in range(40):
            await worker.wait(hours=3)
            await desk.tell()
        (failed,) = await desk.hooks.deliveries(MARKET, hook_id, DeliveryState.FAILED, None, 100)
        assert (failed.message_id, failed.attempts) == ("notice-1", 11)
        assert receiver.ids().count("notice-1") == 11
        assert set(receiver.ids()) == {f"notice-{number}" for number in range(1, 41)}
        assert (await desk.hooks.hook(MARKET, hook_id)).state is HookState.ACTIVE

    delivered(database, story)


def test_only_the_kinds_wanted_and_only_what_the_owner_may_know_is_sent(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        await desk.client(FIRE, ["notify:*", "read:food-permit"])
        await desk.hook(receiver.url("/all"))
        await desk.hook(receiver.url("/some"), kinds=["batch.finished", "case.opened"])
        fire = await desk.hook(receiver.url("/fire"), client=FIRE)
        await desk.licence()
        await desk.tell("batch.begun")
        await desk.tell("batch.finished")
        await worker.deliver()
        assert len(receiver.ids("/all")) == 3
        assert receiver.ids("/some") == ["notice-3"]
        assert (receiver.ids("/fire"), await desk.hooks.deliveries(FIRE, fire, None, None, 9)) == ([], [])

    delivered(database, story)


def test_a_client_without_the_scope_to_be_told_is_sent_nothing(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.client(MARKET, ["read:*"])
        await desk.tell()
        await worker.deliver()
        assert (receiver.connections, await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)) == (0, [])

    delivered(database, story)


@pytest.mark.long
@pytest.mark.parametrize("lost", ["cut off", "no scope to be told"])
def test_a_client_that_may_be_told_no_more_is_not_sent_what_waits(database: Database, lost: str) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        await worker.telling.settle(NOW)
        await (desk.cut_off(MARKET) if lost == "cut off" else desk.client(MARKET, ["read:*"]))
        await worker.deliver()
        hook = await desk.hooks.hook(MARKET, hook_id)
        assert (receiver.connections, hook.state, hook.disabled_why) == (0, HookState.DISABLED, DisabledWhy.NOT_ALLOWED)

    delivered(database, story)


@pytest.mark.long
def test_what_the_owner_may_read_no_more_is_not_sent_although_it_waits(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.licence()
        await desk.tell()
        await worker.telling.settle(NOW)
        await desk.client(MARKET, ["notify:*", "read:food-permit"])
        await worker.deliver()
        assert receiver.ids() == ["notice-2"]
        states = [one.state for one in await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)]
        assert sorted(states) == [DeliveryState.DELIVERED, DeliveryState.FAILED]

    delivered(database, story)


@pytest.mark.long
def test_while_one_secret_follows_another_both_sign_and_then_the_new_one_alone(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        old = await desk.desk.add(Owner(client=MARKET, key="k"), receiver.url(), None, NOW)
        new = await desk.desk.rotate(Owner(client=MARKET, key="r"), old.hook.id, NOW)
        await desk.tell()
        await worker.wait(hours=23)
        await desk.tell()
        await worker.wait(hours=1)
        both, alone = receiver.received
        assert verifies(new.secret, both.headers, both.body) and verifies(old.secret, both.headers, both.body)
        assert verifies(new.secret, alone.headers, alone.body) and not verifies(old.secret, alone.headers, alone.body)

    delivered(database, story)


def test_with_its_data_key_lost_nothing_is_sent_unsigned_and_another_secret_helps(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        hook_id = await desk.hook(receiver.url())
        await desk.tell()
        desk.cipher.lost = True
        await worker.deliver()
        (delivery,) = await desk.hooks.deliveries(MARKET, hook_id, DeliveryState.PENDING, None, 9)
        (attempt,) = await desk.hooks.attempts([delivery.id])
        assert attempt.answer is not None and attempt.answer.trouble is Trouble.KEY
        assert receiver.connections == 0
        desk.cipher.lost = False
        await worker.wait(minutes=2)
        assert receiver.ids() == ["notice-1"]

    delivered(database, story)


class Stalling:
    """A sender that is held up by some addresses until it is let go."""

    def __init__(self, stalls: str) -> None:
        self.stalls, self.let_go = stalls, asyncio.Event()
        self.sent: list[tuple[str, str]] = []
        self.under_way = self.most = 0

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if url.endswith(self.stalls):
            await self.let_go.wait()
        else:
            await asyncio.sleep(0)
        self.under_way -= 1
        self.sent.append((url.rpartition("/")[2], headers["webhook-id"]))
        return Answer(took=timedelta(), status=200)


@pytest.mark.long
def test_a_receiver_that_stalls_does_not_hold_up_another(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        worker.sender = sender = Stalling("/slow")
        await desk.hook(receiver.url("/slow"))
        await desk.hook(receiver.url("/quick"))
        for _ in range(20):
            await desk.tell()
        work = asyncio.create_task(worker.deliver(runners=2))
        while len(sender.sent) < 20:  # noqa: ASYNC110 - would never end if one held up the other
            await asyncio.sleep(0.01)
        assert {where for where, _ in sender.sent} == {"quick"}
        assert sender.under_way <= AT_ONCE
        sender.let_go.set()
        await work
        assert sorted(message for where, message in sender.sent if where == "slow") == sorted(
            f"notice-{number}" for number in range(1, 21)
        )

    delivered(database, story)


@pytest.mark.long
def test_many_workers_send_each_message_once_and_few_at_a_time(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        worker.sender = sender = Stalling("/nobody")
        await desk.hook(receiver.url())
        for _ in range(30):
            await desk.tell()
        await worker.deliver(runners=4)
        assert sorted(message for _, message in sender.sent) == sorted(f"notice-{number}" for number in range(1, 31))
        assert sender.most <= AT_ONCE

    delivered(database, story)


@pytest.mark.long
def test_while_a_receiver_fails_it_gets_one_message_at_a_time(database: Database) -> None:
    async def story(desk: Desk, worker: Worker, receiver: Receiver) -> None:
        receiver.answers["/hook"] = [BAD]
        await desk.hook(receiver.url())
        for _ in range(30):
            await desk.tell()
        await worker.deliver()
        assert len(receiver.received) == AT_ONCE
        before = len(receiver.received)
        await worker.wait(hours=1)
        assert len(receiver.received) == before + 1
        receiver.answers["/hook"] = [OK]
        await worker.wait(hours=1)
        assert {f"notice-{number}" for number in range(1, 31)} == set(receiver.ids())

    delivered(database, story)
