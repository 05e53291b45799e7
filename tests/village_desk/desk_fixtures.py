"""The village of a module with its pages served, over a copy of the demonstration of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from demonstration import Demonstration, NewHome, unbound_seal
from desk_room import DeskRoom, served

from certsvc.settings import load_settings
from certsvc.store.embedded import EmbeddedServer


@pytest.fixture(scope="module")
def desk_room(demonstration: Demonstration, new_home: NewHome) -> Iterator[DeskRoom]:
    """The room; its seal needs no authorisation, which is another part's story."""
    home = demonstration.home.copied_to(new_home())
    server = EmbeddedServer(home.path)
    server.start()
    try:
        uri = server.uri("certsvc")
        with ThreadPoolExecutor(1) as thread:
            thread.submit(unbound_seal, uri).result()
        room = DeskRoom(load_settings({"CERTSVC_HOME": str(home.path)}), uri)
        room.settle()
        with served(room) as base:
            room.base = base
            yield room
    finally:
        server.stop()
