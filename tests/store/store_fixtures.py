"""Fixtures, for test modules with `pytest_plugins = ["store_fixtures"]`.

Every test that asks for `database` runs on the embedded PostgreSQL, and on PostgreSQL 15 where
CERTSVC_TEST_POSTGRES_BIN names it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_fixture import Database, fresh_database
from servers import Lend

from certsvc.store.embedded import EmbeddedServer

ON_15 = pytest.param("postgres-15", marks=pytest.mark.needs("postgres-15"))


@pytest.fixture(scope="module", params=["embedded", ON_15])
def programs(request: pytest.FixtureRequest) -> Path | None:
    """Where PostgreSQL's programs are; None for the wheel's."""
    return None if request.param == "embedded" else Path(os.environ["CERTSVC_TEST_POSTGRES_BIN"])


@pytest.fixture(scope="module")
def server(programs: Path | None, lend: Lend) -> Iterator[EmbeddedServer]:
    """The server of this version, for the databases of a module."""
    with lend(programs) as server:
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)
