"""The worker: CRLs in time and at once after a revocation, services renewed, and what waits for its seal finished.

Every chore is safe to repeat and to be killed in; one that fails is tried again later and does not hold up the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from structlog.typing import FilteringBoundLogger

from certsvc.errors import CertsvcError
from certsvc.log import log_unexpected

LONGEST_PAUSE = timedelta(minutes=1)
LOOKS = timedelta(seconds=1)
"""How often a chore's time is looked at."""

Work = Callable[[datetime], Awaitable[None]]


@dataclass(slots=True)
class Chore:
    """Something to be done every so often; after a failure it waits longer each time, up to a minute."""

    name: str
    every: timedelta
    work: Work
    _due: datetime | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)

    def is_due(self, now: datetime) -> bool:
        """Whether it is time; a clock that was set back makes it time too."""
        return self._due is None or now >= self._due or self._due - now > max(self.every, LONGEST_PAUSE)

    async def do(self, now: datetime, log: FilteringBoundLogger) -> bool:
        """Do it; False when it failed, and then the log says why: a full disk is no reason to end the others too."""
        try:
            await self.work(now)
        except Exception as error:
            self._failures += 1
            self._due = now + max(self.every, min(LONGEST_PAUSE, timedelta(seconds=2 ** min(self._failures, 6))))
            if isinstance(error, CertsvcError):
                log.warning("chore_failed", chore=self.name, error=error.code, failures=self._failures)
            else:
                log_unexpected(log, error, chore=self.name)
            return False
        self._failures, self._due = 0, now + self.every
        return True


async def work(
    chores: Sequence[Chore], clock: Callable[[], datetime], stop: asyncio.Event, log: FilteringBoundLogger
) -> None:
    """Do every chore when it is due, until told to stop. Each goes by itself: a long queue of orders holds up neither a
    CRL nor the end; what is then under way is left as if it had been killed."""
    tasks = [asyncio.create_task(_keep_doing(chore, clock, log)) for chore in chores]
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_doing(chore: Chore, clock: Callable[[], datetime], log: FilteringBoundLogger) -> None:
    while True:
        if chore.is_due(clock()):
            await chore.do(clock(), log)
        await asyncio.sleep(min(chore.every, LOOKS).total_seconds())
