"""The history of a certificate as a page shows it: every word chosen, every date written."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.history import VersionOnRecord
from certsvc.http.language import Language
from certsvc.http.verifier.headline import LOOKS, Look
from certsvc.http.verifier.notes import ground_said
from certsvc.verify.history import Entry, HistoryReport


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One entry: what was done, the state after it, and its two times."""

    act: str
    look: Look
    struck: bool
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    href: str | None
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One sheet."""

    title: str
    code: str
    href: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """The page."""

    heading: str
    number: str
    holder: str
    code: str
    asked_at: str
    asked_iso: str
    entries: tuple[EntryLine, ...]
    versions: tuple[VersionLine, ...]
    cut: bool


def history_view(report: HistoryReport, language: Language) -> HistoryView:
    """Everything the page of a history shows."""
    certificate = report.certificate.certificate
    title = language.pick(report.certificate.title_zh, report.certificate.title_en)
    sheets = {version.version: version for version in report.versions}
    return HistoryView(
        heading=language.put(language.words["history"]["heading"], title=title),
        number=certificate.number,
        holder=certificate.holder_name,
        code=certificate.ref.typed_code,
        asked_at=language.moment(report.asked_at),
        asked_iso=report.asked_at.isoformat(timespec="seconds"),
        entries=tuple(_entry(entry, sheets, language) for entry in report.entries),
        versions=tuple(_version(version, language) for version in report.versions),
        cut=report.is_cut,
    )


def act_word(act: str, language: Language) -> str:
    """What was done, in words; a new act is shown by its code."""
    return str(language.words["acts"].get(act, act))


def _entry(entry: Entry, sheets: dict[int, VersionOnRecord], language: Language) -> EntryLine:
    event, words = entry.event, language.words["history"]
    sheet = sheets.get(entry.version) if entry.version else None
    return EntryLine(
        act=act_word(event.act, language),
        look=LOOKS["closed" if entry.struck_by else event.status],
        struck=entry.struck_by is not None,
        facts=_facts(entry, language),
        notes=tuple(_notes(entry, language)),
        href=f"/C/{sheet.ref.typed_code}" if sheet else None,
        version=words["version"].format(n=entry.version) if sheet else None,
    )


def _facts(entry: Entry, language: Language) -> tuple[tuple[str, str], ...]:
    event, words = entry.event, language.words["history"]
    effective = language.day(event.effective)
    found = (
        (words["effective"], f"{effective}{_bracketed(words['retroactive'], language) if event.retroactive else ''}"),
        (words["recorded"], _moment(event.recorded_at, language)),
        (words["after"], language.words["status"].get(event.status, event.status)),
        (words["due"], language.day(event.due) if event.due else None),
        (words["reason"], ground_said(event.act, event.reason_code, event.reason, language)),
        (words["decision"], event.decision_number),
        (words["basis"], event.legal_basis),
        (words["successor"], event.successor),
    )
    return tuple((label, value) for label, value in found if value)


def _notes(entry: Entry, language: Language) -> list[str]:
    event, words = entry.event, language.words["history"]
    found, recorded = [], beijing_date(event.recorded_at)
    if entry.struck_by is not None:
        found.append(words["struck"])
    if event.strikes is not None:
        found.append(words["strikes"])
    if event.after_report:
        found.append(language.words["reports"]["after_report"])
    if event.effective < recorded:
        found.append(words["late"].format(day=language.day(event.effective)))
    elif event.effective > recorded:
        found.append(words["ahead"])
    return found


def _version(version: VersionOnRecord, language: Language) -> VersionLine:
    words, results = language.words["history"], language.words["result"]
    end = version.term.end.isoformat() if version.term.end else None
    term = f"{version.term.start.isoformat()} {results['to']} {end}" if end else str(results["no_end"])
    return VersionLine(
        title=words["version"].format(n=version.version),
        code=version.ref.typed_code,
        href=f"/C/{version.ref.typed_code}",
        facts=(
            (words["holds"], _held(version, language)),
            (words["term"], term),
            (words["issued"], _moment(version.issued_at, language)),
        ),
    )


def _held(version: VersionOnRecord, language: Language) -> str:
    words = language.words["history"]
    if version.since is None:
        return str(words["holds_never"])
    since = language.day(version.since)
    if version.until is None:
        return str(words["holds_since"]).format(since=since)
    return str(words["holds_until"]).format(since=since, until=language.day(version.until))


def _moment(at: datetime, language: Language) -> str:
    return language.moment(at) + str(language.words["site"]["beijing"])


def _bracketed(text: str, language: Language) -> str:
    return f" ({text})" if language.code == "en" else f"（{text}）"
