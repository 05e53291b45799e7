"""Asking persons first: a request is checked as far as it can be, waits for who must approve it, and is then done."""

import hashlib
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import msgspec

from certsvc.catalog import CertificateType
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.acts import Act, Organ
from certsvc.domain.approval import (
    Approval,
    ApprovalState,
    Decision,
    ToApprove,
    new_approval_id,
    persons_needed,
)
from certsvc.domain.calendar import beijing_date
from certsvc.domain.client import Client, ClientKind
from certsvc.domain.external import ExternalFile
from certsvc.domain.issuing import IssuingOrgan, Order
from certsvc.domain.life import Ground
from certsvc.domain.proof_request import VILLAGE_KEY
from certsvc.domain.scope import APPROVE
from certsvc.errors import CertsvcError, Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.acts import Acting, act, examine
from certsvc.issuance.issue import issue
from certsvc.issuance.prepare import rehearse
from certsvc.issuance.service import Issuing
from certsvc.issuance.sheets import sheets
from certsvc.services import Approvals, Outcomes
from certsvc.store.approvals import CARRY_OUT

LASTING = 500
"""An error of a lower status will be the same tomorrow; others are tried again."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as it is kept until it is done: an order where there is content, else an act on `code`."""

    act: Act
    type_id: str
    payload: dict[str, Any] | None = None
    code: str | None = None
    previous_identifier: str | None = None
    ground: dict[str, str] = {}
    effective: date | None = None
    organ: Organ = Organ.ISSUER
    retroactive: bool = False
    strikes: int | None = None
    expects: int | None = None
    layout: str | None = None
    file: ExternalFile | None = None
    issued_by: IssuingOrgan | msgspec.UnsetType = msgspec.UNSET  # requests of before stay what they were


def needed(kind: CertificateType, act_asked: Act) -> int:
    """How many persons must approve an act under this type before it is done."""
    return persons_needed(act_asked, kind.category, type_needs_approval=kind.policy.approval is not None)


async def ask_to_issue(issuing: Issuing, approvals: Approvals, actor: Actor, order: Order, now: datetime) -> Approval:
    """Put an order before those who must approve it; it was rehearsed, so nothing wrong reaches them. Sent again it is
    the same request, whatever became of it.

    Raises:
        see `prepare.rehearse`; KeyReused: the key was used with other content.
    """
    kind, wanted = issuing.catalog.latest(order.type_id), _wanted(order)
    known = await _asked_before(approvals, order.client, order.key, wanted)
    if known is not None:
        return known
    reservation = await rehearse(issuing, actor, order, now)
    seals = {seal.id for sheet in sheets(issuing.keys, kind, order) for seal in sheet.seals} or {reservation.seal_id}
    area = area_of(reservation.issuer.uscc)
    where = tuple(sorted(seals)), area, order.previous
    return await approvals.ask(_to_approve(issuing, order.client, order.key, kind, wanted, where, now))


async def ask_to_act(issuing: Issuing, approvals: Approvals, actor: Actor, asked: Acting, now: datetime) -> Approval:
    """Put an act before those who must confirm it, once it was seen that it could be done now. Sent again it is the
    same request, whatever became of it.

    Raises:
        see `acts.examine`; KeyReused: the key was used with other content.
    """
    newest = await issuing.register.newest_version(asked.ref)
    kind = issuing.catalog.version(newest.type_id, newest.type_version)
    wanted = Wanted(
        act=asked.act,
        type_id=kind.id,
        code=asked.ref.typed_code,
        ground=_ground_columns(asked.ground),
        effective=asked.effective,
        organ=asked.organ,
        retroactive=asked.retroactive,
        strikes=asked.strikes,
        expects=asked.expects,
    )
    known = await _asked_before(approvals, asked.client, asked.key, wanted)
    if known is not None:
        return known
    await examine(issuing.register, issuing.catalog, actor, asked, now)
    where = (newest.seal_id,), area_of(newest.issuer.uscc), newest.ref
    return await approvals.ask(_to_approve(issuing, asked.client, asked.key, kind, wanted, where, now))


