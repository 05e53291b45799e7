"""A counter for strangers beside the room of an office; for modules with `pytest_plugins = ["report_fixtures"]`."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from desk import Desk
from report_room import Caller, Counter, Room, open_counter

from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["office_fixtures"]


@pytest.fixture(scope="module")
def counter(office_server: tuple[EmbeddedServer, Any], desk: Desk) -> Iterator[Counter]:
    """Where strangers report, over the register of the room."""
    server, settings = office_server
    opened: AbstractAsyncContextManager[Counter] = open_counter(settings, server)
    yield desk.run(opened.__aenter__())
    desk.run(opened.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def filing(market: Caller, desk: Desk) -> dict[str, Any]:
    """A certificate of the market administration of Yunshan (441900), under its seal."""
    from payloads import issued  # beside the room of the office

    found: dict[str, Any] = desk.run(issued(market))
    return found


@pytest.fixture(scope="module")
def answering(room: Room, desk: Desk) -> Caller:
    """The department that answers for it."""
    scopes = frozenset({"answer:*:market:4419", "read:*:*:4419", "correct:*", "change:*", "notify:*"})
    return desk.run(room.caller("market-answers", scopes))
