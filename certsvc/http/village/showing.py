"""What pages of the console show of a request, in words: its steps, its fields, what changed, who did what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.domain.handing import Handing
from certsvc.domain.looked_into import is_looked_into
from certsvc.domain.proof_acts import PROOF_ACTS, ProofAct, ProofState
from certsvc.domain.proof_doubt import NEED_WORDS, DoubtNeed
from certsvc.domain.proof_life import USABLE
from certsvc.domain.proof_request import SERVICE, Difference, ProofRequest
from certsvc.http.language import Language
from certsvc.http.verifier.view import Fact
from certsvc.http.village.lives import life_said
from certsvc.issuance.village.faces import Kind, shown_value
from certsvc.issuance.village.reading import ProofView

DONE, NOW, STOPPED, LATER = "done", "now", "stopped", "later"
HANDING_OVER = 3
"""The place of the last step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four steps: `look` is done, now, stopped or later."""

    name: str
    said: str
    look: str


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One field that differs, in words; None where it is not there."""

    label: str
    label_zh: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Handled:
    """One act on record, in words."""

    act: str
    person: str
    at: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that stands beside what is sealed; `missing` is what has to be done yet."""

    label: str
    value: str
    hint: str = ""
    missing: bool = False


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """What is wrong with a field of a draft."""

    field: str
    label: str
    said: str


def steps_of(view: ProofView, language: Language, handings: Sequence[Handing], now: datetime) -> list[Step]:
    """经办, 审批, 用印, 送达, and how far it is; `handings` are what was handed out, the newest first."""
    words, at = language.words["desk"]["steps"], _at(view.request)
    said = [_said(view, step, language) for step in range(HANDING_OVER)]
    looks = [_look(view.request, place, at) for place in range(len(words["names"]))]
    if looks[HANDING_OVER] == NOW and _fetched(handings):
        looks[HANDING_OVER] = DONE
    said.append(_handed_over(view, language, handings, now))
    if looks[HANDING_OVER] in (NOW, DONE) and view.life is not None and view.life.state not in USABLE:
        looks[HANDING_OVER] = STOPPED
    return [Step(*each) for each in zip(words["names"], said, looks, strict=True)]


def minute(language: Language, instant: datetime) -> str:
    """Date and time in Beijing, to the minute: seconds tell nobody anything here."""
    return language.moment(instant)[: -len(":00")]


def label_of(kind: Kind, key: str, language: Language) -> tuple[str, str | None]:
    """The label of a field on the face, and the Chinese beside it."""
    for field in kind.definition.fields:
        if field.key == key:
            return language.titled(field.zh, field.en)
    return key, None


def payload_facts(kind: Kind, payload: Mapping[str, Any], language: Language) -> list[Fact]:
    """What is or would be sealed, in the order of the face; a draft is shown as it is written."""
    facts = []
    for field in kind.definition.fields:
        if field.key in payload:
            label, label_zh = label_of(kind, field.key, language)
            facts.append(Fact(label=label, label_zh=label_zh, value=value_of(kind, field.key, payload[field.key])))
    return facts


def value_of(kind: Kind, key: str, value: Any) -> str:
    """A value in words; nothing where there is none."""
    return "" if value is None else shown_value(kind, key, value)


def difference_rows(kind: Kind, found: Sequence[Difference], language: Language) -> list[DifferenceRow]:
    """What differs, in the order of what is new."""
    return [
        DifferenceRow(
            *label_of(kind, each.field, language),
            None if each.before is None else value_of(kind, each.field, each.before),
            None if each.after is None else value_of(kind, each.field, each.after),
        )
        for each in found
    ]


def handled_rows(view: ProofView, language: Language) -> list[Handled]:
    """Who did what when, the newest first."""
    opened = language.words["desk"]["opened_act"]
    rows = []
    for event in reversed(view.events):
        rule = PROOF_ACTS.get(event.act)
        act = opened if rule is None else language.pick(rule.zh, rule.en)
        if event.identity is not None:
            act = f"{act}{language.words['desk']['colon']}{language.words['desk']['identity_ways'][event.identity]}"
        person = language.words["desk"]["system"] if event.person == SERVICE else event.person
        rows.append(Handled(act[:1].upper() + act[1:], person, minute(language, event.at), event.reason))
    return rows


def sent_back(view: ProofView, language: Language) -> Handled | None:
    """Who returned a request that is with its clerk again, and why."""
    if view.request.state is not ProofState.RETURNED:
        return None
    acts = (ProofAct.RETURN, ProofAct.REOPEN)
    for event in reversed(view.events):
        if event.act in acts:
            return Handled("", event.person, minute(language, event.at), event.reason)
    return None


def problem_lines(view: ProofView, kind: Kind, language: Language) -> list[ProblemLine]:
    """What is wrong with a draft, field by field; once a field has one, others of it say nothing new."""
    lines: dict[str, ProblemLine] = {}
    for each in view.problems:
        field = each.field.partition(".")[0]
        label, _ = label_of(kind, field, language)
        lines.setdefault(field, ProblemLine(field, label, language.pick(each.zh, each.en)))
    return [*lines.values()]


def looked_into(view: ProofView, language: Language) -> list[Looked]:
    """How it was seen who asks, what they consent to, how the facts were looked into, and what the law doubts."""
    words, request = language.words["desk"], view.request
    rows = [_identity(request, language)]
    consent = request.consent
    if consent is None or request.consent_at is None:
        rows.append(Looked(words["consent"], words["no_consent"], missing=True))
    else:
        how = f"{words['consent_ways'][consent.how]}{words['comma']}{minute(language, request.consent_at)}"
        rows.append(Looked(words["consent"], consent.what, how))
    notes = view.content.notes
    rows.append(Looked(words["notes"], notes or words["no_notes"], missing=not is_looked_into(notes)))
    rows.append(Looked(words["contact"], view.content.contact or words["none"]))
    if view.content.correction:
        rows.append(Looked(words["correction"], view.content.correction))
    return [*rows, *(_doubt(view, need, language) for need in view.needs)]


def need_name(need: DoubtNeed, language: Language) -> str:
    """What must be on record of a proof with a legal doubt."""
    return language.pick(*NEED_WORDS[need])


def _identity(request: ProofRequest, language: Language) -> Looked:
    words = language.words["desk"]
    if request.identity is None or request.identity_at is None:
        return Looked(words["identity"], words["not_identified"], missing=True)
    by = f"{request.identity_by or ''}{words['comma']}{minute(language, request.identity_at)}"
    return Looked(words["identity"], words["identity_ways"][request.identity], by)


def _doubt(view: ProofView, need: DoubtNeed, language: Language) -> Looked:
    words = language.words["desk"]
    for check in view.doubts:
        if check.need is need:
            by = f"{check.person}{words['comma']}{minute(language, check.at)}"
            return Looked(need_name(need, language), check.said, by)
    return Looked(need_name(need, language), words["not_recorded"], missing=True)


def _fetched(handings: Sequence[Handing]) -> datetime | None:
    """When the file was first fetched with a secret."""
    return min((one.fetched_at for one in handings if one.fetched_at), default=None)


def _handed_over(view: ProofView, language: Language, handings: Sequence[Handing], now: datetime) -> str:
    """Whether a secret was handed out, and the file fetched with it; after a cancellation the latter counts still."""
    words, state, life = language.words["desk"]["steps"], view.request.state, life_said(view.life, language)
    if state not in (ProofState.SEALED, ProofState.CANCELLED):
        return ""
    is_over = state is ProofState.CANCELLED or life is not None
    said, at = life.word if life else str(words["said"][state]), _fetched(handings)
    if at is not None:
        fetched = str(words["fetched"]).format(at=minute(language, at))
        return f"{said}{language.words['desk']['comma']}{fetched}" if is_over else fetched
    if is_over or not handings:
        return said
    return str(words["handed"] if handings[0].is_open(now) else words["lapsed"])


def _at(request: ProofRequest) -> int:
    match request.state:
        case ProofState.DRAFT | ProofState.RETURNED | ProofState.WITHDRAWN:
            return 0
        case ProofState.SUBMITTED:
            return 1
        case ProofState.APPROVED:
            return 2
    return 3


def _look(request: ProofRequest, place: int, at: int) -> str:
    if place < at:
        return DONE
    if place > at:
        return LATER
    stopped = request.state in (ProofState.WITHDRAWN, ProofState.CANCELLED) or request.could_not_be_sealed
    return STOPPED if stopped else NOW


def _said(view: ProofView, place: int, language: Language) -> str:
    """Who did a step, or what it waits for."""
    words, request = language.words["desk"]["steps"], view.request
    if place == 0:
        return request.handler_name or str(words["nobody"])
    if place == 1:
        approved = [event for event in view.events if event.act is ProofAct.APPROVE]
        return approved[-1].person if approved and _at(request) > 1 else ""
    if place == 2 and request.state in (ProofState.SEALED, ProofState.CANCELLED):
        sealed = [event for event in view.events if event.act is ProofAct.SEAL]
        return minute(language, sealed[-1].at) if sealed else ""
    return str(words["said"].get(request.state, "")) if _at(request) == place else ""
