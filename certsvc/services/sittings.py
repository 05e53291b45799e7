"""What approvers have seen, marked and confirmed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.organ import Member
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.seal_acts import SealState
from certsvc.domain.sitting import Became, Sitting
from certsvc.ids import Uscc


class Sittings(Protocol):
    """A part of `ProofRequests`. Every method is one transaction and safe to repeat."""

    async def cancelling(self, member: Member, limit: int) -> Sequence[ProofRequest]:
        """Proofs that wait for an approver to agree that they are cancelled, for longest first. Without content."""

    async def see(self, account: str, request_id: str, version: int, now: datetime) -> None:
        """Put on record that somebody was shown the whole of this version."""

    async def seen(self, account: str, requests: Sequence[str]) -> Mapping[str, datetime | None]:
        """Which of these somebody has looked at as they stand now, and since when they are marked as agreed to."""

    async def mark(self, account: str, request_id: str, seen: int, agreed_at: datetime | None) -> None:
        """Mark a version as agreed to, or take that back (None). Raises `ActNotAllowed`: it was not looked at."""

    async def agree(self, sitting: Sitting, now: datetime) -> None:
        """Use up the confirmation and do what it is for, in one transaction; what cannot be done any more is left out.
        Raises `ActNotAllowed`, `KeyReused`."""

    async def became(
        self, account: str, *, key: str = "", confirmation: str = ""
    ) -> tuple[str, Sequence[Became]] | None:
        """The confirmation that somebody gave under a key, or this one, and what came of it."""

    async def seal_of(self, organ: Uscc) -> tuple[SealState, str, bool] | None:
        """The state of an organ's seal, who keeps it, and whether its keeper must open it beforehand; None: there is
        none."""

    async def same_of_holder(self, request: ProofRequest, since: datetime) -> int:
        """How many proofs of the same type the same holder was given since."""
