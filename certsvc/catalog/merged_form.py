"""The merged form of a case: several certificate types, each thing asked once (一表申请).

Two fields are one where the policies say so (the business's name, code, address and person; the premises), or where
key, schema and label are the same in types that all need them; nothing is guessed. What only the department or the
register knows (term, number, the code of a business that is still to be registered) may be left out and is filled in
later.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from certsvc.catalog.definition import FieldTable
from certsvc.catalog.types import CertificateType
from certsvc.domain.certificate import Category
from certsvc.errors import InvalidInput, Problem

COMMON, BUSINESS = "common", "business"
MOST_TYPES = 20
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Answers: TypeAlias = Mapping[str, Any]
Meaning: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedField:
    """One question. `sources` are the fields (type, key) that its answer fills; `group` is `common` or the type it
    belongs to; `later`: somebody else fills it in when it is left out; `instead_of` names the common question that
    this one replaces for its type, where the answer differs there."""

    name: str
    zh: str
    en: str
    schema: Mapping[str, Any]
    sources: tuple[tuple[str, str], ...]
    group: str
    required: bool
    later: bool = False
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class MergedForm:
    """The form over `kinds`: the licence first, then permits by number."""

    kinds: tuple[CertificateType, ...]
    fields: tuple[MergedField, ...]

    def split(self, answers: Answers) -> dict[str, dict[str, Any]]:
        """The payload of each type, as far as the answers go."""
        payloads: dict[str, dict[str, Any]] = {kind.id: {} for kind in self.kinds}
        for field in self._common_first():
            if field.name in answers:
                for type_id, key in field.sources:
                    payloads[type_id][key] = answers[field.name]
        return payloads

    def join(self, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The answers that give these payloads when they are split.

        Raises:
            InvalidInput: they do not speak of one business.
        """
        answers: dict[str, Any] = {}
        for field in self._common_first():
            values = [payloads[type_id][key] for type_id, key in field.sources if key in payloads.get(type_id, {})]
            if not values or (field.instead_of is not None and answers.get(field.instead_of) == values[0]):
                continue
            if field.name.startswith(f"{BUSINESS}.") and any(value != values[0] for value in values):
                raise InvalidInput(f"各部分的{field.zh}不一致。", f"The parts differ in “{field.en}”.")
            answers[field.name] = values[0]
        return answers

    def problems(self, answers: Answers) -> list[Problem]:
        """Everything wrong with the answers, by question; what is filled in later is not missed."""
        known = {field.name for field in self.fields}
        found = [
            Problem(name, "additionalProperties", "申请表没有这一项。", "is not a field of this form.")
            for name in answers
            if name not in known
        ]
        payloads = self.split(answers)
        for kind in self.kinds:
            asked = {dict(field.sources)[kind.id]: field for field in self._asked_of(kind.id, answers)}
            for problem in kind.problems(payloads[kind.id]):
                key, dot, rest = problem.field.partition(".")
                field = asked.get(key)
                if field is None or (field.later and problem.code == "required"):
                    continue
                found.append(Problem(f"{field.name}{dot}{rest}", problem.code, problem.zh, problem.en))
        return list({(problem.field, problem.code): problem for problem in reversed(found)}.values())[::-1]

    def mapping(self) -> dict[str, list[tuple[str, str]]]:
        """Question to the fields it fills."""
        return {field.name: list(field.sources) for field in self.fields}

    def json_schema(self) -> dict[str, Any]:
        """The form as JSON Schema 2020-12, always in the same order. Beside each `title` (Chinese) stands `x-title-en`;
        `x-sources` says which fields an answer fills, `x-later` that it may be left out, `x-groups` what stands
        together on the form."""
        heads = [(COMMON, "共同填报", "Common to all parts"), *((kind.id, kind.zh, kind.en) for kind in self.kinds)]
        groups = [
            {"id": group, "zh": zh, "en": en, "fields": [field.name for field in self.fields if field.group == group]}
            for group, zh, en in heads
        ]
        return {
            "$schema": DIALECT,
            "type": "object",
            "additionalProperties": False,
            "required": [field.name for field in self.fields if field.required],
            "properties": {field.name: _property(field) for field in self.fields},
            "x-groups": [group for group in groups if group["fields"]],
        }

    def _common_first(self) -> list[MergedField]:
        """What replaces a common answer comes after it."""
        return sorted(self.fields, key=lambda field: field.instead_of is not None)

    def _asked_of(self, type_id: str, answers: Answers) -> Iterator[MergedField]:
        """The question behind each field of a type: the one of its own where that was answered."""
        for field in self._common_first():
            mine = any(source == type_id for source, _ in field.sources)
            if mine and (field.instead_of is None or field.name in answers):
                yield field


def merge_forms(kinds: Sequence[CertificateType]) -> MergedForm:
    """The merged form of these types, which may hold one licence.

    Raises:
        InvalidInput: there is none, one twice, more than one licence, a proof, or more than `MOST_TYPES`.
    """
    _require_case(kinds)
    ordered = tuple(sorted(kinds, key=lambda kind: (kind.category is not Category.LICENCE, kind.type_number)))
    shared: dict[Meaning, list[tuple[CertificateType, FieldTable]]] = {}
    for kind in ordered:
        for field in kind.definition.fields:
            shared.setdefault(_meaning(kind, field), []).append((kind, field))
    common: list[MergedField] = []
    own: list[MergedField] = []
    for meaning, sources in shared.items():
        if meaning[0] == "part" or (meaning[0] == "field" and len(sources) == 1):
            own.append(_own(*sources[0]))
            continue
        name = _name(meaning, sources[0][1].key, {field.name for field in common})
        common.append(_merged(name, sources))
        if meaning[0] != BUSINESS and len(sources) > 1:
            own += [_own(kind, field, instead_of=name) for kind, field in sources]
    places = {(kind.id, field.key): place for place, (kind, field) in enumerate(_face_order(ordered))}
    own.sort(key=lambda field: places[field.sources[0]])
    return MergedForm(ordered, (*common, *own))


