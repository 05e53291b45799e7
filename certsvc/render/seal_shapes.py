"""Seals that are not round: the invoice seal and the seal of an enterprise with foreign investment (oval), and the name
seal of a person (square)."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import atan2, cos, hypot, pi, sin

from certsvc.domain.seal import SealDesign, SealKind
from certsvc.render.seal_pen import CAP_EMS, Operators, frame, glyph, ring, text_line
from certsvc.render.seal_room import CODE, NAME, PURPOSE, require_room

NAME_MM, GAP_MM = 4.2, 0.5
"""Height of the letters on an oval, and how far they stand from its border (国家税务总局公告2011年第7号)."""

WIDEST_ARC = 2 * pi * 240 / 360
CODE_MM, CODE_WIDTH_MM = 3.7, 26.0
PURPOSE_MM, PURPOSE_WIDTH_MM, PURPOSE_BELOW_MM = 4.6, 17.0, 4.2
FIGURE = "0"
"""What the width of figures and capitals in equal cells is measured by."""

STEPS = 720
LETTER_OF_STEP = 0.82
ROOM_MM = 0.4
"""Between the letters of a name seal, and between them and its border."""


def draw_oval(pen: Operators, design: SealDesign) -> None:
    """Ring, name on the upper arc; of an invoice seal the taxpayer's number in the middle and the purpose below."""
    width, height = design.size_mm
    ring(pen, width / 2, height / 2, design.border_mm)
    inset = design.border_mm + GAP_MM + NAME_MM / 2
    _name_on_arc(pen, design.name, width / 2 - inset, height / 2 - inset)
    if design.kind is SealKind.INVOICE:
        _number(pen, design.code or "", 0.0, CODE_MM, CODE_WIDTH_MM)
        middle = -PURPOSE_BELOW_MM - PURPOSE_MM / 2
        text_line(pen, PURPOSE, design.purpose or "", middle, PURPOSE_MM, PURPOSE_WIDTH_MM)
        return
    if design.purpose:
        text_line(pen, PURPOSE, design.purpose, -0.05 * height, 0.13 * height, 0.5 * width)
    if design.code:
        _number(pen, design.code, -0.3 * height, 0.06 * height, 0.4 * width)


def draw_square(pen: Operators, design: SealDesign) -> None:
    """Frame and name: one column of two, else two columns, the right one first, each read from top to bottom."""
    half = design.diameter_mm / 2
    frame(pen, half, design.border_mm)
    inner = 2 * (half - design.border_mm - ROOM_MM)
    first = len(design.name) // 2
    columns = [design.name] if len(design.name) == 2 else [design.name[:first], design.name[first:]]
    width = inner / len(columns)
    for place, column in enumerate(columns):
        x = inner / 2 - width * (place + 0.5)
        height = inner / len(column)
        for row, character in enumerate(column):
            y = inner / 2 - height * (row + 0.5)
            glyph(pen, character, (x, y), width - ROOM_MM / 2, height - ROOM_MM / 2, 0.0)


def _number(pen: Operators, text: str, y: float, height: float, width: float) -> None:
    """Digits and capitals `height` high, their cells together `width` wide."""
    require_room(CODE, text, lambda kept: 0.95 * width / len(kept) / pen.outline(FIGURE).advance)
    cell = width / max(len(text), 1)
    for place, character in enumerate(text):
        natural = pen.outline(character).advance
        centre = (place + 0.5) * cell - width / 2, y
        glyph(pen, character, centre, min(0.95 * cell / natural, height / CAP_EMS), height / CAP_EMS, 0.0)


def _name_on_arc(pen: Operators, name: str, half_width: float, half_height: float) -> None:
    """Letters at equal distances along an ellipse, each upright on it, around its highest point."""
    turns = [WIDEST_ARC * (step / STEPS - 0.5) for step in range(STEPS + 1)]
    points = [(half_width * sin(turn), half_height * cos(turn)) for turn in turns]
    lengths = [0.0, *accumulate(hypot(c - a, d - b) for (a, b), (c, d) in pairwise(points))]
    require_room(NAME, name, lambda kept: _step(lengths[-1], kept) * LETTER_OF_STEP)
    step = _step(lengths[-1], name)
    width = min(NAME_MM * 0.92, step * LETTER_OF_STEP)
    for place, character in enumerate(name):
        along = lengths[-1] / 2 + (place - (len(name) - 1) / 2) * step
        x, y = _point(points, lengths, along)
        tilt = atan2(y * half_width**2, x * half_height**2) - pi / 2
        glyph(pen, character, (x, y), width, NAME_MM, tilt)


def _step(longest: float, name: str) -> float:
    """How far apart the letters stand on an arc of this length."""
    return min(NAME_MM * 1.5, longest / len(name))


def _point(points: Sequence[tuple[float, float]], lengths: Sequence[float], along: float) -> tuple[float, float]:
    """The point so far along the line through `points`."""
    after = max(1, bisect_left(lengths, along))
    (a, b), (c, d) = points[after - 1], points[after]
    part = (along - lengths[after - 1]) / (lengths[after] - lengths[after - 1])
    return a + part * (c - a), b + part * (d - b)
