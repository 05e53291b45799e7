"""Pages as they will be, drawn before they are sealed: `services.PreviewDrawer`.

What is drawn says on all of the sheet that it is not valid, and has no QR, no code and no data that could be taken for
ours. It is drawn in a process of its own, which has types, templates and fonts, and no key.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from certsvc import limited
from certsvc.domain.certificate import Issuer
from certsvc.domain.preview import PreviewForm, ToPreview
from certsvc.errors import PayloadInvalid, Problem, UnreadableFile

MAX_REQUEST, MAX_ANSWER, SECONDS, CPU_SECONDS = 512 * 1024, 8 * 1024 * 1024, 15.0, 10


class PreviewAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A draft to be drawn, the folders of types and fonts, and the host that is printed."""

    type_id: str
    payload: dict[str, Any]
    issuer: Issuer
    on: date
    form: PreviewForm
    replaces: str | None
    schemas: str
    fonts: tuple[str, ...]
    host: str


class PreviewDrawn(msgspec.Struct, frozen=True, kw_only=True):
    """The file; where it could not be drawn the field and why, in both languages, or nothing."""

    file: bytes = b""
    field: str = ""
    zh: str = ""
    en: str = ""


_read = partial(msgspec.msgpack.decode, type=PreviewDrawn)


class Previewer(limited.Pooled):
    """Use as `async with Previewer(schemas, public_url) as previews`."""

    def __init__(self, schemas: Path, public_url: str, fonts: Sequence[str] = ()) -> None:
        self._schemas, self._fonts = str(schemas), tuple(fonts)
        self._host = public_url.partition("://")[2].rstrip("/")
        module = "certsvc.render.preview_worker"
        super().__init__(limited.LimitedPool(module, workers=1, most_answer=MAX_ANSWER, seconds=SECONDS))

    async def draw(self, asked: ToPreview) -> bytes:
        """The page, as PDF or as a picture (PNG).

        Raises:
            PayloadInvalid: a field cannot be set on the page, by field.
            UnreadableFile: it cannot be drawn.
            WorkersBusy: too many are waiting already.
        """
        request = PreviewAsked(
            type_id=asked.type_id,
            payload=dict(asked.payload),
            issuer=asked.issuer,
            on=asked.on,
            form=asked.form,
            replaces=asked.replaces,
            schemas=self._schemas,
            fonts=self._fonts,
            host=self._host,
        )
        drawn: PreviewDrawn = await self._pool.ask(msgspec.msgpack.encode(request), _read)
        if drawn.field:
            problem = Problem(drawn.field, "cannot_be_drawn", drawn.zh, drawn.en)
            raise PayloadInvalid(drawn.zh, drawn.en, problems=[problem])
        if not drawn.file:
            raise UnreadableFile("这一页画不出来。", "This page cannot be drawn.")
        return drawn.file
