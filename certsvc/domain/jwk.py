"""Public keys of P-256 as JSON Web Keys (RFC 7517), the thumbprint that names one (RFC 7638), and Base64url."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

BYTES = 32
FROM_URL = bytes.maketrans(b"-_", b"+/")


def jwk_of(public_key: PublicKeyTypes) -> dict[str, str]:
    """The members of a key, in the order of their names.

    Raises:
        ValueError: it is no key on P-256.
    """
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or public_key.curve.name != "secp256r1":
        raise ValueError("not a P-256 key")
    point = public_key.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _coordinate(point.x), "y": _coordinate(point.y)}


def thumbprint(members: Mapping[str, str]) -> str:
    """SHA-256 over the members in the order of their names, base64url."""
    return base64url(hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def key_of(members: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """The key of these members.

    Raises:
        ValueError: they are not those of a point on P-256.
    """
    if set(members) != {"crv", "kty", "x", "y"} or (members["crv"], members["kty"]) != ("P-256", "EC"):
        raise ValueError("not a P-256 key")
    x, y = (from_base64url(members[name].encode()) for name in ("x", "y"))
    if len(x) != BYTES or len(y) != BYTES:
        raise ValueError("a coordinate has 32 bytes")
    return ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    ).public_key()


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: bytes) -> bytes:
    """Bytes from Base64url without padding, in the one way to spell them.

    Raises:
        ValueError: padding, other characters, or bits that say nothing.
    """
    try:
        data = base64.b64decode(text.translate(FROM_URL) + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("no Base64url") from None
    if base64url(data).encode("ascii") != text:
        raise ValueError("another spelling of Base64url")
    return data


def _coordinate(number: int) -> str:
    return base64url(number.to_bytes(BYTES, "big"))
