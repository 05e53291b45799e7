"""Sources and what they report, on PostgreSQL: `services.RecordRegister`. Every method is one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from asyncpg import Record

from certsvc.domain.record import ForeignRecord, RecordVersion, versions_to_add
from certsvc.domain.source import Freshness, Source, SourceHealth
from certsvc.errors import Conflict, KeyReused, NotFound
from certsvc.ids import Uscc, slot_of_licence
from certsvc.store.audit import audit
from certsvc.store.notices import tell
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.record_rows import to_record, to_source, to_version, version_values

SQL = queries("records")
MOST_VERSIONS = 10_000
MOST_ELSEWHERE = 1_000
"""So many records of one business are shown; more than any has."""


class PostgresRecordReader:
    """`services.RecordReader`: what a public page asks; the database role `certsvc_public` is enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def elsewhere(self, subject: str) -> Sequence[tuple[SourceHealth, ForeignRecord | None]]:
        """ONE query: every source that would know of the business, and each record that one reported of it.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        slot = slot_of_licence(Uscc(subject))
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["elsewhere"], slot, subject, MOST_ELSEWHERE)
        return [(to_source(row), to_record(row, row["id"], "") if row["has_record"] else None) for row in rows]


class PostgresRecords(PostgresRecordReader):
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    async def add_source(self, source: Source, actor: str) -> SourceHealth:
        """Register a source; the same again does nothing.

        Raises:
            Conflict: there is another source of this id.
        """
        values = source.id, *_promises(source), source.organisation, source.registered_at
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["insert_source"], *values) is not None:
                detail = {"source": source.id, "after": _told(source)}
                await audit(connection, source.registered_at, actor, "add_source", None, detail)
            found = to_source(await _lock_source(connection, source.id))
        if _unlike(found.source, source):
            raise Conflict(
                f"已有编号为 {source.id} 的来源，登记的内容不同：请另取编号。",
                f"There is another source {source.id}: choose another id.",
            )
        return found

    async def change_source(self, source: Source, actor: str, now: datetime) -> SourceHealth:
        """Change who feeds a source, its types, and what it promises; who did it is in the audit, with what was before.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.transaction() as connection:
            before = to_source(await _lock_source(connection, source.id)).source
            if _unlike(before, source):
                await connection.execute(SQL["change_source"], source.id, *_promises(source))
                detail = {"source": source.id, "before": _told(before), "after": _told(source)}
                await audit(connection, now, actor, "change_source", None, detail)
            return to_source(await _lock_source(connection, source.id))

    async def source(self, source_id: str) -> SourceHealth:
        """A source as it stands.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["sources"], source_id, None)
        if row is None:
            raise no_source(source_id)
        return to_source(row)

    async def sources(self, client: str | None = None) -> Sequence[SourceHealth]:
        """Every source, or those that a client feeds, by id."""
        async with self._pool.connection() as connection:
            return [to_source(row) for row in await connection.fetch(SQL["sources"], None, client)]

    async def counts(self, source_id: str) -> tuple[int, int, int]:
        """How many records of a source there are, how many are missing, and how many are contradicted."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["counts"], source_id)
        return (0, 0, 0) if row is None else (row["records"], row["missing"], row["contradicted"])

    async def missing(self, source_id: str, after: str, limit: int) -> Sequence[ForeignRecord]:
        """What the last list of a source lacks, by id, after the id `after`."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["missing"], source_id, after, limit)
        return [to_record(row, row["source_id"], row["source_ref"]) for row in rows]

    async def put(
        self,
        source_id: str,
        record_id: str,
        version: RecordVersion,
        *,
        client: str,
        key: str,
        digest: bytes,
    ) -> ForeignRecord:
        """Register a version of a record, in its place by the time it speaks of; the same twice is one. What holds of
        the record then.

        Raises:
            NotFound: there is no such source.
            KeyReused: the key was used with other content, which `digest` tells.
        """
        now = version.received_at
        async with self._pool.transaction() as connection:
            await _lock_source(connection, source_id)
            order = client, key, digest, source_id, record_id, version.observed_at
            if await connection.fetchval(SQL["insert_record_order"], *order) is None:
                await _require_same(connection, client, key, digest)
            added = await _place(connection, source_id, record_id, version)
            await connection.execute(SQL["heard"], source_id, now, None)
            if added:
                detail = {"source": source_id, "record": record_id, "observed_at": version.observed_at.isoformat()}
                await audit(connection, now, client, "put_record", None, detail)
            row = await connection.fetchrow(SQL["record_now"], source_id, record_id)
        assert row is not None
        return to_record(row, source_id, record_id)

    async def versions(self, source_id: str, record_id: str) -> Sequence[RecordVersion]:
        """What a source said of a permit, in the order of the times it speaks of."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["versions"], source_id, record_id, MOST_VERSIONS)
        return [to_version(row) for row in rows]

    async def records(
        self, sources: Sequence[str], subject: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[ForeignRecord]:
        """What holds of the permits of some sources, of one business or of all, after a source and an id in order."""
        slot = slot_of_licence(Uscc(subject)) if subject else None
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["records"], list(sources), slot, subject, *after, limit)
        return [to_record(row, row["source_id"], row["source_ref"]) for row in rows]

    async def tell_freshness(self, source_id: str, now: datetime) -> Freshness | None:
        """Tell others once that a source is late, silent, or heard again; what was told, None when nothing changed."""
        async with self._pool.transaction() as connection:
            row = await _lock_source(connection, source_id)
            health = to_source(row)
            found, told = health.freshness(now), Freshness(row["told"])
            if found is told or _never_due(health, now):
                return None
            await connection.execute(SQL["set_told"], source_id, found.value)
            kind = "source.heard_again" if found is Freshness.FRESH else "source.late"
            last = health.heard.last_heard_at
            data = {"source": source_id, "freshness": found.value, "last_heard_at": last.isoformat() if last else None}
            await tell(connection, now, kind, data, client=health.source.client)
        return found


