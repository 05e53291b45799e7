"""Pages drawn anew from what the public may see: `services.PageDrawer`."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from certsvc.domain.page import PageToDraw
from certsvc.render.page_process import PageProcess

MAX_REQUEST, SECONDS = 256 * 1024, 10.0


class Redraw(msgspec.Struct, frozen=True):
    """A page, the folders of types and fonts, and what is printed of our address."""

    page: PageToDraw
    schemas: str
    fonts: tuple[str, ...]
    host: str
    qr_prefix: str


class Redrawer(PageProcess):
    """Use as `async with Redrawer(schemas, public_url) as drawer`."""

    def __init__(self, schemas: Path, public_url: str, fonts: Sequence[str] = ()) -> None:
        super().__init__("certsvc.render.redraw_worker", SECONDS)
        self._schemas, self._fonts = str(schemas), tuple(fonts)
        self._host = public_url.partition("://")[2].rstrip("/")
        self._qr_prefix = f"{public_url.rstrip('/').upper()}/Q/"

    async def draw(self, page: PageToDraw) -> bytes:
        """The page as PDF, as it was drawn when it was issued, but for the seal.

        Raises:
            UnreadableFile, WorkersBusy: see `ask`.
        """
        return await self.ask(Redraw(page, self._schemas, self._fonts, self._host, self._qr_prefix))
