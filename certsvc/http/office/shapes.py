"""What the API takes and answers, in parts that several operations share."""

from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from certsvc.domain.life import Ground

Item = TypeVar("Item")
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Long = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
TypeId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="The certificate type.", examples=["food-business"])
]
Code = Annotated[
    str,
    msgspec.Meta(
        min_length=16,
        max_length=40,
        description="The typed code of a certificate.",
        examples=["KKHJ-7AF9-TZDW-3JXX-N"],
    ),
]

OrganCode = Annotated[
    str,
    msgspec.Meta(
        min_length=18,
        max_length=18,
        description="The USCC of the organ whose seal it takes, where several issue the type.",
        examples=["11441900007330010D"],
    ),
]


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """A page of a list; `next` is the cursor of the page that follows."""

    items: list[Item]
    next: str | None = None


class GroundBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, and on what it rests. `successor` is who takes over: a USCC, or a place transferred to."""

    reason_code: Short | None = None
    reason: Long | None = None
    legal_basis: Long | None = None
    decision_number: Short | None = None
    due: date | None = None
    successor: Short | None = None

    def ground(self) -> Ground:
        """As the domain knows it."""
        return Ground(**msgspec.structs.asdict(self))


class IssuerShape(msgspec.Struct, frozen=True, kw_only=True):
    """The organ whose seal stands under it."""

    name: str
    uscc: str


class TermShape(msgspec.Struct, frozen=True, kw_only=True):
    """First and last day of force (Asia/Shanghai); without `end` there is no fixed term."""

    start: date
    end: date | None


class ConditionShape(msgspec.Struct, frozen=True, kw_only=True):
    """What holds beside the state: since when, by when, on what ground."""

    kind: str
    since: date
    due: date | None
    basis: str | None


class StatusShape(msgspec.Struct, frozen=True, kw_only=True):
    """The register's state on the day asked. `national_code` is certState of the national collection interface; `age_s`
    how many seconds ago the register confirmed it."""

    status: str
    national_code: str
    conditions: list[ConditionShape]
    age_s: int
    on: date
    known_at: datetime


class DocumentShape(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file: `href` is where it can be read."""

    layout: str
    sha256: str
    sealed_at: datetime
    href: str


class WaitingShape(msgspec.Struct, frozen=True, kw_only=True):
    """Why it is not sealed yet: what the worker met the last time it tried. It tries again by itself."""

    code: str
    zh: str
    en: str


class CertificateShape(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate. `state` is `reserved` until it is sealed and on record, then `issued`. `fields` are those the
    public may see, masked as the type says; `url` is what the QR holds. With the `layout` external its page was laid
    out elsewhere."""

    code: str
    state: str
    type: str
    type_version: int
    number: str
    version: int
    identifier: str
    issuer: IssuerShape
    term: TermShape
    subject: str | None
    act: str
    layout: str | None = None
    url: str | None = None
    holder: str | None = None
    category: str | None = None
    issued_at: datetime | None = None
    licence: str | None = None
    newest: str | None = None
    successor: str | None = None
    status: StatusShape | None = None
    fields: dict[str, Any] = {}
    documents: list[DocumentShape] = []
    waiting: WaitingShape | None = None


class PeriodShape(msgspec.Struct, frozen=True, kw_only=True):
    """One state over days, both ends included; without `end` until further notice."""

    start: date
    end: date | None
    status: str
    conditions: list[ConditionShape]
    event: int


class EventShape(msgspec.Struct, frozen=True, kw_only=True):
    """An act on record. `operation` is operateType of the national collection interface; `reports` are those that it
    corrected."""

    id: int
    act: str
    operation: str
    effective: date
    recorded_at: datetime
    by: str
    organ: str
    confirmed_by: str | None
    reason_code: str | None
    reason: str | None
    legal_basis: str | None
    decision_number: str | None
    due: date | None
    successor: str | None
    retroactive: bool
    strikes: int | None
    version: str | None
    reports: list[str] = []


class HistoryShape(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on record of the life of a certificate, and what follows from it for the version asked for."""

    code: str
    events: list[EventShape]
    periods: list[PeriodShape]
