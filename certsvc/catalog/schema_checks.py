"""What `payload.schema.json` may say: every field named, bounded, and of a kind that prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from certsvc.catalog.faults import SCHEMA, Fault, fault
from certsvc.catalog.formats import PARSERS

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
Schema = Mapping[str, Any]


def schema_faults(schema: Schema) -> Iterator[Fault]:
    """Every part of a schema that lets in a value of any size, or something not named."""
    parts = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(parts, dict):
        yield fault("schema_whole", SCHEMA, "type" if isinstance(parts, dict) else "properties")
    if schema.get("additionalProperties") is not False:
        yield fault("schema_open", SCHEMA, "additionalProperties")
    for keyword in sorted(schema.keys() - WHOLE):
        yield fault("schema_keyword", SCHEMA, keyword, field="payload", keyword=keyword, known=sorted(WHOLE))
    if not isinstance(schema.get("required", []), list):
        yield fault("schema_required", SCHEMA, "required")
    if isinstance(parts, dict):
        yield from _parts(schema, parts)


def _parts(schema: Schema, parts: Mapping[str, object]) -> Iterator[Fault]:
    for place, name in enumerate(required(schema)):
        if name not in list(parts):
            yield fault("required_unknown", SCHEMA, "required", place, field=name)
    for name, part in parts.items():
        yield from _unbounded(part, name, "properties", name)


def _unbounded(part: object, name: str, *at: str) -> Iterator[Fault]:
    if not isinstance(part, dict):
        yield fault("schema_part", SCHEMA, *at, field=name)
        return
    for keyword in sorted(part.keys() - KEYWORDS):
        yield fault("schema_keyword", SCHEMA, *at, keyword, field=name, keyword=keyword, known=sorted(KEYWORDS))
    choices = part.get("enum", [part["const"]] if "const" in part else None)
    if choices is None:
        yield from _kind(part, name, *at)
    elif not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        yield fault("schema_choices", SCHEMA, *at, "enum" if "enum" in part else "const", field=name)


def _kind(part: Schema, name: str, *at: str) -> Iterator[Fault]:
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in LIMITS:
        yield fault("schema_kind", SCHEMA, *at, "type", field=name, known=sorted(LIMITS))
    elif "format" in part:
        if kind != "string" or str(part["format"]) not in PARSERS:
            yield fault("schema_format", SCHEMA, *at, "format", field=name, format=part["format"], known=[*PARSERS])
    elif not LIMITS[kind] <= part.keys():
        missing = sorted(LIMITS[kind] - part.keys())
        yield fault("schema_limits", SCHEMA, *at, field=name, kind=kind, limits=missing)
    elif kind == "array":
        yield from _unbounded(part["items"], f"{name} items", *at, "items")


def properties(schema: Schema) -> Mapping[str, Schema]:
    """The fields' schemas; a part that is none counts as an empty one."""
    parts = schema.get("properties")
    if not isinstance(parts, dict):
        return {}
    return {name: part if isinstance(part, dict) else {} for name, part in parts.items()}


def choices(part: Schema) -> set[str]:
    """The texts that a field may be, if they are listed."""
    listed = part.get("enum", ())
    return {choice for choice in listed if isinstance(choice, str)} if isinstance(listed, list) else set()


def required(schema: Schema) -> list[Any]:
    """The fields that must be given."""
    listed = schema.get("required", [])
    return listed if isinstance(listed, list) else []
