"""ID tokens, each wrong in one way: none of them says who somebody is. And an HTTP service that does not behave."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openid_provider import CLIENT_ID, ISSUER, SUBJECT, SigningKey, good_claims, packed, unsigned, with_shared_secret

from certsvc.access.fetching import MOST, Fetcher
from certsvc.access.jwks import jwks_of
from certsvc.access.openid_token import Expected, NotStrong, UnknownKey, read_keys, subject_of
from certsvc.access.strict import Flaw
from certsvc.errors import ProviderUnavailable

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
NONCE = "n" * 43
KEY, OTHER = SigningKey(), SigningKey()
RSA = rsa.generate_private_key(65537, 2048)
RSA_JWK: dict[str, Any] = json.loads(jwks_of(RSA.public_key()))["keys"][0]
RSA_JWK.pop("alg")
KEYS = read_keys(json.dumps({"keys": [KEY.jwk, RSA_JWK]}).encode(), NOW)
EXPECTED = Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce=NONCE)
PEM = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
GOOD = good_claims(ISSUER, NONCE, now=NOW)


def said(**changed: Any) -> str:
    """A good token that says something else; what is None is not said."""
    claims = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return KEY.sign(claims)


def later(**shift: float) -> int:
    return int((NOW + timedelta(**shift)).timestamp())


def spoilt() -> str:
    head, _, signature = said().split(".")
    return f"{head}.{packed(json.dumps(GOOD | {'sub': 'another'}).encode())}.{signature}"


def twice() -> str:
    """A member twice: one reader sees the one, another the other."""
    text = json.dumps(GOOD)[:-1] + ', "sub": "another"}'
    token = jwt.PyJWS().encode(text.encode(), KEY.private, "ES256", {"kid": KEY.jwk["kid"]})
    assert token.split(".")[1] == packed(text.encode())
    return token


TOKENS: dict[str, Callable[[], str]] = {
    "wrong_nonce": lambda: said(nonce="m" * 43),
    "no_nonce": lambda: said(nonce=None),
    "nonce_that_is_no_text": lambda: said(nonce=[NONCE]),
    "nonce_of_half_a_character": lambda: said(nonce="\ud800"),
    "audience_of_half_a_character": lambda: said(aud="\ud800"),
    "subject_of_half_a_character": lambda: said(sub="\ud800"),
    "alg_none": lambda: unsigned(GOOD, KEY.jwk["kid"]),
    "hs256_with_the_public_key": lambda: with_shared_secret(GOOD, KEY.jwk["kid"], PEM),
    "hs256_with_the_jwk": lambda: with_shared_secret(GOOD, KEY.jwk["kid"], json.dumps(KEY.jwk).encode()),
    "another_key_under_this_kid": lambda: OTHER.sign(GOOD, kid=KEY.jwk["kid"]),
    "unknown_kid": lambda: OTHER.sign(GOOD),
    "no_kid_among_several": lambda: jwt.encode(GOOD, KEY.private, "ES256"),
    "key_that_the_token_brings": lambda: OTHER.sign(GOOD, kid=KEY.jwk["kid"], jwk=OTHER.jwk),
    "key_from_an_address": lambda: KEY.sign(GOOD, jku="https://evil.example/keys"),
    "critical_header": lambda: KEY.sign(GOOD, crit=["exp"]),
    "another_type": lambda: KEY.sign(GOOD, typ="at+jwt"),
    "rs256_under_the_elliptic_key": lambda: jwt.encode(GOOD, RSA, "RS256", {"kid": KEY.jwk["kid"]}),
    "rs512": lambda: jwt.encode(GOOD, RSA, "RS512", {"kid": RSA_JWK["kid"]}),
    "changed_after_signing": spoilt,
    "member_twice": twice,
    "other_issuer": lambda: said(iss="https://id.example/town"),
    "issuer_with_a_slash": lambda: said(iss=ISSUER + "/"),
    "other_audience": lambda: said(aud="another client"),
    "a_second_audience": lambda: said(aud=[CLIENT_ID, "another client"], azp=CLIENT_ID),
    "no_audience": lambda: said(aud=None),
    "other_azp": lambda: said(azp="another client"),
    "expired": lambda: said(exp=later(seconds=-31)),
    "never_expires": lambda: said(exp=None),
    "expiry_that_is_no_time": lambda: said(exp=1e300),
    "made_in_the_future": lambda: said(iat=later(seconds=31)),
    "made_long_ago": lambda: said(iat=later(minutes=-11)),
    "not_yet_good": lambda: said(nbf=later(seconds=31)),
    "no_subject": lambda: said(sub=None),
    "empty_subject": lambda: said(sub=""),
    "subject_of_many": lambda: said(sub=["a", "b"]),
    "longest_and_one_more": lambda: said(sub="s" * 256),
    "too_large": lambda: said(padding="x" * 16_384),
    "no_token": lambda: "eyJhbGciOiJFUzI1NiJ9",
}


@pytest.mark.parametrize("flaw", TOKENS)
def test_a_token_with_a_flaw_says_nothing(flaw: str) -> None:
    with pytest.raises(Flaw):
        subject_of(TOKENS[flaw](), KEYS, EXPECTED, NOW)


def test_good_tokens_say_who_it_is() -> None:
    for token in (
        said(),
        said(aud=[CLIENT_ID], azp=CLIENT_ID, extra={"a": 1}),
        said(exp=later(seconds=-29), iat=later(seconds=29)),
        jwt.encode(GOOD, RSA, "RS256", {"kid": RSA_JWK["kid"]}),
    ):
        assert subject_of(token, KEYS, EXPECTED, NOW) == SUBJECT
    assert subject_of(jwt.encode(GOOD, KEY.private, "ES256"), KEYS[:1], EXPECTED, NOW) == SUBJECT, (
        "there is one key, and it is meant"
    )
    with pytest.raises(UnknownKey):
        subject_of(OTHER.sign(GOOD), KEYS, EXPECTED, NOW)


def test_a_strong_way_is_asked_for_where_a_place_wants_one() -> None:
    strong = Expected(issuer=ISSUER, client_id=CLIENT_ID, nonce=NONCE, strong=("mfa", "level-3"))
    assert subject_of(said(amr=["pwd", "mfa"]), KEYS, strong, NOW) == SUBJECT
    assert subject_of(said(acr="level-3"), KEYS, strong, NOW) == SUBJECT
    for token in (said(), said(amr="mfa"), said(amr=["pwd"], acr="level-2"), said(amr=[["mfa"]])):
        with pytest.raises(NotStrong):
            subject_of(token, KEYS, strong, NOW)


@pytest.mark.parametrize(
    "keys",
    [b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}]}', b"\xff", b'{"keys": 1}'],
    ids=["list", "nothing", "none", "shared_key", "no_text", "number"],
)
def test_keys_that_are_of_no_use_are_refused(keys: bytes) -> None:
    with pytest.raises(Flaw):
        read_keys(keys, NOW)


def test_too_many_keys_are_refused() -> None:
    with pytest.raises(Flaw):
        read_keys(json.dumps({"keys": [KEY.jwk] * 51}).encode(), NOW)


@contextmanager
def behaving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A service on loopback that behaves so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Nothing is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/x"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(bytes(MOST + 2))


def _elsewhere(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:1/")
    handler.end_headers()


@pytest.mark.long
def test_an_answer_is_small_and_leads_nowhere_else() -> None:
    with behaving(_endless) as address, pytest.raises(ProviderUnavailable):
        asyncio.run(Fetcher().fetch(address, {}))
    with behaving(_elsewhere) as address:
        assert asyncio.run(Fetcher().fetch(address, {})).status == 302, "it is not followed"
    with pytest.raises(ProviderUnavailable):
        asyncio.run(Fetcher().fetch("http://127.0.0.1:1/", {}))


@pytest.mark.long
def test_who_does_not_answer_keeps_few_waiting() -> None:
    silent = threading.Event()

    async def story(address: str) -> None:
        fetcher = Fetcher(seconds=0.2, at_once=1)
        first = asyncio.ensure_future(fetcher.fetch(address, {}))
        await asyncio.sleep(0)
        with pytest.raises(ProviderUnavailable):
            await fetcher.fetch(address, {})
        with pytest.raises(ProviderUnavailable):
            await first
        silent.set()

    def wait(_: BaseHTTPRequestHandler) -> None:
        silent.wait(10)

    with behaving(wait) as address:
        asyncio.run(story(address))
