"""What `type.toml` may say, and where it must agree with the schema. Each check yields faults for `faults.explain`."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from math import hypot
from typing import Any

from certsvc.catalog.definition import Definition, HolderTable, LayoutTable, NumberTable, SealPlace
from certsvc.catalog.faults import SCHEMA, TYPE, Fault, Words, fault
from certsvc.catalog.locate import At
from certsvc.catalog.rules import CodeOfKind, CountOf, MostYears, NotBefore, Prefix
from certsvc.catalog.schema_checks import choices, properties, required
from certsvc.domain.certificate import Category
from certsvc.domain.external import EXTERNAL
from certsvc.domain.holder import KINDS
from certsvc.domain.masking import RULES
from certsvc.domain.seal_form import MOST_SEALS
from certsvc.domain.token import MAX_TYPE
from certsvc.errors import CertsvcError
from certsvc.ids import parse_type_code

WIDEST_SEAL_MM = 45.0
CODE_FORMATS = {"001": "uscc", "111": "citizen-id"}
"""The format of a holder's code by its kind (GB/T 36903 Annex A)."""

PLACEHOLDER = re.compile(r"\{(\w+)\}|\{(serial):0[1-9]\}")
IN_TEMPLATE = {"area", "year", "serial", "check"}
Schema = Mapping[str, Any]


def definition_faults(definition: Definition, broken: frozenset[str], schema: Schema | None) -> Iterator[Fault]:
    """Everything wrong with a definition beside its schema.

    `broken` names the keys of the definition that hold nothing; without a sound `schema` only what needs none is asked.
    """
    for reads, needs_schema, check in CHECKS:
        if not reads & broken and not (needs_schema and schema is None):
            yield from check(definition, schema or {})


def _fields(definition: Definition, schema: Schema) -> Iterator[Fault]:
    known, seen = properties(schema), set[str]()
    for place, field in enumerate(definition.fields):
        if field.key in seen:
            yield fault("field_twice", TYPE, "fields", place, "key", field=field.key)
        elif field.key not in known:
            yield fault("field_no_schema", TYPE, "fields", place, "key", field=field.key)
        if field.public is not None and field.public not in RULES:
            yield _mask(field.key, field.public, "fields", place, "public")
        seen.add(field.key)
    for name in known.keys() - seen:
        yield fault("field_no_row", SCHEMA, "properties", name, field=name)


def _mask(field: str, mask: str, *at: str | int) -> Fault:
    return fault("mask_unknown", TYPE, *at, field=field, mask=mask, known=sorted(RULES))


def _numbers(definition: Definition, schema: Schema) -> Iterator[Fault]:
    if not 1 <= definition.type_number <= MAX_TYPE:
        yield fault("type_number_range", TYPE, "type_number", most=MAX_TYPE)


def _type_code(definition: Definition, schema: Schema) -> Iterator[Fault]:
    try:
        parse_type_code(definition.type_code)
    except CertsvcError as error:
        yield fault("type_code_wrong", TYPE, "type_code", why=Words(error.zh, error.en))


def _licence_field(definition: Definition, schema: Schema) -> Iterator[Fault]:
    permit, field = definition.category is Category.PERMIT, definition.licence_field
    if permit and field is None:
        yield fault("licence_field_needed", TYPE, "category")
    elif field is not None:
        if not permit:
            yield fault("licence_field_odd", TYPE, "licence_field")
        yield from _must(schema, ("licence_field",), field, "uscc")


def _holders(definition: Definition, schema: Schema) -> Iterator[Fault]:
    yield from _holder(definition, schema, definition.holder, ("holder",), first=True)
    for place, holder in enumerate(definition.further_holders):
        yield from _holder(definition, schema, holder, ("further_holders", place), first=False)


def _holder(definition: Definition, schema: Schema, holder: HolderTable, at: At, *, first: bool) -> Iterator[Fault]:
    code_format = CODE_FORMATS.get(holder.code_kind or "")
    yield from _must(schema, (*at, "name"), holder.name, None, kind="string", always=first)
    yield from _must(schema, (*at, "code"), holder.code, code_format, kind="string", always=first)
    if holder.public not in RULES:
        yield _mask(holder.name, holder.public, *at, "public")
    fixed, field = holder.code_kind, holder.code_kind_field
    if (fixed is None) == (field is None):
        yield fault("holder_kind_one", TYPE, *at)
    if fixed is not None and fixed not in KINDS:
        yield fault("holder_kind_unknown", TYPE, *at, "code_kind", kind=fixed, known=[*KINDS])
    if field is not None:
        yield from _kind_field(definition, schema, holder.code, field, at)


def _kind_field(definition: Definition, schema: Schema, code: str, field: str, at: At) -> Iterator[Fault]:
    yield from _must(schema, (*at, "code_kind_field"), field, None)
    kinds = choices(properties(schema).get(field, {}))
    if not kinds or kinds - KINDS.keys():
        yield fault("holder_kind_choices", SCHEMA, "properties", field, field=field)
    if not any(isinstance(rule, CodeOfKind) and (rule.field, rule.kind) == (code, field) for rule in definition.rules):
        yield fault("holder_kind_rule", TYPE, *at, "code_kind_field", holder=code, kind=field)


def _term(definition: Definition, schema: Schema) -> Iterator[Fault]:
    start, end = definition.term.start, definition.term.end
    yield from _must(schema, ("term", "start"), start, "date")
    if end is None:
        return
    yield from _must(schema, ("term", "end"), end, "date", always=False)
    if not any(isinstance(rule, NotBefore) and (rule.field, rule.start) == (end, start) for rule in definition.rules):
        yield fault("term_rule", TYPE, "term", "end", start=start, end=end)


