"""What others reported of a business, as a report shows it: by whom, as of when, and why a state is not known. Nothing
of it has a verdict: it is not ours."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.calendar import TermState
from certsvc.domain.record import ForeignRecord, ReportedState
from certsvc.domain.source import Freshness, SourceHealth
from certsvc.verify.face_field import FaceField


class Doubt(StrEnum):
    """Why the state of a record is not known, whatever its source said last. The words are part of the public
    interface."""

    MISSING = "missing"
    CONTRADICTED = "contradicted"
    SILENT = "silent"
    TOO_OLD = "too_old"
    NO_WORD = "no_word"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignReport:
    """One record. `state` is unknown where there is a `doubt`; `confirmed_at` is the last time its source is known to
    have kept to it, `fields` what else it said that the public may see."""

    record: ForeignRecord
    source: SourceHealth
    title_zh: str
    title_en: str
    state: ReportedState
    doubt: Doubt | None
    term: TermState
    confirmed_at: datetime
    fields: tuple[FaceField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """A source that would know of the business, and how fresh it is."""

    health: SourceHealth
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What came of asking for records from elsewhere. Unless it `answered`, nothing is known, not even that there are
    none."""

    answered: bool
    sources: tuple[SourceReport, ...] = ()
    records: tuple[ForeignReport, ...] = ()
