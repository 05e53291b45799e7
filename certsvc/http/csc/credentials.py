"""What is told of a credential (CSC API v2 sections 11.4 and 11.5): of a seal for documents, its key, its chain."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.document_seal import MOST_DIGESTS
from certsvc.domain.seal_acts import RegisteredSeal, SealState

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256, RSA_SHA256, RSA = "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1"
P256 = "1.2.840.10045.3.1.7"
BOUND_TO_DIGESTS = "2"
"""Sole control assurance level 2: what allows a signature is bound to the digests."""

LANGUAGE = "zh-CN"


class SealCertificates(Protocol):
    """The X.509 certificates of seals, without their keys."""

    def seal_certificates(self, seal_id: str) -> Sequence[x509.Certificate]:
        """The newest certificate of a seal and its chain up to the root. Raises `NotFound`."""

    def is_seal_revoked(self, seal_id: str) -> bool:
        """Whether the newest certificate of a seal is revoked."""


def algorithms_of(certificate: x509.Certificate) -> list[str]:
    """The signature algorithms of a key, by OID; of RSA keys also that with the digest's named beside it."""
    if isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        return [ECDSA_SHA256]
    return [RSA_SHA256, RSA]


def credential_info(
    seal: RegisteredSeal, book: SealCertificates, certificates: str, *, with_names: bool, now: datetime
) -> dict[str, Any]:
    """A credential: `certificates` is none, single or chain. It has the names of both versions of the API."""
    chain = book.seal_certificates(seal.seal.id)
    return {
        "description": seal.seal.owner,
        "key": _key(seal, chain[0]),
        "cert": _certificate(chain, book.is_seal_revoked(seal.seal.id), certificates, with_names=with_names, now=now),
        "auth": {"mode": "implicit"},
        "authMode": "implicit",
        "SCAL": BOUND_TO_DIGESTS,
        "multisign": MOST_DIGESTS,
        "lang": LANGUAGE,
    }


def is_usable(seal: RegisteredSeal, book: SealCertificates, now: datetime) -> bool:
    """Whether it could sign now, as far as its state and its certificate go."""
    certificate = book.seal_certificates(seal.seal.id)[0]
    return seal.state is SealState.ENABLED and _status(certificate, book.is_seal_revoked(seal.seal.id), now) == "valid"


def _key(seal: RegisteredSeal, certificate: x509.Certificate) -> dict[str, Any]:
    public = certificate.public_key()
    known = {
        "status": "enabled" if seal.state is SealState.ENABLED else "disabled",
        "algo": algorithms_of(certificate),
        "len": getattr(public, "key_size", 0),
    }
    return {**known, "curve": P256} if isinstance(public, ec.EllipticCurvePublicKey) else known


def _certificate(
    chain: Sequence[x509.Certificate], revoked: bool, certificates: str, *, with_names: bool, now: datetime
) -> dict[str, Any]:
    leaf = chain[0]
    shown = {"none": [], "single": [leaf]}.get(certificates, list(chain))
    found: dict[str, Any] = {"status": _status(leaf, revoked, now)}
    if shown:
        found["certificates"] = [base64.b64encode(one.public_bytes(Encoding.DER)).decode("ascii") for one in shown]
    if with_names:
        found |= {
            "issuerDN": leaf.issuer.rfc4514_string(),
            "serialNumber": f"{leaf.serial_number:X}",
            "subjectDN": leaf.subject.rfc4514_string(),
            "validFrom": _time(leaf.not_valid_before_utc),
            "validTo": _time(leaf.not_valid_after_utc),
        }
    return found


def _status(certificate: x509.Certificate, revoked: bool, now: datetime) -> str:
    if revoked:
        return "revoked"
    return "valid" if certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc else "expired"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%SZ")
