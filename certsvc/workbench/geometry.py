"""Whether a page can be read and sealed, from the page's own geometry: boxes of letters, paths and images.

Texts do not overlap, nothing leaves the page or the border, nothing but the lines of the signature lies under the seal,
and nothing lies in the quiet zone of the QR. Texts that are no content (artifacts: the marks of specimens and previews)
lie over others on purpose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from certsvc.domain.seal import Placement
from certsvc.errors import Problem
from certsvc.workbench.page import Box, Letter, Page, Shape

SEAL_REACH_MM = 45 / 2
"""Half the widest seal of all; its ring is drawn inside."""

OVERLAP = 0.12
"""How much of the smaller of two letters may lie in the box of the other: round glyphs have square boxes."""

QUIET_MODULES = 4
FRAME = 0.7
"""What encloses so much of the page each way, evenly on all sides, is its border."""

MANY_SEGMENTS = 400
"""A QR of version 1 has more corners, and nothing else that is square and alone has so many."""

SLACK_MM = 0.05


@dataclass(frozen=True, slots=True)
class Signature:
    """The lines that the seal rides over: issuer and date, and where the seal's centre stands."""

    place: Placement
    texts: tuple[str, ...]


def page_problems(page: Page, signatures: Sequence[Signature]) -> list[Problem]:
    """Everything wrong with the geometry of a page; `field` names the texts or the drawing."""
    letters = [letter for letter in page.letters if not letter.artifact]
    under = chain.from_iterable(_under_seal(page, letters, signature) for signature in signatures)
    found = [*_overlaps(letters), *_outside(page, letters), *under, *_quiet_zone(page)]
    if page.pages > 1:
        found.append(
            _problem("second_page", "2", "版面有第二页，应只有一页", "there is a second page, where one is wanted")
        )
    return found


def border(page: Page) -> Box:
    """The inner edge of the border, or the page where there is none."""
    whole = Box(0, 0, page.width, page.height)
    frames = [shape.box for shape in page.shapes if _is_frame(shape.box, page)]
    return min(frames, key=lambda box: box.width, default=whole)


def find_qr(page: Page) -> Shape | None:
    """The path of the QR symbol, without its quiet zone."""
    square = [shape for shape in page.shapes if shape.segments >= MANY_SEGMENTS and not shape.artifact]
    return next((shape for shape in square if abs(shape.box.width - shape.box.height) < SLACK_MM), None)


def _is_frame(box: Box, page: Page) -> bool:
    margins = box.left, box.top, page.width - box.right, page.height - box.bottom
    large = box.width > FRAME * page.width and box.height > FRAME * page.height
    return large and max(margins) - min(margins) < 1.0


def _overlaps(letters: Sequence[Letter]) -> Iterator[Problem]:
    """Pairs of letters over each other, told once for each pair of texts; in one text the font sets the distances."""
    told = set[str]()
    by_top = sorted(letters, key=lambda letter: letter.box.top)
    for place, one in enumerate(by_top):
        for other in islice(by_top, place + 1, None):
            if other.box.top >= one.box.bottom:
                break
            if one.order != other.order and one.box.meets(other.box, 0) and one.box.overlap(other.box) > OVERLAP:
                texts = " / ".join(sorted((one.run, other.run)))
                if texts not in told:
                    told.add(texts)
                    yield _problem("texts_overlap", texts, "这两处文字叠在一起", "these texts overlap")


def _outside(page: Page, letters: Sequence[Letter]) -> Iterator[Problem]:
    whole, frame = Box(0, 0, page.width, page.height), border(page)
    for what, box in chain(_runs(letters), ((shape.name, shape.box) for shape in _drawn(page))):
        if not whole.holds(box, SLACK_MM):
            yield _problem("off_page", what, "超出纸面", "it leaves the page")
        elif not frame.holds(box, SLACK_MM):
            yield _problem("past_border", what, "超出边框", "it leaves the border")


def _drawn(page: Page) -> list[Shape]:
    """What is drawn with the texts: border and ground come before the first of them, and may be cut off at an edge."""
    first = min((letter.order for letter in page.letters if not letter.artifact), default=0)
    return [
        shape
        for shape in page.shapes
        if not (shape.artifact and shape.order < first) and not _is_frame(shape.box, page)
    ]


def _under_seal(page: Page, letters: Sequence[Letter], signature: Signature) -> Iterator[Problem]:
    x, y = signature.place.x_mm, signature.place.y_mm
    lines = [box for text in signature.texts for box in _lines(letters, text, x, y)]
    below = [letter for letter in letters if letter.box.distance(x, y) < SEAL_REACH_MM]
    odd = {letter.run for letter in below if not any(box.same_line(letter.box) for box in lines)}
    for run in sorted(odd):
        yield _problem("under_seal", run, "压在印章下面", "it lies under the seal")
    for shape in _drawn(page):
        if shape.box.distance(x, y) < SEAL_REACH_MM and not _is_place(shape.box, x, y):
            yield _problem("under_seal", shape.name, "压在印章下面", "it lies under the seal")


def _is_place(box: Box, x: float, y: float) -> bool:
    """Whether a drawing shows the place of the seal itself: it has its middle and its size."""
    middle = abs(box.left + box.right - 2 * x) < 1 and abs(box.top + box.bottom - 2 * y) < 1
    return middle and SEAL_REACH_MM < box.width < 2 * SEAL_REACH_MM


def _lines(letters: Sequence[Letter], text: str, x: float, y: float) -> list[Box]:
    """The lines on which `text` stands, where it stands nearest to the seal; spaces do not count."""
    wanted, said = text.replace(" ", ""), "".join(letter.text for letter in letters)
    places = [start for start in range(len(said)) if said.startswith(wanted, start)]
    found = [[letter.box for letter in letters[start : start + len(wanted)]] for start in places]
    return min(found, key=lambda boxes: min(box.distance(x, y) for box in boxes), default=[])


def _quiet_zone(page: Page) -> Iterator[Problem]:
    symbol = find_qr(page)
    if symbol is None:
        yield _problem("no_qr", "QR", "版面上没有二维码", "there is no QR on the page")
        return
    zone = symbol.box.wider(QUIET_MODULES * symbol.step)
    if not border(page).holds(zone, SLACK_MM):
        yield _problem(
            "in_quiet_zone", "QR", "二维码四周的空白伸出了边框", "the quiet zone of the QR leaves the border"
        )
    hidden = max((shape.order for shape in page.shapes if shape.white and shape.box.holds(zone, SLACK_MM)), default=-1)
    for letter_run, order, box in page.marks:
        if order > hidden and order != symbol.order and box.meets(zone, SLACK_MM):
            yield _problem("in_quiet_zone", letter_run, "伸进了二维码四周的空白", "it lies in the quiet zone of the QR")


def _runs(letters: Sequence[Letter]) -> Iterator[tuple[str, Box]]:
    """Each text once, with the box around it."""
    seen: dict[str, Box] = {}
    for letter in letters:
        seen[letter.run] = seen[letter.run].union(letter.box) if letter.run in seen else letter.box
    yield from seen.items()


def _problem(code: str, what: str, zh: str, en: str) -> Problem:
    return Problem(what, code, f"{what}：{zh}。", f"{what}: {en}.")
