"""`/v1/events`: everything that happened and that a client may know, in order, from wherever it stopped reading."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from certsvc.domain.notice import parse_cursor, parse_kinds
from certsvc.domain.scope import ALL, NOTIFY
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling
from certsvc.http.office.webhook_shapes import FeedShape, notice_shape
from certsvc.http.routes import Asked
from certsvc.telling.parts import Notices

TAG, PATH = "Events", "/v1/events"
LATEST = "latest"
LOOKS_AGAIN = 0.5
"""Seconds between looks while a client waits."""

After = Annotated[
    str, QueryParameter(max_length=20, description="`next` of the answer before; `latest` to begin with what comes.")
]
Kind = Annotated[str | None, QueryParameter(max_length=4096, description="Only these kinds, joined by commas.")]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most.")]
Wait = Annotated[int, QueryParameter(ge=0, le=20, description="Seconds to wait for something, if there is nothing.")]


def event_routes(operations: Operations, notices: Notices) -> list[HTTPRouteHandler]:
    """The one operation of the feed."""
    read = _Feed(notices).read
    return [operations.operation("GET", PATH, "read_events", read, tag=TAG, summary="What happened")]


class _Feed:
    """What the operation does. `now` is taken here."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    async def read(
        self,
        request: Asked,
        caller: Calling,
        after: After = "0",
        kind: Kind = None,
        limit: Limit = 100,
        wait: Wait = 0,
    ) -> Response[FeedShape]:
        """Notices to this client, and of every certificate it may read, each with the id that is `webhook-id` where it
        is delivered by web-hook. Whoever gives `next` as `after` the next time misses nothing and reads nothing twice.
        """
        caller.actor.require(NOTIFY, ALL)
        kinds = parse_kinds(None if kind is None else frozenset(kind.split(",")))
        if after == LATEST:
            position = await self._notices.end(datetime.now(UTC))
        else:
            position = parse_cursor(after)
        name, scopes = caller.actor.name, caller.actor.scopes
        until = time.monotonic() + wait
        while True:
            found, position = await self._notices.read(name, scopes, position, kinds, limit, datetime.now(UTC))
            if found or time.monotonic() >= until:
                return Response(FeedShape(items=[notice_shape(one) for one in found], next=str(position)))
            await asyncio.sleep(LOOKS_AGAIN)
