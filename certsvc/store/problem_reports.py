"""Reports of problems on record: `services.ReportRegister` on PostgreSQL, and what the worker does with them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from asyncpg import Record

from certsvc.domain.problem_report import (
    KEPT_UNANSWERED_DAYS,
    Figures,
    ProblemReport,
    ReportAct,
    ReportAnswer,
    ReportState,
)
from certsvc.domain.scope import ANSWER, Scope
from certsvc.errors import ActNotAllowed, InvalidInput, KeyReused, NotFound
from certsvc.ids import Ref, ReportNumber, ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.notices import tell
from certsvc.store.plan import plan_each
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.report_rows import to_figures, to_report

SQL = queries("problem_reports")
SERVICE = "certsvc"
AT_ONCE = 200
"""Of so many reports is told, or so many are erased, in one transaction."""

TELLS = (
    (SQL["untold"], SQL["told"], "report.opened", None),
    (SQL["late_contacts"], SQL["told_of_late_contact"], "report.overdue", "contact"),
    (SQL["late_answers"], SQL["told_of_late_answer"], "report.overdue", "answer"),
)
"""What is told once: how it is found, how it is noted, as what it is told, and what is overdue."""


class PostgresReports:
    """Reads and writes; needs the database role that owns the tables. Every method is one transaction, safe to repeat,
    and may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def listed(
        self,
        client: str,
        reach: Sequence[Scope] | None,
        state: ReportState | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ProblemReport]:
        """Reports to answer by a client or within its scopes (None: all there are), what is due first comes first;
        without a state those that are not closed."""
        query = SQL["closed"] if state is ReportState.CLOSED else SQL["pending"]
        async with self._pool.transaction() as connection:
            await plan_each(connection)
            rows = await connection.fetch(query, client, scopes(reach), *(after or (None, None)), limit, state)
        return [to_report(row) for row in rows]

    async def report(self, number: ReportNumber, client: str, reach: Sequence[Scope] | None) -> ProblemReport:
        """One report.

        Raises:
            NotFound: there is none, or this client does not answer it: said alike.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["one"], number, client, scopes(reach))
        if row is None:
            raise no_report(number)
        return to_report(row)

    async def note_view(self, number: ReportNumber, actor: str, now: datetime) -> None:
        """Put on record that somebody read the words and the contact."""
        async with self._pool.transaction() as connection:
            await audit(connection, now, actor, "view_report", None, {"report": number})

    async def answer(self, asked: ReportAnswer, now: datetime) -> None:
        """Put on record what who answers did; the same request again does nothing.

        Raises:
            NotFound: there is no such report, or no certificate of this code.
            ActNotAllowed: it is taken up or answered already.
            InvalidInput: the entry named is older than the report, of another business, or not on record.
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            report = await connection.fetchrow(SQL["lock"], asked.number)
            if report is None:
                raise no_report(asked.number)
            known = await connection.fetchrow(SQL["answered_before"], asked.client, asked.key)
            if known is not None:
                if (known["number"], known["digest"]) != (asked.number, asked.digest):
                    raise KeyReused.of(asked.key)
                return
            _require_allowed(report, asked)
            values = await _event_values(connection, asked, now)
            with _refused_corrections():
                await connection.execute(SQL["insert_event"], *values)
            if asked.act is ReportAct.ACKNOWLEDGE:
                await connection.execute(SQL["contacted"], asked.number, now)
            else:
                await connection.execute(SQL["end"], asked.number, now, asked.outcome)
                await _tell(connection, report, now, "report.closed", {"outcome": asked.outcome})
            await audit(connection, now, asked.actor, f"report_{asked.act}", None, {"report": asked.number})

    async def corrections(self, ref: Ref) -> Mapping[int, Sequence[ReportNumber]]:
        """The reports that entries in the life of a certificate answered, by the number of the entry."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["corrections"], ref.slot, ref.to_bytes())
        found: dict[int, list[ReportNumber]] = {}
        for row in rows:
            found.setdefault(row["event_id"], []).append(ReportNumber(row["number"]))
        return found

    async def figures(self, since: datetime, now: datetime, *, by_kind: bool) -> Sequence[Figures]:
        """How fast answers are, who is late first: by department, or by kind of problem."""
        async with self._pool.connection() as connection:
            return [to_figures(row) for row in await connection.fetch(SQL["figures"], since, now, by_kind)]

    async def tell_all(self, now: datetime) -> int:
        """Tell those who answer of every report that is new or overdue, once each; of how many."""
        told = 0
        for find, note, kind, overdue in TELLS:
            while count := await self._tell_some(find, note, kind, overdue, now):
                told += count
                if count < AT_ONCE:
                    break
        return told

    async def erase(self, closed_before: datetime, now: datetime) -> int:
        """Erase the words and the contacts of what was closed before a time, and of what nobody answered for 180 days
        after its time; of how many. What was answered stays, and what was not may still be."""
        closed = await self._erase(SQL["erase"], "closed_before", closed_before, now)
        due_before = now - timedelta(days=KEPT_UNANSWERED_DAYS)
        return closed + await self._erase(SQL["erase_unanswered"], "due_before", due_before, now)

    async def _erase(self, which: str, named: str, before: datetime, now: datetime) -> int:
        erased = 0
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(which, before, now, AT_ONCE)
                if rows:
                    detail = {"reports": len(rows), named: before.isoformat()}
                    await audit(connection, now, SERVICE, "erase_reports", None, detail)
            erased += len(rows)
            if len(rows) < AT_ONCE:
                return erased

    async def _tell_some(self, find: str, note: str, kind: str, overdue: str | None, now: datetime) -> int:
        async with self._pool.transaction() as connection:
            limits = (AT_ONCE,) if overdue is None else (now, AT_ONCE)
            rows = await connection.fetch(find, *limits)
            for row in rows:
                await _tell(connection, row, now, kind, _said(row, overdue))
            await connection.execute(note, [row["number"] for row in rows], now)
        return len(rows)


def scopes(reach: Sequence[Scope] | None) -> list[str] | None:
    """Scopes as a query takes them; None where there is no bound."""
    return None if reach is None else [str(scope) for scope in reach]


def no_report(number: ReportNumber) -> NotFound:
    """Nothing of this number, or nothing for who asks: said alike."""
    return NotFound(f"没有报告 {number}。", f"There is no report {number}.")


def _require_allowed(report: Record, asked: ReportAnswer) -> None:
    if report["closed_at"] is not None:
        raise ActNotAllowed(f"报告 {asked.number} 已经办结。", f"The report {asked.number} is closed.")
    if asked.act is ReportAct.ACKNOWLEDGE and report["contacted_at"] is not None:
        raise ActNotAllowed(f"报告 {asked.number} 已经接收。", f"The report {asked.number} was taken up before.")


async def _event_values(connection: Connection, asked: ReportAnswer, now: datetime) -> tuple[object, ...]:
    life = await _life_of(connection, asked.certificate)
    where = (None, None) if life is None else (life.slot, life.to_bytes())
    head = asked.number, asked.act, now, asked.actor, asked.client, asked.key, asked.digest
    return (*head, asked.said, asked.outcome, asked.forwarded_to, *where, asked.event)


async def _life_of(connection: Connection, ref: Ref | None) -> Ref | None:
    if ref is None:
        return None
    raw = await connection.fetchval(SQL["life_of"], ref.slot, ref.to_bytes())
    if raw is None:
        raise NotFound(f"没有证照 {ref.typed_code}。", f"There is no certificate {ref.typed_code}.")
    return ref_from_bytes(raw)


@contextmanager
def _refused_corrections() -> Iterator[None]:
    try:
        yield
    except (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError) as error:
        if error.constraint_name not in (
            "a_correction_is_of_what_was_reported",
            "problem_report_event_slot_life_ref_event_id_fkey",
        ):
            raise
        raise InvalidInput(
            "更正要指明报告之后、同一主体证照上的一条登记（event）：请从证照的 history 中取编号。",
            "Name an entry (`event`) that is on record since the report, of a certificate of the same business: its "
            "number stands in the history of the certificate.",
        ) from None


def _said(row: Record, overdue: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {"contact_due": row["contact_due"].isoformat(), "answer_due": row["answer_due"].isoformat()}
    return said if overdue is None else {**said, "overdue": overdue}


async def _tell(connection: Connection, row: Record, now: datetime, kind: str, said: Mapping[str, Any]) -> None:
    """Tell whose scopes reach the certificate, or the client named; where neither is there, the operator looks."""
    data = {"report": row["number"], **said}
    if row["type_id"] is not None:
        ref = ref_from_bytes(row["ref"])
        await tell(connection, now, kind, data, client=row["client"], ref=ref, action=ANSWER)
    elif row["client"] is not None:
        await tell(connection, now, kind, data, client=row["client"])
