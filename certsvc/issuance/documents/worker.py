"""The process that takes departments' documents apart, writes them anew, and looks at what was sealed."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec
import pypdfium2

from certsvc import limited
from certsvc.domain.document_seal import MAX_FILE, Position
from certsvc.domain.seal import SealPicture
from certsvc.errors import CertsvcError, DocumentRefused, InvalidInput
from certsvc.issuance.documents.shapes import (
    CPU_SECONDS,
    MAX_REQUEST,
    Answer,
    Inspect,
    Inspected,
    OneCheck,
    Prepare,
    Prepared,
    Refusal,
    Request,
    SealToPlace,
)
from certsvc.render.seam import seam
from certsvc.seal.document_base import read_prepared
from certsvc.seal.document_fields import SealDrawn, StripOnPage, draw_seals, frames_of
from certsvc.seal.document_pdf import pages_of, read_document, refused, write_document
from certsvc.seal.document_place import PageFrame, place_seals, size_mm
from certsvc.seal.document_text import Text
from certsvc.verify.pdf import inspect_document

MIDDLE = 0.5
"""Where the middle of one cross-page seal stands: half way down. Several stand below each other."""


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    request: Request = msgspec.msgpack.decode(frame, type=Request)
    return msgspec.msgpack.encode(prepare(request) if isinstance(request, Prepare) else inspect(request))


def prepare(asked: Prepare) -> Answer:
    """The document that lacks only its seals, or why it cannot be sealed."""
    try:
        return _prepared(asked)
    except InvalidInput as error:
        if not error.problems:
            return Refusal("file", error.code, error.zh, error.en)
        return Refusal(error.problems[0].field, error.problems[0].code, error.zh, error.en)
    except Exception as error:  # files of strangers raise anything; the name of the class is all that is kept
        name = error.code if isinstance(error, CertsvcError) else type(error).__name__
        return Refusal(
            "file", "unreadable", f"它读不出来（{name}）：请重新导出。", f"It cannot be read ({name}): export it anew."
        )


def _prepared(asked: Prepare) -> Prepared:
    writer = read_document(asked.pdf)
    pages = pages_of(writer)
    frames = frames_of(pages)
    clean = write_document(writer)
    _require_drawable(clean, len(pages))
    positions = [(_position(seal), seal.picture) for seal in asked.seals]
    places = place_seals(frames, positions, Text(clean, frames).find)
    strips = _strips(frames, [seal.picture for seal in asked.seals]) if asked.cross_page else [()] * len(places)
    drawn = [
        SealDrawn(picture=seal.picture, place=place, description=seal.description, strips=own)
        for seal, place, own in zip(asked.seals, places, strips, strict=True)
    ]
    draw_seals(writer, pages, frames, drawn)
    pdf = write_document(writer)
    if len(pdf) > MAX_FILE:
        raise refused("too_large", "整理之后超过 20 MiB。", "written anew it is over 20 MiB.")
    read_prepared(pdf, len(places))
    return Prepared(pdf, places, len(pages))


def _require_drawable(pdf: bytes, pages: int) -> None:
    with pypdfium2.PdfDocument(pdf) as document:
        if len(document) != pages:
            raise DocumentRefused("页数读法不一。", "Readers do not agree how many pages it has.")


def _position(seal: SealToPlace) -> Position:
    position = seal.rule or seal.placement or seal.keyword
    if position is None:
        raise ValueError("no position")
    return position


def _strips(frames: Sequence[PageFrame], pictures: Sequence[SealPicture]) -> list[tuple[StripOnPage, ...]]:
    """The strips of each seal, at the same height of every page as far as its height goes."""
    shares = [MIDDLE if len(pictures) == 1 else (number + 1) / (len(pictures) + 1) for number in range(len(pictures))]
    return [_seam(frames, picture, share) for picture, share in zip(pictures, shares, strict=True)]


def _seam(frames: Sequence[PageFrame], picture: SealPicture, share: float) -> tuple[StripOnPage, ...]:
    width, height = size_mm(picture)
    lowest = min(frame.size_mm[1] for frame in frames)
    if height > lowest:
        raise refused("off_the_page", "页面放不下骑缝章。", "a page is lower than the cross-page seal.", "cross_page")
    below = min(max(share * lowest + height / 2, height), lowest)
    found = []
    for number, (frame, strip) in enumerate(zip(frames, seam(len(frames), width), strict=True), 1):
        if strip.width_mm > frame.size_mm[0]:
            raise refused("off_the_page", "页面放不下骑缝章。", "a page is too narrow for its strip.", "cross_page")
        found.append(StripOnPage(page=number, left_mm=strip.left_mm, width_mm=strip.width_mm, below_mm=below))
    return tuple(found)


def inspect(asked: Inspect) -> Inspected:
    """What a stranger's checks find in a sealed document."""
    try:
        found = inspect_document(asked.pdf, asked.roots, datetime.fromtimestamp(asked.now, UTC))
    except (MemoryError, RecursionError) as error:
        return Inspected((OneCheck("file", "unknown", type(error).__name__),), ())
    if found.unreadable is not None:
        return Inspected((OneCheck("file", "failed", found.unreadable),), ())
    checks = tuple(OneCheck(check.kind, check.outcome.value, check.reason) for check in found.checks)
    return Inspected(checks, tuple(signer.certificate for signer in found.signers))


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
