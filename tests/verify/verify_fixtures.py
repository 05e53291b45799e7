"""Fixtures of the verifier's tests, for modules with `pytest_plugins = ["verify_fixtures"]`."""

import pytest
from asking import stocked, verifier
from flaws import Bench
from seal_workshop import FOOD, Shelf, Workshop

from certsvc.verify.service import Verifying


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    """One workshop for the session."""
    return Workshop()


@pytest.fixture(scope="session")
def bench(workshop: Workshop) -> Bench:
    """A genuine permit, and another one of the same issuer."""
    return Bench(workshop=workshop, genuine=workshop.make(FOOD, 0), other=workshop.make(FOOD, 1))


@pytest.fixture
def shelf(bench: Bench) -> Shelf:
    """A register that knows both genuine files."""
    return stocked(bench)


@pytest.fixture
def online(bench: Bench, shelf: Shelf) -> Verifying:
    """A verifier that asks `shelf`."""
    return verifier(bench.workshop, shelf)


@pytest.fixture
def offline(bench: Bench) -> Verifying:
    """A verifier without a register."""
    return verifier(bench.workshop, None)
