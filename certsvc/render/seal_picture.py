"""The picture of a seal, drawn by rule (国发〔1999〕25号): ring, star, the owner's name on the arc, purpose, code.

Outlined paths in millimetres around the centre, so that the picture needs no font and is sharp at any size. The
national emblem is not drawn: a demonstration authority has no right to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, pi, radians, sin
from typing import Any

from fontTools.misc.transform import Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from certsvc.domain.seal import Centre, SealDesign, SealPicture
from certsvc.render.fonts import faces, missing_glyph

POINTS_PER_MM = 72 / 25.4
RED = "0.843 0.055 0.067"
EM = 1000
MIDDLE = 380
"""Height of the middle of our serif face's em box: 880 above the baseline, 120 below."""

GAP_MM = 0.9
KAPPA = 0.5523
BOLD_MM = 0.13
STAR_WAIST = sin(pi / 10) / sin(3 * pi / 10)
WIDEST_ARC, WIDEST_ARC_WITH_PURPOSE = 270.0, 236.0
LEAST_STEP = 27.0
"""Degrees between the letters of a short name, so that it spreads as an engraver would spread it."""


class _Operators(BasePen):  # type: ignore[misc]
    """Collects PDF path operators, in points; `fonts` are tried in turn for each character."""

    def __init__(self, fonts: Sequence[TTFont]) -> None:
        super().__init__(None)
        self.lines: list[str] = []
        self._fonts = fonts

    def outline(self, character: str) -> "_Outline":
        """The outline of a character in the first font that has it."""
        for font in self._fonts:
            name = (font.getBestCmap() or {}).get(ord(character))
            if name is not None:
                return _Outline(font.getGlyphSet()[name], EM / font["head"].unitsPerEm)
        raise missing_glyph("seal", character)

    def _put(self, operator: str, *points: tuple[float, float]) -> None:
        numbers = " ".join(f"{value * POINTS_PER_MM:.2f}" for point in points for value in point)
        self.lines.append(f"{numbers} {operator}".strip())

    def _moveTo(self, point: tuple[float, float]) -> None:  # noqa: N802 - fontTools calls it so
        self._put("m", point)

    def _lineTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self._put("l", point)

    def _curveToOne(self, *points: tuple[float, float]) -> None:  # noqa: N802
        self._put("c", *points)

    def _closePath(self) -> None:  # noqa: N802
        self._put("h")


@dataclass(frozen=True, slots=True)
class _Outline:
    """A glyph, and how many of our units one of its font's is."""

    glyph: Any
    scale: float

    @property
    def advance(self) -> float:
        """Its width in ems."""
        return float(self.glyph.width) * self.scale / EM


@cache
def draw_seal(design: SealDesign, extra_fonts: tuple[str, ...] = ()) -> SealPicture:
    """The seal as PDF operators in a square box of its diameter. `extra_fonts` are folders, as in `fonts.extra`.

    Raises:
        MissingGlyph: no font has a character of the name or the purpose.
        SettingsError: a folder of fonts cannot be used.
    """
    pen = _Operators(faces(extra_fonts))
    _ring(pen, design)
    if design.centre is Centre.STAR:
        _star(pen, design.diameter_mm)
    _name(pen, design)
    _lines_below(pen, design)
    half = design.diameter_mm / 2 * POINTS_PER_MM
    frame = f"1 0 0 1 {half:.3f} {half:.3f} cm {RED} RG {RED} rg"
    content = "\n".join(["q", frame, *pen.lines, "Q"])
    return SealPicture(content=content.encode("ascii"), size_pt=2 * half)


def _ring(pen: _Operators, design: SealDesign) -> None:
    radius = (design.diameter_mm - design.border_mm) / 2
    k = KAPPA * radius
    pen.lines.append(f"{design.border_mm * POINTS_PER_MM:.2f} w")
    pen.moveTo((radius, 0))
    pen.curveTo((radius, k), (k, radius), (0, radius))
    pen.curveTo((-k, radius), (-radius, k), (-radius, 0))
    pen.curveTo((-radius, -k), (-k, -radius), (0, -radius))
    pen.curveTo((k, -radius), (radius, -k), (radius, 0))
    pen.closePath()
    pen.lines += ["S", f"{BOLD_MM * POINTS_PER_MM:.2f} w"]


def _star(pen: _Operators, diameter: float) -> None:
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


def _name(pen: _Operators, design: SealDesign) -> None:
    count = len(design.name)
    height = design.diameter_mm * (0.142 if count <= 16 else 0.125)
    radius = design.diameter_mm / 2 - design.border_mm - GAP_MM - height / 2
    widest = WIDEST_ARC_WITH_PURPOSE if design.purpose else WIDEST_ARC
    natural = max(LEAST_STEP, height * 1.15 / radius * 180 / pi)
    step = min(natural, widest / count)
    width = min(height * 0.92, radians(step) * (radius - height / 2) * 0.98)
    for place, character in enumerate(design.name):
        angle = radians((place - (count - 1) / 2) * step)
        centre = (radius * sin(angle), radius * cos(angle))
        _glyph(pen, character, centre, width, height, -angle)


def _lines_below(pen: _Operators, design: SealDesign) -> None:
    diameter = design.diameter_mm
    if design.purpose:
        _line(pen, design.purpose, -0.278 * diameter, diameter * 0.082, diameter * 0.56)
    if design.code:
        _line(pen, design.code, -0.372 * diameter, diameter * 0.048, diameter * 0.36)


def _line(pen: _Operators, text: str, y: float, height: float, widest: float) -> None:
    advances = [pen.outline(character).advance for character in text]
    scale = min(height, widest / sum(advances))
    x = -sum(advances) * scale / 2
    for character, advance in zip(text, advances, strict=True):
        _glyph(pen, character, (x + advance * scale / 2, y), scale, height, 0.0)
        x += advance * scale


def _glyph(
    pen: _Operators, character: str, centre: tuple[float, float], width: float, height: float, turn: float
) -> None:
    """One character: its em box `width` by `height` mm, the middle of it at `centre`, turned by `turn` radians."""
    outline = pen.outline(character)
    a, b = width / EM, height / EM
    c, s = cos(turn), sin(turn)
    middle_x, middle_y = outline.advance * EM / 2, MIDDLE
    shift_x = centre[0] - (c * a * middle_x - s * b * middle_y)
    shift_y = centre[1] - (s * a * middle_x + c * b * middle_y)
    matrix = (c * a, s * a, -s * b, c * b, shift_x, shift_y)
    outline.glyph.draw(TransformPen(pen, Transform(*matrix).scale(outline.scale)))
    pen.lines.append("B")
