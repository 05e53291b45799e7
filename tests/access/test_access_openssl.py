"""Assertions made with openssl, as a department's programmer may make them: nothing of ours has a hand in them."""

import asyncio
import base64
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from signing import ISSUER, TOKEN_URL, Shelf, client_with

from certsvc.access.jwks import parse_jwks
from certsvc.access.service import Access
from certsvc.access.tokens import Tokens
from certsvc.domain.client import RegisteredClient

pytestmark = pytest.mark.needs("openssl")
KINDS = {
    "EC": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RSA": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "Ed25519": ["ED25519"],
}
ALGORITHMS = {"EC": "ES256", "RSA": "RS256", "Ed25519": "EdDSA"}


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """What openssl prints."""
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def encoded(data: bytes) -> str:
    """As `base64 -w0 | tr '+/' '-_' | tr -d '='`."""
    return base64.b64encode(data).decode().translate(str.maketrans("+/", "-_", "="))


def integer(der: bytes, at: int) -> tuple[bytes, int]:
    """An INTEGER of a DER signature, in 32 bytes, and where the next one is."""
    end = at + 2 + der[at + 1]
    return der[at + 2 : end].lstrip(b"\0").rjust(32, b"\0"), end


def public_jwk(kind: str, key: Path) -> dict[str, str]:
    """The public half, as openssl shows it."""
    public = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    if kind == "EC":
        return {"kty": "EC", "crv": "P-256", "x": encoded(public[-64:-32]), "y": encoded(public[-32:])}
    if kind == "Ed25519":
        return {"kty": "OKP", "crv": "Ed25519", "x": encoded(public[-32:])}
    modulus = openssl("rsa", "-in", key, "-modulus", "-noout").decode().strip().partition("=")[2]
    return {"kty": "RSA", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}


def signature(kind: str, key: Path, text: bytes) -> bytes:
    """By openssl; for ES256 its two numbers side by side."""
    if kind == "Ed25519":
        message = key.with_suffix(".message")
        message.write_bytes(text)
        return openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", message)
    signed = openssl("dgst", "-sha256", "-sign", key, given=text)
    if kind == "RSA":
        return signed
    r, after = integer(signed, 2)
    return r + integer(signed, after)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_assertion_by_openssl_gets_a_token(kind: str, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(openssl("genpkey", "-algorithm", *KINDS[kind]))
    jwks = json.dumps({"keys": [public_jwk(kind, key) | {"kid": "2026", "use": "sig"}]})
    found: RegisteredClient = client_with(
        "market-system", parse_jwks(jwks.encode(), datetime.now(UTC)), datetime.now(UTC)
    )
    client_id = found.client.id
    header = json.dumps({"alg": ALGORITHMS[kind], "kid": "2026", "typ": "JWT"})
    claims = json.dumps(
        {"iss": client_id, "sub": client_id, "aud": TOKEN_URL, "jti": "once-only", "exp": int(time.time()) + 120}
    )
    signed = f"{encoded(header.encode())}.{encoded(claims.encode())}"
    assertion = f"{signed}.{encoded(signature(kind, key, signed.encode()))}"
    access = Access(clients=Shelf({client_id: found}), tokens=Tokens(ISSUER, bytes(32)))
    now = datetime.now(UTC)
    granted = asyncio.run(access.grant(assertion, "", client_id, now))
    assert asyncio.run(access.authenticate(granted.access_token, now)) == (found.client, found.client.scopes)
