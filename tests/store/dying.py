"""A process that dies before a statement of its choice."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable

import asyncpg

FORK = multiprocessing.get_context("fork")
BOTH_WAYS = ("_execute", "execute")
"""Every statement goes through one of these two methods of asyncpg's connection."""

OTHERS = """select count(*) from pg_stat_activity
where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"""


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


async def death_noticed(uri: str) -> None:
    """Wait until PostgreSQL has seen that a process died: what that was at stays locked until then, and a worker that
    comes at once leaves it for another time."""
    connection = await asyncpg.connect(uri)
    try:
        while await connection.fetchval(OTHERS):  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.01)
    finally:
        await connection.close()
