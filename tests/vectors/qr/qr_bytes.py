"""CBOR, COSE and ES256 by hand, to make test vectors: shares no code with the product, and can write it wrongly."""

import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3)."""

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP = range(6)
NULL, TRUE = b"\xf6", b"\xf5"
CTI, IAT, EXP, SUB, DETAIL = 7, 6, 4, 2, -65537

Pairs = Sequence[tuple[bytes, bytes]]


def head(major: int, value: int, *, wide: int = 0) -> bytes:
    """The head of an item (RFC 8949 section 3): shortest, or with a number of `wide` bytes."""
    width = wide or (0 if value < 24 else next(size for size in (1, 2, 4, 8) if value < 1 << 8 * size))
    if width == 0:
        return bytes([major << 5 | value])
    return bytes([major << 5 | 23 + width.bit_length()]) + value.to_bytes(width, "big")


def number(value: int, *, wide: int = 0) -> bytes:
    """An integer."""
    return head(UNSIGNED, value, wide=wide) if value >= 0 else head(NEGATIVE, -1 - value, wide=wide)


def octets(value: bytes, *, wide: int = 0) -> bytes:
    """A byte string."""
    return head(BYTES, len(value), wide=wide) + value


def text(value: str) -> bytes:
    """A text string."""
    return head(TEXT, len(value.encode())) + value.encode()


def array(*items: bytes) -> bytes:
    """An array of encoded items."""
    return head(ARRAY, len(items)) + b"".join(items)


def mapping(pairs: Pairs) -> bytes:
    """A map of encoded pairs, in the order given."""
    return head(MAP, len(pairs)) + b"".join(key + value for key, value in pairs)


PROTECTED = mapping([(number(1), number(-7))])


def sig_structure(
    payload: bytes, *, protected: bytes = PROTECTED, context: str = "Signature1", aad: bytes = b""
) -> bytes:
    """What is signed (RFC 9052 section 4.4)."""
    return array(text(context), octets(protected), octets(aad), octets(payload))


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """SubjectPublicKeyInfo as DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def kid_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """The first four bytes of SHA-256 of the SPKI."""
    return hashlib.sha256(spki(key)).digest()[:4]


def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """r‖s with the smaller s."""
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")


def other_s(signature: bytes) -> bytes:
    """The same signature with n − s."""
    return signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


def cose(kid: bytes, payload: bytes, signature: bytes) -> bytes:
    """The COSE_Sign1 as it should be."""
    return array(octets(PROTECTED), mapping([(number(4), octets(kid))]), octets(payload), octets(signature))


def to_digits(token: bytes, *, mark: int = 1) -> str:
    """The decimal digits of mark ‖ token."""
    return str(int.from_bytes(bytes([mark]) + token, "big"))
