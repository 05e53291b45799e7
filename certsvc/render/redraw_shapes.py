"""What the process that draws pages anew is asked."""

import msgspec

from certsvc.domain.page import PageToDraw

MAX_REQUEST, MAX_ANSWER = 256 * 1024, 8 * 1024 * 1024
CPU_SECONDS, SECONDS = 10, 10.0


class Redraw(msgspec.Struct, frozen=True):
    """A page, the folders of types and fonts, and what is printed of our address."""

    page: PageToDraw
    schemas: str
    fonts: tuple[str, ...]
    host: str
    qr_prefix: str


class Redrawn(msgspec.Struct, frozen=True):
    """The page as PDF, without a seal; empty where it could not be drawn."""

    pdf: bytes = b""
