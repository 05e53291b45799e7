"""What draws a seal: outlines of characters and simple shapes as PDF path operators, millimetres from the centre."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin
from typing import Any

from fontTools.misc.transform import Transform
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from certsvc.render.fonts import missing_glyph
from certsvc.render.seal_room import Part, require_room

POINTS_PER_MM = 72 / 25.4
EM = 1000
MIDDLE = 380
"""Height of the middle of our serif face's em box: 880 above the baseline, 120 below."""

KAPPA = 0.5523
"""How far the control points of a quarter of a circle lie along its tangents."""

BOLD_MM = 0.13
CAP_EMS = 0.729
"""Height of a capital or a digit of our serif face."""


class Operators(BasePen):  # type: ignore[misc]
    """Collects PDF path operators, in points; `fonts` are tried in turn for each character."""

    def __init__(self, fonts: Sequence[TTFont]) -> None:
        super().__init__(None)
        self.lines: list[str] = []
        self._fonts = fonts

    def outline(self, character: str) -> "Outline":
        """The outline of a character in the first font that has it."""
        for font in self._fonts:
            name = (font.getBestCmap() or {}).get(ord(character))
            if name is not None:
                return Outline(font.getGlyphSet()[name], EM / font["head"].unitsPerEm)
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
class Outline:
    """A glyph, and how many of our units one of its font's is."""

    glyph: Any
    scale: float

    @property
    def advance(self) -> float:
        """Its width in ems."""
        return float(self.glyph.width) * self.scale / EM


def ring(pen: Operators, half_width: float, half_height: float, border: float) -> None:
    """An ellipse or circle of a line `border` wide; its outer edge measures twice the halves."""
    a, b = half_width - border / 2, half_height - border / 2
    k, m = KAPPA * a, KAPPA * b
    pen.lines.append(f"{border * POINTS_PER_MM:.2f} w")
    pen.moveTo((a, 0))
    pen.curveTo((a, m), (k, b), (0, b))
    pen.curveTo((-k, b), (-a, m), (-a, 0))
    pen.curveTo((-a, -m), (-k, -b), (0, -b))
    pen.curveTo((k, -b), (a, -m), (a, 0))
    pen.closePath()
    pen.lines += ["S", f"{BOLD_MM * POINTS_PER_MM:.2f} w"]


def frame(pen: Operators, half: float, border: float) -> None:
    """A square of a line `border` wide; its outer side measures twice the half."""
    side = half - border / 2
    pen.lines.append(f"{border * POINTS_PER_MM:.2f} w")
    pen.moveTo((-side, -side))
    for corner in ((side, -side), (side, side), (-side, side)):
        pen.lineTo(corner)
    pen.closePath()
    pen.lines += ["S", f"{BOLD_MM * POINTS_PER_MM:.2f} w"]


def text_line(pen: Operators, part: Part, text: str, y: float, height: float, widest: float) -> None:
    """Text in one line around the middle: the em box `height` high, squeezed where it would be wider than `widest`.

    Raises:
        InvalidInput: it would be squeezed too much to be read.
    """
    advances = [pen.outline(character).advance for character in text]
    require_room(part, text, lambda kept: min(height, widest / sum(advances[: len(kept)])))
    scale = min(height, widest / sum(advances))
    x = -sum(advances) * scale / 2
    for character, advance in zip(text, advances, strict=True):
        glyph(pen, character, (x + advance * scale / 2, y), scale, height, 0.0)
        x += advance * scale


def glyph(
    pen: Operators, character: str, centre: tuple[float, float], width: float, height: float, turn: float
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
