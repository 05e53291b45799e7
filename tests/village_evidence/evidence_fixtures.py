"""One village with evidence for each module; beside it the plugin `account_fixtures`."""

import pytest
from account_room import Room
from evidence_room import EvidenceRoom


@pytest.fixture(scope="module")
def evidence_room(account_room: Room) -> EvidenceRoom:
    """The village of a module."""
    return EvidenceRoom(account_room)
