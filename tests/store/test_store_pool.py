"""A database that is dead, hung, foreign or too busy: said so, and soon."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from embedded_fixture import Database, fresh_database, open_register, running_server
from made_up import NOW, TODAY, issue, licence, permit

from certsvc.errors import RegisterUnavailable, StoreError
from certsvc.ids import new_ref
from certsvc.store import pool as pool_module
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import Pool, open_pool
from certsvc.store.reader import PostgresReader

pytest_plugins = ["store_fixtures"]

SOON = 2.0


@pytest.fixture
def frail() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A server of this test's own."""
    with tempfile.TemporaryDirectory(prefix="certsvc-") as folder:
        Path(folder).chmod(0o711)
        with running_server(Path(folder) / "home") as server:
            yield server, Path(folder) / "home"


@contextmanager
def hung(home: Path) -> Iterator[None]:
    """The server and all its processes stand still."""
    pid = (home / "postgres/data/postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in (pid, *children):
        os.kill(int(process), signal.SIGSTOP)
    try:
        yield
    finally:
        for process in (pid, *children):
            os.kill(int(process), signal.SIGCONT)


async def unavailable(call: Callable[[], Awaitable[object]], within: float = SOON) -> None:
    begun = time.monotonic()
    with pytest.raises(RegisterUnavailable) as caught:
        await call()
    assert time.monotonic() - begun < within
    assert "\n" not in caught.value.en


def test_a_dead_database_is_unavailable_at_once_and_asked_again_when_it_is_back(
    frail: tuple[EmbeddedServer, Path],
) -> None:
    server, _ = frail
    database = fresh_database(server)

    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            assert await reader.gather(ref, TODAY, NOW) is not None
            server.stop()
            await unavailable(lambda: reader.gather(ref, TODAY, NOW), 0.5)
            await unavailable(lambda: reader.find_document(bytes(32)), 0.5)
            await unavailable(lambda: register.reserve(permit()), 0.5)
            assert not await reader.ready()
            server.start()
            assert await reader.ready()
            assert await reader.gather(ref, TODAY, NOW) is not None
            await register.reserve(permit())

    asyncio.run(story())


@pytest.mark.long
def test_a_hung_database_is_unavailable_within_two_seconds(
    frail: tuple[EmbeddedServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, home = frail
    database = fresh_database(server)
    monkeypatch.setattr(pool_module, "WRITE_SECONDS", 1.0)

    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            await reader.gather(ref, TODAY, NOW)
            with hung(home):
                # the first over the connection it has, the others over new ones or waiting for one
                many = [unavailable(lambda: reader.gather(ref, TODAY, NOW)) for _ in range(30)]
                await asyncio.gather(*many, unavailable(lambda: register.reserve(permit())))
            assert await reader.gather(ref, TODAY, NOW) is not None
            await register.reserve(permit())

    asyncio.run(story())


@pytest.mark.long
def test_closing_a_pool_does_not_wait_for_a_hung_database(
    frail: tuple[EmbeddedServer, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, home = frail
    monkeypatch.setattr(pool_module, "CLOSE_SECONDS", 0.5)

    async def story() -> float:
        async with open_pool(server.uri("certsvc_public"), read_only=True) as pool:
            assert await PostgresReader(pool).ready()
            stopped = hung(home)
            stopped.__enter__()
            begun = time.monotonic()
        stopped.__exit__(None, None, None)
        return time.monotonic() - begun

    assert asyncio.run(story()) < pool_module.CLOSE_SECONDS + 0.5


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://certsvc@/certsvc?host=/nowhere",
        "postgresql://certsvc@127.0.0.1:1/certsvc",
        "postgresql://certsvc:a-secret@localhost:1/certsvc",
    ],
)
def test_a_database_that_is_not_there_is_unavailable(uri: str) -> None:
    async def story() -> None:
        async with open_pool(uri, read_only=True) as pool:
            reader = PostgresReader(pool)
            with pytest.raises(RegisterUnavailable) as caught:
                await reader.gather(new_ref(), TODAY, NOW)
            assert "a-secret" not in f"{caught.value.en}{caught.value.zh}{caught.value.__cause__}"
            assert not await reader.ready()

    asyncio.run(story())


def test_a_database_without_our_schema_asks_for_migrate(server: EmbeddedServer) -> None:
    database = fresh_database(server, empty=True)

    async def story() -> None:
        async with open_pool(database.uri) as pool:
            with pytest.raises(StoreError, match="certsvc migrate"):
                await PostgresReader(pool).gather(new_ref(), TODAY, NOW)
            assert not await PostgresReader(pool).ready()

    asyncio.run(story())


def test_a_database_of_another_name_is_unavailable(server: EmbeddedServer) -> None:
    async def story() -> None:
        async with open_pool(server.uri("certsvc").replace("/certsvc?", "/other?")) as pool:
            await unavailable(lambda: PostgresReader(pool).gather(new_ref(), TODAY, NOW))

    asyncio.run(story())


def test_a_reading_pool_cannot_write_whoever_connects(server: EmbeddedServer) -> None:
    async def story() -> None:
        async with open_pool(server.uri("certsvc"), read_only=True) as pool:
            with pytest.raises(StoreError, match="25006"):
                async with pool.transaction() as connection:
                    await connection.execute("create table mine (x integer)")

    asyncio.run(story())


def test_a_reading_pool_sends_no_reset_between_scans(server: EmbeddedServer) -> None:
    async def names(read_only: bool) -> set[str]:
        async with open_pool(server.uri("certsvc_public"), read_only=read_only) as pool:
            async with pool.connection() as connection:
                await connection.execute("set application_name = 'left as it was'")
            async with pool.connection() as connection:
                return {await connection.fetchval("show application_name")}

    assert asyncio.run(names(read_only=True)) == {"left as it was"}
    assert asyncio.run(names(read_only=False)) == {"certsvc"}


def test_a_mistake_of_ours_rolls_back_and_is_not_hidden(database: Database) -> None:
    async def mistake(pool: Pool) -> None:
        async with pool.transaction() as connection:
            await connection.execute("create table mine (x integer)")
            raise ZeroDivisionError

    async def story() -> None:
        async with open_pool(database.uri) as pool:
            with pytest.raises(ZeroDivisionError):
                await mistake(pool)
            async with pool.connection() as connection:
                assert await connection.fetchval("select to_regclass('mine')") is None

    asyncio.run(story())
