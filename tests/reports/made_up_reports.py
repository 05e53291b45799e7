"""Made-up reports, put on record without a form."""

import hashlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cases"))
from embedded_fixture import Database

from certsvc.domain.problem_report import (
    CheckedBy,
    FollowedReport,
    Outcome,
    ProblemKind,
    ProblemReport,
    ReportAct,
    ReportAnswer,
    Route,
)
from certsvc.ids import Ref, ReportNumber, new_report_number
from certsvc.store.problem_reports import PostgresReports
from certsvc.store.report_desk import PostgresReportDesk

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
CONTACT_DUE, ANSWER_DUE = NOW + timedelta(hours=1), NOW + timedelta(days=4)
CLIENT = "market-answers"


def desk_uri(database: Database) -> str:
    """The database as the desk connects to it."""
    assert "certsvc_public" in database.public_uri
    return database.public_uri.replace("certsvc_public", "certsvc_desk")


def digest(text: str) -> bytes:
    """A SHA-256 of something."""
    return hashlib.sha256(text.encode()).digest()


def report(number: ReportNumber | None = None, route: Route | None = None, **said: Any) -> ProblemReport:
    """A report with nothing but what every one has."""
    followed = FollowedReport(
        **{
            "number": number or new_report_number(),
            "opened_at": NOW,
            "kind": ProblemKind.DATA_WRONG,
            "by": CheckedBy.CODE,
            "claimed": None,
            "claimed_at": None,
            "ref": None,
            "department": (route or Route()).department,
            "contact_due": CONTACT_DUE,
            "answer_due": ANSWER_DUE,
            "calendar_known": True,
            "contacted_at": None,
            "closed_at": None,
            "outcome": None,
            "first_said": None,
            "said": None,
            "forwarded_to": None,
            "newest": None,
            **said,
        }
    )
    return ProblemReport(
        followed=followed,
        route=route or Route(client=CLIENT),
        file_sha256=None,
        due=followed.contact_due,
        sealed=b"s" * 40,
        key_id="data-1",
        erased_at=None,
        corrected=None,
    )


def closing(number: ReportNumber, key: str, certificate: Ref | None = None, event: int | None = None) -> ReportAnswer:
    """An answer; a correction where an event is named."""
    return ReportAnswer(
        number=number,
        act=ReportAct.CLOSE,
        client=CLIENT,
        key=key,
        digest=digest(key),
        actor=CLIENT,
        said="已核对。",
        outcome=Outcome.UNFOUNDED if event is None else Outcome.CORRECTED,
        certificate=certificate,
        event=event,
    )


async def walk_on(desk: PostgresReportDesk, reports: PostgresReports, name: str) -> ReportNumber:
    """A whole report, beginning wherever an earlier try of the same requests came to."""
    number, _ = await desk.open(report(), digest(name), digest(f"content of {name}"))
    await reports.tell_all(NOW)
    taken_up = ReportAnswer(
        number=number,
        act=ReportAct.ACKNOWLEDGE,
        client=CLIENT,
        key=f"{name} taken up",
        digest=digest("taken up"),
        actor=CLIENT,
    )
    await reports.answer(taken_up, NOW + timedelta(minutes=5))
    await reports.tell_all(NOW + timedelta(days=9))
    await reports.answer(closing(number, f"{name} closed"), NOW + timedelta(days=10))
    await reports.erase(NOW + timedelta(days=11), NOW + timedelta(days=41))
    return number
