"""The register, and the files beside it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from certsvc.domain.business import Held
from certsvc.domain.case import Progress
from certsvc.domain.certificate import Gathered, RegisteredDocument
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.domain.full_view import SealedDigest
from certsvc.domain.history import FeedEvent, History, NamedLicence
from certsvc.domain.issuing import ActRequest, Draft, Order, Reservation, SealedDocument
from certsvc.domain.life import Event
from certsvc.domain.seal import Seal, SealUse
from certsvc.domain.seal_acts import BookedUse, RegisteredSeal, SealActRequest, SealEvent
from certsvc.domain.search import Found, HolderSearch, Search
from certsvc.ids import Ref, Uscc


class RegisterReader(Protocol):
    """The register as a verifier may ask it. Raises `RegisterUnavailable` when it cannot answer."""

    async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
        """ONE query: the certificate, its licence or its permits, each with its state on `on` as known then."""

    async def find_document(self, sha256: bytes) -> RegisteredDocument | None:
        """The sealed file of ours with this digest."""

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        """The document of a department that was sealed here, with this digest."""

    async def progress(self, ref: Ref) -> Progress | None:
        """A case as who has its code may see it."""

    async def ready(self) -> bool:
        """Whether the database answers."""


class HistoryReader(Protocol):
    """What happened, as the public may ask for it. Raises `RegisterUnavailable` when it cannot answer."""

    async def history(self, ref: Ref) -> History | None:
        """All versions of a certificate, and its events in the order of recording."""

    async def feed(self, ref: Ref) -> Sequence[FeedEvent]:
        """The last changes of a licence and what hangs on it, or of another certificate, the newest first."""

    async def by_number(self, uscc: Uscc, on: date) -> NamedLicence | None:
        """The licence of a business, in the sheet that holds on a day."""


class Register(RegisterReader, Protocol):
    """The register as the issue walk writes it. Every method is one transaction and safe to repeat."""

    async def enrol_seals(self, seals: Sequence[Seal], now: datetime) -> None:
        """Put the seals of the ceremony on record, enabled by the people they name."""

    async def find_order(self, order: Order, digest: bytes) -> Ref | None:
        """The reference already reserved for this order. Raises `KeyReused` if it had other content."""

    async def reserve(self, draft: Draft, *, hand_over: bool = False) -> Reservation:
        """Take number, identifier and status-list index and commit the intent; the same order gets the same row. With
        `hand_over` a worker is to finish it.

        Raises `NotFound` when the licence a permit is tied to is not on record, `Conflict` when the number is taken.
        """

    async def rehearse(self, draft: Draft) -> Reservation:
        """What `reserve` would give now; nothing goes on record. Raises as `reserve`."""

    async def reservation(self, ref: Ref) -> Reservation:
        """The reservation by its reference. Raises `NotFound`."""

    async def unfinished(self) -> Sequence[Ref]:
        """What was reserved and not issued, oldest first."""

    async def hand_over(self, now: datetime) -> None:
        """Put what is unfinished into the queue, but for what somebody may be at."""

    async def orderer(self, ref: Ref) -> str:
        """In whose name it was ordered: whoever finishes it uses the seals in that name. Raises `NotFound`."""

    async def require_may_use(self, name: str, seal_ids: Sequence[str], *, in_village: bool = False) -> None:
        """See that somebody neither manages nor audits any of these seals, and that none is one that its keeper opens
        beforehand, unless it is asked for `in_village`. Raises `Forbidden`, `SealRefused`."""

    async def require_seal_uses(self, ref: Ref, uses: Sequence[SealUse], actor: str, now: datetime) -> None:
        """See that all these uses could be booked now; none is. Raises `SealRefused`."""

    async def book_seal_use(self, ref: Ref, use: SealUse, actor: str, now: datetime, program: str | None = None) -> int:
        """Record the intent to use a seal, with the digest of what it will sign, before the key is used; the number of
        this use. `program` is who finishes what the actor ordered. Raises `SealRefused` when the seal's rules do not
        allow it."""

    async def note_wait(self, ref: Ref, reason: str, seal_id: str | None, asked_at: datetime) -> None:
        """Keep why a reservation cannot be sealed, as was seen after `asked_at`; it goes when it is issued."""

    async def keep_token(self, ref: Ref, token: bytes) -> bytes:
        """Keep the token with the reservation; the one kept first is the one returned, ever."""

    async def publish(
        self,
        ref: Ref,
        documents: Sequence[SealedDocument],
        actor: str,
        now: datetime,
        full_view: SealedDigest | None = None,
    ) -> None:
        """In one transaction: documents, the hash of what opens a full view, issued event, status period, log leaf,
        notice, audit. Raises `SealRefused` when a seal that was used is not enabled any more."""

    async def documents(self, ref: Ref) -> Sequence[RegisteredDocument]:
        """The sealed files of one certificate; none before it is issued."""

    async def find_act(self, ref: Ref, client: str, key: str, digest: bytes) -> Event | None:
        """The event that a request to act on a certificate has made. Raises `KeyReused` if it had other content."""

    async def act(self, request: ActRequest) -> Event:
        """Put an act on record; the same request again gives the same event. Raises `ActNotAllowed`, `NotFound`."""

    async def events(self, ref: Ref) -> Sequence[Event]:
        """Everything on record of the life of a certificate, in the order of recording."""

    async def newest_version(self, ref: Ref) -> Reservation:
        """The newest version that was issued of the same life. Raises `NotFound`."""

    async def note_view(self, ref: Ref, actor: str, why: str, now: datetime) -> None:
        """Put on record that somebody viewed the whole content of a certificate, and why."""

    async def held_by(self, code: str, code_hash: bytes | None, on: date, known_at: datetime) -> Sequence[Held]:
        """Every version of what a holder has, by code or keyed hash, and its branches' licences."""


