"""The process that reads hostile PDFs: limited memory, time and files, no secrets, no network needed.

Frames of eight bytes of length and msgpack on standard input and output; one request at a time.
"""

import os
import resource
import sys
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from certsvc.processes import end_with_parent
from certsvc.verify.inspection import LENGTH, MAX_FILE, Inspection, Request
from certsvc.verify.pdf import inspect_pdf

MEMORY = 2 * 1024**3
CPU_SECONDS = 15
OPEN_FILES = 64
NICENESS = 5
MAX_FRAME = MAX_FILE + 64 * 1024


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    end_with_parent()
    os.nice(NICENESS)
    limit(resource.RLIMIT_AS, MEMORY)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    while frame := read_frame(source):
        request = msgspec.msgpack.decode(frame, type=Request)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + CPU_SECONDS)
        write_frame(sink, msgspec.msgpack.encode(_inspect(request)))


def limit(what: int, most: int) -> None:
    """Lower the soft limit; the hard one too, but for CPU time, which grows with each request."""
    hard = resource.getrlimit(what)[1] if what == resource.RLIMIT_CPU else most
    resource.setrlimit(what, (most, hard))


def read_frame(source: BinaryIO) -> bytes:
    """One frame; empty at the end of the input or when it announces more than a request may hold."""
    head = source.read(LENGTH)
    size = int.from_bytes(head, "big")
    return source.read(size) if len(head) == LENGTH and 0 < size <= MAX_FRAME else b""


def write_frame(sink: BinaryIO, data: bytes) -> None:
    """One frame, sent at once."""
    sink.write(len(data).to_bytes(LENGTH, "big") + data)
    sink.flush()


def _inspect(request: Request) -> Inspection:
    try:
        return inspect_pdf(request.pdf, request.roots, datetime.fromtimestamp(request.now, UTC))
    except (MemoryError, RecursionError) as error:
        return Inspection(unreadable=type(error).__name__)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    serve(sys.stdin.buffer, answers)
