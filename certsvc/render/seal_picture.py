"""The picture of a seal, drawn by rule (国发〔1999〕25号): ring, star, the owner's name on the arc, purpose, code.

Outlined paths in millimetres around the centre, so that the picture needs no font and is sharp at any size. The
national emblem is not drawn: nobody here has the right to. In a demonstration a thin ring with 国徽位 stands in its
place; else the picture is supplied.
"""

from functools import cache
from math import cos, pi, radians, sin
from typing import NamedTuple

from certsvc.domain.seal import Centre, SealDesign, SealPicture, Shape
from certsvc.render.fonts import faces
from certsvc.render.seal_pen import POINTS_PER_MM, Operators, glyph, ring, text_line
from certsvc.render.seal_room import CODE, NAME, PURPOSE, require_room
from certsvc.render.seal_shapes import draw_oval, draw_square
from certsvc.render.seal_supplied import supplied_picture

RED = "0.843 0.055 0.067"
GAP_MM = 0.9
STAR_WAIST = sin(pi / 10) / sin(3 * pi / 10)
WIDEST_ARC, WIDEST_ARC_WITH_PURPOSE = 270.0, 236.0
LEAST_STEP = 27.0
"""Degrees between the letters of a short name, so that it spreads as an engraver would spread it."""

PLACE_OF_THE_EMBLEM = "国徽位"


@cache
def draw_seal(design: SealDesign, extra_fonts: tuple[str, ...] = ()) -> SealPicture:
    """The seal as PDF operators in a box of its size, or the picture that was supplied for it. `extra_fonts` are
    folders, as in `fonts.extra`.

    Raises:
        InvalidInput: the picture that was supplied cannot be used; with each reason. Or a text on the seal has so many
            letters that none could be read.
        MissingGlyph: no font has a character of the name or the purpose.
        SettingsError: a folder of fonts cannot be used.
    """
    if design.picture is not None:
        return supplied_picture(design, design.picture)
    pen = Operators(faces(extra_fonts))
    {Shape.ROUND: _draw_round, Shape.OVAL: draw_oval, Shape.SQUARE: draw_square}[design.shape](pen, design)
    width, height = (side * POINTS_PER_MM for side in design.size_mm)
    frame = f"1 0 0 1 {width / 2:.3f} {height / 2:.3f} cm {RED} RG {RED} rg"
    content = "\n".join(["q", frame, *pen.lines, "Q"])
    return SealPicture(content=content.encode("ascii"), width_pt=width, height_pt=height)


def _draw_round(pen: Operators, design: SealDesign) -> None:
    half = design.diameter_mm / 2
    ring(pen, half, half, design.border_mm)
    if design.centre is Centre.STAR:
        _star(pen, design.diameter_mm)
    if design.centre is Centre.EMBLEM:
        _place_of_the_emblem(pen, design.diameter_mm)
    _name(pen, design)
    _lines_below(pen, design)


def _place_of_the_emblem(pen: Operators, diameter: float) -> None:
    radius = diameter * 0.16
    ring(pen, radius, radius, 0.2)
    text_line(pen, PURPOSE, PLACE_OF_THE_EMBLEM, 0, diameter * 0.085, 1.6 * radius)


def _star(pen: Operators, diameter: float) -> None:
    outer = diameter / 6  # 14 mm from tip to tip on the common 42 mm
    corners = []
    for corner in range(10):
        angle, radius = pi / 2 + corner * pi / 5, outer * (STAR_WAIST if corner % 2 else 1)
        corners.append((radius * cos(angle), radius * sin(angle)))
    pen.moveTo(corners[0])
    for point in corners[1:]:
        pen.lineTo(point)
    pen.closePath()
    pen.lines.append("f")


def _name(pen: Operators, design: SealDesign) -> None:
    require_room(NAME, design.name, lambda kept: _arc(design, len(kept)).width)
    count, arc = len(design.name), _arc(design, len(design.name))
    for place, character in enumerate(design.name):
        angle = radians((place - (count - 1) / 2) * arc.step)
        centre = (arc.radius * sin(angle), arc.radius * cos(angle))
        glyph(pen, character, centre, arc.width, arc.height, -angle)


class _Arc(NamedTuple):
    """Where the letters of a name stand: their size, the radius of their middles, and the degrees between them."""

    width: float
    height: float
    radius: float
    step: float


def _arc(design: SealDesign, count: int) -> _Arc:
    height = design.diameter_mm * (0.142 if count <= 16 else 0.125)
    radius = design.diameter_mm / 2 - design.border_mm - GAP_MM - height / 2
    widest = WIDEST_ARC_WITH_PURPOSE if design.purpose else WIDEST_ARC
    natural = max(LEAST_STEP, height * 1.15 / radius * 180 / pi)
    step = min(natural, widest / count)
    width = min(height * 0.92, radians(step) * (radius - height / 2) * 0.98)
    return _Arc(width, height, radius, step)


def _lines_below(pen: Operators, design: SealDesign) -> None:
    """Purpose and code; in a seal without a star the purpose has more room."""
    diameter = design.diameter_mm
    if design.purpose and design.centre is Centre.NONE:
        text_line(pen, PURPOSE, design.purpose, -0.245 * diameter, diameter * 0.1, diameter * 0.5)
    elif design.purpose:
        text_line(pen, PURPOSE, design.purpose, -0.278 * diameter, diameter * 0.082, diameter * 0.56)
    if design.code:
        text_line(pen, CODE, design.code, -0.372 * diameter, diameter * 0.048, diameter * 0.36)
