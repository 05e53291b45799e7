"""A supplied picture of a seal: a PNG of the seal's size, red on nothing, whose outline reaches its edge all round."""

import io
import struct
from collections.abc import Iterator
from math import cos, pi, sin

from PIL import Image, ImageChops, ImageDraw, UnidentifiedImageError

from certsvc.domain.seal import SealDesign, SealImage, SealPicture, Shape
from certsvc.errors import InvalidInput, Problem
from certsvc.render.seal_pen import POINTS_PER_MM

MAX_BYTES = 1024 * 1024
LEAST_DPI, MOST_DPI = 300, 1200
MM_PER_INCH = 25.4
MOST_PX = 2836
"""What 60 mm have at 1200 dpi, and the slack."""

PNG_START, HEADER_END = b"\x89PNG\r\n\x1a\n", 24
NOT_PNG = Problem("picture", "not_png", "图像不是完好的 PNG。", "It is no intact PNG.")
SLACK_PX = 2
"""How far a side may be off what millimetres and resolution give, by rounding."""

INK, TRACE = 64, 8
"""From this opacity on a pixel counts as ink, where some must be: a stamp may be a little transparent; and as a trace,
where none or none of another colour may be: it shows on paper."""

REDDEST_FROM, REDDER_BY = 150, 80
"""Red ink: at least so much red, and so much more than green and blue."""

EDGE_MM = 0.6
"""How near the edge of the picture the ink must come, all round."""

DIRECTIONS = 72


def supplied_picture(design: SealDesign, png: bytes) -> SealPicture:
    """The picture as it will be embedded, in a box of the seal's size.

    Raises:
        InvalidInput: it is no such picture; with each reason.
    """
    image = _open(png)
    problems = [*_size_problems(design, image)] or [*_ink_problems(design, image)]
    if problems:
        raise _refused(problems)
    bands = image.convert("RGBA")
    width, height = (side * POINTS_PER_MM for side in design.size_mm)
    shown = SealImage(
        width_px=image.width,
        height_px=image.height,
        rgb=bands.convert("RGB").tobytes(),
        alpha=bands.getchannel("A").tobytes(),
    )
    content = f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Seal Do Q".encode("ascii")
    return SealPicture(content=content, width_pt=width, height_pt=height, image=shown)


def _open(png: bytes) -> Image.Image:
    """The image, unpacked only after its header says that it is small enough."""
    if len(png) > MAX_BYTES:
        raise _refused([_problem("too_large", "图像文件超过 1 MiB。", "The file is over 1 MiB.")])
    if png[:8] != PNG_START or png[12:16] != b"IHDR" or len(png) < HEADER_END:
        raise _refused([NOT_PNG])
    width, height = struct.unpack(">II", png[16:HEADER_END])
    if max(width, height) > MOST_PX:
        raise _refused(
            [
                _problem(
                    "too_many_pixels",
                    f"图像 {width}×{height} 像素过多，每边不超过 {MOST_PX}。",
                    f"The picture of {width}×{height} has too many pixels; at most {MOST_PX} on a side.",
                )
            ]
        )
    try:
        image = Image.open(io.BytesIO(png), formats=["PNG"])
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise _refused([NOT_PNG]) from None
    if getattr(image, "n_frames", 1) != 1:
        raise _refused([_problem("animated", "图像不能是动画。", "It is an animation.")])
    return image


def _size_problems(design: SealDesign, image: Image.Image) -> Iterator[Problem]:
    width, height = design.size_mm
    dpi = image.width / width * MM_PER_INCH
    least, most = (round(width / MM_PER_INCH * each) for each in (LEAST_DPI, MOST_DPI))
    if not least - SLACK_PX <= image.width <= most + SLACK_PX:
        yield _problem(
            "wrong_resolution",
            f"宽 {width:g} 毫米的印章应有 {least} 至 {most} 像素（300 至 1200 dpi），不是 {image.width}。",
            f"A seal {width:g} mm wide has {least} to {most} pixels (300 to 1200 dpi), not {image.width}.",
        )
    if abs(image.height - height / MM_PER_INCH * dpi) > SLACK_PX:
        yield _problem(
            "wrong_proportion",
            f"图像 {image.width}×{image.height} 的宽高比应为 {width:g}:{height:g}。",
            f"The picture of {image.width}×{image.height} should have the proportion {width:g}:{height:g}.",
        )
    yield from _stated_size_problems(design, image)
    if "A" not in image.getbands() and "transparency" not in image.info:
        yield _problem("no_transparency", "图像没有透明通道。", "The picture has no transparency.")


