"""`/v1/batches`: many requests in one file, with progress, a result for every row, and one manifest at the end."""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from certsvc.domain.acts import Act
from certsvc.domain.answer import parse_request_key
from certsvc.domain.batch import (
    MOST_BYTES,
    MOST_SAMPLES,
    Batch,
    BatchMove,
    BatchRequest,
    OnWrong,
    RowState,
    parse_batch_id,
)
from certsvc.errors import ActNotAllowed, CertsvcError, Conflict, InvalidInput, NotFound, SealRefused, WorkersBusy
from certsvc.http.office.batch_shapes import PATH, BatchShape, RowShape, batch_shape, row_shape
from certsvc.http.office.batch_upload import BatchBody, Doorway, drain, form_of
from certsvc.http.office.caller import Caller
from certsvc.http.office.cursors import page_of, parse_cursor, to_cursor
from certsvc.http.office.once import Once
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.shapes import Page
from certsvc.http.routes import Asked
from certsvc.issuance.batches import requests as work
from certsvc.issuance.batches.manifest import as_pieces, as_table
from certsvc.issuance.batches.requests import BatchOffice

TAG = "Batches"
NDJSON, CSV = "application/x-ndjson", "text/csv; charset=utf-8"
TypeOf = Annotated[str, QueryParameter(name="type", min_length=1, max_length=100, description="The certificate type.")]
InState = Annotated[RowState | None, QueryParameter(name="state", description="Only rows in this state.")]
Sample = Annotated[
    int,
    QueryParameter(
        ge=0, le=MOST_SAMPLES, description="Of a dry run: put so many rows through everything up to the reservation."
    ),
]
MOVES = {
    BatchMove.PAUSE: "Pause a batch, between rows",
    BatchMove.RESUME: "Have a paused batch go on",
    BatchMove.CANCEL: "Cancel what is not done yet",
    BatchMove.RETRY: "Try the failed rows again, and no others",
}


def batch_routes(operations: Operations, office: BatchOffice) -> list[HTTPRouteHandler]:
    """The operations on batches."""
    batches, operation, one = Batches(office, operations.once), operations.operation, PATH + "/{batch_id:str}"
    sent = operation(
        "POST",
        PATH,
        "send_batch",
        batches.send,
        tag=TAG,
        summary="Send a batch",
        status=202,
        problems=(NotFound, Conflict, SealRefused, WorkersBusy),
        most=MOST_BYTES,
        streamed=True,
    )
    sent.operation_class = BatchBody
    read = partial(operation, "GET", tag=TAG, problems=(NotFound,))
    write = partial(operation, "POST", tag=TAG, problems=(NotFound, ActNotAllowed))
    return [
        sent,
        operation("GET", PATH, "list_batches", batches.listed, tag=TAG, summary="Batches, newest first"),
        read(one, "read_batch", batches.read, summary="How far a batch has come"),
        read(one + "/rows", "list_batch_rows", batches.rows, summary="Rows, with what became of them"),
        read(one + "/manifest", "read_manifest", batches.manifest, summary="The manifest", media_type=NDJSON),
        read(
            one + "/manifest.csv", "read_manifest_table", batches.table, summary="… as a table", media_type="text/csv"
        ),
        write(one + "/approve", "approve_batch", batches.approve, summary="Approve a batch, as a person"),
        *(
            write(f"{one}/{move}", f"{move}_batch", batches.mover(move), summary=summary)
            for move, summary in MOVES.items()
        ),
    ]


