"""Issue once: sign the token, render, prepare the seal, book its use, seal, check our own output, publish."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.authority.timestamps import PunctualTimestamper, require_real_time
from certsvc.catalog import CertificateType, Layout
from certsvc.domain.actor import Actor
from certsvc.domain.full_view import SealedDigest, context_of, digest_of, draw_characters
from certsvc.domain.issuing import Order, Reservation, SealedDocument
from certsvc.domain.seal import SealUse
from certsvc.errors import (
    CustodyError,
    Queued,
    RegisterUnavailable,
    SealRefused,
    SelfCheckFailed,
    Unavailable,
)
from certsvc.ids import Ref
from certsvc.issuance.prepare import open_payload, prepare
from certsvc.issuance.press import make_page, make_token, turns
from certsvc.issuance.service import Arrow, Issuing
from certsvc.issuance.sheets import Sheet, sheets
from certsvc.verify.report import Soundness, soundness

NOT_YET = hashlib.sha256(b"").digest()
"""Stands for the digest of a use that is only asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """In whose name the seals are used (经办人): who ordered, ever; and the program that finishes it."""

    name: str
    program: str | None = None


async def issue(issuing: Issuing, actor: Actor, order: Order, now: datetime) -> Reservation:
    """Prepare and issue; the same order sent again gives the same certificate.

    Raises:
        see `prepare` and `finish`.
    """
    reservation = await prepare(issuing, actor, order, now)
    return await finish(issuing, Handler(name=order.client), reservation.ref, now)


async def finish(issuing: Issuing, handler: Handler, ref: Ref, now: datetime) -> Reservation:
    """Bring a reservation to the end; one that is issued already is returned as it is.

    What is sealed in vain is never handed out, so each time draws other characters for the full view; those of the
    files that go on record are kept as a hash. Before the first key is used, all the seals must be free to be used;
    when the sheets are put on record, all must still be enabled. A retry after the key was used is a second seal use
    and is booked as one; the token stays the first.

    Raises:
        SelfCheckFailed: our own output did not pass the checks a stranger runs; nothing was published.
        Queued: it cannot be sealed now (no timestamp, stale revocation data, a seal that is suspended, a key that
            refuses): it stays reserved and waits for the next `resume`.
        RegisterUnavailable: the register does not answer.
    """
    reservation = await issuing.register.reservation(ref)
    if reservation.issued_at is not None:
        return reservation
    kind = issuing.catalog.version(reservation.type_id, reservation.type_version)
    payload = open_payload(issuing, reservation)
    async with _queued(issuing, reservation):
        to_seal = sheets(issuing.keys, kind, reservation)
        await issuing.register.require_seal_uses(ref, _uses(to_seal), handler.name, issuing.clock())
        token = await _token(issuing, kind, reservation, payload)
        characters = draw_characters()
        documents = []
        for sheet in to_seal:
            page = await make_page(issuing, issuing.keys, kind, sheet, reservation, payload, token, characters)
            pdf = await _seal(issuing, handler, kind, sheet, reservation, page, now)
            documents.append(await _document(issuing, kind, sheet.layout, reservation, pdf, now))
        opens = _digest(issuing, kind, reservation, characters)
        await issuing.register.publish(ref, documents, handler.name, now, opens)
    issuing.walk(Arrow.PUBLISHED, {"ref": ref.typed_code})
    return await issuing.register.reservation(ref)


@asynccontextmanager
async def _queued(issuing: Issuing, reservation: Reservation) -> AsyncIterator[None]:
    """Say of what cannot be sealed now that it is reserved and waits, and keep why."""
    asked_at = issuing.clock()
    try:
        yield
    except RegisterUnavailable:
        raise
    except (Unavailable, SealRefused, CustodyError) as error:
        code = reservation.ref.typed_code
        why = (error.reason, error.seal_id) if isinstance(error, SealRefused) else (error.code, None)
        await issuing.register.note_wait(reservation.ref, *why, asked_at)
        raise Queued(
            code,
            f"{reservation.number} 已预留，代码 {code}，尚未盖章：{error.zh}排除后重交同一请求，或等下次恢复时办完。",
            f"{reservation.number} is reserved under {code} and not sealed yet: {error.en} It will be finished when "
            "the same order is sent again, or by the next resume.",
        ) from error


