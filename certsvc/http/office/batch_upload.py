"""The body of a batch, taken in as it comes: a few at once, none with a long pause, none held in memory."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from certsvc.domain.batch import Form
from certsvc.errors import InvalidInput, WorkersBusy, WrongMediaType
from certsvc.http.routes import Asked

FORMS = {"application/x-ndjson": Form.NDJSON, "text/csv": Form.CSV}
AT_ONCE = 4
MOST_DRAINED = 32 * 1024 * 1024
PAUSE_SECONDS = 30.0
"""After so long without a byte an upload counts as broken off."""

SAID = (
    'NDJSON: a JSON object a line, `{"key": …, "payload": {…}}`, or for an act `{"key": …, "code": …, "ground": {…}, '
    '"payload": {…}}`. CSV (RFC 4180): the first record names the columns: fields of the type\'s schema, and `_key`, '
    "`_code`, `_issued_by`, `_reason_code`, `_reason` and so on; entries of a list are joined by `;`; UTF-8, or "
    "`charset=gb18030`. At most a million rows, 64 KiB each, 2 GiB in all."
)


@dataclass
class BatchBody(Operation):
    """An operation whose body litestar does not read, and so does not describe."""

    def __post_init__(self) -> None:
        lines = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        content = {name: OpenAPIMediaType(schema=lines) for name in FORMS}
        self.request_body = RequestBody(content=content, description=SAID, required=True)


def form_of(request: Asked) -> tuple[Form, str]:
    """How the rows are written, and in which charset.

    Raises:
        WrongMediaType: in no way that is read here.
    """
    media_type, options = request.content_type
    if media_type not in FORMS:
        raise WrongMediaType(
            "请用 Content-Type: application/x-ndjson 或 text/csv。",
            "Use Content-Type: application/x-ndjson or text/csv.",
        )
    return FORMS[media_type], options.get("charset", "utf-8")


class Doorway:
    """Lets in some uploads at once."""

    def __init__(self, at_once: int = AT_ONCE, seconds: float = PAUSE_SECONDS) -> None:
        self._left, self._seconds = at_once, seconds

    async def chunks(self, request: Asked) -> AsyncGenerator[bytes, None]:
        """The body of a request, as it comes.

        Raises:
            WorkersBusy: too many uploads at once.
            InvalidInput: it was broken off.
            TimeoutError: it paused for too long.
        """
        if self._left <= 0:
            raise WorkersBusy("正在接收的批次太多，请稍后再送。", "Too many batches are being received: send it later.")
        self._left -= 1
        try:
            while True:
                event = await asyncio.wait_for(request.receive(), self._seconds)
                if event["type"] != "http.request":
                    raise InvalidInput("上传中断了。", "The upload was broken off.")
                yield event["body"]
                if not event.get("more_body", False):
                    return
        finally:
            self._left += 1


async def drain(chunks: AsyncGenerator[bytes, None]) -> None:
    """Take the rest of what was refused and throw it away, up to a limit: whoever is still sending would see a broken
    connection, and no answer."""
    size = 0
    with suppress(InvalidInput, TimeoutError):
        async for chunk in chunks:
            size += len(chunk)
            if size > MOST_DRAINED:
                return
