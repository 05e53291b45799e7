"""The questions of a proof's form as a page shows them (`entry_fields.html`), and what was typed as it comes back.

The clerk's page and the resident's show the same. Every field is named `f.` and its key; a list has its name once for
each row. Nothing that was typed is lost on the way: what cannot be read comes back as it was typed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from certsvc.domain.entry_form import NO, YES, Check, Control, EntryField, EntryForm, Group, Typed
from certsvc.domain.proof_item import Said
from certsvc.errors import Problem
from certsvc.http.form import every
from certsvc.http.language import Language

MOST_ENTRY = 128 * 1024
"""Bytes of a form: the longest texts that a type takes, as browsers write them."""

PREFIX = "f."
FEW_ROWS, MORE_ROWS, FEW_CHOICES = 3, 5, 6
ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
NUMBERS = frozenset({Control.WHOLE})
FEWEST_LINES, MOST_LINES, IN_A_LINE = 2, 8, 25
CODES = frozenset({Control.CITIZEN_ID, Control.USCC})


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may be chosen."""

    id: str
    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One text to type; `error` is what is wrong with it alone, `number` its place in a list, from 1."""

    id: str
    value: str
    number: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question as it is shown. `kind` is how: `input`, `long`, `radios`, `select`, `boxes`, `rows`; `beside` is what
    somebody else has saved meanwhile; `checks` is for the page's script, as JSON."""

    id: str
    key: str
    name: str
    kind: str
    type: str
    mode: str
    label: str
    help: str
    example: str
    condition: str
    is_required: bool
    is_code: bool
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...]
    error: str
    beside: str
    checks: str
    when: str
    values: str

    @property
    def lines(self) -> int:
        """How many lines a long text gets."""
        return min(max(FEWEST_LINES, len(self.rows[0].value) // IN_A_LINE + 1), MOST_LINES)

    @property
    def first(self) -> str:
        """Where a link to this question leads."""
        return self.rows[0].id if self.rows else self.choices[0].id if self.choices else self.id


@dataclass(frozen=True, slots=True)
class QuestionGroup:
    """What stands together."""

    name: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class EntryView:
    """A form as it is shown; `errors` are where a link leads, and the words."""

    groups: tuple[QuestionGroup, ...]
    errors: tuple[tuple[str, str], ...]


def read_typed(form: EntryForm, fields: Mapping[str, str]) -> dict[str, list[str]]:
    """What was typed, by key, of a posted form; the row that `less` names (`members.2`) is taken away."""
    key, _, row = fields.get("less", "").partition(".")
    typed = {each.key: [*every(fields, PREFIX + each.key)] for each in form.fields if PREFIX + each.key in fields}
    if key in typed and row.isascii() and row.isdigit() and 0 < int(row[:3]) <= len(typed[key]):
        del typed[key][int(row[:3]) - 1]
    return typed


def changes_rows(fields: Mapping[str, str]) -> bool:
    """Whether a form was sent only to have a row more or less: the page is shown again, and nothing is saved."""
    return "more" in fields or "less" in fields


def entry_view(
    form: EntryForm,
    typed: Typed,
    language: Language,
    *,
    problems: Sequence[Problem] = (),
    beside: Mapping[str, str] | None = None,
    more: str = "",
) -> EntryView:
    """The form with what was typed. `problems` are by field, `beside` what somebody else saved, by key; `more` is the
    list that gets more rows."""
    said: dict[str, str] = {}
    for problem in problems:
        said.setdefault(problem.field, language.pick(problem.zh, problem.en))
    shower = _Shower(form, typed, language, said, beside or {}, more)
    shown = {each.key: shower.question(each) for each in form.fields if each.control is not Control.FIXED}
    groups = []
    for group in Group:
        questions = tuple(shown[each.key] for each in form.fields if each.group is group and each.key in shown)
        groups += [QuestionGroup(group, questions)] if questions else []
    return EntryView(tuple(groups), tuple(_errors(form, shown, said)))


def _errors(form: EntryForm, shown: Mapping[str, Question], said: Mapping[str, str]) -> list[tuple[str, str]]:
    """In the order of the face; what is wrong with no question of this form is left to who decides on the whole."""
    found = []
    for each in form.fields:
        for at, text in said.items():
            if at.partition(".")[0] == each.key and each.key in shown:
                row = next((row.id for row in shown[each.key].rows if row.error and row.error == text), None)
                found.append((row or shown[each.key].first, text))
    return found


@dataclass(frozen=True, slots=True)
class _Shower:
    form: EntryForm
    typed: Typed
    language: Language
    said: Mapping[str, str]
    beside: Mapping[str, str]
    more: str

    def question(self, each: EntryField) -> Question:
        texts, id_ = self.typed.get(each.key, ()), f"f-{each.key}"
        kind = _kind(each)
        is_typed = kind in ("input", "long", "rows")
        when = each.when
        return Question(
            id=id_,
            key=each.key,
            name=PREFIX + each.key,
            kind=kind,
            type=_type(each, texts),
            mode="numeric" if each.control in NUMBERS else "text",
            label=self.pick(each.label),
            help=self.pick(each.help),
            example=each.example or "",
            condition=self.pick(self.form.condition(when)) if when else "",
            is_required=each.is_required,
            is_code=each.control in CODES or each.pattern is not None,
            rows=tuple(self.rows(each, id_, texts)) if is_typed else (),
            choices=() if is_typed else tuple(self.choices(each, id_, texts)),
            error=self.said.get(each.key, ""),
            beside=self.beside.get(each.key, ""),
            checks=self.checks(each),
            when=PREFIX + when.key if when else "",
            values=msgspec.json.encode(when.values).decode() if when else "",
        )

    def pick(self, said: Said | None) -> str:
        return "" if said is None else self.language.pick(said.zh, said.en)

    def rows(self, each: EntryField, id_: str, texts: Sequence[str]) -> list[Row]:
        """One text, or the rows of a list: those that are filled in, and some to go on with."""
        if not each.control.is_list:
            return [Row(id_, texts[0] if texts else "", 1, "")]
        given = [text for text in texts if text.strip()]
        count = max(len(given) + (MORE_ROWS if self.more == each.key else 1), FEW_ROWS)
        shown = [*given, *[""] * (min(count, max(each.most or count, len(given))) - len(given))]
        return [
            Row(f"{id_}-{number}", text, number, self.said.get(f"{each.key}.{number - 1}", ""))
            for number, text in enumerate(shown, 1)
        ]

    def choices(self, each: EntryField, id_: str, texts: Sequence[str]) -> list[Choice]:
        options = each.options
        if each.control is Control.YES_NO:
            options = ((YES, Said("是", "Yes")), (NO, Said("否", "No")))
        known = [
            Choice(f"{id_}-{number}", value, str(self.pick(said)), value in texts)
            for number, (value, said) in enumerate(options, 1)
        ]
        strange = [text for text in texts if text and text not in dict(options)]
        return known + [Choice(f"{id_}-x{number}", text, text, True) for number, text in enumerate(strange, 1)]

    def checks(self, each: EntryField) -> str:
        return msgspec.json.encode([self._check(each, check) for check in each.checks]).decode()

    def _check(self, each: EntryField, check: Check) -> dict[str, str | int | None]:
        """A check for the script; the words are those that the server has for it."""
        said = each.wrong if each.wrong and check.kind in ("pattern", "code_of_kind") else check.said
        other = PREFIX + check.other if check.other else None
        return {"kind": check.kind, "said": str(self.pick(said)), "value": check.value, "other": other}


def _kind(each: EntryField) -> str:
    match each.control:
        case Control.LONG:
            return "long"
        case Control.TEXTS:
            return "rows"
        case Control.CHOICES:
            return "boxes"
        case Control.CHOICE | Control.YES_NO:
            return "radios" if len(each.options) <= FEW_CHOICES else "select"
    return "input"


def _type(each: EntryField, texts: Sequence[str]) -> str:
    """A browser shows no text in a field for a date that is none: then it is one for text."""
    if each.control is not Control.DAY:
        return "text"
    return "date" if not texts or not texts[0] or ISO_DAY.fullmatch(texts[0]) else "text"
