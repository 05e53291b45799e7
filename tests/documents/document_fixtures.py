"""Fixtures, for test modules with `pytest_plugins = ["document_fixtures"]`."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from document_desk import Runner, open_desk

from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import fresh_database


@pytest.fixture(scope="module")
def register_uri(embedded_server: EmbeddedServer) -> str:
    """A database for the tests of one module, as its owner."""
    return fresh_database(embedded_server).uri


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
