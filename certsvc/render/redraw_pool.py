"""Pages drawn anew from what the public may see, in a process of its own: `services.PageDrawer`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec

from certsvc.domain.page import PageToDraw
from certsvc.errors import UnreadableFile
from certsvc.limited import LimitedPool
from certsvc.render.redraw_shapes import MAX_ANSWER, SECONDS, Redraw, Redrawn

MODULE = "certsvc.render.redraw_worker"
_read = partial(msgspec.msgpack.decode, type=Redrawn)


class Redrawer:
    """One process behind a queue; it has no key and no file of a certificate, only types and fonts.

    Use as `async with Redrawer(schemas, public_url) as drawer`.
    """

    def __init__(self, schemas: Path, public_url: str, fonts: Sequence[str] = ()) -> None:
        self._pool = LimitedPool(MODULE, workers=1, most_answer=MAX_ANSWER, seconds=SECONDS)
        self._schemas, self._fonts = str(schemas), tuple(fonts)
        self._host = public_url.partition("://")[2].rstrip("/")
        self._qr_prefix = f"{public_url.rstrip('/').upper()}/Q/"

    async def __aenter__(self) -> "Redrawer":
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def draw(self, page: PageToDraw) -> bytes:
        """The page as PDF, as it was drawn when it was issued, but for the seal.

        Raises:
            UnreadableFile: it cannot be drawn.
            WorkersBusy: too many are waiting already.
        """
        request = Redraw(page, self._schemas, self._fonts, self._host, self._qr_prefix)
        drawn: Redrawn = await self._pool.ask(msgspec.msgpack.encode(request), _read)
        if not drawn.pdf:
            raise UnreadableFile("这一页画不出来。", "This page cannot be drawn.")
        return drawn.pdf
