"""A village as a fixture: one database for a module, where stories of many requests stand beside each other."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from demonstration import NewHome

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import running_server
from village_room import Village, settled_village

from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def village_server(new_home: NewHome) -> Iterator[EmbeddedServer]:
    """A server for this module."""
    with running_server(new_home().path) as server:
        yield server


@pytest.fixture(scope="module")
def village(village_server: EmbeddedServer) -> Village:
    """The village of this module."""
    return settled_village(village_server)
