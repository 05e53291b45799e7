"""What persons must approve before it is done: a machine's right to call is not a person's right to seal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.certificate import Category
from certsvc.ids import Ref, new_opaque_id


class ApprovalState(StrEnum):
    """How far it has come. The words are part of the public interface."""

    WAITING = "waiting"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToApprove:
    """A request of a client that waits for persons. `client` and `key` together name it; `sealed_request` is what was
    asked for, encrypted under `payload_key_id` and bound to the id; `ref` the certificate to act on, if any."""

    id: str
    client: str
    key: str
    digest: bytes
    act: Act
    type_id: str
    seals: tuple[str, ...]
    area: str
    ref: Ref | None
    sealed_request: bytes
    payload_key_id: str
    needed: int
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one person said."""

    person: str
    approves: bool
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request that waits for persons, as it stands. `result` is what came of it: a certificate and an event, or an
    error with code and words."""

    asked: ToApprove
    state: ApprovalState
    decided_at: datetime | None
    decisions: tuple[Decision, ...]
    result: dict[str, Any] | None


def persons_needed(act: Act, category: Category, *, type_needs_approval: bool = False, mass: bool = False) -> int:
    """How many registered persons must approve what a client asks for.

    Whoever asks is the first of the two that the table of acts demands. Every proof has an approved application behind
    it, and some types demand it by their policy. A mass act is one request for acts on certificates there are, however
    many it names: it needs one person more. First issues in bulk do not.
    """
    rule = ACTS[act]
    needed = rule.persons - 1
    if rule.makes is not Makes.NOTHING:
        needed = max(needed, 1 if category is Category.PROOF or type_needs_approval else 0)
    return needed + 1 if mass and rule.makes is not Makes.FIRST else needed


def new_approval_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("a")
