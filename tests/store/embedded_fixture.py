"""Databases for tests: a running server, and fresh databases with our schema, made from a template."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import asyncpg

from certsvc.store import postmaster
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister

_numbers = itertools.count(1)
FRESH = "select datname from pg_database where datname like 'test\\_%'"
NO_CUT_OFF_POWER = {"fsync": "off"}
"""What is killed in tests is a process, never the machine: what it wrote is there, on disk or not yet."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database, as its owner, as the public role and as the server's superuser."""

    uri: str
    public_uri: str
    super_uri: str


@contextmanager
def running_server(home: Path, programs: Path | None = None) -> Iterator[EmbeddedServer]:
    """An embedded server in `home` whose database `certsvc` has our schema, stopped at the end."""
    server = EmbeddedServer(home, programs)
    with patch.dict(postmaster.SETTINGS, NO_CUT_OFF_POWER):
        server.start()
    try:
        asyncio.run(migrate(server.uri("certsvc")))
        yield server
    finally:
        server.stop()


def fresh_database(server: EmbeddedServer, *, empty: bool = False) -> Database:
    """A database of its own on `server`: a copy of `certsvc`, or without any schema."""
    name = f"test_{next(_numbers)}"
    template = "template1" if empty else "certsvc"
    made = f"create database {name} template {template} owner certsvc strategy file_copy"
    asyncio.run(_execute(_at(server, "postgres", "postgres"), made))
    return Database(*(_at(server, role, name) for role in ("certsvc", "certsvc_public", "postgres")))


def drop_databases(server: EmbeddedServer) -> None:
    """Drop every fresh one: a run makes thousands, of 15 MB each."""

    async def drop() -> None:
        connection = await asyncpg.connect(_at(server, "postgres", "postgres"))
        try:
            for (name,) in await connection.fetch(FRESH):
                await connection.execute(f"drop database {name} with (force)")
        finally:
            await connection.close()

    asyncio.run(drop())


@asynccontextmanager
async def open_register(database: Database) -> AsyncIterator[tuple[PostgresRegister, PostgresReader]]:
    """The register as its writer has it, and as the public role reads it."""
    async with open_pool(database.uri) as writing, open_pool(database.public_uri, read_only=True) as reading:
        yield PostgresRegister(writing), PostgresReader(reading)


def _at(server: EmbeddedServer, role: str, database: str) -> str:
    return server.uri(role).replace("/certsvc?", f"/{database}?")


async def _execute(uri: str, statement: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
