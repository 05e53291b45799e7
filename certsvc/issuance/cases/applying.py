"""Cases (一照通行): one application for a licence and the permits asked for with it. What whoever applies does: the
form, opening, correcting, withdrawing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.catalog.merged_form import MergedForm, business_answers, merge_forms
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.case import GENERAL_WORKING_DAYS, Case, Part, PartAct, PartGround, PartState
from certsvc.domain.case_requests import CaseOpening, Correction, NewPart, PartRequest
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Reservation
from certsvc.domain.life import state_on, tell
from certsvc.domain.masking import mask_business
from certsvc.domain.scope import CASE, READ
from certsvc.domain.states import Status, said_state
from certsvc.errors import ActNotAllowed, Conflict, InvalidInput, NotFound, Problem
from certsvc.ids import Ref, new_ref, slot_of_licence
from certsvc.issuance.cases.work import (
    CaseWork,
    answers_of,
    digest_of,
    form_of,
    lock_away,
    no_case,
    opened,
    refuse_problems,
)
from certsvc.issuance.prepare import open_payload

FORM = "申请表", "The form"
CORRECTABLE = frozenset({PartState.RETURNED, PartState.REFUSED, PartState.WITHDRAWN, PartState.ENDED})
"""An answer changes as long as every part that it fills is returned, or at an end without a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request to open a case: these types, the licence among them or else the one on record that the permits hang on;
    `working_days` by type, where the type does not say how long a decision may take."""

    key: str
    types: Sequence[str]
    licence: Ref | None
    answers: Mapping[str, Any]
    working_days: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseForm:
    """A merged form, and the answers that are known from the licence on record."""

    form: MergedForm
    known: Mapping[str, Any]
    licence: Reservation | None


async def case_form(work: CaseWork, actor: Actor, types: Sequence[str], licence: Ref | None, now: datetime) -> CaseForm:
    """The form for these types, as it is given to whoever may open such a case.

    Raises:
        Forbidden: the actor may not open a case with one of these types.
        NotFound: there is no such type or licence, or none that the actor may read.
        InvalidInput: no case can be made of these types (see `merge_forms`); there is no licence, or two.
        Conflict: the licence is not in force.
    """
    form = merge_forms([work.issuing.catalog.latest(type_id) for type_id in types])
    for kind in form.kinds:
        actor.require(CASE, kind.id, area=work.issuing.area)
    if (form.kinds[0].category is Category.LICENCE) == (licence is not None):
        raise InvalidInput(
            "一件申请要有一种营业执照，或者写明已有的营业执照，二者取其一。",
            "A case has a licence among its types, or names the licence on record: one of the two.",
        )
    if licence is None:
        return CaseForm(form=form, known={}, licence=None)
    held = await _licence(work, actor, licence, now)
    kind = work.issuing.catalog.version(held.type_id, held.type_version)
    asked = {field.name for field in form.fields}
    known = business_answers(kind, open_payload(work.issuing, held))
    return CaseForm(form=form, known={name: value for name, value in known.items() if name in asked}, licence=held)


async def open_case(work: CaseWork, actor: Actor, asked: Opening, now: datetime) -> Case:
    """Open a case; the same request again gives the same case, whatever became of the licence since.

    Raises:
        see `case_form`; PayloadInvalid: with every problem, by question; KeyReused: the key had other content.
    """
    digest = digest_of(sorted(asked.types), asked.licence, asked.answers, asked.working_days)
    known = await work.cases.opened_before(actor.name, asked.key, digest)
    if known is not None:
        return known
    given = await case_form(work, actor, asked.types, asked.licence, now)
    kinds, licence = given.form.kinds, given.licence
    answers = {**asked.answers, **given.known}
    differing = [name for name, value in given.known.items() if asked.answers.get(name, value) != value]
    problems = [Problem(name, "differs", "与营业执照不一致。", "It differs from the licence.") for name in differing]
    refuse_problems([*problems, *given.form.problems(answers)], *FORM)
    ref = new_ref(slot_of_licence(licence.subject) if licence and licence.subject else None)
    opening = CaseOpening(
        ref=ref,
        client=actor.name,
        key=asked.key,
        digest=digest,
        applicant=mask_business(str(answers["business.name"])),
        licence_type=None if licence else kinds[0].id,
        licence=licence.life if licence else None,
        parts=tuple(_new_part(kind, asked.working_days, beijing_date(now)) for kind in kinds),
        sealed=lock_away(work, ref, answers),
        key_id=work.issuing.cipher.key_id,
    )
    return await work.cases.open(opening, now)


async def correct(work: CaseWork, actor: Actor, ref: Ref, changed: Mapping[str, Any], key: str, now: datetime) -> Case:
    """Correct the answers that the returned parts rest on, and resubmit these parts; the same request again gives the
    case as it stands. An answer of None takes the old one away. What another department reviews does not change under
    its eyes, nor what it granted.

    Raises:
        NotFound: there is no such case, or another opened it.
        ActNotAllowed: no part is returned.
        PayloadInvalid: with every problem, by question; one that no returned part rests on is a problem, and one that
            a part rests on which is neither returned nor at an end without a certificate.
        KeyReused: the key was used with other content.
    """
    case = await _own_case(work, actor, ref)
    digest = digest_of(ref, changed)
    if await work.cases.corrected_before(ref, actor.name, key, digest):
        return case
    returned = [part for part in case.parts if part.state is PartState.RETURNED]
    if not returned:
        raise ActNotAllowed("没有退回补正的部分。", "No part is returned for correction.")
    form = form_of(work, case)
    answers = _corrected(form, await answers_of(work, ref), changed)
    refuse_problems([*_untouchable(form, case, changed), *_problems_of(form, answers, returned)], *FORM)
    today = beijing_date(now)
    correction = Correction(
        ref=ref,
        client=actor.name,
        key=key,
        digest=digest,
        deadlines={part.type_id: weekdays_after(today, part.working_days) for part in returned},
        sealed=lock_away(work, ref, answers),
        key_id=work.issuing.cipher.key_id,
    )
    return await work.cases.correct(correction, actor.name, now)


async def withdraw(work: CaseWork, actor: Actor, ref: Ref, type_id: str, reason: str, key: str, now: datetime) -> Case:
    """Withdraw a part that is not decided; with the licence goes what hangs on it. The same request again gives the
    case as it stands.

    Raises:
        NotFound: there is no such case or part, or another opened it.
        ActNotAllowed: it is decided.
        KeyReused: the key was used with other content.
    """
    case = await _own_case(work, actor, ref)
    if case.part(type_id) is None:
        raise no_case(ref)
    request = PartRequest(
        ref=ref,
        client=actor.name,
        key=key,
        digest=digest_of(ref, type_id, PartAct.WITHDRAW, reason),
        act=PartAct.WITHDRAW,
        type_id=type_id,
        ground=PartGround(reason=reason),
    )
    return await work.cases.act(request, actor.name, now)


def _corrected(form: MergedForm, answers: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The answers with the changes; without those to questions that the newest versions of the types ask no more."""
    asked = {field.name for field in form.fields} | changed.keys()
    together = {**answers, **changed}
    return {name: value for name, value in together.items() if value is not None and name in asked}


