"""Batches: many requests in one file."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from certsvc.client.errors import Problem
from certsvc.client.sending import Sender, as_shape

PATH = "/v1/batches"
NDJSON = "application/x-ndjson"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch: `counts` are rows by their state."""

    id: str
    state: str
    act: str
    type: str
    form: str
    on_wrong: str
    dry_run: bool
    sample: int
    sent_by: str
    began_at: datetime
    rows: int
    counts: Mapping[str, int]
    needed: int
    approved_by: tuple[str, ...]
    sha256: str | None
    size: int | None
    manifest: str | None
    rows_per_second: float | None = None
    ends_at: datetime | None = None


class RowError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row is wrong, failed, or waits for another try."""

    code: str
    zh: str
    en: str
    problems: tuple[Problem, ...]


class RowDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file: which sheet, and its SHA-256."""

    layout: str
    sha256: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a batch, and what became of it."""

    line: int
    key: str
    state: str
    code: str | None
    number: str | None
    identifier: str | None
    event: int | None
    documents: tuple[RowDocument, ...]
    error: RowError | None
    tries: int
    due_at: datetime | None


class Batches:
    """`api.batches`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def send(
        self,
        type_id: str,
        rows: Iterable[Mapping[str, Any]] | bytes,
        *,
        act: str = "issue",
        on_wrong: str = "refuse",
        dry_run: bool = False,
        sample: int = 0,
        key: str | None = None,
        media_type: str = NDJSON,
    ) -> Batch:
        """Send rows, each `{"key": …, "payload": {…}}` or with the `code` and `ground` of an act; or a file as it is,
        of this media type. It is checked whole before the first row is done; of a dry run, `sample` rows go through
        everything up to the real key. Raises `ApiError`."""
        content = rows if isinstance(rows, bytes) else b"\n".join(map(msgspec.json.encode, rows))
        query = {"type": type_id, "act": act, "on_wrong": on_wrong, "dry_run": str(dry_run).lower(), "sample": sample}
        answer = await self._sender.write("POST", PATH, key=key, query=query, content=content, media_type=media_type)
        return as_shape(answer, Batch)

    async def read(self, batch_id: str) -> Batch:
        """How far it has come. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{batch_id}"), Batch)

    def list(self) -> AsyncIterator[Batch]:
        """What this client sent, newest first. Raises `ApiError`."""
        return self._sender.pages(PATH, {}, Batch)

    def rows(self, batch_id: str, state: str | None = None) -> AsyncIterator[Row]:
        """Rows, with what became of them. Raises `ApiError`."""
        return self._sender.pages(f"{PATH}/{batch_id}/rows", {"state": state}, Row)

    async def manifest(self, batch_id: str) -> bytes:
        """What became of every row, as NDJSON. Raises `ApiError`."""
        return (await self._sender.read(f"{PATH}/{batch_id}/manifest")).content

    async def table(self, batch_id: str) -> bytes:
        """The same as CSV, in which no cell is a formula. Raises `ApiError`."""
        return (await self._sender.read(f"{PATH}/{batch_id}/manifest.csv")).content

    async def approve(self, batch_id: str, *, key: str | None = None) -> Batch:
        """Approve it, in one's own name. Raises `ApiError`."""
        return await self._move(batch_id, "approve", key)

    async def pause(self, batch_id: str, *, key: str | None = None) -> Batch:
        """Stop between rows. Raises `ApiError`."""
        return await self._move(batch_id, "pause", key)

    async def resume(self, batch_id: str, *, key: str | None = None) -> Batch:
        """Go on. Raises `ApiError`."""
        return await self._move(batch_id, "resume", key)

    async def cancel(self, batch_id: str, *, key: str | None = None) -> Batch:
        """Do nothing more of it. Raises `ApiError`."""
        return await self._move(batch_id, "cancel", key)

    async def retry(self, batch_id: str, *, key: str | None = None) -> Batch:
        """Try the failed rows again, and no others. Raises `ApiError`."""
        return await self._move(batch_id, "retry", key)

    async def _move(self, batch_id: str, move: str, key: str | None) -> Batch:
        return as_shape(await self._sender.write("POST", f"{PATH}/{batch_id}/{move}", key=key), Batch)
