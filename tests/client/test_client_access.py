"""Access tokens of the client: had by itself, kept, renewed in time; keys of every kind that the service takes."""

import asyncio
import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from demonstration import ROOT
from pretended import PretendedService

from certsvc.access.jwks import parse_jwks
from certsvc.client import AccessRefused, Client
from certsvc.client.access import PrivateKey, open_key, thumbprint

KEYS: dict[str, PrivateKey] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "PS256": rsa.generate_private_key(65537, 2048),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_every_kind_of_key_signs_an_assertion_that_verifies(algorithm: str) -> None:
    service, key = PretendedService(), KEYS[algorithm]

    async def story() -> None:
        async with service.client(key) as api:
            await api.events.since()

    asyncio.run(story())
    (form,) = service.forms
    header = jwt.get_unverified_header(form["client_assertion"])
    assert (header["alg"], header["kid"]) == (algorithm, thumbprint(key))
    timeless: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(form["client_assertion"], key.public_key(), [algorithm], timeless, audience=service.url)
    assert claims["iss"] == claims["sub"] == service.client_id
    assert claims["exp"] - claims["iat"] <= 300 and len(claims["jti"]) >= 8


@pytest.mark.parametrize("algorithm", KEYS)
def test_the_name_of_a_key_is_the_thumbprint_under_which_the_service_keeps_it(algorithm: str) -> None:
    key = KEYS[algorithm]
    jwk = {**as_jwk(key), "kid": "any"}
    (kept,) = parse_jwks(json.dumps({"keys": [jwk]}).encode(), datetime.now(UTC))
    assert base64.urlsafe_b64encode(kept.thumbprint).rstrip(b"=").decode() == thumbprint(key)


def as_jwk(key: PrivateKey) -> dict[str, str]:
    """Its public half, by pyjwt."""
    kinds = {ec.EllipticCurvePrivateKey: "ECAlgorithm", rsa.RSAPrivateKey: "RSAAlgorithm"}
    name = next((name for kind, name in kinds.items() if isinstance(key, kind)), "OKPAlgorithm")
    found: dict[str, str] = getattr(jwt.algorithms, name).to_jwk(key.public_key(), as_dict=True)
    return found


@pytest.mark.long
def test_a_key_is_read_from_a_pem_file_and_others_are_refused(tmp_path: Path) -> None:
    good, odd = tmp_path / "good.pem", tmp_path / "odd.pem"
    for path, key in ((good, KEYS["ES256"]), (odd, dsa.generate_private_key(2048))):
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert thumbprint(open_key(str(good))) == thumbprint(KEYS["ES256"])
    with pytest.raises(ValueError, match="P-256"):
        open_key(odd)


def test_a_token_serves_many_requests_and_is_renewed_before_it_ends() -> None:
    service = PretendedService(expires_in=300)

    async def story() -> None:
        async with service.client() as api:
            for _ in range(3):
                await api.events.since()
            assert len(service.forms) == 1
            service.clock += 280
            await api.events.since()
            assert len(service.forms) == 2

    asyncio.run(story())


def test_many_requests_at_once_ask_for_one_token() -> None:
    service = PretendedService()

    async def story() -> None:
        async with service.client() as api:
            await asyncio.gather(*(api.events.since() for _ in range(10)))

    asyncio.run(story())
    assert len(service.forms) == 1


def test_a_token_that_is_refused_is_followed_by_one_new_token_and_no_more() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(401, json=service.problem(401, "wrong_credentials")), service.page()]

    async def story() -> None:
        async with service.client() as api:
            await api.events.since()
            assert len(service.forms) == 2
            service.answers = [httpx.Response(401, json=service.problem(401, "wrong_credentials"))] * 5
            with pytest.raises(Exception, match="wrong_credentials"):
                await api.events.since()
            assert len(service.forms) == 3 and len(service.answers) == 3

    asyncio.run(story())


def test_who_is_not_registered_is_told_so_in_words_of_oauth_and_does_not_try_again() -> None:
    service = PretendedService()
    service.token_answers = [httpx.Response(401, json={"error": "invalid_client", "error_description": "No."})]

    async def story() -> None:
        async with service.client() as api:
            with pytest.raises(AccessRefused) as refused:
                await api.events.since()
            assert (refused.value.code, refused.value.status) == ("invalid_client", 401)

    asyncio.run(story())
    assert service.slept == []


@pytest.mark.long
def test_the_client_loads_nothing_of_the_service() -> None:
    code = (
        "import sys, certsvc.client;"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'litestar', 'asyncpg', 'pyhanko', 'typst', 'pikepdf', 'granian', 'structlog', 'jsonschema_rs'}),"
        " sorted(m for m in sys.modules if m.startswith('certsvc.') and not m.startswith('certsvc.client')))"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[] []"


def test_a_client_needs_no_network_until_it_is_asked() -> None:
    Client("http://127.0.0.1:1", "c-aaaaaaaaaaaaaaaaaaaa", key=KEYS["ES256"])
