"""`/v1/records`: permits that departments issue in their own systems, registered here with how fresh they are."""

import asyncio
import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from certsvc.domain.answer import parse_request_key
from certsvc.domain.snapshot import Compared, Snapshot
from certsvc.errors import CertsvcError, Conflict, InvalidInput, NotFound, TooMuchMissing, WrongMediaType
from certsvc.http.office.batch_upload import Doorway, drain
from certsvc.http.office.bundle import Office
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.record_shapes import (
    ComparedShape,
    RecordShape,
    SnapshotShape,
    SourceHealthShape,
    SourceShape,
    answer_shape,
    compared_shape,
    health_shape,
    record_shape,
    snapshot_shape,
    source_shape,
)
from certsvc.http.office.shapes import Page
from certsvc.http.routes import Asked
from certsvc.issuance.records.form import PutForm, RecordId
from certsvc.issuance.records.lists import MOST_BYTES, Chunks, differences, reconcile, take_snapshot
from certsvc.issuance.records.reporting import find_missing, find_records, get_record, put_record, source_health

TAG, PATH = "Records", "/v1/records"
SOURCES, SOURCE = PATH + "/sources", PATH + "/{source:str}"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
OF_LISTS = (NotFound, Conflict, TooMuchMissing)
Result = TypeVar("Result")
On = Annotated[date | None, QueryParameter(description="As it was at the end of this day in Asia/Shanghai.")]
KnownAt = Annotated[datetime | None, QueryParameter(description="As far as it was known at this time.")]
Source = Annotated[str | None, QueryParameter(name="source", max_length=63, description="Only this source.")]
Subject = Annotated[
    str | None, QueryParameter(min_length=18, max_length=18, description="Only the business of this code.")
]


