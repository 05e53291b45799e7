"""Fixtures, for test modules with `pytest_plugins = ["store_fixtures"]`.

Every test that asks for `database` runs on the embedded PostgreSQL, and on PostgreSQL 15 where
CERTSVC_TEST_POSTGRES_BIN names it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from demonstration import NewHome
from embedded_fixture import Database, fresh_database, running_server

from certsvc.store.embedded import EmbeddedServer

ON_15 = pytest.param("postgres-15", marks=pytest.mark.needs("postgres-15"))


@pytest.fixture(scope="session", params=["embedded", ON_15])
def programs(request: pytest.FixtureRequest) -> Path | None:
    """Where PostgreSQL's programs are; None for the wheel's."""
    return None if request.param == "embedded" else Path(os.environ["CERTSVC_TEST_POSTGRES_BIN"])


@pytest.fixture(scope="session")
def server(programs: Path | None, new_home: NewHome) -> Iterator[EmbeddedServer]:
    """One server for the session."""
    with running_server(new_home().path, programs) as server:
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)
