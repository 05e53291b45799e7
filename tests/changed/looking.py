"""Looking and drawing in this process, as the workers do it."""

import asyncio

from certsvc.domain.page import PageToDraw
from certsvc.render.redraw_pool import Redraw
from certsvc.render.redraw_worker import redraw
from certsvc.verify.looking_shapes import Codes, Compare, Compared, Read, Unseen
from certsvc.verify.looking_worker import answer


class LookedHere:
    """`Looker` without a process around it."""

    async def read(self, picture: bytes) -> Codes | Unseen:
        """The codes in a photo."""
        found = await asyncio.to_thread(answer, Read(picture))
        assert not isinstance(found, Compared)
        return found

    async def compare(self, asked: Compare) -> Compared | Unseen:
        """Where two files differ."""
        found = await asyncio.to_thread(answer, asked)
        assert not isinstance(found, Codes)
        return found


class DrawnHere:
    """`services.PageDrawer` without a process around it; it counts what it drew."""

    def __init__(self) -> None:
        self.drawn: list[PageToDraw] = []

    async def draw(self, page: PageToDraw) -> bytes:
        """The page as PDF."""
        from seal_workshop import ROOT, URL

        self.drawn.append(page)
        host = URL.partition("://")[2]
        return await asyncio.to_thread(redraw, Redraw(page, str(ROOT / "schemas"), (), host, f"{URL.upper()}/Q/"))


LOOKER = LookedHere()
