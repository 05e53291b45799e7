"""Which types the slow tests print, seal and issue: all of them with --all, else those of the demonstration."""

import os
from collections.abc import Iterable

from certsvc.catalog import CertificateType
from certsvc.demo.orders import SHOWN

ALL = bool(os.environ.get("CERTSVC_TEST_ALL"))
LEFT_OUT = (
    "LEFT OUT: pages and seals of all types but ten, every example's walk, a second sheet's arrows, the "
    "demonstration killed on its way, two thirds of the pages at a desk, because they take minutes: ./dev test --all"
)


def chosen(kinds: Iterable[CertificateType]) -> list[CertificateType]:
    """The types to be slow about."""
    return [kind for kind in kinds if ALL or kind.id in SHOWN]
