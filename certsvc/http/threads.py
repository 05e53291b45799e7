"""Work that may wait for a key, in threads of its own: a key store that is slow or gone stalls nothing else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from certsvc.errors import WorkersBusy

THREADS, MOST_WAITING, SECONDS = 4, 64, 5.0
Result = TypeVar("Result")


class KeyThreads:
    """Runs so much at once, lets so much wait, and waits so long."""

    def __init__(
        self, name: str, *, threads: int = THREADS, most_waiting: int = MOST_WAITING, seconds: float = SECONDS
    ) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most, self._seconds = threads + most_waiting, seconds
        self._running = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of `work`.

        Raises:
            WorkersBusy: too much is waiting already, or it took too long.
        """
        if self._running >= self._most:
            raise _busy()
        self._running += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        future.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except TimeoutError:
            raise _busy() from None

    def _ended(self, future: "asyncio.Future[Result]") -> None:
        self._running -= 1
        if not future.cancelled():
            future.exception()  # looked at, also where nobody waits for it any more


def _busy() -> WorkersBusy:
    return WorkersBusy("正忙，请过几秒再试。", "Busy: try again in a few seconds.")
