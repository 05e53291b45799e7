"""Pages about reports: every word chosen, every date written, nothing left to decide in a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.domain.problem_report import (
    MOST_WORDS,
    Department,
    Figures,
    FollowedReport,
    Outcome,
    ProblemKind,
    ReportState,
)
from certsvc.errors import Problem
from certsvc.http.desk.report_form import Filled
from certsvc.http.language import Language
from certsvc.issuance.problem_reports.taking import LookedUp

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HIDDEN = ("by", "qr", "file", "said", "at")
FIELDS = ("kind", "words", "contact", "department", "code")


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what stands there; `zh` says that it is Chinese whatever the page is, `code` that it is a code."""

    label: str
    value: str
    zh: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose."""

    value: str
    label: str
    hint: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormView:
    """The form. `errors` are by field, `other_errors` of the whole; `hidden` is what was handed on."""

    checked: tuple[Row, ...]
    checked_note: str
    asks_for_code: bool
    kinds: tuple[Choice, ...]
    departments: tuple[Choice, ...]
    values: Mapping[str, str]
    hidden: Mapping[str, str]
    errors: Mapping[str, str]
    other_errors: tuple[str, ...]
    most: int = MOST_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowView:
    """A report as who has its number sees it."""

    number: str
    groups: tuple[str, ...]
    headline: str
    word: str
    family: str
    icon: str
    next: str
    rows: tuple[Row, ...]
    statements: tuple[tuple[str, str], ...]
    calendar_note: str
    href: str | None
    asked_at: str
    asked_iso: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureLine:
    """A line of a table."""

    name: str
    zh: bool
    cells: tuple[str, ...]
    late: bool


def form_view(
    filled: Filled,
    token: str,
    looked: LookedUp,
    departments: Sequence[Department],
    language: Language,
    problems: Iterable[Problem] = (),
) -> FormView:
    """The form with what was typed, and what is wrong with it."""
    words = language.words["reports"]
    said = [(problem.field, language.pick(problem.zh, problem.en)) for problem in problems]
    on_record = looked.certificate is not None
    asks = not (on_record or filled["qr"] or filled["file"])
    hidden = {name: filled[name] for name in HIDDEN if filled[name]}
    return FormView(
        checked=tuple(_checked(looked, language)),
        checked_note="" if on_record or asks else words["not_on_record"],
        asks_for_code=asks,
        kinds=tuple(
            Choice(value=kind, label=words["kind"][kind], hint=words["kind_hint"][kind], chosen=filled["kind"] == kind)
            for kind in ProblemKind
        ),
        departments=tuple(
            Choice(value=one.id, label=language.pick(one.zh, one.en), chosen=filled["department"] == one.id)
            for one in departments
        ),
        values={name: filled[name] for name in FIELDS},
        hidden={**hidden, "token": token, **({} if asks else {"code": filled["code"]})},
        errors=_first_of_each(said),
        other_errors=tuple(text for field, text in said if field not in FIELDS),
    )


def _first_of_each(said: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """One error for each field of the form, in the order of finding them."""
    found: dict[str, str] = {}
    for field, text in said:
        if field in FIELDS:
            found.setdefault(field, text)
    return found


def _checked(looked: LookedUp, language: Language) -> Iterable[Row]:
    """What was checked: what the register says now, and what the reporter's page said."""
    words, checked = language.words["reports"], looked.checked
    if (one := looked.certificate) is not None:
        yield Row(words["certificate"], language.pick(looked.title_zh, looked.title_en))
        yield Row(words["holder"], one.holder_name, zh=True)
        yield Row(words["code"], one.ref.typed_code, code=True)
        yield Row(words["state_now"], str(language.words["status"][one.status]))
    if checked.claimed is not None:
        at = f"{words['list_separator']}{language.moment(checked.claimed_at)}" if checked.claimed_at else ""
        yield Row(words["claimed"], words["verdict"][checked.claimed] + at)


