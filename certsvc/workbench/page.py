"""A printed page as pdfium sees it: letters, paths and images with their boxes, in millimetres from the top left."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

import pypdfium2
from pypdfium2 import raw

MM = 72 / 25.4
LONGEST_NAME = 24
DEEPEST = 8
WHITE = 250


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    def overlap(self, other: "Box") -> float:
        """How much of the smaller box lies in the other, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        least = min(self.width * self.height, other.width * other.height)
        return max(0.0, across) * max(0.0, down) / max(least, 1e-6)

    def meets(self, other: "Box", slack: float) -> bool:
        """Whether they have more than `slack` in common each way."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > slack and down > slack

    def holds(self, other: "Box", slack: float) -> bool:
        """Whether the other lies within, give or take `slack`."""
        return (
            self.left - slack <= other.left
            and self.top - slack <= other.top
            and other.right <= self.right + slack
            and other.bottom <= self.bottom + slack
        )

    def distance(self, x: float, y: float) -> float:
        """From a point to the nearest of the box; 0 inside."""
        return hypot(max(self.left - x, x - self.right, 0.0), max(self.top - y, y - self.bottom, 0.0))

    def same_line(self, other: "Box") -> bool:
        """Whether the other stands on the line of this one: more than half of its height is at this height."""
        return min(self.bottom, other.bottom) - max(self.top, other.top) > min(self.height, other.height) / 2

    def wider(self, by: float) -> "Box":
        """The box with so much more on every side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def union(self, other: "Box") -> "Box":
        """The least box around both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


@dataclass(frozen=True, slots=True)
class Letter:
    """One printed character; `run` is the text it was set with, `order` when, `artifact` whether it is no content."""

    text: str
    box: Box
    run: str
    order: int
    artifact: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """A path or an image. `step` is the least distance between two corners of a path (the module of a QR)."""

    name: str
    box: Box
    order: int
    artifact: bool
    white: bool
    segments: int
    step: float


@dataclass(frozen=True, slots=True)
class Page:
    """The first page of a document of so many `pages`."""

    pages: int
    width: float
    height: float
    letters: tuple[Letter, ...]
    shapes: tuple[Shape, ...]

    @property
    def marks(self) -> Iterator[tuple[str, int, Box]]:
        """Everything on the page with its name, when it was drawn, and where."""
        for letter in self.letters:
            yield letter.run, letter.order, letter.box
        for shape in self.shapes:
            yield shape.name, shape.order, shape.box


def read_page(pdf: bytes) -> Page:
    """The geometry of the first page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0]
        height = page.get_height()
        objects = list(page.get_objects(max_depth=DEEPEST))
        places = {ctypes.addressof(each.raw.contents): order for order, each in enumerate(objects)}
        shapes = [
            _shape(each, order, height)
            for order, each in enumerate(objects)
            if each.type in (raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING)
        ]
        letters = tuple(_letters(page, places, height))
        return Page(len(document), page.get_width() / MM, height / MM, letters, tuple(shapes))
    finally:
        document.close()


def _letters(page: pypdfium2.PdfPage, places: dict[int, int], height: float) -> Iterator[Letter]:
    text = page.get_textpage()
    runs: dict[int, str] = {}
    artifacts: dict[int, bool] = {}
    found = []
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text, index))
        if character.isspace() or "\udc00" <= character <= "\udfff":
            continue
        if "\ud800" <= character <= "\udbff":  # pdfium counts in UTF-16
            both = character + chr(raw.FPDFText_GetUnicode(text, index + 1))
            character = both.encode("utf-16", "surrogatepass").decode("utf-16")
        owner = raw.FPDFText_GetTextObject(text, index)
        order = places[ctypes.addressof(owner.contents)]
        if order not in runs:
            artifacts[order] = _is_artifact(owner)
        left, bottom, right, top = text.get_charbox(index)
        runs[order] = runs.get(order, "") + character
        box = Box(left / MM, (height - top) / MM, right / MM, (height - bottom) / MM)
        found.append((character, box, order))
    for character, box, order in found:
        yield Letter(character, box, runs[order][:LONGEST_NAME], order, artifacts[order])


def _shape(drawn: pypdfium2.PdfObject, order: int, height: float) -> Shape:
    left, bottom, right, top = drawn.get_bounds()
    box = Box(left / MM, (height - top) / MM, right / MM, (height - bottom) / MM)
    is_path = drawn.type == raw.FPDF_PAGEOBJ_PATH
    segments = raw.FPDFPath_CountSegments(drawn) if is_path else 0
    what = "线条 path" if is_path else "图 picture"
    name = f"{what} ({box.left:.0f}, {box.top:.0f}) – ({box.right:.0f}, {box.bottom:.0f}) mm"
    step = _step(drawn, segments) / MM if is_path else 0.0
    return Shape(name, box, order, _is_artifact(drawn), is_path and _is_white(drawn), segments, step)


def _step(path: pypdfium2.PdfObject, segments: int) -> float:
    """The least distance between two corners that follow each other, in points on the page."""
    corners = []
    for number in range(min(segments, 400)):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        corners.append((x.value, y.value))
    steps = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(corners)]
    scale = abs(float(path.get_matrix().get()[0]))
    return min((step for step in steps if step > 1e-4), default=0.0) * scale


def _is_white(path: pypdfium2.PdfObject) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not raw.FPDFPageObj_GetFillColor(path, red, green, blue, alpha):
        return False
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(path, mode, stroke)
    return mode.value != raw.FPDF_FILLMODE_NONE and min(red.value, green.value, blue.value, alpha.value) >= WHITE


def _is_artifact(drawn: object) -> bool:
    """Whether a page object stands in marked content of the kind Artifact (ISO 32000-1, 14.8.2.2)."""
    return any(_name(drawn, number) == "Artifact" for number in range(raw.FPDFPageObj_CountMarks(drawn)))


def _name(drawn: object, number: int) -> str:
    mark, size = raw.FPDFPageObj_GetMark(drawn, number), ctypes.c_ulong()
    raw.FPDFPageObjMark_GetName(mark, None, 0, size)
    buffer = ctypes.create_string_buffer(size.value)
    raw.FPDFPageObjMark_GetName(mark, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size.value, size)
    return buffer.raw.decode("utf-16-le").rstrip("\0")
