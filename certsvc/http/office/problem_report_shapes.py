"""What the API takes and answers about reports of problems."""

from datetime import datetime
from typing import Annotated

import msgspec

from certsvc.domain.problem_report import Outcome, ProblemReport
from certsvc.http.office.shapes import Code, Short
from certsvc.issuance.problem_reports.content import Content

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=1000, description="Shown to the public; in Chinese.")]


class DepartmentShape(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers."""

    name: str
    uscc: str | None


class DeadlineShape(msgspec.Struct, frozen=True, kw_only=True):
    """By when, when it was done, and whether it is or was late."""

    due: datetime
    at: datetime | None
    late: bool
    said: str | None


class CorrectionShape(msgspec.Struct, frozen=True, kw_only=True):
    """The entry in the life of a certificate that is the correction."""

    certificate: str
    event: int


class SaidShape(msgspec.Struct, frozen=True, kw_only=True):
    """What the reporter wrote, until it is erased. `typed` is a code and `digits` are those of a QR that no certificate
    of ours has."""

    words: str
    contact: str | None
    typed: str | None
    digits: str | None


class ReportShape(msgspec.Struct, frozen=True, kw_only=True):
    """A report. `claimed` is the verdict that the reporter's page showed, as the reporter says. `calendar_known` tells
    whether the holidays of every year that its deadlines were counted through are published. `reported` is what was
    written: shown when one report is read, not in lists."""

    number: str
    state: str
    kind: str
    opened_at: datetime
    checked_by: str
    certificate: str | None
    file_sha256: str | None
    claimed: str | None
    claimed_at: datetime | None
    department: DepartmentShape | None
    contact: DeadlineShape
    answer: DeadlineShape
    calendar_known: bool
    outcome: str | None
    forwarded_to: str | None
    correction: CorrectionShape | None
    erased_at: datetime | None
    href: str
    reported: SaidShape | None = None


class AcknowledgeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first contact was made, or tried."""

    said: Said | None = None


class CloseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer. `corrected` names the `certificate` and the `event` in its history that is the correction;
    `forwarded` to whom it goes. `corrected_elsewhere` is for what is no certificate here."""

    outcome: Outcome
    said: Said
    certificate: Code | None = None
    event: Annotated[int, msgspec.Meta(ge=1, le=9223372036854775807)] | None = None
    forwarded_to: Short | None = None


def report_shape(report: ProblemReport, path: str, now: datetime, content: Content | None = None) -> ReportShape:
    """A report as the API shows it."""
    one, route = report.followed, report.route
    contact_late, answer_late = one.contact_is_late(now), one.answer_is_late(now)
    corrected = report.corrected
    return ReportShape(
        number=one.number,
        state=one.state.value,
        kind=one.kind.value,
        opened_at=one.opened_at,
        checked_by=one.by.value,
        certificate=one.ref.typed_code if one.ref else None,
        file_sha256=report.file_sha256.hex() if report.file_sha256 else None,
        claimed=one.claimed.value if one.claimed else None,
        claimed_at=one.claimed_at,
        department=DepartmentShape(name=route.department, uscc=route.department_uscc) if route.department else None,
        contact=DeadlineShape(due=one.contact_due, at=one.contacted_at, late=contact_late, said=one.first_said),
        answer=DeadlineShape(due=one.answer_due, at=one.closed_at, late=answer_late, said=one.said),
        calendar_known=one.calendar_known,
        outcome=one.outcome.value if one.outcome else None,
        forwarded_to=one.forwarded_to,
        correction=CorrectionShape(certificate=corrected[0].typed_code, event=corrected[1]) if corrected else None,
        erased_at=report.erased_at,
        href=f"{path}/{one.number}",
        reported=SaidShape(**msgspec.structs.asdict(content)) if content else None,
    )
