"""JSON Web Tokens (RFC 7519) in compact form: bounded first, read in one way only, and checked by algorithms that the
reader pins."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.access.jwks import PublicKey
from certsvc.access.strict import Flaw, read_base64url, read_object

COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
FURTHEST = 253_402_300_799
"""The end of the year 9999, in seconds: the last time that there is."""

_JWS = jwt.PyJWS()
_ES256 = jwt.get_algorithm_by_name("ES256")
_ANY_KEY = ec.EllipticCurvePublicNumbers(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ec.SECP256R1(),
).public_key()
"""The generator of P-256: a point like any other key, and nobody's."""

_ANY_SIGNATURE = (b"\x00" * 31 + b"\x01") * 2


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token that nobody vouches for yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read_compact(text: str, most: int) -> Unverified:
    """The parts of a token of at most `most` characters; its signature is not looked at.

    Raises:
        Flaw: it is longer, or not three parts in Base64url, the first two of them JSON objects.
    """
    if len(text) > most or not COMPACT.fullmatch(text):
        raise Flaw("form")
    header, claims, signature = text.split(".")
    read_base64url(signature)
    return Unverified(text, read_object(read_base64url(header)), read_object(read_base64url(claims)))


def is_signed(token: Unverified, key: PublicKey | bytes, algorithm: str) -> bool:
    """Whether the signature is by this key and this algorithm, which is also the one that the token names."""
    try:
        _JWS.decode(token.text, key, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError):
        return False
    return True


def check_nothing() -> None:
    """Take as long as checking a signature takes."""
    _ES256.verify(b"", _ANY_KEY, _ANY_SIGNATURE)


def read_time(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate (RFC 7519 section 2); None where there is none.

    Raises:
        Flaw: it is no number, or one that is no time.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= FURTHEST:
        raise Flaw(name)
    return datetime.fromtimestamp(value, UTC)
