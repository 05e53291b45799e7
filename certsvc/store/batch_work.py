"""Batches as the workers have them: whoever locks a row has it; with the transaction's end it is done or free again.

A worker that is killed loses its connection, the locks go with it, and others take its rows at once; a row that ends
its worker again and again is known by that (`takings`).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.batch import (
    CONTENT_DAYS,
    STANDSTILL_DAYS,
    UPLOAD_DAYS,
    Batch,
    BatchMove,
    BatchState,
    OnWrong,
    Result,
    TakenRow,
)
from certsvc.store.batches import CHUNK, SQL, KeptRow, PostgresBatches, move_and_tell, put_back_some
from certsvc.store.pool import Connection, Pool
from certsvc.store.takings import Takings, ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A batch with rows to be done. `by` is who sent it, `approved_by` who approved it."""

    number: int
    id: str
    by: str
    act: Act
    type_id: str
    scopes: frozenset[str]
    approved_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A batch for which something is to be done beside its rows."""

    number: int
    id: str
    by: str
    act: Act
    type_id: str
    scopes: frozenset[str]
    state: BatchState
    on_wrong: OnWrong
    dry_run: bool
    needed: int
    sample: int
    manifest: bytes | None
    retry_after: int | None
    rows: int
    received: int
    wrong: int
    ready: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the check of a row said."""

    line: int
    error_code: str | None = None
    sealed_error: bytes | None = None


@dataclass(slots=True)
class RowAtHand:
    """A row that is ours until the transaction ends."""

    batch: int
    row: TakenRow
    _connection: Connection
    _takings: Takings

    @asynccontextmanager
    async def begun(self, now: datetime) -> AsyncIterator[bool]:
        """The row begins, as long as the context lasts. False when it is not to be done: it ended its worker too often.

        Raises:
            RegisterUnavailable: the beginning cannot be put on record.
        """
        async with self._takings.begun([_work(self.batch, self.row)], self.row.in_vain, now) as may:
            yield may

    async def done(self, result: Result, now: datetime) -> None:
        """It is done."""
        what = result.ref.slot, result.ref.to_bytes(), result.number, result.event
        await self._end(SQL["set_done"], *what, now)

    async def failed(self, code: str, sealed_error: bytes, key_id: str, now: datetime) -> None:
        """It cannot be done."""
        await self._end(SQL["set_failed"], code, sealed_error, key_id, now)

    async def put_off(self, until: datetime, code: str, sealed_error: bytes, key_id: str) -> None:
        """It cannot be done now."""
        await self._end(SQL["put_off"], until, code, sealed_error, key_id)

    async def _end(self, statement: str, *values: object) -> None:
        await self._connection.execute(statement, self.batch, self.row.line, *values)
        await ended(self._connection, [_work(self.batch, self.row)])


@dataclass(slots=True)
class RowsAtHand:
    """Rows to be checked, which are ours until the transaction ends."""

    batch: int
    rows: Sequence[TakenRow]
    _connection: Connection
    _takings: Takings

    @asynccontextmanager
    async def begun(self, now: datetime) -> AsyncIterator[bool]:
        """The check begins, as long as the context lasts. False when the row is not to be checked, for it is one then:
        it ended its worker too often.

        Raises:
            RegisterUnavailable: the beginning cannot be put on record.
        """
        in_vain = max((row.in_vain for row in self.rows), default=0)
        async with self._takings.begun([_work(self.batch, row) for row in self.rows], in_vain, now) as may:
            yield may

    async def checked(self, verdicts: Sequence[Verdict], key_id: str) -> None:
        """What the check said."""
        columns = (
            [verdict.line for verdict in verdicts],
            [verdict.error_code for verdict in verdicts],
            [verdict.sealed_error for verdict in verdicts],
        )
        await self._connection.execute(SQL["set_checked"], self.batch, *columns, key_id)
        await ended(self._connection, [_work(self.batch, row) for row in self.rows])


