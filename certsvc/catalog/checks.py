"""What the files of a type must agree on. Each check yields what is wrong, with the place, in words for an engineer."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from certsvc.catalog.definition import Definition, NumberTable
from certsvc.catalog.formats import PARSERS
from certsvc.catalog.rules import CountOf, MostYears, NotBefore, Prefix
from certsvc.domain.certificate import Category
from certsvc.domain.masking import RULES
from certsvc.domain.token import MAX_TYPE
from certsvc.errors import CertsvcError
from certsvc.ids import parse_type_code

WIDEST_SEAL_MM = 45.0
CODE_FORMATS = {"001": "uscc", "111": "citizen-id"}
"""The format of a holder's code by its kind (GB/T 36903 Annex A)."""

LIMITS: Mapping[str, set[str]] = {
    "string": {"maxLength"},
    "integer": {"minimum", "maximum"},
    "array": {"items", "maxItems"},
    "boolean": set(),
}
"""The kinds of value a field may have, and what bounds each; a format bounds a text by itself."""

KEYWORDS = set(
    "type enum const format pattern minLength maxLength minimum maximum items minItems maxItems uniqueItems".split()
)
"""What the schema of a field may say: problems have words for each of these, and none lets in what is not named."""

WHOLE = {"$schema", "type", "additionalProperties", "required", "properties"}

PLACEHOLDER = re.compile(r"\{(\w+)\}|\{(serial):0[1-9]\}")
IN_TEMPLATE = {"area", "year", "serial", "check"}
Schema = Mapping[str, Any]


def faults(definition: Definition, schema: Schema) -> Iterator[str]:
    """Everything wrong with a definition and its schema; nothing when they may be used."""
    keys = [field.key for field in definition.fields]
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or properties.keys() != set(keys):
        odd = sorted(set(keys) ^ set(properties if isinstance(properties, dict) else ()))
        yield f"the properties of payload.schema.json and the fields of type.toml differ: {odd}"
        return
    if len(keys) != len(set(keys)):
        yield "a field stands twice"
    found = list(_open(schema))
    yield from found
    if not found:
        for check in CHECKS:
            yield from check(definition, schema)


def _open(schema: Schema) -> Iterator[str]:
    """Every part of a schema that lets in a value of any size, or something not named."""
    if schema.get("additionalProperties") is not False:
        yield "payload: additionalProperties must be false"
    if not isinstance(schema.get("required", []), list):
        yield "payload: required must be a list"
    if odd := sorted(schema.keys() - WHOLE):
        yield f"payload: {odd} cannot be used"
    for name, part in schema["properties"].items():
        yield from _unbounded(part, name)


def _unbounded(part: object, path: str) -> Iterator[str]:
    if not isinstance(part, dict):
        yield f"{path}: it must be a schema"
        return
    if odd := sorted(part.keys() - KEYWORDS):
        yield f"{path}: {odd} cannot be used"
    choices = part.get("enum", [part["const"]] if "const" in part else None)
    if choices is None:
        yield from _kind(part, path)
    elif not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        yield f"{path}: enum and const must be texts"


def _kind(part: Schema, path: str) -> Iterator[str]:
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in LIMITS:
        yield f"{path}: type must be one of {sorted(LIMITS)}"
    elif "format" in part:
        if kind != "string" or str(part["format"]) not in PARSERS:
            yield f"{path}: unknown format {part['format']}"
    elif not LIMITS[kind] <= part.keys():
        yield f"{path}: {kind} needs {sorted(LIMITS[kind])}"
    elif kind == "array":
        yield from _unbounded(part["items"], f"{path} items")


def _identity(definition: Definition, schema: Schema) -> Iterator[str]:
    if not 1 <= definition.type_number <= MAX_TYPE:
        yield f"type_number must be 1 to {MAX_TYPE}"
    try:
        parse_type_code(definition.type_code)
    except CertsvcError as error:
        yield f"type_code: {error.en}"
    if (definition.category is Category.PERMIT) != (definition.licence_field is not None):
        yield "licence_field belongs to permits, and to every permit"
    elif definition.licence_field is not None:
        yield from _must(schema, "licence_field", definition.licence_field, "uscc")


