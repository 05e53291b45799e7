"""Everything wrong with a payload, by field, in both languages: JSON Schema, plain text, then rules across fields."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from certsvc.catalog.definition import Definition
from certsvc.catalog.formats import PARSERS, format_fault, is_printable
from certsvc.errors import Problem

WORDS: Mapping[str, tuple[str, str]] = {
    "required": ("必须填写", "must be given"),
    "type": ("应为{types}", "must be {types}"),
    "maxLength": ("超过 {limit} 个字", "has more than {limit} characters"),
    "minLength": ("至少要 {limit} 个字", "needs at least {limit} characters"),
    "pattern": ("格式不对，应符合 {pattern}", "does not have the form {pattern}"),
    "enum": ("只能是 {options} 之一", "must be one of {options}"),
    "const": ("只能是 {expected_value}", "must be {expected_value}"),
    "minimum": ("不能小于 {limit}", "must be at least {limit}"),
    "maximum": ("不能大于 {limit}", "must be at most {limit}"),
    "minItems": ("至少要 {limit} 项", "needs at least {limit} items"),
    "maxItems": ("最多 {limit} 项", "takes at most {limit} items"),
    "uniqueItems": ("有重复的项", "has an item twice"),
    "additionalProperties": ("这种证照没有这一项", "is not a field of this certificate"),
    "characters": (
        "有印不出来的字符（控制符、零宽字符、多余的空格等），请重新输入",
        "holds characters that do not print (control or zero-width characters, extra spaces): type it again",
    ),
}
TYPES = {
    "string": ("文字", "text"),
    "integer": ("整数", "a whole number"),
    "array": ("列表", "a list"),
    "object": ("一组字段", "an object of fields"),
    "boolean": ("是或否", "true or false"),
}


def make_validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator that knows our formats. Raises `ValueError` for a wrong schema."""

    def checker(name: str) -> Any:
        return lambda text: format_fault(name, text) is None

    formats = {name: checker(name) for name in PARSERS}
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True, formats=formats)


def find_problems(
    validator: jsonschema_rs.Draft202012Validator, definition: Definition, payload: Mapping[str, Any]
) -> list[Problem]:
    """All problems of a payload. A rule across fields is asked only when each of its fields is there and sound."""
    labels = _labels(definition)
    found = [_problem(labels, path, "characters", {}) for path, value in _leaves(payload) if not _is_plain(value)]
    if any(isinstance(value, str) and not _is_unicode(value) for _, value in _leaves(payload)):
        return found
    found += [problem for error in validator.iter_errors(payload) for problem in _translate(labels, error)]
    sound = set(payload if isinstance(payload, dict) else ()) - {problem.field.partition(".")[0] for problem in found}
    asked = [rule for rule in definition.rules if {rule.field, *rule.others} <= sound]
    return found + [Problem(rule.field, rule.code, rule.zh, rule.en) for rule in asked if not rule.holds(payload)]


def named_fields(definition: Definition, problems: Sequence[Problem]) -> tuple[str, str]:
    """The fields that have problems, each once, as people call them: in Chinese and English."""
    labels = _labels(definition)
    named = dict.fromkeys(_label(labels, problem.field) for problem in problems)
    return "、".join(zh for zh, _ in named), ", ".join(en for _, en in named)


def _labels(definition: Definition) -> dict[str, tuple[str, str]]:
    return {field.key: (field.zh, field.en) for field in definition.fields}


def _translate(labels: Mapping[str, tuple[str, str]], error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    kind, detail = error.kind.name, error.kind.as_dict()
    path = ".".join(str(step) for step in error.instance_path)
    if kind == "format":
        fault = format_fault(detail["format"], str(error.instance)) or ("", "")
        zh, en = _label(labels, path)
        yield Problem(path, kind, f"{zh}：{fault[0]}", f"{en}: {fault[1]}")
        return
    names = detail.get("unexpected") or ([detail["property"]] if kind == "required" else [""])
    for name in names:
        yield _problem(labels, ".".join(part for part in (path, name) if part), kind, detail)


def _problem(labels: Mapping[str, tuple[str, str]], path: str, kind: str, detail: Mapping[str, Any]) -> Problem:
    (zh, en), (said_zh, said_en) = _label(labels, path), WORDS.get(kind, ("不合要求", "is not acceptable"))
    zh_detail, en_detail = dict(detail), dict(detail)
    if "options" in detail:
        zh_detail["options"], en_detail["options"] = (
            "、".join(map(str, detail["options"])),
            ", ".join(map(str, detail["options"])),
        )
    if "types" in detail:
        zh_detail["types"], en_detail["types"] = TYPES[detail["types"][0]]
    return Problem(path, kind, f"{zh}{said_zh.format(**zh_detail)}。", f"{en} {said_en.format(**en_detail)}.")


def _label(labels: Mapping[str, tuple[str, str]], path: str) -> tuple[str, str]:
    """How people call a field: its label on the face, and which entry of a list."""
    key, _, rest = path.partition(".")
    zh, en = labels.get(key, (path or "内容", path or "The content"))
    return (f"{zh}第 {int(rest) + 1} 项", f"{en}, item {int(rest) + 1}") if rest.isdecimal() else (zh, en)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value that is neither a list nor an object, with its path."""
    if isinstance(value, Mapping):
        steps: Sequence[tuple[object, object]] = tuple(value.items())
    elif isinstance(value, list):
        steps = tuple(enumerate(value))
    else:
        yield path, value
        return
    for step, child in steps:
        yield from _leaves(child, f"{path}.{step}" if path else str(step))


def _is_plain(value: object) -> bool:
    """Texts must print as they are; a fraction such as 46.0 passes for a whole number but does not print as one."""
    return is_printable(value) if isinstance(value, str) else not isinstance(value, float)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell
        return False
    return True
