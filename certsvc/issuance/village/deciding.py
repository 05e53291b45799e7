"""Putting a request before those who approve, and what they say; taking it back, and cancelling what was sealed.

Each round is an approval of its own (`issuance.approvals`), asked for in the clerk's name and decided in the
approver's, in one transaction with the request. What came of it is read there.
"""

from datetime import datetime

from certsvc.catalog import CertificateType
from certsvc.domain.acts import Act
from certsvc.domain.approval import ApprovalState
from certsvc.domain.issuing import IssuingOrgan, Order
from certsvc.domain.life import Ground
from certsvc.domain.looked_into import require_looked_into
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_ground import cancellation_on_record, correction_on_record
from certsvc.domain.proof_request import (
    VILLAGE_KEY,
    Origin,
    ProofActRequest,
    ProofRequest,
    four_eyes,
    hash_of_code,
    require_another,
    require_member,
    require_seen,
    require_state,
    waits_for_cancelling,
)
from certsvc.errors import ActNotAllowed, Conflict, Forbidden, InvalidInput
from certsvc.ids import ProgressCode, parse_typed_code
from certsvc.issuance.acts import Acting
from certsvc.issuance.approvals import ask_to_act, ask_to_issue
from certsvc.issuance.village.doubts import require_doubts_answered
from certsvc.issuance.village.entering import require_asked
from certsvc.issuance.village.lives import require_alive
from certsvc.issuance.village.terms import require_in_term, require_round_in_term
from certsvc.issuance.village.work import (
    Content,
    VillageWork,
    clerk_acts_as,
    digest_of,
    kind_of,
    open_content,
    request_to_act,
    visible,
)

HANDLER = "handler"
"""The field of a proof that says who handled it: the clerk who submits it, whatever was typed."""


async def submit(work: VillageWork, who: Member, request_id: str, seen: int, key: str, now: datetime) -> ProofRequest:
    """A clerk puts a request before those who approve. It was rehearsed with throw-away keys, so nothing reaches them
    that could not be sealed.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who submits it is no clerk.
        ChangedMeanwhile: it is another version.
        ActNotAllowed: it is no draft; or nobody has recorded how it was seen who asks, what they consent to, what a
            doubt in law about this proof asks for, or how the facts were looked into.
        ProofRefused: it is not given out here any more.
        PayloadInvalid: with every problem by field, also a term that is over; `MissingGlyph` and `TextTooLong` are
            kinds of it.
        SealRefused, KeyReused, and others: see `prepare.rehearse`.
    """
    request, act = await _begin(work, who, request_id, ProofAct.SUBMIT, seen, key)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.SUBMIT)
    if request.corrects is None:
        work.require_kept(who.organ, request.type_id, now)
    await require_alive(work, request, act.act, now)
    await require_doubts_answered(work, who.organ, request, now)
    content, kind = open_content(work, request), kind_of(work, request.type_id)
    require_asked(kind, content.payload)
    require_in_term(kind, content.payload, now)
    require_looked_into(content.notes)
    order = _order(who, request, content, kind)
    actor = clerk_acts_as(who, kind.id, order.act)
    await ask_to_issue(work.issuing, work.requests.asking(act, now), actor, order, now)
    return await work.requests.request(request_id)


async def decide(
    work: VillageWork,
    who: Member,
    request_id: str,
    approves: bool,
    reason: str | None,
    seen: int,
    key: str,
    now: datetime,
    confirmation: str | None = None,
) -> ProofRequest:
    """An approver approves or returns a request, having seen this version of it (`reading.view`). Approval uses up
    their `confirmation`, of `sitting.digest_of_said`, and stands even if sealing has to wait; returning only stops, and
    needs none.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who decides is no approver, or had a hand in the request.
        InvalidInput: it is returned without a reason.
        ChangedMeanwhile: it is another version, or decided.
        ActNotAllowed: it does not wait for approval; or was not seen; or its term is over today; or it is approved
            without a confirmation of this by who approves, of these five minutes.
        Conflict: whoever asked was cut off since.
    """
    asked = ProofAct.APPROVE if approves else ProofAct.RETURN
    request, act = await _begin(work, who, request_id, asked, seen, key, reason)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, asked)
    _require_reason(approves, reason)
    await require_alive(work, request, act.act, now)
    require_another(await work.requests.makers(request_id), who)
    if approves:
        await require_round_in_term(work, request, now)
    return await work.requests.decide(act, approves, now, confirmation)


