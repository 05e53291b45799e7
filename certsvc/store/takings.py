"""What was begun and never ended: by it is known which work ends its worker's process, and is not begun for ever.

A beginning is committed before the work, on a connection of its own while the work's row is locked; the end of the work
takes it away in the work's own transaction. What was beside such work when the process ended is innocent: so what was
begun in vain is done alone the next time.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from certsvc.domain.job import MOST_IN_VAIN
from certsvc.errors import CertsvcError
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("takings")


class Company:
    """Work of one process: side by side, but for what is to be alone."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._at_work, self._waiting = 0, 0

    @asynccontextmanager
    async def place(self, *, alone: bool) -> AsyncIterator[None]:
        """A place beside others, or one with nobody else; who waits to be alone is waited for."""
        async with self._changed:
            if alone:
                await self._wait_to_be_alone()
            else:
                await self._changed.wait_for(lambda: not self._waiting and self._at_work >= 0)
                self._at_work += 1
        try:
            yield
        finally:
            async with self._changed:
                self._at_work = 0 if alone else self._at_work - 1
                self._changed.notify_all()

    async def _wait_to_be_alone(self) -> None:
        self._waiting += 1
        try:
            await self._changed.wait_for(lambda: self._at_work == 0)
            self._at_work = -1
        finally:
            self._waiting -= 1
            self._changed.notify_all()


class Takings:
    """The beginnings of one process. Needs the database role that owns the tables, and a pool with one connection
    beside those that lock the work: it takes no more."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._one_at_a_time = pool, asyncio.Lock()
        self._company = Company()
        self._process = secrets.token_hex(8)
        self._survived: set[str] = set()

    @asynccontextmanager
    async def begun(self, works: Sequence[str], in_vain: int, now: datetime) -> AsyncIterator[bool]:
        """Work that begins, as long as the context lasts; `in_vain` is how often it was begun before without an end.
        False when that is often enough: then it is not to be done.

        Raises:
            RegisterUnavailable: the beginning cannot be put on record.
        """
        if in_vain >= MOST_IN_VAIN:
            yield False
            return
        async with self._company.place(alone=in_vain > 0):
            await self._begin(works, now)
            try:
                yield True
            except BaseException:  # this process is still there: the work did not end it
                self._survived.update(works)
                with suppress(CertsvcError):
                    await self._forget_survived()
                raise

    async def _begin(self, works: Sequence[str], now: datetime) -> None:
        await self._forget_survived()
        async with self._one_at_a_time, self._pool.transaction() as connection:
            await connection.execute(SQL["begin"], list(works), self._process, now)

    async def _forget_survived(self) -> None:
        if survived := list(self._survived):
            async with self._one_at_a_time, self._pool.transaction() as connection:
                await connection.execute(SQL["forget"], survived, self._process)
            self._survived.difference_update(survived)


async def ended(connection: Connection, works: Sequence[str]) -> None:
    """Work came to an end, in the caller's transaction."""
    await connection.execute(SQL["end"], list(works))


async def allow_once(connection: Connection, work: str) -> None:
    """What ended its process too often may be begun once more, in the caller's transaction."""
    await connection.execute(SQL["allow_once"], work, MOST_IN_VAIN - 1)
