"""TOML as people write it in `schemas/`: tables in the order given, and a remark above what it is about."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from certsvc.catalog.locate import At

Remarks = Mapping[At, str]
ON_ONE_LINE = {"seal", "defining_authority", "facts", "longer"}
"""Tables that are written in braces behind their name."""

ONE_A_LINE = {"parts"}
"""Lists of tables that are written in brackets, one table a line."""


def write_toml(content: Mapping[str, Any], remarks: Remarks, head: str = "") -> str:
    """A document that reads back as `content`. A remark stands above its key or table; `head` above them all."""
    lines = [f"# {line}" for line in head.splitlines()] + [*_table(content, (), remarks)]
    return "\n".join(lines) + "\n"


def _table(content: Mapping[str, Any], at: At, remarks: Remarks) -> Iterator[str]:
    """The simple values first, because what follows a table belongs to it."""
    for key, value in content.items():
        if not _stands_alone(key, value):
            yield from _remark((*at, key), remarks)
            yield f"{_key(key)} = {_list(value) if key in ONE_A_LINE and isinstance(value, list) else _value(value)}"
    for key, value in content.items():
        if _stands_alone(key, value):
            tables = value if isinstance(value, list) else [value]
            for place, table in enumerate(tables):
                here = (*at, key, place) if isinstance(value, list) else (*at, key)
                name = ".".join(_key(str(step)) for step in (*at, key) if isinstance(step, str))
                yield ""
                yield from _remark(here, remarks)
                yield f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
                yield from _table(table, here, remarks)


def _stands_alone(key: str, value: object) -> bool:
    if isinstance(value, list):
        return key not in ONE_A_LINE and bool(value) and all(isinstance(entry, dict) for entry in value)
    return isinstance(value, dict) and key not in ON_ONE_LINE


def _remark(at: At, remarks: Remarks) -> list[str]:
    return [f"# {remarks[at]}"] if at in remarks else []


def _list(value: list[Any]) -> str:
    return "[\n" + "".join(f"  {_value(entry)},\n" for entry in value) + "]"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return "{ " + ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items()) + " }"
        case _:
            return str(value)


def _text(text: str) -> str:
    """In single quotation marks where that saves backslashes."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if key and all(c.isascii() and (c.isalnum() or c in "-_") for c in key) else _text(key)
