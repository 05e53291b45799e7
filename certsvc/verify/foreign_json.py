"""Records from elsewhere as JSON. The names are part of the public interface and do not change."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from certsvc.domain.record import to_national
from certsvc.verify.foreign import Elsewhere, ForeignReport, SourceReport
from certsvc.verify.foreign_file import ForeignFile


def elsewhere_json(elsewhere: Elsewhere) -> dict[str, Any]:
    """Who would know of the business, how fresh each is, and what they reported. Unless it `answered`, both lists are
    empty because nothing is known."""
    return {
        "answered": elsewhere.answered,
        "sources": [_source(source) for source in elsewhere.sources],
        "records": [_record(record) for record in elsewhere.records],
    }


def _source(report: SourceReport) -> dict[str, Any]:
    source, heard = report.health.source, report.health.heard
    return {
        "id": source.id,
        "name": {"zh": source.zh, "en": source.en},
        "organisation": source.organisation,
        "types": sorted(source.kinds),
        "freshness": report.freshness.value,
        "last_heard_at": _instant(heard.last_heard_at),
        "complete_as_of": _instant(heard.complete_as_of),
        "expected_every_s": _seconds(source.expected_every),
        "complete_every_s": _seconds(source.complete_every) if source.complete_every else None,
    }


def _record(report: ForeignReport) -> dict[str, Any]:
    record, content = report.record, report.record.content
    national = to_national(report.state)
    return {
        "source": report.source.source.id,
        "type": content.kind,
        "title": {"zh": report.title_zh, "en": report.title_en},
        "number": content.number,
        "holder": content.holder_name,
        "subject": content.subject,
        "issuer": {"name": content.issuer_name, "uscc": content.issuer_uscc},
        "term": {
            "start": content.term.start.isoformat(),
            "end": content.term.end.isoformat() if content.term.end else None,
        },
        "term_state": report.term.value,
        "reported_state": report.state.value,
        "doubt": report.doubt.value if report.doubt else None,
        "last_reported_state": content.state.value,
        "said": content.said,
        "national_state": {"code": national.code, "description": national.description},
        "observed_at": _instant(record.observed_at),
        "received_at": _instant(record.received_at),
        "confirmed_at": _instant(report.confirmed_at),
        "missing_since": _instant(record.missing_since),
        "fields": [{"key": one.key, "zh": one.zh, "en": one.en, "value": one.value} for one in report.fields],
        "warnings": [
            {"field": one.field, "code": one.code, "zh": one.zh, "en": one.en}
            for one in content.warnings
            if one.code != "not_public"
        ],
    }


def _instant(when: datetime | None) -> str | None:
    return when.isoformat(timespec="seconds") if when else None


def _seconds(period: timedelta) -> int:
    return int(period.total_seconds())


def foreign_file_json(foreign: ForeignFile) -> dict[str, Any]:
    """Signatures that are not ours. Names are claims; `recognised` is the authority behind all of them, if there is
    one, and whether it is recognised for this file."""
    authority = foreign.authority
    named = None
    if authority is not None:
        name = {"zh": authority.name_zh, "en": authority.name_en}
        named = {"name": name, "area": authority.area, "title": foreign.title, "covered": foreign.covered}
    return {
        "unchanged": foreign.unchanged,
        "uses_our_name": foreign.namesake,
        "signatures": [msgspec.to_builtins(one) for one in foreign.signatures],
        "recognised": named,
    }
