"""Fixtures of the verifier's tests, for modules with `pytest_plugins = ["verify_fixtures"]`."""

import pytest
from asking import stocked, verifier
from flaws import Bench
from joint_workshop import JointBench, joint_bench
from seal_workshop import FOOD, Shelf, Workshop

from certsvc.domain.seal_form import Form
from certsvc.verify.service import Verifying


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    """One workshop for the session."""
    return Workshop()


@pytest.fixture(scope="session")
def benches(workshop: Workshop) -> dict[Form, Bench]:
    """In each form a genuine permit, and another one of the same issuer."""
    found = {}
    for form in Form:
        made = workshop.in_form(form)
        found[form] = Bench(workshop=made, genuine=made.make(FOOD, 0), other=made.make(FOOD, 1))
    return found


@pytest.fixture(scope="session")
def bench(benches: dict[Form, Bench]) -> Bench:
    """The form that is the rule."""
    return benches[Form.ONE_REVISION]


@pytest.fixture(scope="session")
def joint(workshop: Workshop) -> JointBench:
    """A genuine document with joint seals."""
    return joint_bench(workshop)


@pytest.fixture
def shelf(benches: dict[Form, Bench]) -> Shelf:
    """A register that knows the genuine files of either form."""
    return stocked(*benches.values())


@pytest.fixture
def online(bench: Bench, shelf: Shelf) -> Verifying:
    """A verifier that asks `shelf`."""
    return verifier(bench.workshop, shelf)


@pytest.fixture
def offline(bench: Bench) -> Verifying:
    """A verifier without a register."""
    return verifier(bench.workshop, None)
