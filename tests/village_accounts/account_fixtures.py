"""One database for each module with `pytest_plugins = ["account_fixtures"]`; every test has persons of its own.

All of it runs in a thread of its own: beside a browser, pytest's own thread has a loop that runs already.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from account_room import Room
from embedded_fixture import fresh_database

from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="session")
def account_thread() -> Iterator[ThreadPoolExecutor]:
    """The thread."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture(scope="module")
def account_room(
    embedded_server: EmbeddedServer, account_thread: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    """The room of a module."""
    database = account_thread.submit(fresh_database, embedded_server).result()
    made = Room(database, tmp_path_factory.mktemp("keys"), account_thread)
    yield made
    made.close()
