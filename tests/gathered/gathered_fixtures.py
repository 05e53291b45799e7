"""The past in a database for a module, and a client of the verifier over it."""

import asyncio
from collections.abc import Iterator

import pytest
from gathered_room import Anew, Database, Past, live, make_app
from litestar import Litestar
from litestar.testing import TestClient

from certsvc.store.embedded import EmbeddedServer

from embedded_fixture import fresh_database  # isort: skip  # found by way of gathered_room


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    return fresh_database(embedded_server)


@pytest.fixture(scope="module")
def past(database: Database) -> Past:
    return asyncio.run(live(database))


@pytest.fixture(scope="module")
def reader(database: Database) -> Anew:
    return Anew(database.public_uri)


@pytest.fixture(scope="module")
def client(reader: Anew, past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    with TestClient(make_app(tmp_path_factory.mktemp("trust"), reader)) as client:
        yield client
