"""A supplied picture of a seal is taken as it is, or refused with every reason: format, size, shape, ring, colour."""

import io
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from chosen import some
from PIL import Image, ImageDraw

from certsvc.domain.seal import Centre, SealDesign, SealKind
from certsvc.errors import InvalidInput
from certsvc.render.seal_picture import draw_seal
from certsvc.render.seal_supplied import MAX_BYTES

DESIGN = SealDesign(name="云山市人民政府", diameter_mm=45, centre=Centre.EMBLEM)
OVAL = SealDesign(name="云山华美电子有限公司", diameter_mm=45, height_mm=30, centre=Centre.NONE)
SQUARE = SealDesign(name="张三", diameter_mm=20, kind=SealKind.PERSONAL, centre=Centre.NONE, border_mm=0.8)
RED, CLEAR = (214, 14, 17, 255), (0, 0, 0, 0)


def drawn(
    of: SealDesign = DESIGN,
    dpi: int = 300,
    *,
    ink: tuple[int, ...] = RED,
    ground: tuple[int, ...] = CLEAR,
    margin: tuple[float, float, float, float] = (0, 0, 0, 0),
    stretch: float = 1.0,
) -> Image.Image:
    """A seal with a ring and something in it; `margin` is how far in the ring begins on each side, in millimetres."""
    per_mm = dpi / 25.4
    width, height = (round(side * per_mm) for side in of.size_mm)
    image = Image.new("RGBA", (width, round(height * stretch)), ground)
    pen = ImageDraw.Draw(image)
    left, top, right, bottom = (round(each * per_mm) for each in margin)
    box = (left, top, image.width - 1 - right, image.height - 1 - bottom)
    shape = pen.rectangle if of.kind is SealKind.PERSONAL else pen.ellipse
    shape(box, outline=ink, width=round(of.border_mm * per_mm))
    middle = image.width // 2, image.height // 2
    pen.rectangle((middle[0] - 40, middle[1] - 40, middle[0] + 40, middle[1] + 40), fill=ink)
    return image


def png(image: Image.Image, **how: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, "PNG", **how)
    return file.getvalue()


