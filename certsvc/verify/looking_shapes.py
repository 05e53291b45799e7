"""What a process that looks at pictures is asked and what it answers: plain data that crosses a pipe."""

from typing import TypeAlias

import msgspec

MAX_FILE = 20 * 1024 * 1024
MAX_ANSWER = 8 * 1024 * 1024
CPU_SECONDS, SECONDS = 15, 20.0
MOST_PAGES, MOST_DIFFERENCES, MOST_TEXT = 4, 30, 300


class Read(msgspec.Struct, frozen=True, tag=True):
    """Read the QR codes in a photo."""

    picture: bytes


class Compare(msgspec.Struct, frozen=True, tag=True):
    """Hold a PDF against the sealed one, where there is one, and say which of `texts` stand in it. `aside` are places
    on the sealed pages that are not compared: page, then left, top, right and bottom as parts of the page."""

    yours: bytes
    sealed: bytes | None
    texts: tuple[str, ...] = ()
    aside: tuple[tuple[int, float, float, float, float], ...] = ()


class Code(msgspec.Struct, frozen=True):
    """A QR code of the form of ours: the host it leads to, in small letters, and the digits."""

    host: str
    digits: str


class Codes(msgspec.Struct, frozen=True, tag=True):
    """What was read in a photo; `others` is how many QR codes of other forms are in it."""

    ours: tuple[Code, ...]
    others: int


class Unseen(msgspec.Struct, frozen=True, tag=True):
    """Nothing could be seen: why, as a stable code."""

    reason: str


class Box(msgspec.Struct, frozen=True):
    """A place in a picture, in its pixels."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: "Box") -> bool:
        """Whether the two have something in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Side(msgspec.Struct, frozen=True):
    """One page as a picture (PNG)."""

    png: bytes
    width: int
    height: int


class Pair(msgspec.Struct, frozen=True):
    """A page of either file under the same number, from 1; one of them may be missing."""

    page: int
    sealed: Side | None
    yours: Side | None


class Difference(msgspec.Struct, frozen=True):
    """One place that differs. `how` says how it was found: `text` (other words), `picture` (it looks otherwise, and the
    words, if there are any, are the same), `hidden` (text that nobody sees), `size` (a page of another size), `page` (a
    page more or less)."""

    page: int
    how: str
    sealed: Box | None = None
    yours: Box | None = None
    sealed_text: str = ""
    yours_text: str = ""


class Compared(msgspec.Struct, frozen=True, tag=True):
    """Pages with differences, and the differences in reading order. `complete` says that all pages were compared and
    all differences listed; `found` which of the texts asked for stand in the file, none where it has no text."""

    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    complete: bool
    found: tuple[bool, ...] = ()


Request: TypeAlias = Read | Compare
Answer: TypeAlias = Codes | Compared | Unseen
