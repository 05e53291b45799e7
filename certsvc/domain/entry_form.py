"""The form in which a certificate's content is typed in: its questions in the order of the face, and what was typed.

What was typed becomes the payload of a draft. What can be read is kept as what it means (a number, a date, yes or no);
what cannot is kept exactly as it was typed, so that nothing is lost and the type's own checks say what is wrong.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from certsvc.domain.proof_item import Said
from certsvc.errors import CertsvcError, Problem
from certsvc.ids import parse_citizen_id, parse_uscc

Typed = Mapping[str, Sequence[str]]
"""What was typed, by the key of the question: every row of a list, one text of anything else."""

WHOLE = re.compile(r"(0|[1-9][0-9]{0,14})", re.ASCII)
DAY = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?", re.ASCII)
YES, NO = "true", "false"
FIRST_YEAR = 1900


class Control(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    LONG = "long"
    WHOLE = "whole"
    DAY = "day"
    YES_NO = "yes_no"
    CHOICE = "choice"
    TEXTS = "texts"
    CHOICES = "choices"
    CITIZEN_ID = "citizen_id"
    USCC = "uscc"
    FIXED = "fixed"

    @property
    def is_list(self) -> bool:
        """Whether it takes several answers."""
        return self in (Control.TEXTS, Control.CHOICES)


class Asks(StrEnum):
    """Who is asked: the resident too, the clerk alone, or nobody, because it is known."""

    EVERYBODY = "everybody"
    CLERK = "clerk"
    NOBODY = "nobody"


class Group(StrEnum):
    """What stands together on the form."""

    WHO = "who"
    FACTS = "facts"
    CHECKED = "checked"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that a browser can see, too: its kind, what it compares with (a value or the question `other`), and the
    words, which are those of the type's own checks."""

    kind: str
    said: Said
    value: str | int | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A question is asked only if the question `key` is answered with one of `values`; then it may be required."""

    key: str
    values: tuple[str, ...]
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryField:
    """One question. `least` and `most` are characters or entries, `options` what may be chosen, `fixed` the one value
    there is, `wrong` what is said instead of naming a pattern."""

    key: str
    label: Said
    control: Control
    is_required: bool
    group: Group = Group.FACTS
    asks: Asks = Asks.EVERYBODY
    least: int = 0
    most: int | None = None
    pattern: str | None = None
    options: tuple[tuple[str, Said], ...] = ()
    fixed: Any = None
    help: Said | None = None
    example: str | None = None
    wrong: Said | None = None
    when: When | None = None
    begins_today: bool = False
    ends_after_days: int | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryForm:
    """The form of one version of a type; `others` are keys of its payload that this form does not ask."""

    type_id: str
    version: int
    title: Said
    fields: tuple[EntryField, ...]
    others: frozenset[str] = field(default_factory=frozenset)

    def asked_of(self, *who: Asks) -> "EntryForm":
        """The same with the questions that are asked of somebody."""
        kept = tuple(each for each in self.fields if each.asks in who)
        left = {each.key for each in self.fields} - {each.key for each in kept}
        return replace(self, fields=kept, others=self.others | left)

    @property
    def of_clerk(self) -> "EntryForm":
        """What a clerk is asked."""
        return self.asked_of(Asks.EVERYBODY, Asks.CLERK)

    @property
    def of_resident(self) -> "EntryForm":
        """What a resident is asked."""
        return self.asked_of(Asks.EVERYBODY)

    def field(self, key: str) -> EntryField | None:
        """A question by its key."""
        return next((each for each in self.fields if each.key == key), None)

    def at_first(self, day: date) -> dict[str, Any]:
        """What stands in the form before anything is typed, on a day: the usual term."""
        first: dict[str, Any] = {}
        for each in self.fields:
            if each.begins_today:
                first[each.key] = day.isoformat()
            elif each.ends_after_days is not None:
                first[each.key] = (day + timedelta(days=each.ends_after_days - 1)).isoformat()
        return first

    def payload(self, typed: Typed, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What was typed, as the payload of a draft. Of what is `known`, that stays which this form does not ask."""
        said = {key: value for key, value in (known or {}).items() if key in self.others}
        for each in self.fields:
            value = each.fixed if each.control is Control.FIXED else read_answer(each, typed.get(each.key, ()))
            if value is not None:
                said[each.key] = value
        return said

    def typed(self, payload: Mapping[str, Any]) -> dict[str, list[str]]:
        """A payload as it is typed: `payload` gives it back."""
        return {each.key: write_answer(payload[each.key]) for each in self.fields if each.key in payload}

    def problems(self, payload: Mapping[str, Any]) -> list[Problem]:
        """What is answered though it is not asked, or not answered though it then must be."""
        return [problem for each in self.fields if each.when for problem in self._misplaced(each, each.when, payload)]

    def in_words(self, problems: Sequence[Problem]) -> list[Problem]:
        """The same problems, where a question has better words than the pattern it must match."""
        return [self._reworded(each) for each in problems]

    def is_asked(self, each: EntryField, payload: Mapping[str, Any]) -> bool:
        """Whether a question is asked, as the others are answered."""
        return each.when is None or set(write_answer(payload.get(each.when.key))) & {*each.when.values} != set()

    def condition(self, when: When) -> Said:
        """When a question is asked, in words."""
        other = self.field(when.key)
        if other is None:
            return Said("", "")
        named = dict(other.options)
        values = [named.get(value, Said(value, value)) for value in when.values]
        zh, en = "或".join(each.zh for each in values), " or ".join(each.en for each in values)
        return Said(f"“{other.label.zh}”是{zh}时才填。", f"Only if “{other.label.en}” is {en}.")

    def _misplaced(self, each: EntryField, when: When, payload: Mapping[str, Any]) -> Iterator[Problem]:
        said, is_asked = self.condition(when), self.is_asked(each, payload)
        if each.key in payload and not is_asked:
            zh, en = f"{each.label.zh}不用填，请清空：{said.zh}", f"Leave “{each.label.en}” empty. {said.en}"
            yield Problem(each.key, "not_asked", zh, en)
        if when.is_required and is_asked and each.key not in payload:
            yield Problem(each.key, "required", f"{each.label.zh}必须填写。", f"{each.label.en} must be given.")

    def _reworded(self, problem: Problem) -> Problem:
        each = self.field(problem.field.partition(".")[0])
        if each is None or each.wrong is None or problem.code not in ("pattern", "code_of_kind"):
            return problem
        return replace(problem, zh=each.wrong.zh, en=each.wrong.en)


