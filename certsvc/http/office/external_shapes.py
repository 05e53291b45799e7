"""What is answered of pages that were laid out elsewhere."""

import msgspec


class PageSizeShape(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is shown."""

    width_mm: float
    height_mm: float


class TakenFileShape(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was taken, to be named in an order by its digest."""

    sha256: str
    size: int
    pages: list[PageSizeShape]
