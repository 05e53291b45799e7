"""Organs with their people, and requests for proofs, as the use cases of a village have them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from certsvc.domain.evidence import DrawnEvidence, KeptEvidence, NewEvidence, SealedPart
from certsvc.domain.organ import Appointment, Handover, Member, Organ
from certsvc.domain.organ_seal import OrganSeal
from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed, DoubtRecord
from certsvc.domain.proof_life import ProofLife
from certsvc.domain.proof_request import (
    NewProofRequest,
    Progress,
    ProofActRequest,
    ProofContent,
    ProofEvent,
    ProofRequest,
    Turn,
)
from certsvc.domain.receiver import ReceiverChoice
from certsvc.ids import Ref, Uscc
from certsvc.services.requests import Approvals
from certsvc.services.sittings import Sittings


class Organs(Protocol):
    """Organs and who has which duty in them. Every method is one transaction and safe to repeat."""

    async def put(self, organ: Organ, by: str, now: datetime) -> None:
        """Put an organ on record, or its new name, town, word or seal. Raises `Conflict`, `Forbidden`."""

    async def organ(self, uscc: Uscc) -> Organ:
        """An organ. Raises `NotFound`."""

    async def organs(self) -> Sequence[Organ]:
        """All organs."""

    async def some(self, codes: Collection[Uscc]) -> Mapping[Uscc, Organ]:
        """Organs by their codes, as far as they are on record."""

    async def under(self, organ: Organ) -> Sequence[Organ]:
        """The organs directly under a town or a city, by name."""

    async def accounts(self, names: Collection[str]) -> Mapping[str, str]:
        """The accounts that may sign in, by the names of their persons."""

    async def keeper(self, uscc: Uscc) -> str | None:
        """Who keeps the seal of an organ."""

    async def seal(self, uscc: Uscc) -> OrganSeal | None:
        """The seal of an organ, as a handover meets it; None where it has none."""

    async def appointments(self, uscc: Uscc) -> Sequence[Appointment]:
        """Who has or had which duty in an organ."""

    async def memberships(self, account: str, day: date) -> Sequence[Member]:
        """Who somebody is on a day, in each organ."""

    async def hand_over(self, handover: Handover, now: datetime) -> Sequence[Appointment]:
        """End appointments, hand over the seal if a keeper is named, begin appointments: all or nothing; those of the
        organ then. Raises `InvalidInput` with every problem, `ChangedMeanwhile`, `Conflict`, `ActNotAllowed`,
        `Forbidden`, `KeyReused`, `NotFound`."""


class ProofRequests(Sittings, Protocol):
    """Requests for proofs. Every method is one transaction and safe to repeat; what is asked of another version than
    stands raises `ChangedMeanwhile`, what the state does not allow `ActNotAllowed`, who may not `Forbidden`."""

    async def open(self, new: NewProofRequest, act: ProofActRequest, now: datetime) -> ProofRequest:
        """Put a request on record with its first draft."""

    async def request(self, request_id: str) -> ProofRequest:
        """A request as it stands. Raises `NotFound`."""

    async def of_code(self, code_hash: bytes) -> ProofRequest:
        """The request that is followed by a code. Raises `NotFound`."""

    async def of_number(self, organ: Uscc, number: str) -> ProofRequest:
        """The newest request of an organ whose proof has a printed number. Raises `NotFound`."""

    async def progress(self, code_hash: bytes) -> Progress:
        """What may be said to who has the code. Raises `NotFound`."""

    async def acted_before(self, act: ProofActRequest) -> bool:
        """Whether this was done before. Raises `KeyReused`."""

    async def events(self, request_id: str) -> Sequence[ProofEvent]:
        """Everything that happened to a request."""

    async def makers(self, request_id: str) -> frozenset[str]:
        """The accounts that had a hand in it."""

    async def needs(self, request_id: str) -> Sequence[DoubtNeed]:
        """What a legal doubt asked for when it was opened."""

    async def doubts(self, request_id: str) -> Sequence[DoubtCheck]:
        """What was found about it, for the holder that it names now."""

    async def doubt_recorded(self, record: DoubtRecord) -> bool:
        """Whether this was put on record before. Raises `KeyReused`."""

    async def record_doubt(self, record: DoubtRecord, now: datetime) -> None:
        """Put on record what was found; the version stays."""

    async def note_view(self, request_id: str, person: str, now: datetime) -> None:
        """Put on record that somebody else than its clerk has read the whole of it."""

    async def act(
        self, act: ProofActRequest, content: ProofContent | None, now: datetime, tells: ReceiverChoice | None = None
    ) -> ProofRequest:
        """Put an act on record, with new content and whom the resident wants told, where that is said."""

    def asking(self, act: ProofActRequest, now: datetime) -> Approvals:
        """Approvals that put what they are asked on record together with this act, or not at all."""

    async def decide(
        self, act: ProofActRequest, approves: bool, now: datetime, confirmation: str | None = None
    ) -> ProofRequest:
        """What an approver said of the newest round, or of a wish to cancel: the approval and the request, in one.
        Agreeing needs their confirmation of exactly this, which is used up with it."""

    async def rounds(self, request_id: str, limit: int) -> Sequence[str]:
        """The approvals that it was put before, the newest first."""

    async def last_of_holder(self, request: ProofRequest) -> str | None:
        """The approval of the newest certificate of the same type for the same holder."""

    async def inbox(
        self, member: Member, turns: Sequence[Turn], mine: bool, after: tuple[date, str] | None, limit: int
    ) -> Sequence[ProofRequest]:
        """Open requests that wait for somebody, or the others; what is due first comes first. Without content."""

    async def ended(self, organ: Uscc, before: tuple[datetime, str] | None, limit: int) -> Sequence[ProofRequest]:
        """Requests of an organ that are nobody's turn any more, the newest first. Without content."""

    async def note_taken(self, request_id: str, person: str, now: datetime) -> None:
        """Put on record that somebody took the sealed file."""

    async def lives(self, requests: Sequence[str], day: date) -> Mapping[str, ProofLife]:
        """What became of the proofs of these requests, as far as they were issued."""

    async def life(self, ref: Ref, day: date) -> ProofLife | None:
        """What became of a proof; None where it was not issued."""

    async def life_of_code(self, code_hash: bytes, day: date) -> ProofLife | None:
        """What became of the proof of the request with a code; None where it is not sealed."""

    async def was_opened(self, account: str | None, key: str) -> bool:
        """Whether somebody, or with None a resident, sent a request under this key before."""

    async def lapse(self, untouched_since: datetime, reason: str, now: datetime) -> int:
        """Withdraw drafts that nobody touched; how many."""

    async def erase(self, ended_before: datetime, now: datetime) -> int:
        """Erase what requests say that ended before a time; how many."""


class EvidenceRegister(Protocol):
    """Evidence of requests. Every method is one transaction and safe to repeat; adding and removing raise what
    `ProofRequests` raise."""

    async def attach(self, act: ProofActRequest, new: NewEvidence, now: datetime) -> ProofRequest:
        """Add evidence with its act. Raises `ActNotAllowed` beyond the most there may be."""

    async def detach(self, act: ProofActRequest, evidence_id: str, now: datetime) -> ProofRequest:
        """Remove evidence with its act, and its pictures. Raises `NotFound`."""

    async def of_request(self, request_id: str) -> Sequence[KeptEvidence]:
        """What a request has now, in the order in which it came."""

    async def page(self, request_id: str, evidence_id: str, page: int) -> SealedPart:
        """One picture; 0 is the small one. Raises `NotFound`."""


class EvidenceDrawer(Protocol):
    """Draws files of strangers anew, in a process of its own."""

    async def draw(self, content: bytes) -> DrawnEvidence:
        """The pictures of a file, recognised by its content. Raises `EvidenceRefused`, `UnreadableFile`,
        `WorkersBusy`."""
