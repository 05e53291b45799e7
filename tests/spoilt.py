"""Certificates and CRLs that a library reads with other errors than its usual ones."""

import base64

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

SUBJECT_KEY, KEY_USAGE = b"\x55\x1d\x0e", b"\x55\x1d\x0f"
THIRD_VERSION, SECOND_VERSION = b"\xa0\x03\x02\x01\x02", b"\x02\x01\x01"


def of_an_unknown_version(certificate: x509.Certificate) -> bytes:
    """The DER of a certificate, but of version 6."""
    return _once(certificate.public_bytes(Encoding.DER), THIRD_VERSION, b"\xa0\x03\x02\x01\x05")


def crl_of_an_unknown_version(crl: bytes) -> bytes:
    """A DER CRL, but of version 6."""
    return _once(crl, SECOND_VERSION, b"\x02\x01\x05")


def with_an_extension_twice(certificate: x509.Certificate) -> bytes:
    """The DER of a certificate, but its key usage is named as a second subject key identifier."""
    return _once(certificate.public_bytes(Encoding.DER), KEY_USAGE, SUBJECT_KEY)


def as_pem(der: bytes) -> bytes:
    """The armour of RFC 7468 section 5 around any DER."""
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"


def _once(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)
