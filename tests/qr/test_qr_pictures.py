"""The QR read from pictures of a page, as the verifier reads it.

Promised for an A4 page at 150, 200 and 300 dpi with a module of 0.42 mm, for the largest symbol there is: turned by any
angle, blurred by a Gaussian of up to 0.12 mm, noise of 30 of 255 levels, a fifth of the contrast, JPEG at quality 30,
a shadow across the page; and a bad copy that has a little of all of them.
"""

import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pikepdf
import pytest
import segno
from chosen import some
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from certsvc.render.qr import QUIET, qr_symbol
from certsvc.verify import pixels
from certsvc.verify.pixels import read_pages, read_picture

PREFIX = "HTTPS://LICENCE.YUNSHAN.TEST/Q/"
VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "qr" / "good"
DIGITS = json.loads((VECTORS / "name-of-18-rare-characters.json").read_text("utf-8"))["digits"]
OTHER = json.loads((VECTORS / "no-end.json").read_text("utf-8"))["digits"]
MODULE_MM, A4 = 0.42, (210, 297)
NATIONAL = "https://www.gsxt.example/index?uscc=91441900MA51ABC088"

Rows = tuple[tuple[bool, ...], ...]
Damage = Callable[[Image.Image, float], Image.Image]


def drawn(rows: Rows, side: int) -> Image.Image:
    """A symbol with its quiet zone, `side` pixels wide, edges grey as a scanner gives them."""
    modules = len(rows) + 2 * QUIET
    symbol = Image.new("L", (modules, modules), 255)
    data = b"".join(bytes(0 if dark else 255 for dark in row) for row in rows)
    symbol.paste(Image.frombytes("L", (len(rows), len(rows)), data), (QUIET, QUIET))
    large = symbol.resize((modules * 8, modules * 8), Image.Resampling.NEAREST)
    return large.resize((side, side), Image.Resampling.BOX)


def foreign(text: str) -> Rows:
    """A symbol that is not ours."""
    return tuple(tuple(map(bool, row)) for row in segno.make(text, error="m", micro=False).matrix)


def page(dpi: int, *digits: str) -> Image.Image:
    """An A4 page: border, lines of text, the national QR, and ours for each of `digits` from the bottom up."""
    mm = dpi / 25.4
    paper = Image.new("L", (round(A4[0] * mm), round(A4[1] * mm)), 255)
    pen = ImageDraw.Draw(paper)
    pen.rectangle((8 * mm, 8 * mm, 202 * mm, 289 * mm), outline=60, width=round(1.2 * mm))
    for line in range(24):
        for word in range(4 + line % 3):
            x, y = 20 + 19 * word, 70 + 8 * line
            pen.rectangle((x * mm, y * mm, (x + 15) * mm, (y + 2.6) * mm), fill=50)
    paper.paste(drawn(foreign(NATIONAL), round(25 * mm)), (round(160 * mm), round(20 * mm)))
    for place, one in enumerate(digits):
        symbol = qr_symbol(PREFIX, one)
        side = round(symbol.modules * MODULE_MM * mm)
        paper.paste(drawn(symbol.rows, side), (round(160 * mm), round((245 - 45 * place) * mm)))
    return paper


@cache
def licence(dpi: int) -> Image.Image:
    """The page with our QR."""
    return page(dpi, DIGITS)


def turned(degrees: float) -> Damage:
    return lambda sheet, mm: sheet.rotate(degrees, expand=True, fillcolor=230, resample=Image.Resampling.BICUBIC)


def blurred(millimetres: float) -> Damage:
    return lambda sheet, mm: sheet.filter(ImageFilter.GaussianBlur(millimetres * mm))


def noisy(levels: float) -> Damage:
    return lambda sheet, mm: ImageChops.add(sheet, Image.effect_noise(sheet.size, levels), 1, -128)


def pale(share: float, middle: int = 150) -> Damage:
    return lambda sheet, mm: sheet.point(lambda value: round(middle + (value - 128) * share))


