"""Proofs that were refused at the counter, and the figures of villages, as the use cases have them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from certsvc.domain.organ import Organ
from certsvc.domain.proof_refusal import ProofRefusal
from certsvc.domain.village_figures import Counts, Days, Late, LateRequest
from certsvc.ids import Uscc


class ProofRefusals(Protocol):
    """What was asked for and is not given out. One transaction, safe to repeat."""

    async def record(self, refusal: ProofRefusal, now: datetime) -> None:
        """Put a refusal on record; the same again is the same. Raises `Forbidden`, `KeyReused`."""


class VillageFigures(Protocol):
    """Counts of organs. Every method is one read."""

    async def counts(self, organs: Sequence[Uscc], days: Days) -> Mapping[Uscc, Counts]:
        """What happened in organs, all kinds together; none of those where nothing ever did."""

    async def by_kind(self, organs: Sequence[Organ], days: Days, *, of_areas: bool) -> Mapping[str, Counts]:
        """The same by kind, of all of them together; `of_areas` where they are all organs of their areas."""

    async def by_organ_and_kind(self, organs: Sequence[Uscc], days: Days) -> Mapping[tuple[str, str], Counts]:
        """The same by organ and kind."""

    async def late(self, organs: Sequence[Uscc], today: date) -> Mapping[Uscc, Late]:
        """The open requests past their last day, all kinds together; none of organs that have none."""

    async def late_by_kind(self, organs: Sequence[Organ], today: date, *, of_areas: bool) -> Mapping[str, Late]:
        """The same by kind, of all of them together; `of_areas` as with `by_kind`."""

    async def late_by_organ_and_kind(self, organs: Sequence[Uscc], today: date) -> Mapping[tuple[str, str], Late]:
        """The same by organ and kind."""

    async def latest(self, organs: Sequence[Uscc], today: date, limit: int) -> Sequence[LateRequest]:
        """Those that are past it for longest."""
