"""`certsvc reports`: what the public reports as wrong, for the operator: the list, the two tables, and answers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
import msgspec

from certsvc.commands.output import JSON, show
from certsvc.domain.actor import Actor
from certsvc.domain.problem_report import Figures, Outcome, ProblemReport, ReportAct, ReportState
from certsvc.domain.spreadsheet import record
from certsvc.ids import parse_report_number, parse_typed_code
from certsvc.settings import load_settings

MOST = 1000
FIGURES_SINCE = timedelta(days=365)
STATES = click.Choice([state.value for state in ReportState])
NUMBER = click.argument("number", metavar="NUMBER")
BY = click.option("--by", required=True, metavar="NAME", help="Who does this, for the record.")
Found = TypeVar("Found")


@click.group(invoke_without_command=True)
@click.option("--state", type=STATES, help="Only these. Without it, all that are not closed.")
@JSON
@click.pass_context
def reports(context: click.Context, state: str | None, as_json: bool) -> None:
    """Reports 问题报告 of what is wrong, missing or suspicious. Without a command: those to answer, what is due first
    comes first; so what is late stands on top.

    Departments answer theirs by the API. Here the operator answers those that no department is known for.
    """
    if context.invoked_subcommand is not None:
        return
    wanted = ReportState(state) if state else None
    found = _with(lambda answering: answering.reports.listed("", None, wanted, None, MOST))
    now = datetime.now(UTC)
    lines = [_line(one, now) for one in found]
    show({"reports": [_told(one, now) for one in found]}, "\n".join(lines) or "没有报告 no reports", as_json)


@reports.command()
@click.option("--by-kind", is_flag=True, help="By kind of problem, and not by department.")
@JSON
def figures(by_kind: bool, as_json: bool) -> None:
    """How fast answers are, as CSV: of the last 365 days, and of all that is not answered. Who is most overdue comes
    first; medians are in hours of elapsed time.

    Example: certsvc reports figures > figures.csv
    """
    now = datetime.now(UTC)
    found = _with(lambda answering: answering.reports.figures(now - FIGURES_SINCE, now, by_kind=by_kind))
    rows = [_figures(one) for one in found]
    show({"figures": rows}, _csv(rows), as_json)


@reports.command("show")
@NUMBER
@BY
@JSON
def show_report(number: str, by: str, as_json: bool) -> None:
    """Show one report with what was written, and how to reach the reporter. That it was read goes on record."""
    from certsvc.issuance.problem_reports.answering import view_report

    now, parsed = datetime.now(UTC), parse_report_number(number)
    report, content = _with(lambda answering: view_report(answering, _actor(by), parsed, now))
    told = {**_told(report, now), "reported": msgspec.to_builtins(content)}
    said = [] if content is None else [content.words, *filter(None, (content.contact, content.typed, content.digits))]
    show(told, "\n".join([_line(report, now), *said]), as_json)


@reports.command()
@NUMBER
@click.option("--said", help="What the public is told.")
@BY
@JSON
def acknowledge(number: str, said: str | None, by: str, as_json: bool) -> None:
    """Take a report up: the first contact was made."""
    _answer(number, by, as_json, act=ReportAct.ACKNOWLEDGE, said=said)


@reports.command()
@NUMBER
@click.option("--outcome", required=True, type=click.Choice([one.value for one in Outcome]), help="What came of it.")
@click.option("--said", required=True, help="What the public is told.")
@click.option("--certificate", metavar="CODE", help="Of a correction: the certificate.")
@click.option("--event", type=click.IntRange(1), help="Of a correction: the entry in its history.")
@click.option("--forwarded-to", help="To whom it goes.")
@BY
@JSON
def close(
    number: str,
    outcome: str,
    said: str,
    certificate: str | None,
    event: int | None,
    forwarded_to: str | None,
    by: str,
    as_json: bool,
) -> None:
    """Answer a report. Of a correction name the entry in the life of the certificate that it is."""
    ref = parse_typed_code(certificate) if certificate else None
    named = {"certificate": ref, "event": event, "forwarded_to": forwarded_to}
    _answer(number, by, as_json, act=ReportAct.CLOSE, said=said, outcome=Outcome(outcome), **named)


def _answer(number: str, by: str, as_json: bool, **said: Any) -> None:
    from certsvc.issuance.problem_reports.answering import Answer, answer_report

    now, parsed = datetime.now(UTC), parse_report_number(number)
    key = f"command-{secrets.token_hex(10)}"
    report = _with(lambda answering: answer_report(answering, _actor(by), parsed, Answer(**said), key, now))
    show(_told(report, now), _line(report, now), as_json)


def _actor(by: str) -> Actor:
    from certsvc.authority.seal_plan import parse_person

    return Actor(name=parse_person(by))


def _with(work: Callable[[Any], Awaitable[Found]]) -> Found:
    """Do something with all reports on record."""
    from certsvc import app
    from certsvc.issuance.data_keys import open_cipher
    from certsvc.issuance.problem_reports.answering import Answering
    from certsvc.store.data_keys import DataKeys
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool
    from certsvc.store.problem_reports import PostgresReports

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            cipher = await open_cipher(settings.home / "secrets", DataKeys(pool), datetime.now(UTC))
            return await work(Answering(reports=PostgresReports(pool), cipher=cipher, everything=True))

    settings = load_settings()
    with app.databases(settings) as uris:
        return asyncio.run(run(uris.writer))


def _told(report: ProblemReport, now: datetime) -> dict[str, Any]:
    one = report.followed
    return {
        "number": one.number,
        "state": one.state.value,
        "kind": one.kind.value,
        "opened_at": one.opened_at.isoformat(),
        "certificate": one.ref.typed_code if one.ref else None,
        "department": one.department,
        "client": report.route.client,
        "contact_due": one.contact_due.isoformat(),
        "answer_due": one.answer_due.isoformat(),
        "late": one.state is not ReportState.CLOSED and report.due < now,
        "outcome": one.outcome.value if one.outcome else None,
    }


def _line(report: ProblemReport, now: datetime) -> str:
    told = _told(report, now)
    late = "超期 LATE" if told["late"] else "due"
    who = told["department"] or "运营单位 operator"
    return f"{told['number']}  {told['state']}  {told['kind']}  {who}  {late} {report.due.isoformat()}"


def _figures(one: Figures) -> dict[str, Any]:
    return {
        "name": one.name or "operator",
        "overdue": one.late,
        "unanswered": one.pending,
        "reports": one.reports,
        "contact_judged": one.contact_judged,
        "contact_in_time": one.contact_in_time,
        "answer_judged": one.answer_judged,
        "answer_in_time": one.answer_in_time,
        "median_contact_hours": _hours(one.median_contact),
        "median_answer_hours": _hours(one.median_answer),
        "oldest_unanswered": one.oldest.isoformat() if one.oldest else None,
    }


def _hours(lasting: timedelta | None) -> float | None:
    return None if lasting is None else round(lasting / timedelta(hours=1), 2)


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """As a spreadsheet reads it, with nothing in it that one would run."""
    if not rows:
        return "没有报告 no reports"
    lines = [rows[0], *(["" if value is None else str(value) for value in row.values()] for row in rows)]
    return "".join(record([*line]) for line in lines).rstrip()
