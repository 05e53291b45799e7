"""A process that dies before a statement of its choice."""

import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable

import asyncpg

FORK = multiprocessing.get_context("fork")
BOTH_WAYS = ("_execute", "execute")
"""Every statement goes through one of these two methods of asyncpg's connection."""


def die_before_statement(number: int) -> None:
    """From now on, the `number`-th statement of this process kills it instead of being sent."""
    left = iter(range(number - 1))
    connection = asyncpg.connection.Connection
    for name in BOTH_WAYS:
        real = getattr(connection, name)

        async def counted(*arguments: object, real: Callable[..., Awaitable[object]] = real, **named: object) -> object:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return await real(*arguments, **named)

        setattr(connection, name, counted)


def ran_to_the_end(story: Callable[[], None]) -> bool:
    """Run a story in a child; whether it came to the end instead of being killed."""

    def told() -> None:
        story()
        os._exit(0)

    child = FORK.Process(target=told)
    child.start()
    child.join(30)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode == 0
