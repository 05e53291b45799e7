"""Work that ends its worker's process is not begun for ever, and what was beside it is innocent."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database

from certsvc.domain.job import MOST_IN_VAIN
from certsvc.errors import RegisterUnavailable
from certsvc.jobs.queue import do_one
from certsvc.log import open_log
from certsvc.store.bell import Bell
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.jobs import JobQueue, enqueue
from certsvc.store.outcomes import PostgresOutcomes
from certsvc.store.pool import open_pool
from certsvc.store.takings import Company, Takings, ended

pytest_plugins = ["store_fixtures"]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, KIND = timedelta(hours=1), "deadly"
CHILDREN = multiprocessing.get_context("forkserver")
INNOCENT = ["a", "b", "c", "d"]


@pytest.fixture
def fresh(server: EmbeddedServer) -> Database:
    """A database of its own."""
    return fresh_database(server)


def fetch(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    async def story() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(database.uri)
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    return asyncio.run(story())


def put(database: Database, *keys: str) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool, pool.transaction() as connection:
            for key in keys:
                await enqueue(connection, KIND, key, NOW)

    asyncio.run(story())


def _work(uri: str, diary: str, now: datetime) -> None:
    """A worker, three jobs at a time, until nothing is due; one job is its end, while others are under way."""

    def write(line: str) -> None:
        with Path(diary).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    async def handle(key: str, at: datetime) -> None:
        write(f"+{key}")
        await asyncio.sleep(0.2)
        if key == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.2)
        write(f"-{key}")

    async def story() -> None:
        async with open_pool(uri) as pool, open_pool(uri) as beside:
            queue = JobQueue(pool, Takings(beside))

            async def run() -> None:
                while await do_one(queue, {KIND: handle}, lambda: now, open_log()):
                    pass

            await asyncio.gather(*(run() for _ in range(3)))

    asyncio.run(story())


def lives(database: Database, diary: Path, now: datetime = NOW) -> Iterator[list[str]]:
    """What each worker did, one after the other, until one comes to the end of the queue."""
    while True:
        diary.write_text("", encoding="utf-8")
        child = CHILDREN.Process(target=_work, args=(database.uri, str(diary), now))
        child.start()
        child.join(60)
        yield diary.read_text("utf-8").split()
        if child.exitcode == 0:
            return
        assert child.exitcode == -signal.SIGKILL


@pytest.mark.long
def test_a_job_that_ends_its_worker_is_put_off_and_says_why_while_all_others_are_done(
    fresh: Database, tmp_path: Path
) -> None:
    put(fresh, "a", "deadly", "b", "c", "d")
    first, second, third, last = lives(fresh, tmp_path / "diary")
    assert {"+a", "+deadly", "+b"} <= set(first) and "-deadly" not in first
    for life in (second, third):
        assert life[-1] == "+deadly", "what is suspected is done alone"
    assert sorted(one for life in (first, second, third, last) for one in life if one.startswith("-")) == [
        f"-{key}" for key in INNOCENT
    ], "each is done once"
    assert [life.count("+deadly") for life in (first, second, third, last)] == [1, 1, 1, 0]
    assert fetch(fresh, "select key, due_at, failures from job") == [("deadly", NOW + HOUR, 1)]

    async def why() -> str:
        async with open_pool(fresh.uri) as pool:
            error = await PostgresOutcomes(Bell(), pool).error_of(KIND, "deadly")
            assert error is not None and "3" in error.zh and "once an hour" in error.en
            return error.code

    assert asyncio.run(why()) == "worker_crashed"


@pytest.mark.long
def test_what_was_beside_it_is_done_alone_and_at_once(fresh: Database, tmp_path: Path) -> None:
    put(fresh, "a", "deadly", "b")
    alive = lives(fresh, tmp_path / "diary")
    next(alive)
    suspects = fetch(fresh, "select times from taking")
    assert suspects == [(1,)] * 3
    second = next(alive)
    pairs = [one for one in pairwise(second) if one[0].startswith("+")]
    assert all(begun[1:] == ended[1:] for begun, ended in pairs), second


@pytest.mark.long
def test_an_hour_later_it_is_begun_once_and_put_off_again_and_when_it_is_mended_it_is_done(
    fresh: Database, tmp_path: Path
) -> None:
    put(fresh, "deadly")
    list(lives(fresh, tmp_path / "diary"))
    first, second = lives(fresh, tmp_path / "diary", NOW + HOUR)
    assert (first, second) == (["+deadly"], [])
    assert fetch(fresh, "select due_at, failures from job") == [(NOW + 2 * HOUR, 2)]

    async def mended() -> None:
        async with open_pool(fresh.uri) as pool:
            queue = JobQueue(pool, Takings(pool))

            async def handle(key: str, at: datetime) -> None:
                return None

            assert await do_one(queue, {KIND: handle}, lambda: NOW + 2 * HOUR, open_log())

    asyncio.run(mended())
    assert fetch(fresh, "select from job") == fetch(fresh, "select from taking") == []


async def begin_the_next(takings: Takings) -> None:
    """The same process begins something else, as soon as the register answers it."""
    async with asyncio.timeout(30):
        while True:
            with suppress(RegisterUnavailable):
                async with takings.begun(["the next"], 0, NOW) as may:
                    assert may
                return


@pytest.mark.parametrize("how", ["told to stop", "an error in the work"])
def test_work_that_ended_otherwise_while_its_process_lives_was_not_begun_in_vain(fresh: Database, how: str) -> None:
    put(fresh, "a")

    async def handle(key: str, at: datetime) -> None:
        raise asyncio.CancelledError if how == "told to stop" else ValueError

    async def story() -> None:
        async with open_pool(fresh.uri) as pool, open_pool(fresh.uri) as beside:
            queue = JobQueue(pool, Takings(beside))
            with suppress(asyncio.CancelledError):
                await do_one(queue, {KIND: handle}, lambda: NOW, open_log())

    asyncio.run(story())
    assert fetch(fresh, "select from taking") == []
    assert len(fetch(fresh, "select from job")) == 1


@pytest.mark.long
def test_what_could_not_be_forgotten_while_the_register_was_gone_is_with_the_next_beginning(fresh: Database) -> None:
    put(fresh, "a")
    ((name,),) = fetch(fresh, "select current_database()")

    async def gone(key: str, at: datetime) -> None:
        """No connection to the database is left, and none is given, except to its superuser."""
        async with open_pool(fresh.super_uri) as pool, pool.connection() as connection:
            await connection.execute(f"alter database {name} connection limit 0")
            await connection.fetch(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    async def story() -> None:
        async with open_pool(fresh.uri) as pool, open_pool(fresh.uri) as beside:
            takings = Takings(beside)
            with pytest.raises(RegisterUnavailable):
                await do_one(JobQueue(pool, takings), {KIND: gone}, lambda: NOW, open_log())
            async with open_pool(fresh.super_uri) as owner, owner.connection() as connection:
                assert await connection.fetchval("select count(*) from taking") == 1, "it could not be forgotten"
                await connection.execute(f"alter database {name} connection limit -1")
            await begin_the_next(takings)

    asyncio.run(story())
    assert fetch(fresh, "select work from taking") == [("the next",)]
    assert len(fetch(fresh, "select from job")) == 1


def test_what_another_process_began_since_is_not_forgotten(fresh: Database) -> None:
    async def begin(mine: Takings, other: Takings) -> None:
        async with mine.begun(["x"], 0, NOW) as may:
            assert may
            await other._begin(["x"], NOW)
            raise ValueError("mine")

    async def story() -> None:
        async with open_pool(fresh.uri) as pool:
            with pytest.raises(ValueError, match="mine"):
                await begin(Takings(pool), Takings(pool))

    asyncio.run(story())
    assert fetch(fresh, "select work, times from taking") == [("x", 2)]


def test_what_was_forgotten_and_is_begun_again_is_not_forgotten_with_the_next_beginning(fresh: Database) -> None:
    async def story() -> None:
        async with open_pool(fresh.uri) as pool:
            takings = Takings(pool)
            with pytest.raises(ValueError, match="broken off"):
                async with takings.begun(["x"], 0, NOW):
                    raise ValueError("broken off")
            async with takings.begun(["x"], 0, NOW), takings.begun(["y"], 0, NOW):
                pass

    asyncio.run(story())
    assert fetch(fresh, "select work, times from taking order by work") == [("x", 1), ("y", 1)]


def test_after_some_times_in_vain_it_is_not_begun_and_with_its_end_it_is_forgotten(fresh: Database) -> None:
    async def story() -> None:
        async with open_pool(fresh.uri) as pool:
            takings = Takings(pool)
            async with takings.begun(["x"], MOST_IN_VAIN, NOW) as may:
                assert not may
            async with takings.begun(["y"], MOST_IN_VAIN - 1, NOW) as may:
                assert may
                async with pool.transaction() as connection:
                    await ended(connection, ["y"])

    asyncio.run(story())
    assert fetch(fresh, "select work from taking") == []


def test_who_is_to_be_alone_waits_for_others_and_others_wait_for_it() -> None:
    seen: list[str] = []

    async def work(company: Company, name: str, *, alone: bool) -> None:
        async with company.place(alone=alone):
            seen.append(f"+{name}")
            await asyncio.sleep(0.01)
            seen.append(f"-{name}")

    async def story() -> None:
        company = Company()
        first = [asyncio.create_task(work(company, name, alone=False)) for name in "ab"]
        await asyncio.sleep(0)
        rest = [asyncio.create_task(work(company, name, alone=name in "xy")) for name in ("x", "c", "y", "d")]
        await asyncio.sleep(0)
        given_up = asyncio.create_task(work(company, "z", alone=True))
        await asyncio.sleep(0.005)
        given_up.cancel()
        await asyncio.wait_for(asyncio.gather(*first, *rest), 10)

    asyncio.run(story())
    assert seen[:4] in (["+a", "+b", "-a", "-b"], ["+a", "+b", "-b", "-a"])
    for name in "xy":
        assert seen[seen.index(f"+{name}") + 1] == f"-{name}"
    assert sorted(seen) == sorted(f"{sign}{name}" for sign in "+-" for name in "abxcyd")
