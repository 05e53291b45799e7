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
from certsvc.errors import NotFound
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
    actor.require(VIEW, reservation.type_id, (reservation.seal_id,), area_of(reservation.issuer.uscc))
    await issuing.register.note_view(ref, actor.name, why, now)
    return open_payload(issuing, reservation)


async def read_document(issuing: Issuing, actor: Actor, ref: Ref, layout: str) -> tuple[bytes, bytes]:
    """A sealed file and its SHA-256.

    Raises:
        NotFound: see `visible`; or it has no such layout, or is not issued yet.
        StoreError: the file is damaged.
    """
    await visible(issuing, actor, ref)
    for document in await issuing.register.documents(ref):
        if document.layout == layout:
            return issuing.blobs.get(document.sha256), document.sha256
    raise NotFound(
        f"{ref.typed_code} 没有版式 {layout} 的文件。", f"{ref.typed_code} has no file of the layout {layout}."
    )


def _nothing(ref: Ref) -> NotFound:
    return NotFound(f"没有证照 {ref.typed_code}。", f"There is no certificate {ref.typed_code}.")
