"""Was it in force on that day? The register's answer for any day, by what is known now or was known at some moment.

Nothing here speaks of today: the document is not judged, what others reported is not asked, and what is applied for is
left out. A day that has not come is never called valid.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from certsvc.domain.calendar import BEIJING, beijing_date, start_of_day
from certsvc.domain.certificate import Gathered
from certsvc.domain.states import Status
from certsvc.errors import InvalidInput, RegisterUnavailable
from certsvc.ids import Ref, parse_typed_code
from certsvc.verify.gather import is_issued_by, make_report, no_record
from certsvc.verify.report import AsOf, CertificateReport, Check, Outcome, Report, Soundness, Verdict
from certsvc.verify.service import Verifying

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The day asked about, and since when the answer must have been on record; None for all that is known now."""

    day: date
    known_at: datetime | None = None


def parse_question(day: str, known_at: str, now: datetime) -> Question:
    """The question as it is written: `2026-03-02`; `known_at` the same, for the end of that day in Beijing, or a
    moment, in Beijing too unless it says otherwise. An empty `known_at` is none.

    Raises:
        InvalidInput: either is written otherwise, no such day exists, or `known_at` lies in the future.
    """
    return Question(day=parse_day(day), known_at=_parse_moment(known_at, now) if known_at else None)


def parse_day(text: str) -> date:
    """A calendar date.

    Raises:
        InvalidInput: it is not written as one, or does not exist.
    """
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(
        "日期 as_of 应写作 2026-03-02，并且确有这一天。",
        "Write the date `as_of` as 2026-03-02; it must be a day that exists.",
    )


async def verify_as_of(verifying: Verifying, code: str, question: Question, now: datetime) -> Report:
    """Report on a typed code as of a day. Asked of today as known now, it is today's register without its surroundings.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: mistyped; the register was not asked.
        NotFound: no certificate has this code.
        RegisterUnavailable: it cannot be known now.
    """
    ref = parse_typed_code(code)
    current = await _gather(verifying, ref, question.day, now)
    if current is None:
        raise no_record()
    at, known = question.known_at, current
    if at is not None:
        found = await _gather(verifying, ref, question.day, at)
        if found is None:
            return _not_on_record_then(verifying, current, question, now)
        known = found
    report = _report(verifying, known, question, now)
    return replace(report, as_of=await _beside(verifying, report, question, ref, now))


def _report(verifying: Verifying, gathered: Gathered, question: Question, now: datetime) -> Report:
    """The report on a day, without what was issued later and what is applied for now."""
    by_then = tuple(permit for permit in gathered.permits if is_issued_by(permit, question.day))
    later = len(gathered.permits) - len(by_then)
    checks = (
        Check("code", Outcome.PASSED, "known_code"),
        Check("register", Outcome.PASSED, "on_record"),
    )
    report = make_report(
        verifying.catalog,
        "code",
        Soundness.SOUND,
        checks,
        replace(gathered, permits=by_then, pending=()),
        now,
        on=question.day,
    )
    to_come = question.day > beijing_date(question.known_at or now)
    as_of = AsOf(day=question.day, known_at=question.known_at, is_to_come=to_come, issued_later=later)
    report = replace(report, as_of=as_of)
    return _to_come(report) if to_come else report


def _to_come(report: Report) -> Report:
    """Of a day that has not come: what would be valid is not known yet."""
    main = report.certificate
    return replace(
        report,
        verdict=_unless_decided(report.verdict),
        certificate=_line_to_come(main) if main else None,
        licence=_line_to_come(report.licence) if report.licence else None,
        permits=tuple(map(_line_to_come, report.permits)),
        checks=(*report.checks, Check("status", Outcome.UNKNOWN, "day_to_come")),
    )


def _line_to_come(report: CertificateReport) -> CertificateReport:
    if report.verdict is not Verdict.VALID:
        return report
    checks = (*report.checks, Check("status", Outcome.UNKNOWN, "day_to_come"))
    return replace(report, verdict=Verdict.UNDETERMINED, checks=checks)


def _unless_decided(verdict: Verdict) -> Verdict:
    return Verdict.UNDETERMINED if verdict is Verdict.VALID else verdict


async def _beside(verifying: Verifying, report: Report, question: Question, ref: Ref, now: datetime) -> AsOf:
    """What else is to be said: which sheet held on the day, and what the register said at its end."""
    assert report.as_of is not None, "made just now"
    as_of = replace(report.as_of, sheet=await _sheet_of(verifying, report, question))
    if question.known_at is not None or as_of.is_to_come or question.day == beijing_date(now):
        return as_of
    at = _end_of(question.day)
    then = await _gather(verifying, ref, question.day, at)
    known = _report(verifying, then, replace(question, known_at=at), now).certificate if then else None
    if _said(known) == _said(report.certificate):
        return as_of
    return replace(as_of, then_at=at, then=known)


def _said(report: CertificateReport | None) -> object:
    """What would make a difference to somebody who asked; nothing on record is like not issued."""
    if report is None or any(check.reason == "not_issued_then" for check in report.checks):
        return None
    certificate = report.certificate
    return certificate.status, certificate.conditions, report.verdict


async def _sheet_of(verifying: Verifying, report: Report, question: Question) -> Ref | None:
    """The sheet of the same certificate that held on the day, where the one asked about did not."""
    main = report.certificate
    if main is None or verifying.histories is None:
        return None
    held = main.certificate.status not in (Status.SUPERSEDED, Status.UNKNOWN)
    if held:
        return None
    history = await verifying.histories.history(main.certificate.ref)
    for version in history.versions if history else ():
        if version.since is not None and version.since <= question.day <= (version.until or date.max):
            return version.ref if version.ref != main.certificate.ref else None
    return None


def _not_on_record_then(verifying: Verifying, current: Gathered, question: Question, now: datetime) -> Report:
    """At the moment named, the register knew nothing of it, whatever it says now of that day."""
    unknown = replace(current.certificate, status=Status.UNKNOWN, conditions=(), change=None, successor=None)
    bare = replace(current, certificate=unknown, permits=(), pending=())
    report = _report(verifying, bare, replace(question, known_at=None), now)
    check = Check("status", Outcome.UNKNOWN, "not_on_record_then")
    main = report.certificate
    assert main is not None, "it is on record now"
    return replace(
        report,
        verdict=Verdict.UNDETERMINED,
        certificate=replace(main, verdict=Verdict.UNDETERMINED, checks=(check,), consequences=()),
        checks=(check,),
        licence=None,
        as_of=AsOf(day=question.day, known_at=question.known_at, is_on_record=False),
    )


async def _gather(verifying: Verifying, ref: Ref, day: date, known_at: datetime) -> Gathered | None:
    if verifying.register is None:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    return await verifying.register.gather(ref, day, known_at)


def _end_of(day: date) -> datetime:
    """The last moment of a day in Beijing."""
    return start_of_day(day + timedelta(days=1)) - timedelta(microseconds=1)


def _parse_moment(text: str, now: datetime) -> datetime:
    try:
        moment = _written_moment(text)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment > now:
        raise InvalidInput(
            "known_at 应写作 2026-03-02 或 2026-03-02T17:30（北京时间），不能在将来。",
            "Write `known_at` as 2026-03-02 or 2026-03-02T17:30 (Beijing time); it cannot lie in the future.",
        )
    return moment


def _written_moment(text: str) -> datetime | None:
    if DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time.max, BEIJING).astimezone(UTC)
    if match := MOMENT.fullmatch(text):
        written = datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ':00'}{match[4] or '+08:00'}")
        return written.astimezone(UTC)
    return None
