"""Showing a provider that we are the client: a signed assertion (`private_key_jwt`, RFC 7523 section 3)."""

import json
import secrets
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from certsvc.access.jwks import jwks_of

KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GOOD_FOR = timedelta(minutes=2)


def client_assertion(key: EllipticCurvePrivateKey, client_id: str, audience: str, now: datetime) -> str:
    """The assertion for one exchange at `audience`, by ES256 with a P-256 key; its `kid` is the key's thumbprint (RFC
    7638)."""
    kid = json.loads(jwks_of(key.public_key()))["keys"][0]["kid"]
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": now,
        "exp": now + GOOD_FOR,
    }
    return jwt.encode(claims, key, "ES256", {"kid": kid})
