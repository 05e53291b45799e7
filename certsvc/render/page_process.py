"""Pages are drawn in processes of their own, which have types, templates and fonts, and no key and no sealed file: a
compiler serves one at a time, and what ends it ends nothing else."""

import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from certsvc import limited
from certsvc.errors import UnreadableFile

MAX_ANSWER = 8 * 1024 * 1024
CPU_SECONDS = 10
Asked = TypeVar("Asked", bound=msgspec.Struct)


class Pages(msgspec.Struct, frozen=True):
    """The pages as PDF, without a seal; empty where they could not be drawn."""

    pdf: bytes = b""


_read = partial(msgspec.msgpack.decode, type=Pages)


class PageProcess(limited.Pooled):
    """One process of `module` behind a queue, begun when it is first asked; an answer may take so many `seconds`.

    Use as `async with`.
    """

    def __init__(self, module: str, seconds: float) -> None:
        super().__init__(limited.LimitedPool(module, workers=1, most_answer=MAX_ANSWER, seconds=seconds))

    async def ask(self, request: msgspec.Struct) -> bytes:
        """The pages as PDF.

        Raises:
            UnreadableFile: they cannot be drawn.
            WorkersBusy: too many are waiting already.
        """
        pages: Pages = await self._pool.ask(msgspec.msgpack.encode(request), _read)
        if not pages.pdf:
            raise UnreadableFile("这一页画不出来。", "This page cannot be drawn.")
        return pages.pdf


def serve(draw: Callable[[Asked], bytes], kind: type[Asked], *, most_request: int) -> None:
    """Be such a process, until the input ends: `draw` what is asked, of this `kind`."""

    def answer(frame: bytes) -> bytes:
        asked = msgspec.msgpack.decode(frame, type=kind)
        try:
            pages = Pages(draw(asked))
        except Exception:  # what was valid once may not be drawn by these types and fonts
            pages = Pages()
        return msgspec.msgpack.encode(pages)

    limited.serve(answer, sys.stdin.buffer, limited.answers(), most_request=most_request, cpu_seconds=CPU_SECONDS)
