"""Pages drawn in processes of their own."""

from typing import Protocol

from certsvc.domain.page import PageToDraw
from certsvc.domain.preview import ToPreview
from certsvc.domain.receipt import Receipt


class PageDrawer(Protocol):
    """Draws the page of a certificate from what the public may see; without seals."""

    async def draw(self, page: PageToDraw) -> bytes:
        """The page as PDF. Raises `UnreadableFile` when it cannot be drawn, `WorkersBusy` when many are waiting."""


class PreviewDrawer(Protocol):
    """Draws a draft as it will be, marked as not valid on all of the sheet."""

    async def draw(self, asked: ToPreview) -> bytes:
        """The page, as PDF or PNG. Raises `PayloadInvalid` with the field that cannot be set, `UnreadableFile`,
        `WorkersBusy`."""


class ReceiptPages(Protocol):
    """Sets the pages of a receipt, without a seal."""

    async def set(self, receipt: Receipt, jws: str) -> bytes:
        """The pages as PDF, the JWS attached. Raises `Unavailable` when they cannot be set, `WorkersBusy` when many are
        waiting."""
