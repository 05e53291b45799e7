"""Fixtures of the tests of records: one server for all of them, and a database for each test."""

import sys
from pathlib import Path

import pytest

from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database


@pytest.fixture
def database(embedded_server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(embedded_server)
