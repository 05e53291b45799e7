"""The queue: each job is one worker's at a time, and free again as soon as that worker is gone."""

import asyncio
import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from embedded_fixture import Database

from certsvc.errors import SealRefused
from certsvc.jobs import queue as queue_module
from certsvc.jobs.queue import do_jobs, do_one
from certsvc.log import open_log
from certsvc.store.bell import DONE, JOB, Bell, open_bell
from certsvc.store.jobs import JobQueue, enqueue
from certsvc.store.outcomes import PostgresOutcomes
from certsvc.store.pool import Pool, open_pool

pytest_plugins = ["store_fixtures"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHILDREN = multiprocessing.get_context("forkserver")


async def put(uri: str, *keys: str, kind: str = "test", due: datetime = NOW) -> None:
    """Put jobs into the queue, in one transaction."""
    async with open_pool(uri) as pool, pool.transaction() as connection:
        for key in keys:
            await enqueue(connection, kind, key, due)


def test_a_job_said_twice_is_one(database: Database) -> None:
    async def story() -> None:
        await put(database.uri, "a", "a", kind="twice")
        await put(database.uri, "a", kind="twice")
        async with open_pool(database.uri) as pool:
            queue = JobQueue(pool)
            async with queue.taken(["twice"], NOW) as job:
                assert job is not None and job.key == "a"
                async with queue.taken(["twice"], NOW) as other:
                    assert other is None
                await job.done()
            async with queue.taken(["twice"], NOW) as job:
                assert job is None

    asyncio.run(story())


async def put_and_fail(pool: Pool) -> None:
    """A transaction that puts a job in and is then rolled back."""
    async with pool.transaction() as connection:
        await enqueue(connection, "rolled-back", "a", NOW)
        raise SealRefused("试", "test")


def test_what_is_rolled_back_was_never_to_be_done(database: Database) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool:
            with pytest.raises(SealRefused):
                await put_and_fail(pool)
            async with JobQueue(pool).taken(["rolled-back"], NOW) as job:
                assert job is None

    asyncio.run(story())


def test_a_job_is_not_done_before_its_time(database: Database) -> None:
    async def story() -> None:
        await put(database.uri, "a", kind="early", due=NOW + timedelta(minutes=1))
        async with open_pool(database.uri) as pool:
            async with JobQueue(pool).taken(["early"], NOW) as job:
                assert job is None
            async with JobQueue(pool).taken(["early"], NOW + timedelta(minutes=1)) as job:
                assert job is not None

    asyncio.run(story())


def test_each_job_is_done_once_by_many(database: Database) -> None:
    async def story() -> None:
        keys = [str(number) for number in range(40)]
        await put(database.uri, *keys, kind="many")
        seen: list[str] = []

        async def handle(key: str, now: datetime) -> None:
            seen.append(key)
            await asyncio.sleep(0)

        async with open_pool(database.uri, most=6) as pool:
            queue, log = JobQueue(pool), open_log()

            async def worker() -> None:
                while await do_one(queue, {"many": handle}, lambda: NOW, log):
                    pass

            await asyncio.gather(*(worker() for _ in range(4)))
        assert sorted(seen, key=int) == keys

    asyncio.run(story())


def test_what_fails_is_tried_again_later_each_time_and_says_why(database: Database) -> None:
    async def story() -> None:
        await put(database.uri, "a", kind="failing")
        waits, now = [], NOW

        async def handle(key: str, at: datetime) -> None:
            raise SealRefused("印章停用", "The seal is suspended.")

        async with open_pool(database.uri) as pool:
            queue, log = JobQueue(pool), open_log()
            outcomes = PostgresOutcomes(Bell(), pool)
            for _ in range(12):
                assert await do_one(queue, {"failing": handle}, partial(_same, now), log)
                error = await outcomes.error_of("failing", "a")
                assert error is not None and (error.code, error.zh) == ("seal_refused", "印章停用")
                due = await _due(database, "failing")
                waits.append((due - now).total_seconds())
                now = due
        assert waits[:4] == [5, 10, 20, 40] and waits[-1] == 600

    asyncio.run(story())


def test_of_what_nobody_foresaw_no_detail_is_kept(database: Database) -> None:
    async def story() -> None:
        await put(database.uri, "a", kind="surprise")

        async def handle(key: str, at: datetime) -> None:
            raise ValueError("身份证号 11010519491231002X")

        async with open_pool(database.uri) as pool:
            await do_one(JobQueue(pool), {"surprise": handle}, lambda: NOW, open_log())
            error = await PostgresOutcomes(Bell(), pool).error_of("surprise", "a")
        assert error is not None and error.code == "internal" and "1101" not in error.zh + error.en

    asyncio.run(story())


def test_what_takes_too_long_is_broken_off_on_record_and_tried_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "LONGEST", 0.05)

    async def handle(key: str, at: datetime) -> None:
        await asyncio.Event().wait()

    async def story() -> None:
        await put(database.uri, "a", kind="endless")
        async with open_pool(database.uri) as pool:
            assert await do_one(JobQueue(pool), {"endless": handle}, lambda: NOW, open_log())
            error = await PostgresOutcomes(Bell(), pool).error_of("endless", "a")
        assert error is not None and error.code == "internal"
        assert await _due(database, "endless") == NOW + timedelta(seconds=5)

    asyncio.run(story())


def _same(now: datetime) -> datetime:
    return now


async def _due(database: Database, kind: str) -> datetime:
    async with open_pool(database.uri) as pool, pool.connection() as connection:
        due: datetime = await connection.fetchval("select due_at from job where kind = $1", kind)
        return due


def _take_and_wait(uri: str, taken: Any) -> None:
    async def story() -> None:
        async with open_pool(uri, seconds=60) as pool, JobQueue(pool).taken(["killed"], NOW) as job:
            taken.put(job.key if job else None)
            await asyncio.sleep(60)

    asyncio.run(story())


@pytest.mark.long
def test_a_worker_that_is_killed_leaves_its_job_to_the_next_at_once(database: Database) -> None:
    asyncio.run(put(database.uri, "a", kind="killed"))
    taken = CHILDREN.Queue()
    child = CHILDREN.Process(target=_take_and_wait, args=(database.uri, taken))
    child.start()
    assert taken.get(timeout=60) == "a"

    async def story() -> None:
        async with open_pool(database.uri) as pool:
            queue = JobQueue(pool)
            async with queue.taken(["killed"], NOW) as job:
                assert job is None
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join(30)
            async with asyncio.timeout(30):
                while True:
                    async with queue.taken(["killed"], NOW) as job:
                        if job is not None:
                            return
                    await asyncio.sleep(0.05)

    asyncio.run(story())


def test_whoever_puts_a_job_in_wakes_the_workers_and_hears_of_its_end(database: Database) -> None:
    async def story() -> None:
        done = asyncio.Event()

        async def handle(key: str, now: datetime) -> None:
            done.set()

        async with (
            open_pool(database.uri) as pool,
            open_bell(database.uri, JOB) as work,
            open_bell(database.uri, DONE) as ends,
        ):
            stop = asyncio.Event()
            jobs = do_jobs(JobQueue(pool), {"woken": handle}, work, lambda: NOW, stop, open_log(), at_once=2)
            working = asyncio.create_task(jobs)
            outcomes = PostgresOutcomes(ends, pool)

            async def is_done() -> bool:
                return done.is_set()

            async with asyncio.timeout(30):
                waiting = asyncio.create_task(outcomes.settled("woken", "a", 30, is_done))
                await put(database.uri, "a", kind="woken")
                assert await waiting is None
            stop.set()
            await working

    asyncio.run(story())
