"""The cross-page seal (骑缝章): a seal cut into upright strips, one at the right edge of each page. Fanned out, the
pages show the whole seal; a page that was put in or taken out breaks it."""

from collections.abc import Sequence
from dataclasses import dataclass

from certsvc.errors import InvalidInput

MOST_IN_A_GROUP = 20
LEAST_STRIP_MM = 3.0
"""Narrower strips would show nothing that can be recognised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What a page shows of a seal: from `left_mm` on, `width_mm` wide."""

    left_mm: float
    width_mm: float


def seam(pages: int, width_mm: float) -> Sequence[Strip]:
    """The strips of a seal of this width, one for each page, in order. Many pages are cut into groups of nearly the
    same size, each of which shows the seal.

    Raises:
        InvalidInput: there is only one page.
    """
    if pages < 2:
        raise InvalidInput("只有一页，不能盖骑缝章。", "There is one page only: a cross-page seal needs two.")
    most = max(2, min(MOST_IN_A_GROUP, int(width_mm / LEAST_STRIP_MM)))
    groups = -(-pages // most)
    strips: list[Strip] = []
    for group in range(groups):
        size = (pages * (group + 1)) // groups - (pages * group) // groups
        strips += [Strip(left_mm=width_mm * place / size, width_mm=width_mm / size) for place in range(size)]
    return strips
