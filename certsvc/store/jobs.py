"""Work to be done, on PostgreSQL: whoever locks the row has it, until the transaction ends and it is done or free.

A worker that is killed loses its connection, the lock goes with it, and another worker takes the job at once.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.errors import CertsvcError
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("jobs")
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
MOST_DOUBLINGS = 10


@dataclass(slots=True)
class Job:
    """A job that is ours until the transaction ends."""

    kind: str
    key: str
    failures: int
    _id: int
    _connection: Connection

    async def done(self) -> None:
        """It is done."""
        await self._connection.execute(SQL["done"], self._id)
        await self._tell()

    async def put_off(self, until: datetime) -> None:
        """It went well, and there is more to do then."""
        await self._connection.execute(SQL["put_off"], self._id, until)
        await self._tell()

    async def failed(self, error: Exception, now: datetime) -> datetime:
        """It failed; when it is tried again, later each time. Detail of what nobody foresaw is not kept."""
        wait: timedelta = FIRST_WAIT * (1 << min(self.failures, MOST_DOUBLINGS))
        again = now + min(wait, LONGEST_WAIT)
        await self._connection.execute(SQL["failed"], self._id, again, _as_json(error))
        await self._tell()
        return again

    async def _tell(self) -> None:
        await self._connection.execute(SQL["tell_end"], f"{self.kind}:{self.key}")


async def enqueue(connection: Connection, kind: str, key: str, due_at: datetime) -> None:
    """Put work into the queue, in the caller's transaction; the same twice is one job."""
    await connection.execute(SQL["enqueue"], kind, key, due_at)
    await connection.execute(SQL["wake"], kind)


class JobQueue:
    """Takes jobs. Its pool is its own: a job holds a connection as long as it lasts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def taken(self, kinds: Sequence[str], now: datetime) -> AsyncIterator[Job | None]:
        """The job that is due for longest, for as long as the context lasts; none when there is nothing to do.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["take"], list(kinds), now)
            yield None if row is None else Job(row["kind"], row["key"], row["failures"], row["id"], connection)


def _as_json(error: Exception) -> str:
    if isinstance(error, CertsvcError) and (error.status < 500 or error.status == 503):
        said = {"code": error.code, "zh": error.zh, "en": error.en}
    else:
        said = {"code": "internal", "zh": "出了问题，已记入日志。", "en": "Something went wrong; the log has it."}
    return json.dumps(said, ensure_ascii=False)
