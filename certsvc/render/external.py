"""Take over a department's page and put our block on it: read, refuse, look, write anew, look again.

It runs in a limited process only (`external_worker`): files of strangers raise anything.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

import pikepdf
from pikepdf import Name, Pdf

from certsvc.render.external_pixels import POINTS_PER_MM, require_empty, require_unchanged, symbols
from certsvc.render.external_reading import open_foreign
from certsvc.render.external_shapes import Answer, Box, Draw, Drawn, Look, Pages, Refused, Request
from certsvc.render.external_writing import Picture, Sheet, write_file

LEAST_POINTS, MOST_POINTS = 72.0, 4000.0
MOST_UNIT = 10
Rectangle: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A page taken out of its file. `matrix` brings it to the position in which it is shown; `notes` is where its
    annotations and fields lie, those included that nobody sees."""

    form: Any
    matrix: tuple[float, ...]
    width: float
    height: float
    unit: float
    notes: tuple[Box, ...]

    def sheet(self, words: str, *more: Picture) -> Sheet:
        """A page of the new file with this one on it."""
        picture = Picture(form=self.form, matrix=self.matrix, words=words)
        return Sheet(width=self.width, height=self.height, pictures=(picture, *more))


def answer(request: Request) -> Answer:
    """What becomes of a department's file; a refusal says why."""
    try:
        return look(request) if isinstance(request, Look) else draw(request)
    except Refused as refused:
        return refused.refusal


def look(request: Look) -> Pages:
    """The sizes of the pages of a file that can be taken over.

    Raises:
        Refused: it cannot.
    """
    with open_foreign(request.pdf) as pdf:
        pages, _ = _take_over(pdf, request.pdf)
        sizes = ((page.width / POINTS_PER_MM, page.height / POINTS_PER_MM) for page in pages)
        return Pages(tuple((round(width, 2), round(height, 2)) for width, height in sizes))


def draw(request: Draw) -> Drawn:
    """The new file with the stamp at its place.

    Raises:
        Refused: the file cannot be taken over, the place is not empty or not on the page, or the seal would cover a QR.
    """
    with open_foreign(request.pdf) as pdf, Pdf.open(io.BytesIO(request.stamp)) as stamp:
        pages, bare = _take_over(pdf, request.pdf)
        if not 1 <= request.page <= len(pages):
            raise Refused("no_such_page", f"没有第 {request.page} 页", f"there is no page {request.page}")
        page = pages[request.page - 1]
        _require_room(page, request, bare)
        x = request.place.x_mm * POINTS_PER_MM
        y = page.height - request.place.bottom_mm * POINTS_PER_MM
        form = stamp.pages[0].as_form_xobject()
        block = Picture(form=form, matrix=(1, 0, 0, 1, x, y), words=request.stamp_words)
        sheets = [each.sheet(request.page_words, *((block,) if each is page else ())) for each in pages]
        return Drawn(write_file(sheets, request.title, request.attachment, _intents(pdf)))


def _require_room(page: Taken, request: Draw, bare: bytes) -> None:
    """Nothing lies where the block is to stand, and the seal covers neither it nor another QR."""
    whole = Box(0, 0, page.width / POINTS_PER_MM, page.height / POINTS_PER_MM)
    if not whole.holds(request.place):
        raise Refused("off_the_page", "二维码会超出页面", "the QR would not lie on the page")
    if any(note.meets(request.place) for note in page.notes):
        raise Refused(
            "place_not_empty",
            "放二维码的位置有批注、链接或表单域",
            "a note, a link or a field lies at the place for the QR",
        )
    require_empty(bare, request.page, request.place)
    if request.seal is None:
        return
    if not whole.holds(request.seal):
        raise Refused("seal_off_the_page", "印章会超出页面", "the seal would not lie on the page")
    if any(symbol.meets(request.seal) for symbol in (request.place, *symbols(bare, request.page))):
        raise Refused("seal_over_qr", "印章会盖住二维码", "the seal would cover a QR")


def _take_over(pdf: Pdf, data: bytes) -> tuple[list[Taken], bytes]:
    """The pages of a file, and a new file of them that looks the same."""
    notes = [_notes(page) for page in pdf.pages]
    if any(notes):
        pdf.flatten_annotations("screen")
    pages = [_taken(page, boxes) for page, boxes in zip(pdf.pages, notes, strict=True)]
    bare = write_file([page.sheet("") for page in pages], "", None)
    require_unchanged(data, bare, tuple(page.unit for page in pages))
    return pages, bare


