"""Fixtures, for test modules with `pytest_plugins = ["document_fixtures"]`."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from demonstration import NewHome
from document_desk import Runner, open_desk

from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def document_server(new_home: NewHome) -> Iterator[EmbeddedServer]:
    """One server for the session, whose database `certsvc` has our schema."""
    server = EmbeddedServer(new_home().path)
    server.start()
    try:
        asyncio.run(migrate(server.uri("certsvc")))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def register_uri(document_server: EmbeddedServer) -> str:
    """A database for the tests of one module, as its owner."""
    name = f"documents_{next(_numbers)}"

    async def make() -> None:
        uri = document_server.uri("postgres").replace("/certsvc?", "/postgres?")
        connection = await asyncpg.connect(uri)
        try:
            await connection.execute(f"create database {name} template certsvc owner certsvc")
        finally:
            await connection.close()

    asyncio.run(make())
    return document_server.uri("certsvc").replace("/certsvc?", f"/{name}?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files lie."""
    return tmp_path_factory.mktemp("documents")


@pytest.fixture(scope="module")
def desk_of_documents(register_uri: str, folder: Path) -> Iterator[Runner]:
    """The desk of one module, in a loop of its own."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        made = runner.run(stack.enter_async_context(open_desk(register_uri, folder)))
        yield Runner(runner, made)
        runner.run(stack.aclose())
