"""The process that sets receipts: it has the signed record, fonts and the template, and no key."""

import sys
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.domain.receipt import MOST_JWS, Receipt
from certsvc.errors import CatalogError
from certsvc.render.receipt import receipt_pdf

MAX_REQUEST, MAX_ANSWER = 4 * MOST_JWS, 8 * 1024 * 1024
CPU_SECONDS, SECONDS = 10, 15.0


class ToSet(msgspec.Struct, frozen=True):
    """A receipt, its JWS, and folders with more fonts."""

    receipt: Receipt
    jws: str
    fonts: tuple[str, ...]


class Pages(msgspec.Struct, frozen=True):
    """The pages as PDF, without a seal; empty where they could not be set."""

    pdf: bytes = b""


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    asked = msgspec.msgpack.decode(frame, type=ToSet)
    try:
        pages = Pages(receipt_pdf(asked.receipt, asked.jws, asked.fonts))
    except CatalogError:
        pages = Pages()
    return msgspec.msgpack.encode(pages)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
