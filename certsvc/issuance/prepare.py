"""Prepare: authorise, validate, lint with throw-away keys, and only then commit the intent.

The lint comes before the reservation, so that an order which cannot be issued leaves nothing behind.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from certsvc.catalog import CertificateType
from certsvc.domain.actor import Actor, area_of
from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category, Issuer
from certsvc.domain.issuing import Draft, Order, Reservation
from certsvc.domain.life import require_newest, state_on, tell
from certsvc.domain.number import NumberSeries
from certsvc.domain.proof_request import VILLAGE_KEY
from certsvc.domain.status_list import list_name
from certsvc.errors import Conflict, InvalidInput, PayloadInvalid, Problem, SelfCheckFailed
from certsvc.ids import (
    ALPHABET_36,
    Ref,
    Uscc,
    certificate_identifier,
    new_ref,
    parse_certificate_identifier,
    slot_of_licence,
)
from certsvc.issuance.external.orders import order_content, require_external
from certsvc.issuance.ground import require_needed, with_first_recheck
from certsvc.issuance.holders import holder_entries
from certsvc.issuance.press import press
from certsvc.issuance.service import Arrow, Issuing
from certsvc.issuance.sheets import bound_as, sheets
from certsvc.issuance.versions import require_layout_kept, require_living, take_over_day, version_problems
from certsvc.verify.report import Soundness, soundness

MOST_KEY = 400
WIDEST_SERIAL, WIDEST_INDEX = 999_999, (1 << 20) - 1
"""Stand in for what only the reservation gives, so that the lint sees the widest number and the largest QR."""


async def prepare(
    issuing: Issuing, actor: Actor, order: Order, now: datetime, *, hand_over: bool = False
) -> Reservation:
    """Everything up to the real key: the committed reservation for `order`, the same one when it is sent again. With
    `hand_over` a worker is to finish it.

    Raises:
        Forbidden: the actor may not issue this type, or manages or audits a seal that it needs.
        PayloadInvalid: with every problem, by field; `MissingGlyph` and `TextTooLong` are kinds of it.
        InvalidInput: what it must say is missing, of its act or of a page laid out elsewhere.
        ActNotAllowed: the version it would follow is at its end.
        ChangedMeanwhile: something happened to it since whoever orders saw it.
        KeyReused: the order's key was used with other content.
        SealRefused: there are not as many seals for this type as it has places for them.
        NotFound, Conflict, SealRefused: see `Register.reserve`.
    """
    kind, digest = _checked(issuing, actor, order)
    known = await issuing.register.find_order(order, digest)
    if known is not None:
        return await issuing.register.reservation(known)
    draft = await _linted(issuing, actor, kind, order, digest, now)
    reservation = await issuing.register.reserve(draft, hand_over=hand_over)
    issuing.walk(Arrow.RESERVED, {"ref": reservation.ref.typed_code})
    return reservation


async def rehearse(issuing: Issuing, actor: Actor, order: Order, now: datetime) -> Reservation:
    """Everything that `prepare` does, by the very rules of the register, and nothing goes on record: what would be
    reserved now. What an order of this key was given before is not looked at.

    Raises:
        see `prepare`.
    """
    kind, digest = _checked(issuing, actor, order)
    unnamed = replace(order, key=f"{order.key} {secrets.token_hex(8)}"[-MOST_KEY:])
    return await issuing.register.rehearse(await _linted(issuing, actor, kind, unnamed, digest, now))


async def examine(issuing: Issuing, actor: Actor, order: Order, now: datetime) -> None:
    """What `prepare` checks before it sets a page: the payload, who lays it out, the seals, and the version that the
    new one follows.

    Raises:
        see `prepare`.
    """
    kind, _ = _checked(issuing, actor, order)
    await require_external(issuing, order)
    await _require_seals(issuing, actor, kind, order)
    await _previous(issuing, kind, order, now)


def _checked(issuing: Issuing, actor: Actor, order: Order) -> tuple[CertificateType, bytes]:
    """The type and the digest of an order that passed the type's rules."""
    actor.require(order.act, order.type_id)
    kind = issuing.catalog.latest(order.type_id)
    _refuse_problems(kind, order, kind.problems(order.payload))
    issuing.walk(Arrow.CHECKED, {"order": order.key})
    return kind, order_digest(order)


