"""On which line of a TOML or JSON file a value stands: tomllib and json give no places.

One small scanner reads both. The text must be sound; lines are asked only where something is wrong, so it may be slow.
"""

import json
import re
from bisect import bisect_right
from pathlib import Path

At = tuple[str | int, ...]
"""Where in a file: keys, and places in lists from 0, from the outside in."""

BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
TEXT = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.S)
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
BARE_VALUE = re.compile(r"[^\s,\]}#]+(?: [0-9][0-9:.+Z-]*)?")
HEADER_END, KEY_END = re.compile(r"[ \t]*\]{1,2}"), re.compile(r"[ \t]*[=:]\s*")
SPACE, DOT = re.compile(r"[ \t]*"), re.compile(r"[ \t]*\.[ \t]*")


def line_of(file: Path, at: At) -> int:
    """The line (from 1) of the value at the keys `at`, or of the nearest part around it that is there."""
    read = {".toml": toml_lines, ".json": json_lines}.get(file.suffix)
    if not at or read is None:
        return 1
    try:
        lines = read(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return 1
    return next((lines[at[:length]] for length in range(len(at), 0, -1) if at[:length] in lines), 1)


def toml_lines(text: str) -> dict[At, int]:
    """The line of every table, key and entry of a TOML document."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def json_lines(text: str) -> dict[At, int]:
    """The line of every key and entry of a JSON document."""
    scanner = _Scanner(text)
    scanner.value(())
    return scanner.lines


def names_twice(text: str) -> list[tuple[str, int]]:
    """The names that stand again in one object of a JSON document, with the line: json takes the last in silence."""
    scanner = _Scanner(text)
    scanner.value(())
    return scanner.twice


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[At, int] = {}
        self.twice: list[tuple[str, int]] = []
        self._text, self._place = text, 0
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._counts: dict[At, int] = {}

    def document(self) -> None:
        table: At = ()
        while self._goes_on(""):
            if self._text.startswith("[", self._place):
                table = self._header()
            else:
                self._pair(table)

    def value(self, at: At) -> None:
        self._take(BLANK)
        if self._text.startswith("[", self._place):
            self._place += 1
            number = 0
            while self._goes_on("]"):
                self._note((*at, number), self._place)
                self.value((*at, number))
                number += 1
        elif self._text.startswith("{", self._place):
            self._place += 1
            while self._goes_on("}"):
                self._pair(at)
        elif not self._take(TEXT):
            self._take(BARE_VALUE)

    def _header(self) -> At:
        here, many = self._place, self._text.startswith("[[", self._place)
        self._place += 2 if many else 1
        names = self._key()
        self._take(HEADER_END)
        at: At = ()
        for name in names[:-1]:
            self._note((*at, name), here)
            at = self._newest((*at, name))
        at = (*at, names[-1])
        if many:
            self._counts[at] = self._counts.get(at, 0) + 1
        self._note(at, here)
        self._note(self._newest(at), here)
        return self._newest(at)

    def _newest(self, at: At) -> At:
        """The newest entry where `at` is a list of tables."""
        return (*at, self._counts[at] - 1) if at in self._counts else at

    def _pair(self, table: At) -> None:
        here, at = self._place, (*table, *self._key())
        if at in self.lines:
            self.twice.append((str(at[-1]), bisect_right(self._starts, here)))
        for length in range(len(table) + 1, len(at) + 1):
            self._note(at[:length], here)
        self._take(KEY_END)
        self.value(at)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._take(SPACE)
            names.append(_plain(self._take(TEXT) or self._take(BARE_KEY)))
            if not self._take(DOT):
                return names

    def _goes_on(self, end: str) -> bool:
        """Go past spaces, commas, remarks and `end`; whether there is more before it. Ends in unsound text too."""
        self._take(BLANK)
        if end and self._text.startswith(end, self._place):
            self._place += 1
            return False
        stuck = self._place < len(self._text) and not re.match(r"[^\]},:=]", self._text[self._place])
        return self._place < len(self._text) and not stuck

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._place)
        self._place = found.end() if found else self._place
        return found[0] if found else ""

    def _note(self, at: At, place: int) -> None:
        self.lines.setdefault(at, bisect_right(self._starts, place))


def _plain(key: str) -> str:
    """A key without its quotes."""
    if key.startswith('"'):
        try:
            return str(json.loads(key))
        except json.JSONDecodeError:
            return key[1:-1]
    return key[1:-1] if key.startswith("'") else key
