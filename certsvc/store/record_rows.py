"""Records and sources: rows to values, and values to rows."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from asyncpg import Record

from certsvc.domain.calendar import Term
from certsvc.domain.record import ForeignRecord, RecordContent, RecordVersion, ReportedState
from certsvc.domain.snapshot import ListedRecord, Measured, Snapshot, SnapshotState
from certsvc.domain.source import Heard, Source, SourceHealth
from certsvc.errors import Problem
from certsvc.ids import Uscc, slot_of_licence


def to_source(row: Record) -> SourceHealth:
    """A row of `sources`, or of `elsewhere`, where who feeds it and when it last tried is not shown."""
    known = dict(row)
    source = Source(
        id=row["id"],
        zh=row["zh"],
        en=row["en"],
        organisation=Uscc(row["organisation"]),
        client=known.get("client", ""),
        kinds=frozenset(row["kinds"]),
        area=row["area"],
        expected_every=row["expected_every"],
        complete_every=row["complete_every"],
        most_missing_percent=known.get("most_missing_percent", 0),
        registered_at=row["registered_at"],
    )
    heard = Heard(
        last_heard_at=row["last_heard_at"],
        last_snapshot_at=known.get("last_snapshot_at"),
        last_complete_at=row["last_complete_at"],
        complete_as_of=row["complete_as_of"],
    )
    return SourceHealth(source=source, heard=heard)


def to_content(fields: str, warnings: str) -> RecordContent:
    """The content in the columns `fields` and `warnings`."""
    known: dict[str, Any] = json.loads(fields)
    start, end = known.pop("valid_from"), known.pop("valid_to")
    term = Term(date.fromisoformat(start), date.fromisoformat(end) if end else None)
    found = tuple(Problem(**one) for one in json.loads(warnings))
    return RecordContent(**{**known, "state": ReportedState(known["state"]), "term": term, "warnings": found})


def to_version(row: Record) -> RecordVersion:
    """A row of `record_version`."""
    return RecordVersion(
        observed_at=row["observed_at"],
        received_at=row["received_at"],
        content=None if row["fields"] is None else to_content(row["fields"], row["warnings"]),
    )


def to_record(row: Record, source_id: str, record_id: str) -> ForeignRecord:
    """A row of `record`."""
    return ForeignRecord(
        source_id=source_id,
        id=record_id,
        content=to_content(row["fields"], row["warnings"]),
        observed_at=row["observed_at"],
        received_at=row["received_at"],
        missing_since=row["missing_since"],
        contradicted=row["contradicted"],
    )


def to_snapshot(row: Record) -> Snapshot:
    """A row of `record_snapshot`."""
    result: dict[str, Any] = json.loads(row["result"] or "{}")
    measured = result.get("measured")
    return Snapshot(
        id=row["id"],
        source_id=row["source_id"],
        observed_at=row["observed_at"],
        begun_at=row["begun_at"],
        state=SnapshotState(row["state"]),
        ended_at=row["ended_at"],
        digest=row["digest"],
        measured=Measured(**measured) if measured else None,
        refused=result.get("refused"),
    )


def version_values(
    source_id: str, record_id: str, version: RecordVersion, subject: str
) -> tuple[str, str, datetime, bytes, int, str, datetime, str | None, str]:
    """The values of `insert_version`; `subject` is the business of a version without content."""
    content = version.content
    about = content.subject if content else subject
    return (
        source_id,
        record_id,
        version.observed_at,
        version.digest,
        slot_of_licence(Uscc(about)),
        about,
        version.received_at,
        as_json(content.fields) if content else None,
        warnings_json(content),
    )


def row_values(row: ListedRecord) -> tuple[str, bytes | None, str, str, int | None, str | None]:
    """A row of `insert_rows`."""
    content = row.content
    if content is None:
        return row.id, row.digest, as_json(row.fields or {}), "[]", None, None
    slot = slot_of_licence(Uscc(content.subject))
    return row.id, content.digest, as_json(content.fields), warnings_json(content), slot, content.subject


def warnings_json(content: RecordContent | None) -> str:
    """The warnings of a content as the column has them."""
    found = content.warnings if content else ()
    return as_json([{"field": one.field, "code": one.code, "zh": one.zh, "en": one.en} for one in found])


def as_json(value: Mapping[str, Any] | list[dict[str, str]]) -> str:
    """JSON as the database takes it: it has no room for U+0000, which no door lets in."""
    return json.dumps(value, ensure_ascii=False)
