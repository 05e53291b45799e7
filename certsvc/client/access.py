"""Access tokens: had for a signed assertion (`private_key_jwt`, RFC 7523), kept, and renewed before they end."""

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certsvc.client.errors import AccessRefused

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS, RENEWED_BEFORE = 120, 30.0
ELLIPTIC = {"secp256r1": "ES256", "secp384r1": "ES384"}


def open_key(key: PrivateKey | Path | str, password: bytes | None = None) -> PrivateKey:
    """A private key, or the one in a PEM file.

    Raises:
        ValueError: it is none that the service takes: P-256, P-384, RSA or Ed25519.
        OSError: the file cannot be read.
    """
    found = load_pem_private_key(Path(key).read_bytes(), password) if isinstance(key, Path | str) else key
    if not isinstance(found, PrivateKey):
        raise ValueError("a key is on P-256 or P-384, RSA, or Ed25519")
    return found


class Access:
    """The access token of one client at one service."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        client_id: str,
        key: PrivateKey,
        *,
        audience: str,
        kid: str | None = None,
        scopes: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`audience` is the service's own name for itself, `clock` says Unix seconds."""
        self._http, self._client_id, self._key, self.clock = http, client_id, key, clock
        self._audience, self._kid, self._scopes = audience, kid or thumbprint(key), scopes
        self._token, self._good_until = "", 0.0
        self._renewing = asyncio.Lock()

    async def token(self, refused: str | None = None) -> str:
        """A token that is good for a while yet; `refused` is one that was just not taken.

        Raises:
            AccessRefused: the service gives none.
            httpx.TransportError: it was not reached.
        """
        async with self._renewing:
            if self._token == (refused or "") or self.clock() > self._good_until - RENEWED_BEFORE:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self._assertion(),
            **({"scope": " ".join(self._scopes)} if self._scopes else {}),
        }
        answer = await self._http.post(TOKEN_PATH, data=form)
        if answer.status_code != 200:
            raise _refusal(answer)
        given = answer.json()
        self._token, self._good_until = given["access_token"], self.clock() + given["expires_in"]

    def _assertion(self) -> str:
        at = int(self.clock())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self._audience,
            "jti": str(uuid.uuid4()),
            "iat": at,
            "exp": at + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self._key, _algorithm(self._key), headers={"kid": self._kid})


def _refusal(answer: httpx.Response) -> AccessRefused:
    try:
        said = answer.json()
        return AccessRefused(answer.status_code, str(said["error"]), str(said.get("error_description", "")))
    except (ValueError, KeyError, TypeError):
        return AccessRefused(answer.status_code, "unreadable", "The answer is not that of a token endpoint.")


def _algorithm(key: PrivateKey) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ELLIPTIC[key.curve.name]
    return "PS256" if isinstance(key, rsa.RSAPrivateKey) else "EdDSA"


def thumbprint(key: PrivateKey) -> str:
    """The name of a key by RFC 7638: SHA-256 of its public half as a JWK."""
    public: Any = key.public_key()
    kinds: Any = jwt.algorithms
    members: tuple[str, ...]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        jwk, members = kinds.ECAlgorithm.to_jwk(public, as_dict=True), ("crv", "kty", "x", "y")
    elif isinstance(key, rsa.RSAPrivateKey):
        jwk, members = kinds.RSAAlgorithm.to_jwk(public, as_dict=True), ("e", "kty", "n")
    else:
        jwk, members = kinds.OKPAlgorithm.to_jwk(public, as_dict=True), ("crv", "kty", "x")
    plain = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(plain.encode()).digest()).rstrip(b"=").decode()
