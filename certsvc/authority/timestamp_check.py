"""Whether a reply of a timestamp service (RFC 3161 section 2.2) is what was asked for, from somebody we trust."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID

from certsvc import der, x509_reader
from certsvc.authority.timestamps import CONTENT_TYPE, MESSAGE_DIGEST, TST_INFO
from certsvc.der_reader import DerReader
from certsvc.domain.token import HALF_ORDER
from certsvc.errors import MalformedDer, TimestampUnavailable

SIGNED_DATA, SHA256 = "1.2.840.113549.1.7.2", "2.16.840.1.101.3.4.2.1"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
GRANTED = (0, 1)
CONTEXT_0 = 0xA0
MOST_CERTIFICATES = 8
APART = timedelta(minutes=5)
"""How far its clock and ours may be apart."""


UNREADABLE = (MalformedDer, *x509_reader.UNREADABLE)
"""What reading a token, and the certificates in it, raises."""


@dataclass(frozen=True, slots=True)
class _Token:
    """The parts of a TimeStampToken."""

    info: bytes
    certificates: tuple[x509.Certificate, ...]
    issuer: bytes
    serial: int
    attributes: bytes
    algorithm: bytes
    signature: bytes


def accept_reply(reply: bytes, digest: bytes, nonce: int, trusted: Sequence[x509.Certificate], now: datetime) -> bytes:
    """The TimeStampToken in a reply: over this SHA-256 digest, with this nonce, made about `now`, signed with SHA-256
    under a certificate for timestamps alone that leads to one of `trusted`. It is spelt as `TokenMaker` spells it, as
    everything in a sealed file has to be.

    Raises:
        TimestampUnavailable: it is anything else.
    """
    try:
        encoded = _granted(reply)
        token = _read(encoded)
        _require_answer(token.info, digest, nonce, now)
        _require_signature(token, trusted, now)
    except UNREADABLE as error:
        raise _refused(f"答复不合格式：{error}", f"the reply is malformed: {error}") from None
    return encoded


def _granted(reply: bytes) -> bytes:
    outside = DerReader(reply)
    response = outside.sequence()
    outside.finish()
    if response.sequence().integer() not in GRANTED:
        raise _refused("请求被拒绝", "the request was rejected")
    encoded = response.whole(der.SEQUENCE)
    response.finish()
    return encoded


def _read(encoded: bytes) -> _Token:
    info = DerReader(encoded).sequence()
    _require(info.object_identifier() == SIGNED_DATA)
    signed = info.inside(CONTEXT_0).sequence()
    _require(signed.integer() == 3)
    _require(signed.whole(der.SET) == der.set_of(der.SHA256))
    content = signed.sequence()
    _require(content.object_identifier() == TST_INFO)
    tst_info = content.inside(CONTEXT_0).value(der.OCTET_STRING)
    certificates = _certificates(signed.inside(CONTEXT_0))
    signers = signed.inside(der.SET)
    signed.finish()
    signer = signers.sequence()
    signers.finish()
    _require(signer.integer() == 1)
    name = signer.sequence()
    issuer, serial = name.whole(der.SEQUENCE), name.integer()
    name.finish()
    _require(signer.whole(der.SEQUENCE) == der.SHA256)
    attributes, algorithm = signer.whole(CONTEXT_0), signer.whole(der.SEQUENCE)
    signature = signer.value(der.OCTET_STRING)
    signer.finish()
    return _Token(tst_info, certificates, issuer, serial, attributes, algorithm, signature)


def _certificates(reader: DerReader) -> tuple[x509.Certificate, ...]:
    found: list[x509.Certificate] = []
    while reader.more and len(found) < MOST_CERTIFICATES:
        found.append(x509.load_der_x509_certificate(reader.whole(der.SEQUENCE)))
    reader.finish()
    return tuple(found)


def _require_answer(info: bytes, digest: bytes, nonce: int, now: datetime) -> None:
    reader = DerReader(info).sequence()
    _require(reader.integer() == 1)
    reader.object_identifier()
    imprint = reader.sequence()
    _require(imprint.sequence().object_identifier() == SHA256)
    if imprint.value(der.OCTET_STRING) != digest:
        raise _refused("时间戳是别的摘要的", "the token is over another digest")
    reader.integer()
    text = reader.value(der.GENERALIZED_TIME).decode("ascii")
    made = datetime.strptime(text[:14] + "Z", "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    if abs(made - now) > APART:
        raise _refused("它的时钟与本机相差太多", "its clock and ours are far apart")
    for tag in (der.SEQUENCE, der.BOOLEAN):  # accuracy, ordering
        if reader.has(tag):
            reader.whole(tag)
    if not reader.has(der.INTEGER) or reader.integer() != nonce:
        raise _refused("随机数不符", "the nonce is another")


def _require_signature(token: _Token, trusted: Sequence[x509.Certificate], now: datetime) -> None:
    signer = next(
        (
            certificate
            for certificate in token.certificates
            if (certificate.issuer.public_bytes(), certificate.serial_number) == (token.issuer, token.serial)
        ),
        None,
    )
    if signer is None:
        raise _refused("没有附上签名证书", "the signer's certificate is not there")
    signed = b"\x31" + token.attributes[1:]  # what was signed has the tag of a SET (RFC 5652 section 5.4)
    attributes = _attributes(signed)
    _require(attributes.get(CONTENT_TYPE) == der.object_identifier(TST_INFO))
    _require(attributes.get(MESSAGE_DIGEST) == der.octet_string(hashlib.sha256(token.info).digest()))
    _require(_named(attributes.get(SIGNING_CERTIFICATE_V2, b"")) == signer.fingerprint(hashes.SHA256()))
    _require(token.algorithm == der.signature_algorithm(signer.public_key()))
    if not _is_signed(signer, token.signature, signed):
        raise _refused("签名不对", "the signature does not hold")
    _require_timestamp_authority(signer)
    if not _leads_to(signer, token.certificates, trusted, now):
        raise _refused("它的证书不通向我们的根", "its certificate does not lead to our root")


def _attributes(signed: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    reader = DerReader(signed).inside(der.SET)
    while reader.more:
        attribute = reader.sequence()
        name, values = attribute.object_identifier(), attribute.value(der.SET)
        attribute.finish()
        _require(name not in found)
        found[name] = values
    return found


def _named(value: bytes) -> bytes:
    """The digest in an ESSCertIDv2 (RFC 5035 section 4); SHA-256 is the default and the only one taken."""
    identifier = DerReader(value).sequence().sequence().sequence()
    if identifier.has(der.SEQUENCE):
        _require(identifier.sequence().object_identifier() == SHA256)
    return identifier.value(der.OCTET_STRING)


def _is_signed(signer: x509.Certificate, signature: bytes, data: bytes) -> bool:
    """Whether the signature holds; of two spellings only the one that `TokenMaker` makes and a sealed file may have."""
    key = signer.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
            return decode_dss_signature(signature)[1] <= HALF_ORDER
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        pass
    return False


def _require_timestamp_authority(certificate: x509.Certificate) -> None:
    """Timestamps alone, and critical (RFC 3161 section 2.3)."""
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        purposes = None
    if purposes is None or not purposes.critical or list(purposes.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise _refused("它的证书不是时间戳证书", "its certificate is not one for timestamps alone")


def _leads_to(
    certificate: x509.Certificate, given: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], now: datetime
) -> bool:
    for _ in range(MOST_CERTIFICATES):
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return False
        if certificate in trusted or any(_issued(certificate, root, now) for root in trusted):
            return True
        above = next((item for item in given if item != certificate and _issued(certificate, item, now)), None)
        if above is None:
            return False
        certificate = above
    return False


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    """Whether `issuer` is a certification authority, in its term, and signed `certificate`."""
    try:
        is_authority = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        may_sign = issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return is_authority and may_sign and issuer.not_valid_before_utc <= now <= issuer.not_valid_after_utc


def _require(holds: bool) -> None:
    if not holds:
        raise MalformedDer("不是所要的时间戳", "it is not the kind of token that is wanted")


def _refused(zh: str, en: str) -> TimestampUnavailable:
    return TimestampUnavailable(f"时间戳服务：{zh}。", f"The timestamp service: {en}.")
