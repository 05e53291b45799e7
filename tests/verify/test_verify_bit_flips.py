"""Chance alterations of a genuine file: whatever byte it hits, the file is not sound, and nothing is raised."""

import random
from collections.abc import Callable

import pytest
from flaws import Bench
from pdf_bytes import contents, hole

from certsvc.verify.pdf import inspect_pdf
from certsvc.verify.report import Outcome

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
    seen = inspect_pdf(data, bench.workshop.root, bench.workshop.now)
    assert seen.unreadable or any(check.outcome is not Outcome.PASSED for check in seen.checks), what


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_byte_of_the_file_can_be_altered(kind: Callable[[bytes, int, random.Random], bytes], bench: Bench) -> None:
    chance = random.Random(f"{SEED} {kind.__name__}")
    for _ in range(12):
        place = chance.randrange(len(bench.genuine.pdf))
        require_not_sound(bench, kind(bench.genuine.pdf, place, chance), f"{kind.__name__} at {place}")


def test_no_bit_in_the_hole_can_be_altered(bench: Bench) -> None:
    """No signature covers the hole, so this is where an altered byte could go unseen: one of each 60 is tried."""
    chance = random.Random(SEED)
    start, _ = hole(bench.genuine.pdf)
    cms = contents(bench.genuine.pdf)
    for place in range(chance.randrange(60), len(cms), 60):
        other = bytes([cms[place] ^ 1 << chance.randrange(8)]).hex().encode("ascii")
        data = bench.genuine.pdf
        altered = data[: start + 2 * place] + other + data[start + 2 * place + 2 :]
        require_not_sound(bench, altered, f"byte {place} of the CMS")
