"""A pool of worker processes that read PDFs."""

from datetime import datetime
from functools import partial

import msgspec

from certsvc.limited import MOST_WAITING, SECONDS, LimitedPool, Pooled
from certsvc.verify.inspection import Inspection, Request

MAX_ANSWER = 1024 * 1024
"""An attachment of 256 KiB and some checks."""

_read = partial(msgspec.msgpack.decode, type=Inspection)


class Inspector(Pooled):
    """Workers behind a queue: at most `workers` at work and `waiting` callers in line.

    Use as `async with Inspector(workers=2) as inspector`.
    """

    def __init__(self, workers: int = 2, *, seconds: float = SECONDS, waiting: int = MOST_WAITING) -> None:
        super().__init__(
            LimitedPool(
                "certsvc.verify.worker", workers=workers, most_answer=MAX_ANSWER, seconds=seconds, waiting=waiting
            )
        )

    async def inspect(
        self, pdf: bytes, roots: tuple[bytes, ...], now: datetime, others: tuple[bytes, ...] = ()
    ) -> Inspection:
        """Inspect one PDF against our roots (DER); `others` are those of authorities elsewhere that we recognise.

        Raises:
            WorkersBusy: too many are waiting already.
            UnreadableFile: the worker died of it, took too long, or gave no answer of its kind.
        """
        request = Request(pdf=pdf, roots=roots, now=now.timestamp(), others=others)
        return await self._pool.ask(msgspec.msgpack.encode(request), _read)
