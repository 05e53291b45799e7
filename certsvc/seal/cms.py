"""The CMS of a PAdES seal (ETSI EN 319 142-1): signed attributes, signature, and the timestamp over it."""

import hashlib
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc import der
from certsvc.services import Sealing, Timestamper

DATA = der.object_identifier("1.2.840.113549.1.7.1")
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
ROOM = 3072
"""Bytes beyond certificates: attributes, two signatures of up to 512 bytes, and what is around the timestamp."""


def make_cms(digest: bytes, sealing: Sealing, timestamper: Timestamper, now: datetime) -> bytes:
    """A DER SignedData over a document's SHA-256, with signing-certificate-v2, no signing-time (the PDF has /M), and
    a signature timestamp.

    Raises:
        CustodyError: the key refuses.
        TimestampUnavailable: no timestamp, no seal.
    """
    signed = der.set_of(
        der.attribute(CONTENT_TYPE, DATA),
        der.attribute(MESSAGE_DIGEST, der.octet_string(digest)),
        der.signing_certificate_v2(sealing.certificate),
    )
    signature = sealing.key.sign(signed)
    token = timestamper.timestamp(hashlib.sha256(signature).digest(), now)
    return der.sequence(der.SIGNED_DATA, der.explicit(0, _signed_data(sealing, signed, signature, token)))


def room_for(sealing: Sealing) -> int:
    """How many bytes to keep free for `make_cms`: the chain once for the seal and, of the same size, once more for the
    timestamp."""
    return 2 * sum(len(item) for item in _certificates(sealing)) + ROOM


def _certificates(sealing: Sealing) -> list[bytes]:
    chain = (sealing.certificate, *sealing.chain[:-1])  # the root is the reader's own
    return sorted(item.public_bytes(Encoding.DER) for item in chain)


def _signed_data(sealing: Sealing, signed: bytes, signature: bytes, token: bytes) -> bytes:
    certificate = sealing.certificate
    signer = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number)),
        der.SHA256,
        b"\xa0" + signed[1:],  # [0] IMPLICIT takes the place of the SET tag that was signed
        der.signature_algorithm(sealing.key.public_key),
        der.octet_string(signature),
        der.explicit(1, der.attribute(SIGNATURE_TIMESTAMP, token)),
    )
    certificates = der.explicit(0, *_certificates(sealing))
    return der.sequence(der.integer(1), der.set_of(der.SHA256), der.sequence(DATA), certificates, der.set_of(signer))
