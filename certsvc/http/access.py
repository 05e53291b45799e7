"""The access log: time, address, name of the route, status. No path and no query: they hold tokens and codes."""

from typing import Any

from litestar.types import Message, Scope
from structlog.typing import FilteringBoundLogger

NO_ROUTE = "none"


class LogAccess:
    """A litestar `before_send` hook that writes one line for each answer."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            client = scope.get("client")
            address = client[0] if client else None
            self._log.info("answered", address=address, route=route_name(scope), status=message["status"])


def route_name(scope: Any) -> str:
    """The name of the route that was matched, never the path asked for."""
    handler = scope.get("route_handler")
    return getattr(handler, "name", None) or NO_ROUTE
