"""What the service answers. A member that is not known here is passed over: the service may say more than it did."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """The organ whose seal stands under it."""

    name: str
    uscc: str


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """First and last day of force; without `end` there is no fixed term."""

    start: date
    end: date | None


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What holds beside the state."""

    kind: str
    since: date
    due: date | None
    basis: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The register's state on the day asked."""

    status: str
    national_code: str
    conditions: tuple[Condition, ...]
    age_s: int
    on: date
    known_at: datetime


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file."""

    layout: str
    sha256: str
    sealed_at: datetime
    href: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is not done yet, or failed."""

    code: str
    zh: str
    en: str


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate. `state` is `reserved` until it is sealed and on record, then `issued`; `etag` is what an act gives
    as `expects`, so that it is not done to what changed meanwhile."""

    code: str
    state: str
    type: str
    type_version: int
    number: str
    version: int
    identifier: str
    issuer: Issuer
    term: Term
    subject: str | None
    act: str
    url: str | None = None
    layout: str | None = None
    holder: str | None = None
    category: str | None = None
    issued_at: datetime | None = None
    licence: str | None = None
    newest: str | None = None
    successor: str | None = None
    status: Status | None = None
    fields: Mapping[str, Any] = {}
    documents: tuple[Document, ...] = ()
    waiting: Waiting | None = None
    etag: str = ""


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What would be; nothing is on record."""

    type: str
    act: str
    number: str
    version: int
    approvals: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in a list."""

    code: str
    type: str
    number: str
    version: int
    holder: str
    subject: str | None
    issuer: Issuer
    term: Term
    issued_at: datetime | None
    status: str | None
    href: str


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One state over days, both ends included."""

    start: date
    end: date | None
    status: str
    conditions: tuple[Condition, ...]
    event: int


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An act on record."""

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
    reports: tuple[str, ...] = ()


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on record of the life of a certificate."""

    code: str
    events: tuple[Event, ...]
    periods: tuple[Period, ...]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said."""

    person: str
    approves: bool
    reason: str | None
    at: datetime


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits for persons; `result` is what came of it."""

    id: str
    state: str
    asked_by: str
    asked_at: datetime
    act: str
    type: str
    certificate: str | None
    needed: int
    decisions: tuple[Decision, ...]
    decided_at: datetime | None
    result: Mapping[str, Any] | None
    request: Mapping[str, Any] | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: in the feed, and as the body of a web-hook."""

    id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]