async def withdraw(
    work: VillageWork, who: Member, request_id: str, reason: str, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk takes a request back for the resident, until it is approved.

    Raises:
        NotFound, Forbidden, ChangedMeanwhile, ActNotAllowed, KeyReused: see `submit`.
    """
    request, act = await _begin(work, who, request_id, ProofAct.WITHDRAW, seen, key, reason)
    return await _plainly(work, request, act, now)


async def withdraw_by_code(work: VillageWork, code: ProgressCode, seen: int, key: str, now: datetime) -> ProofRequest:
    """A resident takes a request back, until it is approved.

    Raises:
        NotFound: the code is no request's.
        Forbidden: it was made at the counter, where clerks have its code, and is taken back there.
        ChangedMeanwhile, ActNotAllowed, KeyReused: see `submit`.
    """
    request = await work.requests.of_code(hash_of_code(code))
    if request.origin is not Origin.ONLINE:
        raise Forbidden("在柜台办理的申请请到柜台撤回。", "What was asked for at the counter is taken back there.")
    digest = digest_of(ProofAct.WITHDRAW, None, seen)
    return await _plainly(work, request, request_to_act(ProofAct.WITHDRAW, request.id, None, seen, key, digest), now)


async def reopen(
    work: VillageWork, who: Member, request_id: str, reason: str, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk takes up again what was approved and could not be done; it is approved anew.

    Raises:
        NotFound, Forbidden, ChangedMeanwhile, ActNotAllowed, KeyReused: see `submit`.
    """
    request, act = await _begin(work, who, request_id, ProofAct.REOPEN, seen, key, reason)
    return await _plainly(work, request, act, now)


async def cancel(
    work: VillageWork, who: Member, request_id: str, ground: Ground, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk asks that a sealed proof, which should not have been given, be rescinded (撤销): with reason, reason
    code, legal basis and number of the decision. The reason stays with the request; on record go the words of its code
    (`proof_ground`). A proof that is right but for a mistake in it is corrected instead: see `drafts.Opening.corrects`.

    Raises:
        NotFound, Forbidden, ChangedMeanwhile, KeyReused: see `submit`.
        ActNotAllowed: it is not sealed, there is a newer one of its number, or it is not in force.
        Conflict: somebody has asked already.
        InvalidInput: something is missing, or may not be read by everybody; see `cancellation_on_record`.
    """
    request, act = await _begin(work, who, request_id, ProofAct.ASK_CANCEL, seen, key, ground.reason, ground)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.ASK_CANCEL)
    if request.cancel_approval_id is not None:
        open_wish = await work.approvals.approval(request.cancel_approval_id)
        if waits_for_cancelling(open_wish):
            raise Conflict("已有撤销申请在办。", "Somebody has asked to cancel it already.")
    await require_alive(work, request, act.act, now)
    ref = parse_typed_code(await certificate_of(work, request))
    acting = Acting(
        client=who.name,
        key=_key(request, seen),
        act=Act.RESCIND,
        ref=ref,
        expects=(await work.issuing.register.events(ref))[-1].id,
        ground=cancellation_on_record(ground, who.organ, _bases(work, request)),
    )
    actor = clerk_acts_as(who, request.type_id, Act.RESCIND)
    await ask_to_act(work.issuing, work.requests.asking(act, now), actor, acting, now)
    return await work.requests.request(request_id)


async def decide_cancel(
    work: VillageWork,
    who: Member,
    request_id: str,
    agrees: bool,
    reason: str | None,
    seen: int,
    key: str,
    now: datetime,
    confirmation: str | None = None,
) -> ProofRequest:
    """An approver agrees that a proof is rescinded, confirmed as in `decide`, or refuses.

    Raises:
        NotFound, Forbidden, InvalidInput, ChangedMeanwhile, Conflict: see `decide`.
        ActNotAllowed: nobody has asked for it, or it is agreed to and there is a newer one; or see `decide`.
    """
    asked = ProofAct.CONFIRM_CANCEL if agrees else ProofAct.REFUSE_CANCEL
    request, act = await _begin(work, who, request_id, asked, seen, key, reason)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, asked)
    _require_reason(agrees, reason)
    await require_wish(work, who, request)
    await require_alive(work, request, act.act, now)
    require_another(await work.requests.makers(request_id), who)
    return await work.requests.decide(act, agrees, now, confirmation)


async def require_wish(work: VillageWork, who: Member, request: ProofRequest) -> None:
    """See that somebody asks for a proof to be cancelled, and another than who decides.

    Raises:
        ActNotAllowed: nobody asks for it now.
        Forbidden: they asked for it themselves.
    """
    wish = await work.approvals.approval(request.cancel_approval_id) if request.cancel_approval_id else None
    if wish is None or wish.state is not ApprovalState.WAITING:
        raise ActNotAllowed("没有人申请撤销。", "Nobody has asked to cancel it.")
    if wish.asked.client == who.name:
        raise four_eyes(who.name)


async def certificate_of(work: VillageWork, request: ProofRequest) -> str:
    """The typed code of the proof that a request became, as its approval has it.

    Raises:
        ActNotAllowed: it is not sealed.
    """
    if request.state not in (ProofState.SEALED, ProofState.CANCELLED) or request.approval_id is None:
        raise ActNotAllowed("还没有盖章。", "It is not sealed yet.")
    approval = await work.approvals.approval(request.approval_id)
    return str((approval.result or {})["code"])


async def _begin(
    work: VillageWork,
    who: Member,
    request_id: str,
    act: ProofAct,
    seen: int,
    key: str,
    reason: str | None = None,
    ground: Ground | None = None,
) -> tuple[ProofRequest, ProofActRequest]:
    request = await visible(work, who, request_id)
    require_member(who, act)
    digest = digest_of(act, reason, seen, *([ground] if ground else []))
    return request, request_to_act(act, request_id, who, seen, key, digest, reason=reason or None)


async def _plainly(work: VillageWork, request: ProofRequest, act: ProofActRequest, now: datetime) -> ProofRequest:
    if await work.requests.acted_before(act):
        return request
    require_seen(request, act.seen)
    require_state(request, act.act)
    return await work.requests.act(act, None, now)


def _order(who: Member, request: ProofRequest, content: Content, kind: CertificateType) -> Order:
    payload = dict(content.payload)
    if any(field.key == HANDLER for field in kind.definition.fields):
        payload[HANDLER] = who.name
    return Order(
        client=who.name,
        key=_key(request, request.version),
        type_id=kind.id,
        payload=payload,
        act=Act.ISSUE if request.corrects is None else Act.CORRECT,
        previous=request.corrects,
        ground=Ground() if request.corrects is None else correction_on_record(content.ground),
        issued_by=IssuingOrgan(uscc=who.organ.uscc, number_word=who.organ.number_word),
    )


def _bases(work: VillageWork, request: ProofRequest) -> list[str]:
    """What the type of a proof names as legal basis."""
    return [each.text for each in kind_of(work, request.type_id).legal_basis]


def _key(request: ProofRequest, seen: int) -> str:
    return f"{VILLAGE_KEY}{request.id} {seen}"


def _require_reason(agrees: bool, reason: str | None) -> None:
    if not agrees and not (reason or "").strip():
        raise InvalidInput("退回或不同意时请写明原因。", "Say why it is returned or refused.")