class CertificateSearch(Protocol):
    """Looking for certificates on record."""

    async def search(self, asked: Search) -> Sequence[Found]:
        """What is found, in the order of reservation, at most `asked.limit`."""

    async def held_by(self, asked: HolderSearch) -> Sequence[Found]:
        """What a holder has, in the same order."""


class SealRegister(Protocol):
    """Seals on record: their lives and their uses. Every method is one transaction and safe to repeat."""

    async def apply(self, seal: Seal, request: SealActRequest, now: datetime) -> SealEvent:
        """Put a seal that is applied for on record. Raises `Conflict` when there is one of this id."""

    async def act(self, request: SealActRequest, now: datetime) -> SealEvent:
        """Put an act on record. Raises `NotFound`, `ActNotAllowed`, `Forbidden`, `InvalidInput`, `KeyReused`."""

    async def seal(self, seal_id: str, now: datetime) -> RegisteredSeal:
        """A seal as it stands. Raises `NotFound`."""

    async def seals(self, now: datetime) -> Sequence[RegisteredSeal]:
        """Every seal as it stands, by id."""

    async def unfinished(self) -> Sequence[str]:
        """The ids of the seals whose key is still to be made or destroyed."""

    async def events(self, seal_id: str) -> Sequence[SealEvent]:
        """The life of a seal, in the order of recording."""

    async def uses(self, seal_id: str, before: int | None, limit: int) -> Sequence[BookedUse]:
        """Uses of a seal, newest first; with `before` those older than that use."""


class ExternalFiles(Protocol):
    """Files of pages that clients laid out themselves, by who sent them."""

    async def keep(
        self, client: str, sha256: bytes, size: int, pages: Sequence[tuple[float, float]], now: datetime
    ) -> None:
        """Put on record that a client has sent a file, whose pages have these sizes in millimetres."""

    async def require(self, client: str, sha256: bytes, previous: Ref | None = None) -> None:
        """See that a client has sent a file, or that a version of `previous` was made from it. Raises `NotFound`."""


class Blobs(Protocol):
    """Sealed files by their SHA-256."""

    def put(self, data: bytes) -> bytes:
        """Store durably and return the digest; the same data twice is one blob."""

    def get(self, sha256: bytes) -> bytes:
        """The file. Raises `NotFound`, or `StoreError` when what lies there has another digest."""


class Walk(Protocol):
    """Told at every arrow of the issue walk; for progress, for logs, and for the tests that kill."""

    def __call__(self, arrow: str, detail: Mapping[str, Any]) -> None:
        """`arrow` is the name of the step just completed."""
