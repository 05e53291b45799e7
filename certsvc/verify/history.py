"""The history of a certificate for who has its code: every entry, the day it took effect and when it was recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.domain.calendar import beijing_date
from certsvc.domain.history import FeedEvent, History, PublicEvent, VersionOnRecord
from certsvc.errors import NotFound, RegisterUnavailable
from certsvc.ids import Ref, parse_typed_code
from certsvc.services import HistoryReader
from certsvc.verify.gather import ask_register, certificate_report, no_record
from certsvc.verify.report import CertificateReport
from certsvc.verify.service import Verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; `struck_by` is the later one that took it back, `version` the number of the sheet it made."""

    event: PublicEvent
    struck_by: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """The history of one certificate, the newest entry first; `certificate` is the sheet asked about, as of today."""

    asked_at: datetime
    certificate: CertificateReport
    entries: tuple[Entry, ...]
    versions: tuple[VersionOnRecord, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change in a feed, with the title of the certificate it is about."""

    change: FeedEvent
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The last changes under one code, the newest first."""

    ref: Ref
    certificate: CertificateReport
    changes: tuple[Change, ...]


async def tell_history(verifying: Verifying, code: str, now: datetime) -> HistoryReport:
    """The history of a certificate by its code.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: mistyped; the register was not asked.
        NotFound: no certificate has this code.
        RegisterUnavailable: it cannot be known now.
    """
    ref = parse_typed_code(code)
    certificate = await known_certificate(verifying, ref, now)
    history = await _histories(verifying).history(ref)
    if history is None:
        raise no_record()
    return HistoryReport(
        asked_at=now,
        certificate=certificate,
        entries=tuple(reversed(entries_of(history))),
        versions=history.versions,
        is_cut=history.is_cut,
    )


async def tell_feed(verifying: Verifying, code: str, now: datetime) -> Feed:
    """The last changes of a certificate by its code; of a licence, of everything that hangs on it. Raises as
    `tell_history`."""
    ref = parse_typed_code(code)
    certificate = await known_certificate(verifying, ref, now)
    changes = await _histories(verifying).feed(ref)
    return Feed(ref=ref, certificate=certificate, changes=tuple(_titled(verifying, one) for one in changes))


async def known_certificate(verifying: Verifying, ref: Ref, now: datetime) -> CertificateReport:
    """One certificate as of now.

    Raises:
        NotFound: no certificate has this reference.
        RegisterUnavailable: it cannot be known now.
    """
    asked = await ask_register(verifying.register, ref, now)
    if not asked.answered:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    if asked.gathered is None:
        raise no_record()
    return certificate_report(verifying.catalog, asked.gathered.certificate, beijing_date(now), asked.gathered.root)


def entries_of(history: History) -> Sequence[Entry]:
    """Every entry in the order of recording, with what took it back and which sheet it made. An entry that takes
    another back is undone by being taken back itself."""
    struck: dict[int, int] = {}
    for event in reversed(history.events):
        if event.strikes is not None and event.id not in struck:
            struck[event.strikes] = event.id
    sheets = {version.ref: version.version for version in history.versions}
    return [
        Entry(
            event=event,
            struck_by=struck.get(event.id),
            version=sheets.get(event.version) if event.version is not None else None,
        )
        for event in history.events
    ]


def history_json(report: HistoryReport) -> dict[str, Any]:
    """The history, for a program to read. The names are part of the public interface and do not change."""
    certificate = report.certificate.certificate
    return {
        "typed_code": certificate.ref.typed_code,
        "type": certificate.type_id,
        "title": {"zh": report.certificate.title_zh, "en": report.certificate.title_en},
        "number": certificate.number,
        "asked_at": report.asked_at.isoformat(timespec="seconds"),
        "complete": not report.is_cut,
        "events": [_entry_json(entry) for entry in report.entries],
        "versions": [_version_json(version) for version in report.versions],
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return {
        "id": event.id,
        "act": event.act,
        "status": event.status,
        "effective": event.effective.isoformat(),
        "recorded_at": event.recorded_at.isoformat(timespec="seconds"),
        "reason_code": event.reason_code,
        "reason": event.reason,
        "legal_basis": event.legal_basis,
        "decision_number": event.decision_number,
        "retroactive": event.retroactive,
        "due": event.due.isoformat() if event.due else None,
        "successor": event.successor,
        "version": entry.version,
        "strikes": event.strikes,
        "struck_by": entry.struck_by,
        "after_report": event.after_report,
    }


def _version_json(version: VersionOnRecord) -> dict[str, Any]:
    return {
        "typed_code": version.ref.typed_code,
        "version": version.version,
        "issued_at": version.issued_at.isoformat(timespec="seconds"),
        "term": {
            "start": version.term.start.isoformat(),
            "end": version.term.end.isoformat() if version.term.end else None,
        },
        "holds_from": version.since.isoformat() if version.since else None,
        "holds_until": version.until.isoformat() if version.until else None,
    }


def _titled(verifying: Verifying, change: FeedEvent) -> Change:
    try:
        kind = verifying.catalog.latest(change.type_id)
    except NotFound:  # a type that this program does not know yet
        return Change(change=change, title_zh=change.type_id, title_en=change.type_id)
    return Change(change=change, title_zh=kind.zh, title_en=kind.en)


def _histories(verifying: Verifying) -> HistoryReader:
    if verifying.histories is None:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    return verifying.histories
