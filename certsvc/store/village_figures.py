"""The figures of villages: `services.VillageFigures` on PostgreSQL, and how facts become totals.

Whatever happens to a request leaves a fact, in its own transaction. The worker adds facts to totals, which count all
that happened up to a day, and to what is open by its last day, and takes them away. A read has both in one statement:
it is right to the last act, whether the worker has been there or not, and costs the same for any period.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from asyncpg import Record

from certsvc.domain.organ import Organ
from certsvc.domain.proof_request import Turn
from certsvc.domain.village_figures import Counts, Days, Late, LateRequest, added, all_late, between
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

    async def counts(self, organs: Sequence[Uscc], days: Days) -> Mapping[Uscc, Counts]:
        """What happened in organs, all kinds together; none of those where nothing ever did."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["of_organs"], organs, days.first, days.last)
        return {Uscc(scope): counts for (scope, _), counts in _counted(rows).items()}

    async def by_kind(self, organs: Sequence[Organ], days: Days, *, of_areas: bool) -> Mapping[str, Counts]:
        """The same by kind, of all of them together; `of_areas` where they are all organs of their areas."""
        codes = [organ.uscc for organ in organs]
        found = await self._by_kind(sorted({organ.area for organ in organs}) if of_areas else codes, codes, days)
        kinds = sorted({kind for _, kind in found})
        return {kind: added(counts for (_, its), counts in found.items() if its == kind) for kind in kinds}

    async def by_organ_and_kind(self, organs: Sequence[Uscc], days: Days) -> Mapping[tuple[str, str], Counts]:
        """The same by organ and kind."""
        return await self._by_kind(organs, organs, days)

    async def late(self, organs: Sequence[Uscc], today: date) -> Mapping[Uscc, Late]:
        """The open requests past their last day, all kinds together; none of organs that have none."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["late"], organs, today)
        return {Uscc(scope): late for (scope, _), late in _late(rows).items()}

    async def late_by_kind(self, organs: Sequence[Organ], today: date, *, of_areas: bool) -> Mapping[str, Late]:
        """The same by kind, of all of them together; `of_areas` as with `by_kind`."""
        codes = [organ.uscc for organ in organs]
        found = await self._late_by_kind(sorted({organ.area for organ in organs}) if of_areas else codes, codes, today)
        kinds = sorted({kind for _, kind in found})
        return {kind: all_late(late for (_, its), late in found.items() if its == kind) for kind in kinds}

    async def late_by_organ_and_kind(self, organs: Sequence[Uscc], today: date) -> Mapping[tuple[str, str], Late]:
        """The same by organ and kind."""
        return await self._late_by_kind(organs, organs, today)

    async def latest(self, organs: Sequence[Uscc], today: date, limit: int) -> Sequence[LateRequest]:
        """Those that are past it for longest."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["latest"], organs, today, limit)
        return [
            LateRequest(
                id=row["id"], organ=Uscc(row["organ"]), kind=row["kind"], due=row["due"], turn=Turn(row["turn"])
            )
            for row in rows
        ]

    async def fold(self, now: datetime) -> None:
        """Add facts to totals, a portion in each transaction; and take away old words of refusals."""
        folded = AT_ONCE
        while folded == AT_ONCE:
            async with self._pool.transaction() as connection:
                folded = await connection.fetchval(SQL["fold"], AT_ONCE)
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["erase_words"], now - WORDS_KEPT)

    async def _by_kind(
        self, scopes: Sequence[str], organs: Sequence[Uscc], days: Days
    ) -> dict[tuple[str, str], Counts]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["by_kind"], scopes, days.first, days.last, organs)
        return _counted(rows)

    async def _late_by_kind(
        self, scopes: Sequence[str], organs: Sequence[Uscc], today: date
    ) -> dict[tuple[str, str], Late]:
        async with self._pool.connection() as connection:
            return _late(await connection.fetch(SQL["late_by_kind"], scopes, today, organs))


def _late(rows: Iterable[Record]) -> dict[tuple[str, str], Late]:
    return {(row["scope"], row["kind"]): Late(number=row["number"], oldest=row["oldest"]) for row in rows}


def _counted(rows: Iterable[Record]) -> dict[tuple[str, str], Counts]:
    """By scope and kind: totals first, as the statement gives them, then what is not added up yet."""
    totals: dict[tuple[str, str], Record] = {}
    facts: dict[tuple[str, str], list[list[int]]] = {}
    for row in rows:
        key = row["scope"], row["kind"]
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
