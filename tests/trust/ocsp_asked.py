"""Asking an OCSP responder, without HTTP."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPRequestBuilder, OCSPResponse, load_der_ocsp_response
from trust_pki import Pki

from certsvc.authority.ocsp import OcspAuthority, OcspResponder

SHA1, SHA256, SHA384 = hashes.SHA1(), hashes.SHA256(), hashes.SHA384()


def authority(pki: Pki, name: str = "issuing", responder: str = "ocsp") -> OcspAuthority:
    """An issuing authority and who answers for it."""
    return OcspAuthority(
        name=name,
        certificate=pki.certificates[name],
        responder=pki.certificates[responder],
        key=pki.keys[responder],
    )


def responder(pki: Pki) -> OcspResponder:
    """A responder for the one issuing authority."""
    return OcspResponder([authority(pki)], pki.public)


def ask(
    pki: Pki,
    name: str = "seal",
    issuer: str = "issuing",
    algorithm: hashes.HashAlgorithm = SHA256,
    nonce: bytes | None = None,
) -> bytes:
    """A request for one certificate."""
    builder = OCSPRequestBuilder().add_certificate(pki.certificates[name], pki.certificates[issuer], algorithm)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answered(pki: Pki, message: bytes) -> OCSPResponse:
    """The answer of a fresh responder."""
    return load_der_ocsp_response(responder(pki).respond(message, pki.now).der)
