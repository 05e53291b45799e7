"""`/v1/certificates`: issue a certificate, and read it on any day."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Order, issuing_organ
from certsvc.errors import (
    ActNotAllowed,
    Conflict,
    ExternalFileRefused,
    InvalidInput,
    KeyReused,
    MissingGlyph,
    NotFound,
    PayloadInvalid,
    SealRefused,
    TextTooLong,
    UnreadableFile,
    WorkersBusy,
)
from certsvc.http.office.bundle import Office
from certsvc.http.office.operation import Operations
from certsvc.http.office.ordering import ALSO, PATH, Ordering, etag, not_modified
from certsvc.http.office.parameters import Calling, Prefer
from certsvc.http.office.shapes import CertificateShape, HistoryShape, OrganCode, Short, TypeId
from certsvc.http.office.views import event_shape, period_shape
from certsvc.http.routes import Asked
from certsvc.ids import parse_typed_code
from certsvc.issuance.external.said import ExternalFileBody
from certsvc.issuance.reading import read_document, view_payload

TAG = "Certificates"
OF_CONTENT = (
    *(PayloadInvalid, MissingGlyph, TextTooLong, NotFound, Conflict, SealRefused, ActNotAllowed, KeyReused),
    *(ExternalFileRefused, UnreadableFile, WorkersBusy),
)
"""What may be wrong with an order."""

Payload = Annotated[
    dict[str, Any],
    msgspec.Meta(description="The content, by the type's schema.", examples=[{"name": "东莞市清溪镇荔枝小吃店"}]),
]


class IssueBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate to be issued; `transfer_in` names the one elsewhere that it follows. With the layout `external` its
    page was laid out elsewhere: with a `file` that page is sealed here, without one only its QR comes from here.
    `issued_by` may be left out where one organ alone issues the type; what a village committee opens its seal for is
    asked for in its console. With `dry_run` everything is done but what needs the real key, and nothing goes on
    record."""

    type: TypeId
    payload: Payload
    act: Literal["issue", "transfer_in"] = "issue"
    previous_identifier: Short | None = None
    layout: Literal["external"] | None = None
    file: ExternalFileBody | None = None
    issued_by: OrganCode | None = None
    dry_run: bool = False


class PayloadShape(msgspec.Struct, frozen=True, kw_only=True):
    """The whole content of a certificate."""

    code: str
    payload: dict[str, Any]


def certificate_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations on one certificate, but for acts."""
    api, route, one = Certificates(office), operations.tagged(TAG), PATH + "/{code:str}"
    file, pdf, again = one + "/documents/{layout:str}", "application/pdf", {304: (None, "It has not changed")}
    return [
        route("POST", PATH, "issue_certificate", api.issue, "Issue a certificate", *OF_CONTENT, status=201, also=ALSO),
        route("GET", one, "read_certificate", api.read, "A certificate, as it stood on any day", NotFound, also=again),
        route("GET", one + "/history", "read_history", api.history, "All that happened to a certificate", NotFound),
        route("GET", one + "/payload", "view_payload", api.payload, "The whole content of a certificate", NotFound),
        route("GET", file, "read_document", api.document, "A sealed file", NotFound, media_type=pdf),
    ]


class Certificates:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._issuing, self._ordering, self._reports = office.issuing, Ordering(office), office.reports

    async def issue(
        self, request: Asked, caller: Calling, data: JSONBody[IssueBody], prefer: Prefer = None
    ) -> Response[CertificateShape]:
        """It is checked whole, reserved, sealed and put on record. Where a person has to approve it first, it waits for
        that. The same key again is the same certificate."""
        order = Order(
            client=caller.actor.name,
            key=caller.request_key,
            type_id=data.type,
            payload=data.payload,
            act=Act(data.act),
            previous_identifier=data.previous_identifier,
            layout=data.layout,
            file=data.file.file() if data.file else None,
            issued_by=issuing_organ(data.issued_by),
        )
        return await self._ordering.order(caller, order, prefer, dry_run=data.dry_run)

    async def read(
        self,
        request: Asked,
        caller: Calling,
        code: FromPath[str],
        on: FromQuery[date | None] = None,
        known_at: FromQuery[datetime | None] = None,
    ) -> Response[CertificateShape]:
        """A certificate with its state on the day `on` (today), as was known at `known_at` (now)."""
        now, ref = datetime.now(UTC), parse_typed_code(code)
        if known_at is not None and known_at.tzinfo is None:
            raise InvalidInput("known_at 应带时区。", "Give known_at with its offset from UTC.")
        seen = await self._ordering.see(caller, ref, on or beijing_date(now), known_at or now)
        if on is known_at is None and request.headers.get("if-none-match") == etag(seen):
            return not_modified(seen)
        return self._ordering.shown(seen, 200)

    async def history(self, request: Asked, caller: Calling, code: FromPath[str]) -> Response[HistoryShape]:
        """Every act on record of its life through all versions, and the state of this version on every day."""
        now, ref = datetime.now(UTC), parse_typed_code(code)
        seen = await self._ordering.see(caller, ref, beijing_date(now), now)
        corrected = await self._reports.corrections(ref)
        shown = HistoryShape(
            code=ref.typed_code,
            events=[event_shape(event, corrected.get(event.id, ())) for event in seen.events],
            periods=[period_shape(period) for period in seen.periods],
        )
        return Response(shown, headers={"ETag": etag(seen)})

    async def payload(
        self,
        request: Asked,
        caller: Calling,
        code: FromPath[str],
        why: Annotated[str, QueryParameter(min_length=2, max_length=200, description="Why; it goes on record.")],
    ) -> Response[PayloadShape]:
        """The whole content, persons and all, for a stated reason (scope `view`). That it was viewed is on record."""
        ref = parse_typed_code(code)
        content = await view_payload(self._issuing, caller.actor, ref, why, datetime.now(UTC))
        return Response(PayloadShape(code=ref.typed_code, payload=dict(content)))

    async def document(
        self,
        request: Asked,
        caller: Calling,
        code: FromPath[str],
        layout: FromPath[str],
        why: Annotated[
            str | None,
            QueryParameter(
                min_length=2, max_length=200, description="Why, of what this client did not order; it goes on record."
            ),
        ] = None,
    ) -> Response[bytes]:
        """A sealed file, as it is on record. It never changes. It holds the whole content, persons and all: who did not
        order it needs the scope `view`, and says why."""
        ref, now = parse_typed_code(code), datetime.now(UTC)
        content, sha256 = await read_document(self._issuing, caller.actor, ref, layout, why, now)
        name = f"{ref.typed_code}-{layout}.pdf" if layout.isascii() else f"{ref.typed_code}.pdf"
        headers = {"ETag": f'"{sha256.hex()}"', "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/pdf", headers=headers)
