"""What a browser can check of one question, with the words that the type's own checks have for it.

A browser says less than the server and never more: every check here is one of the schema or of the rules.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from certsvc.catalog.definition import FieldTable
from certsvc.catalog.formats import format_fault
from certsvc.catalog.problems import TYPES, WORDS
from certsvc.catalog.rules import CodeOfKind, CountOf, MostYears, NotBefore, Prefix, Rule
from certsvc.catalog.types import CertificateType
from certsvc.domain.entry_form import Check
from certsvc.domain.proof_item import Said

LIMITS = {
    "minLength": "least",
    "maxLength": "most",
    "minimum": "minimum",
    "maximum": "maximum",
    "minItems": "least_items",
    "maxItems": "most_items",
}
PROBES = {
    "citizen-id": (("form", "1"), ("day", "110105194913310021"), ("check", "110105194912310021")),
    "uscc": (("form", "1"), ("check", "91441900MA51ABC089")),
    "date": (("form", "1"),),
}
"""Texts at fault in one way each; what the parsers say of them is what is said of any such text."""


def checks_of(kind: CertificateType, table: FieldTable, schema: Mapping[str, Any]) -> Iterator[Check]:
    """The checks of one field, in the order in which they are made."""
    if table.key in kind.schema.get("required", ()):
        yield _said(table, "required", "required")
    yield from _of_schema(table, schema)
    yield from (_rule(rule) for rule in kind.definition.rules if rule.field == table.key)
    if table.key == kind.definition.term.end:
        yield from _longest_term(kind)


def _of_schema(table: FieldTable, schema: Mapping[str, Any]) -> Iterator[Check]:
    if schema.get("type") == "integer":
        zh, en = TYPES["integer"]
        yield _said(table, "whole", "type", None, {"types": zh}, {"types": en})
    named = schema.get("format")
    for fault, probe in PROBES.get(str(named), ()):
        zh, en = format_fault(str(named), probe) or ("", "")
        yield Check(kind=f"{named}.{fault}", said=Said(f"{table.zh}：{zh}", f"{table.en}: {en}"))
    for keyword, name in LIMITS.items():
        if keyword in schema:
            limit = {"limit": schema[keyword]}
            yield _said(table, name, keyword, schema[keyword], limit, limit)
    if "pattern" in schema:
        pattern = {"pattern": schema["pattern"]}
        yield _said(table, "pattern", "pattern", schema["pattern"], pattern, pattern)


def _rule(rule: Rule) -> Check:
    said = Said(rule.zh, rule.en)
    if isinstance(rule, NotBefore):
        return Check(kind="not_before", said=said, other=rule.start)
    if isinstance(rule, CountOf):
        return Check(kind="count_of", said=said, other=rule.list)
    if isinstance(rule, CodeOfKind):
        return Check(kind="code_of_kind", said=said, other=rule.kind)
    if isinstance(rule, MostYears):
        return Check(kind="most_years", said=said, value=rule.years, other=rule.start)
    assert isinstance(rule, Prefix)
    return Check(kind="prefix", said=said, value=rule.value)


def _longest_term(kind: CertificateType) -> Iterator[Check]:
    """As `CertificateType.problems` says it; a rule of the type comes before it."""
    limit, start = kind.policy.term, kind.definition.term.start
    if limit.most_years and not any(isinstance(rule, MostYears) for rule in kind.definition.rules):
        zh, en = f"有效期最长 {limit.most_years} 年", f"the term is {limit.most_years} years at most"
        said = Said(f"{kind.zh}的{zh}。", f"{kind.en}: {en}.")
        yield Check(kind="most_years", said=said, value=limit.most_years, other=start)
    if limit.most_days:
        zh, en = f"有效期最长 {limit.most_days} 天", f"the term is {limit.most_days} days at most"
        said = Said(f"{kind.zh}的{zh}。", f"{kind.en}: {en}.")
        yield Check(kind="most_days", said=said, value=limit.most_days, other=start)


def _said(
    table: FieldTable,
    name: str,
    code: str,
    value: str | int | None = None,
    zh: Mapping[str, Any] | None = None,
    en: Mapping[str, Any] | None = None,
) -> Check:
    """A check with the words of the problem `code`."""
    words_zh, words_en = WORDS[code]
    said = Said(
        f"{table.zh}{words_zh.format(**(zh or {}))}。",
        f"{table.en} {words_en.format(**(en or {}))}.",
    )
    return Check(kind=name, said=said, value=value)
