"""A room as a fixture, and what tests in it need to order."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from demonstration import Demonstration, NewHome, unbound_seal
from desk import Desk
from office_room import EVERY_ACT, READS, Caller, Room, open_room

from certsvc.domain.client import ClientKind
from certsvc.settings import load_settings
from certsvc.store.embedded import EmbeddedServer

Story = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def office_server(demonstration: Demonstration, new_home: NewHome) -> Iterator[tuple[EmbeddedServer, Any]]:
    """A register of its own for one module, and its settings."""
    home = demonstration.home.copied_to(new_home())
    server = EmbeddedServer(home.path)
    server.start()
    unbound_seal(server.uri("certsvc"))
    yield server, load_settings({"CERTSVC_HOME": str(home.path)})
    server.stop()


@pytest.fixture(scope="module")
def room(office_server: tuple[EmbeddedServer, Any], desk: Desk) -> Iterator[Room]:
    """A room that is open for one module."""
    server, settings = office_server
    opened: AbstractAsyncContextManager[Room] = open_room(settings, server.uri("certsvc"), desk)
    room = desk.run(opened.__aenter__())
    yield room
    desk.run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def market(room: Room, desk: Desk) -> Caller:
    """A department's system that may do everything."""
    return desk.run(room.caller("market-system", EVERY_ACT | READS))


@pytest.fixture(scope="module")
def approver(room: Room, desk: Desk) -> Caller:
    """A person who may approve everything."""
    return desk.run(room.caller("批准人甲", frozenset({"approve:*", "read:*"}), ClientKind.PERSON))
