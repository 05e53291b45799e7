"""A DER writer (ITU-T X.690): just what timestamps and signatures need, fast enough to prepare bytes once."""

import hashlib
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

SEQUENCE, SET, OCTET_STRING, INTEGER, OID, UTC_TIME, GENERALIZED_TIME = 0x30, 0x31, 0x04, 0x02, 0x06, 0x17, 0x18
BOOLEAN, BIT_STRING, UTF8_STRING = 0x01, 0x03, 0x0C
NULL, TRUE = b"\x05\x00", b"\x01\x01\xff"


def tlv(tag: int, *parts: bytes) -> bytes:
    """Tag, definite length, value; the parts are joined."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + value


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of the parts in the order given."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF: sorted by encoding, as DER demands (X.690 section 11.6)."""
    return tlv(SET, *sorted(parts))


def octet_string(value: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(OCTET_STRING, value)


def integer(value: int) -> bytes:
    """INTEGER, not negative."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def utf8_string(text: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, text.encode("utf-8"))


def named_bit(number: int) -> bytes:
    """BIT STRING with this one bit set and no zero bits after it (X.690 section 11.2.2)."""
    octets, unused = number // 8 + 1, 7 - number % 8
    return tlv(BIT_STRING, bytes((unused,)), (1 << unused).to_bytes(octets, "big"))


@cache
def object_identifier(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = map(int, dotted.split("."))
    return tlv(OID, b"".join(_base_128(arc) for arc in (first * 40 + second, *rest)))


def _base_128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(arc & 0x7F | 0x80)
    return bytes(reversed(groups))


SHA256 = sequence(object_identifier("2.16.840.1.101.3.4.2.1"))
"""AlgorithmIdentifier, parameters absent (RFC 5754 section 2)."""

SIGNED_DATA = object_identifier("1.2.840.113549.1.7.2")
ECDSA_SHA256 = sequence(object_identifier("1.2.840.10045.4.3.2"))
RSA_SHA256 = sequence(object_identifier("1.2.840.113549.1.1.11"), NULL)


def signature_algorithm(key: PublicKeyTypes) -> bytes:
    """AlgorithmIdentifier of what `services.PrivateKey.sign` makes (RFC 5754 section 3)."""
    return ECDSA_SHA256 if isinstance(key, ec.EllipticCurvePublicKey) else RSA_SHA256


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed context tag [number]: EXPLICIT, or IMPLICIT over something constructed."""
    return tlv(0xA0 | number, *parts)


def generalized_time(instant: datetime) -> bytes:
    """GeneralizedTime in UTC, whole seconds."""
    return tlv(GENERALIZED_TIME, instant.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def attribute(oid: str, value: bytes) -> bytes:
    """A CMS attribute with one value (RFC 5652 section 5.3)."""
    return sequence(object_identifier(oid), set_of(value))


def signing_certificate_v2(certificate: x509.Certificate) -> bytes:
    """The signing-certificate-v2 attribute: ESSCertIDv2 with SHA-256 (RFC 5035, RFC 5816)."""
    issuer = sequence(explicit(4, certificate.issuer.public_bytes()))
    name = sequence(issuer, integer(certificate.serial_number))
    digest = octet_string(hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest())
    return attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(sequence(digest, name))))
