"""Rules on the bytes, because readers forgive: whole file covered, nothing after it, nothing in the padding.

A validator's own verdict alone calls some altered files clean; these rules and the register's digest do not.
"""

import re
from dataclasses import dataclass

from certsvc.verify.report import Check, Outcome

HEADER, END = b"%PDF-1.7", b"%%EOF\n"
REVISIONS = 2
"""The page as rendered, and the one update with the seal."""

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")

DIGITS = re.compile(rb"(?:[0-9a-f]{2})*")
"""As the sealer writes them: capitals or white space would be another spelling of the same signature."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Where the signature lies: what is not covered, `<` and `>` included."""

    start: int
    stop: int


def check_bytes(data: bytes) -> tuple[Check, ...]:
    """The checks `format`, `coverage` and `padding` on a sealed file."""
    hole = find_hole(data)
    if hole is None:
        return (_check_format(data), Check("coverage", Outcome.FAILED, "no_single_byte_range"))
    return _check_format(data), _check_coverage(data, hole), _check_padding(data, hole)


def find_hole(data: bytes) -> Hole | None:
    """The hole of the one signature; None unless there is exactly one ByteRange and it begins at 0."""
    ranges = BYTE_RANGE.findall(data)
    if len(ranges) != 1:
        return None
    zero, first, second, _ = map(int, ranges[0])
    return Hole(first, second) if zero == 0 else None


def _check_format(data: bytes) -> Check:
    def failed(reason: str) -> Check:
        return Check("format", Outcome.FAILED, reason)

    if not data.startswith(HEADER):
        return failed("header")
    if not data.endswith(END):
        return failed("bytes_after_end")
    if data.count(b"%%EOF") != REVISIONS or data.count(b"startxref") != REVISIONS:
        return failed("revisions")
    return Check("format", Outcome.PASSED, "page_and_one_seal")


def _check_coverage(data: bytes, hole: Hole) -> Check:
    found = BYTE_RANGE.search(data)
    last = int(found[4]) if found else 0
    whole = hole.stop + last == len(data) and data[hole.start : hole.start + 1] == b"<"
    whole = whole and data[hole.stop - 1 : hole.stop] == b">" and hole.start < hole.stop
    whole = whole and data[: hole.start].endswith(b"]/Contents")
    outcome = Outcome.PASSED if whole else Outcome.FAILED
    return Check("coverage", outcome, "whole_file" if whole else "not_whole_file")


def _check_padding(data: bytes, hole: Hole) -> Check:
    digits = data[hole.start + 1 : hole.stop - 1]
    if not DIGITS.fullmatch(digits):
        return Check("padding", Outcome.FAILED, "not_hexadecimal")
    content = bytes.fromhex(digits.decode("ascii"))
    size = _der_size(content)
    if size is None or any(content[size:]):
        return Check("padding", Outcome.FAILED, "data_in_padding")
    return Check("padding", Outcome.PASSED, "zero")


def read_cms(data: bytes) -> bytes:
    """The DER in the hole, its padding left out; empty when there is none."""
    hole = find_hole(data)
    if hole is None or not DIGITS.fullmatch(digits := data[hole.start + 1 : hole.stop - 1]):
        return b""
    content = bytes.fromhex(digits.decode("ascii"))
    return content[: _der_size(content) or 0]


def _der_size(content: bytes) -> int | None:
    if len(content) < 4 or content[0] != 0x30 or content[1] < 0x81 or content[1] > 0x84:
        return None
    octets = content[1] & 0x7F
    return 2 + octets + int.from_bytes(content[2 : 2 + octets], "big")
