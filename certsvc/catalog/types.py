"""One certificate type: its definition and what follows from it for a payload."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs

from certsvc.catalog.definition import Definition, FieldTable, HolderTable, LegalBasis
from certsvc.catalog.policy import Policy
from certsvc.catalog.problems import find_problems, named_fields
from certsvc.domain.calendar import Term, years_after
from certsvc.domain.certificate import Category
from certsvc.domain.effects import LicenceRules
from certsvc.domain.holder import KINDS, USCC, Party
from certsvc.domain.masking import RULES
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal import Placement
from certsvc.domain.token import fits
from certsvc.errors import Problem
from certsvc.ids import TypeCode, Uscc

ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
OVER = "over"
"""The code of the problem that a term is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One sheet a certificate is printed on (millimetres); `scale` enlarges the drawing made for A4. `seal` is the
    place of the issuer's seal, `further_seals` are those of the others in a joint document."""

    name: str
    zh: str
    en: str
    width_mm: float
    height_mm: float
    scale: float
    seal: Placement
    further_seals: tuple[Placement, ...] = ()

    @property
    def seals(self) -> tuple[Placement, ...]:
        """The places of all seals, in the order in which they are put on."""
        return (self.seal, *self.further_seals)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateType:
    """A type as loaded from its folder; `schema` is that of its payload. Methods that take a payload expect one without
    problems."""

    definition: Definition
    folder: Path
    type_code: TypeCode
    layouts: tuple[Layout, ...]
    policy: Policy
    licence_rules: LicenceRules
    schema: Mapping[str, Any]
    validator: jsonschema_rs.Draft202012Validator

    @property
    def id(self) -> str:
        """The folder's name, such as `food-business`."""
        return self.definition.id

    @property
    def version(self) -> int:
        """The version of the definition; a published one never changes."""
        return self.definition.version

    @property
    def type_number(self) -> int:
        """The small number in every token, fixed for ever."""
        return self.definition.type_number

    @property
    def category(self) -> Category:
        """Licence, permit or proof."""
        return self.definition.category

    @property
    def zh(self) -> str:
        """The Chinese title."""
        return self.definition.zh

    @property
    def en(self) -> str:
        """The English title."""
        return self.definition.en

    @property
    def status_max_age(self) -> timedelta:
        """How old a state may be before it is unknown."""
        return timedelta(hours=self.definition.status_max_age_hours)

    @property
    def legal_basis(self) -> tuple[LegalBasis, ...]:
        """What the type rests on."""
        return self.definition.legal_basis

    def prints_full_view(self, layout: str | None) -> bool:
        """Whether its own layouts, which `layout` None names, print the six characters; one of others never does."""
        return self.definition.full_view and layout is None

    def problems(self, payload: Mapping[str, Any]) -> list[Problem]:
        """Everything wrong with a payload, by field; empty when it may be issued."""
        found = find_problems(self.validator, self.definition, payload)
        return found or [*self._too_long(payload)]

    def over(self, payload: Mapping[str, Any], on: date) -> list[Problem]:
        """Whether the last day of force lies before the day on which it would be given; where there is no day that can
        be read, `problems` says so."""
        key = self.definition.term.end
        try:
            last = date.fromisoformat(payload[key]) if key else None
        except (KeyError, TypeError, ValueError):
            return []
        if key is None or last is None or last >= on:
            return []
        ((field, day),) = self.rows({key: payload[key]})
        zh = f"{field.zh} {day}，已经过了：这样的证明一开出来就失效，请改成今天或以后的日期。"
        en = f"{field.en} {last}: that day is over, and so would the proof be. Give today or a later day."
        return [Problem(key, OVER, zh, en)]

    def named(self, problems: Sequence[Problem]) -> tuple[str, str]:
        """The fields that have problems, each once, as people call them: in Chinese and English."""
        return named_fields(self.definition, problems)

    def _too_long(self, payload: Mapping[str, Any]) -> Iterator[Problem]:
        """The longest term is the law's, so the policy states it; a definition that does too has its own words."""
        limit, end = self.policy.term, self.definition.term.end
        if end is None or end not in payload:
            return
        term = self.term(payload)
        if limit.most_years and term.end and term.end >= years_after(term.start, limit.most_years):
            zh, en = f"有效期最长 {limit.most_years} 年", f"the term is {limit.most_years} years at most"
            yield Problem(end, "most_years", f"{self.zh}的{zh}。", f"{self.en}: {en}.")
        if limit.most_days and term.end and (term.end - term.start).days >= limit.most_days:
            zh, en = f"有效期最长 {limit.most_days} 天", f"the term is {limit.most_days} days at most"
            yield Problem(end, "most_days", f"{self.zh}的{zh}。", f"{self.en}: {en}.")

    def recheck_months(self, payload: Mapping[str, Any]) -> int | None:
        """How many months after one recheck the next is due; None for a type that is not rechecked."""
        recheck = self.policy.recheck
        if recheck is None:
            return None
        longer = recheck.longer
        return longer.months if longer and payload.get(longer.field, 0) >= longer.at_least else recheck.months

    def holder(self, payload: Mapping[str, Any]) -> Party:
        """The first holder, as the payload names it."""
        return self.holders(payload)[0]

    def holders(self, payload: Mapping[str, Any]) -> tuple[Party, ...]:
        """Every holder the payload names; a further one may be absent."""
        tables = (self.definition.holder, *self.definition.further_holders)
        return tuple(_party(table, payload) for table in tables if table.name in payload)

    def public_holder_names(self, payload: Mapping[str, Any]) -> tuple[str, ...]:
        """The holders' names as the public may see them, in the order of `holders`."""
        tables = (self.definition.holder, *self.definition.further_holders)
        return tuple(RULES[table.public](payload[table.name]) for table in tables if table.name in payload)

    def public_holder_name(self, payload: Mapping[str, Any]) -> str:
        """The names of all holders as the public may see them, joined by 、."""
        return "、".join(self.public_holder_names(payload))

    def token_name(self, payload: Mapping[str, Any]) -> str | None:
        """The holder's name as a token carries it: that of a business, if it fits; persons are never named."""
        name = self.public_holder_name(payload)
        return name if self.subject(payload) and fits(name) else None

    def place(self, payload: Mapping[str, Any]) -> str | None:
        """The premises, device or business for which there is only one certificate of this type; None without limit."""
        if self.policy.one_per == "business":
            return self.policy.one_per
        return None if self.policy.place is None else str(payload[self.policy.place])

    def subject(self, payload: Mapping[str, Any]) -> Uscc | None:
        """The USCC of a business; None for a person, whose number never leaves the payload."""
        holder = self.holder(payload)
        return Uscc(holder.code) if holder.code is not None and holder.code_kind == USCC else None

    def licence(self, payload: Mapping[str, Any]) -> Uscc | None:
        """The business whose licence a permit is tied to."""
        field = self.definition.licence_field
        return None if field is None else Uscc(payload[field])

    def term(self, payload: Mapping[str, Any]) -> Term:
        """First and last day of force."""
        start, end = self.definition.term.start, self.definition.term.end
        last = payload.get(end) if end else None
        return Term(date.fromisoformat(payload[start]), date.fromisoformat(last) if last else None)

    def number(
        self, payload: Mapping[str, Any], area: str, on: date, organ_word: str | None = None
    ) -> str | NumberSeries:
        """The printed number, or the series whose next serial the register takes: one for each organ, where an order
        names the word that stands for it and the policy has numbers by organ."""
        table, by_organ = self.definition.number, self.policy.number.by_organ
        if by_organ is not None and organ_word is not None:
            return NumberSeries(by_organ.replace("{organ}", organ_word).replace("{year}", str(on.year)))
        if table.field is not None:
            return str(payload[table.field])
        coded = {field: codes[payload[field]] for field, codes in table.codes.items()}
        known = {"area": area, "year": str(on.year), **coded}
        template = re.sub(r"\{(\w+)\}", lambda found: str(known.get(found[1], found[0])), table.template or "")
        return NumberSeries(template, table.check)

    def public_view(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The fields the public may see, each masked by its rule, in the order of the face."""
        return {
            field.key: _mask(payload[field.key], field.public)
            for field in self.definition.fields
            if field.public is not None and field.key in payload
        }

    def head_office(self, payload: Mapping[str, Any]) -> Uscc | None:
        """The business that a branch belongs to, where the payload names its code."""
        code = payload.get(self.policy.head_office or "")
        return None if code is None else Uscc(code)

    def rows(self, values: Mapping[str, Any]) -> list[tuple[FieldTable, str]]:
        """The fields in `values` as texts, in the order of the face: the face and the pages show the same."""
        return [(field, self._text(field.key, values)) for field in self.definition.fields if field.key in values]

    def _text(self, key: str, values: Mapping[str, Any]) -> str:
        """A value as printed; the kind of a holder's code in words (GB/T 36903 Annex A)."""
        kinds = {table.code_kind_field for table in (self.definition.holder, *self.definition.further_holders)}
        return KINDS[values[key]].zh if key in kinds else as_text(values[key])


def shown_value(kind: CertificateType, key: str, value: object) -> str:
    """One value of a draft: as printed, or as it was written where no face could print it."""
    try:
        ((_, text),) = kind.rows({key: value})
    except (LookupError, TypeError, ValueError):
        return as_text(value)
    return text


def _party(table: HolderTable, payload: Mapping[str, Any]) -> Party:
    kind = table.code_kind or str(payload[table.code_kind_field or ""])
    return Party(name=payload[table.name], code=payload.get(table.code), code_kind=kind)


def as_text(value: object) -> str:
    """A value as printed: dates as 2019年04月16日, lists joined by 、, yes and no as 是 and 否."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(as_text(item) for item in value)
    text = str(value)
    return f"{text[:4]}年{text[5:7]}月{text[8:]}日" if ISO_DATE.fullmatch(text) else text


def _mask(value: object, rule: str) -> object:
    if rule == "clear":
        return value
    if isinstance(value, list) and rule != "hidden":
        return [_mask(item, rule) for item in value]
    return RULES[rule](as_text(value))
