"""Walks as a fixture."""

from collections.abc import Iterator

import pytest
from demonstration import Demonstration, NewHome, unbound_seal
from desk import Desk
from walked import Walks

from certsvc.settings import load_settings
from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def walks(demonstration: Demonstration, new_home: NewHome, desk: Desk) -> Iterator[Walks]:
    """Walks over a copy of the demonstration's register, its server running."""
    home = demonstration.home.copied_to(new_home())
    server = EmbeddedServer(home.path)
    server.start()
    unbound_seal(server.uri("certsvc"))
    try:
        yield Walks(load_settings({"CERTSVC_HOME": str(home.path)}), server, desk)
    finally:
        server.stop()