def _untouchable(form: MergedForm, case: Case, changed: Mapping[str, Any]) -> Iterator[Problem]:
    """The changes that are not for who corrects: no part that they fill is returned, or another one is not."""
    states = {part.type_id: part.state for part in case.parts}
    titles = {kind.id: (f"“{kind.zh}”", f"{kind.en} ({kind.id})") for kind in form.kinds}
    fills = {field.name: [type_id for type_id, _ in field.sources] for field in form.fields}
    for name in changed:
        filled = fills.get(name, [])
        if all(states[type_id] is not PartState.RETURNED for type_id in filled):
            yield Problem(name, "not_returned", "这一项没有退回补正。", "It was not returned.")
        elif others := [titles[type_id] for type_id in filled if states[type_id] not in CORRECTABLE]:
            zh, en = "、".join(one for one, _ in others), ", ".join(one for _, one in others)
            zh = f"这一项也用于{zh}，没有一并退回：请有关部门退回；只改本部分的，如有自己的一项，改那一项。"
            en = f"It also fills {en}, not returned: have it returned, or change the part's own question if it has one."
            yield Problem(name, "fills_other_parts", zh, en)


def _problems_of(form: MergedForm, answers: Mapping[str, Any], returned: Sequence[Part]) -> list[Problem]:
    """What is wrong with the answers that returned parts rest on. Others may have become wrong by a new version of
    their type: that is for their department to return."""
    ids, known = {part.type_id for part in returned}, {field.name: field for field in form.fields}
    others = {name for name, field in known.items() if not ids & {type_id for type_id, _ in field.sources}}
    found = form.problems(answers)
    return [one for one in found if not any(one.field == name or one.field.startswith(f"{name}.") for name in others)]


async def _own_case(work: CaseWork, actor: Actor, ref: Ref) -> Case:
    case = await work.cases.case(ref)
    if not opened(actor, case):
        raise no_case(ref)
    return case


async def _licence(work: CaseWork, actor: Actor, ref: Ref, now: datetime) -> Reservation:
    """The newest version of a licence that permits can hang on."""
    register = work.issuing.register
    held = await register.newest_version(ref)
    kind = work.issuing.catalog.version(held.type_id, held.type_version)
    if not actor.may(READ, kind.id, (held.seal_id,), area_of(held.issuer.uscc)):
        raise NotFound(f"没有 {ref.typed_code}。", f"There is no {ref.typed_code}.")
    if kind.category is not Category.LICENCE:
        raise InvalidInput(f"{ref.typed_code} 不是营业执照。", f"{ref.typed_code} is no licence.")
    state = state_on(tell(await register.events(held.ref)), beijing_date(now)).status
    if state is not Status.VALID:
        zh, en = said_state(state)
        raise Conflict(
            f"营业执照的状态是{zh}，不能在它下面申请许可。",
            f"The state of the licence is {en}: no permit can be asked for under it.",
        )
    return held


def _new_part(kind: CertificateType, asked: Mapping[str, int], today: date) -> NewPart:
    """A part with its time: the type's, else the one asked for, else the general one."""
    limit = kind.policy.decision
    days = limit.working_days if limit else asked.get(kind.id, GENERAL_WORKING_DAYS)
    return NewPart(type_id=kind.id, working_days=days, deadline=weekdays_after(today, days))
