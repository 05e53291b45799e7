"""A worker that only delivers, with a clock that is moved by hand."""

import asyncio
import random
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from telling_desk import NOW, THIS_MACHINE, Desk

from certsvc.jobs.queue import do_one
from certsvc.store.jobs import JobQueue
from certsvc.store.notices import WEBHOOK
from certsvc.telling.deliver import Sending, Telling
from certsvc.telling.sender import Sender

public_tls = cache(ssl.create_default_context)
"""As a sender takes it by itself, read once: the authorities of the machine are many."""


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **said: Any) -> None:
        self.lines.append((event, said))

    error = warning


@dataclass
class Worker:
    """Settles and does jobs. Nothing is sent elsewhere than to this machine."""

    desk: Desk
    sender: Sending = field(default_factory=lambda: Sender(networks=THIS_MACHINE, tls=public_tls()))
    now: datetime = NOW
    log: Log = field(default_factory=Log)

    @property
    def telling(self) -> Telling:
        """What it does."""
        return Telling(
            notices=self.desk.notices,
            deliveries=self.desk.deliveries,
            cipher=self.desk.cipher,
            sender=self.sender,
            clock=lambda: self.now,
            draw=random.Random(7).random,
        )

    async def one(self) -> bool:
        """Do one job."""
        handlers = {WEBHOOK: self.telling.handle}
        return await do_one(JobQueue(self.desk.pool), handlers, lambda: self.now, cast(Any, self.log))

    async def deliver(self, runners: int = 1) -> None:
        """Do everything that is due now."""

        async def run() -> None:
            while await self.one():
                pass

        await self.telling.settle(self.now)
        await asyncio.gather(*(run() for _ in range(runners)))
        assert self.log.lines == []

    async def wait(self, **pause: float) -> None:
        """Time passes, and then everything is done that is due."""
        self.now += timedelta(**pause)
        await self.deliver()
