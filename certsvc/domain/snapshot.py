"""Lists of all that a source has (snapshots): what applying one did, and where the register and a list differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.record import RecordContent


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord:
    """A row of a list. Without `content` it is there to be compared: by `digest`, or by those of its `fields` that the
    source gave."""

    id: str
    content: RecordContent | None = None
    digest: bytes | None = None
    fields: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What applying a list does: how many records are new, changed, the same, back after they were missing, and missing
    from now on. `present` is how many were there before."""

    added: int
    changed: int
    same: int
    returned: int
    missing: int
    present: int


class SnapshotState(StrEnum):
    """How a list ended. `begun`: it has not, or it broke off; nothing of it holds."""

    BEGUN = "begun"
    APPLIED = "applied"
    COMPARED = "compared"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A list as it stands. `refused` is the code of why it was not taken."""

    id: int
    source_id: str
    observed_at: datetime
    begun_at: datetime
    state: SnapshotState
    ended_at: datetime | None
    digest: bytes | None
    measured: Measured | None
    refused: str | None


class DifferenceKind(StrEnum):
    """Where the register and a list differ. The words are part of the public interface."""

    ONLY_HERE = "only_here"
    ONLY_THERE = "only_there"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One record on which the register and a list differ, in which of its fields; `content` stands for a digest that
    came without fields, `contradicted` for a source that said two things of one instant."""

    id: str
    kind: DifferenceKind
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How often the register and a list differ, and the first of the differences, in the order of ids; `following` is
    the id after which there are more."""

    snapshot_id: int
    only_here: int
    only_there: int
    differs: int
    same: int
    differences: Sequence[Difference]
    following: str | None


def difference(
    record_id: str, here: Mapping[str, Any] | None, there: Mapping[str, Any] | None, *, contradicted: bool
) -> Difference:
    """What differs between what the register has of a record and what a list says of it."""
    if here is None or there is None:
        kind = DifferenceKind.ONLY_THERE if here is None else DifferenceKind.ONLY_HERE
        return Difference(id=record_id, kind=kind)
    fields = tuple(sorted(name for name, value in there.items() if here.get(name) != value))
    if contradicted:
        fields = (*fields, "contradicted")
    return Difference(id=record_id, kind=DifferenceKind.DIFFERS, fields=fields or ("content",))
