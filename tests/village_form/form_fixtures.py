"""One village at its forms for each module; beside it the plugin `account_fixtures`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import Room
from form_room import FormRoom


@pytest.fixture(scope="module")
def form_room(account_room: Room) -> FormRoom:
    """The village of a module."""
    return FormRoom(account_room)


@pytest.fixture(scope="module")
def form_base(form_room: FormRoom) -> Iterator[str]:
    """Where its pages are served."""
    with form_room.served() as base:
        yield base
