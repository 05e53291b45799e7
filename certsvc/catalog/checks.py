"""What the files of a type must agree on. Each check yields what is wrong, with the place, in words for an engineer."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from certsvc.catalog.definition import Definition
from certsvc.catalog.formats import PARSERS
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
    "array": {"maxItems"},
    "object": {"properties"},
    "boolean": set(),
}
"""What bounds a value of each kind; a format bounds a text by itself."""

IN_TEMPLATE = {"area", "year", "serial", "check"}
Schema = Mapping[str, Any]


def faults(definition: Definition, schema: Schema) -> Iterator[str]:
    """Everything wrong with a definition and its schema; nothing when they may be used."""
    keys = [field.key for field in definition.fields]
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or properties.keys() != set(keys):
        odd = sorted(set(keys) ^ set(properties or ()))
        yield f"the properties of payload.schema.json and the fields of type.toml differ: {odd}"
        return
    if len(keys) != len(set(keys)):
        yield "a field stands twice"
    yield from unbounded(schema, "payload")
    for check in CHECKS:
        yield from check(definition, schema)


def unbounded(schema: Schema, path: str) -> Iterator[str]:
    """Every part of a schema that lets in a value of any size, or something not named."""
    kind = schema.get("type")
    if kind not in LIMITS and not {"enum", "const"} & schema.keys():
        yield f"{path}: type must be one of {sorted(LIMITS)}"
    if schema.get("format", "date") not in PARSERS:
        yield f"{path}: unknown format {schema['format']}"
    elif "format" not in schema and not LIMITS.get(str(kind), set()) <= schema.keys():
        yield f"{path}: {kind} needs {sorted(LIMITS[str(kind)])}"
    if kind == "object" and schema.get("additionalProperties") is not False:
        yield f"{path}: additionalProperties must be false"
    if kind == "array":
        yield from unbounded(schema.get("items", {}), f"{path} items")
    for name, part in schema.get("properties", {}).items():
        yield from unbounded(part, name)


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
    yield from _must(schema, "holder.name", holder.name, None)
    yield from _must(schema, "holder.code", holder.code, CODE_FORMATS.get(holder.code_kind))
    masks = {field.key: field.public for field in definition.fields if field.public} | {holder.name: holder.public}
    for key, mask in masks.items():
        if mask not in RULES:
            yield f"{key}: there is no masking rule {mask}"


def _dates(definition: Definition, schema: Schema) -> Iterator[str]:
    yield from _must(schema, "term.start", definition.term.start, "date")
    if definition.term.end is not None:
        yield from _must(schema, "term.end", definition.term.end, "date", required=False)
    for rule in definition.rules:
        wanted = "date" if rule.code in {"not_before", "most_years"} else None
        for field in (rule.field, *rule.others):
            yield from _must(schema, f"rule {rule.code}", field, wanted, required=False)


def _number(definition: Definition, schema: Schema) -> Iterator[str]:
    number = definition.number
    if (number.field is None) == (number.template is None):
        yield "number needs one of field and template"
    if number.field is not None:
        yield from _must(schema, "number.field", number.field, None)
    known = IN_TEMPLATE | number.codes.keys()
    for name in re.findall(r"\{(\w*)", number.template or "{serial"):
        if name not in known:
            yield f"number.template: {{{name}}} is none of {sorted(known)}"
    if "{serial" not in (number.template or "{serial") or (number.check is None) == ("{check}" in str(number.template)):
        yield "number.template needs {serial}, and {check} where number.check names the rule"
    for field, codes in number.codes.items():
        if codes.keys() != set(schema["properties"].get(field, {}).get("enum", ())):
            yield f"number.codes.{field} must cover the values of the field, and no others"


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


def _must(schema: Schema, what: str, field: str, format_name: str | None, *, required: bool = True) -> Iterator[str]:
    part = schema["properties"].get(field)
    if part is None:
        yield f"{what}: there is no field {field}"
    elif format_name is not None and part.get("format") != format_name:
        yield f"{what}: the field {field} must have the format {format_name}"
    elif required and field not in schema.get("required", ()):
        yield f"{what}: the field {field} must be required"


CHECKS: tuple[Callable[[Definition, Schema], Iterator[str]], ...] = (_identity, _holder, _dates, _number, _layouts)