def read_answer(each: EntryField, texts: Sequence[str]) -> Any:
    """What was typed as a value; None where nothing was. What cannot be read stays as it is."""
    given = [text for text in texts if text.strip()]
    if not given:
        return None
    if each.control.is_list:
        return [_tidy(each, text) for text in given]
    text = given[0]
    if each.control is Control.WHOLE:
        return _whole(text)
    if each.control is Control.DAY:
        return _day(text)
    if each.control is Control.YES_NO:
        return {YES: True, NO: False}.get(text, text)
    return _tidy(each, text)


def write_answer(value: Any) -> list[str]:
    """A value as it is typed."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [YES if value else NO]
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)]


def _tidy(each: EntryField, text: str) -> str:
    """A code as it is printed, if that is what was meant: in capitals, in half-width characters, without spaces."""
    capitals = unicodedata.normalize("NFKC", re.sub(r"\s", "", text)).upper()
    if each.control in (Control.CITIZEN_ID, Control.USCC):
        parse = parse_citizen_id if each.control is Control.CITIZEN_ID else parse_uscc
        try:
            return str(parse(capitals))
        except CertsvcError:
            return text
    if each.pattern is None or re.search(each.pattern, text) or not re.search(each.pattern, capitals):
        return text
    return capitals


def _whole(text: str) -> int | str:
    plain = unicodedata.normalize("NFKC", text).strip()
    return int(plain) if WHOLE.fullmatch(plain) else text


def _day(text: str) -> str:
    found = DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        day = date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        day = None
    return text if day is None or day.year < FIRST_YEAR else day.isoformat()