class BatchWork:
    """Needs the database role that owns the tables, and a pool of its own: a row holds a connection as long as it
    takes. `takings` are those of the process. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool, takings: Takings | None = None) -> None:
        self._pool = pool
        self._takings = takings or Takings(pool)
        self._batches = PostgresBatches(pool)

    async def running(self, after: int) -> Sequence[Running]:
        """The batches with rows to be done: those after the one served last come first."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["running"], after)
        return [
            Running(
                number=row["number"],
                id=row["id"],
                by=row["client"],
                act=Act(row["act"]),
                type_id=row["type_id"],
                scopes=frozenset(row["scopes"]),
                approved_by=tuple(row["approved_by"]),
            )
            for row in rows
        ]

    @asynccontextmanager
    async def taken(self, batch: int, after: int, now: datetime) -> AsyncIterator[RowAtHand | None]:
        """A row after a line that is to be done now, for as long as the context lasts; none when there is none or the
        batch does not go on."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["take_ready"], batch, after, now)
            if row is None or not await connection.fetchval(SQL["still_running"], batch):
                yield None
            else:
                yield RowAtHand(batch, _to_taken(row, None), connection, self._takings)

    @asynccontextmanager
    async def to_check(self, batch: int, limit: int) -> AsyncIterator[RowsAtHand]:
        """Rows that nobody has checked, for as long as the context lasts. When rows that were begun together end the
        process again, each is taken by itself."""
        async with self._pool.transaction() as connection:
            found = await connection.fetch(SQL["take_received"], batch, limit)
            rows = [_to_taken(row, row["twice"]) for row in found]
            suspect = next((row for row in rows if row.in_vain > 1), None)
            yield RowsAtHand(batch, rows if suspect is None else [suspect], connection, self._takings)

    async def open(self, now: datetime) -> Sequence[Open]:
        """Every batch for which something is to be done beside its rows."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["open"], now - UPLOAD_DAYS, now - CONTENT_DAYS, now - STANDSTILL_DAYS)
        return [_to_open(row) for row in rows]

    async def batch(self, batch_id: str) -> Batch:
        """A batch as it stands. Raises `NotFound`."""
        return await self._batches.batch(batch_id)

    @asynccontextmanager
    async def alone(self, batch: int) -> AsyncIterator[bool]:
        """Whether nobody else brings this batch to its end as long as the context lasts."""
        async with self._pool.transaction() as connection:
            yield await connection.fetchval(SQL["try_lock"], batch)

    async def move(self, batch: Batch, moves: Sequence[BatchMove], by: str, now: datetime) -> None:
        """Have a batch go on, at one stroke by several moves.

        Raises:
            ActNotAllowed: its state does not allow it.
        """
        async with self._pool.transaction() as connection:
            for move in moves:
                await move_and_tell(connection, batch, move, by, now)

    async def rows(self, batch: Batch, after: int, limit: int) -> Sequence[KeptRow]:
        """Rows after a line, in their order, with the digests of what they had sealed."""
        return await self._batches.rows(batch, None, after, limit, documents=makes_sheets(batch.request.act))

    async def finish(self, batch: Batch, manifest: bytes, by: str, now: datetime) -> None:
        """A running batch is finished, with its manifest; a cancelled one only gets its manifest. Where no row can be
        tried again, nothing is left to be done for it.

        Raises:
            ActNotAllowed: rows are to be done still, or it is paused.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["set_manifest"], batch.number, manifest)
            if batch.state is BatchState.RUNNING:
                await move_and_tell(connection, batch, BatchMove.FINISH, by, now, {"manifest": manifest.hex()})
            if batch.state is BatchState.CANCELLED or not await connection.fetchval(SQL["has_failed"], batch.number):
                await _close(connection, batch.number)

    async def put_back_some(self, batch: int) -> bool:
        """Have some more of the failed rows tried again; whether there were any."""
        async with self._pool.transaction() as connection:
            return await put_back_some(connection, batch)

    async def cancel_some(self, batch: int) -> bool:
        """Give up some rows that nobody is at; whether there were any."""
        return await self._some("cancel_rows", batch)

    async def forget_some(self, batch: int) -> bool:
        """Forget what some rows asked for; whether there were any."""
        return await self._some("forget_rows", batch)

    async def sweep_some(self, batch: int) -> bool:
        """Remove some rows of an upload that broke off; whether there were any."""
        return await self._some("sweep_rows", batch)

    async def sweep(self, batch: int) -> None:
        """Remove an upload that broke off, once its rows are gone."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["sweep_count"], batch)
            await connection.execute(SQL["sweep_events"], batch)
            await connection.execute(SQL["sweep_batch"], batch)

    async def close(self, batch: int) -> None:
        """Nothing is left to be done for a batch."""
        async with self._pool.transaction() as connection:
            await _close(connection, batch)

    async def _some(self, name: str, batch: int) -> bool:
        statements = {
            "cancel_rows": SQL["cancel_rows"],
            "forget_rows": SQL["forget_rows"],
            "sweep_rows": SQL["sweep_rows"],
        }
        async with self._pool.transaction() as connection:
            done: str = await connection.execute(statements[name], batch, CHUNK)
            return not done.endswith(" 0")


def makes_sheets(act: Act) -> bool:
    """Whether an act has files sealed."""
    return ACTS[act].makes is not Makes.NOTHING


async def _close(connection: Connection, batch: int) -> None:
    await connection.execute(SQL["close"], batch)
    await connection.execute(SQL["forget_beginnings"], batch)


def _work(batch: int, row: TakenRow) -> str:
    """What a row is called among what was begun."""
    return f"row/{batch}/{row.line}"


def _to_taken(row: asyncpg.Record, twice: int | None) -> TakenRow:
    return TakenRow(
        line=row["line"],
        key=row["key"],
        content=row["sealed"],
        content_key_id=row["data_key_id"],
        tries=row["tries"],
        in_vain=row["in_vain"],
        twice=twice,
    )


def _to_open(row: asyncpg.Record) -> Open:
    return Open(
        number=row["number"],
        id=row["id"],
        by=row["client"],
        act=Act(row["act"]),
        type_id=row["type_id"],
        scopes=frozenset(row["scopes"]),
        state=BatchState(row["state"]),
        on_wrong=OnWrong(row["on_wrong"]),
        dry_run=row["dry_run"],
        needed=row["needed"],
        sample=row["sample"],
        manifest=row["manifest"],
        retry_after=row["retry_after"],
        rows=row["rows"],
        received=row["received"],
        wrong=row["wrong"],
        ready=row["ready"],
        failed=row["failed"],
    )
