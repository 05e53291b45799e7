"""Lists of all that a source has, on PostgreSQL: `services.SnapshotRegister`. Rows come in by portions, of which
nothing holds; the end of the list applies all of it in one transaction, or nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from asyncpg import Record

from certsvc.domain.record import MISSING
from certsvc.domain.snapshot import (
    Compared,
    Difference,
    ListedRecord,
    Measured,
    Snapshot,
    SnapshotState,
    difference,
)
from certsvc.errors import Conflict, InvalidInput, KeyReused, NotFound, TooMuchMissing
from certsvc.store.audit import audit
from certsvc.store.notices import tell
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.record_rows import as_json, row_values, to_snapshot, to_source

SQL = queries("records")
LONGEST_LIST = timedelta(hours=6)
"""After that a list that has not ended is taken for broken off."""

MOST_NAMED = 100
MOST_DIFFERENCES = 1000


class PostgresSnapshots:
    """`pool` is for short work; `patient` for the end of a list, which may take minutes."""

    def __init__(self, pool: Pool, patient: Pool) -> None:
        self._pool, self._patient = pool, patient

    async def begin(self, source_id: str, client: str, key: str, observed_at: datetime, now: datetime) -> int:
        """Begin a list; its number. What the source's earlier lists said is dropped, none of what they did."""
        async with self._patient.transaction() as connection:
            await connection.execute(SQL["drop_rows"], source_id, now - LONGEST_LIST)
            await connection.execute(SQL["tried"], source_id, now)
            number: int = await connection.fetchval(SQL["begin_snapshot"], source_id, client, key, observed_at, now)
            return number

    async def add(self, snapshot_id: int, rows: Sequence[ListedRecord]) -> None:
        """Keep a portion of a list for its end.

        Raises:
            InvalidInput: an id stands in the list twice.
        """
        columns = zip(*(row_values(row) for row in rows), strict=True)
        async with self._pool.transaction() as connection:
            kept = await connection.fetch(SQL["insert_rows"], snapshot_id, *map(list, columns))
            if len(kept) < len(rows):
                twice = _twice(rows, kept)
                raise InvalidInput(f"清单中编号 {twice} 出现了两次。", f"The id {twice} stands in the list twice.")

    async def applied(self, client: str, key: str) -> Snapshot | None:
        """The list that was applied under this key."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["applied_by_key"], client, key)
        return None if row is None else to_snapshot(row)

    async def apply(self, snapshot_id: int, digest: bytes, rows: int, expect_missing: int, now: datetime) -> Snapshot:
        """Apply a list of so many rows that has come to its end, wholly or not at all; a list sent again under its key
        is not.

        Raises:
            Conflict: it speaks of a time before the last list that was applied, or of the same and says other things;
                or it took so long that it was taken for broken off.
            TooMuchMissing: it would make more missing than the source's limit and than `expect_missing`.
            KeyReused: another list was applied under this key.
        """
        async with self._patient.transaction() as connection:
            row = await _begun(connection, snapshot_id)
            source = to_source(await _lock_source(connection, row["source_id"]))
            known = await connection.fetchrow(SQL["applied_by_key"], row["client"], row["key"])
            if known is not None:
                return _same_again(to_snapshot(known), row["source_id"], digest, row["key"])
            await _require_whole(connection, snapshot_id, rows)
            _require_newer(row["observed_at"], source.heard.complete_as_of)
            where = row["source_id"], row["observed_at"], snapshot_id
            measured = await _measure(connection, *where)
            _require_few_missing(measured, source.source.most_missing_percent, expect_missing)
            await connection.execute(SQL["apply"], *where, now, MISSING)
            await connection.execute(SQL["heard"], row["source_id"], now, row["observed_at"])
            await _tell_missing(connection, row, measured, now)
            return await _end(connection, row, SnapshotState.APPLIED, digest, {"measured": asdict(measured)}, now)

    async def refuse(self, snapshot_id: int, code: str, now: datetime) -> None:
        """Put on record that a list was not taken, and why; nothing of it holds."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_snapshot"], snapshot_id)
            if row is not None and row["state"] == SnapshotState.BEGUN:
                await _end(connection, row, SnapshotState.REFUSED, None, {"refused": code}, now)

    async def compare(self, snapshot_id: int, rows: int, now: datetime) -> Compared:
        """End a list of so many rows that was sent to be compared: nothing is changed, and nothing confirmed, for it
        may say other things than what is on record.

        Raises:
            Conflict: it took so long that it was taken for broken off.
        """
        async with self._patient.transaction() as connection:
            row = await _begun(connection, snapshot_id)
            await _require_whole(connection, snapshot_id, rows)
            await _end(connection, row, SnapshotState.COMPARED, None, {"compared": True}, now)
            return await _compared(connection, row["source_id"], snapshot_id)

    async def differences(self, source_id: str, snapshot_id: int, after: str, limit: int) -> Compared:
        """Where the register now and a list differ, after the id `after`; the list's rows are kept until the next.

        Raises:
            NotFound: the source has no such list, it has not ended, or the next one has begun.
        """
        async with self._patient.transaction() as connection:
            await connection.execute(SQL["one_view"])
            row = await connection.fetchrow(SQL["snapshot"], snapshot_id, source_id)
            if row is None or row["state"] not in (SnapshotState.APPLIED, SnapshotState.COMPARED):
                raise NotFound(f"没有清单 {snapshot_id}。", f"There is no list {snapshot_id}.")
            if row["followed"]:
                raise NotFound(
                    f"清单 {snapshot_id} 的内容只保留到下一份清单：请重新送来比对。",
                    f"What the list {snapshot_id} says is kept until the next one: send it again to compare it.",
                )
            return await _compared(connection, source_id, snapshot_id, after, limit)

    async def last(self, source_id: str, limit: int) -> Sequence[Snapshot]:
        """The newest lists of a source, the newest first."""
        async with self._pool.connection() as connection:
            return [to_snapshot(row) for row in await connection.fetch(SQL["last_snapshots"], source_id, limit)]


