"""Batches on record, as the office has them: received, moved, approved, read. Every method is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from certsvc.domain.acts import Act
from certsvc.domain.batch import (
    LATELY,
    MOVES,
    Batch,
    BatchEvent,
    BatchMove,
    BatchRequest,
    BatchState,
    Form,
    OnWrong,
    RowState,
    new_batch_id,
)
from certsvc.errors import ActNotAllowed, CertsvcError, Conflict, NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.notices import tell
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("batches")
REFUSED = "BT001"
CHUNK = 5000
"""Rows that are changed in one transaction."""

QUIET = frozenset({BatchMove.RECEIVE, BatchMove.ABANDON, BatchMove.RUN})
"""Moves of which nobody needs to be told; of a check that passed only who wanted no more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """A row as it is kept: what it asks for, or what is wrong with it, encrypted."""

    line: int
    key: str
    sealed: bytes | None
    error_code: str | None = None
    sealed_error: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A row on record; its error in words is encrypted under `error_key_id`."""

    line: int
    key: str
    state: RowState
    ref: Ref | None
    number: str | None
    identifier: str | None
    event: int | None
    documents: tuple[tuple[str, bytes], ...]
    tries: int
    due_at: datetime | None
    error_code: str | None
    sealed_error: bytes | None
    error_key_id: str | None


class PostgresBatches:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, request: BatchRequest, needed: int, now: datetime) -> tuple[Batch, bool]:
        """A new batch to be received, and True; or the one of the same client and key that was received, and False. An
        upload of before that did not come to its end is given up."""
        async with self._pool.transaction() as connection:
            if (made := await _insert(connection, request, needed, now)) is not None:
                return await _batch(connection, made), True
            known = await _batch(connection, await connection.fetchval(SQL["find_batch"], request.client, request.key))
            if known.state is not BatchState.RECEIVING:
                return known, False
            await _move(connection, known.number, BatchMove.ABANDON, request.client, now)
            made = await _insert(connection, request, needed, now)
            if made is None:
                raise Conflict(
                    "同一请求编号的另一次上传刚刚开始。", "Another upload under the same request key has just begun."
                )
            return await _batch(connection, made), True

    async def add_rows(self, batch: Batch, data_key_id: str, rows: Sequence[SealedRow]) -> None:
        """Keep rows as they come in.

        Raises:
            Conflict: another upload under the same key has begun.
        """
        columns = (
            [row.line for row in rows],
            [row.key for row in rows],
            [row.sealed for row in rows],
            [row.error_code for row in rows],
            [row.sealed_error for row in rows],
        )
        async with self._pool.transaction() as connection:
            try:
                await connection.execute(SQL["insert_rows"], batch.number, *columns, data_key_id)
            except asyncpg.RestrictViolationError:
                raise Conflict(
                    "同一请求编号的另一次上传已经开始，这一次作废。",
                    "Another upload under the same request key has begun: this one counts no more.",
                ) from None

    async def received(self, batch: Batch, sha256: bytes, size: int, now: datetime) -> Batch:
        """The last row is there: from now on the rows are checked.

        Raises:
            Conflict: another upload under the same key has begun.
        """
        request = batch.request
        async with self._pool.transaction() as connection:
            await _move(connection, batch.number, BatchMove.RECEIVE, request.client, now, sha256, size)
            received = await _batch(connection, batch.id)
            detail = {"batch": batch.id, "act": request.act.value, "type": request.type_id, "rows": received.rows}
            await audit(connection, now, request.client, "batch_receive", None, {**detail, "sha256": sha256.hex()})
            return received

    async def batch(self, batch_id: str) -> Batch:
        """A batch as it stands.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._pool.connection() as connection:
            return await _batch(connection, batch_id)

    async def batches(self, client: str, approves: Sequence[str], before: int | None, limit: int) -> Sequence[Batch]:
        """What a client sent, and of the types in `approves` what waits for approval; newest first."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["batches"], client, list(approves), before, limit)
        return [_to_batch(row) for row in rows]

    async def events(self, batch: Batch) -> Sequence[BatchEvent]:
        """How a batch went on."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["events"], batch.number)
        return [
            BatchEvent(move=BatchMove(row["move"]), state=BatchState(row["state"]), by=row["by"], at=row["at"])
            for row in rows
        ]

    async def rows(
        self, batch: Batch, state: RowState | None, after: int, limit: int, *, documents: bool
    ) -> Sequence[KeptRow]:
        """Rows after a line, in their order; with `documents` the digests of what they had sealed."""
        async with self._pool.connection() as connection:
            found = await connection.fetch(SQL["rows"], batch.number, after, state, limit, documents)
        return [_to_row(row) for row in found]

    async def ended_lately(self, batch: Batch, now: datetime) -> int:
        """How many rows were ended within the last minute."""
        async with self._pool.connection() as connection:
            count: int = await connection.fetchval(SQL["ended_lately"], batch.number, now - LATELY)
            return count

    async def move(self, batch: Batch, move: BatchMove, by: str, now: datetime) -> Batch:
        """Have a batch go on; what was the last move already is done once. Of many failed rows that are tried again a
        worker puts back those that are not the first.

        Raises:
            ActNotAllowed: its state does not allow it.
        """
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["newest_move"], batch.number) == move:
                return await _batch(connection, batch.id)
            await move_and_tell(connection, batch, move, by, now)
            if move is BatchMove.RETRY and not await put_back_some(connection, batch.number):
                raise ActNotAllowed("没有可以重办的行。", "There is no failed row that can be tried again.")
            return await _batch(connection, batch.id)

    async def approve(self, batch: Batch, person: str, now: datetime) -> Batch:
        """A person approves; with the last one that is needed the batch goes on. Twice by one person is once.

        Raises:
            ActNotAllowed: it does not wait for approval.
            Conflict: it is their own.
        """
        async with self._pool.transaction() as connection:
            await connection.fetchval(SQL["newest_move"], batch.number)  # one at a time
            if person in (await _batch(connection, batch.id)).approved_by:
                return await _batch(connection, batch.id)
            try:
                await connection.fetchval(SQL["insert_approval"], batch.number, person, now)
            except asyncpg.RestrictViolationError:
                raise Conflict("不能批准自己送来的批次。", "Nobody approves a batch of their own.") from None
            except asyncpg.PostgresError as error:
                raise refused(error, BatchMove.APPROVE) from None
            await audit(connection, now, person, "batch_approval", None, {"batch": batch.id})
            if await connection.fetchval(SQL["count_approvals"], batch.number) >= batch.needed:
                await move_and_tell(connection, batch, BatchMove.APPROVE, person, now)
            return await _batch(connection, batch.id)


