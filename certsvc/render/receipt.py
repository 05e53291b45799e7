"""The printed receipt: pages to read and to file, in Chinese and English, with the signed record attached."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

from certsvc.domain.receipt import ATTACHMENT, Receipt
from certsvc.errors import CatalogError
from certsvc.render.fonts import FOLDER, characters

TEMPLATE = Path(__file__).parent / "receipt.typ"
UNPRINTABLE = "〓"
"""The mark that stands in print for a character that no font has (GB 2312, row 2)."""

SHAPES = {
    "tick": "M12 1a11 11 0 1 1 0 22 11 11 0 0 1 0-22Zm5.2 6.7-6.8 6.8-3.5-3.5L5 12.9l5.4 5.4 8.7-8.7Z",
    "stop": "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4ZM8.7 6.8 6.8 8.7l3.3 3.3-3.3 3.3 1.9 1.9 3.3-3.3 3.3 3.3 "
    "1.9-1.9-3.3-3.3 3.3-3.3-1.9-1.9-3.3 3.3Z",
    "pause": "M2 2h20v20H2ZM7 6.5v11h3.2v-11ZM13.8 6.5v11H17v-11Z",
    "unsure": "M12 .4 23.6 12 12 23.6.4 12ZM10.8 16v2.5h2.5V16ZM8.3 9.7h2.3c0-.9.6-1.5 1.5-1.5s1.4.5 1.4 1.2c0 "
    ".6-.3.9-1 1.4-.9.7-1.5 1.4-1.5 2.8v.8h2.3v-.5c0-.7.2-1 1-1.6.8-.7 1.6-1.5 1.6-3C15.9 7.3 14.3 6 12.1 "
    "6S8.3 7.3 8.3 9.7Z",
    "clock": "M12 1a11 11 0 1 1 0 22 11 11 0 0 1 0-22ZM10.8 5.5v7.3l4.8 3.1 1.3-2-3.7-2.4v-6Z",
    "calendar": "M6 1h2.6v2.2h6.8V1H18v2.2h4V22.5H2V3.2h4ZM4.4 6.4v1.8h15.2V6.4ZM9 10.6l-1.6 1.6 3 3-3 3L9 19.8l3-3 "
    "3 3 1.6-1.6-3-3 3-3-1.6-1.6-3 3Z",
    "closed": "M12 1a11 11 0 1 1 0 22 11 11 0 0 1 0-22ZM6 10.5v3h12v-3Z",
    "arrow": "M2 3h20v18H2ZM12.6 6.6l-1.7 1.7 2.4 2.5H6v2.4h7.3l-2.4 2.5 1.7 1.7L18 12Z",
    "page": "M3 1h12l6 6v16H3ZM5.4 3.4v17.2h13.2V8.4H13.6V3.4ZM8 11h8v2H8ZM8 15h8v2H8Z",
}
"""The shapes of the pages (verifier_web/pages/icons.html), in black: they are told apart without colour."""


def receipt_pdf(receipt: Receipt, jws: str, extra_fonts: Sequence[str] = ()) -> bytes:
    """The pages as a tagged PDF (PDF/A-3a, PDF/UA-1) with the JWS attached; the same receipt gives the same bytes. A
    character that no font has is printed as 〓: a receipt is to be had of every result, and the record has them all.

    Raises:
        CatalogError: the template gives no page.
    """
    extra = tuple(extra_fonts)
    said = {name: value for name, value in msgspec.to_builtins(receipt).items() if name != "report"}
    data = _printable(said, characters(extra))
    data["unprintable"] = None if data == said else UNPRINTABLE
    data["icon"] = _shape(SHAPES.get(receipt.shown.icon, SHAPES["unsure"]))
    data["year"], data["month"], data["day"] = (int(part) for part in receipt.made_at[:10].split("-"))
    data["attachment"] = {"name": ATTACHMENT, "content": jws}
    try:
        pdf = _compiler(extra).compile(
            format="pdf",
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            pdf_standards=["a-3a", "ua-1"],
        )
    except typst.TypstError as error:
        raise CatalogError(f"回执排不出来：{error}", f"The receipt cannot be set: {error}") from None
    if not isinstance(pdf, bytes):
        raise CatalogError("回执的版面没有输出。", "The template of receipts gave no page.")
    return pdf + b"\n"  # without it the sealed file fails PDF/A (ISO 19005-3 clause 6.1.9)


def _shape(path: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill-rule="evenodd" d="{path}"/></svg>'


def _printable(value: Any, known: frozenset[int]) -> Any:
    """The same with the mark for every character that no font has."""
    if isinstance(value, str):
        return "".join(each if ord(each) in known else UNPRINTABLE for each in value)
    if isinstance(value, dict):
        return {key: _printable(each, known) for key, each in value.items()}
    return type(value)(_printable(each, known) for each in value) if isinstance(value, list | tuple) else value


@cache
def _compiler(extra: tuple[str, ...]) -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER), *extra])
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=fonts, ignore_system_fonts=True)