def _twice(rows: Sequence[ListedRecord], kept: Sequence[Record]) -> str:
    left = {row["source_ref"] for row in kept}
    for row in rows:
        if row.id not in left:
            return row.id
        left.remove(row.id)
    return rows[-1].id


async def _begun(connection: Connection, snapshot_id: int) -> Record:
    row = await connection.fetchrow(SQL["lock_snapshot"], snapshot_id)
    if row is None or row["state"] != SnapshotState.BEGUN:
        raise Conflict(f"清单 {snapshot_id} 已经结束。", f"The list {snapshot_id} has ended.")
    return row


async def _lock_source(connection: Connection, source_id: str) -> Record:
    row = await connection.fetchrow(SQL["lock_source"], source_id)
    assert row is not None  # the list refers to it, and sources are never deleted
    return row


async def _measure(connection: Connection, *where: object) -> Measured:
    row = await connection.fetchrow(SQL["measure"], *where)
    return Measured(**dict(row or {}))


def _same_again(known: Snapshot, source_id: str, digest: bytes, key: str) -> Snapshot:
    if (known.source_id, known.digest) != (source_id, digest):
        raise KeyReused(f"请求编号 {key} 已用于另一份清单。", f"The key {key} was used for another list.")
    return known


async def _require_whole(connection: Connection, snapshot_id: int, rows: int) -> None:
    """See that all rows are there: those of a list that takes too long are dropped when the next begins."""
    if await connection.fetchval(SQL["count_rows"], snapshot_id) != rows:
        hours = LONGEST_LIST // timedelta(hours=1)
        raise Conflict(
            f"清单传了超过 {hours} 小时，又来了下一份，已按中断处理：没有采用，请重新送。",
            f"The list took over {hours} hours and another one began, so it counts as broken off: it was not taken. "
            "Please send it again.",
        )


def _require_newer(observed_at: datetime, last: datetime | None) -> None:
    if last is not None and observed_at <= last:
        raise Conflict(
            f"这份清单说的是 {observed_at.isoformat()}，不晚于上一份完整清单（{last.isoformat()}）：没有采用。",
            f"This list speaks of {observed_at.isoformat()}, not later than the last complete one "
            f"({last.isoformat()}): it was not taken.",
        )


def _require_few_missing(measured: Measured, percent: int, expected: int) -> None:
    if measured.missing > expected and measured.missing * 100 > measured.present * percent:
        raise TooMuchMissing(
            f"这份清单会使 {measured.present} 条记录中的 {measured.missing} 条成为缺失，超过 {percent}%：没有采用。"
            f"确实如此的，请写明 expect_missing: {measured.missing} 再报一次。",
            f"This list would make {measured.missing} of {measured.present} records missing, over {percent} %: it was "
            f"not taken. If that is so, send it again with expect_missing: {measured.missing}.",
        )


async def _tell_missing(connection: Connection, row: Record, measured: Measured, now: datetime) -> None:
    if measured.missing:
        found = await connection.fetch(SQL["newly_missing"], row["source_id"], row["id"], MOST_NAMED)
        data = {
            "source": row["source_id"],
            "snapshot": row["id"],
            "missing": measured.missing,
            "records": [one["source_ref"] for one in found],
        }
        await tell(connection, now, "record.missing", data, client=row["client"])


async def _end(
    connection: Connection,
    row: Record,
    state: SnapshotState,
    digest: bytes | None,
    result: Mapping[str, Any],
    now: datetime,
) -> Snapshot:
    await connection.execute(SQL["end_snapshot"], row["id"], state.value, digest, now, as_json(result))
    detail = {"source": row["source_id"], "snapshot": row["id"], "state": state.value, **result}
    await audit(connection, now, row["client"], "end_snapshot", None, detail)
    ended = await connection.fetchrow(SQL["lock_snapshot"], row["id"])
    assert ended is not None
    return to_snapshot(ended)


async def _compared(
    connection: Connection, source_id: str, snapshot_id: int, after: str = "", limit: int = MOST_DIFFERENCES
) -> Compared:
    counts = await connection.fetchrow(SQL["count_differences"], source_id, snapshot_id)
    rows = await connection.fetch(SQL["differences"], source_id, snapshot_id, after, limit + 1)
    found: list[Difference] = [
        difference(
            row["source_ref"],
            None if row["here"] is None else json.loads(row["here"]),
            None if row["there"] is None else json.loads(row["there"]),
            contradicted=bool(row["contradicted"]),
        )
        for row in rows[:limit]
    ]
    following = found[-1].id if len(rows) > limit else None
    return Compared(snapshot_id=snapshot_id, **dict(counts or {}), differences=found, following=following)
