"""Rules on the bytes, because readers forgive: whole file covered, nothing after it, nothing in the padding.

A validator's own verdict alone calls some altered files clean; these rules and the register's digest do not.
"""

import re
from dataclasses import dataclass

from certsvc.domain.revision import END
from certsvc.domain.seal_form import MOST_SEALS
from certsvc.verify.report import Check, Outcome

HEADER = b"%PDF-1.7"
BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")

DIGITS = re.compile(rb"(?:[0-9a-f]{2})*")
"""As the sealer writes them: capitals or white space would be another spelling of the same signature."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a signature lies: what is not covered, `<` and `>` included; what it covers goes to `end`."""

    start: int
    stop: int
    end: int


def check_bytes(data: bytes) -> tuple[Check, ...]:
    """The checks `format`, `coverage` and `padding` on a sealed file: each seal covers all that was there when it was
    put on, and the last one the whole file."""
    holes = find_holes(data)
    if not holes:
        return (_check_format(data, 1), Check("coverage", Outcome.FAILED, "no_single_byte_range"))
    return _check_format(data, len(holes)), _check_coverage(data, holes), _check_padding(data, holes)


def find_holes(data: bytes) -> tuple[Hole, ...]:
    """The holes of the signatures in the order of the file; none when one of them does not begin at 0, or when there
    are more than joint seals can be."""
    ranges = [tuple(map(int, found)) for found in BYTE_RANGE.findall(data)]
    if len(ranges) > MOST_SEALS or any(zero for zero, *_ in ranges):
        return ()
    return tuple(Hole(first, second, second + last) for _, first, second, last in ranges)


def revision_ends(data: bytes) -> tuple[int, ...]:
    """Where each revision ends: the page as rendered, and one update for each seal."""
    return tuple(found.end() for found in re.finditer(re.escape(END), data))


def _check_format(data: bytes, seals: int) -> Check:
    def failed(reason: str) -> Check:
        return Check("format", Outcome.FAILED, reason)

    if not data.startswith(HEADER):
        return failed("header")
    if not data.endswith(END):
        return failed("bytes_after_end")
    if data.count(b"%%EOF") != seals + 1 or data.count(b"startxref") != seals + 1:
        return failed("revisions")
    return Check("format", Outcome.PASSED, "page_and_one_seal" if seals == 1 else "page_and_joint_seals")


def _check_coverage(data: bytes, holes: tuple[Hole, ...]) -> Check:
    ends = (*revision_ends(data)[: len(holes)], len(data))
    whole = len(ends) == len(holes) + 1
    for hole, before, end in zip(holes, ends, ends[1:], strict=False):
        whole = whole and before < hole.start < hole.stop < hole.end == end
        whole = whole and data[: hole.start].endswith(b"]/Contents")
        whole = whole and data[hole.start : hole.start + 1] == b"<" and data[hole.stop - 1 : hole.stop] == b">"
    outcome = Outcome.PASSED if whole else Outcome.FAILED
    return Check("coverage", outcome, "whole_file" if whole else "not_whole_file")


def _check_padding(data: bytes, holes: tuple[Hole, ...]) -> Check:
    for hole in holes:
        digits = data[hole.start + 1 : hole.stop - 1]
        if not DIGITS.fullmatch(digits):
            return Check("padding", Outcome.FAILED, "not_hexadecimal")
        content = bytes.fromhex(digits.decode("ascii"))
        size = _der_size(content)
        if size is None or any(content[size:]):
            return Check("padding", Outcome.FAILED, "data_in_padding")
    return Check("padding", Outcome.PASSED, "zero")


def read_signatures(data: bytes) -> tuple[bytes, ...]:
    """The DER in each hole, its padding left out; empty where there is none."""
    return tuple(_read_hole(data, hole) for hole in find_holes(data))


def _read_hole(data: bytes, hole: Hole) -> bytes:
    if not DIGITS.fullmatch(digits := data[hole.start + 1 : hole.stop - 1]):
        return b""
    content = bytes.fromhex(digits.decode("ascii"))
    return content[: _der_size(content) or 0]


def _der_size(content: bytes) -> int | None:
    if len(content) < 4 or content[0] != 0x30 or content[1] < 0x81 or content[1] > 0x84:
        return None
    octets = content[1] & 0x7F
    return 2 + octets + int.from_bytes(content[2 : 2 + octets], "big")
