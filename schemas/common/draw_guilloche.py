"""Draws the guilloche of the faces as SVG: `python schemas/common/draw_guilloche.py schemas/common/v1`.

Guilloche is interlaced curves, as engravers make them. A strand swings to either side of a base line that closes on
itself; several strands out of step make a braid. The drawings are kept as files because drawing them anew takes ten
times as long as setting a page. Units are hundredths of a millimetre; the templates put the colours in.
"""

import sys
from collections.abc import Callable
from math import cos, pi, sin, tau
from pathlib import Path

HANDLE = 0.3642
"""Of half a wave: how far a Bézier handle reaches so that the curve follows a sine."""

WIDTH, HEIGHT = 29700, 21000
INSET, BAND, CORNER = 700, 850, 900

Point = tuple[float, float]
BaseLine = Callable[[float, float], Point]
"""The point at a fraction of the base line, and at a distance off it."""


def circle(radius: float) -> BaseLine:
    """Around the origin."""
    return lambda s, off: ((radius + off) * cos(tau * s), (radius + off) * sin(tau * s))


def round_rectangle(inset: float, corner: float) -> BaseLine:
    """Around the page, clockwise, `inset` from its edges."""
    across, down, bend = WIDTH - 2 * (inset + corner), HEIGHT - 2 * (inset + corner), corner * pi / 2
    right, bottom = WIDTH - inset - corner, HEIGHT - inset - corner
    sides = [(across, right, inset + corner), (down, right, bottom), (across, inset + corner, bottom)]
    sides.append((down, inset + corner, inset + corner))

    def at(s: float, off: float) -> Point:
        rest = s % 1 * (2 * (across + down) + 4 * bend)
        for quarter, (straight, x, y) in enumerate(sides):
            turn = quarter * pi / 2 - pi / 2
            if rest > straight + bend:
                rest -= straight + bend
                continue
            back, angle = max(0.0, straight - rest), turn + max(0.0, rest - straight) / corner
            reach = corner + off
            return (x + back * sin(turn) + reach * cos(angle), y - back * cos(turn) + reach * sin(angle))
        return at(0, off)

    return at


def strand(at: BaseLine, waves: int, phase: float, swing: float) -> str:
    """One curve as SVG path data, relative and in whole units."""
    half = 1 / (2 * waves)
    here = _whole(at(phase * 2 * half, swing))
    path = [f"M{here[0]} {here[1]}"]
    for i in range(2 * waves):
        s, side = (i + 2 * phase) * half, swing if i % 2 == 0 else -swing
        leave, arrive = at(s + HANDLE * half, side), at(s + (1 - HANDLE) * half, -side)
        there = _whole(at(s + half, -side))
        near = [(x - here[0], y - here[1]) for x, y in map(_whole, (leave, arrive))]
        steps = [*near, (there[0] - here[0], there[1] - here[1])]
        path.append("c" + " ".join(f"{x} {y}" for x, y in steps))
        here = there
    return "".join(path).replace(" -", "-") + "z"


def braid(at: BaseLine, waves: int, count: int, swing: float) -> str:
    """Strands evenly out of step, as one path."""
    return "".join(strand(at, waves, i / count, swing) for i in range(count))


def draw_border() -> str:
    """The border of a landscape page: three lines, and between them a close braid over a wide one."""
    middle = round_rectangle(INSET + BAND / 2, CORNER - BAND / 2)
    wide, close = braid(middle, 84, 5, 0.36 * BAND), braid(middle, 168, 2, 0.18 * BAND)
    lines = [(0, 55), (110, 18), (BAND, 25)]
    frames = "".join(_frame(INSET + off, max(60, CORNER - off), thick) for off, thick in lines)
    return _svg(
        f"0 0 {WIDTH} {HEIGHT}",
        f'<g stroke="DARK">{frames}<path stroke-width="13" d="{close}"/></g>'
        f'<path stroke="PALE" stroke-width="16" d="{wide}"/>',
    )


def draw_rosette() -> str:
    """The ground in the middle of a page: rings of petals that cross each other."""
    rings = "".join(
        braid(circle(radius), petals, 4, swing)
        for radius, petals, swing in ((1600, 12, 900), (3300, 18, 1100), (5200, 24, 1300))
    )
    return _svg("-6600 -6600 13200 13200", f'<path stroke="FAINT" stroke-width="14" d="{rings}"/>')


def _frame(inset: float, corner: float, thick: float) -> str:
    size = f'x="{inset}" y="{inset}" width="{WIDTH - 2 * inset}" height="{HEIGHT - 2 * inset}" rx="{corner}"'
    return f'<rect {size} stroke-width="{thick}"/>'


def _whole(point: Point) -> tuple[int, int]:
    return round(point[0]), round(point[1])


def _svg(box: str, body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="none">{body}</svg>\n'


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "border.svg").write_text(draw_border(), "utf-8")
    (folder / "rosette.svg").write_text(draw_rosette(), "utf-8")
