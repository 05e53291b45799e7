"""Fixtures of the tests of photos and comparisons, for modules with `pytest_plugins = ["changed_fixtures"]`."""

import sys
from pathlib import Path
from typing import cast

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from asking import verifier
from flaws import Bench
from looking import LOOKER, DrawnHere
from seal_workshop import FOOD, URL, Made, Shelf, Workshop

from certsvc.verify.looker import Looker
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]
HOST = URL.partition("://")[2]


def looking(workshop: Workshop, shelf: Shelf | None, **more: object) -> Verifying:
    """A verifier that looks at photos and compares pages, in this process."""
    known = verifier(workshop, shelf)
    kept = {name: getattr(known, name) for name in ("catalog", "trust", "register", "inspector")}
    return Verifying(**kept, looker=cast(Looker, LOOKER), drawer=DrawnHere(), hosts=frozenset({HOST}), **more)  # type: ignore[arg-type]


@pytest.fixture
def seeing(bench: Bench, shelf: Shelf) -> Verifying:
    """A verifier with everything, that asks `shelf`."""
    return looking(bench.workshop, shelf)


@pytest.fixture(scope="session")
def permit(bench: Bench) -> Made:
    """A genuine permit whose whole face is public."""
    return bench.genuine


@pytest.fixture(scope="session")
def another(workshop: Workshop) -> Made:
    """A permit of somebody else."""
    return workshop.make(FOOD, 1)
