"""Batches as a fixture."""

from collections.abc import Iterator

import pytest
from batched import Batches
from demonstration import Demonstration, NewHome
from desk import Desk

from certsvc.settings import load_settings
from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def batches(demonstration: Demonstration, new_home: NewHome, desk: Desk) -> Iterator[Batches]:
    """Batches over a copy of the demonstration's register, its server running."""
    home = demonstration.home.copied_to(new_home())
    server = EmbeddedServer(home.path)
    server.start()
    try:
        yield Batches(load_settings({"CERTSVC_HOME": str(home.path)}), server, desk)
    finally:
        server.stop()
