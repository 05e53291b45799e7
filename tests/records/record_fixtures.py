"""Fixtures of the tests of records: one server for all of them, and a database for each test."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demonstration import NewHome

from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database, running_server


@pytest.fixture(scope="session")
def record_server(new_home: NewHome) -> Iterator[EmbeddedServer]:
    """A server for all tests of records."""
    with running_server(new_home().path) as server:
        yield server


@pytest.fixture
def database(record_server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(record_server)
