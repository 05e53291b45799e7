"""Signed JSON (RFC 7515) as a reader takes it who trusts nobody: ES256 alone, one header expected, Base64url in one
spelling. `verifier_web/static/jws.js` reads by the same rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.domain.jwk import from_base64url
from certsvc.verify.token import is_es256

COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
MOST_CERTIFICATES = 4


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """These four, and nothing that would have to be understood (RFC 7515 section 4.1.11)."""

    alg: str
    kid: str
    typ: str
    x5c: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Jws:
    """Its parts; nobody vouches for them yet. `x5c` is the chain (DER) that it brings along."""

    kid: str
    x5c: Sequence[bytes]
    covered: bytes
    signature: bytes

    def is_signed_by(self, key: ec.EllipticCurvePublicKey) -> bool:
        """Whether this key made its signature."""
        return is_es256(self.signature, self.covered, key)

    def claims(self, shape: Any) -> Any:
        """What it says, in this shape.

        Raises:
            ValueError: it has another one.
        """
        return _parsed(self.covered.partition(b".")[2], shape)


def split_jws(compact: bytes, kind: str) -> Jws:
    """Take a JWS in compact form apart, of the explicit type `kind`; the signature is not checked here.

    Raises:
        ValueError: it is anything else.
    """
    parts = COMPACT.fullmatch(compact)
    if parts is None:
        raise ValueError("not three parts in Base64url")
    header: _Header = _parsed(parts[1], _Header)
    if (header.alg, header.typ) != ("ES256", kind) or not 1 <= len(header.x5c) <= MOST_CERTIFICATES:
        raise ValueError("another header")
    return Jws(header.kid, header.x5c, parts[1] + b"." + parts[2], from_base64url(parts[3]))


def _parsed(part: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(from_base64url(part), type=shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
