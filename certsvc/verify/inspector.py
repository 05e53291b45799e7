"""A pool of worker processes that read PDFs. A worker that is too slow, too hungry or dead is replaced."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from datetime import datetime
from types import TracebackType

import msgspec

from certsvc.errors import UnreadableFile, WorkersBusy
from certsvc.verify.inspection import LENGTH, Inspection, Request

SECONDS = 20.0
MOST_WAITING = 8
RECYCLE_AFTER = 200
MAX_ANSWER = 1024 * 1024
"""An attachment of 256 KiB and some checks: a worker that a file has taken over must not fill our memory."""

KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONUTF8", "TMPDIR")
"""What a worker inherits: no secret can be in these."""


class Inspector:
    """Workers behind a queue: at most `workers` at work and `waiting` callers in line.

    Use as `async with Inspector(workers=2) as inspector`.
    """

    def __init__(self, workers: int = 2, *, seconds: float = SECONDS, waiting: int = MOST_WAITING) -> None:
        self._size = workers
        self._seconds = seconds
        self._room = workers + waiting
        self._inside = 0
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()

    async def __aenter__(self) -> "Inspector":
        for _ in range(self._size):
            self._idle.put_nowait(_Worker())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            await self._idle.get_nowait().stop()

    async def inspect(self, pdf: bytes, roots: tuple[bytes, ...], now: datetime) -> Inspection:
        """Inspect one PDF against our roots (DER).

        Raises:
            WorkersBusy: too many are waiting already.
            UnreadableFile: the worker died of it, took too long, or gave no answer of its kind.
        """
        if self._inside >= self._room:
            raise WorkersBusy("核对文件的人很多，请过几秒再试。", "Many files are being checked: try again in seconds.")
        self._inside += 1
        try:
            worker = await self._idle.get()
            try:
                return await self._ask(worker, Request(pdf=pdf, roots=roots, now=now.timestamp()))
            except BaseException:
                await worker.stop()  # its answer would reach the next caller
                raise
            finally:
                self._idle.put_nowait(worker)
        finally:
            self._inside -= 1  # also of a caller who went away while waiting in line

    async def _ask(self, worker: "_Worker", request: Request) -> Inspection:
        try:
            return await asyncio.wait_for(worker.ask(msgspec.msgpack.encode(request)), self._seconds)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, _NoAnswer):
            raise UnreadableFile(
                "这个文件读不出来：它耗尽了允许的时间或内存。",
                "This file cannot be read: it used up the time or the memory allowed.",
            ) from None


class _NoAnswer(Exception):
    """What a worker sent is no answer: a file has taken it over."""


class _Worker:
    """One process, started when first asked and again after it was stopped."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._asked = 0

    async def ask(self, request: bytes) -> Inspection:
        if self._asked >= RECYCLE_AFTER or (self._process and self._process.returncode is not None):
            await self.stop()
        process = self._process or await self._start()
        self._asked += 1
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(request).to_bytes(LENGTH, "big") + request)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
        if size > MAX_ANSWER:
            raise _NoAnswer
        try:
            return msgspec.msgpack.decode(await process.stdout.readexactly(size), type=Inspection)
        except msgspec.DecodeError:
            raise _NoAnswer from None

    async def _start(self) -> Process:
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        command = (sys.executable, "-P", "-m", "certsvc.verify.worker")
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment
        )
        self._asked = 0
        return self._process

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
        if process is not None:
            await process.wait()
