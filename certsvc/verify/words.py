"""The text of PDF pages with its places, as pdfium finds it. Runs in a worker process only."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from certsvc.verify.looking_shapes import Box

MOST_LETTERS, MOST_CHARACTERS = 20_000, 100_000
LEVEL = 0.02
"""Radians up to which a line is level."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text on one line in one font, and its place in the picture of the page."""

    box: Box
    text: str


def plain(text: str) -> str:
    """A text as it is compared: without white space, and in one spelling of the same letters."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def runs(page: pypdfium2.PdfPage, size: tuple[int, int]) -> tuple[Run, ...]:
    """The level text of a page in pieces, one for each line and gap; `size` is that of its picture in pixels. What is
    set at an angle, as a mark across the page, is no words to compare."""
    width, height = page.get_size()
    across, down = size[0] / max(1.0, width), size[1] / max(1.0, height)

    def to_pixels(letters: "list[_Letter]") -> Run:
        left, right = min(each.left for each in letters), max(each.right for each in letters)
        bottom, top = min(each.bottom for each in letters), max(each.top for each in letters)
        box = Box(
            int(left * across), int((height - top) * down), int(right * across) + 1, int((height - bottom) * down) + 1
        )
        return Run(box, "".join(each.text for each in letters))

    return tuple(to_pixels(letters) for letters in _pieces(page.get_textpage()))


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter and its place in points, from the lower left corner."""

    text: str
    left: float
    right: float
    bottom: float
    top: float

    def goes_on(self, before: "_Letter") -> bool:
        """Whether it follows another on one line, without a gap."""
        high = max(self.top - self.bottom, before.top - before.bottom, 1.0)
        level = abs((self.top + self.bottom) - (before.top + before.bottom)) < high * 1.2
        return level and -high < self.left - before.right < high


def _pieces(text: pypdfium2.PdfTextPage) -> Iterator[list[_Letter]]:
    piece: list[_Letter] = []
    for number in range(min(text.count_chars(), MOST_LETTERS)):
        letter = _letter(text, number)
        if piece and (letter is None or not letter.goes_on(piece[-1])):
            yield piece
            piece = []
        if letter is not None:
            piece.append(letter)
    if piece:
        yield piece


def _letter(text: pypdfium2.PdfTextPage, number: int) -> _Letter | None:
    said = chr(raw.FPDFText_GetUnicode(text.raw, number))
    if said.isspace() or not said.isprintable() or abs(raw.FPDFText_GetCharAngle(text.raw, number)) > LEVEL:
        return None
    left, bottom, right, top = text.get_charbox(number)
    return _Letter(said, left, right, bottom, top)


def text_of(document: pypdfium2.PdfDocument, most: int) -> str:
    """All text of the first pages, as it is compared."""
    pages = (document[number].get_textpage() for number in range(min(len(document), most)))
    return plain("".join(page.get_text_range()[:MOST_CHARACTERS] for page in pages))
