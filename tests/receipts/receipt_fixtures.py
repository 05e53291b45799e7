"""Fixtures, for test modules with `pytest_plugins = ["receipt_fixtures"]`."""

from collections.abc import Iterator

import pytest
from receipt_room import Room, opened_room


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One authority and both roles for a file of tests."""
    with opened_room(tmp_path_factory.mktemp("receipts") / "home") as opened:
        yield opened
        opened.shelf.down = False


@pytest.fixture(scope="module")
def other_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """An authority of the same names that is not ours."""
    with opened_room(tmp_path_factory.mktemp("look-alike") / "home") as opened:
        yield opened
