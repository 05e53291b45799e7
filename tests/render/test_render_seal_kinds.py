"""Seals that are no common round ones: oval, square, with a purpose and no star, with a place for the emblem."""

import io
import re
from dataclasses import replace
from itertools import pairwise
from math import hypot
from typing import Any

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from certsvc.domain.seal import Centre, SealDesign, SealKind
from certsvc.errors import InvalidInput
from certsvc.render.seal_pen import POINTS_PER_MM
from certsvc.render.seal_picture import draw_seal

DOTS = 12  # a millimetre
LONG = "云山市云岗镇石塘村晨光食品加工销售配送服务有限责任公司"
CODE = "91441900MA51ABC088"
Glyph = list[tuple[float, float]]

INVOICE = SealDesign(
    name=LONG[:11],
    diameter_mm=40,
    height_mm=30,
    border_mm=1.0,
    kind=SealKind.INVOICE,
    centre=Centre.NONE,
    purpose="发票专用章",
    code=CODE,
)
FOREIGN = SealDesign(name=LONG[:13], diameter_mm=45, height_mm=30, centre=Centre.NONE)
FINANCE = SealDesign(
    name=LONG[:11],
    diameter_mm=38,
    kind=SealKind.FINANCE,
    centre=Centre.NONE,
    purpose="财务专用章",
    code="4419000000456",
)
CONTRACT = SealDesign(name=LONG[:16], diameter_mm=58, kind=SealKind.CONTRACT, centre=Centre.NONE, purpose="合同专用章")
EMBLEM = SealDesign(name="云山市人民政府", diameter_mm=45, centre=Centre.EMBLEM)
PERSONAL = SealDesign(name="欧阳明", diameter_mm=20, border_mm=0.8, kind=SealKind.PERSONAL, centre=Centre.NONE)
ALL = {"invoice": INVOICE, "foreign": FOREIGN, "finance": FINANCE, "contract": CONTRACT, "emblem": EMBLEM}


def picture(of: SealDesign) -> Image.Image:
    """The seal in black on white, `DOTS` to the millimetre."""
    drawn = draw_seal(of)
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(drawn.width_pt, drawn.height_pt))
    page.Contents = pdf.make_stream(drawn.content)
    file = io.BytesIO()
    pdf.save(file)
    image: Image.Image = (
        pypdfium2.PdfDocument(file.getvalue())[0].render(scale=DOTS / POINTS_PER_MM, grayscale=True).to_pil()
    )
    return image.point(lambda level: 0 if level < 200 else 255)


def glyphs(of: SealDesign) -> list[Glyph]:
    """The points of each character in the order drawn, millimetres from the centre; lines left out."""
    content = draw_seal(of).content.decode("ascii")
    shapes = re.split(r"^B$", content, flags=re.M)[:-1]
    numbers = [re.findall(r"(-?\d+\.\d+) (-?\d+\.\d+)", shape.rsplit(" w\n", 1)[-1]) for shape in shapes]
    return [[(float(x) / POINTS_PER_MM, float(y) / POINTS_PER_MM) for x, y in found] for found in numbers]


