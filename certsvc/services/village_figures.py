"""Proofs that were refused at the counter, and the figures of villages, as the use cases have them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from certsvc.domain.proof_refusal import ProofRefusal
from certsvc.domain.village_figures import Counts, Days, Late, LateRequest, Scope
from certsvc.ids import Uscc


class ProofRefusals(Protocol):
    """What was asked for and is not given out. One transaction, safe to repeat."""

    async def record(self, refusal: ProofRefusal, now: datetime) -> None:
        """Put a refusal on record; the same again is the same. Raises `Forbidden`, `KeyReused`."""


class VillageFigures(Protocol):
    """Counts of scopes. Every method is one read, whose cost does not grow with what happened."""

    async def counts(self, scopes: Sequence[Scope], days: Days) -> Mapping[Scope, Counts]:
        """What happened, all kinds together; none of those where nothing ever did."""

    async def by_kind(self, scopes: Sequence[Scope], days: Days) -> Mapping[tuple[Scope, str], Counts]:
        """The same by kind."""

    async def late(self, scopes: Sequence[Scope], today: date) -> Mapping[Scope, Late]:
        """The open requests past their last day, all kinds together; none of those that have none."""

    async def late_by_kind(self, scopes: Sequence[Scope], today: date) -> Mapping[tuple[Scope, str], Late]:
        """The same by kind."""

    async def latest(self, organs: Sequence[Uscc], today: date, limit: int) -> Sequence[LateRequest]:
        """Those of organs that are past it for longest."""

    async def latest_in_city(self, city: Scope, today: date, limit: int) -> Sequence[LateRequest]:
        """The same of a whole city."""
