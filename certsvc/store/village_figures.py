"""The figures of villages: `services.VillageFigures` on PostgreSQL, and how facts become totals.

Whatever happens to a request leaves a fact, in its own transaction. The worker adds facts to totals, which count all
that happened up to a day, and to what is open by its last day, and takes them away: of the organ, of its town, of its
city. A read has both in one statement: it is right to the last act, whether the worker has been there or not, and costs
the same for any period and any number of villages.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from asyncpg import Record

from certsvc.domain.proof_request import Turn
from certsvc.domain.village_figures import Counts, Days, Late, LateRequest, Scope, between
from certsvc.ids import Uscc
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("village_figures")
AT_ONCE = 2000
"""Facts that are added up in one transaction."""

WORDS_KEPT = timedelta(days=90)


class PostgresVillageFigures:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def counts(self, scopes: Sequence[Scope], days: Days) -> Mapping[Scope, Counts]:
        """What happened, all kinds together; none of those where nothing ever did."""
        found = _counted(await self._rows(SQL["counts"], scopes, days.first, days.last))
        return {scope: counts for (scope, _), counts in found.items()}

    async def by_kind(self, scopes: Sequence[Scope], days: Days) -> Mapping[tuple[Scope, str], Counts]:
        """The same by kind."""
        return _counted(await self._rows(SQL["by_kind"], scopes, days.first, days.last))

    async def late(self, scopes: Sequence[Scope], today: date) -> Mapping[Scope, Late]:
        """The open requests past their last day, all kinds together; none of those that have none."""
        return {scope: late for (scope, _), late in _late(await self._rows(SQL["late"], scopes, today)).items()}

    async def late_by_kind(self, scopes: Sequence[Scope], today: date) -> Mapping[tuple[Scope, str], Late]:
        """The same by kind."""
        return _late(await self._rows(SQL["late_by_kind"], scopes, today))

    async def latest(self, organs: Sequence[Uscc], today: date, limit: int) -> Sequence[LateRequest]:
        """Those of organs that are past it for longest."""
        return _latest(await self._rows(SQL["latest"], organs, today, limit))

    async def latest_in_city(self, city: Scope, today: date, limit: int) -> Sequence[LateRequest]:
        """The same of a whole city."""
        return _latest(await self._rows(SQL["latest_in_city"], city, today, limit))

    async def fold(self, now: datetime) -> None:
        """Add facts to totals, a portion in each transaction; and take away old words of refusals."""
        folded = AT_ONCE
        while folded == AT_ONCE:
            async with self._pool.transaction() as connection:
                folded = await connection.fetchval(SQL["fold"], AT_ONCE)
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["erase_words"], now - WORDS_KEPT)

    async def _rows(self, statement: str, *values: object) -> Sequence[Record]:
        async with self._pool.connection() as connection:
            rows: Sequence[Record] = await connection.fetch(statement, *values)
            return rows


def _latest(rows: Iterable[Record]) -> list[LateRequest]:
    return [
        LateRequest(id=row["id"], organ=Uscc(row["organ"]), kind=row["kind"], due=row["due"], turn=Turn(row["turn"]))
        for row in rows
    ]


def _late(rows: Iterable[Record]) -> dict[tuple[Scope, str], Late]:
    return {(Scope(row["scope"]), row["kind"]): Late(number=row["number"], oldest=row["oldest"]) for row in rows}


def _counted(rows: Iterable[Record]) -> dict[tuple[Scope, str], Counts]:
    """By scope and kind: totals first, as the statement gives them, then what is not added up yet."""
    totals: dict[tuple[Scope, str], Record] = {}
    facts: dict[tuple[Scope, str], list[list[int]]] = {}
    for row in rows:
        key = Scope(row["scope"]), row["kind"]
        if row["places"] is None:
            totals[key] = row
        else:
            facts.setdefault(key, []).append(row["places"])
    return {
        key: between(totals[key]["until"], totals[key]["before"], facts.get(key, ()))
        if key in totals
        else between(None, None, facts[key])
        for key in {**totals, **facts}
    }
