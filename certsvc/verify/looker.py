"""A pool of worker processes that look at photos and compare pages."""

from functools import partial

import msgspec

from certsvc.errors import UnreadableFile
from certsvc.limited import LimitedPool, Pooled
from certsvc.verify.looking_shapes import MAX_ANSWER, SECONDS, Answer, Codes, Compare, Compared, Read, Unseen

MODULE = "certsvc.verify.looking_worker"
_read = partial(msgspec.msgpack.decode, type=Answer)


class Looker(Pooled):
    """Processes apart from those that read files for a verdict: comparing never delays one.

    Use as `async with Looker(workers=1) as looker`.
    """

    def __init__(self, workers: int = 1, *, seconds: float = SECONDS) -> None:
        super().__init__(LimitedPool(MODULE, workers=workers, most_answer=MAX_ANSWER, seconds=seconds))

    async def read(self, picture: bytes) -> Codes | Unseen:
        """The QR codes in a photo.

        Raises:
            UnreadableFile: it used up the time or the memory allowed.
            WorkersBusy: too many are waiting already.
        """
        answer: Answer = await self._pool.ask(msgspec.msgpack.encode(Read(picture)), _read)
        if isinstance(answer, Compared):
            raise UnreadableFile("这张照片读不出来。", "This photo cannot be read.")
        return answer

    async def compare(self, asked: Compare) -> Compared | Unseen:
        """Where two files differ.

        Raises:
            UnreadableFile, WorkersBusy: see `read`.
        """
        answer: Answer = await self._pool.ask(msgspec.msgpack.encode(asked), _read)
        if isinstance(answer, Codes):
            raise UnreadableFile("这个文件读不出来。", "This file cannot be read.")
        return answer
