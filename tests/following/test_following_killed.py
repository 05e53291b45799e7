"""Killed at every statement: every change is told, and a mail goes out twice at most, as the same mail."""

import asyncio
import itertools
from collections import Counter
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest
from chosen import ONE_IN
from following_room import DAY, HOUR, Database, Room, fresh_database, open_room, told

from certsvc.domain.acts import Act
from certsvc.store.embedded import EmbeddedServer

from dying import death_noticed, die_before_statement, ran_to_the_end  # isort: skip  # found by way of following_room

pytestmark = pytest.mark.long

pytest_plugins = ["store_fixtures"]


class Folder:
    """A mailbox that outlives who sends to it, and keeps every copy."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, message: EmailMessage) -> None:
        number = len(list(self._path.iterdir()))
        (self._path / f"{number}.eml").write_bytes(message.as_bytes())

    def ids(self) -> list[str]:
        """The Message-ID of every copy."""
        return [str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in self._path.iterdir()]


def work_and_die(database: Database, folder: Folder, number: int) -> bool:
    """Do what is due in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def work() -> None:
            async with open_room(database, folder) as room:
                die_before_statement(number)
                room.now += DAY
                await room.work()

        asyncio.run(work())

    return ran_to_the_end(story)


@pytest.mark.long(seconds=50)
@pytest.mark.one_server
def test_a_worker_killed_at_any_statement_tells_everything_and_twice_at_most(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    for number in itertools.count(1, ONE_IN):
        database, path = fresh_database(server), tmp_path / str(number)
        path.mkdir()
        folder = Folder(path)

        async def begin(room: Room) -> None:
            main, food = await room.business()
            await room.follow(main)
            await room.act(food, Act.SUSPEND)

        told(database, begin)
        ended = work_and_die(database, folder, number)
        asyncio.run(death_noticed(database.uri))

        async def finish(room: Room) -> None:
            room.now += DAY + HOUR
            await room.work()

        told(database, finish, folder)
        copies = Counter(folder.ids())
        assert len(copies) == 1, "the change was told, in one mail"
        assert max(copies.values()) <= 2
        if ended:
            assert max(copies.values()) == 1
            break
    assert number > 10


def test_a_mail_that_kills_its_worker_again_and_again_is_sent_no_third_time(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    database, folder = fresh_database(server), Folder(tmp_path)

    class Deadly(Folder):
        async def send(self, message: EmailMessage) -> None:
            await super().send(message)
            raise ConnectionResetError("it broke off after it was sent")

    async def story(room: Room) -> list[tuple[str]]:
        main, food = await room.business()
        await room.follow(main)
        await room.act(food, Act.SUSPEND)
        room.mailer = Deadly(tmp_path)
        for _ in range(6):
            await room.work(minutes=30)
        room.log.lines.clear()
        return await room.fetch("select came from following_mail order by id desc limit 1")

    assert told(database, story) == [("given_up",)]
    assert len(folder.ids()) == 2 and len(set(folder.ids())) == 1
