"""Records from elsewhere: who may report them, one at a time; what holds of them, and how fresh their source is.

Lists of all that a source has are in `lists.py`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from certsvc.catalog import Catalog
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.calendar import start_of_day
from certsvc.domain.record import ForeignRecord, RecordVersion, record_as_of
from certsvc.domain.scope import RECORD
from certsvc.domain.snapshot import Snapshot
from certsvc.domain.source import Source, SourceHealth
from certsvc.errors import InvalidInput, NotFound, Problem
from certsvc.issuance.records.content import content_of
from certsvc.issuance.records.form import PutForm
from certsvc.services import RecordRegister, SnapshotRegister

CLOCKS_APART = timedelta(minutes=10)
"""A source's clock may be ahead of ours by this much."""

FIRST_YEAR, LAST_YEAR = 1949, 9998
SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
RECORD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,99}", re.ASCII)
SUBJECT = re.compile(r"[0-9A-Z]{18}", re.ASCII)
MOST_LISTED = 200
MOST_SNAPSHOTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The frozen bundle of these use cases."""

    catalog: Catalog
    records: RecordRegister
    snapshots: SnapshotRegister


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAnswer:
    """A record as it holds, or held at a time, and how many versions of it are known."""

    record: ForeignRecord
    health: SourceHealth
    versions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswer:
    """How a source does: when it was heard, its counts, its newest lists."""

    health: SourceHealth
    records: int
    missing: int
    contradicted: int
    snapshots: Sequence[Snapshot]


async def own_source(recording: Recording, actor: Actor, source_id: str) -> SourceHealth:
    """A source that the actor feeds.

    Raises:
        NotFound: there is none, or another client feeds it.
    """
    if SOURCE_ID.fullmatch(source_id):
        health = await recording.records.source(source_id)
        if health.source.client == actor.name:
            return health
    raise NotFound(f"没有来源 {source_id}。", f"There is no source {source_id}.")


def require_kind(actor: Actor, source: Source, kind: str) -> None:
    """See that the source answers for permits of this kind, and that the actor may report them.

    Raises:
        Forbidden: the actor may not.
        InvalidInput: the source was not registered for this kind.
    """
    actor.require(RECORD, kind.lower(), area=area_of(source.organisation))
    if kind not in source.kinds:
        zh, en = f"来源 {source.id} 没有登记为报送 {kind}。", f"The source {source.id} is not registered for {kind}."
        raise InvalidInput(zh, en, problems=[Problem("kind", "not_of_this_source", zh, en)])


def require_past(observed_at: datetime, now: datetime) -> None:
    """See that nothing is reported of time to come, or of a time before there were such permits.

    Raises:
        InvalidInput: it is, by more than clocks may be apart.
    """
    if observed_at.year < FIRST_YEAR:
        zh, en = f"observed_at 早于 {FIRST_YEAR} 年。", f"observed_at lies before {FIRST_YEAR}."
        raise InvalidInput(zh, en, problems=[Problem("observed_at", "too_long_ago", zh, en)])
    if observed_at > now + CLOCKS_APART:
        zh, en = "observed_at 在将来：请核对时钟。", "observed_at lies in the future: check the clock."
        raise InvalidInput(zh, en, problems=[Problem("observed_at", "in_the_future", zh, en)])


async def put_record(
    recording: Recording, actor: Actor, source_id: str, record_id: str, form: PutForm, key: str, now: datetime
) -> RecordAnswer:
    """Register a record, or a change of one, in its place by `observed_at`; the same twice is one.

    Raises:
        NotFound: the actor feeds no such source.
        Forbidden, InvalidInput: see `require_kind`, `require_past` and `content_of`.
        KeyReused: the key was used with other content.
    """
    health = await own_source(recording, actor, source_id)
    require_kind(actor, health.source, form.kind)
    require_past(form.observed_at, now)
    version = RecordVersion(observed_at=form.observed_at, received_at=now, content=content_of(recording.catalog, form))
    sent = msgspec.json.encode([source_id, record_id, form], order="deterministic")
    digest = hashlib.sha256(sent).digest()
    await recording.records.put(source_id, record_id, version, client=actor.name, key=key, digest=digest)
    return await get_record(recording, actor, source_id, record_id, now)


async def get_record(
    recording: Recording,
    actor: Actor,
    source_id: str,
    record_id: str,
    now: datetime,
    *,
    on: date | None = None,
    known_at: datetime | None = None,
) -> RecordAnswer:
    """What holds of a record, or held at the end of the day `on` (+08:00) as far as it was known at `known_at`.

    Raises:
        NotFound: the actor feeds no such source, or nothing was known of the record then.
    """
    health = await own_source(recording, actor, source_id)
    asked = [record_id] if RECORD_ID.fullmatch(record_id) else []
    versions = [one for each in asked for one in await recording.records.versions(source_id, each)]
    record = record_as_of(source_id, record_id, versions, _until(on, now), known_at or now)
    if record is None or not actor.may(RECORD, record.content.kind.lower(), area=area_of(health.source.organisation)):
        raise NotFound(f"来源 {source_id} 没有记录 {record_id}。", f"The source {source_id} has no record {record_id}.")
    return RecordAnswer(record=record, health=health, versions=len(versions))


def _until(on: date | None, now: datetime) -> datetime:
    """The last instant that a question is about: the end of a day, else now."""
    if on is None:
        return now + CLOCKS_APART
    day = min(max(on, date(FIRST_YEAR, 1, 1)), date(LAST_YEAR, 12, 31))
    return start_of_day(day + timedelta(days=1)) - timedelta(microseconds=1)


async def find_records(
    recording: Recording,
    actor: Actor,
    *,
    source_id: str | None,
    subject: str | None,
    after: tuple[str, str],
    limit: int = MOST_LISTED,
) -> tuple[Sequence[ForeignRecord], tuple[str, str] | None]:
    """Records of the sources that the actor feeds, of one source or one business, and after which there are more.

    Raises:
        NotFound: the actor feeds no such source.
        InvalidInput: `subject` is no code.
    """
    if source_id is None:
        sources = [one.source.id for one in await recording.records.sources(actor.name)]
    else:
        sources = [(await own_source(recording, actor, source_id)).source.id]
    code = subject.upper() if subject else None
    if code is not None and not SUBJECT.fullmatch(code):
        raise InvalidInput("subject 应为 18 位数字和字母。", "A subject is 18 digits and letters.")
    found = await recording.records.records(sources, code, after, limit + 1)
    shown = found[:limit]
    return shown, (shown[-1].source_id, shown[-1].id) if len(found) > limit else None


async def source_health(recording: Recording, actor: Actor, source_id: str) -> SourceAnswer:
    """How a source of the actor's does.

    Raises:
        NotFound: the actor feeds no such source.
    """
    health = await own_source(recording, actor, source_id)
    records, missing, contradicted = await recording.records.counts(source_id)
    return SourceAnswer(
        health=health,
        records=records,
        missing=missing,
        contradicted=contradicted,
        snapshots=await recording.snapshots.last(source_id, MOST_SNAPSHOTS),
    )


async def find_missing(
    recording: Recording, actor: Actor, source_id: str, after: str, limit: int = MOST_LISTED
) -> tuple[Sequence[ForeignRecord], str | None]:
    """What is missing from the last list of a source of the actor's, and after which id there is more.

    Raises:
        NotFound: the actor feeds no such source.
    """
    await own_source(recording, actor, source_id)
    found = await recording.records.missing(source_id, after, limit + 1)
    shown = found[:limit]
    return shown, shown[-1].id if len(found) > limit else None