class Batches:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: BatchOffice, once: Once) -> None:
        self._office, self._once, self._door = office, once, Doorway()

    async def send(
        self,
        request: Asked,
        caller: Calling,
        type_id: TypeOf,
        act: FromQuery[Act] = Act.ISSUE,
        on_wrong: FromQuery[OnWrong] = OnWrong.REFUSE,
        dry_run: FromQuery[bool] = False,
        sample: Sample = 0,
    ) -> Response[BatchShape]:
        """Many requests of one act on one type. It is answered when the last row is there; then every row is checked
        before the first is done. Acts on certificates that there are, however many, wait for one person more than a
        single one. A wrong row refuses the batch, or is left out with `on_wrong=skip`. Broken off, it may be sent again
        from the start under the same key."""
        form, charset = form_of(request)
        asked = BatchRequest(
            client=caller.actor.name,
            key=parse_request_key(request.headers.get("idempotency-key")),
            act=act,
            type_id=type_id,
            form=form,
            scopes=caller.actor.scopes,
            on_wrong=on_wrong,
            dry_run=dry_run,
            sample=sample,
        )
        async with aclosing(self._door.chunks(request)) as chunks:
            try:
                receipt = await work.receive(self._office, caller.actor, asked, chunks, datetime.now(UTC), charset)
            except CertsvcError:
                await drain(chunks)
                raise

        async def concluded(_: Caller) -> Response[Any]:
            return _answer(await work.conclude(self._office, receipt, asked, datetime.now(UTC)), 202)

        answer: Response[Any] = await self._once.run_digested(request, caller, receipt.sha256, concluded)
        return answer

    async def listed(
        self, request: Asked, caller: Calling, cursor: Cursor = None, limit: Limit = 50
    ) -> Response[Page[BatchShape]]:
        """What this client sent, and what waits for its approval."""
        found = await work.listed(self._office, caller.actor, _place(cursor), limit + 1)
        page = page_of(found, limit, lambda batch: to_cursor(batch.began_at, str(batch.number)))
        return Response(Page(items=[batch_shape(batch) for batch in page.items], next=page.next))

    async def read(self, request: Asked, caller: Calling, batch_id: FromPath[str]) -> Response[BatchShape]:
        """Its rows by state, its pace, and everything that was done with it."""
        batch = await self._find(caller, batch_id)
        progress = await work.progress(self._office, batch, datetime.now(UTC))
        return Response(batch_shape(batch, progress, await work.history(self._office, batch)))

    async def rows(
        self,
        request: Asked,
        caller: Calling,
        batch_id: FromPath[str],
        in_state: InState = None,
        cursor: Cursor = None,
        limit: Limit = 100,
    ) -> Response[Page[RowShape]]:
        """In the order of their lines."""
        batch = await self._find(caller, batch_id)
        found = await work.rows(self._office, batch, in_state, _place(cursor) or 0, limit + 1)
        page = page_of(found, limit, lambda row: to_cursor(batch.began_at, str(row.line)))
        return Response(Page(items=[row_shape(row) for row in page.items], next=page.next))

    async def manifest(self, request: Asked, caller: Calling, batch_id: FromPath[str]) -> Response[Any]:
        """What became of every row: a JSON object a line, in the order of lines. Its SHA-256 is the batch's `manifest`.
        There is one once a batch is finished or cancelled, and a new one after failed rows were tried again."""
        return await self._file(caller, batch_id, NDJSON, "ndjson", lambda lines: as_pieces(lines))

    async def table(self, request: Asked, caller: Calling, batch_id: FromPath[str]) -> Response[Any]:
        """The manifest as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
        return await self._file(caller, batch_id, CSV, "csv", lambda lines: as_pieces(as_table(lines)))

    async def approve(self, request: Asked, caller: Calling, batch_id: FromPath[str]) -> Response[BatchShape]:
        """In one's own name, on record. With the last approval that is needed the rows are done."""
        now = datetime.now(UTC)
        return _answer(await work.approve_batch(self._office, caller.actor, parse_batch_id(batch_id), now))

    def mover(self, move: BatchMove) -> Callable[..., Any]:
        """The handler of one of the moves that a sender makes."""

        async def moved(request: Asked, caller: Calling, batch_id: FromPath[str]) -> Response[BatchShape]:
            """Rows that are under way come to their end first. Asked again, it is done once."""
            now = datetime.now(UTC)
            return _answer(await work.move(self._office, caller.actor, parse_batch_id(batch_id), move, now))

        return moved

    async def _find(self, caller: Caller, batch_id: str) -> Batch:
        return await work.find(self._office, caller.actor, parse_batch_id(batch_id))

    async def _file(
        self,
        caller: Caller,
        batch_id: str,
        media_type: str,
        ending: str,
        written: Callable[[Iterator[bytes]], Iterator[bytes]],
    ) -> Response[Any]:
        batch = await self._find(caller, batch_id)
        pieces = written(work.manifest(self._office, batch))
        headers = {"Content-Disposition": f'attachment; filename="{batch.id}.{ending}"'}
        return Stream(pieces, media_type=media_type, headers=headers)


def _answer(batch: Batch, status: int = 200) -> Response[Any]:
    headers = {"Location": f"{PATH}/{batch.id}"} if status == 202 else {}
    return Response(batch_shape(batch), status_code=status, headers=headers)


def _place(cursor: str | None) -> int | None:
    """The number that a cursor stands after."""
    found = parse_cursor(cursor)
    if found is None:
        return None
    if not (found[1].isascii() and found[1].isdigit() and len(found[1]) <= 9):
        raise InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.")
    return int(found[1])
