"""Draws the borders and grounds of the designed faces: `python schemas/common/draw_grounds.py schemas/common/v2`.

Like `draw_guilloche.py`, whose braids it uses: units are hundredths of a millimetre, and the templates put the colours
in. A border is drawn for its page, lying or standing, and ends 14.5 mm from the edge, so that every face has the same
room. A ground fills what is inside; the template cuts it off at the border.
"""

import sys
from collections.abc import Callable, Iterator
from math import cos, pi, sin, tau
from pathlib import Path

from draw_guilloche import BaseLine, Point, braid, circle

Page = tuple[int, int]
LYING, STANDING = (29700, 21000), (21000, 29700)

INNER = 1400
"""Where a ground begins, from the edge of the page."""


def corners(page: Page, inset: float) -> list[Point]:
    """The four points `inset` from two edges of a page, clockwise from the upper left."""
    right, bottom = page[0] - inset, page[1] - inset
    return [(inset, inset), (right, inset), (right, bottom), (inset, bottom)]


def rectangle(page: Page, inset: float) -> BaseLine:
    """Around a page, clockwise from its upper left corner; an offset goes outwards."""
    across, down = page[0] - 2 * inset, page[1] - 2 * inset

    def at(s: float, off: float) -> Point:
        rest, quarter = s % 1 * 2 * (across + down), 0
        while quarter < 3 and rest > (across, down)[quarter % 2]:
            rest -= (across, down)[quarter % 2]
            quarter += 1
        (x, y), turn = corners(page, inset)[quarter], quarter * pi / 2
        return (x + rest * cos(turn) + off * sin(turn), y + rest * sin(turn) - off * cos(turn))

    return at


def sides(page: Page, inset: float, unit: float) -> Iterator[tuple[str, float, int]]:
    """For each side of a page: the transform that lays a strip along it from corner to corner, the length of one unit
    of about `unit`, and how many there are. A strip runs to the right, and what is below it is inside."""
    for quarter, (x, y) in enumerate(corners(page, inset)):
        length = page[quarter % 2] - 2 * inset
        count = round(length / unit)
        yield f"translate({x} {y}) rotate({90 * quarter})", length / count, count


def frame(page: Page, inset: float, thick: float) -> str:
    """A line around a page."""
    size = f'x="{inset}" y="{inset}" width="{page[0] - 2 * inset}" height="{page[1] - 2 * inset}"'
    return f'<rect {size} stroke-width="{thick}"/>'


def square(side: float, more: str = "") -> str:
    """A square around the origin."""
    return f'<rect x="{-side / 2:.0f}" y="{-side / 2:.0f}" width="{side:.0f}" height="{side:.0f}"{more}/>'


def in_corners(page: Page, inset: float, motif: str) -> str:
    """A motif around a point near each corner of a page."""
    return "".join(f'<g transform="translate({x:.0f} {y:.0f})">{motif}</g>' for x, y in corners(page, inset))


def draw_lace(page: Page) -> str:
    """A border of lace: a wide braid and a close one, with a rosette in each corner."""
    middle = rectangle(page, 1050)
    waves = round(2 * (sum(page) - 4 * 1050) / 1500)
    wide, close = braid(middle, waves, 6, 300), braid(middle, 3 * waves, 2, 120)
    petals = braid(circle(300), 8, 4, 210) + braid(circle(545), 20, 2, 70)
    disc = '<circle r="630" fill="WASH" stroke-width="32"/><circle r="60" stroke-width="40"/>'
    rosettes = in_corners(page, 1050, f'{disc}<path stroke-width="12" d="{petals}"/>')
    return _svg(
        page,
        f'<path stroke="PALE" stroke-width="15" d="{wide}"/><g stroke="DARK">{frame(page, 650, 50)}'
        f'{frame(page, 1450, 30)}<path stroke-width="14" d="{close}"/>{rosettes}</g>',
    )


