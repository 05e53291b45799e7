"""Orders from the API: rehearsed, put before a person, or reserved and awaited."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec
from litestar import Response

from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.scope import READ
from certsvc.http.office.approvals import ApprovalShape, asked_for
from certsvc.http.office.bundle import Office
from certsvc.http.office.caller import Caller
from certsvc.http.office.shapes import CertificateShape
from certsvc.http.office.views import certificate_shape
from certsvc.ids import Ref
from certsvc.issuance.approvals import ask_to_issue, needed
from certsvc.issuance.handed_over import issue_by_worker
from certsvc.issuance.prepare import rehearse
from certsvc.issuance.reading import Seen, see

PATH = "/v1/certificates"
WAITS = 10.0
"""Seconds that a write waits for the worker, unless `Prefer: respond-async` (RFC 7240) says that it need not."""


class RehearsalShape(msgspec.Struct, frozen=True, kw_only=True):
    """What would be: nothing is on record. `number` is the one that would be taken now; `approvals` is how many persons
    would have to approve it."""

    dry_run: Literal[True] = True
    type: str
    act: str
    number: str
    version: int
    approvals: int


Ordered = Response[Any]
"""A certificate; with status 200 a rehearsal, with 202 one that waits or an approval that is asked for."""

ALSO: dict[int, tuple[Any, str]] = {
    200: (RehearsalShape, "A dry run: this is what would be"),
    202: (
        ApprovalShape | CertificateShape,
        "It waits: for approval, or for its seal (then this is the certificate as it is reserved)",
    ),
}


def rehearsed(kind_id: str, act: str, number: str, version: int, approvals: int) -> Ordered:
    """The answer to a dry run."""
    shape = RehearsalShape(type=kind_id, act=act, number=number, version=version, approvals=approvals)
    return Response(shape, status_code=200)


def etag(seen: Seen) -> str:
    """Changes with every entry on record of the life of the certificate, when it is sealed, and with the day: what is
    on record for tomorrow is another state then."""
    sealed = int(seen.reservation.issued_at is not None)
    return f'"{seen.newest_event}-{seen.reservation.version}-{sealed}-{seen.on.isoformat()}"'


def not_modified(seen: Seen) -> Ordered:
    """The answer to who has it already."""
    return Response(None, status_code=304, headers={"ETag": etag(seen)})


@dataclass(frozen=True, slots=True)
class Ordering:
    """What becomes of an order."""

    office: Office

    async def order(self, caller: Caller, order: Order, prefer: str | None, *, dry_run: bool) -> Ordered:
        """Rehearse an order, put it before those who must approve it, or reserve it and wait for its seal."""
        issuing, now = self.office.issuing, datetime.now(UTC)
        approvals = needed(issuing.catalog.latest(order.type_id), order.act)
        if dry_run:
            would = await rehearse(issuing, caller.actor, order, now)
            return rehearsed(order.type_id, order.act.value, would.number, would.version, approvals)
        if approvals:
            return asked_for(issuing, await ask_to_issue(issuing, self.office.approvals, caller.actor, order, now))
        wait = 0.0 if "respond-async" in (prefer or "") else WAITS
        made = await issue_by_worker(issuing, self.office.outcomes, caller.actor, order, now, wait)
        return await self.made(caller, made.reservation, order.act)

    async def made(self, caller: Caller, reservation: Reservation, action: str) -> Ordered:
        """A certificate that was just made, or is being made."""
        now = datetime.now(UTC)
        seen = await self.see(caller, reservation.ref, beijing_date(now), now, action)
        return self.shown(seen, 201 if seen.reservation.issued_at else 202)

    async def see(self, caller: Caller, ref: Ref, on: date, known_at: datetime, action: str = READ) -> Seen:
        """A certificate as it stood. Raises `NotFound`."""
        return await see(self.office.issuing, self.office.outcomes, caller.actor, ref, on, known_at, action)

    def shown(self, seen: Seen, status: int) -> Ordered:
        """A certificate as an answer."""
        shape = certificate_shape(seen, self.office.site.public_url)
        headers = {"ETag": etag(seen), "Location": f"{PATH}/{shape.code}"}
        return Response(shape, status_code=status, headers=headers)
