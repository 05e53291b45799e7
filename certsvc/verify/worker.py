"""The process that reads hostile PDFs for the verifier."""

import sys
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.verify.inspection import MAX_FILE, Inspection, Request
from certsvc.verify.pdf import inspect_pdf

CPU_SECONDS = 15
MAX_FRAME = MAX_FILE + 64 * 1024


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_inspect, source, sink, most_request=MAX_FRAME, cpu_seconds=CPU_SECONDS)


def _inspect(frame: bytes) -> bytes:
    request = msgspec.msgpack.decode(frame, type=Request)
    try:
        now = datetime.fromtimestamp(request.now, UTC)
        found = inspect_pdf(request.pdf, request.roots, now, *([request.others] if request.others else []))
    except (MemoryError, RecursionError) as error:
        found = Inspection(unreadable=type(error).__name__)
    return msgspec.msgpack.encode(found)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
