"""What the service answers about batches, cases, records, seals on documents, and web-hooks."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from certsvc.client.errors import Problem
from certsvc.client.shapes import Issuer, Term, Waiting


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch: `counts` are rows by their state."""

    id: str
    state: str
    act: str
    type: str
    form: str
    on_wrong: str
    dry_run: bool
    sample: int
    sent_by: str
    began_at: datetime
    rows: int
    counts: Mapping[str, int]
    needed: int
    approved_by: tuple[str, ...]
    sha256: str | None
    size: int | None
    manifest: str | None
    rows_per_second: float | None = None
    ends_at: datetime | None = None


class RowError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a row is wrong, failed, or waits for another try."""

    code: str
    zh: str
    en: str
    problems: tuple[Problem, ...]


class RowDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file: which sheet, and its SHA-256."""

    layout: str
    sha256: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a batch, and what became of it."""

    line: int
    key: str
    state: str
    code: str | None
    number: str | None
    identifier: str | None
    event: int | None
    documents: tuple[RowDocument, ...]
    error: RowError | None
    tries: int
    due_at: datetime | None


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """A title in both languages."""

    zh: str
    en: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a case: one certificate that is asked for."""

    type: str
    title: Title
    state: str
    working_days: int
    changed_at: datetime
    deadline: date | None
    late: bool
    documents_due: date | None
    certificate: str | None
    payload: Mapping[str, Any] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case: `progress` is where the applicant follows it."""

    code: str
    opened_by: str
    opened_at: datetime
    applicant: str
    licence_type: str | None
    licence: str | None
    finished: bool
    progress: str
    parts: tuple[Part, ...]
    answers: Mapping[str, Any] | None
    erased_at: datetime | None = None


class ListedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part in a list, with the case it belongs to."""

    case: str
    applicant: str
    opened_at: datetime
    part: Part
    href: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The merged form of a case: its JSON Schema, and what the licence on record says already."""

    schema: Mapping[str, Any]
    mapping: Mapping[str, Any]
    known: Mapping[str, Any]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A permit of another system, as it is known here."""

    source: str
    id: str
    kind: str
    kind_name: str
    number: str
    holder_name: str
    subject: str
    issuer: Issuer
    term: Term
    state: str
    reported_state: str
    said: str | None
    facts: Mapping[str, Any]
    observed_at: datetime
    received_at: datetime
    missing_since: datetime | None
    contradicted: bool
    digest: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A complete list of a source, and what it changed."""

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


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source of records, and how fresh it is; periods are in hours."""

    id: str
    name_zh: str
    name_en: str
    freshness: str
    expected_every: float
    complete_every: float | None
    last_heard_at: datetime | None
    complete_as_of: datetime | None


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a source does: its records, those that are missing or contradicted, and its newest lists."""

    source: Source
    records: int
    missing: int
    contradicted: int
    snapshots: tuple[Snapshot, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A record on which the register and a list differ: `only_here`, `only_there`, or `differs`, in which fields."""

    id: str
    kind: str
    fields: tuple[str, ...]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Where the register and a list differ: how often, and the first `items`; all are had by `snapshot`."""

    snapshot: int
    only_here: int
    only_there: int
    differs: int
    same: int
    items: tuple[Difference, ...]
    next: str | None


class SealedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed document."""

    sha256: str
    href: str


class SealRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to seal a document, or to sign digests."""

    id: str
    state: str
    kind: str
    reason: str
    requested_at: datetime
    good_until: datetime
    file: str | None = None
    pages: int | None = None
    document: SealedDocument | None = None
    digests: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    finished_at: datetime | None = None
    failure: Waiting | None = None
    waiting: Waiting | None = None


class WebHook(msgspec.Struct, frozen=True, kw_only=True):
    """A web-hook; `secret` is there only when it was just made or changed."""

    id: str
    url: str
    kinds: tuple[str, ...] | None
    state: str
    made_at: datetime
    disabled_why: str | None
    failing_since: datetime | None
    failures: int
    old_secret_until: datetime | None
    secret: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver: the HTTP status that came, or the `trouble` that kept it from coming; without either it
    was broken off, and may have arrived."""

    number: int
    at: datetime
    status: int | None
    trouble: str | None
    took_ms: int | None
    answer: str | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to a web-hook: `pending`, `delivered` or `failed`. `message_id` is its `webhook-id`."""

    id: str
    message_id: str
    type: str
    state: str
    made_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    attempts: tuple[Attempt, ...]
