"""Tables that people open in a spreadsheet: a cell that begins like a formula is shown, never computed."""

import csv
import io
from collections.abc import Sequence

BEGINS_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection), in both widths."""

MARK = "\ufeff"
"""Before the first record: by it spreadsheets know UTF-8."""


def shown(cell: str) -> str:
    """A cell that stands for nothing but its text: an apostrophe goes before what would be a formula."""
    return f"'{cell}" if cell.startswith(BEGINS_FORMULA) or cell.lstrip().startswith(BEGINS_FORMULA) else cell


def record(cells: Sequence[str]) -> str:
    """A record of CSV (RFC 4180), every cell quoted and harmless."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([shown(cell) for cell in cells])
    return text.getvalue()
