"""X.509 certificates and CRLs that others made, read whole at the door: what comes after meets no surprise in them.

The library raises a different error for each way in which one is wrong, some only when a part is first looked at.
"""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from certsvc.errors import MalformedDer

UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)


def read_certificate(data: bytes) -> x509.Certificate:
    """A DER certificate (RFC 5280 section 4.1) whose key and extensions the library can read.

    Raises:
        MalformedDer: it is none.
    """
    try:
        return _whole(x509.load_der_x509_certificate(data))
    except UNREADABLE:
        raise _no_certificate() from None


def read_pem_certificate(data: bytes) -> x509.Certificate:
    """The one certificate of a file (RFC 7468 section 5).

    Raises:
        MalformedDer: there is none, another one too, or it cannot be read.
    """
    try:
        (certificate,) = x509.load_pem_x509_certificates(data)
        return _whole(certificate)
    except UNREADABLE:
        raise _no_certificate() from None


def read_crl(data: bytes) -> x509.CertificateRevocationList:
    """A DER CRL (RFC 5280 section 5.1) whose extensions the library can read.

    Raises:
        MalformedDer: it is none.
    """
    try:
        crl = x509.load_der_x509_crl(data)
        _ = crl.extensions
    except UNREADABLE:
        raise MalformedDer("不是 CRL", "it is no CRL") from None
    return crl


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    certificate.public_key()
    _ = certificate.extensions
    return certificate


def _no_certificate() -> MalformedDer:
    return MalformedDer("不是 X.509 证书", "it is no X.509 certificate")
