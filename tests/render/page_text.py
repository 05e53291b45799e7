"""What a page says and where, as pdfium reads it."""

from dataclasses import dataclass
from itertools import pairwise

import pypdfium2
from pypdfium2 import raw

MM = 72 / 25.4


@dataclass(frozen=True, slots=True)
class Letter:
    """One printed character: its box in millimetres from the left and the top edge, its size in points."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    def overlap(self, other: "Letter") -> float:
        """How much of the smaller box lies in the other, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down) / min(self.area, other.area)

    @property
    def area(self) -> float:
        """Square millimetres, never nothing."""
        return max(1e-6, (self.right - self.left) * (self.bottom - self.top))


def letters(pdf: bytes) -> list[Letter]:
    """Every character printed on the first page, in reading order, spaces and line ends left out."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    height, text = page.get_height(), page.get_textpage()
    found = []
    for index in range(text.count_chars()):
        character = chr(raw.FPDFText_GetUnicode(text, index))
        if character.isspace() or "\udc00" <= character <= "\udfff":
            continue
        if "\ud800" <= character <= "\udbff":  # pdfium counts in UTF-16
            both = character + chr(raw.FPDFText_GetUnicode(text, index + 1))
            character = both.encode("utf-16", "surrogatepass").decode("utf-16")
        left, bottom, right, top = text.get_charbox(index)
        size = raw.FPDFText_GetFontSize(text, index)
        box = (left / MM, (height - top) / MM, right / MM, (height - bottom) / MM)
        found.append(Letter(character, *box, size))
    document.close()
    return found


def page_text(pdf: bytes) -> str:
    """What a person gets who copies all text, without line ends."""
    document = pypdfium2.PdfDocument(pdf)
    text = str(document[0].get_textpage().get_text_range())
    document.close()
    return text.replace("\r", "").replace("\n", "")


def find(page: list[Letter], text: str) -> list[Letter]:
    """The letters of the first place where `text` (without spaces) stands."""
    wanted = text.replace(" ", "")
    start = "".join(letter.text for letter in page).index(wanted)
    return page[start : start + len(wanted)]


def collisions(page: list[Letter], tolerance: float = 0.12) -> list[tuple[Letter, Letter]]:
    """Pairs of letters that print over each other."""
    by_top = sorted(page, key=lambda letter: letter.top)
    tallest = max(letter.bottom - letter.top for letter in page)
    found = []
    for place, letter in enumerate(by_top):
        for other in by_top[place + 1 :]:
            if other.top > letter.top + tallest:
                break
            if letter.overlap(other) > tolerance:
                found.append((letter, other))
    return found


def lines(page: list[Letter]) -> int:
    """How many lines letters in reading order stand on."""
    return 1 + sum(after.left < before.left for before, after in pairwise(page))