async def resume(issuing: Issuing, actor: Actor) -> int:
    """Finish everything that was reserved and not issued, oldest first; how many there were.

    Each gets a time of its own and stays in the name of who ordered it. One that cannot be finished does not hold up
    the others.

    Raises:
        Exception: the first that came up, after all were tried; see `finish`.
    """
    refs = await issuing.register.unfinished()
    failures = [failure for ref in refs if (failure := await _failure(issuing, actor, ref)) is not None]
    if failures:
        raise failures[0]
    return len(refs)


async def _failure(issuing: Issuing, actor: Actor, ref: Ref) -> Exception | None:
    """Finish one order, now; why it could not be."""
    try:
        handler = Handler(name=await issuing.register.orderer(ref), program=actor.name)
        await finish(issuing, handler, ref, issuing.clock())
    except Exception as error:
        return error
    return None


def _digest(issuing: Issuing, kind: CertificateType, reservation: Reservation, characters: str) -> SealedDigest | None:
    """What is kept of the characters that its sheets print, if they do."""
    if not kind.prints_full_view(reservation.layout):
        return None
    digest, context = digest_of(reservation.ref, characters), context_of(reservation.ref)
    return SealedDigest(sealed=issuing.cipher.encrypt(digest, context), key_id=issuing.cipher.key_id)


def _uses(to_seal: Sequence[Sheet]) -> list[SealUse]:
    """Every use of a seal that the sheets of a certificate take, in their order."""
    return [
        SealUse(seal_id=seal.id, layout=sheet.layout.name, place=place, digest=NOT_YET)
        for sheet in to_seal
        for seal, place in sheet.turns
    ]


async def _token(
    issuing: Issuing, kind: CertificateType, reservation: Reservation, payload: Mapping[str, Any]
) -> bytes:
    token = reservation.token or make_token(issuing.keys, kind, reservation, payload)
    kept = await issuing.register.keep_token(reservation.ref, token)
    issuing.walk(Arrow.TOKEN_KEPT, {"ref": reservation.ref.typed_code})
    return kept


async def _seal(
    issuing: Issuing,
    handler: Handler,
    kind: CertificateType,
    sheet: Sheet,
    reservation: Reservation,
    pdf: bytes,
    now: datetime,
) -> bytes:
    """The page with its seals. What each signs is on record before its key is used."""
    detail = {"ref": reservation.ref.typed_code, "layout": sheet.layout.name}
    timestamper = PunctualTimestamper(issuing.keys.timestamper, issuing.clock)
    for turn in turns(issuing, issuing.keys, kind, sheet, reservation, pdf, now):
        prepared = turn.prepare(pdf)
        issuing.walk(Arrow.PREPARED, detail)
        use = SealUse(seal_id=turn.seal_id, layout=sheet.layout.name, place=turn.place, digest=prepared.digest)
        require_real_time(now, issuing.clock())
        booked = await issuing.register.book_seal_use(reservation.ref, use, handler.name, now, handler.program)
        issuing.walk(Arrow.USE_BOOKED, {**detail, "use": booked})
        pdf = prepared.seal(timestamper, now)
        issuing.walk(Arrow.SEALED, detail)
    return pdf


async def _document(
    issuing: Issuing, kind: CertificateType, layout: Layout, reservation: Reservation, pdf: bytes, now: datetime
) -> SealedDocument:
    detail = {"ref": reservation.ref.typed_code, "layout": layout.name}
    checks = await issuing.check_file(pdf, now)
    if soundness(checks) is not Soundness.SOUND:
        raise SelfCheckFailed(
            f"{kind.zh} {reservation.number} 盖章后的自检没有通过：{checks}",
            f"{kind.en} {reservation.number}: the sealed file did not pass our own check: {checks}",
        )
    issuing.walk(Arrow.SELF_CHECKED, detail)
    digest = issuing.blobs.put(pdf)
    issuing.walk(Arrow.STORED, detail)
    return SealedDocument(layout=layout.name, sha256=digest, size=len(pdf))
