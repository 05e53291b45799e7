"""One spelling of every seal: no signature covers what lies in the hole, so all of it must follow from what is covered.

The CMS is taken apart and put together anew, and must come out the same; what is free in it is a digest, two
signatures and the TSTInfo, which these signatures cover. So nothing can be respelt, added or left out.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc import der
from certsvc.domain.token import HALF_ORDER
from certsvc.verify.report import Check, Outcome

CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
DATA = der.object_identifier("1.2.840.113549.1.7.1")
TST_INFO = der.object_identifier("1.2.840.113549.1.9.16.1.4")


def check_spelling(contents: Sequence[bytes], covered: Iterable[bytes]) -> Check:
    """The check `cms` on the DER of every seal; `covered` are the X.509 certificates (DER) in the security store, which
    the seal covers. Demanded is DER of SignedData as in ETSI EN 319 142-1 and RFC 3161, chains without the root, no
    unsigned attribute but the one timestamp, and of the timestamp's two ECDSA signatures the one with the smaller s.
    """
    known = [x509.load_der_x509_certificate(item) for item in covered]
    same = bool(contents) and all(_same(content, known) for content in contents)
    return Check("cms", Outcome.PASSED if same else Outcome.FAILED, "one_spelling" if same else "respelt")


def _same(content: bytes, known: list[x509.Certificate]) -> bool:
    try:
        return _seal(cms.ContentInfo.load(content, strict=True)["content"], known) == content
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, StopIteration):
        return False  # it lacks a part, or names a certificate that is not there


def _seal(signed: Any, known: list[x509.Certificate]) -> bytes:
    (signer,) = signed["signer_infos"]
    (stamp,) = signer["unsigned_attrs"]
    (token,) = stamp["values"]
    unsigned = der.explicit(1, der.attribute(SIGNATURE_TIMESTAMP, _timestamp(token["content"], known)))
    return _signed_data(
        1, der.sequence(DATA), DATA, signer, _chain(signer, known), signer["signature"].native, unsigned
    )


def _timestamp(signed: Any, known: list[x509.Certificate]) -> bytes:
    (signer,) = signed["signer_infos"]
    chain = _chain(signer, known)
    signature = signer["signature"].native
    if isinstance(chain[0].public_key(), ec.EllipticCurvePublicKey):
        r, s = decode_dss_signature(signature)
        signature = encode_dss_signature(r, min(s, HALF_ORDER))  # the greater s cannot come out the same
    info = der.octet_string(bytes(signed["encap_content_info"]["content"]))
    content = der.sequence(TST_INFO, der.explicit(0, info))
    return _signed_data(3, content, TST_INFO, signer, chain, signature)


def _signed_data(
    version: int,
    content: bytes,
    content_type: bytes,
    signer: Any,
    chain: list[x509.Certificate],
    signature: bytes,
    *unsigned: bytes,
) -> bytes:
    own = chain[0]
    signed = der.set_of(
        der.attribute(CONTENT_TYPE, content_type),
        der.attribute(MESSAGE_DIGEST, der.octet_string(_digest(signer))),
        der.signing_certificate_v2(own),
    )
    signed_by = der.sequence(
        der.integer(1),
        der.sequence(own.issuer.public_bytes(), der.integer(own.serial_number)),
        der.SHA256,
        b"\xa0" + signed[1:],
        der.signature_algorithm(own.public_key()),
        der.octet_string(signature),
        *unsigned,
    )
    certificates = der.explicit(0, *sorted(item.public_bytes(Encoding.DER) for item in chain))
    body = (der.integer(version), der.set_of(der.SHA256), content, certificates, der.set_of(signed_by))
    return der.sequence(der.SIGNED_DATA, der.explicit(0, der.sequence(*body)))


def _digest(signer: Any) -> bytes:
    (digest,) = (item["values"][0].native for item in signer["signed_attrs"] if item["type"].native == "message_digest")
    return bytes(digest)


def _chain(signer: Any, known: list[x509.Certificate]) -> list[x509.Certificate]:
    """The signer's certificate and those above it, without the root."""
    serial = signer["sid"].chosen["serial_number"].native
    (own,) = (item for item in known if item.serial_number == serial)
    chain = [own]
    while len(chain) < len(known) and (above := _issuer(chain[-1], known)) is not None:
        chain.append(above)
    return chain


def _issuer(certificate: x509.Certificate, known: list[x509.Certificate]) -> x509.Certificate | None:
    above = next(item for item in known if _issued(item, certificate))
    return None if above.subject == above.issuer else above


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
