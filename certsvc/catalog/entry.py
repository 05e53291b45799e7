"""The form of a type, made from its schema, its labels, its rules and its `entry.toml`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from certsvc.catalog.definition import FieldTable
from certsvc.catalog.entry_checks import checks_of
from certsvc.catalog.entry_words import ENTRY, QuestionTable, own_keys, read_entry
from certsvc.catalog.load import Catalog
from certsvc.catalog.types import CertificateType
from certsvc.domain.certificate import Category
from certsvc.domain.entry_form import Asks, Control, EntryField, EntryForm, Group, When
from certsvc.domain.holder import KINDS
from certsvc.domain.proof_item import Said
from certsvc.errors import CatalogError

LONG_FROM = 61
"""Characters from which on a text may be so long that it has several lines."""

FORMATS = {"date": Control.DAY, "citizen-id": Control.CITIZEN_ID, "uscc": Control.USCC}
SIMPLE = {"integer": Control.WHOLE, "boolean": Control.YES_NO}
_MADE: dict[tuple[Path, int], EntryForm] = {}
"""Forms that were made, by the folder of the version and its number."""


def entry_form(kind: CertificateType) -> EntryForm:
    """The form of a type, the same for the same version as long as a process lives.

    Raises:
        CatalogError: its `entry.toml` is wrong, or a field has a shape for which there is no control.
    """
    key = kind.folder, kind.version
    if key not in _MADE:
        _MADE[key] = _make(kind)
    return _MADE[key]


def require_entry_forms(catalog: Catalog) -> None:
    """Make the form of every proof that is given now, once, before anything is served.

    Raises:
        CatalogError: see `entry_form`.
    """
    for kind in catalog:
        if kind.category is Category.PROOF and kind.version == catalog.latest(kind.id).version:
            entry_form(kind)


def _make(kind: CertificateType) -> EntryForm:
    schemas, type_id = kind.folder.parent.parent, kind.id
    unknown = own_keys(schemas, type_id) - {field.key for field in kind.definition.fields}
    if unknown:
        raise _wrong(kind, f"没有字段 {min(unknown)}", f"there is no field {min(unknown)}")
    words = read_entry(schemas, type_id)
    fields = [_field(kind, each, words.get(each.key, QuestionTable())) for each in kind.definition.fields]
    form = EntryForm(type_id=type_id, version=kind.version, title=Said(kind.zh, kind.en), fields=tuple(fields))
    for each in fields:
        if each.when is not None and not _is_sound(form, each.when):
            raise _wrong(kind, f"{each.key} 的条件不成立", f"the condition of {each.key} can never hold")
        if each.when is not None and each.is_required:
            raise _wrong(kind, f"{each.key} 必填，不能有条件", f"{each.key} is required, and cannot have a condition")
    return form


def _field(kind: CertificateType, table: FieldTable, words: QuestionTable) -> EntryField:
    schema: Mapping[str, Any] = kind.schema["properties"][table.key]
    control = _control(kind, table.key, schema)
    is_list = control.is_list
    items: Mapping[str, Any] = schema["items"] if is_list else schema
    return EntryField(
        key=table.key,
        label=Said(table.zh, table.en),
        control=control,
        is_required=table.key in kind.schema.get("required", ()),
        group=Group(words.group or ("who" if table.key in _of_holders(kind) else "facts")),
        asks=Asks(words.asks or "everybody"),
        least=schema.get("minItems" if is_list else "minLength", 0),
        most=schema.get("maxItems" if is_list else "maxLength"),
        pattern=items.get("pattern"),
        options=tuple(_options(kind, table.key, items.get("enum", ()), words.choices)),
        fixed=schema.get("const"),
        help=words.help.said if words.help else None,
        example=words.example,
        wrong=words.wrong.said if words.wrong else None,
        when=_when(words),
        begins_today=words.begins == "today",
        ends_after_days=words.days,
        checks=tuple(checks_of(kind, table, schema)),
    )


def _when(words: QuestionTable) -> When | None:
    said = words.when
    return None if said is None else When(key=said.field, values=said.values, is_required=said.required)


def _control(kind: CertificateType, key: str, schema: Mapping[str, Any]) -> Control:
    """What a field is answered with. No type has a list of objects, and one that had would not start."""
    named, items = schema.get("format"), schema.get("items", {})
    if "const" in schema:
        return Control.FIXED
    if "enum" in schema:
        return Control.CHOICE
    if named in FORMATS:
        return FORMATS[named]
    if schema.get("type") == "string" and named is None:
        return Control.LONG if schema.get("maxLength", LONG_FROM) >= LONG_FROM else Control.TEXT
    if schema.get("type") == "array" and ("enum" in items or items.get("type") == "string"):
        return Control.CHOICES if "enum" in items else Control.TEXTS
    if schema.get("type") in SIMPLE:
        return SIMPLE[schema["type"]]
    raise _wrong(kind, f"{key} 没有合适的填写方式", f"there is no control for {key}")


def _options(
    kind: CertificateType, key: str, values: tuple[str, ...], english: Mapping[str, str]
) -> Iterator[tuple[str, Said]]:
    """What may be chosen: the kinds of a holder's code have names, anything else is its own."""
    holders = (kind.definition.holder, *kind.definition.further_holders)
    is_kind = key in {holder.code_kind_field for holder in holders}
    for value in values:
        if is_kind:
            yield value, Said(KINDS[value].zh, KINDS[value].en)
        else:
            yield value, Said(value, english.get(value, value))


def _of_holders(kind: CertificateType) -> frozenset[str]:
    """The fields that say who a holder is."""
    holders = (kind.definition.holder, *kind.definition.further_holders)
    return frozenset(key for each in holders for key in (each.name, each.code, each.code_kind_field) if key)


def _is_sound(form: EntryForm, when: When) -> bool:
    """Whether the question that a condition names is there, comes first, and may be answered so."""
    other = form.field(when.key)
    if other is None or not when.values:
        return False
    return not other.options or {*when.values} <= {value for value, _ in other.options}


def _wrong(kind: CertificateType, zh: str, en: str) -> CatalogError:
    return CatalogError(
        f"{kind.id}/{ENTRY}（或第 {kind.version} 版的格式）有误：{zh}。",
        f"{kind.id}/{ENTRY}, or the schema of version {kind.version}, is wrong: {en}.",
    )
