"""The seal's picture, drawn by rule (国发〔1999〕25号): sizes, the name on the arc, star, purpose, code."""

import io
import re
from dataclasses import replace
from itertools import pairwise
from math import hypot
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from made_up_faces import authority, catalog, face_of, good, seal_face
from made_up_font import RARE, make_font
from PIL import Image

from certsvc.domain.seal import Centre, SealDesign
from certsvc.errors import InvalidInput, MissingGlyph, SettingsError
from certsvc.render.seal_pen import POINTS_PER_MM
from certsvc.render.seal_picture import draw_seal

NAME = "云山市市场监督管理局行政审批服务中心云岗分局食品药品安全监督管理所"
PURPOSE = "电子证照专用章"
DOTS = 12  # a millimetre
Glyph = list[tuple[float, float]]


def design(length: int = 10, **more: object) -> SealDesign:
    """A seal of 42 mm with a name of this many characters."""
    return SealDesign(**({"name": NAME[:length], "diameter_mm": 42.0} | more))  # type: ignore[arg-type]


def glyphs(of: SealDesign) -> list[Glyph]:
    """The points of each character in the order drawn, millimetres from the centre; ring and star left out."""
    half = of.diameter_mm / 2
    content = draw_seal(of).content.decode("ascii")
    filled = content.split(" w\n", 2)[2].rsplit("Q", 1)[0]
    shapes = re.split(r"^[Bf]$", filled, flags=re.M)[:-1]
    if of.centre is Centre.STAR:
        shapes = shapes[1:]
    assert all(abs(float(number)) < half * POINTS_PER_MM for number in re.findall(r"-?\d+\.\d+", filled))
    return [[(float(x) / POINTS_PER_MM, float(y) / POINTS_PER_MM) for x, y in _points(shape)] for shape in shapes]


def _points(shape: str) -> list[tuple[str, str]]:
    return [match for line in shape.splitlines() for match in re.findall(r"(-?\d+\.\d+) (-?\d+\.\d+)", line)]


def middle(glyph: Glyph) -> tuple[float, float]:
    """The middle of a character's box."""
    xs, ys = zip(*glyph, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def picture(of: SealDesign) -> Image.Image:
    """The seal in black on white, `DOTS` to the millimetre."""
    drawn = draw_seal(of)
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(drawn.width_pt, drawn.height_pt)).Contents = pdf.make_stream(drawn.content)
    file = io.BytesIO()
    pdf.save(file)
    page = pypdfium2.PdfDocument(file.getvalue())[0]
    image: Image.Image = page.render(scale=DOTS / POINTS_PER_MM, grayscale=True).to_pil()
    return image.point(lambda level: 0 if level < 200 else 255)


@pytest.mark.parametrize("diameter", [38.0, 40.0, 42.0, 45.0])
def test_a_seal_is_as_large_as_its_rank_says(diameter: float) -> None:
    of = design(diameter_mm=diameter)
    drawn = draw_seal(of)
    assert (drawn.width_pt, drawn.height_pt) == pytest.approx((diameter / 25.4 * 72, diameter / 25.4 * 72))
    box = picture(of).point(lambda level: 255 - level).getbbox()
    assert box is not None
    assert (box[2] - box[0], box[3] - box[1]) == pytest.approx((diameter * DOTS, diameter * DOTS), abs=2)


def test_the_ring_has_the_width_asked_for_and_is_red() -> None:
    row = picture(design(border_mm=1.2)).crop((0, 21 * DOTS, 3 * DOTS, 21 * DOTS + 1)).tobytes()
    assert row.count(0) == pytest.approx(1.2 * DOTS, abs=2)
    red, green, blue = map(float, draw_seal(design()).content.split(b" cm ")[1].split()[:3])
    assert red > 0.8 and green < 0.1 and blue < 0.1


