"""Reading the files of a type. What is wrong with one is appended to `found`, and None is what was read."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from certsvc.catalog.faults import Fault, Words, fault
from certsvc.catalog.locate import names_twice
from certsvc.catalog.words import SYNTAX

MAX_FILE = 256 * 1024


def read_text(place: Path, name: str, found: list[Fault]) -> str | None:
    """The text of the file `name`, seen from the folder `place`."""
    try:
        data = (place / name).read_bytes()
    except FileNotFoundError:
        found.append(fault("file_missing", name, name=Path(name).name))
        return None
    except OSError as error:
        found.append(fault("file_unreadable", name, why=error.strerror))
        return None
    if len(data) > MAX_FILE:
        found.append(fault("file_large", name))
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found.append(Fault("file_not_utf8", name, line, {"byte": error.start}))
        return None


def read_toml(place: Path, name: str, found: list[Fault]) -> dict[str, Any] | None:
    """The content of a TOML file."""
    text = read_text(place, name, found)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said, _, place_said = str(error).partition(" (at ")
        line = re.search(r"line ([0-9]+)", place_said)
        number = int(line[1]) if line else text.rstrip().count("\n") + 1
        found.append(Fault("not_toml", name, number, {"why": _plain(said)}))
        return None


def read_json(place: Path, name: str, found: list[Fault]) -> dict[str, Any] | None:
    """The object that a JSON file holds."""
    text = read_text(place, name, found)
    if text is None:
        return None
    pairs = _Pairs()
    try:
        content = json.loads(text, object_pairs_hook=pairs.take)
    except json.JSONDecodeError as error:
        found.append(Fault("not_json", name, error.lineno, {"why": _plain(error.msg)}))
        return None
    except RecursionError:
        found.append(Fault("not_json", name, 1, {"why": _plain("too many brackets in each other")}))
        return None
    if pairs.twice:
        found += [Fault("name_twice", name, line, {"name": key}) for key, line in names_twice(text)]
    if not isinstance(content, dict):
        found.append(fault("json_no_object", name))
        return None
    return content


class _Pairs:
    """Whether any object of a document had a name twice."""

    def __init__(self) -> None:
        self.twice = False

    def take(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        taken = dict(pairs)
        self.twice |= len(taken) != len(pairs)
        return taken


def _plain(said: str) -> Words:
    """What a parser says, in words of ours where we know it."""
    zh = next((words for beginning, words in SYNTAX.items() if said.startswith(beginning)), "写法不对")
    return Words(zh, said[:1].lower() + said[1:])
