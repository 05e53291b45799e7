"""The seal-use book of one seal: `services.SealBook` on PostgreSQL.

A use under a seal that is opened beforehand has its number from its booking on. Uses of before, and those of seals that
need no authorisation, are numbered as they are read, by their place in the order of booking.
"""

from collections.abc import Sequence

from asyncpg import Record

from certsvc.domain.seal_book import BookLine, Period, UseOutcome
from certsvc.ids import ref_from_bytes
from certsvc.store.plan import plan_each
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("seal_book")


class PostgresSealBook:
    """Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(
        self, seal_id: str, before: int | None, limit: int, period: Period, type_id: str | None = None
    ) -> Sequence[BookLine]:
        """Lines with a number below `before`, the newest first."""
        return await self._lines("newest", "newest_of_before", seal_id, before, limit, period, type_id)

    async def oldest(
        self, seal_id: str, after: int, limit: int, period: Period, type_id: str | None = None
    ) -> Sequence[BookLine]:
        """Lines with a number above `after`, the oldest first."""
        return await self._lines("oldest_of_before", "oldest", seal_id, after, limit, period, type_id)

    async def _lines(
        self, first: str, then: str, seal_id: str, place: int | None, limit: int, period: Period, type_id: str | None
    ) -> Sequence[BookLine]:
        statements = {
            "newest": SQL["newest"],
            "newest_of_before": SQL["newest_of_before"],
            "oldest": SQL["oldest"],
            "oldest_of_before": SQL["oldest_of_before"],
        }
        asked = place, *period.instants, type_id
        async with self._pool.transaction() as connection:
            await plan_each(connection)
            rows = await connection.fetch(statements[first], seal_id, *asked, limit)
            if len(rows) < limit:
                rows += await connection.fetch(statements[then], seal_id, *asked, limit - len(rows))
        return [_to_line(row) for row in rows]


def _to_line(row: Record) -> BookLine:
    return BookLine(
        number=row["number"],
        at=row["intended_at"],
        type_id=row["type_id"],
        type_version=row["type_version"],
        holder=row["holder_name"],
        copies=1 if _outcome(row) is UseOutcome.SEALED else 0,
        certificate=row["certificate"],
        ref=ref_from_bytes(row["ref"]),
        layout=row["layout"],
        keeper=row["keeper"],
        approver=row["approver"],
        handler=row["actor"],
        authorisation_id=row["authorisation_id"],
        outcome=_outcome(row),
    )


def _outcome(row: Record) -> UseOutcome:
    if not row["published"]:
        return UseOutcome.NOT_PUBLISHED
    return UseOutcome.SEALED_AGAIN if row["again"] else UseOutcome.SEALED