def _stated_size_problems(design: SealDesign, image: Image.Image) -> Iterator[Problem]:
    """What the picture says of its own size (pHYs), if it says anything, must be the seal's."""
    stated = image.info.get("dpi")
    if stated is None:
        return
    needed = [side / MM_PER_INCH * dpi for side, dpi in zip(design.size_mm, stated, strict=True)]
    if max(abs(have - need) for have, need in zip(image.size, needed, strict=True)) > SLACK_PX:
        (across, down), (width, height) = stated, design.size_mm
        yield _problem(
            "wrong_stated_size",
            f"图像 {image.width}×{image.height} 像素、{across:.0f}×{down:.0f} dpi，不合 {width:g}×{height:g} 毫米。",
            f"The picture of {image.width}×{image.height} at {across:.0f}×{down:.0f} dpi, as it says itself, "
            f"does not measure {width:g}×{height:g} mm.",
        )


def _ink_problems(design: SealDesign, image: Image.Image) -> Iterator[Problem]:
    rgba = image.convert("RGBA")
    ink, traces = (_from(rgba.getchannel("A"), least) for least in (INK, TRACE))
    if not ink.getbbox():
        yield _problem("empty", "图像是空白的。", "The picture is empty.")
        return
    per_mm = image.width / design.diameter_mm
    yield from _outline_problems(design, ink, per_mm)
    if design.shape is not Shape.SQUARE and _ink_outside(traces):
        yield _problem("ink_outside", "印章外圈以外应全部透明。", "Outside the ring it is not all transparent.")
    if _not_red(rgba, traces):
        yield _problem("not_red", "印文应为红色。", "The ink is not red.")


def _outline_problems(design: SealDesign, ink: Image.Image, per_mm: float) -> Iterator[Problem]:
    """Ink at the edge in every direction. Off-centre or cut off, it misses the edge on one side."""
    box = ink.getbbox() or (0, 0, 0, 0)
    slack = round(EDGE_MM * per_mm)
    gaps = box[0], box[1], ink.width - box[2], ink.height - box[3]
    missing = [turn for turn in range(DIRECTIONS) if not _reaches(design, ink, turn, per_mm)]
    if max(gaps) > slack or missing:
        yield _problem(
            "off_centre",
            "印章的边没有四周都到图像的边缘：可能偏心、被裁切、留了白边，或边框断开。",
            "The outline does not reach the edge all round: off-centre, cut off, with a margin, or broken.",
        )


def _reaches(design: SealDesign, ink: Image.Image, turn: int, per_mm: float) -> bool:
    """Whether a walk from the edge inwards meets ink soon."""
    angle = 2 * pi * turn / DIRECTIONS
    dx, dy = cos(angle), sin(angle)
    if design.shape is Shape.SQUARE:
        longer = max(abs(dx), abs(dy))
        dx, dy = dx / longer, dy / longer
    depth = round((EDGE_MM + design.border_mm / 2) * per_mm)
    half_width, half_height = (ink.width - 1) / 2, (ink.height - 1) / 2
    for step in range(depth + 1):
        x = half_width + dx * (half_width - step)
        y = half_height + dy * (half_height - step)
        if ink.getpixel((round(x), round(y))):
            return True
    return False


def _ink_outside(ink: Image.Image) -> bool:
    """Whether anything is inked outside the ellipse that touches the four sides."""
    outside = Image.new("L", ink.size, 255)
    bounds = (-SLACK_PX, -SLACK_PX, ink.width + SLACK_PX, ink.height + SLACK_PX)
    ImageDraw.Draw(outside).ellipse(bounds, fill=0)
    return ImageChops.darker(ink, outside).getbbox() is not None


def _not_red(rgba: Image.Image, ink: Image.Image) -> bool:
    """Whether more than one inked pixel in a hundred is anything but red."""
    red, green, blue = (rgba.getchannel(band) for band in "RGB")
    beyond = ImageChops.darker(ImageChops.subtract(red, green), ImageChops.subtract(red, blue))
    good = ImageChops.darker(_from(beyond, REDDER_BY), _from(red, REDDEST_FROM))
    return _count(ImageChops.darker(ink, good)) < 0.99 * _count(ink)


def _from(band: Image.Image, least: int) -> Image.Image:
    return band.point(lambda level: 255 if level >= least else 0)


def _count(mask: Image.Image) -> int:
    return mask.histogram()[255]


def _problem(code: str, zh: str, en: str) -> Problem:
    return Problem("picture", code, zh, en)


def _refused(problems: list[Problem]) -> InvalidInput:
    first = problems[0]
    return InvalidInput(
        f"印章图像不能用：{first.zh}", f"The picture of the seal cannot be used: {first.en}", problems=problems
    )