def draw_fret(page: Page) -> str:
    """A border of the key pattern (回纹) between two lines, with a closed key in each corner."""
    top, band = 800, 520
    keys = []
    for lay, unit, count in sides(page, top + band, 5 * band / 4):
        g, h = unit / 5, band / 4
        hook = f"v{-4 * h:.0f}h{4 * g:.1f}v{3 * h:.0f}h{-2.7 * g:.1f}v{-1.7 * h:.0f}h{1.35 * g:.1f}v{0.6 * h:.0f}"
        path = "".join(f"M{i * unit + 0.5 * g:.1f} 0{hook}" for i in range(count)) + f"M0 0h{unit * count:.0f}"
        keys.append(f'<path transform="{lay}" d="{path}"/>')
    key = "".join(square(band - 2 * off) for off in (0, 110, 200))
    return _svg(
        page,
        f'<g stroke="PALE">{frame(page, 620, 70)}</g><g stroke="DARK" stroke-width="38">{"".join(keys)}'
        f"{in_corners(page, top + band / 2, key)}{frame(page, 1460, 25)}</g>",
    )


def draw_lozenges(page: Page) -> str:
    """A border of lozenges in lozenges between two pairs of lines, with a square in each corner."""
    top, band = 760, 560
    dark: list[str] = []
    pale: list[str] = []
    for lay, unit, count in sides(page, top + band, band * 1.4):
        for part, size in ((dark, 1.0), (pale, 0.62), (dark, 0.24)):
            lozenge = _lozenge(size * unit / 2, size * band / 2)
            run = "".join(f"M{(i + 0.5) * unit:.0f} {-band / 2:.0f}{lozenge}" for i in range(count))
            part.append(f'<path transform="{lay}" d="{run}"/>')
    lines = "".join(frame(page, inset, thick) for inset, thick in ((640, 55), (top, 16), (top + band, 16), (1450, 35)))
    inside = f'<path d="M0 0{_lozenge(0.4 * band, 0.4 * band)}M0 0{_lozenge(0.2 * band, 0.2 * band)}"/>'
    blocks = in_corners(page, top + band / 2, square(band) + inside)
    return _svg(
        page,
        f'<g stroke="PALE" stroke-width="70">{"".join(pale)}</g>'
        f'<g stroke="DARK" stroke-width="22">{"".join(dark)}{lines}{blocks}</g>',
    )


def _lozenge(a: float, b: float) -> str:
    return f"m{-a:.0f} 0l{a:.0f} {-b:.0f} {a:.0f} {b:.0f} {-a:.0f} {b:.0f}z"


def draw_rings(page: Page) -> str:
    """A border of rings, each through the next two, with a flower in each corner."""
    middle, radius = 1050, 290
    half = 1.16 * radius
    rings = []
    for lay, unit, count in sides(page, middle + half, radius):
        ring = f"a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"
        run = "".join(f"M{(i + 0.5) * unit - radius:.0f} {-half:.0f}{ring}" for i in range(count))
        rings.append(f'<path transform="{lay}" d="{run}"/>')
    petals = braid(circle(0.62 * radius), 4, 3, 0.36 * radius)
    flowers = in_corners(page, middle, square(2 * half, ' fill="WASH"') + f'<path d="{petals}"/>')
    lines = frame(page, 650, 55) + frame(page, middle - half, 14) + frame(page, middle + half, 14)
    return _svg(
        page,
        f'<g stroke="PALE" stroke-width="34">{"".join(rings)}</g>'
        f'<g stroke="DARK" stroke-width="14">{lines}{frame(page, 1450, 35)}{flowers}</g>',
    )


def draw_cable(page: Page) -> str:
    """A border of a twisted cable of two strands, each of three threads, with a flower in each corner."""
    middle = rectangle(page, 1045)
    waves = round(2 * (sum(page) - 4 * 1045) / 900)
    threads = "".join(_threads(middle, waves, phase, 220) for phase in (0.0, 0.5))
    lines = "".join(frame(page, inset, thick) for inset, thick in ((640, 30), (710, 30), (1380, 20), (1450, 40)))
    petals = f'<path stroke-width="13" d="{braid(circle(190), 6, 3, 100)}"/>'
    flowers = in_corners(page, 1045, square(670, ' fill="WASH"') + petals)
    return _svg(
        page,
        f'<path stroke="PALE" stroke-width="26" d="{threads}"/>'
        f'<g stroke="DARK" stroke-width="20">{lines}<path d="{braid(middle, 2 * waves, 1, 60)}"/>{flowers}</g>',
    )


