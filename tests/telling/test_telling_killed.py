"""Killed at every statement, between sending and recording too: delivered twice perhaps, and never not at all."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from chosen import ONE_IN
from receiver import Receiver, answer, receiving
from telling_desk import MARKET, NOW, Database, Desk, fresh_database, open_desk, told
from worker import Worker

from certsvc.domain.webhook import DeliveryState
from certsvc.store.embedded import EmbeddedServer

from dying import death_noticed, die_before_statement, ran_to_the_end  # isort: skip  # found by way of telling_desk

pytestmark = pytest.mark.long

pytest_plugins = ["store_fixtures"]


@contextmanager
def receiving_aside() -> Iterator[Receiver]:
    """A receiver in a thread of its own, which sees the processes around it die."""
    ready, ended = threading.Event(), asyncio.Event()
    found: list[tuple[Receiver, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        async with receiving() as receiver:
            found.append((receiver, asyncio.get_running_loop()))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(30)
    receiver, loop = found[0]
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)


@pytest.fixture(scope="module")
def used(server: EmbeddedServer) -> Database:
    """A database for all of them."""
    return fresh_database(server)


def deliver_and_die(database: Database, number: int) -> bool:
    """Deliver in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def work() -> None:
            async with open_desk(database.uri) as desk:
                worker = Worker(desk)
                die_before_statement(number)
                await worker.deliver()

        asyncio.run(work())

    return ran_to_the_end(story)


@pytest.mark.long(seconds=20)
@pytest.mark.one_server
def test_a_worker_killed_at_any_statement_loses_no_message(used: Database) -> None:
    with receiving_aside() as receiver:

        async def begin(desk: Desk) -> None:
            await desk.hook(receiver.url())

        async def finish(desk: Desk) -> None:
            await Worker(desk).deliver()

        told(used, begin)
        sent_twice = 0
        for count, statement in enumerate(itertools.count(1, ONE_IN), 1):
            told(used, lambda desk: desk.tell())
            ended = deliver_and_die(used, statement)
            asyncio.run(death_noticed(used.uri))
            told(used, finish)
            assert set(receiver.ids()) == {f"notice-{one}" for one in range(1, count + 1)}
            sent_twice += receiver.ids().count(f"notice-{count}") - 1
            if ended:
                break
        assert statement > 15
        assert sent_twice >= 1, "no kill came between sending and recording"
        _require_all_delivered(used, count)


def _require_all_delivered(database: Database, count: int) -> None:
    async def story(desk: Desk) -> None:
        (hook,) = await desk.hooks.hooks(MARKET)
        found = await desk.hooks.deliveries(MARKET, hook.id, DeliveryState.DELIVERED, None, count + 1)
        assert len(found) == count
        assert await desk.fetch("select count(*) from webhook_delivery where state <> 'delivered'") == [(0,)]
        assert await desk.fetch("select count(*), max(position) from notice") == [(count, count)]
        broken_off = [one for one in await desk.hooks.attempts([one.id for one in found]) if one.answer is None]
        assert broken_off, "an attempt whose end nobody saw stays on record as that"

    told(database, story)


def test_killed_while_a_receiver_takes_its_time_the_message_comes_again_under_its_id(database: Database) -> None:
    async def story() -> None:
        async with open_desk(database.uri) as desk, receiving() as receiver:
            await desk.hook(receiver.url("/never"))
            await desk.tell()
            work = asyncio.create_task(Worker(desk).deliver())
            while not receiver.received:  # noqa: ASYNC110 - the event is on another side of a socket
                await asyncio.sleep(0.01)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            (hook,) = await desk.hooks.hooks(MARKET)
            await desk.desk.change(MARKET, hook.id, NOW, url=receiver.url("/hook"))
            await Worker(desk).deliver()
            assert receiver.ids("/never") == receiver.ids("/hook") == ["notice-1"]

    asyncio.run(story())


def test_what_a_receiver_answers_to_a_message_sent_twice_is_each_on_record(database: Database) -> None:
    async def story() -> None:
        async with open_desk(database.uri) as desk, receiving() as receiver:
            receiver.answers["/hook"] = [answer(200), answer(409)]
            hook_id = await desk.hook(receiver.url())
            await desk.tell()
            await Worker(desk).deliver()
            (delivery,) = await desk.hooks.deliveries(MARKET, hook_id, None, None, 9)
            await desk.hooks.replay(MARKET, hook_id, delivery.id, NOW)
            await Worker(desk).deliver()
            attempts = await desk.hooks.attempts([delivery.id])
            assert [one.answer and one.answer.status for one in attempts] == [409, 200]

    asyncio.run(story())
