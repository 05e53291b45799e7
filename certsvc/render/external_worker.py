"""The process that takes over departments' PDFs."""

import sys
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.render.external import answer
from certsvc.render.external_shapes import CPU_SECONDS, MAX_REQUEST, Refusal, Request


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    request = msgspec.msgpack.decode(frame, type=Request)
    try:
        found = answer(request)
    except Exception as error:  # files of strangers raise anything; the name of the class is all that is kept
        name = type(error).__name__
        found = Refusal("unreadable", f"读不出来（{name}），请重新导出", f"it cannot be read ({name}): export it anew")
    return msgspec.msgpack.encode(found)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
