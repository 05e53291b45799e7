"""Waiting for what a worker does: `services.Outcomes` over the bell of done jobs."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from certsvc.domain.job import JobError
from certsvc.store.bell import Bell
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("jobs")
LOOKS_AGAIN = 1.0
"""Seconds after which it is looked at without a ring."""


class PostgresOutcomes:
    """Every method may raise `RegisterUnavailable`."""

    def __init__(self, bell: Bell, pool: Pool) -> None:
        self._bell, self._pool = bell, pool

    async def settled(
        self, kind: str, key: str, seconds: float, is_done: Callable[[], Awaitable[bool]]
    ) -> JobError | None:
        """Wait until the job is done or has failed, at most so long; why it failed, if it did."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._bell.ear(f"{kind}:{key}") as ear:
            while not await is_done():
                error = await self.error_of(kind, key)
                left = end - loop.time()
                if error is not None or left <= 0:
                    return error
                await ear.wait(min(left, LOOKS_AGAIN))
        return None

    async def error_of(self, kind: str, key: str) -> JobError | None:
        """Why a job failed the last time it was tried; nothing when it did not, or is done."""
        async with self._pool.connection() as connection:
            text = await connection.fetchval(SQL["error_of"], kind, key)
        return None if text is None else JobError(**json.loads(text))
