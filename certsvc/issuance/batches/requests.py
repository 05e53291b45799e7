"""Batches as those who send and approve them have them: received as they come in, moved, approved, read."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.domain.actor import Actor, area_of
from certsvc.domain.acts import ACTS, Makes
from certsvc.domain.approval import persons_needed
from certsvc.domain.batch import (
    LATELY,
    Batch,
    BatchEvent,
    BatchMove,
    BatchRequest,
    BatchRow,
    BatchState,
    NewRow,
    Progress,
    RowState,
)
from certsvc.domain.external import external_type
from certsvc.domain.scope import APPROVE
from certsvc.errors import Forbidden, KeyReused, NotFound
from certsvc.issuance.batches.reading import Upload
from certsvc.issuance.batches.secrets import open_error, sealed_row
from certsvc.issuance.batches.table import columns_of
from certsvc.issuance.service import Issuing
from certsvc.issuance.sheets import seals_bound
from certsvc.store.batches import KeptRow, PostgresBatches, SealedRow
from certsvc.store.manifests import FileManifests

CHUNK_ROWS, CHUNK_BYTES = 500, 1024 * 1024
"""Rows are kept so many at a time, or so many bytes of them."""

BY_SENDER = frozenset({BatchMove.PAUSE, BatchMove.RESUME, BatchMove.CANCEL, BatchMove.RETRY})
"""What whoever sent a batch may do with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOffice:
    """What receiving and showing batches needs; `issuing` may be without keys."""

    batches: PostgresBatches
    issuing: Issuing
    manifests: FileManifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """An upload whose last byte has come in, and the batch it is. One that was `known` before was only counted."""

    batch: Batch
    known: bool
    sha256: bytes
    size: int


async def receive(
    office: BatchOffice,
    actor: Actor,
    request: BatchRequest,
    chunks: AsyncIterator[bytes],
    now: datetime,
    charset: str = "utf-8",
) -> Receipt:
    """Take in an upload as it comes. Broken off, it may be sent again from the start under the same key.

    Raises:
        Forbidden: the actor may not do this, or manages or audits a seal that it needs.
        NotFound: there is no such type.
        SealRefused: there are not as many seals for this type as it has places for them.
        InvalidInput, MessageTooLarge: see `Upload`.
        Conflict: another upload under the same key has begun.
    """
    kind = office.issuing.catalog.latest(request.type_id)
    await _require_may(office, actor, request)
    upload = Upload(request, columns_of(kind, request.act), charset)
    by_policy = kind.policy.approval is not None
    needed = persons_needed(request.act, kind.category, type_needs_approval=by_policy, mass=True)
    batch, is_new = await office.batches.begin(request, needed, now)
    if is_new:
        await _take_in(office, batch, upload, chunks)
    else:
        async for chunk in chunks:
            upload.count(chunk)
    return Receipt(batch=batch, known=not is_new, sha256=upload.sha256, size=upload.size)


async def conclude(office: BatchOffice, receipt: Receipt, request: BatchRequest, now: datetime) -> Batch:
    """The upload is complete: from now on its rows are checked. The same again is the same batch.

    Raises:
        KeyReused: the key was used for other content.
        Conflict: another upload under the same key has begun.
    """
    batch = await office.batches.batch(receipt.batch.id)
    if batch.state is BatchState.RECEIVING:
        return await office.batches.received(batch, receipt.sha256, receipt.size, now)
    if batch.sha256 != receipt.sha256 or _asked(batch.request) != _asked(request):
        raise KeyReused(
            f"请求编号 {request.key} 已用于别的批次。", f"The request key {request.key} was used for another batch."
        )
    return batch


async def find(office: BatchOffice, actor: Actor, batch_id: str) -> Batch:
    """A batch that the actor sent, or may approve.

    Raises:
        NotFound: there is none, for this actor.
    """
    batch = await office.batches.batch(batch_id)
    if batch.request.client != actor.name and not (batch.needed and _approves(office, actor, batch.request.type_id)):
        raise NotFound(f"没有批次 {batch_id}。", f"There is no batch {batch_id}.")
    return batch


async def listed(office: BatchOffice, actor: Actor, before: int | None, limit: int) -> Sequence[Batch]:
    """What the actor sent, and what waits for its approval; newest first, before a number."""
    types = {kind.id for kind in office.issuing.catalog}
    approves = [type_id for type_id in types if _approves(office, actor, type_id)]
    return await office.batches.batches(actor.name, approves, before, limit)


async def move(office: BatchOffice, actor: Actor, batch_id: str, asked: BatchMove, now: datetime) -> Batch:
    """Pause, resume or cancel a batch, or try its failed rows again; it takes effect between rows.

    Raises:
        NotFound: there is no such batch of this actor.
        Forbidden: only who sent it may.
        ActNotAllowed: its state does not allow it.
    """
    batch = await find(office, actor, batch_id)
    if batch.request.client != actor.name or asked not in BY_SENDER:
        raise Forbidden("只有送来批次的一方能这样做。", "Only who sent a batch may do this.")
    return await office.batches.move(batch, asked, actor.name, now)