def test_the_star_of_a_common_seal_measures_fourteen_millimetres_and_stands_on_two_feet() -> None:
    content = draw_seal(design()).content.decode("ascii").split(" w\n", 2)[2]
    star = [
        (float(x) / POINTS_PER_MM, float(y) / POINTS_PER_MM)
        for x, y in _points(re.split(r"^f$", content, flags=re.M)[0])
    ]
    assert max(hypot(*point) for point in star) == pytest.approx(7, abs=0.01)
    assert star[0] == pytest.approx((0, 7), abs=0.01)
    assert len({round(y, 2) for _, y in sorted(star, key=lambda point: point[1])[:2]}) == 1


def test_a_seal_without_a_star_has_none() -> None:
    centre = 21 * DOTS
    assert picture(design()).getpixel((centre, centre)) == 0
    assert picture(design(centre=Centre.NONE)).getpixel((centre, centre)) == 255


@pytest.mark.parametrize("length", range(2, 31))
@pytest.mark.parametrize("purpose", [None, PURPOSE])
def test_a_name_of_any_length_stands_on_the_arc_left_to_right_apart_and_inside_the_ring(
    length: int, purpose: str | None
) -> None:
    of = design(length, purpose=purpose)
    name = glyphs(of)[:length]
    inside = of.diameter_mm / 2 - of.border_mm
    assert all(hypot(*point) < inside - 0.3 for glyph in name for point in glyph)
    assert all(hypot(*point) > of.diameter_mm / 6 + 1 for glyph in name for point in glyph)
    middles = [middle(glyph) for glyph in name]
    assert middles[0][0] < 0 < middles[-1][0]
    steps = [hypot(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(middles)]
    assert max(steps) < 1.7 * min(steps)
    assert min(steps) > 1.6
    assert abs(middles[0][0] + middles[-1][0]) < 2 and abs(middles[0][1] - middles[-1][1]) < 2


@pytest.mark.parametrize("length", [2, 12, 16, 17, 25, 30])
def test_purpose_and_code_stand_below_the_star_and_touch_no_letter_of_the_name(length: int) -> None:
    of = design(length, purpose=PURPOSE, code="4419000000011")
    drawn = glyphs(of)
    name, purpose, code = drawn[:length], drawn[length : length + len(PURPOSE)], drawn[length + len(PURPOSE) :]
    assert len(code) == 13
    lowest_star = -7 * 0.81
    assert max(y for glyph in purpose for _, y in glyph) < lowest_star - 3
    assert max(y for glyph in code for _, y in glyph) < min(y for glyph in purpose for _, y in glyph)
    assert [middle(glyph)[0] for glyph in purpose] == sorted(middle(glyph)[0] for glyph in purpose)
    for below in (*purpose, *code):
        nearest = min(hypot(x - u, y - v) for x, y in below for glyph in (name[0], name[-1]) for u, v in glyph)
        assert nearest > 0.3
        assert all(hypot(*point) < of.diameter_mm / 2 - of.border_mm - 0.3 for point in below)


def with_text(of: SealDesign, field: str, text: str) -> SealDesign:
    """The seal with another name, purpose or code."""
    return replace(of, **{field: text})  # type: ignore[arg-type]


LONGEST: dict[str, tuple[SealDesign, int]] = {
    "name": (design(), 37),
    "name above a purpose": (design(purpose=PURPOSE), 32),
    "purpose": (design(), 13),
    "purpose of a seal without a star": (design(centre=Centre.NONE), 12),
    "code": (design(), 24),
}
DENSE = {"name": NAME * 2, "purpose": "行政审批业务办理电子证照专用章" * 6, "code": "44190000000114419000" * 2}


@pytest.mark.parametrize("what", LONGEST)
def test_a_text_that_cannot_be_read_on_the_seal_is_refused_with_the_longest_that_can(what: str) -> None:
    """The flaw: a purpose of 60 characters was drawn as a solid bar, a code of 40 digits as another."""
    of, most = LONGEST[what]
    field = what.split()[0]
    assert draw_seal(with_text(of, field, DENSE[field][:most])).content
    for text in (DENSE[field][: most + 1], DENSE[field]):
        with pytest.raises(InvalidInput, match=f"at most {most} fit") as caught:
            draw_seal(with_text(of, field, text))
        (problem,) = caught.value.problems
        assert (problem.field, problem.code) == (field, "too_long")
        assert f"最多 {most} 个字" in caught.value.zh and str(len(text)) in caught.value.zh


@pytest.mark.long
def test_the_seals_of_the_plan_and_the_usual_codes_can_be_read() -> None:
    for diameter in (35.0, 38.0, 40.0, 42.0, 45.0):
        for code in ("4419000000011", "91441900MA51ABC088", "1144190000733103XG", "4" * 19):
            assert draw_seal(design(diameter_mm=diameter, purpose=PURPOSE, code=code)).content


def test_a_date_between_star_and_purpose_has_room() -> None:
    """The flaw: the date under the seal touched the purpose line."""
    of = authority().seal_for("food-business").design
    purpose = glyphs(of)[len(of.name) : len(of.name) + len(PURPOSE)]
    baseline, below = -8.8, 0.45
    assert max(y for glyph in purpose for _, y in glyph) < baseline - below


def test_a_character_of_the_name_that_no_font_has_stops_the_sealing() -> None:
    with pytest.raises(MissingGlyph) as caught:
        draw_seal(SealDesign(name=f"云山市{RARE}村村民委员会", diameter_mm=42))
    assert "U+20BB7" in caught.value.en and "fonts.extra" in caught.value.en


def test_a_font_of_the_setting_is_used_for_the_seal_too_at_the_same_size(tmp_path: Path) -> None:
    """The flaw: the error named the setting fonts.extra, but a seal was drawn from our own font alone."""
    make_font(tmp_path, RARE)
    content = draw_seal(SealDesign(name=f"云{RARE}山", diameter_mm=42), (str(tmp_path),)).content.decode("ascii")
    shapes = re.split(r"^[Bf]$", content.split(" w\n", 2)[2], flags=re.M)[1:4]
    high = [[float(y) / POINTS_PER_MM for _, y in _points(shape)] for shape in shapes]
    assert max(high[1]) - min(high[1]) == pytest.approx(42 * 0.142 * 1800 / 2048, abs=0.05)
    with pytest.raises(SettingsError, match="nowhere"):
        draw_seal(SealDesign(name="云山", diameter_mm=42), (str(tmp_path / "nowhere"),))


def test_every_type_has_a_seal_of_the_plan_that_prints_inside_its_page() -> None:
    for kind in catalog():
        of = authority().seal_for(kind.id).design
        draw_seal(of)
        for layout in kind.layouts:
            reach = of.diameter_mm / 2
            assert reach < layout.seal.x_mm < layout.width_mm - reach
            assert reach < layout.seal.y_mm < layout.height_mm - reach


@pytest.mark.long
def test_text_under_the_seal_stays_dark_where_the_ring_crosses_it() -> None:
    page = pypdfium2.PdfDocument(seal_face(face_of("food-business", good("food-business", "snack-bar"))))
    page.init_forms()
    image = page[0].render(scale=4).to_pil().convert("RGB")
    seal, dots = catalog().latest("food-business").layouts[0].seal, 4 * POINTS_PER_MM
    left, top = (seal.x_mm - 22) * dots, (seal.y_mm - 8) * dots
    band = image.crop((int(left), int(top), int(left + 44 * dots), int(top + 18 * dots)))
    colours = band.getcolors(1 << 20)
    red = sum(count for count, (r, g, b) in colours if r > 180 and g < 60 and b < 60)
    dark_on_red = sum(count for count, (r, g, b) in colours if r < 60 and g < 20 and b < 20)
    assert red > 1000 and dark_on_red > 50
