"""Showing a provider that we are the client: a signed assertion (`private_key_jwt`, RFC 7523 section 3)."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.access.jwks import jwks_of
from certsvc.access.strict import write_base64url
from certsvc.errors import SettingsError
from certsvc.services import PrivateKey

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GOOD_FOR = timedelta(minutes=2)
COORDINATE = 32


def require_p256(key: PrivateKey) -> None:
    """See that a key is one that assertions are signed with.

    Raises:
        SettingsError: it is none.
    """
    public = key.public_key
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise SettingsError("openid.client_key 应为 P-256 私钥。", "openid.client_key is a P-256 key.")


def client_assertion(key: PrivateKey, client_id: str, audience: str, now: datetime) -> str:
    """The assertion for one exchange at `audience`, by ES256; its `kid` is the key's thumbprint (RFC 7638)."""
    public = key.public_key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    kid = json.loads(jwks_of(public))["keys"][0]["kid"]
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": int(now.timestamp()),
        "exp": int((now + GOOD_FOR).timestamp()),
    }
    signed = f"{_part({'alg': 'ES256', 'typ': 'JWT', 'kid': kid})}.{_part(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode("ascii")))
    return f"{signed}.{write_base64url(r.to_bytes(COORDINATE, 'big') + s.to_bytes(COORDINATE, 'big'))}"


def _part(said: Mapping[str, Any]) -> str:
    return write_base64url(json.dumps(said, separators=(",", ":")).encode("ascii"))
