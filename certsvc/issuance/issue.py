"""Issue once: book the use, sign the token, render, seal, check our own output, publish."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certsvc.catalog import CertificateType, Layout
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation, SealedDocument
from certsvc.errors import CertsvcError, SelfCheckFailed
from certsvc.ids import Ref
from certsvc.issuance.prepare import open_payload, prepare
from certsvc.issuance.press import make_token, press
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
        SealRefused, RevocationDataStale, TimestampUnavailable, CustodyError: see `press`.
    """
    reservation = await issuing.register.reservation(ref)
    if reservation.issued_at is not None:
        return reservation
    kind = issuing.catalog.version(reservation.type_id, reservation.type_version)
    payload = open_payload(issuing, reservation)
    documents = []
    for layout in kind.layouts:
        use = await issuing.register.book_seal_use(ref, reservation.seal_id, layout.name, actor.name, now)
        issuing.walk(Arrow.USE_BOOKED, {"ref": ref.typed_code, "layout": layout.name, "use": use})
        token = await _token(issuing, kind, reservation, payload)
        documents.append(await _document(issuing, kind, layout, reservation, payload, token, now))
    await issuing.register.publish(ref, documents, actor.name, now)
    issuing.walk(Arrow.PUBLISHED, {"ref": ref.typed_code})
    return await issuing.register.reservation(ref)


async def resume(issuing: Issuing, actor: Actor, now: datetime) -> int:
    """Finish everything that was reserved and not issued, oldest first; how many there were.

    One that cannot be finished does not hold up the others.

    Raises:
        CertsvcError: the first that came up, after all were tried; see `finish`.
    """
    refs = await issuing.register.unfinished()
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


async def _document(
    issuing: Issuing,
    kind: CertificateType,
    layout: Layout,
    reservation: Reservation,
    payload: Mapping[str, Any],
    token: bytes,
    now: datetime,
) -> SealedDocument:
    pdf = press(issuing, issuing.keys, kind, layout, reservation, payload, token, now)
    detail = {"ref": reservation.ref.typed_code, "layout": layout.name}
    issuing.walk(Arrow.SEALED, detail)
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
