"""`/v1/seal-requests`: a department's own documents sealed, or their digests signed."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from certsvc.domain.document_seal import MAX_FILE, DocumentAsked, State, parse_request_id
from certsvc.errors import (
    DocumentRefused,
    FileTooLarge,
    InvalidInput,
    NotAPdf,
    NotFound,
    SealRefused,
    UnreadableFile,
    WorkersBusy,
)
from certsvc.http.office.cursors import page_of, parse_cursor, to_cursor
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit, Prefer
from certsvc.http.office.seal_request_shapes import (
    PATH,
    FileShape,
    SealRequestBody,
    SealRequestShape,
    request_shape,
)
from certsvc.http.office.shapes import Page
from certsvc.http.routes import Asked as Request
from certsvc.issuance.documents.requests import (
    Asked,
    ask_for_seals,
    ask_for_signatures,
    list_requests,
    read_request,
    read_sealed,
    take_file,
)
from certsvc.issuance.documents.service import DocumentOffice

TAG = "Seal requests"
PDF = "application/pdf"
MOST_TAKEN = 2 * MAX_FILE
"""A file that is somewhat too large is taken and refused: who is still sending would see a broken connection."""

WAITS = 10.0
"""Seconds that a request waits for the worker, unless `Prefer: respond-async` says that it need not."""

OF_REQUESTS = (NotFound, DocumentRefused, SealRefused, UnreadableFile, WorkersBusy)


def seal_request_routes(operations: Operations, office: DocumentOffice) -> list[HTTPRouteHandler]:
    """The operations on sealing requests."""
    requests, operation, one = _SealRequests(office), operations.operation, PATH + "/{request_id:str}"
    return [
        operation(
            "POST",
            PATH + "/files",
            "send_file",
            requests.send,
            tag=TAG,
            summary="Send a PDF that is to be sealed",
            status=201,
            problems=(FileTooLarge, NotAPdf),
            most=MOST_TAKEN,
        ),
        operation(
            "POST",
            PATH,
            "ask_for_seal",
            requests.ask,
            tag=TAG,
            summary="Have a document sealed, or digests signed",
            status=201,
            also={202: (SealRequestShape, "It waits")},
            problems=OF_REQUESTS,
        ),
        operation("GET", PATH, "list_seal_requests", requests.listed, tag=TAG, summary="Your requests, newest first"),
        operation(
            "GET", one, "read_seal_request", requests.read, tag=TAG, summary="A sealing request", problems=(NotFound,)
        ),
        operation(
            "GET",
            one + "/document",
            "read_sealed_document",
            requests.document,
            tag=TAG,
            summary="The sealed document",
            media_type=PDF,
            problems=(NotFound,),
        ),
    ]


class _SealRequests:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: DocumentOffice) -> None:
        self._office = office

    async def send(self, request: Request, caller: Calling) -> Response[FileShape]:
        """The body is the PDF itself (`Content-Type: application/pdf`), of 20 MiB at most. It is opened when a request
        names its SHA-256."""
        data = await request.body()
        digest = await take_file(self._office, caller.actor, data, datetime.now(UTC))
        return Response(FileShape(sha256=digest.hex(), size=len(data)), status_code=201)

    async def ask(
        self, request: Request, caller: Calling, data: JSONBody[SealRequestBody], prefer: Prefer = None
    ) -> Response[Any]:
        """It is checked whole and rehearsed with throw-away keys, put on record, and sealed by a worker. Each use of a
        seal is on record before its key is used. The same key again is the same request."""
        asked, now = data.asked(caller.actor.name, caller.request_key), datetime.now(UTC)
        wait = 0.0 if "respond-async" in (prefer or "") else WAITS
        if isinstance(asked, DocumentAsked):
            return _shown(await ask_for_seals(self._office, caller.actor, asked, now, wait))
        return _shown(await ask_for_signatures(self._office, caller.actor, asked, now, wait))

    async def listed(
        self, request: Request, caller: Calling, limit: Limit = 20, cursor: Cursor = None
    ) -> Response[Page[SealRequestShape]]:
        """The requests of this client."""
        found = await list_requests(self._office, caller.actor, _after(cursor), limit + 1)
        page = page_of(found, limit, lambda last: to_cursor(last.requested_at, last.id))
        return Response(Page(items=[request_shape(Asked(each)) for each in page.items], next=page.next))

    async def read(self, request: Request, caller: Calling, request_id: FromPath[str]) -> Response[SealRequestShape]:
        """A request of this client's; one of another's does not exist for it."""
        return Response(request_shape(await read_request(self._office, caller.actor, request_id)))

    async def document(self, request: Request, caller: Calling, request_id: FromPath[str]) -> Response[bytes]:
        """The sealed document, as it is on record. It never changes. Anybody may have it checked on the public page
        (`POST /verify` there), which answers with the verdict `department_document`, and is told that it is no
        certificate."""
        data = await read_sealed(self._office, caller.actor, request_id)
        headers = {"Content-Disposition": f'attachment; filename="{request_id}.pdf"'}
        return Response(data, media_type=PDF, headers=headers)


def _after(cursor: str | None) -> str | None:
    """The request after which a page begins. Raises `InvalidInput`."""
    found = parse_cursor(cursor)
    try:
        return None if found is None else parse_request_id(found[1])
    except NotFound:
        raise InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.") from None


def _shown(asked: Asked) -> Response[Any]:
    status = 202 if asked.request.state is State.WAITING else 201
    headers = {"Location": f"{PATH}/{asked.request.id}"}
    return Response(request_shape(asked), status_code=status, headers=headers)