def _rules(definition: Definition, schema: Schema) -> Iterator[Fault]:
    for place, rule in enumerate(definition.rules):
        what = f"rule {rule.code}"
        needed: tuple[tuple[str, str, str | None, str | None], ...]
        match rule:
            case NotBefore() | MostYears():
                needed = ("field", rule.field, "date", None), ("start", rule.start, "date", None)
            case CountOf():
                needed = ("field", rule.field, None, "integer"), ("list", rule.list, None, "array")
            case CodeOfKind():
                needed = ("field", rule.field, None, None), ("kind", rule.kind, None, None)
            case Prefix():
                needed = (("field", rule.field, None, "string"),)
        for key, field, form, kind in needed:
            yield from _must(schema, ("rules", place, key), field, form, what=what, kind=kind, always=False)


def _number(definition: Definition, schema: Schema) -> Iterator[Fault]:
    number = definition.number
    if (number.field is None) == (number.template is None):
        yield fault("number_source", TYPE, "number")
    if number.field is not None:
        yield from _must(schema, ("number", "field"), number.field, None, kind="string")
    if number.template is not None:
        yield from _template(number.template, number)
    for field, codes in number.codes.items():
        at = ("number", "codes", field)
        yield from _must(schema, at, field, None)
        if odd := codes.keys() ^ choices(properties(schema).get(field, {})):
            yield fault("codes_differ", TYPE, *at, field=field, odd=sorted(odd))


def _template(template: str, number: NumberTable) -> Iterator[Fault]:
    at = ("number", "template")
    names = [plain or serial for plain, serial in PLACEHOLDER.findall(template)]
    known = IN_TEMPLATE | number.codes.keys()
    if re.search(r"[{}]", PLACEHOLDER.sub("", template)):
        yield fault("template_brace", TYPE, *at)
    for name in names:
        if name not in known:
            yield fault("template_name", TYPE, *at, name=name, known=sorted(known))
    if names.count("serial") != 1:
        yield fault("template_serial", TYPE, *at)
    if names.count("check") != (number.check is not None):
        yield fault("template_check", TYPE, *at)


def _layouts(definition: Definition, schema: Schema) -> Iterator[Fault]:
    names = [layout.name for layout in definition.layouts]
    good = all(re.fullmatch(r"[a-z0-9-]{1,20}", name) and name != EXTERNAL for name in names)
    if not names or len(names) != len(set(names)) or not good:
        yield fault("layout_names", TYPE, "layouts")
    if len({len(layout.further_seals) for layout in definition.layouts}) > 1:
        yield fault("seals_uneven", TYPE, "layouts")
    for place, layout in enumerate(definition.layouts):
        yield from _seal(layout, layout.seal, ("layouts", place, "seal"))
        for number, seal in enumerate(layout.further_seals):
            yield from _seal(layout, seal, ("layouts", place, "further_seals", number))
        if len(layout.further_seals) >= MOST_SEALS:
            yield fault("seals_many", TYPE, "layouts", place, "further_seals", most=MOST_SEALS)
        if any(_touch(*pair) for pair in combinations((layout.seal, *layout.further_seals), 2)):
            yield fault(
                "seals_touch", TYPE, "layouts", place, "further_seals", layout=layout.name, widest=WIDEST_SEAL_MM
            )


def _seal(layout: LayoutTable, seal: SealPlace, at: At) -> Iterator[Fault]:
    reach = WIDEST_SEAL_MM / 2
    if seal.page != 1:
        yield fault("seal_page", TYPE, *at, "page")
    across, down = reach <= seal.x_mm <= layout.width_mm - reach, reach <= seal.y_mm <= layout.height_mm - reach
    if not (across and down):
        key = "y_mm" if across else "x_mm"
        yield fault("seal_out", TYPE, *at, key, layout=layout.name, widest=WIDEST_SEAL_MM, reach=reach)


def _touch(one: SealPlace, other: SealPlace) -> bool:
    return hypot(one.x_mm - other.x_mm, one.y_mm - other.y_mm) < WIDEST_SEAL_MM


def _must(
    schema: Schema,
    at: At,
    field: str,
    form: str | None,
    *,
    what: str = "",
    kind: str | None = None,
    always: bool = True,
) -> Iterator[Fault]:
    """What is wrong with the field that the key `at` names: it must be there, of a format or kind, and `always`."""
    part = properties(schema).get(field)
    what = what or ".".join(map(str, at))
    if part is None:
        yield fault("no_such_field", TYPE, *at, what=what, field=field)
    elif form is not None and part.get("format") != form:
        yield fault("field_format", SCHEMA, "properties", field, what=what, field=field, format=form)
    elif kind is not None and part.get("type") != kind:
        yield fault("field_kind", SCHEMA, "properties", field, what=what, field=field, kind=kind)
    elif always and field not in required(schema):
        yield fault("field_optional", SCHEMA, "required", what=what, field=field)


Check = Callable[[Definition, Schema], Iterator[Fault]]

CHECKS: tuple[tuple[frozenset[str], bool, Check], ...] = (
    (frozenset({"fields"}), True, _fields),
    (frozenset({"type_number"}), False, _numbers),
    (frozenset({"type_code"}), False, _type_code),
    (frozenset({"category", "licence_field"}), True, _licence_field),
    (frozenset({"holder", "further_holders", "rules"}), True, _holders),
    (frozenset({"term", "rules"}), True, _term),
    (frozenset({"rules"}), True, _rules),
    (frozenset({"number"}), True, _number),
    (frozenset({"layouts"}), False, _layouts),
)
"""Each check with the keys of the definition that it reads, and whether it needs the schema."""
