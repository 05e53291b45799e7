"""What a department decides of its part of a case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.catalog.merged_form import business_facts
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.case import DECISIONS, PART_ACTS, Case, Part, PartAct, PartGround
from certsvc.domain.case_requests import PartRequest, SealedContent
from certsvc.domain.certificate import Category
from certsvc.errors import ActNotAllowed, InvalidInput, NotFound, Problem
from certsvc.ids import Ref
from certsvc.issuance.cases.issue import STAND_IN, granted_order, licence_facts
from certsvc.issuance.cases.work import (
    CaseWork,
    answers_of,
    decides,
    digest_of,
    form_of,
    lock_away,
    no_case,
    refuse_problems,
)
from certsvc.issuance.prepare import rehearse

LABELS = {
    "reason": ("理由，或者要补正、补交的材料", "the reason, or what is to be corrected or to follow"),
    "legal_basis": ("法律依据", "the legal basis"),
    "decision_number": ("决定文号", "the number of the decision"),
    "remedies": ("申请行政复议、提起行政诉讼的途径和期限", "what may be done against it, where and until when"),
    "due": ("材料补交的期限日", "the day by which documents follow"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided; with a grant, `content` is what the department sets of its part, by the type's own fields: term,
    number, the code of a business that it registers."""

    key: str
    act: PartAct
    ground: PartGround = field(default_factory=PartGround)
    content: Mapping[str, Any] = field(default_factory=dict)


async def decide(work: CaseWork, actor: Actor, ref: Ref, type_id: str, decision: Decision, now: datetime) -> Case:
    """Decide a part; the same request again gives the case as it stands. What is granted has first gone through all
    that issuing it will ask, as far as is known yet; then a worker issues it.

    Raises:
        NotFound: there is no such case or part, or none that the actor may decide.
        ActNotAllowed: the part is not in a state that allows it, or documents that were to follow are overdue.
        InvalidInput, PayloadInvalid: something that it must say is missing or wrong.
        KeyReused: the key was used with other content.
        SealRefused, Conflict: see `prepare`.
    """
    case = await work.cases.case(ref)
    part = case.part(type_id)
    if part is None or not decides(work, actor, type_id):
        raise no_case(ref)
    today = beijing_date(now)
    request = _request(ref, part, actor, decision, today)
    known = await work.cases.decided_before(request)
    if known is not None:
        return known
    _require_said(decision, today)
    if decision.act is PartAct.GRANT:
        granted = await _granted(work, actor, case, part, decision, now)
        sealed = lock_away(work, ref, granted)
        request = replace(request, content=SealedContent(sealed=sealed, key_id=work.issuing.cipher.key_id))
    return await work.cases.act(request, actor.name, now)


def _request(ref: Ref, part: Part, actor: Actor, decision: Decision, today: date) -> PartRequest:
    if decision.act not in DECISIONS:
        raise InvalidInput(f"部门不作 {decision.act}。", f"A department does not decide “{decision.act}”.")
    return PartRequest(
        ref=ref,
        client=actor.name,
        key=decision.key,
        digest=digest_of(ref, part.type_id, decision.act, decision.ground, decision.content),
        act=decision.act,
        type_id=part.type_id,
        ground=decision.ground,
        deadline=weekdays_after(today, part.working_days) if PART_ACTS[decision.act].runs else None,
    )


def _require_said(decision: Decision, today: date) -> None:
    problems = [*_unsaid(decision, today)]
    if problems:
        rule, named = PART_ACTS[decision.act], ", ".join(problem.field for problem in problems)
        raise InvalidInput(
            f"{rule.zh}的内容不全或有误：{named}",
            f"To {rule.en}, something is missing or wrong: {named}",
            problems=problems,
        )


def _unsaid(decision: Decision, today: date) -> Iterator[Problem]:
    rule, ground = PART_ACTS[decision.act], decision.ground
    for name in sorted(rule.needs):
        if getattr(ground, name) is None:
            zh, en = LABELS[name]
            yield Problem(name, "required", f"{rule.zh}要写明{zh}。", f"To {rule.en}, give {en}.")
    if ground.due is not None and "due" not in rule.needs:
        yield Problem("due", "additionalProperties", f"{rule.zh}没有期限日。", f"There is no such day to {rule.en}.")
    if ground.due is not None and ground.due < today:
        yield Problem("due", "before_today", "期限日已经过去。", "That day is over.")
    if decision.content and decision.act is not PartAct.GRANT:
        yield Problem("content", "additionalProperties", "只有准予时才定内容。", "Only a grant sets content.")


async def _granted(
    work: CaseWork, actor: Actor, case: Case, part: Part, decision: Decision, now: datetime
) -> dict[str, Any]:
    """The payload to be issued, gone through everything that issuing asks; only what the licence will say may be
    missing while there is none."""
    _require_grantable(part, beijing_date(now))
    kind = work.issuing.catalog.latest(part.type_id)
    _require_own(kind, decision.content)
    payload = {**form_of(work, case).split(await answers_of(work, case.ref))[part.type_id], **decision.content}
    payload = {**payload, **await licence_facts(work, case, kind)}
    waits = case.waits_for_licence(part.type_id)
    tried = {**payload, **(dict.fromkeys(_code_fields(kind), STAND_IN) if waits else {})}
    refuse_problems(kind.problems(tried), kind.zh, kind.en)
    order, issuer = granted_order(case, part, actor.name, tried)
    try:
        await rehearse(work.issuing, issuer, order, now)
    except NotFound:
        if not waits:  # the licence that it waits for is not on record yet, of course
            raise
    return payload


def _require_grantable(part: Part, today: date) -> None:
    if part.documents_due is not None and part.documents_due < today:
        raise ActNotAllowed(
            f"{part.type_id} 这一部分不能准予：补交材料已逾期，收齐后先受理。",
            f"The part {part.type_id} cannot be granted: documents are overdue; accept it once they are there.",
        )
    if part.state not in PART_ACTS[PartAct.GRANT].before:
        raise ActNotAllowed(
            f"{part.type_id} 这一部分不能准予：状态是 {part.state}。",
            f"The part {part.type_id} cannot be granted: it is {part.state}.",
        )


def _code_fields(kind: CertificateType) -> list[str]:
    """The fields with the code of the business."""
    return [key for key, fact in business_facts(kind).items() if fact == "uscc"]


def _require_own(kind: CertificateType, content: Mapping[str, Any]) -> None:
    """A department sets the fields of its own type; what the licence says, only the licence sets."""
    licensed = {} if kind.category is Category.LICENCE else business_facts(kind)
    fields = {field.key for field in kind.definition.fields} - licensed.keys()
    odd = [name for name in content if name not in fields]
    problems = [
        Problem(name, "additionalProperties", "这一项不能由本部门设定。", "It is not for this department to set.")
        for name in odd
    ]
    refuse_problems(problems, kind.zh, kind.en)
