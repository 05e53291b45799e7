"""Files of organs and of first appointments, CSV or TOML: read whole, and everything wrong is said by file and line."""

import csv
import io
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from certsvc.authority.seal_plan import parse_person
from certsvc.domain.organ import Organ, OrganDuty, OrganKind
from certsvc.errors import InvalidInput, Problem
from certsvc.ids import Uscc, parse_uscc

MOST_BYTES, MOST_ROWS, LONGEST_CELL = 4 * 1024 * 1024, 20_000, 400
ORGAN_CELLS = ("uscc", "kind", "name", "area", "town", "number_word", "seal")
DUTY_CELLS = ("organ", "person", "duty", "first_day")
NEEDED = {"uscc", "kind", "name", "area", "organ", "person", "duty"}
Parsed = TypeVar("Parsed")
AREA = re.compile(r"[0-9]{6}", re.ASCII)
WORD = re.compile(r"[\u4e00-\u9fff]{2,8}")


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file: where it stands, and its cells without blanks around them; empty ones are left out."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """A first appointment, as a file has it."""

    line: int
    organ: Uscc
    person: str
    duty: OrganDuty
    first_day: date | None


class Faults:
    """What is wrong with a file, by line."""

    def __init__(self, path: Path) -> None:
        self._path, self._found = path, list[tuple[int, Problem]]()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, zh: str, en: str) -> None:
        """One thing more."""
        self._found.append((line, Problem(f"{self._path}:{line}", "wrong", zh, en)))

    def stop(self) -> None:
        """Say all of it, if there is any.

        Raises:
            InvalidInput: with every problem.
        """
        if self._found:
            zh = f"{self._path} 有 {len(self)} 处问题，没有登记任何内容。"
            en = f"{len(self)} things are wrong with {self._path}: nothing was put on record."
            raise InvalidInput(zh, en, problems=[each for _, each in sorted(self._found, key=lambda one: one[0])])


def read_organs(path: Path, known: Mapping[Uscc, Organ]) -> list[Organ]:
    """The organs of a file, cities and towns first; a town is in the file, or on record already.

    Raises:
        InvalidInput: with everything that is wrong, by file and line.
    """
    faults, found = Faults(path), dict[Uscc, tuple[int, Organ]]()
    words: dict[str, int] = {}
    for row in read_rows(path, "organ", ORGAN_CELLS, faults):
        organ = _organ(row, faults)
        if organ is None:
            continue
        if organ.uscc in found:
            first = found[organ.uscc][0]
            faults.add(row.line, f"与第 {first} 行是同一单位。", f"The same organ as on line {first}.")
            continue
        for name in filter(None, (organ.number_word, organ.seal_id)):
            if words.setdefault(name, row.line) != row.line:
                faults.add(row.line, f"{name} 在第 {words[name]} 行已用。", f"{name} is on line {words[name]} as well.")
        found[organ.uscc] = row.line, organ
    everything = {**known, **{uscc: organ for uscc, (_, organ) in found.items()}}
    for line, organ in found.values():
        _check_place(line, organ, everything, known, faults)
    faults.stop()
    return sorted((organ for _, organ in found.values()), key=lambda organ: organ.kind is OrganKind.VILLAGE)


def read_firsts(path: Path, known: Collection[Uscc], accounts: Collection[str]) -> list[First]:
    """The first appointments of a file; organs and accounts are on record already.

    Raises:
        InvalidInput: with everything that is wrong, by file and line.
    """
    faults, found = Faults(path), []
    for row in read_rows(path, "appointment", DUTY_CELLS, faults):
        first = _first(row, faults)
        if first is None:
            continue
        if first.organ not in known:
            faults.add(row.line, f"没有登记单位 {first.organ}。", f"There is no organ {first.organ} on record.")
        if first.person not in accounts:
            zh, en = "没有可用的账号（./dev accounts add）。", "has no account that may sign in (./dev accounts add)."
            faults.add(row.line, f"{first.person}{zh}", f"{first.person} {en}")
        found.append(first)
    faults.stop()
    return found


def read_rows(path: Path, table: str, cells: Sequence[str], faults: Faults) -> list[Row]:
    """The records of a CSV file with a head, or the tables `[[table]]` of a TOML file.

    Raises:
        InvalidInput: it is neither, too large, or empty.
    """
    raw = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
    try:
        text = raw.decode("utf-8-sig")
        rows = _toml(text, table) if path.suffix == ".toml" else _csv(text)
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InvalidInput(f"{path}：读不出来：{error}", f"{path} cannot be read: {error}") from None
    if not 0 < len(rows) <= MOST_ROWS:
        raise InvalidInput(
            f"{path}：应有 1 至 {MOST_ROWS} 条，UTF-8，不超过 4 MiB。",
            f"{path} has 1 to {MOST_ROWS} records in UTF-8, and at most 4 MiB.",
        )
    return [row for row in rows if _is_whole(row, cells, faults)]


def _toml(text: str, table: str) -> list[Row]:
    tables = tomllib.loads(text).get(table, [])
    heads = [n for n, line in enumerate(text.splitlines(), 1) if line.split("#")[0].strip() == f"[[{table}]]"]
    if not isinstance(tables, list) or len(heads) != len(tables):
        raise ValueError(f"[[{table}]]")
    return [
        Row(line, {str(name): str(value).strip() for name, value in each.items() if str(value).strip()})
        for line, each in zip(heads, tables, strict=True)
    ]


def _csv(text: str) -> list[Row]:
    reader, rows = csv.DictReader(io.StringIO(text, newline=""), restkey="?", strict=True), []
    for each in reader:
        cells = {str(name).strip(): str(value).strip() for name, value in each.items() if value}
        rows.append(Row(reader.line_num, {name: value for name, value in cells.items() if value}))
    return rows


def _is_whole(row: Row, cells: Sequence[str], faults: Faults) -> bool:
    before = len(faults)
    for name in sorted(row.cells.keys() - {*cells}):
        faults.add(row.line, f"没有 {name} 这一栏，应为 {', '.join(cells)}。", f"No such cell: {name}.")
    for name in cells:
        if name in NEEDED and name not in row.cells:
            faults.add(row.line, f"缺少 {name}。", f"{name} is missing.")
        elif len(row.cells.get(name, "")) > LONGEST_CELL:
            faults.add(row.line, f"{name} 太长。", f"{name} is too long.")
    return len(faults) == before


def _organ(row: Row, faults: Faults) -> Organ | None:
    cells, before = row.cells, len(faults)
    uscc = _parsed(row, "uscc", parse_uscc, faults)
    town = _parsed(row, "town", parse_uscc, faults) if "town" in cells else None
    kind = _parsed(row, "kind", OrganKind, faults)
    word = cells.get("number_word")
    if not AREA.fullmatch(cells["area"]):
        faults.add(row.line, "area 是六位行政区划代码。", "area is six figures (GB/T 2260).")
    if word is not None and not WORD.fullmatch(word):
        faults.add(
            row.line, "number_word 是二至八个汉字，如 石塘村。", "number_word is two to eight Chinese characters."
        )
    if len(faults) > before or uscc is None or kind is None:
        return None
    return Organ(
        uscc=uscc,
        kind=kind,
        name=cells["name"],
        area=cells["area"],
        town=town,
        number_word=word,
        seal_id=cells.get("seal"),
    )


def _check_place(
    line: int, organ: Organ, everything: Mapping[Uscc, Organ], known: Mapping[Uscc, Organ], faults: Faults
) -> None:
    before = known.get(organ.uscc)
    if before is not None and (before.kind, before.area) != (organ.kind, organ.area):
        faults.add(line, "单位的类别和区划登记后不能改。", "Kind and area of an organ on record stay as they are.")
    if organ.town is None:
        return
    town = everything.get(organ.town)
    if organ.kind is not OrganKind.VILLAGE or town is None or town.kind is not OrganKind.TOWN:
        faults.add(
            line, f"town {organ.town} 不是已登记的镇街。", f"town {organ.town} is no town in the file or on record."
        )


def _first(row: Row, faults: Faults) -> First | None:
    organ, duty = _parsed(row, "organ", parse_uscc, faults), _parsed(row, "duty", OrganDuty, faults)
    person = _parsed(row, "person", parse_person, faults)
    day = _parsed(row, "first_day", date.fromisoformat, faults) if "first_day" in row.cells else None
    if organ is None or duty is None or person is None or (day is None and "first_day" in row.cells):
        return None
    return First(line=row.line, organ=organ, person=person, duty=duty, first_day=day)


def _parsed(row: Row, name: str, parse: Callable[[str], Parsed], faults: Faults) -> Parsed | None:
    try:
        return parse(row.cells[name])
    except InvalidInput as error:
        faults.add(row.line, f"{name}：{error.zh}", f"{name}: {error.en}")
    except ValueError:
        faults.add(row.line, f"{name} 不能是 {row.cells[name][:40]}。", f"{name} cannot be {row.cells[name][:40]}.")
    return None
