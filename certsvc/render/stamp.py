"""The block for a page laid out elsewhere: our QR, and under it the typed code and the host in plain letters."""

import json
from functools import cache
from pathlib import Path

import typst

from certsvc.errors import CatalogError, InvalidInput
from certsvc.render.external_shapes import Box
from certsvc.render.fonts import FOLDER
from certsvc.render.qr import QUIET, QrSymbol

TEMPLATE = Path(__file__).parent / "stamp.typ"
LINE_MM, GAP_MM, FOOT_MM = 3.3, 0.9, 1.2
SPECIMEN = "样本 SPECIMEN"


def block(symbol: QrSymbol, module_mm: float, x_mm: float, y_mm: float, *, specimen: bool) -> Box:
    """The place that the block takes, with its upper left corner there; millimetres. The symbol's own quiet zone is in
    it, so nothing may come nearer."""
    side = symbol.modules * module_mm
    height = side - QUIET * module_mm + GAP_MM + (4 if specimen else 3) * LINE_MM + FOOT_MM
    return Box(x_mm, y_mm, side, height)


def stamp(symbol: QrSymbol, place: Box, typed_code: str, host: str, *, specimen: bool) -> bytes:
    """The block as a PDF of one page of its size.

    Raises:
        InvalidInput: the host cannot be set in small letters.
    """
    groups = typed_code.split("-")
    lines = ["-".join(groups[:2]) + "-", "-".join(groups[2:]), host, *([SPECIMEN] if specimen else [])]
    data = {
        "qr": symbol.svg,
        "modules": symbol.modules,
        "module": place.width_mm / symbol.modules,
        "width": place.width_mm,
        "height": place.height_mm,
        "lines": lines,
    }
    return set_page(TEMPLATE, data, tagged=False)


def set_page(template: Path, data: dict[str, object], *, tagged: bool) -> bytes:
    """A page of ours that belongs to no type, as PDF; data goes in as JSON.

    Raises:
        InvalidInput: a text has a character that no font has.
        CatalogError: the template gives no page.
    """
    try:
        pdf = _compiler(template).compile(
            format="pdf",
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            pdf_standards=["a-3a", "ua-1"] if tagged else ["a-3b"],
            pdf_tags=tagged,
        )
    except typst.TypstError as error:
        raise InvalidInput(f"这一页排不出来：{error}", f"This page cannot be set: {error}") from None
    if not isinstance(pdf, bytes):
        raise CatalogError(f"{template} 没有输出。", f"{template} gave no page.")
    return pdf


@cache
def _compiler(template: Path) -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)])
    return typst.Compiler(str(template), root=str(template.parent), font_paths=fonts, ignore_system_fonts=True)
