"""One version of a type: its files are read, each check is asked whose grounds are sound, and none stops the others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from certsvc.catalog.checks import definition_faults
from certsvc.catalog.definition import Definition, LayoutTable, SealPlace
from certsvc.catalog.example_checks import Examples, bad_faults, good_faults, printed_faults, read_examples
from certsvc.catalog.faults import EXAMPLES, FACE, POLICY, SCHEMA, TYPE, UNFINISHED, Fault, Words, fault
from certsvc.catalog.files import read_json, read_text, read_toml
from certsvc.catalog.locate import At
from certsvc.catalog.policy import General, Policy, licence_rules
from certsvc.catalog.policy_checks import policy_faults
from certsvc.catalog.problems import find_problems, make_validator
from certsvc.catalog.schema_checks import schema_faults
from certsvc.catalog.shape import Shaped
from certsvc.catalog.types import CertificateType, Layout
from certsvc.domain.seal import Placement
from certsvc.ids import parse_type_code

TODO = re.compile(r"\bTODO\b[:：]?[ \t]*([^\n]*)")
READABLE = {".toml", ".json", ".typ"}
IMPORTED = re.compile(r'"(/[^"\n]+\.[a-z]+)"')
LONGEST_REMARK = 160
NO_REMARK = Words("（没有写明是什么）", "(it does not say what)")
LEADING = {"schema_part", "schema_kind", "schema_format", "schema_choices"}
FOLLOWING = {"field_format", "field_kind", "codes_differ", "holder_kind_choices"}
ITS_FILES = TYPE, SCHEMA, POLICY
"""The files a type is made of; without a fault in them it can be tried on the examples."""

Validator = jsonschema_rs.Draft202012Validator


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The policy of a type, read once for all its versions; what is wrong with it belongs to the newest."""

    shaped: Shaped[Policy] | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A version after all checks: what `type.toml` holds, what is wrong, and the type if it may be used."""

    content: Mapping[str, Any]
    kind: CertificateType | None
    faults: tuple[Fault, ...]


def read_policy(place: Path) -> PolicyFile:
    """Read the policy, which stands beside the version `place`."""
    found: list[Fault] = []
    content = read_toml(place, POLICY, found)
    shaped = None if content is None else Shaped(content, Policy, POLICY)
    return PolicyFile(shaped, (*found, *(shaped.faults if shaped else ()), *_todos(place, POLICY)))


def check_version(place: Path, policy: PolicyFile, general: General, *, newest: bool, published: bool) -> Version:
    """Read and check the version in the folder `place`; the policy must agree with the `newest` only."""
    found = list(policy.faults) if newest else []
    content = read_toml(place, TYPE, found)
    definition = None if content is None else Shaped(content, Definition, TYPE)
    schema = read_json(place, SCHEMA, found)
    found += _contents(definition, schema, policy.shaped if newest else None)
    validator = _validator(schema, found)
    examples = read_examples(place, published, found)
    kind = None
    if schema and definition and validator and policy.shaped and not policy.shaped.broken and _sound(found, *ITS_FILES):
        kind = _make(place, definition.value, policy.shaped.value, general, schema, validator)
    found += _examples(examples, kind, definition, validator, found)
    if kind and newest:
        found += printed_faults(examples["good"], kind)
    found += [*_face(place), *_unfinished(place)]
    usable = all(each.code in UNFINISHED for each in found)
    return Version(content or {}, kind if usable else None, tuple(found))


def _sound(found: list[Fault], *files: str) -> bool:
    return not any(each.file in files and each.code not in UNFINISHED for each in found)


def _contents(
    definition: Shaped[Definition] | None, schema: dict[str, Any] | None, policy: Shaped[Policy] | None
) -> Iterator[Fault]:
    """What is wrong with definition, schema and policy, each by itself and beside the others."""
    wrong = list(schema_faults(schema)) if schema is not None else []
    yield from wrong
    if definition is None:
        return
    yield from definition.faults
    named = schema if schema is not None and isinstance(schema.get("properties"), dict) else None
    for each in definition_faults(definition.value, definition.broken, named):
        if not _follows(each, wrong):
            yield each
    if policy is not None:
        yield from policy_faults(policy.value, policy.broken, definition.value, definition.broken)


def _follows(later: Fault, wrong: list[Fault]) -> bool:
    """Whether a fault is only what comes of another in the schema of the same field."""
    if later.code == "field_optional":
        return any(each.code == "schema_required" for each in wrong)
    field = later.said.get("field")
    return later.code in FOLLOWING and any(each.code in LEADING and each.said["field"] == field for each in wrong)


def _validator(schema: dict[str, Any] | None, found: list[Fault]) -> Validator | None:
    if schema is None or any(each.file == SCHEMA and each.code.startswith("schema_") for each in found):
        return None
    try:
        return make_validator(schema)
    except ValueError as error:
        found.append(fault("schema_refused", SCHEMA, *_refused(schema), why=str(error).partition("\n")[0]))
        return None


def _refused(schema: dict[str, Any]) -> At:
    """The first field whose schema cannot be used by itself."""
    for name, part in schema["properties"].items():
        try:
            make_validator({"properties": {name: part}})
        except ValueError:
            return "properties", name
    return ()


def _examples(
    examples: Examples,
    kind: CertificateType | None,
    definition: Shaped[Definition] | None,
    validator: Validator | None,
    found: list[Fault],
) -> list[Fault]:
    """What is wrong with the examples; without a sound type the good ones still have schema and rules to keep."""
    faults = list(bad_faults(examples["bad"], kind))
    touched = {each.at[0] for each in found if each.file == TYPE and isinstance(each.at, tuple) and each.at}
    touched |= {"rules" for each in found if str(each.said.get("what", "")).startswith("rule ")}
    if kind is not None:
        faults += good_faults(examples["good"], kind.problems)
    elif definition and validator and not (touched | definition.broken) & {"fields", "rules"}:
        asked, value = validator, definition.value
        faults += good_faults(examples["good"], lambda payload: find_problems(asked, value, payload))
    return faults


def _make(
    place: Path,
    definition: Definition,
    policy: Policy,
    general: General,
    schema: Mapping[str, Any],
    validator: Validator,
) -> CertificateType:
    return CertificateType(
        definition=definition,
        folder=place,
        type_code=parse_type_code(definition.type_code),
        layouts=tuple(_layout(table) for table in definition.layouts),
        policy=policy,
        licence_rules=licence_rules(policy, general),
        schema=schema,
        validator=validator,
    )


def _layout(table: LayoutTable) -> Layout:
    return Layout(
        name=table.name,
        zh=table.zh,
        en=table.en,
        width_mm=table.width_mm,
        height_mm=table.height_mm,
        scale=table.scale,
        seal=_place(table.seal),
        further_seals=tuple(map(_place, table.further_seals)),
    )


def _place(table: SealPlace) -> Placement:
    return Placement(page=table.page, x_mm=table.x_mm, y_mm=table.y_mm)


def imported(place: Path) -> Iterator[tuple[str, int]]:
    """The shared files that the face in the folder `place` names, seen from `schemas`, each with its line."""
    for number, line in enumerate((read_text(place, FACE, []) or "").splitlines(), 1):
        for name in IMPORTED.findall(line):
            yield name.lstrip("/"), number


def _face(place: Path) -> Iterator[Fault]:
    found: list[Fault] = []
    read_text(place, FACE, found)
    yield from found
    for name, line in imported(place):
        if not (place.parent.parent / name).is_file():
            yield Fault("shared_missing", FACE, line, {"name": name})


def _unfinished(place: Path) -> Iterator[Fault]:
    """Every TODO in the files of a version; JSON has no room for remarks, so an example says it in its name."""
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        if path.suffix in READABLE:
            yield from _todos(place, name)
        if name.startswith(EXAMPLES) and re.search(r"\btodo\b", path.stem):
            yield fault("example_borrowed", name, name=path.name)


def _todos(place: Path, name: str) -> Iterator[Fault]:
    text = read_text(place, name, []) or ""
    for remark in TODO.finditer(text) if "TODO" in text else ():
        what = _up_to_its_end(remark[1])[:LONGEST_REMARK].rstrip()
        yield Fault("todo", name, text.count("\n", 0, remark.start()) + 1, {"what": what or NO_REMARK})


def _up_to_its_end(remark: str) -> str:
    """The remark without what follows the text or the bracket that it stands in."""
    opened = 0
    for place, character in enumerate(remark):
        opened += (character in "([{") - (character in ")]}")
        if opened < 0 or character == '"':
            return remark[:place]
    return remark
