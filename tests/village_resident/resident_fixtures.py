"""The village of a module with its pages served, and made-up organs that receive proofs; beside it `walk_fixtures`."""

from collections.abc import Iterator

import pytest
from resident_room import RECEIVERS, DeskRoom, served
from walked import Walks


@pytest.fixture(scope="module")
def resident_room(walks: Walks) -> Iterator[DeskRoom]:
    """The room."""
    room = DeskRoom(walks.settings, walks.uri)
    room.settle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certsvc.villages.load_receivers", lambda *_: RECEIVERS)
        with served(room) as base:
            room.base = base
            yield room
