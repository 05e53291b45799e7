"""Records from elsewhere, and cases."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from certsvc.domain.case import Case, PartEvent
from certsvc.domain.case_requests import CaseOpening, Correction, ListedPart, PartRequest, PartsAsked, SealedContent
from certsvc.domain.record import ForeignRecord, RecordVersion
from certsvc.domain.snapshot import Compared, ListedRecord, Snapshot
from certsvc.domain.source import Freshness, Source, SourceHealth
from certsvc.ids import Ref


class RecordReader(Protocol):
    """What others reported, as a public page asks it. Raises `RegisterUnavailable` when it cannot be asked."""

    async def elsewhere(self, subject: str) -> Sequence[tuple[SourceHealth, ForeignRecord | None]]:
        """Every source that would know of a business, and each record that one reported of it."""


class RecordRegister(RecordReader, Protocol):
    """Sources, and what they report. Every method is one transaction and safe to repeat."""

    async def add_source(self, source: Source, actor: str) -> SourceHealth:
        """Register a source. Raises `Conflict` when there is another of this id."""

    async def change_source(self, source: Source, actor: str, now: datetime) -> SourceHealth:
        """Change who feeds a source and what it promises. Raises `NotFound`."""

    async def source(self, source_id: str) -> SourceHealth:
        """A source as it stands. Raises `NotFound`."""

    async def sources(self, client: str | None = None) -> Sequence[SourceHealth]:
        """Every source, or those that a client feeds, by id."""

    async def counts(self, source_id: str) -> tuple[int, int, int]:
        """How many records of a source there are, are missing, are contradicted."""

    async def missing(self, source_id: str, after: str, limit: int) -> Sequence[ForeignRecord]:
        """What the last list of a source lacks, after an id in order."""

    async def put(
        self, source_id: str, record_id: str, version: RecordVersion, *, client: str, key: str, digest: bytes
    ) -> ForeignRecord:
        """Register a version of a record in its place; what holds of it then. Raises `NotFound`, `KeyReused`."""

    async def versions(self, source_id: str, record_id: str) -> Sequence[RecordVersion]:
        """What a source said of a permit, in the order of the times it speaks of."""

    async def records(
        self, sources: Sequence[str], subject: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[ForeignRecord]:
        """What holds of the permits of some sources, of one business or of all, after a source and an id in order."""

    async def tell_freshness(self, source_id: str, now: datetime) -> Freshness | None:
        """Tell others once that a source is late, silent, or heard again; None when nothing changed."""


class SnapshotRegister(Protocol):
    """Lists of all that a source has. Nothing of a list holds before its end."""

    async def begin(self, source_id: str, client: str, key: str, observed_at: datetime, now: datetime) -> int:
        """Begin a list; its number."""

    async def add(self, snapshot_id: int, rows: Sequence[ListedRecord]) -> None:
        """Keep a portion of a list. Raises `InvalidInput` when an id stands in it twice."""

    async def applied(self, client: str, key: str) -> Snapshot | None:
        """The list that was applied under this key."""

    async def apply(self, snapshot_id: int, digest: bytes, rows: int, expect_missing: int, now: datetime) -> Snapshot:
        """Apply a list of so many rows wholly or not at all. Raises `Conflict`, `TooMuchMissing`, `KeyReused`."""

    async def refuse(self, snapshot_id: int, code: str, now: datetime) -> None:
        """Put on record that a list was not taken, and why."""

    async def compare(self, snapshot_id: int, rows: int, now: datetime) -> Compared:
        """End a list of so many rows that was sent to be compared; nothing is changed. Raises `Conflict`."""

    async def differences(self, source_id: str, snapshot_id: int, after: str, limit: int) -> Compared:
        """Where the register now and a list differ, after an id. Raises `NotFound`."""

    async def last(self, source_id: str, limit: int) -> Sequence[Snapshot]:
        """The newest lists of a source, the newest first."""


class Cases(Protocol):
    """Cases on record. Every method is one transaction and safe to repeat."""

    async def open(self, opening: CaseOpening, now: datetime) -> Case:
        """Put a case on record, its parts received. Raises `KeyReused`."""

    async def opened_before(self, client: str, key: str, digest: bytes) -> Case | None:
        """The case, when this request to open it was done before. Raises `KeyReused`."""

    async def case(self, ref: Ref) -> Case:
        """A case as it stands. Raises `NotFound`."""

    async def events(self, ref: Ref) -> Sequence[PartEvent]:
        """Everything that happened to a case, in the order of recording."""

    async def content(self, ref: Ref, type_id: str | None) -> SealedContent | None:
        """The newest answers to the form, or what was granted of a part; nothing once it is erased."""

    async def erased_at(self, ref: Ref) -> datetime | None:
        """When what the case says of persons was erased; nothing while it is kept."""

    async def erase_contents(self, ended_before: datetime, now: datetime) -> int:
        """Erase what cases say of persons that ended before a time; how many contents."""

    async def parts(self, asked: PartsAsked) -> Sequence[ListedPart]:
        """Parts by their deadlines, the late ones first."""

    async def decided_before(self, request: PartRequest) -> Case | None:
        """The case, when this request was done before. Raises `KeyReused`."""

    async def act(self, request: PartRequest, actor: str, now: datetime) -> Case:
        """Put an act on a part on record. Raises `NotFound`, `ActNotAllowed`, `KeyReused`."""

    async def corrected_before(self, ref: Ref, client: str, key: str, digest: bytes) -> bool:
        """Whether this request to correct was done before. Raises `KeyReused`."""

    async def correct(self, correction: Correction, actor: str, now: datetime) -> Case:
        """Keep corrected answers, and resubmit what was returned. Raises `NotFound`, `ActNotAllowed`, `KeyReused`."""

    async def issued(self, ref: Ref, type_id: str, certificate: Ref, now: datetime) -> Case:
        """Put on record that a granted part was issued. Raises `NotFound`, `ActNotAllowed`."""

    async def reopen(self, ref: Ref, granted: PartEvent, reason: str, deadline: date, now: datetime) -> Case:
        """Take up again what was granted and not approved. Raises `NotFound`."""

    async def tell_late(self, today: date, now: datetime) -> int:
        """Tell of every part whose last day for the decision is over, once; of how many."""
