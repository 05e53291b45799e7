"""Assertions made by hand, with `cryptography` and nothing of ours, so that what is wrong with one is our choice; and
a small world of clients to make them for."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.access.jwks import parse_jwks
from certsvc.access.service import Access
from certsvc.access.tokens import Tokens
from certsvc.domain.client import (
    Client,
    ClientId,
    ClientKey,
    ClientKind,
    ClientState,
    RegisteredClient,
    new_client_id,
)

ISSUER = "https://yz.example"
TOKEN_URL = f"{ISSUER}/oauth/token"
SECRET = bytes(range(32))
SCOPES = frozenset({"issue:food-business", "read:*:*:4419"})
FIVE = timedelta(minutes=5)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Signer = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(value: object) -> bytes:
    """JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


@cache
def private_keys() -> Mapping[str, PrivateKey]:
    """A key of every kind, by the kid that its client gave it; `thief` and `koblitz` are on nobody's record."""
    return {
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ec384": ec.generate_private_key(ec.SECP384R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
        "ps": rsa.generate_private_key(65537, 2048),
        "ed": ed25519.Ed25519PrivateKey.generate(),
        "ended": ec.generate_private_key(ec.SECP256R1()),
        "coming": ec.generate_private_key(ec.SECP256R1()),
        "theirs": ec.generate_private_key(ec.SECP256R1()),
        "cut": ec.generate_private_key(ec.SECP256R1()),
        "koblitz": ec.generate_private_key(ec.SECP256K1()),
        "thief": ec.generate_private_key(ec.SECP256R1()),
    }


def jwk(key: str, /, **more: object) -> dict[str, object]:
    """The public half of a key as a JWK."""
    public = private_keys()[key].public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        size, point = public.curve.key_size // 8, public.public_numbers()
        x, y = (b64(number.to_bytes(size, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": f"P-{public.curve.key_size}", "x": x, "y": y, "kid": key, **more}
    if isinstance(public, rsa.RSAPublicKey):
        n = public.public_numbers().n
        return {"kty": "RSA", "n": b64(n.to_bytes(256, "big")), "e": "AQAB", "kid": key, **more}
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw()), "kid": key, **more}


def jwks(*keys: Mapping[str, object]) -> bytes:
    """A JWK Set."""
    return as_json({"keys": list(keys)})


def public_pem(kid: str) -> bytes:
    """The public half of a key in PEM."""
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private_keys()[kid].public_key().public_bytes(*form)


def signer(kid: str, algorithm: str) -> Signer:
    """Signs with a key by an algorithm, fitting or not."""
    key = private_keys()[kid]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = key.curve.key_size // 8
        digest = hashes.SHA384() if algorithm == "ES384" else hashes.SHA256()

        def sign(data: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")

        return sign
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        scheme = pss if algorithm == "PS256" else padding.PKCS1v15()
        return lambda data: key.sign(data, scheme, hashes.SHA256())
    return key.sign


def hmac_signer(secret: bytes) -> Signer:
    """Signs by HMAC-SHA-256."""
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def compact(header: bytes, claims: bytes, sign: Signer) -> str:
    """A JWS over these very bytes."""
    signed = f"{b64(header)}.{b64(claims)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@dataclass
class Shelf:
    """`services.ClientRegister` in memory."""

    found: dict[str, RegisteredClient] = field(default_factory=dict)
    used: set[tuple[str, bytes]] = field(default_factory=set)

    async def client(self, client_id: ClientId) -> RegisteredClient | None:
        return self.found.get(client_id)

    async def use_assertion(self, client_id: ClientId, jti: bytes, expires_at: datetime) -> bool:
        is_new = (client_id, jti) not in self.used
        self.used.add((client_id, jti))
        return is_new


@dataclass
class World:
    """Three clients: one with keys of every kind, another one, and one that was cut off."""

    now: datetime
    shelf: Shelf
    us: ClientId
    them: ClientId
    cut: ClientId

    @property
    def access(self) -> Access:
        """Access over them."""
        return Access(clients=self.shelf, tokens=Tokens(ISSUER, SECRET))

    @property
    def seconds(self) -> int:
        """Now."""
        return int(self.now.timestamp())

    def claims(self, **changes: object) -> dict[str, Any]:
        """Good claims of ours, with changes; `...` leaves one out."""
        good = {
            "iss": self.us,
            "sub": self.us,
            "aud": TOKEN_URL,
            "jti": secrets.token_hex(16),
            "iat": self.seconds,
            "exp": self.seconds + 120,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    def assertion(
        self,
        kid: str = "ec",
        algorithm: str = "ES256",
        *,
        by: Signer | None = None,
        header: Mapping[str, object] | None = None,
        **changes: object,
    ) -> str:
        """An assertion; good, unless something is said otherwise."""
        head = {"alg": algorithm, "kid": kid, "typ": "JWT", **(header or {})}
        head = {name: value for name, value in head.items() if value is not ...}
        return compact(as_json(head), as_json(self.claims(**changes)), by or signer(kid, algorithm))


def client_with(name: str, keys: tuple[ClientKey, ...], now: datetime, **changes: Any) -> RegisteredClient:
    """A client on record."""
    client = Client(
        id=new_client_id(),
        name=name,
        kind=ClientKind.SYSTEM,
        scopes=SCOPES,
        organisation=None,
        state=ClientState.ACTIVE,
        registered_at=now,
    )
    return RegisteredClient(client=replace(client, **changes), keys=keys)


def make_world(now: datetime | None = None) -> World:
    """The world at a moment, now unless another is named."""
    now = now or datetime.now(UTC)
    before = now - timedelta(days=30)
    own = parse_jwks(jwks(jwk("ec"), jwk("ec384"), jwk("rsa"), jwk("ps", alg="PS256"), jwk("ed")), before)
    (ended,), (coming,) = parse_jwks(jwks(jwk("ended")), before), parse_jwks(jwks(jwk("coming")), now + FIVE)
    us = client_with("market-system", (*own, replace(ended, not_after=now), coming), before)
    them = client_with("health-system", parse_jwks(jwks(jwk("theirs")), before), before)
    cut = client_with("old-system", parse_jwks(jwks(jwk("cut")), before), before, state=ClientState.CUT_OFF)
    shelf = Shelf({each.client.id: each for each in (us, them, cut)})
    return World(now, shelf, us.client.id, them.client.id, cut.client.id)
