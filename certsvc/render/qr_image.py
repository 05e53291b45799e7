"""The QR alone, as a department prints it on pages of its own: exact in millimetres, as SVG or PNG."""

import io
import math

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_ALPHA_NUM, MODE_NUMBER, QRData

from certsvc.errors import InvalidInput, SelfCheckFailed
from certsvc.render.qr import LEAST_MODULE_MM, QUIET, QrSymbol, qr_symbol

MOST_MODULE_MM = 20.0
LEAST_DPI, MOST_DPI = 72, 2400
MOST_PIXELS = 6000
MM_PER_INCH = 25.4
LEAST_DOTS = 3
"""Dots a module must have at least: with two, no printer keeps the edges where they are."""


def qr_svg(symbol: QrSymbol, module_mm: float) -> bytes:
    """The symbol with its quiet zone as SVG: one path, its size in millimetres.

    Raises:
        InvalidInput: a module would be too small to be read, or beyond reason.
    """
    _require_module(module_mm)
    side = _number(symbol.modules * module_mm)
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}mm" height="{side}mm" viewBox="0 0 '
    ground = f'<rect width="{symbol.modules}" height="{symbol.modules}" fill="#fff"/>'
    head, tail = symbol.svg.split(">", 1)
    box = f'{symbol.modules} {symbol.modules}" shape-rendering="crispEdges">'
    assert head.startswith("<svg ")
    return f"{opening}{box}{ground}{tail}\n".encode("ascii")


def qr_png(symbol: QrSymbol, module_mm: float, dpi: int) -> bytes:
    """The symbol with its quiet zone as PNG of two colours. Every module has the same number of whole dots, the nearest
    to the size asked for, and never makes it smaller than may be read; the file says its true size (pHYs).

    Raises:
        InvalidInput: a module would be too small or too large, or have too few dots; or there would be too many.
    """
    _require_module(module_mm)
    if not LEAST_DPI <= dpi <= MOST_DPI:
        raise _wrong(f"dpi 应为 {LEAST_DPI} 至 {MOST_DPI}", f"dpi is {LEAST_DPI} to {MOST_DPI}")
    dots = max(round(module_mm * dpi / MM_PER_INCH), math.ceil(LEAST_MODULE_MM * dpi / MM_PER_INCH - 1e-9))
    if dots < LEAST_DOTS:
        raise _wrong(
            f"每个模块不足 {LEAST_DOTS} 点，印不清：请提高 dpi 或放大模块",
            f"a module has fewer than {LEAST_DOTS} dots: ask for more dpi or larger modules",
        )
    if dots * symbol.modules > MOST_PIXELS:
        raise _wrong(f"边长超过 {MOST_PIXELS} 像素", f"it is more than {MOST_PIXELS} pixels wide")
    sink = io.BytesIO()
    _picture(symbol, dots).save(sink, "PNG", dpi=(dpi, dpi), optimize=True)
    return sink.getvalue()


def _picture(symbol: QrSymbol, dots: int) -> Image.Image:
    size = len(symbol.rows)
    cells = Image.frombytes(
        "L", (size, size), b"".join(bytes(0 if dark else 255 for dark in row) for row in symbol.rows)
    )
    page = Image.new("L", (symbol.modules, symbol.modules), 255)
    page.paste(cells, (QUIET, QUIET))
    side = symbol.modules * dots
    return page.resize((side, side), Image.Resampling.NEAREST).convert("1")


def agreed_symbol(prefix: str, digits: str) -> QrSymbol:
    """The symbol as two encoders that share no code draw it: what hangs on a wall for years is not printed anew.

    Raises:
        SettingsError: see `qr_symbol`.
        SelfCheckFailed: they differ.
    """
    symbol = qr_symbol(prefix, digits)
    other = qrcode.QRCode(symbol.version, ERROR_CORRECT_M, border=0, mask_pattern=symbol.mask)
    other.add_data(QRData(prefix, MODE_ALPHA_NUM), optimize=0)
    other.add_data(QRData(digits, MODE_NUMBER), optimize=0)
    other.make(fit=False)
    if tuple(tuple(map(bool, row)) for row in other.get_matrix()) != symbol.rows:
        raise SelfCheckFailed("两个编码器画出的二维码不同。", "Two encoders draw this QR differently.")
    return symbol


def _require_module(module_mm: float) -> None:
    if not LEAST_MODULE_MM <= module_mm <= MOST_MODULE_MM:
        least, most = f"{LEAST_MODULE_MM:.2f}", f"{MOST_MODULE_MM:g}"
        raise _wrong(f"模块边长应为 {least} 至 {most} 毫米", f"a module is {least} to {most} mm wide")


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _wrong(zh: str, en: str) -> InvalidInput:
    return InvalidInput(f"这样的二维码不能做：{zh}。", f"No such QR is made: {en}.")
