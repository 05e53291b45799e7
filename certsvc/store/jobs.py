"""Work to be done, on PostgreSQL: whoever locks the row has it, until the transaction ends and it is done or free.

A worker that is killed loses its connection, the lock goes with it, and another worker takes the job at once. One that
ends its worker again and again is put off for an hour each time, and says so.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from certsvc.domain.job import MOST_IN_VAIN, JobError
from certsvc.errors import CertsvcError
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.takings import Takings, allow_once, ended

SQL = queries("jobs")
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
MOST_DOUBLINGS = 7
REST = timedelta(hours=1)
"""Between two beginnings of what ended its worker."""

CRASHED = JobError(
    code="worker_crashed",
    zh=f"办理这件时，工作进程已 {MOST_IN_VAIN} 次意外终止（崩溃或内存不足），每小时再试一次。请运维人员查看日志。",
    en=f"The worker's process ended {MOST_IN_VAIN} times while doing this (it crashed, or ran out of memory); it is "
    "tried again once an hour. Have the operator look into the log.",
)


@dataclass(slots=True)
class Job:
    """A job that is ours until the transaction ends."""

    kind: str
    key: str
    failures: int
    _id: int
    _in_vain: int
    _takings: Takings | None
    _connection: Connection

    @asynccontextmanager
    async def begun(self, now: datetime) -> AsyncIterator[bool]:
        """The job begins, as long as the context lasts. False when it is not to be done: it ended its worker too often.

        Raises:
            RegisterUnavailable: the beginning cannot be put on record.
        """
        if self._takings is None:
            yield True
            return
        async with self._takings.begun([self._work], self._in_vain, now) as may:
            yield may

    async def done(self) -> None:
        """It is done."""
        await self._connection.execute(SQL["done"], self._id)
        await self._end()

    async def put_off(self, until: datetime) -> None:
        """It went well, and there is more to do then."""
        await self._connection.execute(SQL["put_off"], self._id, until)
        await self._end()

    async def failed(self, error: Exception, now: datetime) -> datetime:
        """It failed; when it is tried again, later each time. Detail of what nobody foresaw is not kept."""
        wait: timedelta = FIRST_WAIT * (1 << min(self.failures, MOST_DOUBLINGS))
        again = now + min(wait, LONGEST_WAIT)
        await self._connection.execute(SQL["failed"], self._id, again, _as_json(_told(error)))
        await self._end()
        return again

    async def crashed(self, now: datetime) -> None:
        """It ended its worker too often: in an hour it is begun once more, for the program may be another by then."""
        await self._connection.execute(SQL["failed"], self._id, now + REST, _as_json(CRASHED))
        await allow_once(self._connection, self._work)
        await self._tell()

    @property
    def _work(self) -> str:
        return f"job/{self._id}"

    async def _end(self) -> None:
        if self._takings is not None:
            await ended(self._connection, [self._work])
        await self._tell()

    async def _tell(self) -> None:
        await self._connection.execute(SQL["tell_end"], f"{self.kind}:{self.key}")


async def enqueue(connection: Connection, kind: str, key: str, due_at: datetime) -> None:
    """Put work into the queue, in the caller's transaction; the same twice is one job."""
    await connection.execute(SQL["enqueue"], kind, key, due_at)
    await wake(connection, kind)


async def wake(connection: Connection, kind: str) -> None:
    """Have the workers look for work of a kind when the caller's transaction commits."""
    await connection.execute(SQL["wake"], kind)


class JobQueue:
    """Takes jobs. Its pool is its own: a job holds a connection as long as it lasts. With `takings` is known which job
    ends its worker; jobs that render, read and sign nothing need none."""

    def __init__(self, pool: Pool, takings: Takings | None = None) -> None:
        self._pool, self._takings = pool, takings

    @asynccontextmanager
    async def taken(self, kinds: Sequence[str], now: datetime) -> AsyncIterator[Job | None]:
        """The job that is due for longest, for as long as the context lasts; none when there is nothing to do.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["take"], list(kinds), now)
            yield None if row is None else self._job(row, connection)

    def _job(self, row: Record, connection: Connection) -> Job:
        return Job(
            kind=row["kind"],
            key=row["key"],
            failures=row["failures"],
            _id=row["id"],
            _in_vain=row["in_vain"],
            _takings=self._takings,
            _connection=connection,
        )


def _told(error: Exception) -> JobError:
    if isinstance(error, CertsvcError) and (error.status < 500 or error.status == 503):
        return JobError(code=error.code, zh=error.zh, en=error.en)
    return JobError(code="internal", zh="出了问题，已记入日志。", en="Something went wrong; the log has it.")


def _as_json(error: JobError) -> str:
    return json.dumps(asdict(error), ensure_ascii=False)
