"""What the API answers of records from elsewhere; what it takes stands in `issuance.records.form`."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from certsvc.domain.record import ForeignRecord, to_national
from certsvc.domain.snapshot import Compared, Snapshot
from certsvc.domain.source import SourceHealth
from certsvc.http.office.shapes import IssuerShape, Page, TermShape
from certsvc.issuance.records.reporting import RecordAnswer, SourceAnswer


class NationalStateShape(msgspec.Struct, frozen=True, kw_only=True):
    """A state in the words of the national collection interface (certState)."""

    code: str
    description: str | None


class WarningShape(msgspec.Struct, frozen=True, kw_only=True):
    """What is doubtful about a record; it was kept as it came."""

    field: str
    code: str
    zh: str
    en: str


class RecordShape(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it holds. `state` is what is known of it: unknown where it is missing from a later list of its source
    (`missing_since`) or the source said two things of one instant (`contradicted`); `reported_state` is what was said
    last, at `observed_at`. `digest` is for comparing lists."""

    source: str
    id: str
    kind: str
    kind_name: str
    number: str
    holder_name: str
    subject: str
    issuer: IssuerShape
    term: TermShape
    state: str
    reported_state: str
    national_state: NationalStateShape
    said: str | None
    facts: dict[str, Any]
    observed_at: datetime
    received_at: datetime
    missing_since: datetime | None
    contradicted: bool
    digest: str
    warnings: list[WarningShape]
    versions: int | None = None


class SnapshotShape(msgspec.Struct, frozen=True, kw_only=True):
    """A list of all that a source has. `state` is `applied`, `compared`, `refused` (with the code of why), or `begun`
    where it has not ended or broke off: then nothing of it holds."""

    id: int
    state: str
    observed_at: datetime
    begun_at: datetime
    ended_at: datetime | None
    refused: str | None
    added: int | None
    changed: int | None
    same: int | None
    returned: int | None
    missing: int | None


class SourceShape(msgspec.Struct, frozen=True, kw_only=True):
    """A source and how fresh it is: `fresh`, `late`, or `silent`, when nothing is known from it any more. Periods are
    in hours; without `complete_every` it reports changes and no complete lists."""

    id: str
    name_zh: str
    name_en: str
    organisation: str
    kinds: list[str]
    area: str
    freshness: str
    expected_every: float
    complete_every: float | None
    most_missing_percent: int
    last_heard_at: datetime | None
    last_snapshot_at: datetime | None
    last_complete_at: datetime | None
    complete_as_of: datetime | None


class SourceHealthShape(msgspec.Struct, frozen=True, kw_only=True):
    """How a source does: its records, those that are missing, and its newest lists."""

    source: SourceShape
    records: int
    missing: int
    contradicted: int
    snapshots: list[SnapshotShape]
    missing_records: Page[RecordShape]


class DifferenceShape(msgspec.Struct, frozen=True, kw_only=True):
    """One record on which the register and a list differ: `only_here`, `only_there`, or `differs`, in which fields."""

    id: str
    kind: str
    fields: list[str]


class ComparedShape(msgspec.Struct, frozen=True, kw_only=True):
    """Where the register and a list differ; `next` is the cursor of further differences of this list."""

    snapshot: int
    only_here: int
    only_there: int
    differs: int
    same: int
    items: list[DifferenceShape]
    next: str | None


def record_shape(record: ForeignRecord, versions: int | None = None) -> RecordShape:
    """A record as the API shows it."""
    content, national = record.content, to_national(record.content.state)
    return RecordShape(
        source=record.source_id,
        id=record.id,
        kind=content.kind,
        kind_name=content.kind_name,
        number=content.number,
        holder_name=content.holder_name,
        subject=content.subject,
        issuer=IssuerShape(name=content.issuer_name, uscc=content.issuer_uscc),
        term=TermShape(start=content.term.start, end=content.term.end),
        state=record.known_state.value,
        reported_state=content.state.value,
        national_state=NationalStateShape(code=national.code, description=national.description),
        said=content.said,
        facts=dict(content.facts),
        observed_at=record.observed_at,
        received_at=record.received_at,
        missing_since=record.missing_since,
        contradicted=record.contradicted,
        digest=content.digest.hex(),
        warnings=[WarningShape(field=one.field, code=one.code, zh=one.zh, en=one.en) for one in content.warnings],
        versions=versions,
    )


def answer_shape(answer: RecordAnswer) -> RecordShape:
    """A record as it was asked for, with how many versions of it are known."""
    return record_shape(answer.record, answer.versions)


def snapshot_shape(snapshot: Snapshot) -> SnapshotShape:
    """A list as the API shows it."""
    measured = snapshot.measured
    return SnapshotShape(
        id=snapshot.id,
        state=snapshot.state.value,
        observed_at=snapshot.observed_at,
        begun_at=snapshot.begun_at,
        ended_at=snapshot.ended_at,
        refused=snapshot.refused,
        added=measured.added if measured else None,
        changed=measured.changed if measured else None,
        same=measured.same if measured else None,
        returned=measured.returned if measured else None,
        missing=measured.missing if measured else None,
    )


def source_shape(health: SourceHealth, now: datetime) -> SourceShape:
    """A source as the API shows it."""
    source, heard = health.source, health.heard
    return SourceShape(
        id=source.id,
        name_zh=source.zh,
        name_en=source.en,
        organisation=source.organisation,
        kinds=sorted(source.kinds),
        area=source.area,
        freshness=health.freshness(now).value,
        expected_every=hours(source.expected_every),
        complete_every=hours(source.complete_every) if source.complete_every else None,
        most_missing_percent=source.most_missing_percent,
        last_heard_at=heard.last_heard_at,
        last_snapshot_at=heard.last_snapshot_at,
        last_complete_at=heard.last_complete_at,
        complete_as_of=heard.complete_as_of,
    )


def health_shape(answer: SourceAnswer, missing: Page[RecordShape], now: datetime) -> SourceHealthShape:
    """How a source does, as the API shows it."""
    return SourceHealthShape(
        source=source_shape(answer.health, now),
        records=answer.records,
        missing=answer.missing,
        contradicted=answer.contradicted,
        snapshots=[snapshot_shape(one) for one in answer.snapshots],
        missing_records=missing,
    )


def compared_shape(compared: Compared, following: str | None) -> ComparedShape:
    """Differences as the API shows them; `following` is the cursor of those that follow."""
    found = compared.differences
    return ComparedShape(
        snapshot=compared.snapshot_id,
        only_here=compared.only_here,
        only_there=compared.only_there,
        differs=compared.differs,
        same=compared.same,
        items=[DifferenceShape(id=one.id, kind=one.kind.value, fields=list(one.fields)) for one in found],
        next=following,
    )


def hours(period: timedelta) -> float:
    """A period in hours."""
    return period.total_seconds() / 3600
