"""What `/v1/batches` shows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from certsvc.domain.acts import Act
from certsvc.domain.batch import (
    Batch,
    BatchEvent,
    BatchMove,
    BatchRow,
    BatchState,
    Form,
    OnWrong,
    Progress,
    RowError,
    RowState,
)

PATH = "/v1/batches"


class BatchEventShape(msgspec.Struct, frozen=True, kw_only=True):
    """How it went on: what was done, by whom, and the state from then on."""

    move: BatchMove
    state: BatchState
    by: str
    at: datetime


class BatchShape(msgspec.Struct, frozen=True, kw_only=True):
    """A batch. `counts` are rows by their state; `needed` is how many persons must approve it; `sha256` and `size` are
    of the upload; `manifest` is the SHA-256 of the manifest, once there is one; `rows_per_second` is the pace of the
    last minute, `ends_at` when the last row will be done if it goes on so."""

    id: str
    state: BatchState
    act: Act
    type: str
    form: Form
    on_wrong: OnWrong
    dry_run: bool
    sample: int
    sent_by: str
    began_at: datetime
    rows: int
    counts: Mapping[RowState, int]
    needed: int
    approved_by: list[str]
    sha256: str | None
    size: int | None
    manifest: str | None
    rows_per_second: float | None = None
    ends_at: datetime | None = None
    history: list[BatchEventShape] | None = None


class RowProblemShape(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a row: where, a stable code, and what to do."""

    field: str
    code: str
    zh: str
    en: str


class RowErrorShape(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row is wrong, failed, or waits for another try."""

    code: str
    zh: str
    en: str
    problems: list[RowProblemShape]


class RowDocumentShape(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file: which sheet, and its SHA-256."""

    layout: str
    sha256: str


class RowShape(msgspec.Struct, frozen=True, kw_only=True):
    """A row: its line in the upload, the key that the sender gave it (else the line), and what became of it: the
    certificate, or the error. One that is `ready` and has an error is tried again at `due_at`."""

    line: int
    key: str
    state: RowState
    code: str | None
    number: str | None
    identifier: str | None
    event: int | None
    documents: list[RowDocumentShape]
    error: RowErrorShape | None
    tries: int
    due_at: datetime | None


def batch_shape(
    batch: Batch, progress: Progress | None = None, history: Sequence[BatchEvent] | None = None
) -> BatchShape:
    """A batch as the API shows it."""
    request = batch.request
    return BatchShape(
        id=batch.id,
        state=batch.state,
        act=request.act,
        type=request.type_id,
        form=request.form,
        on_wrong=request.on_wrong,
        dry_run=request.dry_run,
        sample=request.sample,
        sent_by=request.client,
        began_at=batch.began_at,
        rows=batch.rows,
        counts=batch.counts,
        needed=batch.needed,
        approved_by=[*batch.approved_by],
        sha256=_hex(batch.sha256),
        size=batch.size,
        manifest=_hex(batch.manifest),
        rows_per_second=progress.rows_per_second if progress else None,
        ends_at=progress.ends_at if progress else None,
        history=None if history is None else [_event(event) for event in history],
    )


def row_shape(row: BatchRow) -> RowShape:
    """A row as the API shows it."""
    return RowShape(
        line=row.line,
        key=row.key,
        state=row.state,
        code=row.ref.typed_code if row.ref else None,
        number=row.number,
        identifier=row.identifier,
        event=row.event,
        documents=[RowDocumentShape(layout=layout, sha256=sha256.hex()) for layout, sha256 in row.documents],
        error=None if row.error is None else _error(row.error),
        tries=row.tries,
        due_at=row.due_at,
    )


def _error(error: RowError) -> RowErrorShape:
    problems = [RowProblemShape(field=one.field, code=one.code, zh=one.zh, en=one.en) for one in error.problems]
    return RowErrorShape(code=error.code, zh=error.zh, en=error.en, problems=problems)


def _event(event: BatchEvent) -> BatchEventShape:
    return BatchEventShape(move=event.move, state=event.state, by=event.by, at=event.at)


def _hex(digest: bytes | None) -> str | None:
    return digest.hex() if digest else None
