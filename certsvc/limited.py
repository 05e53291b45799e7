"""Processes that read files of strangers: limited memory, time and files, no secrets, no network needed. One that is
too slow, too hungry or dead is replaced.

Frames of eight bytes of length and a message on standard input and output; one request at a time.
"""

import asyncio
import os
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import msgspec

from certsvc.errors import UnreadableFile, WorkersBusy
from certsvc.processes import end_with_parent

LENGTH = 8
"""Bytes before each message that say how long it is."""

SECONDS = 20.0
MOST_WAITING = 8
RECYCLE_AFTER = 200
KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONUTF8", "TMPDIR")
"""What a process inherits: no secret can be in these."""

MEMORY = 2 * 1024**3
OPEN_FILES = 64
NICENESS = 5

Answer = TypeVar("Answer")


class LimitedPool:
    """Processes of one module behind a queue: at most `workers` at work and `waiting` callers in line. `most_answer` is
    how many bytes an answer may have: a process that a file has taken over must not fill our memory.

    Use as `async with LimitedPool("certsvc.verify.worker", …) as pool`.
    """

    def __init__(
        self,
        module: str,
        *,
        workers: int = 2,
        most_answer: int,
        seconds: float = SECONDS,
        waiting: int = MOST_WAITING,
    ) -> None:
        self._module, self._size, self._most_answer, self._seconds = module, workers, most_answer, seconds
        self._room = workers + waiting
        self._inside = 0
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()

    async def __aenter__(self) -> "LimitedPool":
        for _ in range(self._size):
            self._idle.put_nowait(_Worker(self._module, self._most_answer))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            await self._idle.get_nowait().stop()

    async def ask(self, request: bytes, read: Callable[[bytes], Answer]) -> Answer:
        """Ask one process, and read its answer; `read` raises `msgspec.DecodeError` for what is none.

        Raises:
            WorkersBusy: too many are waiting already.
            UnreadableFile: the process died of it, took too long, or gave no answer of its kind.
        """
        if self._inside >= self._room:
            raise WorkersBusy("核对文件的人很多，请过几秒再试。", "Many files are being checked: try again in seconds.")
        self._inside += 1
        try:
            worker = await self._idle.get()
            try:
                return read(await asyncio.wait_for(worker.ask(request), self._seconds))
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError, _NoAnswer):
                await worker.stop()
                raise _used_up() from None
            except BaseException:
                await worker.stop()  # its answer would reach the next caller
                raise
            finally:
                self._idle.put_nowait(worker)
        finally:
            self._inside -= 1  # also of a caller who went away while waiting in line


class Pooled:
    """What does its work by a pool of its own, and lives as long; use as `async with`."""

    def __init__(self, pool: LimitedPool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)


class _NoAnswer(Exception):
    """What a process sent is no answer: a file has taken it over."""


def _used_up() -> UnreadableFile:
    return UnreadableFile(
        "这个文件读不出来：它耗尽了允许的时间或内存。",
        "This file cannot be read: it used up the time or the memory allowed.",
    )


class _Worker:
    """One process, started when first asked and again after it was stopped."""

    def __init__(self, module: str, most_answer: int) -> None:
        self._module, self._most_answer = module, most_answer
        self._process: Process | None = None
        self._asked = 0

    async def ask(self, request: bytes) -> bytes:
        if self._asked >= RECYCLE_AFTER or (self._process and self._process.returncode is not None):
            await self.stop()
        process = self._process or await self._start()
        self._asked += 1
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(len(request).to_bytes(LENGTH, "big") + request)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(LENGTH), "big")
        if size > self._most_answer:
            raise _NoAnswer
        return await process.stdout.readexactly(size)

    async def _start(self) -> Process:
        environment = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
        command = (sys.executable, "-P", "-m", self._module)
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


def serve(
    answer: Callable[[bytes], bytes], source: BinaryIO, sink: BinaryIO, *, most_request: int, cpu_seconds: int
) -> None:
    """Be such a process: answer requests until the input ends. `cpu_seconds` is what each may take."""
    end_with_parent()
    os.nice(NICENESS)
    limit(resource.RLIMIT_AS, MEMORY)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    while frame := read_frame(source, most_request):
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + cpu_seconds)
        write_frame(sink, answer(frame))


def limit(what: int, most: int) -> None:
    """Lower the soft limit; the hard one too, but for CPU time, which grows with each request."""
    hard = resource.getrlimit(what)[1] if what == resource.RLIMIT_CPU else most
    resource.setrlimit(what, (most, hard))


def read_frame(source: BinaryIO, most: int) -> bytes:
    """One frame; empty at the end of the input or when it announces more than a request may hold."""
    head = source.read(LENGTH)
    size = int.from_bytes(head, "big")
    return source.read(size) if len(head) == LENGTH and 0 < size <= most else b""


def write_frame(sink: BinaryIO, data: bytes) -> None:
    """One frame, sent at once."""
    sink.write(len(data).to_bytes(LENGTH, "big") + data)
    sink.flush()


def answers() -> BinaryIO:
    """Where this process sends its answers; what a library prints goes elsewhere from now on."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sink
