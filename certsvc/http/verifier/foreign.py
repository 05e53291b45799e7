"""Records from elsewhere as a page shows them: by whom, as of when, and never with the tick of what is ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.domain.calendar import TermState
from certsvc.domain.record import ReportedState
from certsvc.domain.source import Freshness
from certsvc.domain.states import IN_FORCE
from certsvc.errors import Problem
from certsvc.http.language import Language
from certsvc.http.verifier.headline import LOOKS, UNSURE, Look
from certsvc.verify.foreign import Elsewhere, ForeignReport, SourceReport

REPORTED = Look("info", "old", "old")
"""Reported to be in force: a plain mark, for nobody here has seen the permit."""

LABELS = {"subject": "holder", "issuer": "issuer", "number": "number", "term": "term"}
"""How the parts of a record that a warning is about are called on a page."""

UNSAID = frozenset({"not_public"})
"""Warnings that are for the source alone."""

WORDS_IN_FORCE = frozenset(status.value for status in IN_FORCE)
FRESHNESS_LOOKS = {
    Freshness.FRESH: Look("clock", "old", "old"),
    Freshness.LATE: Look("clock", "hold", "hold"),
    Freshness.SILENT: UNSURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignLine:
    """One record. `reported` says by whom and as of when; `doubt` why its state is not known, `warnings` what is odd
    about it."""

    title: str
    tag: str
    look: Look
    number: str
    holder: str
    issuer: str
    term: str
    reported: str
    doubt: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """One source: its name, its freshness in a word and a shape, when it last answered, and of when its list is."""

    name: str
    word: str
    look: Look
    answered: str
    complete: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElsewhereView:
    """The section of a licence's page; `down` when others could not be asked, and then nothing else is there.

    `complete` says how many of those who report did so in time, `stale` who did not, and since when.
    """

    down: bool
    heading: str
    records: tuple[ForeignLine, ...]
    sources: tuple[SourceLine, ...]
    complete: str
    stale: str | None


def elsewhere_view(elsewhere: Elsewhere | None, language: Language, now: datetime) -> ElsewhereView | None:
    """What a page shows of records from elsewhere; None where nobody was asked, or no source is registered."""
    if elsewhere is None or (elsewhere.answered and not elsewhere.sources):
        return None
    words, count = language.words["elsewhere"], len(elsewhere.records)
    heading = words["down_title"] if not elsewhere.answered else words["title" if count else "none"].format(n=count)
    return ElsewhereView(
        down=not elsewhere.answered,
        heading=heading,
        records=tuple(_record(one, language, now) for one in elsewhere.records),
        sources=tuple(_source(one, language, now) for one in elsewhere.sources),
        complete=_completeness(elsewhere.sources, language),
        stale=_stale(elsewhere.sources, language, now),
    )


def _record(report: ForeignReport, language: Language, now: datetime) -> ForeignLine:
    content, words = report.record.content, language.words["elsewhere"]
    tag, look = _tag(report, language)
    source = language.pick(report.source.source.zh, report.source.source.en)
    confirmed = language.age(int((now - report.confirmed_at).total_seconds()), now)
    end = content.term.end.isoformat() if content.term.end else None
    begins = content.term.start.isoformat()
    results = language.words["result"]
    return ForeignLine(
        title=language.pick(report.title_zh, report.title_en),
        tag=tag,
        look=look,
        number=content.number,
        holder=content.holder_name,
        issuer=content.issuer_name,
        term=f"{begins} {results['to']} {end}" if end else str(results["no_end"]),
        reported=language.put(
            words["last_reported_by" if report.doubt else "reported_by"], source=source, age=confirmed
        ),
        doubt=_doubt(report, language),
        warnings=tuple(_warning(one, language) for one in content.warnings if one.code not in UNSAID),
    )


def _warning(problem: Problem, language: Language) -> str:
    """What is odd, and about which part: the holder's code, the issuer's, the number."""
    label = LABELS.get(problem.field.partition(".")[0])
    said = language.pick(problem.zh, problem.en)
    return f"{language.words['result'][label]}{language.words['elsewhere']['colon']}{said}" if label else said


def _tag(report: ForeignReport, language: Language) -> tuple[str, Look]:
    """The word and the shape of a state: what it is reported to be, or that it is not known."""
    words: Mapping[str, Any] = language.words
    if report.state is ReportedState.UNKNOWN:
        return str(words["elsewhere"]["unknown"]), UNSURE
    if report.state.value in WORDS_IN_FORCE:
        if report.term is TermState.OVER and report.state is not ReportedState.RENEWAL_PENDING:
            return str(words["term"]["over"]["word"]), LOOKS["expired"]
        if report.term is TermState.NOT_YET:
            return str(words["term"]["not_yet"]["word"]), LOOKS["not_yet"]
        return str(words["elsewhere"]["reported"]).format(state=words["status"][report.state.value]), REPORTED
    if report.state is ReportedState.EXPIRED:
        return str(words["elsewhere"]["expired"]), LOOKS["expired"]
    return str(words["status"][report.state.value]), LOOKS[report.state.value]


def _doubt(report: ForeignReport, language: Language) -> str | None:
    """Why the state is not known, and what was reported last: so much is known."""
    if report.doubt is None:
        return None
    content, words = report.record.content, language.words["elsewhere"]
    since = report.record.missing_since
    said = str(words["doubt"][report.doubt.value]).format(
        day=language.moment(since) if since else "", said=content.said or words["nothing"]
    )
    if content.state is ReportedState.UNKNOWN:
        return said
    known = language.words["status"].get(content.state.value) or words["expired"]
    return said + str(words["last"]).format(state=known)


def _source(report: SourceReport, language: Language, now: datetime) -> SourceLine:
    source, heard, words = report.health.source, report.health.heard, language.words["elsewhere"]
    return SourceLine(
        name=language.pick(source.zh, source.en),
        word=str(words["freshness"][report.freshness.value]),
        look=FRESHNESS_LOOKS[report.freshness],
        answered=_ago(heard.last_heard_at, words["answered"], words["never"], language, now),
        complete=_complete(report, language, now),
    )


def _complete(report: SourceReport, language: Language, now: datetime) -> str:
    words, as_of = language.words["elsewhere"], report.health.heard.complete_as_of
    if report.health.source.complete_every is None and as_of is None:
        return str(words["changes_only"])
    return _ago(as_of, words["complete_as_of"], words["no_list"], language, now)


def _ago(when: datetime | None, said: str, never: str, language: Language, now: datetime) -> str:
    if when is None:
        return never
    return said.format(age=language.age(max(0, int((now - when).total_seconds())), now))


def _completeness(sources: Sequence[SourceReport], language: Language) -> str:
    """How many of those who would know of the business have answered in time."""
    fresh = sum(one.freshness is Freshness.FRESH for one in sources)
    return str(language.words["elsewhere"]["complete"]).format(n=fresh, m=len(sources))


def sources_sentence(elsewhere: Elsewhere | None, language: Language, now: datetime) -> str | None:
    """How complete the list of permits is, in one sentence: how many sources answered in time, which did not and since
    when, and what that hides. None where nobody was asked."""
    if elsewhere is None or not elsewhere.answered or not elsewhere.sources:
        return None
    words, names = language.words["gathered"], _overdue_names(elsewhere.sources, language, now)
    fresh = sum(one.freshness is Freshness.FRESH for one in elsewhere.sources)
    count = {"n": fresh, "m": len(elsewhere.sources)}
    if not names:
        return str(words["sources_all"]).format(**count)
    return str(words["sources"]).format(**count) + str(words["sources_late"]).format(sources=names)


def _stale(sources: Iterable[SourceReport], language: Language, now: datetime) -> str | None:
    """Whom not to rely on for completeness, by name, and when each was last heard."""
    names = _overdue_names(sources, language, now)
    return str(language.words["elsewhere"]["stale"]).format(sources=names) if names else None


def _overdue_names(sources: Iterable[SourceReport], language: Language, now: datetime) -> str:
    names = [_overdue(one, language, now) for one in sources if one.freshness is not Freshness.FRESH]
    return str(language.words["elsewhere"]["list_separator"]).join(names)


def _overdue(report: SourceReport, language: Language, now: datetime) -> str:
    """A source and which of its two promises it broke: to be heard, or else to list all it has."""
    line, heard = _source(report, language, now), report.health.heard.last_heard_at
    in_time = heard is not None and now - heard <= report.health.source.expected_every
    return str(language.words["elsewhere"]["overdue"]).format(
        source=line.name, since=line.complete if in_time else line.answered
    )
