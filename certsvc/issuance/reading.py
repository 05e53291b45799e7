"""What a department may read: its certificates as they stand, stood, and how they came to it. What it may not read does
not exist for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from certsvc.domain.actor import Actor, area_of
from certsvc.domain.certificate import RegisteredCertificate, RegisteredDocument
from certsvc.domain.issuing import Reservation
from certsvc.domain.job import JobError
from certsvc.domain.life import Event, Period, periods
from certsvc.domain.scope import READ, VIEW
from certsvc.errors import InvalidInput, NotFound
from certsvc.ids import Ref
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.service import Issuing
from certsvc.services import Outcomes
from certsvc.store.register import FINISH, finish_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A certificate as it stood on a day, as was known at a time; `public` is None before it is issued."""

    reservation: Reservation
    public: RegisteredCertificate | None
    documents: Sequence[RegisteredDocument]
    events: Sequence[Event]
    on: date
    known_at: datetime
    waiting: JobError | None = None

    @property
    def newest_event(self) -> int:
        """The number of the newest event on record: what an act may expect."""
        return self.events[-1].id if self.events else 0

    @property
    def newest_version(self) -> Ref | None:
        """The version that was made last."""
        return next((event.version for event in reversed(self.events) if event.version), None)

    @property
    def periods(self) -> Sequence[Period]:
        """What is thought now of every day of this version."""
        return periods(self.events, self.reservation.ref)


async def visible(issuing: Issuing, actor: Actor, ref: Ref, action: str = READ) -> Reservation:
    """A reservation that the actor may read, or do `action` to.

    Raises:
        NotFound: there is none, or it is none of theirs: said alike.
    """
    try:
        reservation = await issuing.register.reservation(ref)
    except NotFound:
        raise _nothing(ref) from None
    where = reservation.type_id, (reservation.seal_id,), area_of(reservation.issuer.uscc)
    if not (actor.may(READ, *where) or actor.may(action, *where)):
        raise _nothing(ref)
    return reservation


async def see(
    issuing: Issuing,
    outcomes: Outcomes,
    actor: Actor,
    ref: Ref,
    on: date,
    known_at: datetime,
    action: str = READ,
) -> Seen:
    """A certificate as it stood on `on`, as was known at `known_at`; who may do `action` to it sees what came of it.

    Raises:
        NotFound: see `visible`.
    """
    reservation = await visible(issuing, actor, ref, action)
    waiting = None
    if reservation.issued_at is None:
        waiting = await outcomes.error_of(FINISH, finish_key(ref))
    gathered = await issuing.register.gather(ref, on, known_at)
    return Seen(
        reservation=reservation,
        public=gathered.certificate if gathered else None,
        documents=await issuing.register.documents(ref),
        events=await issuing.register.events(ref),
        on=on,
        known_at=known_at,
        waiting=waiting,
    )


async def view_payload(issuing: Issuing, actor: Actor, ref: Ref, why: str, now: datetime) -> Mapping[str, Any]:
    """The whole content of a certificate, persons and all; that it was viewed, by whom and why, goes on record first.

    Raises:
        NotFound: see `visible`.
        Forbidden: the actor may read it, but not all of it.
        CustodyError: the key that it is encrypted with is lost.
    """
    reservation = await visible(issuing, actor, ref, VIEW)
    await _note_view(issuing, actor, reservation, why, now)
    return open_payload(issuing, reservation)


async def read_document(
    issuing: Issuing, actor: Actor, ref: Ref, layout: str, why: str | None, now: datetime
) -> tuple[bytes, bytes]:
    """A sealed file and its SHA-256. It holds the whole content, so it is for who ordered it, and for whoever may view
    that, for a reason that goes on record first.

    Raises:
        NotFound: see `visible`; or it has no such layout, or is not issued yet.
        Forbidden: the actor may read the certificate, but not all of it.
        InvalidInput: somebody else ordered it, and no reason is given.
        StoreError: the file is damaged.
    """
    reservation = await visible(issuing, actor, ref, VIEW)
    documents = {document.layout: document.sha256 for document in await issuing.register.documents(ref)}
    if layout not in documents:
        raise NotFound(
            f"{ref.typed_code} 没有版式 {layout} 的文件。", f"{ref.typed_code} has no file of the layout {layout}."
        )
    if await issuing.register.orderer(ref) != actor.name:
        await _note_view(issuing, actor, reservation, why, now)
    return issuing.blobs.get(documents[layout]), documents[layout]


async def _note_view(issuing: Issuing, actor: Actor, reservation: Reservation, why: str | None, now: datetime) -> None:
    actor.require(VIEW, reservation.type_id, (reservation.seal_id,), area_of(reservation.issuer.uscc))
    if why is None:
        raise InvalidInput(
            "这件证照不是您申请签发的：查看全文请写明事由（why），将记录在案。",
            "You did not order this certificate: say why you view the whole of it (`why`); it goes on record.",
        )
    await issuing.register.note_view(reservation.ref, actor.name, why, now)


def _nothing(ref: Ref) -> NotFound:
    return NotFound(f"没有证照 {ref.typed_code}。", f"There is no certificate {ref.typed_code}.")
