"""Photos of papers: read from any phone, answered as the scan of their QR is, and never taken for the paper itself."""

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from asking import run
from changed_fixtures import HOST, looking
from flaws import Bench
from looking import LOOKER
from photographs import (
    ORIENTATION,
    TAKEN,
    beside,
    national_qr,
    of_a_large_sensor,
    on_a_table,
    paper,
    qr,
    saved,
)
from PIL import Image
from seal_workshop import Made, Shelf, with_status

from certsvc.domain.states import Status
from certsvc.errors import CertsvcError
from certsvc.verify.looking_shapes import Code, Codes, Unseen
from certsvc.verify.photo import examine_upload
from certsvc.verify.report import Report, Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["changed_fixtures"]
PREFIX = f"HTTP://{HOST.upper()}/Q/"
NATIONAL = "https://www.gsxt.gov.cn/%7B5A91D32F0B1FE4E5F20AC51D6A1A6B0E%7D"


def asked(verifying: Verifying, data: bytes, bench: Bench) -> Report:
    """The report on a photo."""
    return run(examine_upload(verifying, data, bench.workshop.now)).report


def refused(verifying: Verifying, data: bytes, bench: Bench) -> CertsvcError:
    """What a photo is refused with."""
    with pytest.raises(CertsvcError) as caught:
        asked(verifying, data, bench)
    return caught.value


def read(data: bytes) -> Codes | Unseen:
    """What a worker sees."""
    return run(LOOKER.read(data))


# ---- from any phone ----


@pytest.mark.parametrize("taken", TAKEN, ids=lambda one: one.__name__)
def test_the_qr_is_read_however_the_photo_was_taken(taken: Callable[[Image.Image], Image.Image], permit: Made) -> None:
    assert read(saved(taken(paper(permit.pdf)))) == Codes((Code(HOST, permit.digits),), 0)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_format_is_answered_as_the_scan_of_its_qr(
    kind: str, permit: Made, seeing: Verifying, bench: Bench
) -> None:
    seen = asked(seeing, saved(on_a_table(paper(permit.pdf, 150)), kind), bench)
    assert (seen.verdict, seen.document, seen.source) == (Verdict.VALID, Soundness.SOUND, "photo")
    assert seen.certificate is not None and seen.certificate.fields
    assert "photo.qr_read" in {f"{check.kind}.{check.reason}" for check in seen.checks}


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_camera_held_in_any_way_is_read(turn: int, permit: Made) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    found = read(saved(paper(permit.pdf, 150), exif=exif))
    assert found == Codes((Code(HOST, permit.digits),), 0)


def test_nonsense_about_the_camera_is_passed_over(permit: Made) -> None:
    data = saved(paper(permit.pdf, 150), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 60)
    assert isinstance(read(data), Codes)


@pytest.mark.long
def test_a_photo_of_48_million_pixels_is_read(permit: Made) -> None:
    assert read(saved(of_a_large_sensor(paper(permit.pdf)))) == Codes((Code(HOST, permit.digits),), 0)


def test_the_answer_is_the_registers_and_not_the_photos(permit: Made, bench: Bench, shelf: Shelf) -> None:
    data = saved(paper(permit.pdf, 150))
    seeing = looking(bench.workshop, shelf)
    row = permit.registered
    shelf.certificates[row.ref] = with_status(row, Status.REVOKED)
    assert asked(seeing, data, bench).verdict is Verdict.NOT_VALID
    shelf.down = True
    assert asked(seeing, data, bench).verdict is Verdict.UNDETERMINED


# ---- what else may be in it ----


def test_the_national_qr_beside_ours_is_passed_over(permit: Made, seeing: Verifying, bench: Bench) -> None:
    both = beside(national_qr(NATIONAL), qr(PREFIX, permit.digits))
    assert read(saved(both, "PNG")) == Codes((Code(HOST, permit.digits),), 1)
    assert asked(seeing, saved(both, "PNG"), bench).verdict is Verdict.VALID


