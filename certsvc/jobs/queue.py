"""Doing what is in the queue: so many jobs at once, woken by whoever puts one in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from certsvc.errors import CertsvcError
from certsvc.log import log_unexpected
from certsvc.services import Jobs, TakenJob

Handler = Callable[[str, datetime], Awaitable[datetime | None]]
"""Does a job by its key: nothing when it is done, else when there is more to do. An error is tried again later."""

LOOKS_AGAIN = 1.0
"""Seconds after which the queue is looked at without being woken: a job put off falls due, a bell may be unheard."""

LONGEST = 100.0
"""Seconds a job may take: its end must be on record before its connection is taken from it."""

RESTS = 5.0
"""Seconds to leave a database alone that does not answer."""


class Bell(Protocol):
    """Wakes who waits for work."""

    async def heard(self, name: str, seconds: float) -> None:
        """Wait until it rings for `name`, at most so long."""


async def do_jobs(
    jobs: Jobs,
    handlers: Mapping[str, Handler],
    bell: Bell,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    log: FilteringBoundLogger,
    *,
    at_once: int,
) -> None:
    """Do jobs until told to stop; what is then under way is left as if it had been killed."""
    tasks = [asyncio.create_task(_keep_doing(jobs, handlers, bell, clock, log)) for _ in range(at_once)]
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_doing(
    jobs: Jobs, handlers: Mapping[str, Handler], bell: Bell, clock: Callable[[], datetime], log: FilteringBoundLogger
) -> None:
    while True:
        try:
            did = await do_one(jobs, handlers, clock, log)
        except CertsvcError as error:
            log.warning("queue_unavailable", error=error.code)
            await asyncio.sleep(RESTS)
            continue
        if not did:
            await bell.heard("*", LOOKS_AGAIN)


async def do_one(
    jobs: Jobs, handlers: Mapping[str, Handler], clock: Callable[[], datetime], log: FilteringBoundLogger
) -> bool:
    """Do the job that is due for longest; False when there is none.

    Raises:
        RegisterUnavailable, StoreError: the queue cannot be read.
    """
    async with jobs.taken(tuple(handlers), clock()) as job:
        if job is None:
            return False
        async with job.begun(clock()) as may:
            if may:
                await _do(job, handlers[job.kind], clock, log)
            else:
                log.error("job_ends_its_worker", kind=job.kind, failures=job.failures + 1)
                await job.crashed(clock())
        return True


async def _do(job: TakenJob, handler: Handler, clock: Callable[[], datetime], log: FilteringBoundLogger) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            again = await handler(job.key, clock())
    except Exception as error:
        if isinstance(error, CertsvcError):
            log.warning("job_failed", kind=job.kind, error=error.code, failures=job.failures + 1)
        else:
            log_unexpected(log, error, job=job.kind)
        await job.failed(error, clock())
        return
    await (job.done() if again is None else job.put_off(again))
