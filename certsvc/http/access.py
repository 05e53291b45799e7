"""The access log: time, address, name of the route, status. No path and no query: they hold tokens and codes."""

import sys
import traceback
from typing import Any

import structlog
from litestar.types import Message, Scope
from structlog.typing import FilteringBoundLogger, Processor

NO_ROUTE = "none"


def open_log() -> FilteringBoundLogger:
    """JSON lines on standard error, each with the time in UTC."""
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )
    return logger


class LogAccess:
    """A litestar `before_send` hook that writes one line for each answer."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start":
            client = scope.get("client")
            address = client[0] if client else None
            self._log.info("answered", address=address, route=route_name(scope), status=message["status"])


def log_unexpected(log: FilteringBoundLogger, error: Exception, scope: Scope) -> None:
    """What kind of error and where. Its message is left out: it may quote what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("unexpected_error", route=route_name(scope), error=type(error).__qualname__, where=where)


def route_name(scope: Any) -> str:
    """The name of the route that was matched, never the path asked for."""
    handler = scope.get("route_handler")
    return getattr(handler, "name", None) or NO_ROUTE
