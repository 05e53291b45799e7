"""A client's public keys at the door: what is taken, what is refused and said, and that nothing else can happen."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from signing import as_json, b64, jwk, jwks, private_keys

from certsvc.access.jwks import algorithms, jwks_of, parse_jwks, public_key
from certsvc.access.strict import Flaw, read_base64url, read_object, write_base64url
from certsvc.errors import InvalidInput

NOW = datetime(2026, 11, 26, tzinfo=UTC)

RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
"""The example of RFC 7638 section 3.1."""


def wrong(data: bytes) -> str:
    """What is said to be wrong."""
    with pytest.raises(InvalidInput) as refused:
        parse_jwks(data, NOW)
    return refused.value.en


def test_the_thumbprint_is_that_of_the_standards_example() -> None:
    (key,) = parse_jwks(jwks(RFC_7638), NOW)
    assert write_base64url(key.thumbprint) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert algorithms(key.jwk) == ("RS256",)


@pytest.mark.parametrize(
    ("kid", "allowed"),
    [("ec", ("ES256",)), ("ec384", ("ES384",)), ("rsa", ("PS256", "RS256")), ("ed", ("EdDSA",))],
)
def test_the_algorithm_follows_from_the_key(kid: str, allowed: tuple[str, ...]) -> None:
    (key,) = parse_jwks(jwks(jwk(kid)), NOW)
    assert algorithms(key.jwk) == allowed
    assert public_key(key.jwk) == private_keys()[kid].public_key()
    assert (key.kid, key.not_before, key.not_after) == (kid, NOW, None)


def test_only_what_makes_the_key_is_kept() -> None:
    (key,) = parse_jwks(
        jwks(jwk("ec", use="sig", key_ops=["verify"], x5u="https://thief.example", note="n" * 500)), NOW
    )
    assert json.loads(key.jwk).keys() == {"kty", "crv", "x", "y", "kid"}


def test_what_we_write_for_a_key_we_read() -> None:
    for kid in ("ec", "ec384", "rsa", "ed"):
        public = private_keys()[kid].public_key()
        (key,) = parse_jwks(jwks_of(public).encode(), NOW)
        assert key.kid == write_base64url(key.thumbprint)
        assert public_key(key.jwk) == public


def test_five_keys_are_taken_and_six_are_not() -> None:
    six = [jwk(kid) for kid in ("ec", "ec384", "rsa", "ed", "ended", "coming")]
    assert len(parse_jwks(jwks(*six[:5]), NOW)) == 5
    assert "1 to 5" in wrong(jwks(*six))


SHORT = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
ODD_EXPONENT = rsa.generate_private_key(3, 2048).public_key().public_numbers().n


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON object"),
        (b"\xff\xfe", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"keys": []}', "1 to 5"),
        (b'{"keys": {}}', "1 to 5"),
        (b'{"kty": "EC"}', "1 to 5"),
        (as_json(jwk("ec")), "1 to 5"),
        (b'{"keys": [], "keys": []}', "member twice"),
        (b'{"keys": [' + b"[" * 8000 + b"]" * 8000 + b"]}", "no JSON object"),
        (b'{"keys": [1]}', "Key 1 of the JWK Set is a JSON object"),
        (jwks(jwk("ec"), jwk("ec384", kid="ec")), "a kid or a key twice"),
        (jwks(jwk("ec"), jwk("ec", kid="again")), "a kid or a key twice"),
        (b" " * (16 * 1024 + 1), "over 16384 bytes"),
        *((jwks(jwk("ec", **{member: "AA"})), "private or a shared key") for member in ("d", "k", "p", "oth")),
        (jwks(jwk("ec", d=None)), "private or a shared key"),
        (jwks({"kty": "oct", "kid": "x"}), "private or a shared key"),
        (jwks(jwk("ec", kid=None)), "has a kid"),
        (jwks(jwk("ec", kid="")), "has a kid"),
        (jwks(jwk("ec", kid="a b")), "has a kid"),
        (jwks(jwk("ec", kid="钥")), "has a kid"),
        (jwks(jwk("ec", kid="k" * 201)), "has a kid"),
        (jwks(jwk("ec", kid=7)), "has a kid"),
        (jwks({"kid": "x"}), "is an EC"),
        (jwks(jwk("ec", kty="RSA")), "is an EC"),
        (jwks(jwk("ec", kty=["EC"])), "is an EC"),
        (jwks(jwk("ec", crv="secp256k1")), "is an EC"),
        (jwks(jwk("koblitz", crv="secp256k1")), "is an EC"),
        (jwks(jwk("koblitz")), "is an EC"),
        (jwks(jwk("ec", crv="P-384")), "is an EC"),
        (jwks(jwk("ec", crv="P-521")), "is an EC"),
        (jwks(jwk("ec", x=b64(bytes(31) + b"\1"))), "is an EC"),
        (jwks(jwk("ec", x=str(jwk("ec")["x"]) + "=")), "is an EC"),
        (jwks(jwk("ec", x=b64(b"\0" + read_base64url(str(jwk("ec")["x"]))))), "is an EC"),
        (jwks(jwk("ec", y=None)), "is an EC"),
        (jwks(jwk("ec", x=b64(bytes(32)), y=b64(bytes(32)))), "is an EC"),
        (jwks(jwk("rsa", n=b64(SHORT.to_bytes(128, "big")))), "is an EC"),
        (jwks(jwk("rsa", n=b64(b"\1" + bytes(511) + b"\1"))), "is an EC"),
        (jwks(jwk("rsa", n=b64(b"\xff" * 255 + b"\xfe"))), "is an EC"),
        (jwks(jwk("rsa", n=b64(b"\0" + read_base64url(str(jwk("rsa")["n"]))))), "is an EC"),
        (jwks(jwk("rsa", n=b64(ODD_EXPONENT.to_bytes(256, "big")), e="Aw")), "is an EC"),
        (jwks(jwk("ed", crv="X25519")), "is an EC"),
        (jwks(jwk("ed", x=b64(bytes(31)))), "is an EC"),
        (jwks(jwk("ec", use="enc")), "use sig"),
        (jwks(jwk("ec", alg="ES384")), "alg ES256"),
        (jwks(jwk("rsa", alg="HS256")), "alg PS256 or RS256"),
        (jwks(jwk("ec", alg="none")), "alg ES256"),
        (jwks(jwk("ec", alg=["ES256"])), "alg ES256"),
        (jwks(jwk("ec", key_ops=["sign"])), "key_ops verify"),
        (jwks(jwk("ec", key_ops=["verify", "sign"])), "key_ops verify"),
    ],
    ids=lambda value: value if isinstance(value, str) else "set",
)
def test_what_is_no_set_of_public_keys_is_refused_with_a_reason(data: bytes, words: str) -> None:
    assert words in wrong(data)


def test_a_private_key_is_refused_without_being_shown() -> None:
    said = wrong(jwks(jwk("ec", d="c2VjcmV0LXNlY3JldA")))
    assert "c2VjcmV0" not in said


# ---- nothing else can happen ----

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d", "zzz"])


@given(st.binary(max_size=300))
def test_any_bytes_are_keys_or_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_jwks(data, NOW)


@pytest.mark.long
@given(st.sampled_from(["ec", "ec384", "rsa", "ed"]), st.dictionaries(MEMBERS, VALUES, min_size=1, max_size=3))
def test_any_change_to_a_good_key_gives_a_key_that_can_be_used_or_is_refused(kid: str, changes: Any) -> None:
    try:
        keys = parse_jwks(json.dumps({"keys": [{**jwk(kid), **changes}]}).encode(), NOW)
    except InvalidInput:
        return
    for key in keys:
        assert algorithms(key.jwk) and public_key(key.jwk)
        assert set(json.loads(key.jwk)) <= {"kty", "crv", "x", "y", "n", "e", "kid", "alg"}


@given(st.binary(min_size=1, max_size=80))
def test_bytes_are_written_in_one_way(data: bytes) -> None:
    assert read_base64url(write_base64url(data)) == data


@given(st.text(alphabet="ABCxyz019-_+/= \n", min_size=1, max_size=12))
def test_what_is_read_is_what_would_be_written(text: str) -> None:
    try:
        data = read_base64url(text)
    except Flaw:
        return
    assert write_base64url(data) == text
    assert base64.urlsafe_b64decode(text + "==") == data


@given(st.binary(max_size=120) | st.text(max_size=120).map(str.encode))
def test_any_bytes_are_an_object_or_a_flaw(data: bytes) -> None:
    try:
        value = read_object(data)
    except Flaw:
        return
    assert read_object(json.dumps(value).encode()) == value


@pytest.mark.long
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4).filter(lambda value: "nan" not in repr(value)))
def test_a_member_that_is_there_twice_is_a_flaw_wherever_it_is(value: dict[str, Any]) -> None:
    text = json.dumps({"outer": [value | {"twice": 1}]}, allow_nan=True)
    doubled = text.replace('"twice": 1', '"twice": 1, "twice": 1')
    with pytest.raises(Flaw):
        read_object(doubled.encode())
