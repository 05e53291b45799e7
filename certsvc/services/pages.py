"""Pages drawn anew."""

from typing import Protocol

from certsvc.domain.page import PageToDraw


class PageDrawer(Protocol):
    """Draws the page of a certificate from what the public may see; without seals."""

    async def draw(self, page: PageToDraw) -> bytes:
        """The page as PDF. Raises `UnreadableFile` when it cannot be drawn, `WorkersBusy` when many are waiting."""