def middle(glyph: Glyph) -> tuple[float, float]:
    """The middle of a character's box."""
    xs, ys = zip(*glyph, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


@pytest.mark.parametrize("name", [*ALL, "personal"])
def test_a_seal_fills_its_millimetres_and_no_more(name: str) -> None:
    of = {**ALL, "personal": PERSONAL}[name]
    width, height = of.size_mm
    drawn = draw_seal(of)
    assert (drawn.width_pt, drawn.height_pt) == pytest.approx((width / 25.4 * 72, height / 25.4 * 72))
    assert drawn.image is None
    box = picture(of).point(lambda level: 255 - level).getbbox()
    assert box is not None
    assert (box[2] - box[0], box[3] - box[1]) == pytest.approx((width * DOTS, height * DOTS), abs=2)


@pytest.mark.parametrize("length", range(2, 28))
@pytest.mark.parametrize("of", [INVOICE, FOREIGN], ids=["invoice", "foreign"])
def test_a_name_of_any_length_stands_on_the_oval_apart_and_inside(of: SealDesign, length: int) -> None:
    of = replace(of, name=LONG[:length])
    name, rest = glyphs(of)[:length], glyphs(of)[length:]
    half_width, half_height = of.diameter_mm / 2 - of.border_mm, (of.height_mm or 0) / 2 - of.border_mm
    assert all(hypot(x / half_width, y / half_height) < 0.99 for glyph in name for x, y in glyph)
    middles = [middle(glyph) for glyph in name]
    assert middles[0][0] < 0 < middles[-1][0]
    assert abs(middles[0][0] + middles[-1][0]) < 1.5 and abs(middles[0][1] - middles[-1][1]) < 1.5
    steps = [hypot(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(middles)]
    assert max(steps) < 1.8 * min(steps)
    for below in rest:
        nearest = min(hypot(x - u, y - v) for x, y in below for glyph in (name[0], name[-1]) for u, v in glyph)
        assert nearest > 0.25


@pytest.mark.parametrize(
    ("of", "field", "most"),
    [
        (INVOICE, "name", 27),
        (FOREIGN, "name", 29),
        (INVOICE, "purpose", 10),
        (FOREIGN, "purpose", 13),
        (FOREIGN, "code", 26),
        (FINANCE, "name", 28),
        (CONTRACT, "purpose", 17),
    ],
)
def test_a_text_that_cannot_be_read_on_it_is_refused_with_the_longest_that_can(
    of: SealDesign, field: str, most: int
) -> None:
    text = CODE * 3 if field == "code" else LONG * 2
    changed: list[dict[str, Any]] = [{field: text[:length]} for length in (most, most + 1)]
    assert draw_seal(replace(of, **changed[0])).content
    with pytest.raises(InvalidInput, match=f"at most {most} fit"):
        draw_seal(replace(of, **changed[1]))


def test_an_invoice_seal_has_the_code_in_the_middle_and_the_purpose_below_as_the_rule_measures_them() -> None:
    drawn = glyphs(INVOICE)
    code = drawn[len(INVOICE.name) : len(INVOICE.name) + 18]
    purpose = drawn[len(INVOICE.name) + 18 :]
    assert len(purpose) == 5
    xs, ys = zip(*(point for glyph in code for point in glyph), strict=True)
    assert max(ys) - min(ys) == pytest.approx(3.7, abs=0.2)
    assert 24 < max(xs) - min(xs) <= 26
    assert (max(ys) + min(ys)) / 2 == pytest.approx(0, abs=0.2)
    assert [middle(glyph)[0] for glyph in code] == sorted(middle(glyph)[0] for glyph in code)
    top = max(y for glyph in purpose for _, y in glyph)
    assert top == pytest.approx(-4.2, abs=0.6)
    assert top < min(ys)


@pytest.mark.parametrize("length", [4, 11, 20, 26])
@pytest.mark.parametrize("of", [FINANCE, CONTRACT], ids=["finance", "contract"])
def test_the_purpose_of_a_seal_without_a_star_touches_no_letter(of: SealDesign, length: int) -> None:
    of = replace(of, name=LONG[:length])
    drawn = glyphs(of)
    name, below = drawn[:length], drawn[length:]
    assert len(below) == len(of.purpose or "") + len(of.code or "")
    for glyph in below:
        nearest = min(hypot(x - u, y - v) for x, y in glyph for letter in (name[0], name[-1]) for u, v in letter)
        assert nearest > 0.3
        assert all(hypot(*point) < of.diameter_mm / 2 - of.border_mm - 0.3 for point in glyph)


def test_the_place_of_the_emblem_is_a_thin_ring_with_words_and_no_emblem() -> None:
    drawn = glyphs(EMBLEM)
    words, name = drawn[:3], drawn[3:]
    assert len(name) == len(EMBLEM.name)
    assert all(hypot(*point) < EMBLEM.diameter_mm * 0.16 for glyph in words for point in glyph)
    assert draw_seal(EMBLEM).content.count(b"\nS\n") == 2


@pytest.mark.parametrize("name", ["张三", "欧阳明", "张三丰印", "阿依古丽印", "阿不都热合"])
def test_a_name_seal_is_read_in_columns_from_the_right(name: str) -> None:
    of = replace(PERSONAL, name=name)
    drawn = glyphs(of)
    assert len(drawn) == len(name)
    assert all(max(abs(x), abs(y)) < 10 - 0.8 for glyph in drawn for x, y in glyph)
    places = [middle(glyph) for glyph in drawn]
    split = len(name) // 2 if len(name) > 2 else len(name)
    assert all(x > 0.5 for x, _ in places[:split]) or len(name) == 2
    assert all(x < -0.5 for x, _ in places[split:])
    for column in (places[:split], places[split:]):
        assert [y for _, y in column] == sorted((y for _, y in column), reverse=True)