async def approve_batch(office: BatchOffice, actor: Actor, batch_id: str, now: datetime) -> Batch:
    """A person approves a batch; with the last approval that is needed its rows are done. Again is once.

    Raises:
        NotFound: there is no such batch for this actor.
        Forbidden: the actor sent the batch.
        ActNotAllowed: it does not wait for approval.
    """
    batch = await find(office, actor, batch_id)
    if batch.request.client == actor.name:
        raise Forbidden("不能批准自己送来的批次。", "Nobody approves a batch of their own.")
    return await office.batches.approve(batch, actor.name, now)


def _approves(office: BatchOffice, actor: Actor, type_id: str) -> bool:
    """Whether this is somebody to approve batches of a type: under every seal that its rows may get, be the pages ours
    or laid out elsewhere."""
    if not actor.may(APPROVE, type_id):
        return False
    keys = office.issuing.keys
    seals = [seal for bound in (type_id, external_type(type_id)) for seal in seals_bound(keys, bound)]
    return all(actor.may(APPROVE, type_id, (seal.id,), area_of(seal.owner_uscc)) for seal in seals)


async def rows(office: BatchOffice, batch: Batch, state: RowState | None, after: int, limit: int) -> Sequence[BatchRow]:
    """Rows after a line, in their order, with what became of them."""
    documents = ACTS[batch.request.act].makes is not Makes.NOTHING
    kept = await office.batches.rows(batch, state, after, limit, documents=documents)
    return [_shown(office, batch, row) for row in kept]


async def progress(office: BatchOffice, batch: Batch, now: datetime) -> Progress:
    """How fast a batch goes on."""
    if batch.state is not BatchState.RUNNING:
        return Progress(rows_per_second=0.0, ends_at=None)
    a_second = await office.batches.ended_lately(batch, now) / LATELY.total_seconds()
    left = batch.counts[RowState.READY]
    return Progress(
        rows_per_second=round(a_second, 2), ends_at=now + timedelta(seconds=left / a_second) if a_second else None
    )


def manifest(office: BatchOffice, batch: Batch) -> Iterator[bytes]:
    """What became of every row, line by line.

    Raises:
        NotFound: it has not come to its end.
    """
    if batch.manifest is None or batch.state not in (BatchState.FINISHED, BatchState.CANCELLED):
        raise NotFound("批次尚未办结，还没有清单。", "The batch has not come to its end: there is no manifest yet.")
    return office.manifests.lines(batch.manifest)


async def history(office: BatchOffice, batch: Batch) -> Sequence[BatchEvent]:
    """How a batch went on."""
    return await office.batches.events(batch)


async def _require_may(office: BatchOffice, actor: Actor, request: BatchRequest) -> None:
    """What no row could mend is said before the first comes in."""
    actor.require(request.act, request.type_id)
    if ACTS[request.act].makes is Makes.NOTHING:
        return
    seals = office.issuing.keys.seals_for(request.type_id)
    for seal in seals:
        actor.require(request.act, request.type_id, (seal.id,), area_of(seal.owner_uscc))
    await office.issuing.register.require_may_use(actor.name, [seal.id for seal in seals])


async def _take_in(office: BatchOffice, batch: Batch, upload: Upload, chunks: AsyncIterator[bytes]) -> None:
    held: list[SealedRow] = []
    size = 0

    async def keep(found: NewRow) -> None:
        nonlocal size
        sealed = sealed_row(office.issuing.cipher, batch.id, found)
        held.append(sealed)
        size += len(sealed.sealed or b"")
        if len(held) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            await flush()

    async def flush() -> None:
        nonlocal size
        if held:
            await office.batches.add_rows(batch, office.issuing.cipher.key_id, held)
        held.clear()
        size = 0

    async for chunk in chunks:
        for found in upload.feed(chunk):
            await keep(found)
    for found in upload.finish():
        await keep(found)
    await flush()


def _asked(request: BatchRequest) -> tuple[object, ...]:
    """What a request asks for, beside who asks."""
    wanted = request.act, request.type_id, request.form, request.on_wrong, request.dry_run, request.sample
    return tuple(wanted)


def _shown(office: BatchOffice, batch: Batch, row: KeptRow) -> BatchRow:
    error = None
    if row.error_code and row.sealed_error and row.error_key_id:
        cipher = office.issuing.cipher
        error = open_error(cipher, batch.id, row.line, row.error_code, row.sealed_error, row.error_key_id)
    return BatchRow(
        line=row.line,
        key=row.key,
        state=row.state,
        ref=row.ref,
        number=row.number,
        identifier=row.identifier,
        event=row.event,
        documents=row.documents,
        error=error,
        tries=row.tries,
        due_at=row.due_at,
    )
