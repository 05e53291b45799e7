"""The pages of receipts, set in a process of their own: `services.ReceiptPages`."""

from collections.abc import Sequence

import msgspec

from certsvc.domain.receipt import MOST_JWS, Receipt
from certsvc.errors import Unavailable, UnreadableFile
from certsvc.render.page_process import PageProcess

MAX_REQUEST, SECONDS = 4 * MOST_JWS, 15.0
"""The first pages wait for the fonts."""


class ToSet(msgspec.Struct, frozen=True):
    """A receipt, its JWS, and folders with more fonts."""

    receipt: Receipt
    jws: str
    fonts: tuple[str, ...]


class ReceiptSetter(PageProcess):
    """Use as `async with ReceiptSetter() as setter`."""

    def __init__(self, fonts: Sequence[str] = ()) -> None:
        super().__init__("certsvc.render.receipt_worker", SECONDS)
        self._fonts = tuple(fonts)

    async def set(self, receipt: Receipt, jws: str) -> bytes:
        """The pages as `receipt_pdf` gives them.

        Raises:
            Unavailable: they cannot be set; the signed record stands without them.
            WorkersBusy: too many are waiting already.
        """
        try:
            return await self.ask(ToSet(receipt, jws, self._fonts))
        except UnreadableFile:
            raise Unavailable(
                "回执现在印不出来；签名的记录不受影响，可以先留下它。",
                "The receipt cannot be printed now; the signed record stands without it, and can be kept.",
            ) from None
