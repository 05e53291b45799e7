"""What is slow, and how much of it is done: all with --all, else some types, some of many like cases, some files."""

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

from certsvc.catalog import CertificateType
from certsvc.demo.orders import SHOWN

Case = TypeVar("Case")
ALL = bool(os.environ.get("CERTSVC_TEST_ALL"))
ONE_IN = 1 if ALL else 3
LEFT_OUT = (
    "LEFT OUT: pages and seals of all types but ten, every example's walk, the demonstration killed on its way, and "
    "two thirds of like cases (moments of a kill, chance alterations), because they take minutes: ./dev test --all"
)
LONG = "of a whole run they take minutes; give --all, or name the file"
LONG_ONES = frozenset(
    f"test_{name}.py"
    for name in "batch_crashing batch_killed batch_statements_killed browser_pages browser_use cases_killed "
    "cases_pages documents_altered documents_killed external_refused keys_compromised keys_lost "
    "office_docs office_faults office_schemathesis records_lists_broken seal_command telling_killed".split()
)
"""Files whose tests kill, break or draw a great deal: a whole run without --all leaves them out, and says so."""

FEW_FILES = 20
"""Who names so few files wants their tests, however long they take."""


def chosen(kinds: Iterable[CertificateType]) -> list[CertificateType]:
    """The types to be slow about."""
    return [kind for kind in kinds if ALL or kind.id in SHOWN]


def some(cases: Sequence[Case]) -> Sequence[Case]:
    """Of many alike cases those to be slow about."""
    return cases[::ONE_IN]
