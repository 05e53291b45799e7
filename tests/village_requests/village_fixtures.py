"""A village as a fixture: one database for a module, where stories of many requests stand beside each other."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from village_room import Village, settled_village

from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def village_server(embedded_server: EmbeddedServer) -> EmbeddedServer:
    """Where villages of a test's own are made."""
    return embedded_server


@pytest.fixture(scope="module")
def village(village_server: EmbeddedServer) -> Village:
    """The village of this module."""
    return settled_village(village_server)