def _threads(at: BaseLine, waves: int, phase: float, swing: float) -> str:
    return "".join(braid(lambda s, off: at(s + phase / waves, off), waves, 1, swing + more) for more in (-60, 0, 60))


def draw_waves(page: Page) -> str:
    """A ground of waves that run across the page, each a little behind the one above it."""
    return _svg(page, f'<path stroke="FAINT" stroke-width="22" d="{_waves(page, 260, 2600, 300, 0.07)}"/>')


def draw_net(page: Page) -> str:
    """A ground of a net: waves against waves."""
    both = "".join(_waves(page, 780, 1560, swing, 0.5) for swing in (380, -380))
    return _svg(page, f'<path stroke="FAINT" stroke-width="18" d="{both}"/>')


def _waves(page: Page, apart: float, length: float, swing: float, behind: float) -> str:
    """Waves from border to border and a little under it: half a wave is a parabola, and the next one mirrors it."""
    half = length / 2
    count = int((page[0] - 2 * INNER) // half) + 4
    rows = int((page[1] - 2 * INNER + 2 * abs(swing)) // apart) + 1
    bow = f"q{half / 2:.0f} {-2 * swing:.0f} {half:.0f} 0" + f"t{half:.0f} 0" * (count - 1)
    starts = ((INNER - length + row * behind % 1 * length, INNER - abs(swing) + row * apart) for row in range(rows))
    return "".join(f"M{x:.0f} {y:.0f}{bow}" for x, y in starts)


def draw_rays(page: Page) -> str:
    """A ground of rays from a point in the upper part of the page, long and short by turns, and rings around it."""
    x, y, far = page[0] / 2, 0.40 * page[1], 20000
    rays = []
    for i in range(180):
        c, s, near = cos(tau * (i + 0.5) / 180), sin(tau * (i + 0.5) / 180), (2600, 3400, 3000, 3400)[i % 4]
        rays.append(f"M{x + near * c:.0f} {y + near * s:.0f}L{x + far * c:.0f} {y + far * s:.0f}")
    rings = braid(circle(1100), 12, 4, 700) + braid(circle(2150), 24, 4, 450)
    return _svg(
        page,
        f'<g stroke="FAINT"><path stroke-width="20" d="{"".join(rays)}"/>'
        f'<path transform="translate({x:.0f} {y:.0f})" stroke-width="16" d="{rings}"/></g>',
    )


def draw_wreath(page: Page) -> str:
    """A ground of one great wreath: rings of loops through each other."""
    rings = braid(circle(5600), 26, 5, 1900) + braid(circle(2900), 13, 5, 1300)
    lay = f"translate({page[0] / 2:.0f} {page[1] / 2 + 400:.0f})"
    return _svg(page, f'<path transform="{lay}" stroke="FAINT" stroke-width="16" d="{rings}"/>')


def _svg(page: Page, body: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {page[0]} {page[1]}" fill="none">{body}</svg>\n'


DRAWINGS: dict[str, Callable[[], str]] = {
    "lace.svg": lambda: draw_lace(LYING),
    "fret.svg": lambda: draw_fret(LYING),
    "lozenges.svg": lambda: draw_lozenges(LYING),
    "rings.svg": lambda: draw_rings(LYING),
    "cable.svg": lambda: draw_cable(LYING),
    "cable-standing.svg": lambda: draw_cable(STANDING),
    "waves.svg": lambda: draw_waves(LYING),
    "net.svg": lambda: draw_net(LYING),
    "net-standing.svg": lambda: draw_net(STANDING),
    "rays.svg": lambda: draw_rays(LYING),
    "wreath.svg": lambda: draw_wreath(LYING),
}
"""What is drawn, by the name of its file."""


if __name__ == "__main__":
    for name, draw in DRAWINGS.items():
        (Path(sys.argv[1]) / name).write_text(draw(), "utf-8")
