"""One sealed page from a reservation: token, face, seal. The same press serves the lint and the real issue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from certsvc.catalog import CertificateType, Layout
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Reservation
from certsvc.domain.token import Claims, to_digits
from certsvc.issuance.service import Arrow, Issuing, KeyHolder
from certsvc.render.face import Face
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.pdf import seal_pdf
from certsvc.seal.token import sign_token


def press(
    issuing: Issuing,
    keys: KeyHolder,
    kind: CertificateType,
    layout: Layout,
    reservation: Reservation,
    payload: Mapping[str, Any],
    token: bytes | None,
    now: datetime,
) -> bytes:
    """The sealed PDF of one layout, with `token` or one signed by `keys` now.

    Raises:
        MissingGlyph, TextTooLong: the face cannot be set.
        SealRefused, RevocationDataStale, TimestampUnavailable, CustodyError: it cannot be sealed.
    """
    digits = to_digits(token or make_token(keys, kind, reservation, payload))
    page = issuing.renderer.render(_face(issuing, keys, kind, layout, reservation, payload, digits))
    issuing.walk(Arrow.RENDERED, {"ref": reservation.ref.typed_code, "layout": layout.name})
    seal = keys.seal_for(kind.id)
    return seal_pdf(
        page,
        picture=draw_seal(seal.design, issuing.renderer.extra_fonts),
        placement=layout.seal,
        description=f"电子印章：{seal.owner}",
        reason=f"{kind.zh} {reservation.number}",
        sealing=keys.sealing(seal.id),
        timestamper=keys.timestamper,
        validation_data=keys.validation_data(seal.id, now),
        now=now,
    )


def make_token(keys: KeyHolder, kind: CertificateType, reservation: Reservation, payload: Mapping[str, Any]) -> bytes:
    """Sign the token of a reservation with the key of the quarter it was made in. Persons are never named."""
    kid, key = keys.token_key(reservation.reserved_at)
    claims = Claims(
        ref=reservation.ref,
        issued_at=reservation.reserved_at,
        expires_at=reservation.term.expires_at,
        subject=reservation.subject,
        type_number=reservation.type_number,
        version=reservation.version,
        list_index=reservation.list_index,
        holder_name=kind.token_name(payload),
    )
    return sign_token(claims, kid, key)


def qr_prefix(public_url: str) -> str:
    """What the QR begins with: upper case, so that a scanner's alphanumeric mode holds it."""
    return f"{public_url.rstrip('/').upper()}/Q/"


def _face(
    issuing: Issuing,
    keys: KeyHolder,
    kind: CertificateType,
    layout: Layout,
    reservation: Reservation,
    payload: Mapping[str, Any],
    digits: str,
) -> Face:
    return Face(
        type=kind,
        layout=layout,
        payload=payload,
        number=reservation.number,
        identifier=reservation.identifier,
        version=reservation.version,
        issuer=reservation.issuer,
        term=reservation.term,
        issued_on=beijing_date(reservation.reserved_at),
        typed_code=reservation.ref.typed_code,
        host=urlsplit(issuing.public_url).netloc,
        qr_prefix=qr_prefix(issuing.public_url),
        digits=digits,
        specimen=keys.is_demonstration,
    )
