"""One sealed page from a reservation: token, face, seal. The lint presses it with throw-away keys; the real issue takes
the same steps one by one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from certsvc.catalog import CertificateType
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Issuer
from certsvc.domain.full_view import draw_characters
from certsvc.domain.issuing import Reservation
from certsvc.domain.seal import Placement, ValidationData
from certsvc.domain.seal_form import Form
from certsvc.domain.token import Claims, to_digits
from certsvc.issuance.external.orders import draw_page
from certsvc.issuance.service import Arrow, Issuing, KeyHolder
from certsvc.issuance.sheets import Sheet, picture_of
from certsvc.render.face import Face
from certsvc.seal.joint import JointSeal, prepare_joint_seals
from certsvc.seal.pdf import PreparedSeal, prepare_seal
from certsvc.seal.token import sign_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One seal of a document, in its turn: `prepare` gives, for the file so far, what lacks only the signature.

    It raises SealRefused, RevocationDataStale: it cannot be sealed.
    """

    seal_id: str
    place: Placement
    prepare: Callable[[bytes], PreparedSeal]


async def press(
    issuing: Issuing,
    keys: KeyHolder,
    kind: CertificateType,
    sheet: Sheet,
    reservation: Reservation,
    payload: Mapping[str, Any],
    now: datetime,
) -> bytes:
    """The sealed PDF of one sheet, token and seal by `keys`, of which nothing goes on record.

    Raises:
        see `make_page`.
        SealRefused, RevocationDataStale, TimestampUnavailable, CustodyError: it cannot be sealed.
    """
    token = make_token(keys, kind, reservation, payload)
    pdf = await make_page(issuing, keys, kind, sheet, reservation, payload, token, draw_characters())
    for turn in turns(issuing, keys, kind, sheet, reservation, pdf, now):
        pdf = turn.prepare(pdf).seal(keys.timestamper, now)
    return pdf


async def make_page(
    issuing: Issuing,
    keys: KeyHolder,
    kind: CertificateType,
    sheet: Sheet,
    reservation: Reservation,
    payload: Mapping[str, Any],
    token: bytes,
    characters: str,
) -> bytes:
    """The page of one sheet, before any seal: rendered, or that of somebody else with our QR on it. A type with a full
    view prints the `characters`.

    Raises:
        MissingGlyph, TextTooLong: the face cannot be set.
        ExternalFileRefused, UnreadableFile, WorkersBusy: see `draw_page`.
    """
    face = _face(issuing, keys, kind, sheet, reservation, payload, to_digits(token), characters)
    page = issuing.renderer.render(face) if sheet.file is None else await draw_page(issuing, face, sheet)
    issuing.walk(Arrow.RENDERED, {"ref": reservation.ref.typed_code, "layout": sheet.layout.name})
    return page


def turns(
    issuing: Issuing,
    keys: KeyHolder,
    kind: CertificateType,
    sheet: Sheet,
    reservation: Reservation,
    page: bytes,
    now: datetime,
) -> tuple[Turn, ...]:
    """The seals that the page gets, in their order: one, or joint seals that all fit before the first is used.

    Raises:
        SealRefused, RevocationDataStale: see `prepare_joint_seals`.
        MissingGlyph, InvalidInput: the picture of a seal cannot be drawn, or its text has no room in it.
    """
    seals = [
        JointSeal(
            picture=picture_of(issuing, sheet, seal),
            placement=place,
            description=f"电子印章：{seal.owner}",
            reason=f"{kind.zh} {reservation.number}",
            sealing=keys.sealing(seal.id),
        )
        for seal, place in sheet.turns
    ]
    data = keys.validation_data([seal.id for seal in sheet.seals], now)
    form = Form.LT if kind.id in issuing.lt_types else Form.ONE_REVISION
    prepared = _prepared(page, seals, data, form, now)
    return tuple(
        Turn(seal_id=seal.id, place=place, prepare=prepare)
        for (seal, place), prepare in zip(sheet.turns, prepared, strict=True)
    )


def _prepared(
    page: bytes, seals: Sequence[JointSeal], data: ValidationData, form: Form, now: datetime
) -> list[Callable[[bytes], PreparedSeal]]:
    if len(seals) > 1:
        return [turn.prepare for turn in prepare_joint_seals(page, seals, validation_data=data, now=now)]
    (seal,) = seals
    return [
        partial(
            prepare_seal,
            picture=seal.picture,
            placement=seal.placement,
            description=seal.description,
            reason=seal.reason,
            sealing=seal.sealing,
            validation_data=data,
            form=form,
            now=now,
        )
    ]


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
    sheet: Sheet,
    reservation: Reservation,
    payload: Mapping[str, Any],
    digits: str,
    characters: str,
) -> Face:
    owners = tuple(Issuer(name=seal.owner, uscc=seal.owner_uscc) for seal in sheet.seals)
    return Face(
        type=kind,
        layout=sheet.layout,
        payload=payload,
        number=reservation.number,
        identifier=reservation.identifier,
        version=reservation.version,
        issuer=reservation.issuer,
        term=reservation.term,
        issued_on=beijing_date(reservation.reserved_at),
        typed_code=reservation.ref.typed_code,
        replaces=reservation.replaces.typed_code if reservation.replaces else None,
        host=urlsplit(issuing.public_url).netloc,
        qr_prefix=qr_prefix(issuing.public_url),
        digits=digits,
        specimen=keys.is_demonstration,
        seals=owners if len(owners) > 1 else (),
        full_view=characters if kind.prints_full_view(reservation.layout) else "",
    )
