"""A land for each module, over the rooms of `account_fixtures`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import Room
from figures_room import Land


@pytest.fixture(scope="module")
def figures_land(account_room: Room) -> Land:
    """A city with two towns of three villages each."""
    return Land(account_room)
