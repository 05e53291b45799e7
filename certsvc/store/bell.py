"""Hearing NOTIFY: one connection listens and wakes who waits for a name. What is not heard is found by looking."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import asyncpg

from certsvc.errors import CertsvcError
from certsvc.store.pool import CONNECT_SECONDS, answering

JOB, DONE = "certsvc_job", "certsvc_done"
"""The channels: work was put into the queue; something became of a job (`kind:key`)."""

EVERYTHING = "*"
AGAIN_SECONDS = 1.0


class Ear:
    """Remembers a ring from the moment it was made."""

    def __init__(self, rang: asyncio.Event) -> None:
        self._rang = rang

    async def wait(self, seconds: float) -> bool:
        """Whether it rang, waiting at most so long; then it listens anew."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rang.wait(), seconds)
        rang = self._rang.is_set()
        self._rang.clear()
        return rang


class Bell:
    """One channel. Without a connection nothing is heard, and that is no error."""

    def __init__(self) -> None:
        self._ears: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def ear(self, name: str) -> Iterator[Ear]:
        """An ear for one name, or for everything (`*`): open it before the cause of the ring."""
        rang = asyncio.Event()
        self._ears[name].add(rang)
        try:
            yield Ear(rang)
        finally:
            self._ears[name].discard(rang)
            if not self._ears[name]:
                del self._ears[name]

    async def heard(self, name: str, seconds: float) -> None:
        """Wait until it rings for `name`, at most so long."""
        with self.ear(name) as ear:
            await ear.wait(seconds)

    def ring(self, name: str) -> None:
        """Wake who waits for this name, and who waits for everything."""
        for rang in (*self._ears.get(name, ()), *self._ears.get(EVERYTHING, ())):
            rang.set()


@asynccontextmanager
async def open_bell(uri: str, channel: str) -> AsyncIterator[Bell]:
    """The bell of one channel of the database at `uri`, connected again and again as long as the context lasts."""
    bell = Bell()
    listening = asyncio.create_task(_listen(uri, channel, bell))
    try:
        yield bell
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _listen(uri: str, channel: str, bell: Bell) -> None:
    while True:
        with suppress(CertsvcError):
            await _listen_once(uri, channel, bell)
        await asyncio.sleep(AGAIN_SECONDS)


async def _listen_once(uri: str, channel: str, bell: Bell) -> None:
    ended = asyncio.Event()
    with answering():
        connection = await asyncpg.connect(uri, timeout=CONNECT_SECONDS)
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(channel, lambda _connection, _pid, _channel, payload: bell.ring(str(payload)))
            await ended.wait()
        finally:
            connection.terminate()
