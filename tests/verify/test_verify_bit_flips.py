"""Chance alterations of a genuine file: whatever byte it hits, the file is not sound, and nothing is raised."""

import random
import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from chosen import some
from flaws import Bench
from joint_workshop import JointBench
from pdf_bytes import contents, hole

from certsvc.domain.revision import END
from certsvc.domain.seal_form import Form
from certsvc.verify.pdf import inspect_pdf
from certsvc.verify.report import Outcome

pytestmark = pytest.mark.long

pytest_plugins = ["verify_fixtures"]
SEED = 20261125


def flipped(data: bytes, place: int, chance: random.Random) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def left_out(data: bytes, place: int, chance: random.Random) -> bytes:
    return data[:place] + data[place + chance.randint(1, 16) :]


def put_in(data: bytes, place: int, chance: random.Random) -> bytes:
    return data[:place] + chance.randbytes(chance.randint(1, 16)) + data[place:]


def repeated(data: bytes, place: int, chance: random.Random) -> bytes:
    return data[: place + chance.randint(1, 200)] + data[place:]


KINDS: tuple[Callable[[bytes, int, random.Random], bytes], ...] = (flipped, left_out, put_in, repeated)


def require_not_sound(bench: Bench, data: bytes, what: str) -> None:
    if data == bench.genuine.pdf:
        return
    seen = inspect_pdf(data, bench.workshop.roots, bench.workshop.now)
    assert seen.unreadable or any(check.outcome is not Outcome.PASSED for check in seen.checks), what


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_byte_of_the_file_can_be_altered(kind: Callable[[bytes, int, random.Random], bytes], bench: Bench) -> None:
    chance = random.Random(f"{SEED} {kind.__name__}")
    for _ in some(range(12)):
        place = chance.randrange(len(bench.genuine.pdf))
        require_not_sound(bench, kind(bench.genuine.pdf, place, chance), f"{kind.__name__} at {place}")


def test_no_bit_of_the_validation_data_after_a_seal_can_be_altered(benches: dict[Form, Bench]) -> None:
    """The seal does not cover it: it names it."""
    chance, bench = random.Random(SEED), benches[Form.LT]
    pdf = bench.genuine.pdf
    for _ in some(range(16)):
        place = chance.randrange(pdf.rindex(END, 0, -1) + len(END), len(pdf))
        require_not_sound(bench, flipped(pdf, place, chance), f"byte {place}")


def test_no_bit_of_a_document_with_joint_seals_can_be_altered(joint: JointBench) -> None:
    chance, ends = random.Random(SEED), [found.end() for found in re.finditer(END, joint.pdf)]
    for start, stop in pairwise((0, *ends)):
        for place in (chance.randrange(start, stop) for _ in range(4)):
            seen = inspect_pdf(flipped(joint.pdf, place, chance), joint.workshop.roots, joint.workshop.now)
            assert seen.unreadable or any(check.outcome is not Outcome.PASSED for check in seen.checks), place


def test_no_bit_in_the_hole_can_be_altered(bench: Bench) -> None:
    """No signature covers the hole, so this is where an altered byte could go unseen: one of each 60 is tried."""
    chance = random.Random(SEED)
    start, _ = hole(bench.genuine.pdf)
    cms = contents(bench.genuine.pdf)
    for place in some(range(chance.randrange(60), len(cms), 60)):
        other = bytes([cms[place] ^ 1 << chance.randrange(8)]).hex().encode("ascii")
        data = bench.genuine.pdf
        altered = data[: start + 2 * place] + other + data[start + 2 * place + 2 :]
        require_not_sound(bench, altered, f"byte {place} of the CMS")
