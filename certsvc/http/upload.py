"""One uploaded file, read into memory piece by piece; it never touches a disk and never exceeds its limit."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Request
from multipart import (  # type: ignore[import-untyped]  # litestar's own parser, which brings no stubs
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)

from certsvc.errors import CertsvcError, FileTooLarge, InvalidInput, NotAPdf, WorkersBusy

MAX_FILE = 20 * 1024 * 1024
MOST_AROUND = 64 * 1024
"""Bytes that a form wraps around its file."""

MAX_BODY = MAX_FILE + MOST_AROUND

MAX_DRAINED = 200 * 1024 * 1024
SECONDS = 120.0
AT_ONCE = 8
MAX_FIELDS = 8
LONGEST_NAME = 200
LONGEST_TEXT = 512 * 1024
"""Of a field that is no file: the record of a receipt is the longest."""

FIELD = "file"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and the name its sender gave it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: the file, None where none was chosen, and what stands in its other fields; `too_large`
    is why the file is left out."""

    file: Upload | None
    fields: Mapping[str, str]
    too_large: FileTooLarge | None = None

    def require_file(self) -> Upload:
        """The file.

        Raises:
            InvalidInput: none was chosen.
        """
        if self.file is None:
            raise InvalidInput("没有选择文件。请先选一个 PDF。", "No file was chosen: choose a PDF first.")
        return self.file


class Uploads:
    """Reads uploads, so many at once: each may hold `most` bytes of memory."""

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS, most: int = MAX_FILE) -> None:
        self._at_once, self._seconds, self._most = at_once, seconds, most
        self._reading = 0

    async def read(self, request: Request[Any, Any, Any]) -> Upload:
        """The file in the field `file` of a multipart form (RFC 7578).

        Raises:
            InvalidInput: the form has no file.
            see `read_form`.
        """
        return (await self.read_form(request)).require_file()

    async def read_form(self, request: Request[Any, Any, Any], *, keeps_texts: bool = False) -> Sent:
        """A multipart form with at most one file, in the field `file`, and short texts. With `keeps_texts` one that is
        too large is taken without its file, for a page that shows what was typed again.

        Raises:
            NotAPdf: the body is no multipart form.
            InvalidInput: the form is malformed.
            FileTooLarge: it is larger than it may be.
            WorkersBusy: too many uploads at once.
            TimeoutError: it did not arrive in time.
        """
        chunks = _chunks(request)
        async with asyncio.timeout(self._seconds):
            try:
                return await self._take(request, chunks, keeps_texts)
            except CertsvcError:
                await _drain(chunks)
                raise

    async def _take(self, request: Request[Any, Any, Any], chunks: AsyncIterator[bytes], keeps_texts: bool) -> Sent:
        media_type, options = request.content_type
        if media_type != "multipart/form-data" or not options.get("boundary"):
            raise NotAPdf("请用表单的 file 字段上传 PDF。", "Send the PDF as the field “file” of a multipart form.")
        if not keeps_texts and (request.content_length or 0) > self._most + MOST_AROUND:
            raise _too_large(self._most)
        if self._reading >= self._at_once:
            raise WorkersBusy("核对文件的人很多，请过几秒再试。", "Many files are being checked: try again in seconds.")
        self._reading += 1
        try:
            return await _parse(chunks, options["boundary"], self._most, keeps_texts)
        finally:
            self._reading -= 1


async def _chunks(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    while True:
        event = await request.receive()
        if event["type"] != "http.request":
            raise InvalidInput("上传中断了。", "The upload was broken off.")
        yield event["body"]
        if not event.get("more_body", False):
            return


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Take the rest and throw it away: a browser that is still sending would see a broken connection, no answer."""
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_DRAINED:
            return


async def _parse(chunks: AsyncIterator[bytes], boundary: str, most: int, keeps_texts: bool) -> Sent:
    form = _Form(boundary, most)
    try:
        async for chunk in chunks:
            form.feed(chunk)
        return form.sent()
    except FileTooLarge as error:
        if not keeps_texts:
            raise
        await _drain(chunks)
        return Sent(None, form.texts(), error)
    except MultipartError:
        raise InvalidInput("上传的表单不合格式。", "The form sent is malformed.") from None


class _Form:
    """Collects the file and the texts of short fields; everything else is passed over, and counts against the limit."""

    def __init__(self, boundary: str, most: int) -> None:
        self._most = most
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_FIELDS)
        self._wanted = False
        self._name: str | None = None
        self._content = bytearray()
        self._text: str | None = None
        self._texts: dict[str, bytearray] = {}
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._most + MOST_AROUND:
            raise _too_large(self._most)
        if not chunk or self._parser.closed:
            return
        for event in self._parser.parse(chunk):
            self._take(event)

    def _take(self, event: MultipartSegment | bytes | None) -> None:
        if isinstance(event, MultipartSegment):
            self._wanted = event.name == FIELD and bool(event.filename)
            if self._wanted and self._name is not None:
                raise InvalidInput("一次只核对一个文件。", "One file at a time, please.")
            self._name = event.filename[:LONGEST_NAME] if self._wanted else self._name
            self._text = None if event.filename is not None else str(event.name)[:LONGEST_NAME]
        elif event and self._text is not None:
            text = self._texts.setdefault(self._text, bytearray())
            text += event
            if len(text) > LONGEST_TEXT:
                raise InvalidInput("表单里有一栏过长。", "A field of the form is too long.")
        elif event and self._wanted:
            self._content += event
        if len(self._content) > self._most:
            raise _too_large(self._most)

    def sent(self) -> Sent:
        self._parser.close()
        return Sent(None if self._name is None else Upload(self._name, bytes(self._content)), self.texts())

    def texts(self) -> dict[str, str]:
        return {name: text.decode("utf-8", "replace") for name, text in self._texts.items()}


def _too_large(most: int) -> FileTooLarge:
    mebibytes = most // 1024 // 1024
    return FileTooLarge(f"文件超过 {mebibytes} MiB。", f"The file is over {mebibytes} MiB.")
