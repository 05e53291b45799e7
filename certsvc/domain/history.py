"""The history of a certificate as the public may see it: what happened, when it took effect, when it was recorded."""

from dataclasses import dataclass
from datetime import date, datetime

from certsvc.domain.calendar import Term
from certsvc.domain.case import PartState
from certsvc.ids import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicEvent:
    """One entry on record of a life. `status` is the state after it on its day, as it was seen when it was recorded;
    `strikes` the entry that it took back, `version` the sheet that it made; `after_report` says that it corrected what
    the public had reported. Who acted is not in it, nor who reported."""

    id: int
    act: str
    status: str
    effective: date
    recorded_at: datetime
    reason_code: str | None = None
    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None
    retroactive: bool = False
    due: date | None = None
    successor: str | None = None
    strikes: int | None = None
    version: Ref | None = None
    after_report: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionOnRecord:
    """One sheet of a certificate: its term as printed, and the days on which it holds, both ends included."""

    ref: Ref
    version: int
    issued_at: datetime
    term: Term
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that happened to one certificate in all its versions, in the order of recording. There is more before
    it where `is_cut`."""

    life: Ref
    events: tuple[PublicEvent, ...]
    versions: tuple[VersionOnRecord, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One change under a licence: of the licence, of a permit tied to it, or of what is applied for (then `event` is
    None and `part` says how far it has come)."""

    type_id: str
    at: datetime
    event: PublicEvent | None = None
    life: Ref | None = None
    part: PartState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLicence:
    """A licence of a business and the names on all its sheets."""

    ref: Ref
    names: tuple[str, ...]
