"""Names looked up by the system, in threads that nobody waits for: a name server may take its time, or never answer."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

LOOK_UPS = 32
"""Names looked up at once."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError when there are none."""


class Resolver:
    """The system's resolver. Whoever stops waiting leaves its thread behind; there are never more than so many."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(LOOK_UPS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, as text.

        Raises:
            OSError, UnicodeError: it has none.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()

        def look_up() -> None:
            result: Sequence[str] | Exception
            try:
                result = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
            except Exception as error:
                result = error
            with suppress(RuntimeError):  # nobody waits any more: the loop is closed
                loop.call_soon_threadsafe(self._settle, found, result)

        threading.Thread(target=look_up, name="webhook-name", daemon=True).start()
        return await found

    def _settle(self, found: "asyncio.Future[Sequence[str]]", result: Sequence[str] | Exception) -> None:
        self._free.release()
        if found.cancelled():
            return
        if isinstance(result, Exception):
            found.set_exception(result)
        else:
            found.set_result(result)