async def _linted(
    issuing: Issuing, actor: Actor, kind: CertificateType, order: Order, digest: bytes, now: datetime
) -> Draft:
    await require_external(issuing, order)
    await _require_seals(issuing, actor, kind, order)
    previous = await _previous(issuing, kind, order, now)
    draft = _draft(issuing, kind, order, digest, previous, order.decided_at or now)
    await _lint(issuing, kind, draft, now)
    issuing.walk(Arrow.LINTED, {"order": order.key})
    return draft


def order_digest(order: Order) -> bytes:
    """SHA-256 of an order's content: the same key with another digest is another order."""
    external, organ = order_content(order), order.issued_by
    if order.act is Act.ISSUE and not external and not organ:
        return payload_digest(order.type_id, order.payload)  # as orders of before the other acts are on record
    previous = order.previous.typed_code if order.previous else None
    more = order.act.value, previous, order.previous_identifier, order.ground
    content = [order.type_id, order.payload, *more, *([external] if external else []), *([organ] if organ else [])]
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).digest()


def payload_digest(type_id: str, payload: Mapping[str, Any]) -> bytes:
    """SHA-256 of an order's content: the same key with another digest is another order."""
    content = json.dumps([type_id, payload], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()


async def _require_seals(issuing: Issuing, actor: Actor, kind: CertificateType, order: Order) -> None:
    """A seal for every place that the actor may use, and no duty of who orders that forbids it: no waiting can mend
    that."""
    seals = {seal.id: seal for sheet in sheets(issuing.keys, kind, order) for seal in sheet.seals}
    for seal in seals.values() or (issuing.keys.seal_for(bound_as(kind, order), order.organ),):
        actor.require(order.act, kind.id, (seal.id,), area_of(seal.owner_uscc))
    in_village = order.decided_at is not None or order.key.startswith(VILLAGE_KEY)
    await issuing.register.require_may_use(order.client, [*seals], in_village=in_village)


async def _previous(issuing: Issuing, kind: CertificateType, order: Order, now: datetime) -> Reservation | None:
    """The version that the new one follows, after checking that it may."""
    rule = ACTS[order.act]
    require_needed(rule, order.ground, {"previous_identifier": order.previous_identifier})
    if rule.makes is not Makes.NEXT:
        if order.previous_identifier is not None:
            parse_certificate_identifier(order.previous_identifier)
        return None
    if order.previous is None:
        raise InvalidInput("缺少要办理的证照。", "The certificate to act on is missing.")
    previous = await issuing.register.newest_version(order.previous)
    if previous.ref != order.previous:
        code = previous.ref.typed_code
        raise Conflict(f"它已有新的一版 {code}：请在那一版上办理。", f"Its newest version is {code}: act on that one.")
    today = beijing_date(now)
    if previous.type_id != kind.id:
        raise InvalidInput(
            f"{previous.number} 是 {previous.type_id}，不是 {kind.id}。",
            f"{previous.number} is of the type {previous.type_id}, not {kind.id}.",
        )
    events = await issuing.register.events(previous.ref)
    require_newest(events, order.expects)
    require_living(order.act, previous, state_on(tell(events), today), today)
    require_layout_kept(order, previous)
    old = open_payload(issuing, previous)
    _refuse_problems(kind, order, version_problems(order.act, kind, old, order.payload, previous.term, today))
    return previous


def open_payload(issuing: Issuing, reservation: Reservation) -> Mapping[str, Any]:
    """The payload a certificate was reserved with."""
    plain = issuing.cipher.decrypt(reservation.sealed_payload, reservation.ref.to_bytes(), reservation.payload_key_id)
    payload: Mapping[str, Any] = json.loads(plain)
    return payload


def _refuse_problems(certificate_type: CertificateType, order: Order, problems: Sequence[Problem]) -> None:
    if problems:
        zh, en = certificate_type.named(problems)
        raise PayloadInvalid(
            f"{certificate_type.zh}的内容有 {len(problems)} 处不合要求：{zh}",
            f"{certificate_type.en}: {len(problems)} problems in {en}",
            problems=problems,
        )


def _draft(
    issuing: Issuing,
    kind: CertificateType,
    order: Order,
    digest: bytes,
    previous: Reservation | None,
    now: datetime,
) -> Draft:
    reserved_at = now.replace(microsecond=0)
    today, term = beijing_date(reserved_at), kind.term(order.payload)
    subject, licence = kind.subject(order.payload), kind.licence(order.payload)
    ref = new_ref(previous.ref.slot if previous else _slot(kind, subject, licence))
    seal = issuing.keys.seal_for(bound_as(kind, order), order.organ)
    word = order.issued_by.number_word if order.issued_by else None
    payload = json.dumps(order.payload, ensure_ascii=False).encode("utf-8")
    return Draft(
        order=replace(order, ground=with_first_recheck(kind, order, term)),
        order_digest=digest,
        category=kind.category,
        type_id=kind.id,
        type_version=kind.version,
        type_number=kind.type_number,
        type_code=kind.type_code,
        ref=ref,
        previous=previous,
        takes_over=take_over_day(order.act, previous, term, today) if previous else today,
        licence=licence,
        number=previous.number if previous else kind.number(order.payload, issuing.area, today, word),
        identifier_serial=_serial(previous),
        holders=holder_entries(issuing.cipher, kind, order.payload),
        place=kind.place(order.payload),
        head_office=kind.head_office(order.payload),
        public_holder_name=kind.public_holder_name(order.payload),
        subject=subject,
        issuer=Issuer(name=seal.owner, uscc=seal.owner_uscc),
        seal_id=seal.id,
        term=term,
        public_fields=kind.public_view(order.payload),
        sealed_payload=issuing.cipher.encrypt(payload, ref.to_bytes()),
        payload_key_id=issuing.cipher.key_id,
        list_name=list_name(kind.type_number, reserved_at),
        reserved_at=reserved_at,
    )


def _serial(previous: Reservation | None) -> str:
    """The serial of the certificate identifier: kept by later versions (GB/T 36904), else drawn."""
    if previous is not None:
        return previous.identifier.split(".")[-3]
    return "".join(secrets.choice(ALPHABET_36) for _ in range(20))


def _slot(kind: CertificateType, subject: Uscc | None, licence: Uscc | None) -> int | None:
    business = subject if kind.category is Category.LICENCE else licence
    return slot_of_licence(business) if business else None


async def _lint(issuing: Issuing, kind: CertificateType, draft: Draft, now: datetime) -> None:
    stand_in = replace(_stand_in(draft, issuing, kind), reserved_at=now.replace(microsecond=0))  # its keys are of now
    for sheet in sheets(issuing.lint_keys, kind, stand_in):
        pdf = await press(issuing, issuing.lint_keys, kind, sheet, stand_in, draft.order.payload, now)
        checks = await issuing.lint_file(pdf, now)
        if soundness(checks) is not Soundness.SOUND:
            raise SelfCheckFailed(
                f"{kind.zh}（{sheet.layout.zh}）的试签没有通过检查：{checks}",
                f"{kind.en} ({sheet.layout.en}): the lint failed: {checks}",
            )


def _stand_in(draft: Draft, issuing: Issuing, kind: CertificateType) -> Reservation:
    series = draft.number
    number = series.number(series.last_serial or WIDEST_SERIAL) if isinstance(series, NumberSeries) else series
    version = draft.previous.version + 1 if draft.previous else 1
    identifier = certificate_identifier(draft.type_code, draft.issuer.uscc, draft.identifier_serial, version)
    return Reservation(
        ref=Ref(draft.ref.value),
        life=draft.previous.life if draft.previous else draft.ref,
        act=draft.order.act,
        takes_over=draft.takes_over,
        licence_ref=None,
        type_id=draft.type_id,
        type_version=draft.type_version,
        type_number=draft.type_number,
        number=number,
        version=version,
        identifier=identifier,
        issuer=draft.issuer,
        seal_id=issuing.lint_keys.seal_for(bound_as(kind, draft.order), draft.order.organ).id,
        term=draft.term,
        subject=draft.subject,
        sealed_payload=draft.sealed_payload,
        payload_key_id=draft.payload_key_id,
        list_name=draft.list_name,
        list_index=WIDEST_INDEX,
        reserved_at=draft.reserved_at,
        token=None,
        issued_at=None,
        layout=draft.order.layout,
        file=draft.order.file,
        replaces=draft.previous.ref if draft.previous else None,
    )
