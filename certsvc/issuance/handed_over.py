"""Issuing where there are no keys: everything up to the real key here, the rest by a worker, who is waited for."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.job import JobError
from certsvc.issuance.prepare import prepare
from certsvc.issuance.service import Issuing
from certsvc.services import Outcomes
from certsvc.store.register import FINISH, finish_key


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A reservation, issued or not yet, and why not if a worker tried in vain."""

    reservation: Reservation
    waiting: JobError | None = None


async def issue_by_worker(
    issuing: Issuing, outcomes: Outcomes, actor: Actor, order: Order, now: datetime, seconds: float
) -> HandedOver:
    """Reserve, and wait at most so long until a worker has issued; the same order sent again is the same certificate.

    Raises:
        see `prepare`.
    """
    reservation = await prepare(issuing, actor, order, now, hand_over=True)
    return await awaited(issuing, outcomes, reservation, seconds)


async def awaited(issuing: Issuing, outcomes: Outcomes, reservation: Reservation, seconds: float) -> HandedOver:
    """A reservation once it is issued, or as it is after so many seconds."""
    found = reservation

    async def is_issued() -> bool:
        nonlocal found
        found = await issuing.register.reservation(reservation.ref)
        return found.issued_at is not None

    why = await outcomes.settled(FINISH, finish_key(reservation.ref), seconds, is_issued)
    return HandedOver(found, why)
