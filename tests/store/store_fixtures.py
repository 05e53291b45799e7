"""Fixtures, for test modules with `pytest_plugins = ["store_fixtures"]`.

Every test that asks for `database` runs on the embedded PostgreSQL, and on PostgreSQL 15 where
CERTSVC_TEST_POSTGRES_BIN names it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_fixture import Database, fresh_database, running_server

from certsvc.store.embedded import EmbeddedServer

ON_15 = pytest.param("postgres-15", marks=pytest.mark.needs("postgres-15"))


@pytest.fixture(scope="session", params=["embedded", ON_15])
def programs(request: pytest.FixtureRequest) -> Path | None:
    """Where PostgreSQL's programs are; None for the wheel's."""
    return None if request.param == "embedded" else Path(os.environ["CERTSVC_TEST_POSTGRES_BIN"])


@pytest.fixture(scope="session")
def server(programs: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One server for the session."""
    with running_server(_open_folder(tmp_path_factory) / "home", programs) as server:
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)


def _open_folder(factory: pytest.TempPathFactory) -> Path:
    """A temporary folder that other accounts can reach: root's tests run PostgreSQL as another one."""
    folder = factory.mktemp("store")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o711)
    return folder