def record_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations on records from elsewhere."""
    records = _Records(office)
    return [*_routes_of_records(operations, records), *_routes_of_lists(operations, records)]


def _routes_of_records(operations: Operations, records: "_Records") -> list[HTTPRouteHandler]:
    operation, missing = operations.operation, (NotFound,)
    source, one, found = SOURCES + "/{source:str}", SOURCE + "/{record:str}", "A source, its lists and what is missing"
    return [
        operation("GET", PATH, "find_records", records.find, tag=TAG, summary="Find records", problems=missing),
        operation("GET", SOURCES, "list_sources", records.sources, tag=TAG, summary="Sources and how fresh they are"),
        operation("GET", source, "read_source", records.source, tag=TAG, summary=found, problems=missing),
        operation("PUT", one, "put_record", records.put, tag=TAG, summary="Register a record", problems=missing),
        operation("GET", one, "read_record", records.read, tag=TAG, summary="A record", problems=missing),
    ]


def _routes_of_lists(operations: Operations, records: "_Records") -> list[HTTPRouteHandler]:
    operation, snapshots = operations.operation, SOURCE + "/snapshots"
    listed = operation(
        "POST",
        snapshots,
        "take_snapshot",
        records.snapshot,
        tag=TAG,
        summary="List all that a source has",
        status=201,
        problems=OF_LISTS,
        most=MOST_BYTES,
        streamed=True,
    )
    compared = operation(
        "POST",
        SOURCE + "/reconcile",
        "reconcile_records",
        records.reconcile,
        tag=TAG,
        summary="Compare a list with the register",
        problems=(NotFound, Conflict),
        most=MOST_BYTES,
        reads=True,
        streamed=True,
    )
    following = operation(
        "GET",
        snapshots + "/{snapshot:int}/differences",
        "read_differences",
        records.differences,
        tag=TAG,
        summary="Where the register and a list differ",
        problems=(NotFound,),
    )
    return [listed, compared, following]


class _Records:
    """What the operations do. `now` is taken here, once per request; a list that takes long asks again at its end."""

    def __init__(self, office: Office) -> None:
        self._recording = office.recording
        self._door, self._running = Doorway(), set[asyncio.Task[Any]]()

    async def put(
        self,
        request: Asked,
        caller: Calling,
        data: JSONBody[PutForm],
        source: FromPath[str],
        record: FromPath[str],
    ) -> Response[RecordShape]:
        """Register a record, or a change of one, as of `observed_at`. What is older than what is known is kept in its
        place, not on top; the answer is what holds now. Codes whose check character is wrong are kept with a warning.
        """
        key, now = caller.request_key, datetime.now(UTC)
        found = await put_record(self._recording, caller.actor, source, _record_id(record), data, key, now)
        return Response(answer_shape(found))

    async def read(
        self,
        request: Asked,
        caller: Calling,
        source: FromPath[str],
        record: FromPath[str],
        on: On = None,
        known_at: KnownAt = None,
    ) -> Response[RecordShape]:
        """A record as it holds, or as it held on a day, as far as that was known at a time."""
        if known_at is not None and known_at.tzinfo is None:
            raise InvalidInput("known_at 要写明时区，如 +08:00。", "Write known_at with an offset, such as +08:00.")
        now = datetime.now(UTC)
        found = await get_record(self._recording, caller.actor, source, record, now, on=on, known_at=known_at)
        return Response(answer_shape(found))

    async def find(
        self,
        request: Asked,
        caller: Calling,
        of_source: Source = None,
        subject: Subject = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[RecordShape]]:
        """Records of the sources that this client feeds, of one of them, or of one business."""
        source_id, record_id = _place(cursor, 2) or ("", "")
        found, following = await find_records(
            self._recording,
            caller.actor,
            source_id=of_source,
            subject=subject,
            after=(source_id, record_id),
            limit=limit,
        )
        return Response(
            Page(items=[record_shape(one) for one in found], next=_cursor(*following) if following else None)
        )

    async def sources(self, request: Asked, caller: Calling) -> Response[Page[SourceShape]]:
        """The sources that this client feeds, each with when it was last heard and whether that is late."""
        found, now = await self._recording.records.sources(caller.actor.name), datetime.now(UTC)
        return Response(Page(items=[source_shape(one, now) for one in found]))

    async def source(
        self, request: Asked, caller: Calling, source: FromPath[str], cursor: Cursor = None, limit: Limit = 50
    ) -> Response[SourceHealthShape]:
        """How a source does: when it was last heard, how many records it has, its newest lists, and what the last of
        them lacked, page by page."""
        answer, now = await source_health(self._recording, caller.actor, source), datetime.now(UTC)
        after = (_place(cursor, 1) or [""])[0]
        found, following = await find_missing(self._recording, caller.actor, source, after, limit)
        shown = Page(items=[record_shape(one) for one in found], next=_cursor(following) if following else None)
        return Response(health_shape(answer, shown, now))

    async def snapshot(self, request: Asked, caller: Calling, source: FromPath[str]) -> Response[SnapshotShape]:
        """All that a source has, as NDJSON (`application/x-ndjson`): a line `{"begin": {"observed_at": …}}`, a line for
        each record, which has an `id` and otherwise says what a PUT says, and a line `{"end": {"rows": …}}`. It is
        applied at its end, wholly or not at all: what is new or different is recorded, what it lacks is missing from
        then on. One that breaks off changes nothing. One that lacks more than the source's limit is refused unless
        `begin` says so with `expect_missing`."""
        key = parse_request_key(request.headers.get("idempotency-key"))

        async def take(chunks: Chunks) -> Snapshot:
            return await take_snapshot(self._recording, caller.actor, source, chunks, key, _now)

        return Response(snapshot_shape(await self._listed(request, take)), status_code=201)

    async def reconcile(self, request: Asked, caller: Calling, source: FromPath[str]) -> Response[ComparedShape]:
        """A list like that of a snapshot, but compared and not applied: the differences. The source does not count as
        heard by it, for the list may say other things than the register. Its rows are whole records, or an `id` with a
        `digest` that this service gave, or with some of `state`, `national_state`, `number` and `term`."""
        key = f"reconcile:{secrets.token_hex(16)}"

        async def compare(chunks: Chunks) -> Compared:
            return await reconcile(self._recording, caller.actor, source, chunks, key, _now)

        compared = await self._listed(request, compare)
        return Response(compared_shape(compared, _cursor(compared.following) if compared.following else None))

    async def differences(
        self,
        request: Asked,
        caller: Calling,
        source: FromPath[str],
        snapshot: FromPath[int],
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[ComparedShape]:
        """Where the register, as it is now, and the last list of a source differ, page by page. What a list said is
        kept until the source's next one."""
        after = (_place(cursor, 1) or [""])[0]
        found = await differences(self._recording, caller.actor, source, snapshot, after, limit)
        return Response(compared_shape(found, _cursor(found.following) if found.following else None))

    async def _listed(self, request: Asked, work: Callable[[Chunks], Awaitable[Result]]) -> Result:
        """What comes of a list. One that came whole is applied even if the client has gone: it asks again with the same
        key."""
        _require_ndjson(request)
        task = asyncio.create_task(self._taken(request, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _taken(self, request: Asked, work: Callable[[Chunks], Awaitable[Result]]) -> Result:
        async with aclosing(self._door.chunks(request)) as chunks:
            try:
                return await work(chunks)
            except CertsvcError:
                await drain(chunks)
                raise


def _now() -> datetime:
    return datetime.now(UTC)


def _require_ndjson(request: Asked) -> None:
    kind, _ = request.content_type
    if kind not in NDJSON:
        raise WrongMediaType("请用 Content-Type: application/x-ndjson。", "Use Content-Type: application/x-ndjson.")


def _record_id(text: str) -> str:
    try:
        found: str = msgspec.convert(text, RecordId)
    except msgspec.ValidationError:
        zh = "记录编号用 ASCII 字母、数字和 . _ : ~ -，最多 100 位。"
        raise InvalidInput(zh, "A record id is ASCII letters, digits and . _ : ~ -, 100 at most.") from None
    return found


def _cursor(*parts: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def _place(cursor: str | None, parts: int) -> list[str] | None:
    """What a cursor of ours holds; nothing without one.

    Raises:
        InvalidInput: it is none of ours.
    """
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = msgspec.json.decode(raw, type=list[str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        found = []
    if len(found) != parts or any("\x00" in one for one in found):
        raise InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.")
    return found