def follow_view(report: FollowedReport, language: Language, now: datetime) -> FollowView:
    """Everything the page of a report shows."""
    words = language.words["reports"]
    late = report.answer_is_late(now) or report.contact_is_late(now)
    is_open = report.state is not ReportState.CLOSED
    state = words["late"] if is_open and late else words["state"][report.state]
    newest = report.newest or report.ref
    _, *groups = report.number.split("-")
    return FollowView(
        number=report.number,
        groups=("R", *groups),
        headline=words["outcome"][report.outcome] if report.outcome else words["headline"][report.state],
        word=state,
        family="hold" if is_open and late else "old",
        icon="clock" if is_open else "info",
        next=words["next"][report.outcome or report.state],
        rows=tuple(_follow_rows(report, language, now)),
        statements=tuple(_statements(report, language)),
        calendar_note="" if report.calendar_known or not is_open else words["calendar_unknown"],
        href=f"/C/{newest.typed_code}" if newest else None,
        asked_at=language.moment(now),
        asked_iso=now.isoformat(timespec="seconds"),
    )


def _follow_rows(report: FollowedReport, language: Language, now: datetime) -> Iterable[Row]:
    words = language.words["reports"]
    yield Row(words["problem"], words["kind"][report.kind])
    if report.ref is not None:
        yield Row(words["code"], report.ref.typed_code, code=True)
    yield Row(words["department"], report.department or words["operator"], zh=report.department is not None)
    yield Row(words["opened_at"], language.moment(report.opened_at))
    contact = _deadline(report.contact_due, report.contacted_at, report.contact_is_late(now), language)
    answer = _deadline(report.answer_due, report.closed_at, report.answer_is_late(now), language)
    yield Row(words["contact_due"], contact)
    yield Row(words["answer_due"], answer)
    if report.outcome is Outcome.FORWARDED and report.forwarded_to:
        yield Row(words["forwarded_to"], report.forwarded_to, zh=True)


def _deadline(due: datetime, done: datetime | None, late: bool, language: Language) -> str:
    words = language.words["reports"]["deadline"]
    form = words[("late_done" if late else "done") if done else ("late" if late else "due")]
    return str(form).format(due=_short(due, language), done=_short(done, language) if done else "")


def _short(moment: datetime, language: Language) -> str:
    """To the minute: a deadline has no seconds."""
    return language.moment(moment)[: -len(":00")]


def _statements(report: FollowedReport, language: Language) -> Iterable[tuple[str, str]]:
    if report.first_said and report.contacted_at:
        yield language.moment(report.contacted_at), report.first_said
    if report.said and report.closed_at:
        yield language.moment(report.closed_at), report.said


def figure_lines(figures: Sequence[Figures], language: Language, *, by_kind: bool, now: datetime) -> list[FigureLine]:
    """The lines of a table, in their order."""
    words = language.words["reports"]
    return [
        FigureLine(
            name=words["kind"][one.name] if by_kind else one.name or words["operator"],
            zh=not by_kind and one.name is not None,
            cells=(
                str(one.late),
                str(one.pending),
                str(one.reports),
                _share(one.contact_in_time, one.contact_judged, words),
                _share(one.answer_in_time, one.answer_judged, words),
                lasting(one.median_contact, words),
                lasting(one.median_answer, words),
                lasting(now - one.oldest if one.oldest else None, words),
            ),
            late=one.late > 0,
        )
        for one in figures
    ]


def _share(part: int, whole: int, words: Mapping[str, Any]) -> str:
    if not whole:
        return str(words["none"])
    return str(words["share"]).format(part=part, whole=whole, percent=round(100 * part / whole))


def lasting(time: timedelta | None, words: Mapping[str, Any]) -> str:
    """How long, in minutes, hours or days."""
    if time is None:
        return str(words["none"])
    if time < HOUR:
        return str(words["minutes"]).format(n=max(0, round(time / timedelta(minutes=1))))
    if time < 2 * DAY:
        return str(words["hours"]).format(n=round(time / HOUR))
    return str(words["days"]).format(n=round(time / DAY))