def _wanted(order: Order) -> Wanted:
    return Wanted(
        act=order.act,
        type_id=order.type_id,
        payload=dict(order.payload),
        code=order.previous.typed_code if order.previous else None,
        previous_identifier=order.previous_identifier,
        ground=_ground_columns(order.ground),
        expects=order.expects,
        layout=order.layout,
        file=order.file,
        issued_by=order.issued_by or msgspec.UNSET,
    )


async def _asked_before(approvals: Approvals, client: str, key: str, wanted: Wanted) -> Approval | None:
    """The request of this name, looked for before anything else: once it is done, it could not be asked for anew."""
    known = await approvals.of_request(client, key)
    if known is not None and known.asked.digest != _digest(wanted):
        raise KeyReused.of(key)
    return known


def _content(wanted: Wanted) -> bytes:
    return msgspec.json.encode(wanted, order="deterministic")


def _digest(wanted: Wanted) -> bytes:
    return hashlib.sha256(_content(wanted)).digest()


def _to_approve(
    issuing: Issuing,
    client: str,
    key: str,
    kind: CertificateType,
    wanted: Wanted,
    where: tuple[tuple[str, ...], str, Ref | None],
    now: datetime,
) -> ToApprove:
    approval_id = new_approval_id()
    seals, area, ref = where
    return ToApprove(
        id=approval_id,
        client=client,
        key=key,
        digest=_digest(wanted),
        act=wanted.act,
        type_id=kind.id,
        seals=seals,
        area=area,
        ref=ref,
        sealed_request=issuing.cipher.encrypt(_content(wanted), approval_id.encode()),
        payload_key_id=issuing.cipher.key_id,
        needed=needed(kind, wanted.act),
        asked_at=now,
    )


def open_request(issuing: Issuing, asked: ToApprove) -> Wanted:
    """What was asked for.

    Raises:
        NotFound: it was erased, some time after its end.
        CustodyError: the key it is encrypted with is lost.
    """
    if not asked.sealed_request:
        raise NotFound("申请内容已按期删除。", "What was asked for was erased in time.")
    plain = issuing.cipher.decrypt(asked.sealed_request, asked.id.encode(), asked.payload_key_id)
    return msgspec.json.decode(plain, type=Wanted)


def may_approve(actor: Actor, asked: ToApprove) -> bool:
    """Whether this is somebody to approve it; what a village asks for is decided there."""
    return not asked.key.startswith(VILLAGE_KEY) and actor.may(APPROVE, asked.type_id, asked.seals, asked.area)


async def visible(approvals: Approvals, actor: Actor, approval_id: str) -> Approval:
    """A request that the actor made or may approve.

    Raises:
        NotFound: there is none, or it is neither: said alike.
    """
    found = await approvals.approval(approval_id)
    if found.asked.client != actor.name and not may_approve(actor, found.asked):
        raise NotFound(f"没有待批事项 {approval_id}。", f"There is no request {approval_id} to approve.")
    return found


async def view(approvals: Approvals, actor: Actor, approval_id: str, now: datetime) -> Approval:
    """A request to be shown whole, persons and all; that somebody else than who asked sees it goes on record first.

    Raises:
        NotFound: see `visible`.
    """
    found = await visible(approvals, actor, approval_id)
    if found.asked.client != actor.name:
        await approvals.note_view(found.asked, actor.name, now)
    return found


async def decide(
    approvals: Approvals,
    client: Client,
    actor: Actor,
    approval_id: str,
    decision: Decision,
) -> Approval:
    """Approve or return in one's own name.

    Raises:
        NotFound: see `visible`.
        Forbidden: not a person, no scope to approve this, or their own request.
        InvalidInput: returned without a reason.
        Conflict: it is decided.
    """
    found = await visible(approvals, actor, approval_id)
    if client.kind is not ClientKind.PERSON or not may_approve(actor, found.asked):
        raise Forbidden(
            "只有登记了本人密钥、且有 approve 范围的个人才能批准。",
            "Only a registered person with a key of their own and the scope approve may approve.",
        )
    if not decision.approves and not decision.reason:
        raise InvalidInput("退回时请写明原因（reason）。", "Say why it is returned, in `reason`.")
    return await approvals.decide(approval_id, client.id, decision)


