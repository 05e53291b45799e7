"""What the process that draws evidence is asked and what it answers: plain data that crosses a pipe."""

from typing import TypeAlias

import msgspec

from certsvc.domain.evidence import MOST_FILE, MOST_PAGES, MOST_PICTURE

MAX_REQUEST = MOST_FILE + 1024
MAX_ANSWER = (MOST_PAGES + 1) * MOST_PICTURE + 64 * 1024
CPU_SECONDS, SECONDS = 20, 25.0


class Draw(msgspec.Struct, frozen=True, tag=True):
    """Draw a file anew."""

    content: bytes


class Drawn(msgspec.Struct, frozen=True, tag=True):
    """The file as JPEG pictures: `kind` is photo or pdf."""

    kind: str
    thumbnail: bytes
    pages: tuple[bytes, ...]


class Undrawn(msgspec.Struct, frozen=True, tag=True):
    """Nothing was drawn, and why: a stable word of `evidence_pool.REASONS`."""

    reason: str


Answer: TypeAlias = Drawn | Undrawn
