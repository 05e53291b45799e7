"""JSON that an authority signs for everyone: ES256 or RS256, with the chain of its certificate but for the root."""

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.custody.delegate import as_issuer_key
from certsvc.services import Sealing


def sign_compact(claims: bytes, signer: Sealing, kind: str, kid: str | None = None) -> str:
    """A JWS in compact serialization (RFC 7515 section 7.1) of the explicit type `kind`.

    Who reads it has the root, and trusts no root that comes with a message.

    Raises:
        CustodyError: the key cannot be used.
    """
    above = signer.chain[:-1]
    header = {
        "typ": kind,
        "x5c": [msgspec.to_builtins(each.public_bytes(Encoding.DER)) for each in (signer.certificate, *above)],
    } | ({"kid": kid} if kid else {})
    key = as_issuer_key(signer.key)
    algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    return jwt.PyJWS().encode(claims, key, algorithm, header, sort_headers=True)  # type: ignore[arg-type]


def flattened(compact: str) -> bytes:
    """The same in flattened JSON serialization (section 7.2.2): its three parts joined by dots are the compact form,
    which any library for JWT takes."""
    protected, payload, signature = compact.split(".")
    parts = {"payload": payload, "protected": protected, "signature": signature}
    return msgspec.json.format(msgspec.json.encode(parts))
