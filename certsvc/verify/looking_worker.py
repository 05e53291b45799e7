"""The process that looks at photos and pages of strangers."""

import sys
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.verify.compare import compare
from certsvc.verify.looking_shapes import CPU_SECONDS, MAX_FILE, Answer, Read, Request, Unseen
from certsvc.verify.photo_reading import read_photo

MAX_FRAME = 2 * MAX_FILE + 64 * 1024


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_FRAME, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    return msgspec.msgpack.encode(answer(msgspec.msgpack.decode(frame, type=Request)))


def answer(request: Request) -> Answer:
    """What is asked, or why nothing can be seen: files of strangers raise anything."""
    try:
        return read_photo(request.picture) if isinstance(request, Read) else compare(request)
    except Exception as error:
        return Unseen(type(error).__name__)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