def _never_due(health: SourceHealth, now: datetime) -> bool:
    """A source that was registered a moment ago has not been late yet."""
    return health.heard.last_heard_at is None and now - health.source.registered_at <= health.source.expected_every


def _promises(source: Source) -> tuple[object, ...]:
    """What of a source may change, in the order of the columns."""
    return (
        source.zh,
        source.en,
        source.client,
        sorted(source.kinds),
        source.area,
        source.expected_every,
        source.complete_every,
        source.most_missing_percent,
    )


def _told(source: Source) -> dict[str, object]:
    """The same for the audit; of many types the first hundred."""
    every, complete = source.expected_every, source.complete_every
    return {
        "client": source.client,
        "kinds": sorted(source.kinds)[:100],
        "area": source.area,
        "expected_every_s": every.total_seconds(),
        "complete_every_s": complete.total_seconds() if complete else None,
        "most_missing_percent": source.most_missing_percent,
    }


def _unlike(one: Source, other: Source) -> bool:
    """Whether they differ in more than when they were registered."""
    return one != replace(other, registered_at=one.registered_at)


def no_source(source_id: str) -> NotFound:
    """There is no such source, or it is another's."""
    return NotFound(f"没有来源 {source_id}。", f"There is no source {source_id}.")


async def _lock_source(connection: Connection, source_id: str) -> Record:
    row = await connection.fetchrow(SQL["lock_source"], source_id)
    if row is None:
        raise no_source(source_id)
    return row


async def _require_same(connection: Connection, client: str, key: str, digest: bytes) -> None:
    known = await connection.fetchrow(SQL["find_record_order"], client, key)
    if known is None or known["digest"] != digest:
        raise KeyReused.of(key)


async def _place(connection: Connection, source_id: str, record_id: str, version: RecordVersion) -> int:
    """Put a version where it belongs; how many rows that made."""
    lists = await connection.fetchrow(SQL["lists_after"], source_id, version.observed_at)
    listed_then, next_list = (lists["listed_then"], lists["next_list"]) if lists else (False, None)
    up_to = next_list or version.observed_at
    rows = await connection.fetch(SQL["around"], source_id, record_id, version.observed_at, up_to)
    known = [to_version(row) for row in rows]
    added = versions_to_add(known, version, listed_then=listed_then, next_list=next_list)
    subject = version.content.subject if version.content else ""
    for one in added:
        await connection.execute(SQL["insert_version"], *version_values(source_id, record_id, one, subject))
    return len(added)
