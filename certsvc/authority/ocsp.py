"""OCSP (RFC 6960; lightweight profile RFC 9919, which follows RFC 5019): what the newest CRL says, by serial number.

The responder has a key of its own and never the issuing authority's. It knows nothing that the CRL does not say, and
no answer is fresher than the CRL behind it.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.ocsp import (
    OCSPCertStatus,
    OCSPRequest,
    OCSPResponderEncoding,
    OCSPResponseBuilder,
    OCSPResponseStatus,
    load_der_ocsp_request,
)

from certsvc import der
from certsvc.authority.published import PublishedStatus, RevocationList, Revoked
from certsvc.custody.delegate import as_issuer_key
from certsvc.der_reader import DerReader
from certsvc.errors import CustodyError, MalformedDer, RevocationDataStale, Unavailable
from certsvc.services import PrivateKey

LASTS = timedelta(hours=1)
"""nextUpdate lies no further ahead: so long a client may keep an answer."""

CACHED = timedelta(minutes=5)
"""So long caches between us and the clients may keep it."""

KEPT, MOST_KEPT = timedelta(minutes=1), 10_000
"""How long, and how many, answers are kept here; another CRL ends it at once."""

NONCE_BYTES = 128
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303  names


@dataclass(frozen=True, slots=True)
class OcspAnswer:
    """A DER OCSPResponse: `error` is what it says instead of an answer, `caching` how long it may be passed on to
    others; without that it is for its asker alone."""

    der: bytes
    error: OCSPResponseStatus | None = None
    caching: "Caching | None" = None


@dataclass(frozen=True, slots=True)
class Caching:
    """The term of an answer, and until when caches between us and the clients may keep it."""

    this_update: datetime
    next_update: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspAuthority:
    """An issuing authority under its public name, and who answers for it: a key, and the X.509 certificate that the
    authority made for it (RFC 6960 section 4.2.2.2)."""

    name: str
    certificate: x509.Certificate
    responder: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class _CertId:
    """CertID (section 4.1.1)."""

    algorithm: str
    name_hash: bytes
    key_hash: bytes
    serial: int


_IssuerHashes = Mapping[str, tuple[bytes, bytes]]
"""By which CertIDs name an issuing authority, for each hash: its name and its key."""


class OcspResponder:
    """Answers for several issuing authorities. Safe to call from several threads."""

    def __init__(
        self, authorities: Sequence[OcspAuthority], folder: Path, without_key: Sequence[x509.Certificate] = ()
    ) -> None:
        """`folder` holds the public facts: `crl/{name}.crl` and `issued/{name}/{serial in hexadecimal}.cer`;
        `without_key` are the authorities of ours for which nobody can answer now."""
        self._desks = [_Desk(authority, folder) for authority in authorities]
        self._without_key = [_hashes_of(certificate) for certificate in without_key]

    def respond(self, message: bytes, now: datetime) -> OcspAnswer:
        """The answer to any bytes; it is never an exception.

        One certificate for each request, as RFC 9919 section 3.1.1 has it: more are malformedRequest, and so is a nonce
        that has not 1 to 128 octets (RFC 9654 section 2.1). CertIDs with another hash than SHA-1 or SHA-256 are
        unauthorized: we cannot tell whose they are. A stale CRL is tryLater, and so is an authority for which no key is
        here: no other may answer for it (RFC 6960 sections 2.3 and 4.2.2.2).
        """
        try:
            request = load_der_ocsp_request(message)
            cert_id, nonce = _cert_id(request), _nonce(request)
        except UnsupportedAlgorithm:
            return UNAUTHORIZED
        except (ValueError, NotImplementedError, MalformedDer, x509.DuplicateExtension):
            return MALFORMED
        try:
            return self._answer(cert_id, nonce, now)
        except RevocationDataStale:
            return TRY_LATER
        except CustodyError:
            return OUT_OF_ORDER

    def _answer(self, cert_id: _CertId, nonce: bytes | None, now: datetime) -> OcspAnswer:
        for desk in self._desks:
            if desk.answers_for(cert_id):
                return desk.answer(cert_id, nonce, now)
        if not self._desks or any(_is_of(cert_id, issuer) for issuer in self._without_key):
            return NO_KEY
        return self._desks[0].unknown(cert_id, nonce, now)

    def require_current(self, now: datetime) -> None:
        """See that every authority has a key to answer with, that its CRL is current, and so is every responder's
        certificate.

        Raises:
            Unavailable: a key is missing.
            RevocationDataStale: a CRL is not current.
            CustodyError: the certificate of a responder is not in its term.
        """
        if self._without_key or not self._desks:
            raise Unavailable("OCSP 密钥用不了，在线查状态停了。", "The OCSP key cannot be used: no OCSP answers.")
        for desk in self._desks:
            desk.require_current(now)


class _Desk:
    """One authority's part of the responder."""

    def __init__(self, authority: OcspAuthority, folder: Path) -> None:
        self._status = PublishedStatus(folder, authority.name, authority.certificate)
        self._responder, self._key = authority.responder, as_issuer_key(authority.key)
        self._unfinished = (
            OCSPResponseBuilder()
            .responder_id(OCSPResponderEncoding.HASH, authority.responder)
            .certificates([authority.responder])
        )
        self._hashes = _hashes_of(authority.certificate)
        self._lock = threading.Lock()
        self._kept: dict[_CertId, _Kept] = {}

    def answers_for(self, cert_id: _CertId) -> bool:
        return _is_of(cert_id, self._hashes)

    def require_current(self, now: datetime) -> RevocationList:
        self._require_term(now)
        return self._status.current(now)

    def _require_term(self, now: datetime) -> None:
        if not self._responder.not_valid_before_utc <= now < self._responder.not_valid_after_utc:
            raise CustodyError("OCSP 证书不在有效期内。", "The OCSP responder's certificate is not in its term.")

    def answer(self, cert_id: _CertId, nonce: bytes | None, now: datetime) -> OcspAnswer:
        """Good, revoked or unknown. What has no nonce is the same for everyone, and kept."""
        if not self._status.has_issued(cert_id.serial):
            return self.unknown(cert_id, nonce, now)
        crl = self.require_current(now)
        if nonce is not None:
            return OcspAnswer(self._known(cert_id, crl, min(crl.next_update, now + LASTS), nonce))
        kept = self._kept.get(cert_id)
        if kept is None or kept.crl is not crl or not kept.since <= now < kept.since + KEPT:
            kept = _Kept(crl, now, self._for_everyone(cert_id, crl, now))
            self._keep(cert_id, kept)
        return kept.answer

    def unknown(self, cert_id: _CertId, nonce: bytes | None, now: datetime) -> OcspAnswer:
        """For serial numbers that were not given out, and for other authorities'. Kept by no cache: the number may be
        given out in a moment."""
        self._require_term(now)
        return OcspAnswer(self._signed(cert_id, OCSPCertStatus.UNKNOWN, None, (now, now + KEPT), nonce))

    def _for_everyone(self, cert_id: _CertId, crl: RevocationList, now: datetime) -> OcspAnswer:
        ends = min(crl.next_update, now + LASTS)
        encoded = self._known(cert_id, crl, ends, None)
        return OcspAnswer(encoded, caching=Caching(crl.this_update, ends, min(ends, now + CACHED)))

    def _known(self, cert_id: _CertId, crl: RevocationList, ends: datetime, nonce: bytes | None) -> bytes:
        entry = crl.revoked.get(cert_id.serial)
        status = OCSPCertStatus.GOOD if entry is None else OCSPCertStatus.REVOKED
        return self._signed(cert_id, status, entry, (crl.this_update, ends), nonce)

    def _signed(
        self,
        cert_id: _CertId,
        status: OCSPCertStatus,
        entry: Revoked | None,
        term: tuple[datetime, datetime],
        nonce: bytes | None,
    ) -> bytes:
        builder = self._unfinished.add_response_by_hash(
            cert_id.name_hash,
            cert_id.key_hash,
            cert_id.serial,
            HASHES[cert_id.algorithm],
            status,
            *term,
            entry.at if entry else None,
            entry.reason if entry else None,
        )
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _keep(self, cert_id: _CertId, kept: "_Kept") -> None:
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[cert_id] = kept


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer for everyone, and the CRL behind it."""

    crl: RevocationList
    since: datetime
    answer: OcspAnswer


def _cert_id(request: OCSPRequest) -> _CertId:
    algorithm = request.hash_algorithm
    if algorithm.name not in HASHES:
        raise UnsupportedAlgorithm("another hash")
    lengths = {len(request.issuer_name_hash), len(request.issuer_key_hash)}
    if lengths != {algorithm.digest_size} or request.serial_number < 0:
        raise MalformedDer("CertID 不合格式。", "The CertID is malformed.")
    return _CertId(algorithm.name, request.issuer_name_hash, request.issuer_key_hash, request.serial_number)


def _nonce(request: OCSPRequest) -> bytes | None:
    """The nonce, if there is one. What else is asked for is passed over, unless it is critical (section 4.4)."""
    nonce = None
    for extension in request.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            nonce = extension.value.nonce
        elif extension.critical:
            raise MalformedDer("含有不认识的关键扩展。", "A critical extension is not known here.")
    if nonce is not None and not 0 < len(nonce) <= NONCE_BYTES:
        raise MalformedDer("随机数应为 1 至 128 字节。", "A nonce has 1 to 128 octets.")
    return nonce


def _is_of(cert_id: _CertId, issuer: _IssuerHashes) -> bool:
    return issuer[cert_id.algorithm] == (cert_id.name_hash, cert_id.key_hash)


def _hashes_of(certificate: x509.Certificate) -> _IssuerHashes:
    return {algorithm: _issuer_hashes(certificate, algorithm) for algorithm in HASHES}


def _issuer_hashes(certificate: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """Of its name, and of the bits of its key (section 4.1.1)."""
    name = certificate.subject.public_bytes()
    info = DerReader(certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).sequence()
    info.whole(der.SEQUENCE)
    _unused_bits, *key = info.value(der.BIT_STRING)
    found = [hashlib.new(algorithm, data, usedforsecurity=False).digest() for data in (name, bytes(key))]
    return found[0], found[1]


def _failed(status: OCSPResponseStatus) -> OcspAnswer:
    return OcspAnswer(OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER), error=status)


MALFORMED = _failed(OCSPResponseStatus.MALFORMED_REQUEST)
UNAUTHORIZED = _failed(OCSPResponseStatus.UNAUTHORIZED)
TRY_LATER = _failed(OCSPResponseStatus.TRY_LATER)
OUT_OF_ORDER = _failed(OCSPResponseStatus.INTERNAL_ERROR)
"""The last is for trouble with our own key or certificate; what it is stays here."""

NO_KEY = _failed(OCSPResponseStatus.TRY_LATER)
"""Says the same as TRY_LATER, and is known apart from it: whoever tried to open the key has logged why, once."""
