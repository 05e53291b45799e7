"""A batch as a table (CSV, RFC 4180): the first record names the columns, and cells become what the schema asks for.

A column is a field of the type's payload, or one of ours, which begin with `_`; where an act makes no sheet, and so has
no payload, grounds may be named without the underline.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from certsvc.catalog import CertificateType
from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.issuance.batches.line import BadRow, RowContent, RowGround, Said, said_for

MARK = "_"
KEY, PAYLOAD = "_key", "payload"
GROUNDS = RowGround.__struct_fields__
FILE = "file"
OTHERS = tuple(name for name in RowContent.__struct_fields__ if name not in (PAYLOAD, "ground", FILE))
MOST_COLUMNS = 300
WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
BETWEEN = re.compile(r"[;；]")
"""Between the entries of a list in one cell."""

YES, NO = frozenset({"true", "1", "是", "yes"}), frozenset({"false", "0", "否", "no"})
Convert = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns a table may have, each with the way to its place in the row and what its cells become."""

    act: Act
    _known: Mapping[str, tuple[tuple[str, ...], Convert]]

    def __contains__(self, name: str) -> bool:
        return name in self._known

    @property
    def names(self) -> Sequence[str]:
        """Their names."""
        return tuple(self._known)

    def put(self, content: dict[str, Any], name: str, cell: str) -> None:
        """Put a cell where it belongs."""
        (*way, last), convert = self._known[name]
        for step in way:
            content = content.setdefault(step, {})
        content[last] = convert(cell)


def columns_of(kind: CertificateType, act: Act) -> Columns:
    """The columns for an act on a type."""
    known: dict[str, tuple[tuple[str, ...], Convert]] = {KEY: ((KEY,), str)}
    makes = ACTS[act].makes is not Makes.NOTHING
    for name in OTHERS:
        known[MARK + name] = ((name,), _whole if name == "strikes" else _truth if name == "retroactive" else str)
    if makes:
        known |= {f"{MARK}{FILE}_{name}": ((FILE, name), convert) for name, convert in OF_A_FILE.items()}
    for name in GROUNDS:
        known[MARK + name] = (("ground", name), str)
        if not makes:
            known[name] = (("ground", name), str)
    if makes:
        for name, part in kind.schema["properties"].items():
            known[name] = ((PAYLOAD, name), _by_schema(part))
    return Columns(act, known)


def read_header(text: str, columns: Columns) -> Sequence[str]:
    """The names of a table's columns.

    Raises:
        BadRow: a name is not known, or is there twice.
    """
    names = [cell.strip() for cell in _cells(text)]
    if len(names) > MOST_COLUMNS:
        raise BadRow("columns", f"超过 {MOST_COLUMNS} 列。", f"There are over {MOST_COLUMNS} columns.")
    for number, name in enumerate(names, start=1):
        if name not in columns:
            known = ", ".join(columns.names)
            zh = f"第 {number} 列 {name[:60]!r} 不认识；可用：{known}。"
            raise BadRow("column", zh, f"Column {number}, {name[:60]!r}, is not known; there are: {known}.")
        if name in names[: number - 1]:
            raise BadRow("column_twice", f"列 {name} 有两个。", f"The column {name} is there twice.")
    return names


def read_record(text: str, names: Sequence[str], columns: Columns) -> Said:
    """A record of a table; an empty cell is as none.

    Raises:
        BadRow: it has another number of cells, or lacks what its act needs.
    """
    cells = _cells(text)
    if len(cells) != len(names):
        zh = f"有 {len(cells)} 格，表头有 {len(names)} 列。"
        raise BadRow("cells", zh, f"It has {len(cells)} cells where the header names {len(names)} columns.")
    content: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell:
            columns.put(content, name, cell)
    key = content.pop(KEY, None)
    if ACTS[columns.act].makes is not Makes.NOTHING and any(not name.startswith(MARK) for name in names):
        content.setdefault(PAYLOAD, {})
    try:
        msgspec.convert(content, RowContent)
    except msgspec.ValidationError as error:
        said = str(error)[:200]
        raise BadRow("cell", f"有一格写法不对：{said}。", f"A cell is not what it should be: {said}.") from None
    return said_for(key, content, columns.act)


def _cells(text: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="\n"), strict=True))
    except csv.Error as error:
        raise BadRow("csv", f"不是一行 CSV：{error}。", f"It is no record of CSV: {error}.") from None
    if len(rows) != 1:
        raise BadRow("csv", "引号用错，分不清格子。", "Quotation marks are misplaced: the cells cannot be told apart.")
    return rows[0]


def _by_schema(part: Mapping[str, Any]) -> Convert:
    """What a cell becomes. A cell that cannot become it stays text, and the schema says what is wrong with it."""
    match part.get("type"):
        case "integer":
            return _whole
        case "boolean":
            return _truth
        case "array":
            entry = _by_schema(part.get("items", {}))
            return lambda cell: _list(cell, entry)
        case "object":
            return _json
        case _:
            return str


def _whole(cell: str) -> Any:
    return int(cell) if WHOLE.fullmatch(cell) else cell


def _truth(cell: str) -> Any:
    said = cell.strip().lower()
    return said in YES if said in YES | NO else cell


def _list(cell: str, entry: Convert) -> Any:
    if cell.startswith("["):
        return _json(cell)
    return [entry(part.strip()) for part in BETWEEN.split(cell) if part.strip()]


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


OF_A_FILE: Mapping[str, Convert] = {"sha256": str, "page": _whole, "x_mm": _json, "y_mm": _json, "module_mm": _json}
"""Columns for a page that was laid out elsewhere, after `_file_`."""
