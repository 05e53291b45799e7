"""What can be wrong with the files of a type: a stable code, the file, the place in it; words and line come last."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certsvc.catalog.locate import At, line_of
from certsvc.catalog.words import words

TYPE, SCHEMA, FACE, POLICY, EXAMPLES = "type.toml", "payload.schema.json", "face.typ", "../policy.toml", "examples"
"""The files of a type, as seen from the folder of a version."""

UNFINISHED = frozenset({"todo", "example_borrowed", "example_name", "examples_few"})
"""What is still to be done before a type is published; it loads all the same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in `file`, at the keys `at` from the outside in, or on a line. `said` fills the words."""

    code: str
    file: str
    at: At | int = ()
    said: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeProblem:
    """A fault for people: what is wrong and what to do, in both languages, on `line` (from 1) of `file`."""

    file: Path
    line: int
    code: str
    zh: str
    en: str

    @property
    def stops(self) -> bool:
        """Whether nothing may be issued with such a type."""
        return self.code not in UNFINISHED


def fault(code: str, file: str, *at: str | int, **said: object) -> Fault:
    """A fault at a place in a file."""
    return Fault(code, file, at, said)


def explain(found: Fault, place: Path) -> TypeProblem:
    """The fault in words, its file seen from the folder `place`."""
    zh, en = words()[found.code]
    file = Path(os.path.normpath(place / found.file))
    line = found.at if isinstance(found.at, int) else line_of(file, found.at)
    in_zh = {name: _joined(value, "、") for name, value in found.said.items()}
    in_en = {name: _joined(value, ", ") for name, value in found.said.items()}
    return TypeProblem(file=file, line=line, code=found.code, zh=zh.format(**in_zh), en=en.format(**in_en))


def _joined(value: object, between: str) -> object:
    """Lists as people write them; of a pair of texts for the two languages the right one."""
    if isinstance(value, Words):
        return value.zh if between == "、" else value.en
    return between.join(map(str, value)) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a message that has its own words in each language."""

    zh: str
    en: str
