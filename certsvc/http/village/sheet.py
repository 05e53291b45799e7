"""One filled-in sheet of a clerk: the questions of the proof, contact, how it was looked into, and the consent.

It is read from a draft or from a posted form, and shown the same way from either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certsvc.domain.consent_words import ConsentWords, consent_words
from certsvc.domain.entry_form import Group, Typed, write_answer
from certsvc.domain.looked_into import Way, looked_into, ways_and_words
from certsvc.domain.organ import Member
from certsvc.domain.proof_request import Consent, ConsentGiven, differences
from certsvc.errors import InvalidInput, Problem
from certsvc.http.form import every
from certsvc.http.language import Language
from certsvc.http.village.entry import EntryView, entry_view, read_typed
from certsvc.http.village.typed import LONGEST_KEY, LONGEST_VERSION, new_key
from certsvc.issuance.village.entering import Draft
from certsvc.issuance.village.work import MOST_CONTACT, MOST_NOTES, Said

HANDLER, AND, NOTHING = "handler", "、", "—"
AT_THE_COUNTER = (ConsentGiven.IN_PERSON, ConsentGiven.ON_PAPER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is on the form. `ticks` are the consents that were just ticked, `how` how they were given; `handler` is who
    fills it in; `then` is what the button asks for after saving."""

    typed: Typed
    handler: str
    contact: str = ""
    ways: tuple[Way, ...] = ()
    notes: str = ""
    ticks: frozenset[str] = frozenset()
    how: str = ""
    seen: int
    key: str
    then: str = ""

    def payload(self, draft: Draft) -> dict[str, Any]:
        """The payload of the draft: who handles it is known."""
        said = draft.form.payload(self.typed, draft.content.payload)
        if HANDLER in draft.form.others:
            said[HANDLER] = self.handler
        return said

    def said(self, draft: Draft) -> Said:
        """What is to be saved.

        Raises:
            InvalidInput: the consent is ticked in part, or the form was not made here.
        """
        if not 0 < len(self.key) <= LONGEST_KEY:
            raise InvalidInput("表单不合格式。", "The form is malformed.")
        notes = looked_into(self.ways, self.notes)
        return Said(
            payload=self.payload(draft), contact=self.contact or None, notes=notes, consent=self._consent(draft)
        )

    def _consent(self, draft: Draft) -> Consent | None:
        words = words_of(draft)
        if words is None or not self.ticks:
            return None
        if consent_fault(self, words) is not None:
            raise InvalidInput(
                "申请人同意的内容没有勾全，还没有保存。", "The consent is not whole; nothing is saved yet."
            )
        return Consent(what=words.whole, how=ConsentGiven(self.how))


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetView:
    """The same as the page shows it. `errors` are where a link leads, and the words; `wrong` the words by field."""

    entry: EntryView
    sheet: Sheet
    ways: tuple[tuple[str, str, bool], ...]
    hows: tuple[tuple[str, str, bool], ...]
    consent: ConsentWords | None
    errors: tuple[tuple[str, str], ...]
    wrong: Mapping[str, str]
    theirs: Mapping[str, str]
    key: str
    seen: int


def words_of(draft: Draft) -> ConsentWords | None:
    """What the resident is asked to agree to; None for what is not given out any more."""
    asked = {each.key for each in draft.form.of_resident.fields if each.group is not Group.USE}
    return None if draft.item is None else consent_words(draft.item, asked)


def sheet_of(draft: Draft, who: Member) -> Sheet:
    """The sheet as it was saved."""
    ways, notes = ways_and_words(draft.content.notes)
    return Sheet(
        typed=draft.form.typed(draft.content.payload),
        handler=who.name,
        contact=draft.content.contact or "",
        ways=ways,
        notes=notes,
        seen=draft.request.version,
        key=new_key(),
    )


