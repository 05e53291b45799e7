"""Looking for certificates: by what, and how far."""

from dataclasses import dataclass
from datetime import date, datetime

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer
from certsvc.domain.scope import Scope
from certsvc.domain.states import Status
from certsvc.ids import Ref, Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: everything given must hold. `reach` are the scopes within which anything is found at all;
    states are those of the day `on`; `after` is the last one seen, in the order of reservation."""

    reach: tuple[Scope, ...]
    on: date
    type_id: str | None = None
    number: str | None = None
    subject: Uscc | None = None
    licence: Ref | None = None
    status: Status | None = None
    issued_since: datetime | None = None
    issued_until: datetime | None = None
    after: tuple[datetime, Ref] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderSearch:
    """Whose certificates are looked for: by the code of an organisation, or the keyed hash of any code; else as in a
    `Search`."""

    reach: tuple[Scope, ...]
    on: date
    code: str | None
    code_hash: bytes | None
    after: tuple[datetime, Ref] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One certificate that was found; without `status` it is not issued yet."""

    ref: Ref
    type_id: str
    number: str
    version: int
    holder_name: str
    subject: Uscc | None
    issuer: Issuer
    term: Term
    reserved_at: datetime
    issued_at: datetime | None
    status: Status | None
