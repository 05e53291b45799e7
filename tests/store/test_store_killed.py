"""Killed at every statement: nothing is lost, nothing is there twice, nothing is half there."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database, open_register, running_server
from made_up import FOOD, NOW, documents, issue, licence, permit, use

from certsvc.domain.issuing import Draft
from certsvc.errors import RegisterUnavailable
from certsvc.ids import Ref
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.register import PostgresRegister

pytestmark = pytest.mark.long

pytest_plugins = ["store_fixtures"]

WHOLE = {
    "unissued": "select count(*) from certificate where issued_at is null",
    "half": """select count(*) from certificate c where
        (issued_at is null) is distinct from not exists (select from document d where d.ref = c.ref)
        or (issued_at is null) is distinct from not exists (select from event e where e.ref = c.ref)
        or (issued_at is null) is distinct from not exists (select from status_period p where p.ref = c.ref)
        or (issued_at is null) is distinct from not exists (select from log_leaf l where l.ref = c.ref)
        or (issued_at is null) is distinct from not exists (select from notice n where n.ref = c.ref)""",
    "twice": "select count(*) - count(distinct (type_number, number)) from certificate",
    "orderless": "select count(*) from certificate c where not exists (select from issue_order o where o.ref = c.ref)",
    "numberless": "select count(*) from number full join certificate using (type_number, number, version) "
    "where certificate.ref is null or number.number is null",
}


def counts(database: Database) -> dict[str, int]:
    async def story() -> dict[str, int]:
        connection = await asyncpg.connect(database.uri)
        try:
            return {name: await connection.fetchval(statement) for name, statement in WHOLE.items()}
        finally:
            await connection.close()

    return asyncio.run(story())


def run_and_die(database: Database, made: Draft, number: int) -> bool:
    """Issue in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def walk() -> None:
            async with open_register(database) as (register, _):
                die_before_statement(number)
                await walk_on(register, made)

        asyncio.run(walk())

    return ran_to_the_end(story)


async def walk_on(register: PostgresRegister, made: Draft) -> Ref:
    """Issue, beginning wherever an earlier try of the same order came to."""
    reservation = await register.reserve(made)
    ref = reservation.ref
    if reservation.issued_at is None:
        await register.book_seal_use(ref, use(), "test", NOW)
        await register.keep_token(ref, b"token of " + ref.to_bytes())
        await register.publish(ref, documents(ref), "test", NOW)
    return ref


def test_killed_before_any_statement_the_next_try_finishes_the_same_work(database: Database) -> None:
    async def begin() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())

    async def finish(made: Draft) -> str:
        async with open_register(database) as (register, _):
            return (await register.reservation(await walk_on(register, made))).number

    asyncio.run(begin())
    number, numbers, ended = 0, [], False
    while not ended:
        number += 1
        made = permit(f"permit {number}")
        ended = run_and_die(database, made, number)
        assert counts(database) | {"unissued": 0} == dict.fromkeys(WHOLE, 0)
        numbers.append(asyncio.run(finish(made)))
        assert counts(database) == dict.fromkeys(WHOLE, 0)
    assert number > 25
    assert numbers == [FOOD.number(serial) for serial in range(1, number + 1)]


@pytest.fixture
def doomed() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A server to be killed, and its data folder."""
    with tempfile.TemporaryDirectory(prefix="certsvc-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        with running_server(home) as server:
            yield server, home


def test_postgresql_killed_amid_many_orders_loses_nothing_it_confirmed(doomed: tuple[EmbeddedServer, Path]) -> None:
    server, home = doomed
    database = fresh_database(server)
    confirmed: dict[str, Ref] = {}

    async def storm() -> None:
        async def one(register: PostgresRegister, name: str) -> None:
            with contextlib.suppress(RegisterUnavailable):
                confirmed[name] = await walk_on(register, permit(name))
            if len(confirmed) == 30:
                os.kill(int((home / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)

        async with open_register(database) as (register, _):
            await issue(register, licence())
            await asyncio.gather(*(one(register, f"permit {n}") for n in range(120)))

    async def again() -> dict[str, Ref]:
        async with open_register(database) as (register, _):
            return {f"permit {n}": await walk_on(register, permit(f"permit {n}")) for n in range(120)}

    asyncio.run(storm())
    assert 30 <= len(confirmed) < 120
    server.start()
    assert counts(database) | {"unissued": 0} == dict.fromkeys(WHOLE, 0)
    finished = asyncio.run(again())
    assert confirmed.items() <= finished.items()
    assert counts(database) == dict.fromkeys(WHOLE, 0)