def refused(data: bytes, of: SealDesign = DESIGN) -> list[str]:
    """The codes of what is wrong with it."""
    with pytest.raises(InvalidInput) as caught:
        draw_seal(replace(of, picture=data))
    assert caught.value.problems
    assert all(problem.field == "picture" and problem.zh and problem.en for problem in caught.value.problems)
    return [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("of", [DESIGN, OVAL, SQUARE], ids=["round", "oval", "square"])
@pytest.mark.parametrize("dpi", [300, 600, 1200])
def test_a_right_picture_is_taken_pixel_by_pixel_at_the_size_of_the_seal(of: SealDesign, dpi: int) -> None:
    image = drawn(of, dpi)
    shown = draw_seal(replace(of, picture=png(image)))
    assert (shown.width_pt, shown.height_pt) == pytest.approx(tuple(side / 25.4 * 72 for side in of.size_mm))
    assert shown.content == b"q %.3f 0 0 %.3f 0 0 cm /Seal Do Q" % (shown.width_pt, shown.height_pt)
    assert shown.image is not None
    assert (shown.image.width_px, shown.image.height_px) == image.size
    again = Image.frombytes("RGB", image.size, shown.image.rgb)
    again.putalpha(Image.frombytes("L", image.size, shown.image.alpha))
    assert again.tobytes() == image.tobytes()


def test_a_smooth_edge_and_a_little_transparency_are_taken() -> None:
    large = drawn(dpi=1200, ink=(230, 0, 18, 170))
    assert draw_seal(replace(DESIGN, picture=png(large.resize((532, 532), Image.Resampling.LANCZOS)))).image


@pytest.mark.long
@pytest.mark.parametrize("dpi", [300, 450, 600, 1200])
@pytest.mark.parametrize("of", [DESIGN, OVAL, SQUARE], ids=["round", "oval", "square"])
def test_a_picture_that_states_the_size_of_the_seal_is_taken(of: SealDesign, dpi: int) -> None:
    assert draw_seal(replace(of, picture=png(drawn(of, dpi), dpi=(dpi, dpi)))).image


@pytest.mark.parametrize("dpi", [(600, 600), (562, 600), (72, 72), (0, 0), (555, 555)])
def test_a_picture_that_states_another_size_than_the_seal_s_is_refused(dpi: tuple[int, int]) -> None:
    """The flaw: 992 pixels at 600 dpi are 42 mm and were enlarged to 45."""
    picture = drawn(replace(DESIGN, diameter_mm=42), 600)
    assert picture.width == 992
    assert refused(png(picture, dpi=dpi)) == ["wrong_stated_size"]
    assert draw_seal(replace(DESIGN, picture=png(picture))).image
    assert draw_seal(replace(DESIGN, diameter_mm=42, picture=png(picture, dpi=(600, 600)))).image


def with_box(place: tuple[int, int, int, int], colour: tuple[int, ...]) -> Image.Image:
    """A seal with a box of this colour over it."""
    image = drawn()
    image.paste(colour, place)
    return image


@pytest.mark.parametrize("alpha", [8, 20, 63])
def test_what_is_faint_counts_too_where_nothing_or_nothing_of_its_colour_may_be(alpha: int) -> None:
    """The flaw: nothing was looked at that was less opaque than a quarter."""
    across, corner = (40, 240, 500, 300), (0, 0, 40, 40)
    assert refused(png(with_box(across, (0, 0, 0, alpha)))) == ["not_red"]
    assert refused(png(with_box(corner, (128, 128, 128, alpha)))) == ["ink_outside", "not_red"]
    assert refused(png(with_box(corner, (*RED[:3], alpha)))) == ["ink_outside"]


def test_what_is_faint_is_no_outline() -> None:
    faint = drawn(margin=(2, 2, 2, 2))
    ImageDraw.Draw(faint).ellipse((0, 0, faint.width - 1, faint.height - 1), outline=(*RED[:3], 40), width=14)
    assert refused(png(faint)) == ["off_centre"]


@pytest.mark.long
@pytest.mark.parametrize("side", some([532, 700, 1063, 1500]))
@pytest.mark.parametrize("ink", [RED, (230, 0, 18, 170), (200, 30, 40, 255)])
def test_a_picture_made_smaller_keeps_edges_that_are_taken(ink: tuple[int, ...], side: int) -> None:
    large = drawn(dpi=1200, ink=ink)
    for how in (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX):
        assert draw_seal(replace(DESIGN, picture=png(large.resize((side, side), how)))).image


WRONG: dict[str, tuple[Callable[[], Image.Image], list[str]]] = {
    "too coarse": (lambda: drawn(dpi=200), ["wrong_resolution"]),
    "stretched": (lambda: drawn(stretch=1.05), ["wrong_proportion"]),
    "no alpha channel": (lambda: drawn(ground=(255, 255, 255, 255)).convert("RGB"), ["no_transparency"]),
    "white ground": (lambda: drawn(ground=(255, 255, 255, 255)), ["ink_outside", "not_red"]),
    "red ground": (lambda: drawn(ground=RED), ["ink_outside"]),
    "empty": (lambda: drawn(ink=CLEAR), ["empty"]),
    "margin all round": (lambda: drawn(margin=(2, 2, 2, 2)), ["off_centre"]),
    "off-centre": (lambda: drawn(margin=(3, 0, 0, 0)), ["off_centre", "ink_outside"]),
    "black": (lambda: drawn(ink=(20, 20, 20, 255)), ["not_red"]),
    "blue": (lambda: drawn(ink=(20, 20, 220, 255)), ["not_red"]),
}


@pytest.mark.parametrize("flaw", WRONG)
def test_a_wrong_picture_is_refused_with_the_reason(flaw: str) -> None:
    make, codes = WRONG[flaw]
    assert refused(png(make())) == codes


@pytest.mark.parametrize("side", range(4))
def test_a_ring_cut_off_or_broken_on_one_side_is_refused(side: int) -> None:
    image = drawn()
    wide = image.width
    boxes = [(0, 0, wide, 30), (wide - 30, 0, wide, wide), (0, wide - 30, wide, wide), (0, 0, 30, wide)]
    image.paste(CLEAR, boxes[side])
    assert refused(png(image)) == ["off_centre"]
    broken = drawn()
    diagonal = [(60, 60), (wide - 110, 60), (60, wide - 110), (wide - 110, wide - 110)][side]
    broken.paste(CLEAR, (*diagonal, diagonal[0] + 60, diagonal[1] + 60))
    assert refused(png(broken)) == ["off_centre"]


def test_a_cut_off_seal_that_touches_every_side_is_refused() -> None:
    """Cut off on all sides it still touches the edges, as a square of ink would; its corners betray it."""
    large = drawn(replace(DESIGN, diameter_mm=55))
    inset = (large.width - round(45 / 25.4 * 300)) // 2
    cut = large.crop((inset, inset, inset + round(45 / 25.4 * 300), inset + round(45 / 25.4 * 300)))
    assert "off_centre" in refused(png(cut))


def test_a_picture_for_another_shape_is_refused() -> None:
    assert refused(png(drawn(DESIGN)), OVAL) == ["wrong_proportion"]
    assert refused(png(drawn(OVAL)), DESIGN) == ["wrong_proportion"]
    assert "off_centre" in refused(png(drawn(replace(DESIGN, diameter_mm=20))), SQUARE)


def test_what_is_no_png_is_refused() -> None:
    jpeg = io.BytesIO()
    drawn().convert("RGB").save(jpeg, "JPEG")
    good = png(drawn())
    damaged = good[: len(good) // 2]
    for data in (b"", b"\x89PNG\r\n\x1a\n", jpeg.getvalue(), damaged, b"<svg xmlns='http://www.w3.org/2000/svg'/>"):
        assert refused(data) == ["not_png"]
    assert refused(bytes(MAX_BYTES + 1)) == ["too_large"]


@pytest.mark.long
def test_a_picture_of_millions_of_pixels_is_refused_before_it_is_unpacked() -> None:
    bomb = png(Image.new("L", (20_000, 20_000)))
    assert len(bomb) < MAX_BYTES
    assert refused(bomb) == ["too_many_pixels"]


def test_an_animation_is_refused() -> None:
    first = drawn()
    assert refused(png(first, save_all=True, append_images=[drawn(margin=(1, 1, 1, 1))])) == ["animated"]


@pytest.mark.long
def test_damaged_pictures_are_refused_and_never_anything_else() -> None:
    good, dice = png(drawn()), Random(7)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            shown = draw_seal(replace(DESIGN, picture=bytes(data)))
        except InvalidInput:
            continue
        assert shown.image is not None
        assert len(shown.image.rgb) == 3 * len(shown.image.alpha) == 3 * shown.image.width_px * shown.image.height_px
