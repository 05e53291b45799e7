"""The worker's rounds: each chore in its time, a failing one later and later, none in the way of another."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

from certsvc.errors import RegisterUnavailable
from certsvc.jobs.worker import LONGEST_PAUSE, Chore, work

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def warning(self, event: str, **said: Any) -> None:
        self.lines.append({"event": event, **said})

    error = warning


def counting(times: list[datetime], failures: int = 0) -> Callable[[datetime], Awaitable[None]]:
    """Work that notes when it was done, and fails at first."""

    async def done(now: datetime) -> None:
        times.append(now)
        if len(times) <= failures:
            raise RegisterUnavailable("登记簿没有应答。", "The register does not answer.")

    return done


def rounds(chores: list[Chore], seconds: int, log: Log) -> None:
    """Every second from NOW on, whatever is due."""

    async def run() -> None:
        for second in range(seconds):
            now = NOW + second * SECOND
            for chore in chores:
                if chore.is_due(now):
                    await chore.do(now, cast(Any, log))

    asyncio.run(run())


def test_each_chore_is_done_at_once_and_then_in_its_time() -> None:
    often, seldom = list[datetime](), list[datetime]()
    rounds([Chore("often", SECOND, counting(often)), Chore("seldom", 10 * SECOND, counting(seldom))], 21, Log())
    assert len(often) == 21
    assert [(when - NOW).total_seconds() for when in seldom] == [0, 10, 20]


def test_a_failing_chore_waits_longer_each_time_and_is_no_obstacle_to_others() -> None:
    failing, other, log = list[datetime](), list[datetime](), Log()
    rounds([Chore("failing", SECOND, counting(failing, 4)), Chore("other", SECOND, counting(other))], 40, log)
    assert [(when - NOW).total_seconds() for when in failing][:6] == [0, 2, 6, 14, 30, 31]
    assert len(other) == 40
    assert [(line["chore"], line["error"], line["failures"]) for line in log.lines] == [
        ("failing", "register_unavailable", count) for count in (1, 2, 3, 4)
    ]


def test_what_nobody_foresaw_ends_no_worker_and_its_message_is_not_logged() -> None:
    other, log = list[datetime](), Log()

    async def full_disk(now: datetime) -> None:
        raise OSError("No space left for 张三's file")

    rounds([Chore("full", SECOND, full_disk), Chore("other", SECOND, counting(other))], 3, log)
    assert len(other) == 3
    assert [(line["event"], line["chore"], line["error"]) for line in log.lines] == [
        ("unexpected_error", "full", "OSError")
    ] * 2
    assert "张三" not in str(log.lines)


def test_a_chore_that_goes_on_failing_is_tried_every_minute() -> None:
    times: list[datetime] = []
    rounds([Chore("failing", SECOND, counting(times, 1000))], 600, Log())
    gaps = [later - earlier for earlier, later in pairwise(times[6:])]
    assert gaps and set(gaps) == {LONGEST_PAUSE}


def test_a_clock_that_was_set_back_makes_a_chore_due() -> None:
    times: list[datetime] = []
    chore = Chore("hourly", HOUR, counting(times))
    asyncio.run(chore.do(NOW, cast(Any, Log())))
    assert not chore.is_due(NOW + timedelta(minutes=1))
    assert chore.is_due(NOW - timedelta(days=30))


def test_it_stops_when_told_to() -> None:
    times: list[datetime] = []

    async def run() -> None:
        stop = asyncio.Event()

        async def done(now: datetime) -> None:
            times.append(now)
            stop.set()

        await asyncio.wait_for(work([Chore("one", HOUR, done)], lambda: NOW, stop, cast(Any, Log())), 10)

    asyncio.run(run())
    assert times == [NOW]


def test_a_chore_that_takes_long_holds_up_neither_another_nor_the_end() -> None:
    done: list[str] = []

    async def run() -> None:
        stop = asyncio.Event()

        async def endless(now: datetime) -> None:
            done.append("begun")
            await asyncio.Event().wait()

        async def second(now: datetime) -> None:
            done.append("second")
            if len(done) > 2:
                stop.set()

        chores = [Chore("endless", HOUR, endless), Chore("second", timedelta(0), second)]
        await asyncio.wait_for(work(chores, lambda: NOW, stop, cast(Any, Log())), 10)

    asyncio.run(run())
    assert done == ["begun", "second", "second"]
