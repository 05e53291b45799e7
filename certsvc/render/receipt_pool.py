"""Receipts are set in a process of their own: a compiler serves one at a time, and what ends it ends no key."""

from collections.abc import Sequence
from functools import partial
from types import TracebackType

import msgspec

from certsvc.domain.receipt import Receipt
from certsvc.errors import Unavailable, UnreadableFile
from certsvc.limited import LimitedPool
from certsvc.render.receipt_worker import MAX_ANSWER, SECONDS, Pages, ToSet

MODULE = "certsvc.render.receipt_worker"
_read = partial(msgspec.msgpack.decode, type=Pages)


class ReceiptSetter:
    """One process behind a queue, begun when the first receipt is printed.

    Use as `async with ReceiptSetter() as setter`.
    """

    def __init__(self, fonts: Sequence[str] = ()) -> None:
        self._pool = LimitedPool(MODULE, workers=1, most_answer=MAX_ANSWER, seconds=SECONDS)
        self._fonts = tuple(fonts)

    async def __aenter__(self) -> "ReceiptSetter":
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def set(self, receipt: Receipt, jws: str) -> bytes:
        """The pages as `receipt_pdf` gives them.

        Raises:
            Unavailable: they cannot be set; the signed record stands without them.
            WorkersBusy: too many are waiting already.
        """
        request = msgspec.msgpack.encode(ToSet(receipt, jws, self._fonts))
        try:
            pages: Pages = await self._pool.ask(request, _read)
        except UnreadableFile:
            pages = Pages()
        if not pages.pdf:
            raise Unavailable(
                "回执现在印不出来；签名的记录不受影响，可以先留下它。",
                "The receipt cannot be printed now; the signed record stands without it, and can be kept.",
            )
        return pages.pdf
