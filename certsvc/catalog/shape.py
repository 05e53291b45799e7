"""Everything in a table that does not have the form its struct asks for; msgspec itself stops at the first."""

import copy
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import inspect

from certsvc.catalog.faults import Fault, Words, fault
from certsvc.catalog.locate import At

KINDS: Mapping[type, Words] = {
    str: Words("文字（写在引号里）", "text (in quotation marks)"),
    bool: Words("true 或 false", "true or false"),
    int: Words("整数", "a whole number"),
    float: Words("数", "a number"),
    list: Words("列表（写在方括号里）", "a list (in square brackets)"),
    dict: Words("一组“名称 = 值”", "a table of names and values"),
    date: Words("日期", "a date"),
    time: Words("时间", "a time"),
    object: Words("别的东西", "something else"),
}
UNREAD = {"zh": "-", "en": "-", "text": "-", "basis": "-", "note": "", "since": "-", "certainty": "local"}
"""Keys that no check reads, and what may stand there meanwhile."""

Table = TypeVar("Table", bound=msgspec.Struct)


class Shaped(Generic[Table]):
    """A table as its struct, and what is wrong with it.

    Where something is wrong the struct is there all the same; `broken` names its keys that hold nothing and must not
    be read.
    """

    def __init__(self, content: Mapping[str, Any], kind: type[Table], file: str) -> None:
        self.faults: list[Fault] = []
        try:
            self.value, self.broken = msgspec.convert(content, kind), frozenset[str]()
            return
        except msgspec.ValidationError as error:
            self.faults = list(_walk(dict(content), _form(kind), (), file)) or [_other(str(error), file)]
        repaired = copy.deepcopy(dict(content))
        rest = [found for found in self.faults if not _repair(repaired, found)]
        known, values = set(kind.__struct_fields__), dict[str, Any].fromkeys(map(_top, rest))
        for key in repaired.keys() & known - values.keys():
            try:
                values[key] = msgspec.convert(repaired[key], _hints(kind)[key])
            except msgspec.ValidationError as error:
                self.faults.append(_other(str(error).replace("`$", f"`$.{key}"), file))
                values[key] = None
        values = {key: value for key, value in values.items() if key in known}
        self.broken = frozenset(key for key, value in values.items() if value is None)
        self.value = kind(**values)


def _top(found: Fault) -> str:
    """The key of the whole table that a fault lies under."""
    return str(found.at[0] if isinstance(found.at, tuple) and found.at else found.said.get("key", ""))


def _repair(content: dict[str, Any], found: Fault) -> bool:
    """Take away what is not known, and put something for words that no check reads: the rest can be judged then."""
    at = found.at if isinstance(found.at, tuple) else ()
    key = str(found.said.get("key")) if found.code == "key_missing" else at[-1] if at else ""
    table: Any = content
    for step in at if found.code == "key_missing" else at[:-1]:
        table = table[step]
    if found.code == "key_unknown":
        del table[key]
    elif key in UNREAD and isinstance(table, dict):
        table[key] = UNREAD[str(key)]
    else:
        return False
    return True


def _other(said: str, file: str) -> Fault:
    """What only msgspec knows: it names the place as `$.number.parts[0].form`."""
    what, _, path = said.partition(" - at `$")
    steps = re.findall(r"[.]([^.\[`]+)|\[([0-9]+)\]", path)
    return fault("value_refused", file, *(key or int(number) for key, number in steps), why=what)


