"""The process that draws evidence."""

import sys
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.render.evidence_drawing import draw
from certsvc.render.evidence_shapes import CPU_SECONDS, MAX_REQUEST, Answer, Draw, Undrawn


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    found: Answer
    try:
        found = draw(msgspec.msgpack.decode(frame, type=Draw).content)
    except Exception:  # files of strangers raise anything
        found = Undrawn("unreadable")
    return msgspec.msgpack.encode(found)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