def test_two_of_ours_are_named_and_neither_is_called_valid(
    permit: Made, another: Made, shelf: Shelf, bench: Bench
) -> None:
    shelf.add(another)
    both = beside(qr(PREFIX, permit.digits), qr(PREFIX, another.digits))
    seen = asked(looking(bench.workshop, shelf), saved(both, "PNG"), bench)
    assert (seen.verdict, seen.certificate) == (Verdict.UNDETERMINED, None)
    assert set(seen.codes) == {permit.face.typed_code, another.face.typed_code}


def test_ours_beside_one_of_a_lookalike_is_not_called_valid(permit: Made, seeing: Verifying, bench: Bench) -> None:
    forged = bench.workshop.digits(permit.claims, bench.workshop.lookalike)
    both = beside(qr(PREFIX, permit.digits), qr(PREFIX, forged))
    seen = asked(seeing, saved(both, "PNG"), bench)
    assert (seen.verdict, seen.codes) == (Verdict.UNDETERMINED, (permit.face.typed_code,))


def test_genuine_digits_behind_another_host_are_refused_with_the_reason(
    permit: Made, seeing: Verifying, bench: Bench
) -> None:
    seen = asked(seeing, saved(qr("HTTPS://YZ-TEST.EVIL/Q/", permit.digits), "PNG"), bench)
    assert (seen.verdict, seen.document, seen.certificate) == (Verdict.NOT_VALID, Soundness.UNSOUND, None)
    assert [check.reason for check in seen.checks] == ["other_host"]


def test_a_token_of_a_lookalike_is_not_ours(permit: Made, seeing: Verifying, bench: Bench) -> None:
    digits = bench.workshop.digits(permit.claims, bench.workshop.lookalike)
    assert asked(seeing, saved(qr(PREFIX, digits), "PNG"), bench).verdict is Verdict.NOT_VALID


@pytest.mark.parametrize(
    ("picture", "word"),
    [(Image.new("RGB", (600, 600), "white"), "Go nearer"), (national_qr(NATIONAL), "not of this service")],
    ids=["nothing", "only the national one"],
)
def test_no_qr_of_ours_is_said_with_what_to_do(
    picture: Image.Image, word: str, seeing: Verifying, bench: Bench
) -> None:
    error = refused(seeing, saved(picture, "PNG"), bench)
    assert (error.code, error.status) == ("no_qr_in_photo", 422)
    assert word in error.en


# ---- made to hurt ----


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_format_of_phones_is_refused_kindly(brand: bytes, seeing: Verifying, bench: Bench) -> None:
    error = refused(seeing, b"\0\0\0\x18ftyp" + brand + bytes(64), bench)
    assert (error.code, error.status) == ("photo_format", 415)
    assert "截" in error.zh and "screenshot" in error.en


def png(width: int, height: int, content: bytes = b"") -> bytes:
    """A PNG that says to be so large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "make",
    [
        lambda: png(60_000, 60_000, zlib.compress(bytes(1000))),
        lambda: png(20_000, 20_000, zlib.compress(bytes(20_001) * 20_000, 9)),
        lambda: png(2**31 - 1, 1),
        lambda: png(0, 0),
        lambda: b"\xff\xd8\xff" + bytes(100),
        lambda: b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01",
        lambda: b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(100),
        lambda: b"RIFF\x0a\0\0\0WEBPVP8L\xff\xff\xff\xff",
    ],
    ids=[
        *("a bomb that says so", "a bomb that unpacks to 400 MB", "a line of two billion", "no size"),
        *("no picture", "65535 squared", "an empty extended WebP", "a broken WebP"),
    ],
)
def test_a_picture_made_to_hurt_is_refused(make: Callable[[], bytes], seeing: Verifying, bench: Bench) -> None:
    assert refused(seeing, make(), bench).code in ("unreadable_file", "no_qr_in_photo")


def test_a_truncated_photo_is_refused(permit: Made, seeing: Verifying, bench: Bench) -> None:
    data = saved(paper(permit.pdf, 100))
    assert refused(seeing, data[: len(data) // 2], bench).code == "unreadable_file"


def test_a_verifier_that_does_not_look_takes_no_photo(permit: Made, online: Verifying, bench: Bench) -> None:
    assert refused(online, saved(paper(permit.pdf, 100)), bench).code == "not_a_pdf"