@cache
def _form(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _walk(value: object, form: inspect.Type, at: At, file: str) -> Iterator[Fault]:
    """Everything in `value` that does not have the form; of forms not known here msgspec says the first fault."""
    if type(form) in WALKS:
        yield from WALKS[type(form)](value, form, at, file)


def _struct(value: object, form: inspect.StructType, at: At, file: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield from _kind(value, dict, at, file)
        return
    known = {field.encode_name: field for field in form.fields}
    if form.tag_field is not None:
        known = {name: field for name, field in known.items() if name != form.tag_field}
    for key in value.keys() - known.keys() - {form.tag_field}:
        yield _unknown(key, [name for name in known if name not in value], at, file)
    for key, field in known.items():
        if key in value:
            yield from _walk(value[key], field.type, (*at, key), file)
        elif field.required:
            yield fault("key_missing", file, *at, key=key)


def _unknown(key: str, free: Sequence[str], at: At, file: str) -> Fault:
    return fault("key_unknown", file, *at, key, key=key, hint=_guess(key, free))


def _guess(written: str, known: Sequence[str]) -> Words:
    close = difflib.get_close_matches(written, known, n=1, cutoff=0.6)
    return Words(f"是不是要写“{close[0]}”？", f' Is "{close[0]}" meant?') if close else Words("", "")


def _union(value: object, form: inspect.UnionType, at: At, file: str) -> Iterator[Fault]:
    kinds = [kind for kind in form.types if not isinstance(kind, inspect.NoneType)]
    structs = {kind.tag: kind for kind in kinds if isinstance(kind, inspect.StructType) and kind.tag is not None}
    if len(kinds) == 1:
        yield from _walk(value, kinds[0], at, file)
    elif not isinstance(value, dict):
        yield from _kind(value, dict, at, file)
    else:
        tag = str(next(iter(structs.values())).tag_field)
        if tag not in value:
            yield fault("key_missing", file, *at, key=tag)
        elif value[tag] in list(structs):
            yield from _walk(value, structs[value[tag]], at, file)
        else:
            yield from _choice(value[tag], [str(name) for name in structs], (*at, tag), file)


def _list(value: object, form: inspect.VarTupleType | inspect.ListType, at: At, file: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield from _kind(value, list, at, file)
        return
    if len(value) < (form.min_length or 0):
        yield fault("list_empty", file, *at, key=at[-1])
    for number, entry in enumerate(value):
        yield from _walk(entry, form.item_type, (*at, number), file)


def _table(value: object, form: inspect.DictType, at: At, file: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield from _kind(value, dict, at, file)
        return
    for key, entry in value.items():
        yield from _walk(key, form.key_type, (*at, key), file)
        yield from _walk(entry, form.value_type, (*at, key), file)


def _choice(value: object, choices: list[Any], at: At, file: str) -> Iterator[Fault]:
    if value not in choices:
        hint = _guess(str(value), choices)
        yield fault("choice_unknown", file, *at, key=_name(at), found=value, choices=choices, hint=hint)


def _text(value: object, form: inspect.StrType, at: At, file: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield from _kind(value, str, at, file)
    elif len(value) < (form.min_length or 0):
        yield fault("text_empty", file, *at, key=_name(at))
    elif form.max_length is not None and len(value) > form.max_length:
        yield fault("text_long", file, *at, key=_name(at), most=form.max_length, found=len(value))


def _number(value: object, form: inspect.IntType | inspect.FloatType, at: At, file: str) -> Iterator[Fault]:
    whole = isinstance(form, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        yield from _kind(value, int if whole else float, at, file)
        return
    if form.gt is not None and value <= form.gt:
        least = Words(f"大于 {form.gt:g}", f"more than {form.gt:g}")
        yield fault("number_small", file, *at, key=_name(at), least=least)
    if form.ge is not None and value < form.ge:
        least = Words(f"至少为 {form.ge:g}", f"at least {form.ge:g}")
        yield fault("number_small", file, *at, key=_name(at), least=least)
    if form.le is not None and value > form.le:
        yield fault("number_large", file, *at, key=_name(at), most=f"{form.le:g}")


def _kind(value: object, wanted: type, at: At, file: str) -> Iterator[Fault]:
    if type(value) is not wanted:
        found = next(words for kind, words in KINDS.items() if isinstance(value, kind))
        yield fault("kind_wrong", file, *at, key=_name(at), wanted=KINDS[wanted], found=found)


def _whether(value: object, form: inspect.BoolType, at: At, file: str) -> Iterator[Fault]:
    yield from _kind(value, bool, at, file)


def _member(value: object, form: inspect.EnumType | inspect.LiteralType, at: At, file: str) -> Iterator[Fault]:
    choices = [each.value for each in form.cls] if isinstance(form, inspect.EnumType) else list(form.values)
    yield from _choice(value, choices, at, file)


WALKS: Mapping[type, Callable[[Any, Any, At, str], Iterator[Fault]]] = {
    inspect.StructType: _struct,
    inspect.UnionType: _union,
    inspect.VarTupleType: _list,
    inspect.ListType: _list,
    inspect.DictType: _table,
    inspect.EnumType: _member,
    inspect.LiteralType: _member,
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: _whether,
}


def _name(at: At) -> str:
    """What people call the place: the key, and in a list which entry."""
    if at and isinstance(at[-1], int):
        return f"{_name(at[:-1])}[{at[-1] + 1}]"
    return str(at[-1]) if at else ""
