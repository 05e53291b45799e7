"""What is to be done for batches beside their rows: the check, the moves that follow, the manifest, and what is swept.

Every step is safe to be killed in and to be taken by several workers at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from certsvc.domain.batch import BatchMove, BatchState, OnWrong, RowError, TakenRow, is_sample, row_key
from certsvc.errors import ActNotAllowed, CertsvcError
from certsvc.issuance.batches.checks import (
    CRASHED,
    INTERNAL,
    LATER,
    Checking,
    EndsItsWorker,
    require_sound,
    row_error,
    twice,
)
from certsvc.issuance.batches.manifest import write_manifest
from certsvc.issuance.batches.secrets import open_content, sealed_error
from certsvc.issuance.batches.work import PROGRAM, BatchWorker, MayNotCall
from certsvc.store.batch_work import Open, Verdict
from certsvc.store.batches import KeptRow

CHECKED_AT_ONCE = 100
"""Rows that one worker checks in one transaction."""

PAGE = 1000


async def tend(worker: BatchWorker) -> bool:
    """Take the next step for every batch that needs one; False when none was taken. Trouble with one batch does not
    hold up the others.

    Raises:
        Exception: the first trouble, after all were looked at: the database does not answer, a row cannot be checked
            now, a manifest cannot be written, or something that nobody foresaw.
    """
    now = worker.issuing.clock()
    took, troubles = False, []
    for batch in await worker.work.open(now):
        try:
            took |= await _STEPS[batch.state](worker, batch, now)
        except Exception as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return took


async def _abandon(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    return await _move(worker, batch, [BatchMove.ABANDON], now)


async def _give_up(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    return await _move(worker, batch, [BatchMove.CANCEL], now)


async def _sweep(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    if not await worker.work.sweep_some(batch.number):
        await worker.work.sweep(batch.number)
    return True


async def _check(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    if not batch.received:
        return await _conclude_check(worker, batch, now)
    try:
        return await _check_some(worker, batch, now)
    except MayNotCall:
        return await _move(worker, batch, [BatchMove.CANCEL], now)


async def _forget(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    if not await worker.work.forget_some(batch.number):
        await worker.work.close(batch.number)
    return True


async def _check_some(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    actor = await worker.actor(batch.by, batch.scopes)
    checking = Checking(actor=actor, client=batch.by, act=batch.act, type_id=batch.type_id)
    async with worker.work.to_check(batch.number, CHECKED_AT_ONCE) as at_hand:
        if not at_hand.rows:
            return False
        async with at_hand.begun(now) as may:
            verdicts = [await _verdict(worker, batch, checking if may else None, row, now) for row in at_hand.rows]
            await at_hand.checked(verdicts, worker.issuing.cipher.key_id)
            return True


async def _verdict(
    worker: BatchWorker, batch: Open, checking: Checking | None, row: TakenRow, now: datetime
) -> Verdict:
    """What the check says; without `checking`, that the row ends whoever checks it."""
    if checking is None:
        worker.unexpected(row_key(batch.id, row.line), EndsItsWorker())
    error = CRASHED if checking is None else await _wrong(worker, batch, checking, row, now)
    if error is None:
        return Verdict(line=row.line)
    words = sealed_error(worker.issuing.cipher, batch.id, row.line, error)
    return Verdict(line=row.line, error_code=error.code, sealed_error=words)


async def _wrong(worker: BatchWorker, batch: Open, checking: Checking, row: TakenRow, now: datetime) -> RowError | None:
    """What is wrong with a row."""
    if row.twice is not None:
        return twice(row.twice)
    assert row.content is not None, "what is received is kept"
    assert row.content_key_id is not None
    rehearsed = batch.dry_run and is_sample(row.line, batch.rows, batch.sample)
    try:
        content = open_content(worker.issuing.cipher, batch.id, row.line, row.content, row.content_key_id)
        await require_sound(worker.issuing, checking, content, row_key(batch.id, row.line), now, rehearsed=rehearsed)
    except LATER:
        raise
    except CertsvcError as error:
        return row_error(error)
    except Exception as error:
        worker.unexpected(row_key(batch.id, row.line), error)
        return INTERNAL
    return None


async def _conclude_check(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    if batch.ready == 0 or (batch.wrong and batch.on_wrong is OnWrong.REFUSE):
        moves = [BatchMove.REFUSE]
    elif batch.dry_run:
        moves = [BatchMove.PASS]
    else:
        moves = [BatchMove.PASS, BatchMove.ASK if batch.needed else BatchMove.RUN]
    return await _move(worker, batch, moves, now)


async def _end(worker: BatchWorker, batch: Open, now: datetime) -> bool:
    """No row is left to be done, or none is to be done any more: the manifest."""
    if batch.state is BatchState.RUNNING and batch.retry_after is not None:
        return await worker.work.put_back_some(batch.number)
    if batch.state is BatchState.CANCELLED and (batch.ready or batch.received):
        return await worker.work.cancel_some(batch.number)
    if batch.state is BatchState.CANCELLED and await worker.work.forget_some(batch.number):
        return True
    async with worker.work.alone(batch.number) as alone:
        if not alone:
            return False
        known = await worker.work.batch(batch.id)
        if known.state is not batch.state:
            return False
        sha256 = await write_manifest(worker.manifests, _pages(worker, batch))
        with suppress(ActNotAllowed):  # paused or cancelled meanwhile, or rows are to be tried again
            await worker.work.finish(known, sha256, PROGRAM, now)
    return True


async def _pages(worker: BatchWorker, batch: Open) -> AsyncIterator[Sequence[KeptRow]]:
    known, after = await worker.work.batch(batch.id), 0
    while page := await worker.work.rows(known, after, PAGE):
        yield page
        after = page[-1].line


async def _move(worker: BatchWorker, batch: Open, moves: Sequence[BatchMove], now: datetime) -> bool:
    """Whether it moved; another worker may have been faster."""
    try:
        await worker.work.move(await worker.work.batch(batch.id), moves, PROGRAM, now)
    except ActNotAllowed:
        return False
    return True


_STEPS: Mapping[BatchState, Callable[[BatchWorker, Open, datetime], Awaitable[bool]]] = {
    BatchState.RECEIVING: _abandon,
    BatchState.ABANDONED: _sweep,
    BatchState.CHECKING: _check,
    BatchState.CHECKED: _forget,
    BatchState.REFUSED: _forget,
    BatchState.AWAITING_APPROVAL: _give_up,
    BatchState.RUNNING: _end,
    BatchState.PAUSED: _give_up,
    BatchState.CANCELLED: _end,
    BatchState.FINISHED: _forget,
}
"""The next step of a batch that is open, whether one was taken."""
