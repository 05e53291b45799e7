"""From rows to reports of problems."""

from asyncpg import Record

from certsvc.domain.problem_report import (
    CheckedBy,
    ClaimedVerdict,
    Figures,
    FollowedReport,
    Outcome,
    ProblemKind,
    ProblemReport,
    Route,
)
from certsvc.ids import Ref, ReportNumber, ref_from_bytes


def to_followed(row: Record, number: ReportNumber, newest: Ref | None = None) -> FollowedReport:
    """A report for who has its number."""
    return FollowedReport(
        number=number,
        opened_at=row["opened_at"],
        kind=ProblemKind(row["kind"]),
        by=CheckedBy(row["source"]),
        claimed=ClaimedVerdict(row["claimed"]) if row["claimed"] else None,
        claimed_at=row["claimed_at"],
        ref=ref_or_none(row["ref"]),
        department=row["department"],
        contact_due=row["contact_due"],
        answer_due=row["answer_due"],
        calendar_known=row["calendar_known"],
        contacted_at=row["contacted_at"],
        closed_at=row["closed_at"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        first_said=row["first_said"],
        said=row["said"],
        forwarded_to=row["forwarded_to"],
        newest=newest,
    )


def to_report(row: Record) -> ProblemReport:
    """A report for who answers it."""
    corrected = None if row["event_id"] is None else (ref_from_bytes(row["life_ref"]), int(row["event_id"]))
    return ProblemReport(
        followed=to_followed(row, ReportNumber(row["number"])),
        route=Route(
            department=row["department"],
            department_uscc=row["department_uscc"],
            client=row["client"],
            type_id=row["type_id"],
            seal_id=row["seal_id"],
            area=row["area"],
        ),
        file_sha256=row["file_sha256"],
        due=row["due"],
        sealed=row["sealed"],
        key_id=row["key_id"],
        erased_at=row["erased_at"],
        corrected=corrected,
    )


def to_figures(row: Record) -> Figures:
    """One line of a table."""
    return Figures(*(row[name] for name in Figures.__dataclass_fields__))


def ref_or_none(raw: bytes | None) -> Ref | None:
    """A reference, where there is one."""
    return None if raw is None else ref_from_bytes(raw)
