"""Requests about cases, as they go to the register: opening, acts on a part, corrections, and which parts to list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from certsvc.domain.case import Case, Part, PartAct, PartGround, PartState
from certsvc.ids import Ref

NEVER = date.max
"""Where a part that nobody has to decide stands in a list by deadlines; the database calls it infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """A part to be opened: its first deadline is counted from the day of opening."""

    type_id: str
    working_days: int
    deadline: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpening:
    """A case to be put on record. `client` and `key` together name the request; `sealed` are the answers, encrypted
    under `key_id` and bound to `ref`."""

    ref: Ref
    client: str
    key: str
    digest: bytes
    applicant: str
    licence_type: str | None
    licence: Ref | None
    parts: tuple[NewPart, ...]
    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContent:
    """Something about persons as it lies in the register."""

    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRequest:
    """A request to act on a part. `client` and `key` together name it; `deadline` is the day of the decision from then
    on, where its time runs; `content` is what the department sets of its own part, encrypted."""

    ref: Ref
    client: str
    key: str
    digest: bytes
    act: PartAct
    type_id: str
    ground: PartGround
    deadline: date | None = None
    content: SealedContent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """The answers corrected, and with them the parts that were returned resubmitted: those in `deadlines`, by type."""

    ref: Ref
    client: str
    key: str
    digest: bytes
    deadlines: Mapping[str, date]
    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPlace:
    """A place in a list of parts: after this one it goes on."""

    due: date
    ref: Ref
    type_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsAsked:
    """Which parts to list: of these `types`, and those of cases that `opened_by` opened; of one type only; in a state
    (None: not at their end); to be decided before a day."""

    types: tuple[str, ...]
    opened_by: str
    type_id: str | None = None
    state: PartState | None = None
    due_before: date | None = None
    after: ListPlace | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPart:
    """A part in a list, with its case, of which it is the only part shown."""

    case: Case
    part: Part

    @property
    def place(self) -> ListPlace:
        """Where it stands in the list."""
        return ListPlace(due=self.part.deadline or NEVER, ref=self.case.ref, type_id=self.part.type_id)
