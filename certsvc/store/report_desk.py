"""What the desk may do with reports: `services.ReportDesk` on PostgreSQL, as the role `certsvc_desk`.

It cannot list reports. It may put one on record, and see one whose number or form it is given.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from certsvc.domain.actor import area_of
from certsvc.domain.problem_report import Department, Figures, FollowedReport, ProblemReport, Route
from certsvc.ids import Ref, ReportNumber, Uscc
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.report_rows import ref_or_none, to_figures, to_followed

SQL = queries("problem_reports")


class PostgresReportDesk:
    """Every method is one transaction, and may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def route_of(self, ref: Ref) -> Route | None:
        """Who answers for a certificate that was issued; None when there is none."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["route_of_certificate"], ref.slot, ref.to_bytes())
        if row is None:
            return None
        issuer = Uscc(row["issuer_uscc"])
        return Route(
            department=row["issuer_name"],
            department_uscc=issuer,
            type_id=row["type_id"],
            seal_id=row["seal_id"],
            area=area_of(issuer),
        )

    async def route_of_source(self, source: str) -> Route | None:
        """Who answers for the permits of a source; None when there is no such source."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["route_of_source"], source)
        if row is None:
            return None
        return Route(department=row["zh"], department_uscc=row["organisation"], client=row["client"])

    async def departments(self) -> Sequence[Department]:
        """The departments that report permits here, by id."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["departments"])
        return [Department(row["id"], row["zh"], row["en"]) for row in rows]

    async def of_token(self, token: bytes) -> tuple[ReportNumber, bytes] | None:
        """The report that a form became, by the SHA-256 of its token, and the digest of its content."""
        async with self._pool.connection() as connection:
            return await _of_token(connection, token)

    async def open(self, report: ProblemReport, token: bytes, digest: bytes) -> tuple[ReportNumber, bytes]:
        """Put a report on record; the number and the digest of the one that this form became, be it an earlier one."""
        async with self._pool.transaction() as connection:
            trial = connection.transaction()
            await trial.start()
            try:
                await connection.execute(SQL["open"], *_values(report, token, digest))
            except asyncpg.UniqueViolationError:
                await trial.rollback()
                known = await _of_token(connection, token)
                if known is None:
                    raise
                return known
            await trial.commit()
        return report.number, digest

    async def followed(self, number: ReportNumber) -> FollowedReport | None:
        """A report as who has its number may see it."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["followed"], number)
        return None if row is None else to_followed(row, number, ref_or_none(row["corrected"]))

    async def figures(self, since: datetime, now: datetime, *, by_kind: bool) -> Sequence[Figures]:
        """How fast answers are, who is late first: by department, or by kind of problem."""
        async with self._pool.connection() as connection:
            return [to_figures(row) for row in await connection.fetch(SQL["figures"], since, now, by_kind)]


async def _of_token(connection: Connection, token: bytes) -> tuple[ReportNumber, bytes] | None:
    row = await connection.fetchrow(SQL["of_token"], token)
    return None if row is None else (ReportNumber(row["number"]), row["digest"])


def _values(report: ProblemReport, token: bytes, digest: bytes) -> tuple[object, ...]:
    said, route = report.followed, report.route
    about = (None, None) if said.ref is None else (said.ref.slot, said.ref.to_bytes())
    return (
        *(said.number, token, digest, said.opened_at, said.kind, said.by, said.claimed, said.claimed_at),
        *(report.file_sha256, *about, route.department, route.department_uscc, route.client),
        *(route.type_id, route.seal_id, route.area, said.contact_due, said.answer_due, said.calendar_known),
        *(report.sealed, report.key_id),
    )