def _intents(pdf: Pdf) -> list[Any]:
    """What colours the file means where its pages do not say so."""
    found = pdf.Root.get(Name.OutputIntents)
    listed: list[Any] = list(found) if isinstance(found, pikepdf.Array) else []
    return [pdf.make_indirect(each) for each in listed if isinstance(each, pikepdf.Dictionary)]


def _taken(page: pikepdf.Page, notes: Sequence[Rectangle]) -> Taken:
    left, bottom, right, top = _shown_box(page)
    turn, unit = _turn(page), _unit(page)
    matrix = {
        0: (1, 0, 0, 1, -left, -bottom),
        90: (0, -1, 1, 0, -bottom, right),
        180: (-1, 0, 0, -1, right, top),
        270: (0, 1, -1, 0, top, -left),
    }[turn]
    across, up = (right - left) * unit, (top - bottom) * unit
    width, height = (across, up) if turn in (0, 180) else (up, across)
    if not (min(width, height) >= LEAST_POINTS and max(width, height) <= MOST_POINTS):
        raise Refused("page_size", "页面太小或太大", "a page is too small or too large")
    for name in ("/TrimBox", "/BleedBox", "/ArtBox"):
        if name in page.obj:
            del page.obj[name]
    page.obj.CropBox = pikepdf.Array([left, bottom, right, top])
    form = page.as_form_xobject(handle_transformations=False)
    scaled = tuple(value * unit for value in matrix)
    boxes = tuple(_moved(each, scaled, height) for each in notes)
    return Taken(form=form, matrix=scaled, width=width, height=height, unit=unit, notes=boxes)


def _notes(page: pikepdf.Page) -> list[Rectangle]:
    """Where annotations and fields lie, those included that nobody sees."""
    found = page.obj.get(Name.Annots)
    if found is None:
        return []
    if not isinstance(found, pikepdf.Array):
        raise _malformed()
    return [_rectangle(note.get(Name.Rect)) if isinstance(note, pikepdf.Dictionary) else _fail() for note in found]


def _shown_box(page: pikepdf.Page) -> Rectangle:
    """What is shown of a page: the crop box, as far as it lies in the media box."""
    left, bottom, right, top = _rectangle(page.obj.get(Name.MediaBox))
    crop = page.obj.get(Name.CropBox)
    if crop is not None:
        inner = _rectangle(crop)
        left, bottom = max(left, inner[0]), max(bottom, inner[1])
        right, top = min(right, inner[2]), min(top, inner[3])
    if left >= right or bottom >= top:
        raise Refused("page_size", "页面没有大小", "a page has no size")
    return left, bottom, right, top


def _turn(page: pikepdf.Page) -> int:
    turn = page.obj.get(Name.Rotate, 0)
    if not isinstance(turn, int) or turn % 90:
        raise _malformed()
    return turn % 360


def _unit(page: pikepdf.Page) -> float:
    unit = page.obj.get(Name.UserUnit, 1)
    if not isinstance(unit, int | Decimal) or not 0 < unit <= MOST_UNIT:
        raise Refused("user_unit", "页面的单位无法识别", "the unit of a page is not known")
    return float(unit)


def _rectangle(array: Any) -> Rectangle:
    """Left, bottom, right, top, whichever corners are given."""
    if not isinstance(array, pikepdf.Array) or len(array) != 4:
        raise _malformed()
    items: list[Any] = list(array)
    numbers = [float(item) if isinstance(item, int | Decimal) else _fail() for item in items]
    (x, right), (y, top) = sorted((numbers[0], numbers[2])), sorted((numbers[1], numbers[3]))
    return x, y, right, top


def _moved(rectangle: Rectangle, matrix: Sequence[float], height: float) -> Box:
    """A rectangle of the page as a box on what is shown."""
    a, b, c, d, e, f = matrix
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in rectangle[::2] for y in rectangle[1::2]]
    xs, ys = zip(*corners, strict=True)
    mm = 1 / POINTS_PER_MM
    return Box(min(xs) * mm, (height - max(ys)) * mm, (max(xs) - min(xs)) * mm, (max(ys) - min(ys)) * mm)


def _malformed() -> Refused:
    return Refused("damaged", "已损坏，请重新导出", "it is damaged: export it anew")


def _fail() -> NoReturn:
    raise _malformed()
