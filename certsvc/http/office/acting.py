"""`/v1/certificates/{code}/acts`: every act of the state table."""

import re
from datetime import UTC, date, datetime
from typing import Literal

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from certsvc.domain.acts import ACTS, Act, Makes, Organ
from certsvc.domain.issuing import Order, Reservation, issuing_organ
from certsvc.errors import ChangedMeanwhile, InvalidInput
from certsvc.http.office.approvals import asked_for
from certsvc.http.office.bundle import Office
from certsvc.http.office.caller import Caller
from certsvc.http.office.certificates import OF_CONTENT, TAG, Payload
from certsvc.http.office.operation import Operations
from certsvc.http.office.ordering import ALSO, PATH, Ordered, Ordering, rehearsed
from certsvc.http.office.parameters import Calling, IfMatch, Prefer
from certsvc.http.office.shapes import CertificateShape, GroundBody, OrganCode
from certsvc.http.routes import Asked
from certsvc.ids import parse_typed_code
from certsvc.issuance.acts import Acting, act, examine
from certsvc.issuance.approvals import ask_to_act, needed
from certsvc.issuance.external.said import ExternalFileBody
from certsvc.issuance.reading import visible

ETAG = re.compile(r'"(?P<event>[0-9]{1,18})-[0-9]{1,3}-[01]-[0-9-]{10}"', re.ASCII)


class ActBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act on a certificate. `renew`, `change`, `reissue` and `correct` make its next version and take its whole
    content as `payload`, and `layout`, `file` and `issued_by` as a first issue does; of the others `ground` says why.
    `effective` is the first day it holds (today)."""

    act: Act
    ground: GroundBody = GroundBody()
    payload: Payload | None = None
    effective: date | None = None
    organ: Organ = Organ.ISSUER
    retroactive: bool = False
    strikes: int | None = None
    layout: Literal["external"] | None = None
    file: ExternalFileBody | None = None
    issued_by: OrganCode | None = None
    dry_run: bool = False


def act_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operation that does any act."""
    path, act, problems = PATH + "/{code:str}/acts", Acts(office).act, (*OF_CONTENT, ChangedMeanwhile)
    route = operations.tagged(TAG)
    return [
        route("POST", path, "act_on_certificate", act, "Do an act to a certificate", *problems, status=201, also=ALSO)
    ]


class Acts:
    """What the operation does. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._office, self._issuing, self._ordering = office, office.issuing, Ordering(office)

    async def act(
        self,
        request: Asked,
        caller: Calling,
        data: JSONBody[ActBody],
        code: FromPath[str],
        if_match: IfMatch = None,
        prefer: Prefer = None,
    ) -> Response[CertificateShape]:
        """Do an act of the state table, for today, a past or a future day; the certificate as it is then. What takes
        two persons waits until a registered person has confirmed it."""
        previous = await visible(self._issuing, caller.actor, parse_typed_code(code), data.act)
        expects = _expected(if_match)
        match ACTS[data.act].makes:
            case Makes.FIRST:
                raise InvalidInput(f"新发和转入请用 POST {PATH}。", f"To issue or transfer in, use POST {PATH}.")
            case Makes.NEXT:
                order = _next(caller, data, previous, expects)
                return await self._ordering.order(caller, order, prefer, dry_run=data.dry_run)
        return await self._done(caller, data, previous, expects)

    async def _done(self, caller: Caller, data: ActBody, found: Reservation, expects: int | None) -> Ordered:
        now, asked = datetime.now(UTC), _asked(caller, data, found, expects)
        kind = self._issuing.catalog.version(found.type_id, found.type_version)
        approvals = needed(kind, data.act)
        if data.dry_run:
            await examine(self._issuing.register, self._issuing.catalog, caller.actor, asked, now)
            return rehearsed(kind.id, data.act.value, found.number, found.version, approvals)
        if approvals:
            waiting = await ask_to_act(self._issuing, self._office.approvals, caller.actor, asked, now)
            return asked_for(self._issuing, waiting)
        await act(self._issuing.register, self._issuing.catalog, caller.actor, asked, now)
        return await self._ordering.made(caller, found, data.act)


def _asked(caller: Caller, data: ActBody, found: Reservation, expects: int | None) -> Acting:
    return Acting(
        client=caller.actor.name,
        key=caller.request_key,
        act=data.act,
        ref=found.ref,
        effective=data.effective,
        organ=data.organ,
        ground=data.ground.ground(),
        retroactive=data.retroactive,
        strikes=data.strikes,
        expects=expects,
    )


def _next(caller: Caller, data: ActBody, previous: Reservation, expects: int | None) -> Order:
    if data.payload is None:
        raise InvalidInput("请在 payload 中给出新的一版的全部内容。", "Give the whole content of the next version.")
    return Order(
        client=caller.actor.name,
        key=caller.request_key,
        type_id=previous.type_id,
        payload=data.payload,
        act=data.act,
        previous=previous.ref,
        expects=expects,
        ground=data.ground.ground(),
        layout=data.layout,
        file=data.file.file() if data.file else None,
        issued_by=issuing_organ(data.issued_by),
    )


def _expected(if_match: str | None) -> int | None:
    """The newest event that the ETag stands for."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = ETAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput("If-Match 应为先前读到的 ETag。", "If-Match must be an ETag that was read before.")
    return int(found["event"])
