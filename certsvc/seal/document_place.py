"""Where a seal stands on a page of any size, cut or turned: from millimetres as a reader sees them to the page's own
coordinates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

from certsvc.domain.document_seal import AtKeyword, Position, Rule
from certsvc.domain.seal import Placement, SealPicture
from certsvc.seal.document_pdf import refused
from certsvc.seal.fields import POINTS_PER_MM

MARGIN_MM = 25.0
"""From the seal's edge to the page's, where a rule places it."""

BETWEEN_MM = 4.0
"""Between seals that a rule places beside each other."""

Matrix = tuple[float, float, float, float, float, float]
UPRIGHT: dict[int, tuple[float, float, float, float]] = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}
"""How right and up, as a reader sees them, lie on a page that is turned clockwise by so many degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFrame:
    """What is seen of a page: a box in its own coordinates (points), and how it is turned."""

    left: float
    bottom: float
    right: float
    top: float
    turned: int = 0

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height as a reader sees them."""
        across, up = (self.right - self.left) / POINTS_PER_MM, (self.top - self.bottom) / POINTS_PER_MM
        return (across, up) if self.turned in (0, 180) else (up, across)

    def point(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """The page's own coordinates of a place, millimetres from the left and the top edge as a reader sees them."""
        across, down = x_mm * POINTS_PER_MM, y_mm * POINTS_PER_MM
        return {
            0: (self.left + across, self.top - down),
            90: (self.left + down, self.bottom + across),
            180: (self.right - across, self.bottom + down),
            270: (self.right - down, self.top - across),
        }[self.turned]

    def seen(self, x: float, y: float) -> tuple[float, float]:
        """The place in millimetres, as a reader sees it, of a point in the page's own coordinates."""
        across, down = {
            0: (x - self.left, self.top - y),
            90: (y - self.bottom, x - self.left),
            180: (self.right - x, y - self.bottom),
            270: (self.top - y, self.right - x),
        }[self.turned]
        return across / POINTS_PER_MM, down / POINTS_PER_MM

    def matrix(self, x_mm: float, y_mm: float) -> Matrix:
        """What draws upright from this place on: it is the lower left corner of what is drawn."""
        return *UPRIGHT[self.turned], *self.point(x_mm, y_mm)

    def rectangle(self, picture: SealPicture, place: Placement) -> tuple[float, float, float, float]:
        """The box of a seal in the page's own coordinates."""
        across, up = size_mm(picture)
        one = self.point(place.x_mm - across / 2, place.y_mm - up / 2)
        other = self.point(place.x_mm + across / 2, place.y_mm + up / 2)
        return min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a keyword stands: the middle of it, in millimetres as a reader sees them."""

    page: int
    x_mm: float
    y_mm: float


Finder = Callable[[str], Sequence[Found]]
"""Every place of a keyword, in order. Raises `DocumentRefused` when the document has no text at all."""


def size_mm(picture: SealPicture) -> tuple[float, float]:
    """Width and height of a seal."""
    return picture.width_pt / POINTS_PER_MM, picture.height_pt / POINTS_PER_MM


def place_seals(
    frames: Sequence[PageFrame], asked: Sequence[tuple[Position, SealPicture]], find: Finder
) -> tuple[Placement, ...]:
    """Where each of the seals stands.

    Raises:
        DocumentRefused: a page or a keyword is not there, or a seal would not lie on its page or would lie on another
            one.
    """
    places: list[Placement] = []
    for number, (position, picture) in enumerate(asked):
        beside = sum(size_mm(other)[0] + BETWEEN_MM for _, other in asked[:number])
        place = _place(frames, position, picture, beside, find)
        _require_on_page(frames, place, picture, number)
        for earlier, (_, other) in zip(places, asked, strict=False):
            _require_apart(place, picture, earlier, other, number)
        places.append(place)
    return tuple(places)


def _place(
    frames: Sequence[PageFrame], position: Position, picture: SealPicture, beside: float, find: Finder
) -> Placement:
    if isinstance(position, Placement):
        return position
    if isinstance(position, Rule):
        return _by_rule(frames, position, size_mm(picture), beside)
    found = find(position.keyword)
    if not 1 <= position.occurrence <= len(found):
        raise _no_keyword(position, found)
    spot = found[position.occurrence - 1]
    return _rounded(spot.page, spot.x_mm + position.dx_mm, spot.y_mm + position.dy_mm)


def _by_rule(frames: Sequence[PageFrame], rule: Rule, size: tuple[float, float], beside: float) -> Placement:
    page = 1 if rule in (Rule.FIRST_PAGE_BOTTOM_RIGHT, Rule.FIRST_PAGE_TOP_RIGHT) else len(frames)
    width, height = frames[page - 1].size_mm
    x = MARGIN_MM + size[0] / 2 + beside
    y = MARGIN_MM + size[1] / 2
    at_left, at_top = rule is Rule.LAST_PAGE_BOTTOM_LEFT, rule is Rule.FIRST_PAGE_TOP_RIGHT
    return _rounded(page, x if at_left else width - x, y if at_top else height - y)


def _rounded(page: int, x_mm: float, y_mm: float) -> Placement:
    return Placement(page=page, x_mm=round(x_mm, 2), y_mm=round(y_mm, 2))


def _no_keyword(position: AtKeyword, found: Sequence[Found]) -> Exception:
    word = position.keyword
    if not found:
        return refused("keyword_absent", f"文中没有“{word}”。", f"“{word}” does not occur in it.", "seals.position")
    pages = ", ".join(str(page) for page in sorted({spot.page for spot in found})[:20])
    return refused(
        "keyword_absent",
        f"“{word}”只出现 {len(found)} 次（第 {pages} 页），没有第 {position.occurrence} 次。",
        f"“{word}” occurs {len(found)} times (pages {pages}), and not a time number {position.occurrence}.",
        "seals.position",
    )


def _require_on_page(frames: Sequence[PageFrame], place: Placement, picture: SealPicture, number: int) -> None:
    if not 1 <= place.page <= len(frames):
        raise refused(
            "no_such_page",
            f"没有第 {place.page} 页，共 {len(frames)} 页。",
            f"it has {len(frames)} pages and no page {place.page}.",
            f"seals[{number}].position",
        )
    width, height = frames[place.page - 1].size_mm
    across, up = (side / 2 for side in size_mm(picture))
    inside = across <= place.x_mm <= width - across and up <= place.y_mm <= height - up
    if not (isfinite(place.x_mm) and isfinite(place.y_mm) and inside):
        raise refused(
            "off_the_page",
            f"印章会超出第 {place.page} 页（{width:.0f}×{height:.0f} 毫米）：中心在 {place.x_mm:g}、{place.y_mm:g}，"
            f"离边至少须 {across:.1f}、{up:.1f} 毫米。",
            f"the seal would not lie on page {place.page} ({width:.0f} by {height:.0f} mm): its centre is at "
            f"{place.x_mm:g}, {place.y_mm:g} mm, and must be {across:.1f}, {up:.1f} mm from the edges.",
            f"seals[{number}].position",
        )


def _require_apart(one: Placement, picture: SealPicture, other: Placement, below: SealPicture, number: int) -> None:
    (across, up), (more_across, more_up) = size_mm(picture), size_mm(below)
    apart = abs(one.x_mm - other.x_mm) >= (across + more_across) / 2 or abs(one.y_mm - other.y_mm) >= (up + more_up) / 2
    if one.page == other.page and not apart:
        raise refused(
            "seals_overlap",
            "两枚印章会叠在一起。",
            "two seals would lie on one another.",
            f"seals[{number}].position",
        )
