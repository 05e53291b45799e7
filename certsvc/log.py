"""The log of the program's own doings: JSON lines on standard error, each with the time in UTC."""

import sys
import traceback

import structlog
from structlog.typing import FilteringBoundLogger, Processor


def open_log() -> FilteringBoundLogger:
    """The log of this process."""
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


def log_unexpected(log: FilteringBoundLogger, error: Exception, **at: str) -> None:
    """What kind of error and where; `at` says amid what. Its message is left out: it may quote what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("unexpected_error", **at, error=type(error).__qualname__, where=where)