def shadow(sheet: Image.Image, mm: float) -> Image.Image:
    light = Image.linear_gradient("L").resize(sheet.size).point(lambda value: 80 + value * 175 // 255)
    return ImageChops.multiply(sheet, light)


def jpeg(quality: int) -> Damage:
    def damage(sheet: Image.Image, mm: float) -> Image.Image:
        file = io.BytesIO()
        sheet.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return damage


def bad_copy(sheet: Image.Image, mm: float) -> Image.Image:
    for damage in (turned(3), blurred(0.08), shadow, pale(0.6), noisy(8), jpeg(50)):
        sheet = damage(sheet, mm)
    return sheet


DAMAGES: dict[str, Damage] = {
    "as it is": lambda sheet, mm: sheet,
    **{f"turned by {degrees}°": turned(degrees) for degrees in (-5, 3, 12, 90, 180, 270)},
    "blurred by 0.12 mm": blurred(0.12),
    "noise of 30 levels": noisy(30),
    "a fifth of the contrast": pale(0.2),
    "JPEG at quality 30": jpeg(30),
    "a shadow": shadow,
    "a bad copy": bad_copy,
}


@pytest.mark.parametrize("dpi", some([150, 200, 300]))
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_the_qr_is_read_from_a_picture_of_the_page(damage: Damage, dpi: int) -> None:
    assert read_picture(damage(licence(dpi), dpi / 25.4)) == (DIGITS,)


def test_a_picture_too_poor_to_read_gives_nothing_and_no_wrong_digits() -> None:
    assert read_picture(blurred(0.6)(licence(150), 150 / 25.4)) == ()


def test_a_page_with_the_national_qr_alone_gives_nothing() -> None:
    assert read_picture(page(150)) == ()


def test_an_empty_page_gives_nothing() -> None:
    assert read_picture(Image.new("L", (1240, 1754), 255)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "HTTPS://LICENCE.YUNSHAN.TEST/C/0123-4567-89AB-CDEF-G",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/12A",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/123?X=1",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/123/4",
        "HTTPS://LICENCE.YUNSHAN.TEST/X/Q/123",
        "HTTPS://YUNSHAN.TEST@EVIL.TEST/Q/123",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/１２３",
        " HTTPS://LICENCE.YUNSHAN.TEST/Q/123",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/123\n",
        "FTP://LICENCE.YUNSHAN.TEST/Q/123",
        "HTTPS://LICENCE.YUNSHAN.TEST/Q/" + "1" * 701,
        "123",
    ],
)
def test_a_qr_with_anything_else_than_an_address_of_digits_gives_nothing(text: str) -> None:
    rows = foreign(text)
    assert read_picture(drawn(rows, (len(rows) + 2 * QUIET) * 4)) == ()


def test_both_of_two_are_read() -> None:
    assert set(read_picture(page(200, DIGITS, OTHER))) == {DIGITS, OTHER}


def pdf(*sheets: Image.Image) -> bytes:
    """The pictures as the pages of a PDF at 150 dpi."""
    file = io.BytesIO()
    sheets[0].save(file, "PDF", resolution=150, save_all=True, append_images=sheets[1:])
    return file.getvalue()


@pytest.mark.long
def test_the_qr_is_read_from_any_page_of_a_pdf_and_named_once() -> None:
    assert read_pages(pdf(page(150), page(150, DIGITS), page(150, OTHER), page(150, DIGITS))) == (DIGITS, OTHER)


def test_a_pdf_without_our_qr_gives_nothing() -> None:
    assert read_pages(pdf(page(150))) == ()


def test_a_pdf_of_200_pages_is_read_and_one_of_201_is_not() -> None:
    blank = Image.new("1", (60, 60), 1)
    assert read_pages(pdf(*[blank] * 200)) == ()
    with pytest.raises(ValueError, match="too many pages"):
        read_pages(pdf(*[blank] * 201))


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7\n", b"not a PDF", pdf(page(150))[:400]], ids=["empty", "head", "text", "cut"]
)
def test_what_does_not_open_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_pages(data)


def altered(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """A PDF of one page, changed."""
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(200, 200))
        change(document)
        file = io.BytesIO()
        document.save(file)
    return file.getvalue()


def sized(*box: float) -> Callable[[pikepdf.Pdf], None]:
    def change(document: pikepdf.Pdf) -> None:
        document.pages[0].obj.MediaBox = pikepdf.Array(box)

    return change


def without_a_page(document: pikepdf.Pdf) -> None:
    broken = pikepdf.Dictionary(Type=pikepdf.Name.Nothing)
    document.Root.Pages.Kids = pikepdf.Array([document.make_indirect(broken)])


def test_a_page_that_does_not_open_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="page"):
        read_pages(altered(without_a_page))


@pytest.mark.parametrize(
    "box",
    [(0, 0, 14_400, 14_400), (0, 0, 100_000_000, 0.01), (0, 0, 1e9, 1e9), (0, 0, 0, 0), (100, 100, -50, -50)],
    ids=["poster", "thread", "planet", "nothing", "turned-round"],
)
def test_a_page_of_any_size_is_drawn_within_the_limit(box: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of 100 km must not become 278 million pixels."""
    sizes: list[tuple[int, int]] = []

    def measured(picture: Image.Image) -> tuple[str, ...]:
        sizes.append(picture.size)
        return ()

    monkeypatch.setattr(pixels, "codes_in", measured)
    assert read_pages(altered(sized(*box))) == ()
    ((width, height),) = sizes
    assert max(width, height) <= pixels.LONGEST_SIDE + 1
    assert width * height <= pixels.MOST_PIXELS * 1.01
