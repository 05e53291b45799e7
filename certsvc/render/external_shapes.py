"""What is asked of the process that takes over a department's PDF, and what it answers: plain data across a pipe."""

from typing import TypeAlias

import msgspec

from certsvc.domain.external import MAX_FILE

MAX_STAMP = 1024 * 1024
MAX_REQUEST = MAX_FILE + MAX_STAMP + 1024 * 1024
MAX_ANSWER = 2 * MAX_FILE
SECONDS, CPU_SECONDS = 30.0, 25


class Box(msgspec.Struct, frozen=True):
    """A rectangle on a page as it is shown: upper left corner, width and height in millimetres."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float

    @property
    def right_mm(self) -> float:
        """Its right edge."""
        return self.x_mm + self.width_mm

    @property
    def bottom_mm(self) -> float:
        """Its lower edge."""
        return self.y_mm + self.height_mm

    def holds(self, other: "Box") -> bool:
        """Whether the other lies within this one."""
        across = self.x_mm <= other.x_mm and other.right_mm <= self.right_mm
        return across and self.y_mm <= other.y_mm and other.bottom_mm <= self.bottom_mm

    def meets(self, other: "Box") -> bool:
        """Whether they have a point in common."""
        across = self.x_mm <= other.right_mm and other.x_mm <= self.right_mm
        return across and self.y_mm <= other.bottom_mm and other.y_mm <= self.bottom_mm


class Look(msgspec.Struct, frozen=True, tag="look"):
    """See whether a department's PDF can be taken over."""

    pdf: bytes


class Draw(msgspec.Struct, frozen=True, tag="draw"):
    """Take it over, with the `stamp` (one page of ours, as PDF) at its place, which must be empty. `seal` is what the
    seal's picture will cover. `page_words` and `stamp_words` are what a screen reader says of both; `attachment` is the
    data to attach."""

    pdf: bytes
    stamp: bytes
    page: int
    place: Box
    seal: Box | None
    title: str
    page_words: str
    stamp_words: str
    attachment: bytes


Request: TypeAlias = Look | Draw


class Pages(msgspec.Struct, frozen=True, tag="pages"):
    """Width and height of each page as it is shown, in millimetres."""

    sizes_mm: tuple[tuple[float, float], ...]


class Drawn(msgspec.Struct, frozen=True, tag="drawn"):
    """The new PDF: one revision, ready to be sealed."""

    pdf: bytes


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """Why not: a stable code, and what is wrong, in both languages."""

    reason: str
    zh: str
    en: str


Answer: TypeAlias = Pages | Drawn | Refusal


class Refused(Exception):
    """Ends the work on a file."""

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.refusal = Refusal(reason, zh, en)
