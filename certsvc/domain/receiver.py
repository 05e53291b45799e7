"""Organs that receive proofs: who may be told of one, where the resident agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.proof_catalogue import areas_around
from certsvc.domain.proof_item import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """An organ that receives proofs of these `types`. `client` is its client here, whose web-hooks tell it; without one
    the resident carries a notice."""

    id: str
    name: Said
    types: frozenset[str]
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Receivers:
    """The organs that receive proofs, by area (GB/T 2260 and below)."""

    by_area: Mapping[str, Sequence[Receiver]]

    def of(self, area: str, type_id: str) -> tuple[Receiver, ...]:
        """Those that receive a type in an area, or in one around it, the nearest first."""
        around = reversed(areas_around(area))
        return tuple(one for each in around for one in self.by_area.get(each, ()) if type_id in one.types)


class ToldKind(StrEnum):
    """What an organ is told."""

    ISSUED = "issued"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverChoice:
    """Whom the resident agrees is told; without a `receiver`, nobody. `key` names the choice for its request; `account`
    is the clerk who puts it on record, None the resident."""

    request_id: str
    key: str
    receiver: str | None
    name: str | None
    client: str | None
    account: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which organ was told what, and when; without a `client` it is told by the notice that the resident carries.
    `replaces` is the code of the proof that they had, where it was corrected."""

    receiver: str
    name: str
    client: str | None
    kind: ToldKind
    code: str
    at: datetime
    replaces: str | None = None
