"""A village for each module, over the rooms of `account_fixtures`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import Room
from seal_pages_room import SealPages


@pytest.fixture(scope="module")
def seal_pages(account_room: Room) -> SealPages:
    """The village."""
    return SealPages(account_room)
