"""Looking for certificates: by what is in their face, or by the code of who holds them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody, QueryParameter

from certsvc.domain.calendar import beijing_date
from certsvc.domain.scope import READ
from certsvc.domain.search import Found, HolderSearch, Search
from certsvc.domain.states import Status
from certsvc.http.office.bundle import Office
from certsvc.http.office.certificates import TAG
from certsvc.http.office.cursors import page_of, parse_ref_cursor, to_cursor
from certsvc.http.office.operation import Operations
from certsvc.http.office.ordering import PATH
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.shapes import IssuerShape, Page, TermShape
from certsvc.http.routes import Asked
from certsvc.ids import parse_typed_code, parse_uscc
from certsvc.issuance.holders import found_by

Text = Annotated[str | None, QueryParameter(max_length=100)]


class FoundShape(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate in a list. `holder` is as the public may see it; `status` is that of today, null before it is
    issued."""

    code: str
    type: str
    number: str
    version: int
    holder: str
    subject: str | None
    issuer: IssuerShape
    term: TermShape
    issued_at: datetime | None
    status: str | None
    href: str


class HolderBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who holds it: the kind of the code (GB/T 36903 Annex A; 001 is a USCC, 111 a citizen ID) and the whole code. In a
    body, because addresses end up in logs."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100, examples=["91441900MA51ABC088"])]
    kind: Annotated[str, msgspec.Meta(pattern="^[0-9]{3}$", examples=["001"])] = "001"
    cursor: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


def search_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations that look for certificates."""
    api, route = Searching(office), operations.tagged(TAG)
    return [
        route("GET", PATH, "search_certificates", api.search, "Look for certificates"),
        route("POST", PATH + "/held-by", "search_by_holder", api.held_by, "What somebody holds", reads=True),
    ]


class Searching:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def search(
        self,
        request: Asked,
        caller: Calling,
        type_id: Annotated[str | None, QueryParameter(name="type", max_length=100)] = None,
        number: Text = None,
        subject: Text = None,
        licence: Text = None,
        status: FromQuery[Status | None] = None,
        on: FromQuery[date | None] = None,
        issued_since: FromQuery[datetime | None] = None,
        issued_until: FromQuery[datetime | None] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[FoundShape]]:
        """Certificates that this client may read, in the order in which they were reserved. `subject` is the USCC of a
        business, `licence` the code of the licence that permits are tied to; `status` that of the day `on` (today)."""
        asked = Search(
            reach=caller.actor.reach(READ),
            on=on or beijing_date(datetime.now(UTC)),
            type_id=type_id,
            number=number,
            subject=parse_uscc(subject) if subject else None,
            licence=parse_typed_code(licence) if licence else None,
            status=status,
            issued_since=_instant(issued_since),
            issued_until=_instant(issued_until),
            after=parse_ref_cursor(cursor),
            limit=limit + 1,
        )
        return _page(await self._office.search.search(asked), limit)

    async def held_by(self, request: Asked, caller: Calling, data: JSONBody[HolderBody]) -> Response[Page[FoundShape]]:
        """Everything of this holder that the client may read. A person's code is not kept: it is found by its keyed
        hash, so the whole code must be given."""
        in_clear, hashed = found_by(self._office.issuing.cipher, data.kind, data.code)
        asked = HolderSearch(
            reach=caller.actor.reach(READ),
            on=beijing_date(datetime.now(UTC)),
            code=in_clear,
            code_hash=hashed,
            after=parse_ref_cursor(data.cursor),
            limit=data.limit + 1,
        )
        return _page(await self._office.search.held_by(asked), data.limit)


def _page(found: Sequence[Found], limit: int) -> Response[Page[FoundShape]]:
    page = page_of(found, limit, lambda last: to_cursor(last.reserved_at, last.ref.typed_code))
    return Response(Page(items=[_shape(each) for each in page.items], next=page.next))


def _instant(moment: datetime | None) -> datetime | None:
    """An instant; without an offset it is meant as UTC."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _shape(found: Found) -> FoundShape:
    code = found.ref.typed_code
    return FoundShape(
        code=code,
        type=found.type_id,
        number=found.number,
        version=found.version,
        holder=found.holder_name,
        subject=found.subject,
        issuer=IssuerShape(name=found.issuer.name, uscc=found.issuer.uscc),
        term=TermShape(start=found.term.start, end=found.term.end),
        issued_at=found.issued_at,
        status=found.status.value if found.status else None,
        href=f"{PATH}/{code}",
    )
