"""Everything wrong with a payload, by field, in both languages: JSON Schema first, then the rules across fields."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import jsonschema_rs

from certsvc.catalog.definition import Definition, Rule
from certsvc.errors import CertsvcError, Problem
from certsvc.ids import parse_citizen_id, parse_uscc

WORDS: Mapping[str, tuple[str, str]] = {
    "required": ("必须填写", "must be given"),
    "type": ("类型不对", "is of the wrong kind"),
    "maxLength": ("超过 {limit} 个字", "has more than {limit} characters"),
    "minLength": ("至少要 {limit} 个字", "needs at least {limit} characters"),
    "pattern": ("格式不对，应符合 {pattern}", "does not have the form {pattern}"),
    "enum": ("只能是 {options} 之一", "must be one of {options}"),
    "minimum": ("不能小于 {limit}", "must be at least {limit}"),
    "maximum": ("不能大于 {limit}", "must be at most {limit}"),
    "minItems": ("至少要 {limit} 项", "needs at least {limit} items"),
    "maxItems": ("最多 {limit} 项", "takes at most {limit} items"),
    "uniqueItems": ("不能重复", "has an item twice"),
    "format": ("不是正确的{format}", "is no correct {format}"),
    "additionalProperties": ("没有这一项", "is not a field of this certificate"),
}


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (CertsvcError, ValueError):
            return False
        return True

    return check


FORMATS = {"uscc": _parses(parse_uscc), "citizen-id": _parses(parse_citizen_id), "date": _parses(date.fromisoformat)}


def make_validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator that knows our formats. Raises `ValueError` for a wrong schema."""
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True, formats=FORMATS)


def find_problems(
    validator: jsonschema_rs.Draft202012Validator, definition: Definition, payload: Mapping[str, Any]
) -> list[Problem]:
    """All problems of a payload, in the order of the schema's findings; no rule is asked of a field already wrong."""
    found = [problem for error in validator.iter_errors(payload) for problem in _translate(error)]
    wrong = {problem.field for problem in found}
    broken = [
        Problem(rule.field, rule.rule, rule.zh, rule.en)
        for rule in definition.rules
        if rule.field not in wrong and rule.field in payload and not _holds(rule, payload)
    ]
    return found + broken


def _translate(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    kind, detail = error.kind.name, error.kind.as_dict()
    path = ".".join(str(step) for step in error.instance_path)
    zh, en = WORDS.get(kind, ("不合要求", "is not acceptable"))
    names = detail.get("unexpected") or ([detail["property"]] if kind == "required" else [""])
    for name in names:
        field = ".".join(part for part in (path, name) if part)
        words = {key: value for key, value in detail.items() if key in {"limit", "pattern", "options", "format"}}
        yield Problem(field, kind, f"{field}：{zh.format(**words)}。", f"{field} {en.format(**words)}.")


def _holds(rule: Rule, payload: Mapping[str, Any]) -> bool:
    value = payload[rule.field]
    if rule.rule == "prefix":
        return str(value).startswith(str(rule.value))
    if rule.rule == "not_before":
        return rule.value not in payload or str(value) >= str(payload[str(rule.value)])
    start, years = _start_and_years(rule, payload)
    return start is None or date.fromisoformat(str(value)) < _years_after(start, years)


def _start_and_years(rule: Rule, payload: Mapping[str, Any]) -> tuple[date | None, int]:
    field, _, years = str(rule.value).partition("+")
    return (date.fromisoformat(str(payload[field])) if field in payload else None), int(years)


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)