def _holder(definition: Definition, schema: Schema) -> Iterator[str]:
    holder = definition.holder
    yield from _must(schema, "holder.name", holder.name, None, kind="string")
    yield from _must(schema, "holder.code", holder.code, CODE_FORMATS.get(holder.code_kind), kind="string")
    masks = {field.key: field.public for field in definition.fields if field.public} | {holder.name: holder.public}
    for key, mask in masks.items():
        if mask not in RULES:
            yield f"{key}: there is no masking rule {mask}"


def _dates(definition: Definition, schema: Schema) -> Iterator[str]:
    term = definition.term
    yield from _must(schema, "term.start", term.start, "date")
    if term.end is not None:
        yield from _must(schema, "term.end", term.end, "date", required=False)
        if not any(
            isinstance(rule, NotBefore) and (rule.field, rule.start) == (term.end, term.start)
            for rule in definition.rules
        ):
            yield f"a rule must say that {term.end} is not_before {term.start}"


def _rules(definition: Definition, schema: Schema) -> Iterator[str]:
    for rule in definition.rules:
        what = f"rule {rule.code}"
        match rule:
            case NotBefore() | MostYears():
                for field in (rule.field, rule.start):
                    yield from _must(schema, what, field, "date", required=False)
            case CountOf():
                yield from _must(schema, what, rule.field, None, kind="integer", required=False)
                yield from _must(schema, what, rule.list, None, kind="array", required=False)
            case Prefix():
                yield from _must(schema, what, rule.field, None, kind="string", required=False)


def _number(definition: Definition, schema: Schema) -> Iterator[str]:
    number = definition.number
    if (number.field is None) == (number.template is None):
        yield "number needs one of field and template"
    if number.field is not None:
        yield from _must(schema, "number.field", number.field, None, kind="string")
    if number.template is not None:
        yield from _template(number.template, number)
    for field, codes in number.codes.items():
        yield from _must(schema, f"number.codes.{field}", field, None)
        if codes.keys() != set(schema["properties"].get(field, {}).get("enum", ())):
            yield f"number.codes.{field} must cover the values of the field, and no others"


def _template(template: str, number: NumberTable) -> Iterator[str]:
    names = [plain or serial for plain, serial in PLACEHOLDER.findall(template)]
    known = IN_TEMPLATE | number.codes.keys()
    if re.search(r"[{}]", PLACEHOLDER.sub("", template)):
        yield "number.template: a brace opens or closes nothing"
    for name in names:
        if name not in known:
            yield f"number.template: {{{name}}} is none of {sorted(known)}"
    if names.count("serial") != 1 or names.count("check") != (number.check is not None):
        yield "number.template needs {serial}, and {check} where number.check names the rule"


def _layouts(definition: Definition, schema: Schema) -> Iterator[str]:
    names = [layout.name for layout in definition.layouts]
    if not names or len(names) != len(set(names)) or not all(re.fullmatch(r"[a-z0-9-]{1,20}", name) for name in names):
        yield "layouts need names of a to z, each once"
    reach = WIDEST_SEAL_MM / 2
    for layout in definition.layouts:
        seal = layout.seal
        across, down = reach <= seal.x_mm <= layout.width_mm - reach, reach <= seal.y_mm <= layout.height_mm - reach
        if seal.page != 1 or not (across and down):
            yield f"layout {layout.name}: a seal of {WIDEST_SEAL_MM} mm would stick out of the page"


def _must(
    schema: Schema, what: str, field: str, format_name: str | None, *, kind: str | None = None, required: bool = True
) -> Iterator[str]:
    part = schema["properties"].get(field)
    if part is None:
        yield f"{what}: there is no field {field}"
    elif format_name is not None and part.get("format") != format_name:
        yield f"{what}: the field {field} must have the format {format_name}"
    elif kind is not None and part.get("type") != kind:
        yield f"{what}: the field {field} must have the type {kind}"
    elif required and field not in schema.get("required", ()):
        yield f"{what}: the field {field} must be required"


CHECKS: tuple[Callable[[Definition, Schema], Iterator[str]], ...] = (
    _identity,
    _holder,
    _dates,
    _rules,
    _number,
    _layouts,
)
