"""What the eye sees of a department's page: that it stays as it was, and that nothing lies where our block goes."""

from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import zxingcpp
from PIL import Image, ImageChops
from pypdfium2 import raw

from certsvc.render.external_shapes import Box, Refused

POINTS_PER_MM = 72 / 25.4
COMPARE_DPI, PLACE_DPI = 100, 300
MOST_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What counts as empty: every pixel has at least this much of each colour (255 is white), and none differs by more
    than `spread` from another: paper may be tinted, not patterned."""

    lightest: int = 240
    spread: int = 3


GROUND = Ground()
SAME = 8
"""How much a pixel may differ before it counts as changed: smooth edges are computed anew."""


def require_unchanged(before: bytes, after: bytes, units: tuple[float, ...]) -> None:
    """Every page of `after` looks as that of `before`, fields and annotations included. `units` are the user units of
    the pages before, which the library does not know of.

    Raises:
        Refused: a page looks otherwise, or cannot be drawn.
    """
    with _opened(before) as old, _opened(after) as new:
        for place, unit in enumerate(units):
            picture = _picture(new[place], COMPARE_DPI)
            known = _picture(old[place], COMPARE_DPI * unit)
            if picture.size != known.size or _differ(picture, known):
                raise Refused(
                    "looks_otherwise",
                    f"第 {place + 1} 页不能原样收录（通常因为批注或表单），请打印为普通 PDF",
                    f"page {place + 1} would look otherwise, mostly because of notes or fields: "
                    "print it as an ordinary PDF",
                )


def require_empty(data: bytes, page: int, place: Box) -> None:
    """Nothing lies in a place: one light ground, and no character, however it is coloured.

    Raises:
        Refused: something does.
    """
    with _opened(data) as document:
        found = document[page - 1]
        if any(box.meets(place) for box in _characters(found)):
            raise _not_empty("有文字（看不见的也算）", "there is text, be it invisible")
        for low, high in _extremes(_crop(_picture(found, PLACE_DPI), place, PLACE_DPI)):
            if low < GROUND.lightest or high - low > GROUND.spread:
                raise _not_empty("有图文或底纹", "something is drawn there")


def symbols(data: bytes, page: int) -> list[Box]:
    """Where codes such as the national QR stand on a page."""
    with _opened(data) as document:
        picture = _picture(document[page - 1], PLACE_DPI)
    mm = 25.4 / PLACE_DPI
    found = []
    for code in zxingcpp.read_barcodes(picture):
        corners = (
            *(code.position.top_left, code.position.top_right, code.position.bottom_left, code.position.bottom_right),
        )
        xs, ys = [corner.x * mm for corner in corners], [corner.y * mm for corner in corners]
        found.append(Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))
    return found


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()
    except pypdfium2.PdfiumError:
        raise Refused("damaged", "已损坏，请重新导出", "it is damaged: export it anew") from None
    return document


def _picture(page: pypdfium2.PdfPage, dpi: float) -> Image.Image:
    width, height = page.get_size()
    scale = dpi / 72
    if width * height * scale * scale > MOST_PIXELS:
        raise Refused("page_too_large", "页面太大", "a page is too large")
    picture: Image.Image = page.render(scale=scale, may_draw_forms=True, rev_byteorder=True).to_pil().convert("RGB")
    return picture


def _differ(one: Image.Image, other: Image.Image) -> bool:
    return any(high > SAME for _, high in _extremes(ImageChops.difference(one, other)))


def _extremes(picture: Image.Image) -> tuple[tuple[int, int], ...]:
    """The least and the most of each colour."""
    found: tuple[tuple[int, int], ...] = picture.getextrema()  # type: ignore[assignment]  # of three bands
    return found


def _crop(picture: Image.Image, place: Box, dpi: float) -> Image.Image:
    scale = dpi / 25.4
    return picture.crop(
        (
            max(0, int(place.x_mm * scale)),
            max(0, int(place.y_mm * scale)),
            min(picture.width, int(place.right_mm * scale) + 1),
            min(picture.height, int(place.bottom_mm * scale) + 1),
        )
    )


def _characters(page: pypdfium2.PdfPage) -> Iterator[Box]:
    """The box of every character that is not white space, on a page that is neither rotated nor cropped."""
    height = page.get_height()
    text = page.get_textpage()
    for index in range(text.count_chars()):
        if chr(raw.FPDFText_GetUnicode(text, index)).isspace():
            continue
        left, bottom, right, top = (value / POINTS_PER_MM for value in text.get_charbox(index, loose=True))
        yield Box(left, height / POINTS_PER_MM - top, right - left, top - bottom)


def _not_empty(zh: str, en: str) -> Refused:
    return Refused("place_not_empty", f"放二维码的位置不是空白：{zh}", f"the place for the QR is not empty: {en}")