async def move_and_tell(
    connection: Connection,
    batch: Batch,
    move: BatchMove,
    by: str,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Have a batch go on, in the caller's transaction, and tell who sent it; `more` goes into the notice.

    Raises:
        ActNotAllowed: its state does not allow it.
    """
    await _move(connection, batch.number, move, by, now)
    detail = {"batch": batch.id, "act": batch.request.act.value, "type": batch.request.type_id}
    await audit(connection, now, by, f"batch_{move}", None, detail)
    if move in QUIET or (move is BatchMove.PASS and not batch.request.dry_run):
        return
    counts = {state.value: count for state, count in (await _batch(connection, batch.id)).counts.items()}
    said = {**detail, "counts": counts, **(more or {})}
    await tell(connection, now, f"batch.{MOVES[move].after}", said, client=batch.request.client)


async def put_back_some(connection: Connection, batch: int) -> bool:
    """Have some of the failed rows tried again, in the caller's transaction, in the order of their lines; whether there
    were any. One that fails anew stays so."""
    after: int | None = await connection.fetchval(SQL["retry_after"], batch)
    if after is None:
        return False
    some = await connection.fetchrow(SQL["put_back"], batch, after, CHUNK)
    assert some is not None, "a count is always there"
    await connection.execute(SQL["set_retry_after"], batch, some["last"] if some["rows"] == CHUNK else None)
    return bool(some["rows"])


def refused(error: asyncpg.PostgresError, move: BatchMove) -> CertsvcError | asyncpg.PostgresError:
    """Why the database refuses a move, in our own words; another error as it is."""
    if error.sqlstate != REFUSED:
        return error
    state = getattr(error, "detail", "")
    rule = MOVES[move]
    return ActNotAllowed(f"批次现为 {state}，不能{rule.zh}。", f"The batch is {state}: it cannot {rule.en}.")


async def _move(
    connection: Connection,
    number: int,
    move: BatchMove,
    by: str,
    now: datetime,
    sha256: bytes | None = None,
    size: int | None = None,
) -> None:
    try:
        await connection.fetchval(SQL["move"], number, move, by, now, sha256, size)
    except asyncpg.PostgresError as error:
        raise refused(error, move) from None


async def _insert(connection: Connection, request: BatchRequest, needed: int, now: datetime) -> str | None:
    batch_id = new_batch_id()
    made = await connection.fetchval(
        SQL["insert_batch"],
        *(batch_id, request.client, request.key, request.act, request.type_id, sorted(request.scopes)),
        *(request.form, request.on_wrong, request.dry_run, request.sample, needed, now),
    )
    return None if made is None else batch_id


async def _batch(connection: Connection, batch_id: str) -> Batch:
    row = await connection.fetchrow(SQL["batch"], batch_id)
    if row is None or row["state"] == BatchState.ABANDONED:
        raise NotFound(f"没有批次 {batch_id}。", f"There is no batch {batch_id}.")
    return _to_batch(row)


def _to_batch(row: asyncpg.Record) -> Batch:
    request = BatchRequest(
        client=row["client"],
        key=row["key"],
        act=Act(row["act"]),
        type_id=row["type_id"],
        scopes=frozenset(row["scopes"]),
        form=Form(row["form"]),
        on_wrong=OnWrong(row["on_wrong"]),
        dry_run=row["dry_run"],
        sample=row["sample"],
    )
    return Batch(
        number=row["number"],
        id=row["id"],
        request=request,
        state=BatchState(row["state"]),
        needed=row["needed"],
        began_at=row["began_at"],
        sha256=row["sha256"],
        size=row["size"],
        manifest=row["manifest"],
        counts={state: row[state.value] for state in RowState},
        approved_by=tuple(row["approved_by"]),
    )


def _to_row(row: asyncpg.Record) -> KeptRow:
    digests = zip(row["layouts"] or (), row["digests"] or (), strict=True)
    return KeptRow(
        line=row["line"],
        key=row["key"],
        state=RowState(row["state"]),
        ref=None if row["ref"] is None else ref_from_bytes(row["ref"]),
        number=row["number"],
        identifier=row["identifier"],
        event=row["event_id"],
        documents=tuple(digests),
        tries=row["tries"],
        due_at=row["due_at"],
        error_code=row["error_code"],
        sealed_error=row["sealed_error"],
        error_key_id=row["error_key_id"],
    )
