"""Departments' PDFs, read and drawn on in processes of their own."""

from functools import partial
from types import TracebackType

import msgspec

from certsvc.errors import ExternalFileRefused, Problem
from certsvc.limited import LimitedPool
from certsvc.render.external_shapes import MAX_ANSWER, SECONDS, Answer, Draw, Drawn, Look, Pages, Refusal, Request

MODULE = "certsvc.render.external_worker"
_read = partial(msgspec.msgpack.decode, type=Answer)


class ForeignPages:
    """Takes over pages of others. As `async with ForeignPages(workers=2) as pages` its processes stay; else each file
    has one of its own, which ends with it."""

    def __init__(self, workers: int = 1, *, seconds: float = SECONDS) -> None:
        self._make = partial(LimitedPool, MODULE, workers=workers, most_answer=MAX_ANSWER, seconds=seconds)
        self._pool: LimitedPool | None = None

    async def __aenter__(self) -> "ForeignPages":
        self._pool = await self._make().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.__aexit__(kind, error, trace)

    async def look(self, pdf: bytes) -> tuple[tuple[float, float], ...]:
        """Width and height in millimetres of each page of a file that can be taken over.

        Raises:
            ExternalFileRefused: it cannot; it says why.
            UnreadableFile: it used up the time or the memory allowed.
            WorkersBusy: too many files are being read.
        """
        answer = await self._ask(Look(pdf))
        if not isinstance(answer, Pages):
            raise _no_answer()
        return answer.sizes_mm

    async def draw(self, asked: Draw) -> bytes:
        """The new file with our block on it: one revision, ready to be sealed.

        Raises:
            ExternalFileRefused, UnreadableFile, WorkersBusy: see `look`; the place is not empty or not on the page, or
                the seal would cover a QR.
        """
        answer = await self._ask(asked)
        if not isinstance(answer, Drawn):
            raise _no_answer()
        return answer.pdf

    async def _ask(self, request: Request) -> Answer:
        frame = msgspec.msgpack.encode(request)
        if self._pool is not None:
            answer: Answer = await self._pool.ask(frame, _read)
        else:
            async with self._make() as pool:
                answer = await pool.ask(frame, _read)
        if isinstance(answer, Refusal):
            zh, en = f"这份文件不能采用：{answer.zh}。", f"This file cannot be taken: {answer.en}."
            raise ExternalFileRefused(zh, en, problems=[Problem("file", answer.reason, zh, en)])
        return answer


def _no_answer() -> ExternalFileRefused:
    return ExternalFileRefused("这份文件读不出来。", "This file cannot be read.")
