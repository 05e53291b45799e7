"""Fixtures, for test modules with `pytest_plugins = ["seal_fixtures"]`."""

from pathlib import Path

import pytest
from sealed_set import SealedSet, make_set

RSA_PLAN = Path(__file__).with_name("rsa.toml")


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedSet:
    """One sheet of every type and layout, ECDSA."""
    return make_set(tmp_path_factory.mktemp("sealed"))


@pytest.fixture(scope="session")
def sealed_rsa(tmp_path_factory: pytest.TempPathFactory) -> SealedSet:
    """One sheet sealed by an authority all of whose X.509 keys are RSA-3072."""
    return make_set(tmp_path_factory.mktemp("rsa"), RSA_PLAN, frozenset({"fire-safety-check"}))


@pytest.fixture(scope="session")
def both(sealed: SealedSet, sealed_rsa: SealedSet) -> tuple[SealedSet, SealedSet]:
    """The two sets, for checks that each want to be run over everything."""
    return sealed, sealed_rsa