async def settled(approvals: Approvals, outcomes: Outcomes, approval_id: str, seconds: float) -> Approval:
    """A request once what it set off is done, or as it is after so many seconds."""
    found = await approvals.approval(approval_id)

    async def is_done() -> bool:
        nonlocal found
        found = await approvals.approval(approval_id)
        return found.state is not ApprovalState.APPROVED

    await outcomes.settled(CARRY_OUT, approval_id, seconds, is_done)
    return found


async def carry_out(issuing: Issuing, approvals: Approvals, approval_id: str, now: datetime) -> None:
    """Do what was approved, under the day of the approval; done again, nothing. What cannot be done is said.

    Raises:
        CertsvcError: it cannot be done now, and is tried again.
    """
    found = await approvals.approval(approval_id)
    if found.state is not ApprovalState.APPROVED or found.decided_at is None:
        return
    try:
        result = await _do(issuing, found, found.decided_at, now)
    except CertsvcError as error:
        if error.status >= LASTING:
            raise
        problem = {"code": error.code, "zh": error.zh, "en": error.en}
        await approvals.finish(approval_id, ApprovalState.FAILED, {"error": problem}, now)
        return
    await approvals.finish(approval_id, ApprovalState.DONE, result, now)


async def _do(issuing: Issuing, found: Approval, decided_at: datetime, now: datetime) -> dict[str, Any]:
    asked, wanted = found.asked, open_request(issuing, found.asked)
    actor = _allowed(asked.client, wanted)
    if wanted.payload is not None:
        order = replace(_order(asked, wanted), decided_at=decided_at)
        reservation = await issue(issuing, actor, order, now)
        return {"code": reservation.ref.typed_code}
    people = [decision.person for decision in found.decisions if decision.approves]
    acting = Acting(
        client=asked.client,
        key=asked.id,
        act=wanted.act,
        ref=parse_typed_code(wanted.code or ""),
        effective=wanted.effective or beijing_date(decided_at),
        organ=wanted.organ,
        confirmed_by=_allowed(people[0], wanted),
        ground=_ground(wanted.ground),
        retroactive=wanted.retroactive,
        strikes=wanted.strikes,
        expects=wanted.expects,
    )
    event = await act(issuing.register, issuing.catalog, actor, acting, now)
    return {"code": wanted.code, "event": event.id}


def _order(asked: ToApprove, wanted: Wanted) -> Order:
    return Order(
        client=asked.client,
        key=asked.id,
        type_id=wanted.type_id,
        payload=wanted.payload or {},
        act=wanted.act,
        previous=parse_typed_code(wanted.code) if wanted.code else None,
        previous_identifier=wanted.previous_identifier,
        expects=wanted.expects,
        ground=_ground(wanted.ground),
        layout=wanted.layout,
        file=wanted.file,
        issued_by=wanted.issued_by or None,
    )


def _allowed(name: str, wanted: Wanted) -> Actor:
    """Who asked or approved, with the right to this act alone: their scopes were asked when they spoke."""
    return Actor(name=name, scopes=frozenset({f"{wanted.act}:{wanted.type_id}"}))


def _ground_columns(ground: Ground) -> dict[str, str]:
    values = {name: value for name, value in asdict(ground).items() if value is not None}
    return {name: value.isoformat() if isinstance(value, date) else str(value) for name, value in values.items()}


def _ground(columns: dict[str, str]) -> Ground:
    values: dict[str, Any] = dict(columns)
    if "due" in values:
        values["due"] = date.fromisoformat(values["due"])
    return Ground(**values)
