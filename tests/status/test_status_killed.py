"""Lists under fire: workers that are killed at any statement, several at once, readers meanwhile."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from listed import (
    DAY,
    LICENCES,
    MINUTE,
    NOW,
    SECOND,
    Act,
    Database,
    Lived,
    Room,
    begin,
    company_code,
    die_before_statement,
    licence,
    make_room,
    open_room,
    permit,
    ran_to_the_end,
    request,
    unpacked,
)

from certsvc.authority.authority import Authority
from certsvc.authority.shelf import FolderShelf
from certsvc.domain.calendar import beijing_date
from certsvc.domain.status_list import LIST_BYTES, ListedState
from certsvc.errors import CertsvcError
from certsvc.store.lives import record
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister

pytest_plugins = ["status_fixtures"]

TODAY = beijing_date(NOW)
EXPECTED = [ListedState.SUSPENDED, ListedState.SUSPENDED, ListedState.INVALID]


async def set_up(room: Room, number: int) -> list[Lived]:
    """A business whose lists are up to date, and changes that nobody followed yet: also one that is due today."""
    business = company_code(number)
    root = await begin(room.register, licence(business), NOW)
    food = [await begin(room.register, permit(f"permit {number} {n}", business), NOW) for n in range(2)]
    await room.register.act(request(food[1].ref, Act.REVOKE, TODAY + DAY, NOW + SECOND))
    await room.work.keep(NOW + MINUTE)
    await room.register.act(request(root.ref, Act.SUSPEND, TODAY, NOW + 2 * MINUTE))
    return [root, *food]


def run_and_die(database: Database, authority: Authority, folder: Path, number: int) -> bool:
    """A worker's pass in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def walk() -> None:
            async with open_pool(database.uri) as pool:
                room = make_room(PostgresRegister(pool), PostgresReader(pool), authority, folder, pool)
                die_before_statement(number)
                await room.work.keep(NOW + DAY)

        asyncio.run(walk())

    return ran_to_the_end(story)


async def keep_once_locks_are_free(room: Room, now: datetime) -> None:
    """The server needs a moment to see that a worker is gone; the next one comes every second."""
    for name in ("status_progress", "status_publishing"):
        async with room.pool.transaction() as connection:
            await connection.execute(f"select from {name} for update")
    await room.work.keep(now)


@pytest.mark.long(seconds=20)
def test_killed_before_any_statement_the_next_worker_makes_what_was_missing(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            number, ended = 0, False
            while not ended:
                number += 1
                lives = await set_up(room, number)
                ended = await asyncio.to_thread(run_and_die, database, room.authority, tmp_path, number)
                await keep_once_locks_are_free(room, NOW + DAY + MINUTE)
                assert [await room.entry(one.ref) for one in lives] == EXPECTED, number
                words = [await room.state(one.ref, NOW + DAY + MINUTE) for one in lives]
                assert words == [each.word for each in EXPECTED], number
            assert number > 10

    asyncio.run(story())


@pytest.mark.long
def test_a_turn_that_fails_in_its_middle_leaves_everything_to_the_next(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            lives = await set_up(room, 1)
            basis = room.work.rules.digest
            with contextlib.suppress(CertsvcError):
                async with room.lists.turn(basis, TODAY + DAY) as turn:
                    assert turn is not None and turn.certificates
                    await turn.put(room.work.rules.values(turn.certificates, TODAY + DAY))
                    raise CertsvcError("断了。", "Broken off.")
            assert [await room.entry(one.ref) for one in lives] == [0, 0, 0]
            await room.work.keep(NOW + DAY)
            assert [await room.entry(one.ref) for one in lives] == EXPECTED

    asyncio.run(story())


@pytest.mark.long
def test_killed_between_writing_and_naming_the_list_of_before_stays_whole(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            lives = await set_up(room, 1)
            before = room.data(LICENCES)

            def killed(self: FolderShelf, name: str, data: bytes) -> None:
                half = self._folder / "status" / ".half"
                half.write_bytes(data[: len(data) // 2])
                raise OSError(28, "No space left on device")

            with monkeypatch.context() as patched, contextlib.suppress(OSError):
                patched.setattr(FolderShelf, "put", killed)
                await room.work.keep(NOW + 3 * MINUTE)
            assert room.data(LICENCES) == before
            await room.work.keep(NOW + 3 * MINUTE + SECOND)
            assert await room.state(lives[0].ref, NOW + 3 * MINUTE + SECOND) == "suspended"

    asyncio.run(story())


async def keep_on(room: Room, over: asyncio.Event) -> None:
    """A worker."""
    now = NOW + 2 * MINUTE
    while not over.is_set():
        now += timedelta(milliseconds=1)
        await room.work.keep(now)


async def read_on(room: Room, over: asyncio.Event) -> None:
    """A reader, who never finds half a list, nor an older one than before."""
    newest = 0
    while not over.is_set():
        data, there = room.data(LICENCES), room.work.shelf.published(LICENCES)
        assert data is not None and len(unpacked(data)) == LIST_BYTES
        assert there is not None and newest <= there.sequence
        newest = there.sequence
        await asyncio.sleep(0)


@pytest.mark.long
def test_two_workers_at_once_leave_what_one_would_and_a_reader_always_finds_a_whole_list(
    database: Database, tmp_path: Path
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            lives = [await begin(room.register, licence(company_code(n)), NOW) for n in range(12)]
            await room.work.keep(NOW + SECOND)
            another, over = make_room(room.register, room.reader, room.authority, tmp_path, room.pool), asyncio.Event()

            async def act() -> None:
                for number, one in enumerate(lives):
                    verb = Act.REVOKE if number % 2 else Act.SUSPEND
                    await room.register.act(request(one.ref, verb, TODAY, NOW + MINUTE))
                over.set()

            await asyncio.gather(keep_on(room, over), keep_on(another, over), act(), read_on(room, over))
            for worker in (room, another):
                await worker.work.keep(NOW + 3 * MINUTE)
            expected = ["invalid" if number % 2 else "suspended" for number in range(12)]
            assert [await room.state(one.ref, NOW + 3 * MINUTE) for one in lives] == expected

    asyncio.run(story())


@pytest.mark.long
def test_a_slow_transaction_that_commits_late_is_not_skipped(database: Database, tmp_path: Path) -> None:
    """Its event has a smaller id than one that was followed already."""

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            early, late = [await begin(room.register, licence(company_code(n)), NOW) for n in (1, 2)]
            await room.work.keep(NOW + SECOND)

            asked = request(early.ref, Act.REVOKE, TODAY, NOW + MINUTE).event
            async with room.pool.transaction() as connection:
                await record(connection, asked)
                await room.register.act(request(late.ref, Act.SUSPEND, TODAY, NOW + MINUTE))
                await room.work.keep(NOW + 2 * MINUTE)
                assert [await room.entry(one.ref) for one in (early, late)] == [0, 2]
            await room.work.keep(NOW + 2 * MINUTE + SECOND)
            assert [await room.entry(one.ref) for one in (early, late)] == [1, 2]

    asyncio.run(story())


def test_two_that_make_entries_do_not_wait_for_each_other(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            basis = room.work.rules.digest
            async with room.lists.turn(basis, TODAY) as first, room.lists.turn(basis, TODAY) as second:
                assert first is not None and second is None
            async with room.lists.publishing() as mine, room.lists.publishing() as theirs:
                assert (mine, theirs) == (True, False)

    asyncio.run(story())
