"""What is slow, and how much of it is done: all with --all, else some types, some of many like cases, and in a whole
run no test that is marked `long`."""

import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from certsvc.catalog import Catalog, CertificateType, load_catalog
from certsvc.demo.orders import SHOWN

Case = TypeVar("Case")
SLOWLY = SHOWN | {"tiered-water-proof"}
ALL = bool(os.environ.get("CERTSVC_TEST_ALL"))
ONE_IN = 1 if ALL else 3
LEFT_OUT = (
    "LEFT OUT: pages and seals of all types but ten, and two thirds of like cases (moments of a kill, alterations, "
    "hostile files), because they take minutes: ./dev test --all"
)
LONG = "they kill, break or draw, or run whole systems: ./dev test --all, or name their file"

FEW_FILES = 20
"""Who names so few files wants their tests, however long they take."""


@cache
def tree_catalog() -> Catalog:
    """The types in the tree, read once."""
    return load_catalog(Path(__file__).resolve().parent.parent / "schemas")


def chosen(kinds: Iterable[CertificateType]) -> list[CertificateType]:
    """The types to be slow about."""
    return [kind for kind in kinds if ALL or kind.id in SLOWLY]


def some(cases: Sequence[Case]) -> Sequence[Case]:
    """Of many alike cases those to be slow about."""
    return cases[::ONE_IN]