def business_answers(kind: CertificateType, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a payload says of its business, as answers to the common questions."""
    return {f"{BUSINESS}.{fact}": payload[key] for key, fact in business_facts(kind).items() if key in payload}


def business_facts(kind: CertificateType) -> dict[str, str]:
    """The fields of a type that speak of the business, and what they say of it: name, uscc, address, person."""
    definition, policy = kind.definition, kind.policy
    code, holder = definition.holder.code, definition.holder
    if kind.category is Category.LICENCE:
        named = {key: str(fact) for fact, key in policy.facts.items()}
        head_office = {policy.head_office: "head_office"} if policy.head_office else {}
        return {holder.name: "name", **named, code: "uscc", **head_office}
    named = {rule.field: str(rule.fact) for rule in policy.follows_licence}
    itself = {holder.name: "name"} if code == definition.licence_field else {}
    return {**itself, **named, definition.licence_field or code: "uscc"}


def _require_case(kinds: Sequence[CertificateType]) -> None:
    ids = [kind.id for kind in kinds]
    if not ids or len(ids) > MOST_TYPES or len(ids) != len(set(ids)):
        raise InvalidInput(
            f"一件申请要有 1 至 {MOST_TYPES} 种证照，每种一次。",
            f"A case has 1 to {MOST_TYPES} types of certificates, each once.",
        )
    if any(kind.category is Category.PROOF for kind in kinds):
        raise InvalidInput("证明不能并入一照通行的申请。", "Proofs are no part of a case.")
    if sum(kind.category is Category.LICENCE for kind in kinds) > 1:
        raise InvalidInput("一件申请只能有一种营业执照。", "A case has one licence at most.")


def _face_order(kinds: Sequence[CertificateType]) -> Iterator[tuple[CertificateType, FieldTable]]:
    for kind in kinds:
        for field in kind.definition.fields:
            yield kind, field


def _meaning(kind: CertificateType, field: FieldTable) -> Meaning:
    """What a field means: the same for two fields exactly if one answer fills both."""
    definition, policy, key = kind.definition, kind.policy, field.key
    fact = business_facts(kind).get(key)
    if fact is not None:
        return (BUSINESS, fact)
    if key in (definition.term.start, definition.term.end, definition.number.field):
        return ("part", kind.id, key)
    schema = json.dumps(_part(kind, key), sort_keys=True, ensure_ascii=False)
    if key == policy.place:
        return ("place", policy.one_per, key, schema)
    if key not in kind.schema.get("required", ()):  # left out in one type and given in another: no one answer says so
        return ("part", kind.id, key)
    return ("field", key, schema, field.zh)


def _name(meaning: Meaning, key: str, taken: set[str]) -> str:
    """`business.name`, the key of fields that are one, or `key-2` where other fields that are one have it too."""
    if meaning[0] == BUSINESS:
        return ".".join(meaning)
    names = [key, *(f"{key}-{number}" for number in range(2, MOST_TYPES))]
    return next(name for name in names if name not in taken)


def _merged(name: str, sources: Sequence[tuple[CertificateType, FieldTable]]) -> MergedField:
    schemas = {json.dumps(_part(kind, field.key), sort_keys=True): _part(kind, field.key) for kind, field in sources}
    later = any(field.key in _later(kind) for kind, field in sources)
    first = sources[0][1]
    return MergedField(
        name=name,
        zh=first.zh,
        en=first.en,
        schema=next(iter(schemas.values())) if len(schemas) == 1 else {"allOf": [*schemas.values()]},
        sources=tuple((kind.id, field.key) for kind, field in sources),
        group=COMMON,
        required=not later and any(field.key in kind.schema.get("required", ()) for kind, field in sources),
        later=later,
    )


def _own(kind: CertificateType, field: FieldTable, instead_of: str | None = None) -> MergedField:
    later = field.key in _later(kind)
    return MergedField(
        name=f"{kind.id}.{field.key}",
        zh=field.zh,
        en=field.en,
        schema=_part(kind, field.key),
        sources=((kind.id, field.key),),
        group=kind.id,
        required=not later and instead_of is None and field.key in kind.schema.get("required", ()),
        later=later,
        instead_of=instead_of,
    )


def _later(kind: CertificateType) -> set[str | None]:
    """The fields that the department decides on: the term and the number."""
    definition = kind.definition
    return {definition.term.start, definition.term.end, definition.number.field}


def _part(kind: CertificateType, key: str) -> Mapping[str, Any]:
    part: Mapping[str, Any] = kind.schema["properties"][key]
    return part


def _property(field: MergedField) -> dict[str, Any]:
    said = {**field.schema, "title": field.zh, "x-title-en": field.en}
    said["x-sources"] = [list(source) for source in field.sources]
    if field.later:
        said["x-later"] = True
    if field.instead_of is not None:
        said["x-instead-of"] = field.instead_of
    return said
