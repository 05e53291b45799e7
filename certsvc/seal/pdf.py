"""Seal a page: one update that holds everything, over the whole file, and no byte after it."""

import hashlib
from datetime import datetime

from cryptography import x509

from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.errors import RevocationDataStale, SealRefused
from certsvc.seal.base_pdf import read_base
from certsvc.seal.cms import make_cms, room_for
from certsvc.seal.update import SealContent, make_update
from certsvc.services import Sealing, Timestamper


def seal_pdf(
    pdf: bytes,
    *,
    picture: SealPicture,
    placement: Placement,
    description: str,
    reason: str,
    sealing: Sealing,
    timestamper: Timestamper,
    validation_data: ValidationData,
    now: datetime,
) -> bytes:
    """The sealed file: `pdf` followed by one incremental update (PAdES, certified with DocMDP P=1) that already holds
    chain, revocation data, signature timestamp, the seal's picture and its structure element.

    `description` is what a screen reader says of the seal. Everything is checked before the key is used.

    Raises:
        SealRefused: not a page as rendered, the seal would not lie on it, or its certificate is not in force.
        RevocationDataStale: a CRL is not current at `now`; validators' own defaults would accept it.
        TimestampUnavailable, CustodyError: no timestamp, or no key.
    """
    base = read_base(pdf)
    _require_in_force(sealing, now)
    _require_current(validation_data, sealing, now)
    content = SealContent(
        picture=picture,
        placement=placement,
        description=description,
        reason=reason,
        validation_data=validation_data,
    )
    update = make_update(base, content, room_for(sealing), now)
    digest = hashlib.sha256()
    for part in update.covered(base):
        digest.update(part)
    return update.filled(base, make_cms(digest.digest(), sealing, timestamper, now))


def _require_in_force(sealing: Sealing, now: datetime) -> None:
    certificate = sealing.certificate
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SealRefused("印章的证书不在有效期内。", "The seal's X.509 certificate is not in its term.")
    if certificate.public_key() != sealing.key.public_key:
        raise SealRefused("印章的密钥与证书不配。", "The seal's key does not belong to its X.509 certificate.")


def _require_current(validation_data: ValidationData, sealing: Sealing, now: datetime) -> None:
    issuers = set()
    for crl in map(x509.load_der_x509_crl, validation_data.crls):
        until = crl.next_update_utc
        if not crl.last_update_utc <= now or until is None or now >= until:
            name = crl.issuer.rfc4514_string()
            raise RevocationDataStale(f"{name} 的吊销列表不在有效期内。", f"The CRL of {name} is not current.")
        issuers.add(crl.issuer)
        for certificate in (sealing.certificate, *sealing.chain):
            if crl.issuer == certificate.issuer and crl.get_revoked_certificate_by_serial_number(
                certificate.serial_number
            ):
                raise SealRefused("印章的证书已被吊销。", "The seal's X.509 certificate is revoked.")
    if not {sealing.certificate.issuer, *(item.issuer for item in sealing.chain)} <= issuers:
        raise RevocationDataStale("缺少吊销列表。", "A CRL of the seal's chain is missing.")
