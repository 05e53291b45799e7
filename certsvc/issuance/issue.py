"""Issue once: sign the token, render, prepare the seal, book its use, seal, check our own output, publish."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from certsvc.catalog import CertificateType, Layout
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation, SealedDocument
from certsvc.domain.seal import SealUse
from certsvc.errors import (
    CertsvcError,
    CustodyError,
    Queued,
    RegisterUnavailable,
    SealRefused,
    SelfCheckFailed,
    Unavailable,
)
from certsvc.ids import Ref
from certsvc.issuance.prepare import open_payload, prepare
from certsvc.issuance.press import make_token, render_page, turns
from certsvc.issuance.service import Arrow, Issuing
from certsvc.verify.report import Soundness, soundness


async def issue(issuing: Issuing, actor: Actor, order: Order, now: datetime) -> Reservation:
    """Prepare and issue; the same order sent again gives the same certificate.

    Raises:
        see `prepare` and `finish`.
    """
    reservation = await prepare(issuing, actor, order, now)
    return await finish(issuing, actor, reservation.ref, now)


async def finish(issuing: Issuing, actor: Actor, ref: Ref, now: datetime) -> Reservation:
    """Bring a reservation to the end; one that is issued already is returned as it is.

    A retry after the key was used is a second seal use and is booked as one; the token stays the first.

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
    async with _queued(reservation):
        token = await _token(issuing, kind, reservation, payload)
        documents = []
        for layout in kind.layouts:
            page = render_page(issuing, issuing.keys, kind, layout, reservation, payload, token)
            pdf = await _seal(issuing, actor, kind, layout, reservation, page, now)
            documents.append(await _document(issuing, kind, layout, reservation, pdf, now))
    await issuing.register.publish(ref, documents, actor.name, now)
    issuing.walk(Arrow.PUBLISHED, {"ref": ref.typed_code})
    return await issuing.register.reservation(ref)


@asynccontextmanager
async def _queued(reservation: Reservation) -> AsyncIterator[None]:
    """Say of what cannot be sealed now that it is reserved and waits."""
    try:
        yield
    except RegisterUnavailable:
        raise
    except (Unavailable, SealRefused, CustodyError) as error:
        code = reservation.ref.typed_code
        raise Queued(
            code,
            f"{reservation.number} 已预留，代码 {code}，尚未盖章：{error.zh}排除后重交同一请求，或等下次恢复时办完。",
            f"{reservation.number} is reserved under {code} and not sealed yet: {error.en} It will be finished when "
            "the same order is sent again, or by the next resume.",
        ) from error


async def resume(issuing: Issuing, actor: Actor, now: datetime, *, patiently: bool = False) -> int:
    """Finish everything that was reserved and not issued, oldest first; how many there were.

    One that cannot be finished does not hold up the others. `patiently` leaves alone what somebody is at, and what
    failed a moment ago: every try may use a key.

    Raises:
        CertsvcError: the first that came up, after all were tried; see `finish`.
    """
    refs = await (issuing.register.waiting(now) if patiently else issuing.register.unfinished())
    failures = []
    for ref in refs:
        try:
            await finish(issuing, actor, ref, now)
        except CertsvcError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return len(refs)


async def _token(
    issuing: Issuing, kind: CertificateType, reservation: Reservation, payload: Mapping[str, Any]
) -> bytes:
    token = reservation.token or make_token(issuing.keys, kind, reservation, payload)
    kept = await issuing.register.keep_token(reservation.ref, token)
    issuing.walk(Arrow.TOKEN_KEPT, {"ref": reservation.ref.typed_code})
    return kept


async def _seal(
    issuing: Issuing,
    actor: Actor,
    kind: CertificateType,
    layout: Layout,
    reservation: Reservation,
    pdf: bytes,
    now: datetime,
) -> bytes:
    """The page with its seals. What each signs is on record before its key is used."""
    detail = {"ref": reservation.ref.typed_code, "layout": layout.name}
    for turn in turns(issuing, issuing.keys, kind, layout, reservation, pdf, now):
        prepared = turn.prepare(pdf)
        issuing.walk(Arrow.PREPARED, detail)
        use = SealUse(seal_id=turn.seal_id, layout=layout.name, place=turn.place, digest=prepared.digest)
        booked = await issuing.register.book_seal_use(reservation.ref, use, actor.name, now)
        issuing.walk(Arrow.USE_BOOKED, {**detail, "use": booked})
        pdf = prepared.seal(issuing.keys.timestamper, now)
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
