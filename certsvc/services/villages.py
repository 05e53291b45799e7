"""Organs with their people, and requests for proofs, as the use cases of a village have them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from certsvc.domain.organ import Appointment, Handover, Member, Organ
from certsvc.domain.proof_request import (
    NewProofRequest,
    Progress,
    ProofActRequest,
    ProofContent,
    ProofEvent,
    ProofRequest,
    Turn,
)
from certsvc.ids import Uscc
from certsvc.services.requests import Approvals


class Organs(Protocol):
    """Organs and who has which duty in them. Every method is one transaction and safe to repeat."""

    async def put(self, organ: Organ, by: str, now: datetime) -> None:
        """Put an organ on record, or its new name, town, word or seal. Raises `Conflict`, `Forbidden`."""

    async def organ(self, uscc: Uscc) -> Organ:
        """An organ. Raises `NotFound`."""

    async def organs(self) -> Sequence[Organ]:
        """All organs."""

    async def keeper(self, uscc: Uscc) -> str | None:
        """Who keeps the seal of an organ."""

    async def appointments(self, uscc: Uscc) -> Sequence[Appointment]:
        """Who has or had which duty in an organ."""

    async def memberships(self, account: str, day: date) -> Sequence[Member]:
        """Who somebody is on a day, in each organ."""

    async def hand_over(self, handover: Handover, now: datetime) -> Sequence[Appointment]:
        """End and begin appointments, all or none; those of the organ then. Raises `InvalidInput` with every problem,
        `Conflict`, `KeyReused`, `NotFound`."""


class ProofRequests(Protocol):
    """Requests for proofs. Every method is one transaction and safe to repeat; what is asked of another version than
    stands raises `ChangedMeanwhile`, what the state does not allow `ActNotAllowed`, who may not `Forbidden`."""

    async def open(self, new: NewProofRequest, act: ProofActRequest, now: datetime) -> ProofRequest:
        """Put a request on record with its first draft."""

    async def request(self, request_id: str) -> ProofRequest:
        """A request as it stands. Raises `NotFound`."""

    async def of_code(self, code_hash: bytes) -> ProofRequest:
        """The request that is followed by a code. Raises `NotFound`."""

    async def progress(self, code_hash: bytes) -> Progress:
        """What may be said to who has the code. Raises `NotFound`."""

    async def acted_before(self, act: ProofActRequest) -> bool:
        """Whether this was done before. Raises `KeyReused`."""

    async def events(self, request_id: str) -> Sequence[ProofEvent]:
        """Everything that happened to a request."""

    async def makers(self, request_id: str) -> frozenset[str]:
        """The accounts that had a hand in it."""

    async def note_view(self, request_id: str, person: str, now: datetime) -> None:
        """Put on record that somebody else than its clerk has read the whole of it."""

    async def act(self, act: ProofActRequest, content: ProofContent | None, now: datetime) -> ProofRequest:
        """Put an act on record, with new content where there is some."""

    def asking(self, act: ProofActRequest, now: datetime) -> Approvals:
        """Approvals that put what they are asked on record together with this act, or not at all."""

    async def decide(self, act: ProofActRequest, approves: bool, now: datetime) -> ProofRequest:
        """What an approver said of the newest round, or of a wish to cancel: the approval and the request, in one."""

    async def rounds(self, request_id: str, limit: int) -> Sequence[str]:
        """The approvals that it was put before, the newest first."""

    async def last_of_holder(self, request: ProofRequest) -> str | None:
        """The approval of the newest certificate of the same type for the same holder."""

    async def inbox(
        self, member: Member, turns: Sequence[Turn], mine: bool, after: tuple[date, str] | None, limit: int
    ) -> Sequence[ProofRequest]:
        """Open requests that wait for somebody, or the others; what is due first comes first. Without content."""

    async def lapse(self, untouched_since: datetime, reason: str, now: datetime) -> int:
        """Withdraw drafts that nobody touched; how many."""

    async def erase(self, ended_before: datetime, now: datetime) -> int:
        """Erase what requests say that ended before a time; how many."""