def read_sheet(draft: Draft, fields: Mapping[str, str], who: Member) -> Sheet:
    """The sheet as it was posted."""
    seen = fields.get("seen", "")
    return Sheet(
        typed=read_typed(draft.form, fields),
        handler=who.name,
        contact=fields.get("contact", ""),
        ways=tuple(way for way in Way if way in every(fields, "way")),
        notes=fields.get("notes", "").replace("\r\n", "\n"),
        ticks=frozenset(name for name in ("consent", "sensitive") if fields.get(name) == "yes"),
        how=fields.get("how", ""),
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= LONGEST_VERSION else 0,
        key=fields.get("key", ""),
        then=fields.get("then", ""),
    )


def consent_fault(sheet: Sheet, words: ConsentWords) -> tuple[str, str] | None:
    """Which of the ticks is missing where others are there, and the name of the words for it."""
    if "consent" not in sheet.ticks:
        return "consent", "no_consent"
    if words.sensitive is not None and "sensitive" not in sheet.ticks:
        return "sensitive", "no_sensitive"
    if sheet.how not in AT_THE_COUNTER:
        return "how-1", "no_consent_how"
    return None


def sheet_errors(draft: Draft, sheet: Sheet, problems: Sequence[Problem]) -> dict[str, str]:
    """What is missing beside the questions, by field: the name of the words for it; a fault in the ticks always."""
    missing = {f"f-{problem.field}": "" for problem in problems}
    if not sheet.ways:
        missing["way-1"] = "no_ways"
    if not sheet.notes.strip():
        missing["notes"] = "no_notes"
    words = words_of(draft)
    if words is not None and (sheet.ticks or draft.request.consent is None):
        fault = consent_fault(sheet, words)
        missing |= {fault[0]: fault[1]} if fault else {}
    return missing


def sheet_view(
    draft: Draft,
    sheet: Sheet,
    language: Language,
    *,
    problems: Sequence[Problem] = (),
    checks: bool = False,
    is_stale: bool = False,
    more: str = "",
) -> SheetView:
    """The sheet to be shown, to be sent with a fresh key of the version that stands now. `checks` says all that is
    missing; what somebody else saved meanwhile stands beside what differs."""
    words = language.words["entry"]
    shown = [each for each in problems if each.field.partition(".")[0] not in draft.form.others]
    theirs = _theirs(draft, sheet) if is_stale else {}
    entry = entry_view(draft.form, sheet.typed, language, problems=shown, beside=theirs, more=more)
    wrong = {at: words[name] for at, name in _beside(draft, sheet, checks).items()}
    wrong |= _too_long(sheet, words)
    return SheetView(
        entry=entry,
        sheet=sheet,
        ways=tuple((way, words["ways_named"][way], way in sheet.ways) for way in Way),
        hows=tuple((how, words["hows"][how], how == sheet.how) for how in AT_THE_COUNTER),
        consent=words_of(draft),
        errors=(*entry.errors, *wrong.items()),
        wrong=wrong,
        theirs=theirs,
        key=new_key(),
        seen=draft.request.version,
    )


def _beside(draft: Draft, sheet: Sheet, checks: bool) -> dict[str, str]:
    found = {at: name for at, name in sheet_errors(draft, sheet, ()).items() if name}
    if checks:
        return found
    return {at: name for at, name in found.items() if sheet.ticks and at in ("consent", "sensitive", "how-1")}


def _too_long(sheet: Sheet, words: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if len(sheet.contact) > MOST_CONTACT:
        found["contact"] = words["contact_long"].format(most=MOST_CONTACT)
    if len(looked_into(sheet.ways, sheet.notes) or "") > MOST_NOTES:
        found["notes"] = words["notes_long"].format(most=MOST_NOTES)
    return found


def _theirs(draft: Draft, sheet: Sheet) -> dict[str, str]:
    """What stands saved now, by field, where what was typed differs."""
    known, found = draft.content, {}
    for each in differences(sheet.payload(draft), known.payload):
        if draft.form.field(each.field) is not None:
            found[each.field] = AND.join(write_answer(each.after)) or NOTHING
    beside = {"contact": (sheet.contact, known.contact), "notes": (looked_into(sheet.ways, sheet.notes), known.notes)}
    found |= {name: saved or NOTHING for name, (mine, saved) in beside.items() if (mine or None) != saved}
    return found
