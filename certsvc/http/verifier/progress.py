"""How far a case has come, as pages show it: every word chosen, every date written. No part looks like a permit."""

from collections.abc import Mapping
from dataclasses import dataclass

from certsvc.domain.case import PENDING, PartState
from certsvc.http.language import Language
from certsvc.verify.case import CaseReport
from certsvc.verify.report import PartReport

SHAPES: Mapping[PartState, tuple[str, str]] = {
    PartState.WAITING: ("clock", "old"),
    PartState.ACCEPTED: ("clock", "old"),
    PartState.ACCEPTED_WITH_DOCUMENTS: ("clock", "hold"),
    PartState.RETURNED: ("arrow", "hold"),
    PartState.GRANTED: ("clock", "old"),
    PartState.ISSUED: ("tick", "ok"),
    PartState.REFUSED: ("stop", "bad"),
    PartState.WITHDRAWN: ("closed", "old"),
    PartState.ENDED: ("closed", "old"),
}
"""The shape and the colour family of each state; only what is issued has the tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLine:
    """One part: its word and shape, what is said of its time, what to do next, and where its certificate is."""

    title: str
    title_zh: str | None
    word: str
    icon: str
    family: str
    deadline: str | None
    late: bool
    documents: str | None
    next: str
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """The page of a case."""

    headline: str
    code: str
    applicant: str
    opened_at: str
    asked_at: str
    asked_iso: str
    parts: tuple[PartLine, ...]


def case_view(report: CaseReport, language: Language) -> CaseView:
    """Everything the page of a case shows."""
    words, done = language.words["case"], sum(one.part.state not in PENDING for one in report.parts)
    headline = words["finished"] if report.is_finished else words["headline"]
    return CaseView(
        headline=headline.format(done=done, n=len(report.parts)),
        code=report.progress.ref.typed_code,
        applicant=report.progress.applicant,
        opened_at=language.moment(report.progress.opened_at),
        asked_at=language.moment(report.asked_at),
        asked_iso=report.asked_at.isoformat(timespec="seconds"),
        parts=tuple(part_line(part, language) for part in report.parts),
    )


def part_line(report: PartReport, language: Language) -> PartLine:
    """One part in a list."""
    part, words = report.part, language.words["case"]
    said = words["state"][part.state.value]
    icon, family = SHAPES[part.state]
    day = part.deadline.isoformat() if part.deadline else None
    late = words["late" if report.is_late else "deadline"].format(day=day) if day else None
    due = part.documents_due if part.state in PENDING else None
    return PartLine(
        title=language.pick(report.title_zh, report.title_en),
        title_zh=language.beside(report.title_zh, language.pick(report.title_zh, report.title_en)),
        word=said["word"],
        icon=icon,
        family="hold" if report.is_late else family,
        deadline=late,
        late=report.is_late,
        documents=words["documents"].format(day=due.isoformat()) if due else None,
        next=said["next"],
        href=f"/C/{part.certificate.typed_code}" if part.certificate else None,
    )
