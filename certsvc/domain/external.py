"""Certificates whose page somebody else laid out (`layout: external`): the file, and where on it the QR goes."""

from collections.abc import Collection
from dataclasses import dataclass

from certsvc.errors import InvalidInput

EXTERNAL = "external"
"""The name of the layout. No type may have one of its own called so."""

SUFFIX = f"/{EXTERNAL}"
LEAST_MODULE_MM, MOST_MODULE_MM = 0.40, 2.0
MAX_FILE = 20 * 1024 * 1024
MOST_PAGES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSpot:
    """Where the centre of the seal's picture stands on that page: millimetres from the left and the top edge."""

    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalFile:
    """A department's PDF by its SHA-256, and the upper left corner of the block with QR, code and host: page from 1,
    millimetres from the left and the top edge of the page as it is shown. Without a `seal` spot the seal is not seen
    on the page: it bears the department's own."""

    sha256: bytes
    page: int
    x_mm: float
    y_mm: float
    module_mm: float = LEAST_MODULE_MM
    seal: SealSpot | None = None


def external_type(type_id: str) -> str:
    """What a seal kept for external layouts of a type is bound to."""
    return type_id + SUFFIX


def is_external_type(bound: str) -> bool:
    """Whether a seal bound to this seals pages laid out elsewhere."""
    return bound.endswith(SUFFIX)


def type_of(bound: str) -> str:
    """The type that a seal is bound to, whoever lays it out."""
    return bound.removesuffix(SUFFIX)


def require_one_purpose(seal_id: str, bound: Collection[str]) -> None:
    """See that a seal is not for pages of ours and for pages laid out elsewhere: one key, one purpose.

    Raises:
        InvalidInput: it is.
    """
    external = [is_external_type(each) for each in bound]
    if any(external) and not all(external):
        raise InvalidInput(
            f"印章 {seal_id} 不能既用于本系统版式，又用于外来版式（{SUFFIX}）：请另设一枚。",
            f"The seal {seal_id} cannot be for our own layouts and for others ({SUFFIX}): have another one.",
        )
