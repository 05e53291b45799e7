"""An ASGI application that is made when the server starts it, from parts that live as long as it does."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar.types import ASGIApp, Receive, Scope, Send


class Opened:
    """Opens a context that yields the real application at the start and closes it at the end (ASGI lifespan 2.0)."""

    def __init__(self, context: Callable[[], AbstractAsyncContextManager[ASGIApp]]) -> None:
        self._context = context
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if str(scope["type"]) == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        done: Any = {"type": "lifespan.shutdown.complete"}
        async with self._context() as self._app:
            started: Any = {"type": "lifespan.startup.complete"}
            await send(started)
            await receive()
        await send(done)
