"""Prepare: authorise, validate, lint with throw-away keys, and only then commit the intent.

The lint comes before the reservation, so that an order which cannot be issued leaves nothing behind.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date, quarter
from certsvc.domain.certificate import Category, Issuer
from certsvc.domain.issuing import Draft, Order, Reservation
from certsvc.domain.number import NumberSeries
from certsvc.errors import PayloadInvalid, SelfCheckFailed
from certsvc.ids import ALPHABET_36, Ref, Uscc, certificate_identifier, new_ref, slot_of_licence
from certsvc.issuance.press import press
from certsvc.issuance.service import Arrow, Issuing
from certsvc.verify.report import Soundness, soundness

WIDEST_SERIAL = 999_999
"""Stands in for the serial that only the reservation gives, so that the lint sees the widest number."""


async def prepare(issuing: Issuing, actor: Actor, order: Order, now: datetime) -> Reservation:
    """Everything up to the real key: the committed reservation for `order`, the same one when it is sent again.

    Raises:
        Forbidden: the actor may not issue this type.
        PayloadInvalid: with every problem, by field; `MissingGlyph` and `TextTooLong` are kinds of it.
        KeyReused: the order's key was used with other content.
        NotFound, Conflict: see `Register.reserve`.
    """
    actor.require("issue", order.type_id)
    certificate_type = issuing.catalog.latest(order.type_id)
    _refuse_problems(certificate_type, order)
    digest = payload_digest(order.type_id, order.payload)
    issuing.walk(Arrow.CHECKED, {"order": order.key})
    known = await issuing.register.find_order(order, digest)
    if known is not None:
        return await issuing.register.reservation(known)
    draft = _draft(issuing, certificate_type, order, digest, now)
    await _lint(issuing, certificate_type, draft, now)
    issuing.walk(Arrow.LINTED, {"order": order.key})
    reservation = await issuing.register.reserve(draft)
    issuing.walk(Arrow.RESERVED, {"ref": reservation.ref.typed_code})
    return reservation


def payload_digest(type_id: str, payload: Mapping[str, Any]) -> bytes:
    """SHA-256 of an order's content: the same key with another digest is another order."""
    content = json.dumps([type_id, payload], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()


def _refuse_problems(certificate_type: CertificateType, order: Order) -> None:
    problems = certificate_type.problems(order.payload)
    if problems:
        fields = ", ".join(dict.fromkeys(problem.field for problem in problems))
        raise PayloadInvalid(
            f"{certificate_type.zh}的内容有 {len(problems)} 处不合要求：{fields}",
            f"{certificate_type.en}: {len(problems)} problems in {fields}",
            problems=problems,
        )


def _draft(issuing: Issuing, kind: CertificateType, order: Order, digest: bytes, now: datetime) -> Draft:
    reserved_at = now.replace(microsecond=0)
    subject, licence = kind.subject(order.payload), kind.licence(order.payload)
    ref = new_ref(_slot(kind, subject, licence))
    seal = issuing.keys.seal_for(kind.id)
    payload = json.dumps(order.payload, ensure_ascii=False).encode("utf-8")
    return Draft(
        order=order,
        order_digest=digest,
        category=kind.category,
        type_id=kind.id,
        type_version=kind.version,
        type_number=kind.type_number,
        type_code=kind.type_code,
        ref=ref,
        licence=licence,
        number=kind.number(order.payload, issuing.area, beijing_date(reserved_at)),
        identifier_serial="".join(secrets.choice(ALPHABET_36) for _ in range(20)),
        holder=kind.holder(order.payload),
        public_holder_name=kind.public_holder_name(order.payload),
        subject=subject,
        issuer=Issuer(name=seal.owner, uscc=seal.owner_uscc),
        seal_id=seal.id,
        term=kind.term(order.payload),
        public_fields=kind.public_view(order.payload),
        sealed_payload=issuing.cipher.encrypt(payload, ref.to_bytes()),
        payload_key_id=issuing.cipher.key_id,
        list_name=f"{kind.type_number}-{quarter(reserved_at)}",
        reserved_at=reserved_at,
    )


def _slot(kind: CertificateType, subject: Uscc | None, licence: Uscc | None) -> int | None:
    business = subject if kind.category is Category.LICENCE else licence
    return slot_of_licence(business) if business else None


async def _lint(issuing: Issuing, kind: CertificateType, draft: Draft, now: datetime) -> None:
    stand_in = _stand_in(draft, issuing)
    for layout in kind.layouts:
        pdf = press(issuing, issuing.lint_keys, kind, layout, stand_in, draft.order.payload, None, now)
        checks = await issuing.lint_file(pdf, now)
        if soundness(checks) is not Soundness.SOUND:
            raise SelfCheckFailed(
                f"{kind.zh}（{layout.zh}）的试签没有通过检查：{checks}",
                f"{kind.en} ({layout.en}): the lint failed: {checks}",
            )


def _stand_in(draft: Draft, issuing: Issuing) -> Reservation:
    series = draft.number
    number = series.number(series.last_serial or WIDEST_SERIAL) if isinstance(series, NumberSeries) else series
    identifier = certificate_identifier(draft.type_code, draft.issuer.uscc, draft.identifier_serial, 1)
    return Reservation(
        ref=Ref(draft.ref.value),
        licence_ref=None,
        type_id=draft.type_id,
        type_version=draft.type_version,
        type_number=draft.type_number,
        number=number,
        version=1,
        identifier=identifier,
        issuer=draft.issuer,
        seal_id=issuing.lint_keys.seal_for(draft.type_id).id,
        term=draft.term,
        subject=draft.subject,
        sealed_payload=draft.sealed_payload,
        payload_key_id=draft.payload_key_id,
        list_name=draft.list_name,
        list_index=0,
        reserved_at=draft.reserved_at,
        token=None,
        issued_at=None,
    )
