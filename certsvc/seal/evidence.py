"""What must hold of X.509 certificates and revocation data before a seal's key is used.

Validators' own defaults accept stale revocation data, so the sealer looks for itself.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certsvc.domain.seal import ValidationData
from certsvc.errors import RevocationDataStale, SealRefused
from certsvc.services import Sealing

Chain = tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class _Holds:
    """When a certificate or a CRL holds: from `since` on, before `until`."""

    what: x509.Certificate | x509.CertificateRevocationList
    since: datetime
    until: datetime


def require_evidence(sealing: Sealing, data: ValidationData, now: datetime) -> None:
    """See that a validator will find everything in `data`, and that all of it holds at `now`.

    Raises:
        SealRefused: the key is not the certificate's; a certificate is missing, not in its term, or revoked.
        RevocationDataStale: a certification authority's CRL is missing, not current at `now`, or not signed by it.
    """
    if sealing.certificate.public_key() != sealing.key.public_key:
        raise SealRefused("印章的密钥与证书不配。", "The seal's key does not belong to its X.509 certificate.")
    for item in _examine((sealing.certificate, *sealing.chain), data):
        if item.since <= now < item.until:
            continue
        if isinstance(item.what, x509.Certificate):
            raise _refused(item.what, "不在有效期内", "is not in its term")
        raise _stale(item.what.issuer, "不在有效期内", "is not current")


@lru_cache(maxsize=64)
def _examine(chain: Chain, data: ValidationData) -> tuple[_Holds, ...]:
    """Everything but the time, once for each hour's CRL."""
    certificates = [x509.load_der_x509_certificate(item) for item in data.certificates]
    lists = [x509.load_der_x509_crl(item) for item in data.crls]
    authorities = {certificate.subject: certificate for certificate in certificates}
    for crl in lists:
        if crl.issuer not in authorities or not _signed_by(crl, authorities[crl.issuer]):
            raise _stale(crl.issuer, "签名不对", "is not signed by it")
    for certificate in chain:
        if certificate not in certificates:
            raise _refused(certificate, "缺失", "is missing")
    for certificate in certificates:
        if certificate.issuer not in authorities:
            raise _refused(certificate, "缺少签发者的证书", "comes without that of its issuer")
        _require_unrevoked(certificate, [crl for crl in lists if crl.issuer == certificate.issuer])
    return (
        *(_Holds(item, item.not_valid_before_utc, item.not_valid_after_utc) for item in certificates),
        *(_Holds(item, item.last_update_utc, item.next_update_utc or item.last_update_utc) for item in lists),
    )


def _require_unrevoked(certificate: x509.Certificate, lists: list[x509.CertificateRevocationList]) -> None:
    if not lists:
        raise _stale(certificate.issuer, "缺失", "is missing")
    if any(crl.get_revoked_certificate_by_serial_number(certificate.serial_number) for crl in lists):
        raise _refused(certificate, "已被吊销", "is revoked")


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and crl.is_signature_valid(key)


def _refused(certificate: x509.Certificate, zh: str, en: str) -> SealRefused:
    name = certificate.subject.rfc4514_string()
    return SealRefused(f"证书 {name} {zh}。", f"The X.509 certificate of {name} {en}.")


def _stale(issuer: x509.Name, zh: str, en: str) -> RevocationDataStale:
    name = issuer.rfc4514_string()
    return RevocationDataStale(f"{name} 的吊销列表{zh}。", f"The CRL of {name} {en}.")
