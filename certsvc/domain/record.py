"""Records from elsewhere (归集): what a source reported of a permit, in every version, and what holds of it at a time.

A record is never ours: it is reported by a source, as of a time. Versions are ordered by when the source observed them,
not by when they came: any order of arrival gives the same answer.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.domain.states import EXPIRED, STATES, StateRow, Status
from certsvc.errors import Problem

MISSING = hashlib.sha256(b"certsvc record missing").digest()
"""Stands for the content of a permit that its source no longer lists."""


class ReportedState(StrEnum):
    """A state as a source reports it: the words of `Status`, and `expired` (失效), which we ourselves reckon by the
    term. The words are part of the public interface."""

    VALID = "valid"
    RENEWAL_PENDING = "renewal_pending"
    RECHECK_DUE = "recheck_due"
    CONDITIONAL = "conditional"
    DORMANT = "dormant"
    SUSPENDED = "suspended"
    CLOSING_DUE = "closing_due"
    REVOKED = "revoked"
    RESCINDED = "rescinded"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    TRANSFERRED_OUT = "transferred_out"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


BY_CODE: Mapping[str, ReportedState] = {
    "01": ReportedState.VALID,
    "02": ReportedState.SUSPENDED,
    "03": ReportedState.RESCINDED,
    "04": ReportedState.CLOSED,
    "05": ReportedState.EXPIRED,
    "06": ReportedState.TRANSFERRED_OUT,
    "07": ReportedState.REVOKED,
}
OTHER = "99"
BY_DESCRIPTION: Mapping[str, ReportedState] = {
    row.description: ReportedState(status) for status, row in STATES.items() if row.description is not None
}
"""What code 99 means, by the description that comes with it; any other description is a state that we do not know."""

NATIONAL_CODES = frozenset({*BY_CODE, OTHER})


def from_national(code: str, description: str | None = None) -> ReportedState:
    """Our word for a certState of the national collection interface (`NATIONAL_CODES`).

    Raises:
        KeyError: there is no such code.
    """
    if code == OTHER:
        return BY_DESCRIPTION.get(description or "", ReportedState.UNKNOWN)
    return BY_CODE[code]


def to_national(state: ReportedState) -> StateRow:
    """The row whose `code` is the certState of a reported state; the description goes with code 99."""
    return EXPIRED if state is ReportedState.EXPIRED else STATES[Status(state)]


@dataclass(frozen=True, kw_only=True)
class RecordContent:
    """What a source says of a permit, as it is kept and shown: names masked by the rules of the type.

    `kind` is the id of a type of ours, or a code that only the source knows; `kind_name` how it is called. `subject`
    and `issuer_uscc` are as reported: a wrong check character is among the `warnings`, not corrected. `said` is the
    source's own word for a state that has none of ours.
    """

    kind: str
    kind_name: str
    number: str
    holder_name: str
    subject: str
    issuer_name: str
    issuer_uscc: str
    term: Term
    state: ReportedState
    said: str | None = None
    facts: Mapping[str, Any]
    warnings: tuple[Problem, ...] = ()

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """Its fields as JSON can keep them; warnings follow from them, and are left out."""
        return {
            "kind": self.kind,
            "kind_name": self.kind_name,
            "number": self.number,
            "holder_name": self.holder_name,
            "subject": self.subject,
            "issuer_name": self.issuer_name,
            "issuer_uscc": self.issuer_uscc,
            "valid_from": self.term.start.isoformat(),
            "valid_to": self.term.end.isoformat() if self.term.end else None,
            "state": self.state.value,
            "said": self.said,
            "facts": dict(self.facts),
        }

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over `fields` as JSON with sorted keys and no spaces, in UTF-8."""
        text = json.dumps(self.fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVersion:
    """What a source said of a permit at `observed_at`; without `content` it was missing from all that the source had.
    `received_at` is when we came to know."""

    observed_at: datetime
    received_at: datetime
    content: RecordContent | None

    @property
    def digest(self) -> bytes:
        """Tells two statements of one instant apart."""
        return MISSING if self.content is None else self.content.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRecord:
    """What holds of a permit of a source at a time. `content` is the last the source said of it, at `observed_at`; if
    it is missing since a later list, `missing_since` says when that list speaks of. `contradicted`: the source said
    different things of one and the same instant, so its state is not known."""

    source_id: str
    id: str
    content: RecordContent
    observed_at: datetime
    received_at: datetime
    missing_since: datetime | None = None
    contradicted: bool = False

    @property
    def known_state(self) -> ReportedState:
        """The state reported, or unknown when the source no longer stands by it, or by one thing alone."""
        doubtful = self.contradicted or self.missing_since is not None
        return ReportedState.UNKNOWN if doubtful else self.content.state


def record_as_of(
    source_id: str, record_id: str, versions: Iterable[RecordVersion], on: datetime, known_at: datetime
) -> ForeignRecord | None:
    """What held of a permit at the instant `on`, as far as it was known at `known_at`; None if nothing was."""
    known = [one for one in versions if one.observed_at <= on and one.received_at <= known_at]
    told = [one for one in known if one.content is not None]
    if not told:
        return None
    newest = max(one.observed_at for one in known)
    top = {one.digest for one in known if one.observed_at == newest}
    last = min(told, key=lambda one: (-one.observed_at.timestamp(), one.digest))
    assert last.content is not None
    return ForeignRecord(
        source_id=source_id,
        id=record_id,
        content=last.content,
        observed_at=last.observed_at,
        received_at=last.received_at,
        missing_since=newest if top == {MISSING} else None,
        contradicted=len(top) > 1,
    )


def versions_to_add(
    known: Sequence[RecordVersion], new: RecordVersion, *, listed_then: bool, next_list: datetime | None
) -> list[RecordVersion]:
    """What a new version adds to those known: nothing if it came before; itself; and, where it came late, what was said
    by lists of all that the source had. `listed_then`: one speaks of the very time of the new version; `next_list` is
    the time of the first that speaks of a later one.

    Such a list leaves no version of what it only confirmed. A version that comes late would lie on top of that silence,
    so what was confirmed is now written down: the content known before, or that the permit was not on the list.
    """
    if any(one.observed_at == new.observed_at and one.digest == new.digest for one in known):
        return []
    before = [one for one in known if one.observed_at <= new.observed_at]
    newest = max(before, key=lambda one: one.observed_at, default=None)
    confirmed = replace(new, content=newest.content if newest else None)
    added = [new]
    if confirmed.digest == new.digest:
        return added
    if listed_then and (newest is None or newest.observed_at < new.observed_at):
        added.append(confirmed)
    if next_list is not None and not any(new.observed_at < one.observed_at <= next_list for one in known):
        added.append(replace(confirmed, observed_at=next_list))
    return added
