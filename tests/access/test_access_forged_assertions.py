"""Forged assertions, named after the flaw: each refused for its own reason, and all answered alike."""

import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from office_door import Door
from signing import (
    ISSUER,
    TOKEN_URL,
    World,
    as_json,
    b64,
    compact,
    hmac_signer,
    jwk,
    make_world,
    private_keys,
    public_pem,
    signer,
)

from certsvc.access.strict import read_base64url

Forge = Callable[[World], str]
ES256 = signer("ec", "ES256")
ANOTHER_ALGORITHM = "algorithm is not the key's"
NO_ID = "no client id"
HEADER = {"alg": "ES256", "kid": "ec", "typ": "JWT"}


def raw(world: World, header: str | None = None, claims: str | None = None) -> str:
    """Signed by the right key, over JSON spelled out by hand."""
    return compact((header or json.dumps(HEADER)).encode(), (claims or json.dumps(world.claims())).encode(), ES256)


def der(data: bytes) -> bytes:
    """A signature in DER, as X.509 has them."""
    key = private_keys()["ec"]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def another_spelling(text: str) -> str:
    """The same bytes for a lenient reader: a bit that says nothing is set in the last character of the signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def unsigned(world: World, algorithm: str, signature: str) -> str:
    """Nobody's signature."""
    head, claims = as_json({**HEADER, "alg": algorithm}), as_json(world.claims())
    return f"{b64(head)}.{b64(claims)}.{signature}"


def of_the_thief(data: bytes) -> bytes:
    """A good signature, by a key that nobody registered."""
    return signer("thief", "ES256")(data)


def payload_exchanged(world: World) -> str:
    """The signature of one assertion under the claims of another."""
    one, other = world.assertion().split("."), world.assertion().split(".")
    return ".".join((one[0], other[1], one[2]))


FORGED: dict[str, tuple[str, Forge]] = {
    # algorithms
    "no algorithm": ("alg", lambda w: w.assertion(header={"alg": ...})),
    "none, without a signature": ("form", lambda w: unsigned(w, "none", "")),
    "none, with a signature": (ANOTHER_ALGORITHM, lambda w: unsigned(w, "none", "AAAA")),
    "nOnE": (ANOTHER_ALGORITHM, lambda w: unsigned(w, "nOnE", "AAAA")),
    "HS256 with the public key in PEM": (
        ANOTHER_ALGORITHM,
        lambda w: w.assertion("rsa", "HS256", by=hmac_signer(public_pem("rsa"))),
    ),
    "HS256 with the public key as JWK": (
        ANOTHER_ALGORITHM,
        lambda w: w.assertion("ec", "HS256", by=hmac_signer(as_json(jwk("ec")))),
    ),
    "HS256 without a secret": (ANOTHER_ALGORITHM, lambda w: w.assertion("ec", "HS256", by=hmac_signer(b""))),
    "RS256 by a key for PS256 only": (ANOTHER_ALGORITHM, lambda w: w.assertion("ps", "RS256")),
    "ES384 by a key on P-256": (ANOTHER_ALGORITHM, lambda w: w.assertion("ec", "ES384")),
    "ES256 by a key on P-384": (ANOTHER_ALGORITHM, lambda w: w.assertion("ec384", "ES256")),
    "ES256 said, RSA meant": (ANOTHER_ALGORITHM, lambda w: w.assertion("rsa", "ES256", by=signer("rsa", "RS256"))),
    "RS512": (ANOTHER_ALGORITHM, lambda w: w.assertion("rsa", "RS512")),
    "an algorithm that is a list": ("alg", lambda w: w.assertion(header={"alg": ["ES256"]})),
    # signatures
    "r and s are zero": ("signature", lambda w: w.assertion(by=lambda _: bytes(64))),
    "a signature in DER": ("signature", lambda w: w.assertion(by=der)),
    "a signature cut short": ("signature", lambda w: w.assertion(by=lambda data: ES256(data)[:63])),
    "a signature with more behind it": ("signature", lambda w: w.assertion(by=lambda data: ES256(data) + b"\0")),
    "the signature of other claims": ("signature", payload_exchanged),
    "by a thief under our kid": ("signature", lambda w: w.assertion(by=of_the_thief)),
    "PS256 said, PKCS #1 signed": ("signature", lambda w: w.assertion("ps", "PS256", by=signer("ps", "RS256"))),
    # keys
    "a key that ended": ("key not in its term", lambda w: w.assertion("ended")),
    "a key that is not yet": ("key not in its term", lambda w: w.assertion("coming")),
    "another client's key": ("unknown key", lambda w: w.assertion("theirs")),
    "another client's key under our kid": ("signature", lambda w: w.assertion(by=signer("theirs", "ES256"))),
    "no kid": ("kid", lambda w: w.assertion(header={"kid": ...})),
    "a kid that is a path": ("unknown key", lambda w: w.assertion(header={"kid": "../../../../dev/null"})),
    "a kid that is SQL": ("kid", lambda w: w.assertion(header={"kid": "x' union select '' --"})),
    "a kid with NUL": ("kid", lambda w: w.assertion(header={"kid": "ec\0"})),
    "a kid that is half a character": ("kid", lambda w: w.assertion(header={"kid": "\ud800"})),
    "a kid that is a number": ("kid", lambda w: w.assertion(header={"kid": 0})),
    "a kid that is a list": ("kid", lambda w: w.assertion(header={"kid": ["ec"]})),
    # header members that bring something of their own
    "crit": ("crit", lambda w: w.assertion(header={"crit": ["exp"], "exp": 1})),
    "crit that is empty": ("crit", lambda w: w.assertion(header={"crit": []})),
    "zip": (
        "UnicodeDecodeError",
        lambda w: compact(as_json({**HEADER, "zip": "DEF"}), zlib.compress(as_json(w.claims())), ES256),
    ),
    "zip that says nothing": ("zip", lambda w: w.assertion(header={"zip": None})),
    "b64": ("b64", lambda w: w.assertion(header={"b64": True})),
    "a key in the header": ("jwk", lambda w: w.assertion(by=of_the_thief, header={"jwk": jwk("thief")})),
    "a key from elsewhere": ("jku", lambda w: w.assertion(by=of_the_thief, header={"jku": "https://thief.example"})),
    "a certificate from elsewhere": ("x5u", lambda w: w.assertion(header={"x5u": "https://thief.example"})),
    "a certificate in the header": ("x5c", lambda w: w.assertion(header={"x5c": ["MIIB"]})),
    "an encrypted one": ("enc", lambda w: w.assertion(header={"enc": "A128GCM"})),
    "meant as an access token": ("typ", lambda w: w.assertion(header={"typ": "at+jwt"})),
    "a typ that is a number": ("typ", lambda w: w.assertion(header={"typ": 1})),
    "a typ that is null": ("typ", lambda w: w.assertion(header={"typ": None})),
    # who
    "an unknown client": (
        "unknown client",
        lambda w: w.assertion(iss="c-aaaaaaaaaaaaaaaaaaaa", sub="c-aaaaaaaaaaaaaaaaaaaa"),
    ),
    "a client that was cut off": ("client cut off", lambda w: w.assertion("cut", iss=w.cut, sub=w.cut)),
    "another client": ("unknown key", lambda w: w.assertion(iss=w.them, sub=w.them)),
    "issued by us about another": ("issuer is not subject", lambda w: w.assertion(sub=w.them)),
    "issued by another about us": ("issuer is not subject", lambda w: w.assertion(iss=w.them)),
    "no issuer": ("issuer is not subject", lambda w: w.assertion(iss=...)),
    "no subject": ("issuer is not subject", lambda w: w.assertion(sub=...)),
    "neither issuer nor subject": ("issuer is not subject", lambda w: w.assertion(iss=..., sub=...)),
    "a subject that is a list": ("issuer is not subject", lambda w: w.assertion(iss=[w.us], sub=[w.us])),
    "a subject that is SQL": (NO_ID, lambda w: w.assertion(iss="' or true --", sub="' or true --")),
    "a subject with a blank behind it": (NO_ID, lambda w: w.assertion(iss=f"{w.us}\n", sub=f"{w.us}\n")),
    # for whom
    "for another service": ("audience", lambda w: w.assertion(aud="https://other.example/oauth/token")),
    "for us and another service": ("audience", lambda w: w.assertion(aud=[TOKEN_URL, "https://other.example"])),
    "for us twice": ("audience", lambda w: w.assertion(aud=[TOKEN_URL, ISSUER])),
    "for nobody": ("audience", lambda w: w.assertion(aud=[])),
    "without an audience": ("audience", lambda w: w.assertion(aud=...)),
    "for a part of our address": ("audience", lambda w: w.assertion(aud=ISSUER[:-1])),
    "for our address and more": ("audience", lambda w: w.assertion(aud=f"{ISSUER}.thief.example")),
    "for us with a slash": ("audience", lambda w: w.assertion(aud=f"{ISSUER}/")),
    "for a list in a list": ("audience", lambda w: w.assertion(aud=[[TOKEN_URL]])),
    # when
    "expired": ("expired", lambda w: w.assertion(exp=w.seconds - 1)),
    "expires a day ahead": ("lives too long", lambda w: w.assertion(exp=w.seconds + 86400)),
    "never expires": ("never expires", lambda w: w.assertion(exp=...)),
    "expires by a text": ("exp", lambda w: w.assertion(exp=str(w.seconds + 60))),
    "expires by a truth": ("exp", lambda w: w.assertion(exp=True)),
    "expires at the end of time": ("exp", lambda w: w.assertion(exp=2**63)),
    "expires before the epoch": ("exp", lambda w: w.assertion(exp=-1)),
    "expires at no number": ("NaN", lambda w: w.assertion(exp=float("nan"))),
    "expires at infinity": (
        "exp",
        lambda w: raw(w, claims=json.dumps(w.claims(exp=0)).replace('"exp": 0', '"exp": 1e999')),
    ),
    "issued in the future": ("of the future", lambda w: w.assertion(iat=w.seconds + 90)),
    "not to be used yet": ("of the future", lambda w: w.assertion(nbf=w.seconds + 90)),
    "issued by a text": ("iat", lambda w: w.assertion(iat="now")),
    # once
    "no jti": ("jti", lambda w: w.assertion(jti=...)),
    "a jti of seven": ("jti", lambda w: w.assertion(jti="1234567")),
    "a jti of 129": ("jti", lambda w: w.assertion(jti="j" * 129)),
    "a huge jti": ("form", lambda w: w.assertion(jti="j" * 100_00)),
    "a jti that is a number": ("jti", lambda w: w.assertion(jti=12345678)),
    "a jti with blanks": ("jti", lambda w: w.assertion(jti="1234 5678")),
    "a jti in another script": ("jti", lambda w: w.assertion(jti="一二三四五六七八")),
    # members twice
    "the algorithm twice": ("member twice", lambda w: raw(w, header='{"alg":"none","alg":"ES256","kid":"ec"}')),
    "the subject twice": (
        "member twice",
        lambda w: raw(w, claims=json.dumps(w.claims()).replace("{", f'{{"sub": "{w.them}", ', 1)),
    ),
    "the subject twice, once escaped": (
        "member twice",
        lambda w: raw(w, claims=json.dumps(w.claims()).replace("{", f'{{"s\\u0075b": "{w.them}", ', 1)),
    ),
    "a member twice deep inside": (
        "member twice",
        lambda w: raw(w, claims=json.dumps(w.claims()).replace("{", '{"x": [{"y": 1, "y": 2}], ', 1)),
    ),
    # form
    "empty": ("invalid_client", lambda w: ""),
    "4,097 characters": ("form", lambda w: w.assertion(x="x" * (4097 * 3 // 4))),
    "two parts": ("form", lambda w: w.assertion().rpartition(".")[0]),
    "four parts": ("form", lambda w: w.assertion() + ".AAAA"),
    "without a header": ("form", lambda w: "." + w.assertion().partition(".")[2]),
    "with padding": ("form", lambda w: w.assertion() + "=="),
    "with a blank before it": ("form", lambda w: " " + w.assertion()),
    "with a line's end behind it": ("form", lambda w: w.assertion() + "\n"),
    "with a line's end inside": ("form", lambda w: w.assertion().replace(".", ".\n", 1)),
    "in plain Base64": ("form", lambda w: w.assertion(by=lambda d: ES256(d)) + "+/"),
    "not in ASCII": ("form", lambda w: w.assertion() + "ｅ"),
    "the signature in another spelling": ("spare bits", lambda w: another_spelling(w.assertion())),
    "the header is no JSON": ("JSONDecodeError", lambda w: compact(b"ES256", as_json(w.claims()), ES256)),
    "the header is a list": ("no object", lambda w: compact(as_json([HEADER]), as_json(w.claims()), ES256)),
    "the claims are a list": ("no object", lambda w: compact(as_json(HEADER), as_json([w.claims()]), ES256)),
    "the claims are in UTF-16": (
        "UnicodeDecodeError",
        lambda w: compact(as_json(HEADER), json.dumps(w.claims()).encode("utf-16"), ES256),
    ),
    "the claims have a byte order mark": (
        "JSONDecodeError",
        lambda w: compact(as_json(HEADER), b"\xef\xbb\xbf" + as_json(w.claims()), ES256),
    ),
    "the claims go a thousand deep": (
        "RecursionError",
        lambda w: compact(as_json(HEADER), b'{"x":' + b"[" * 1400 + b"]" * 1400 + b"}", ES256),
    ),
    "the claims hold no number": (
        "NaN",
        lambda w: raw(w, claims=json.dumps(w.claims()).replace("{", '{"x": NaN, ', 1)),
    ),
    "a number of a thousand digits": (
        "exp",
        lambda w: raw(w, claims=json.dumps(w.claims(exp=0)).replace('"exp": 0', f'"exp": {"9" * 1000}')),
    ),
}


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def door(world: World) -> Door:
    return Door(world)


@pytest.fixture(scope="module")
def refused(door: Door, world: World) -> Any:
    """The answer to an assertion of a client that does not exist."""
    return door.ask(world.assertion(iss="c-bbbbbbbbbbbbbbbbbbbb", sub="c-bbbbbbbbbbbbbbbbbbbb"))


def headers(answer: Any) -> dict[str, str]:
    return dict(answer.headers)


@pytest.mark.parametrize("flaw", FORGED)
def test_a_forged_assertion_is_refused_for_its_flaw_and_answered_as_all_others(
    door: Door, world: World, refused: Any, flaw: str
) -> None:
    reason, forge = FORGED[flaw]
    used = len(world.shelf.used)
    answer = door.ask(forge(world))
    assert answer.status_code == 401
    if flaw != "empty":  # then the parameter is left out
        assert (answer.content, headers(answer)) == (refused.content, headers(refused))
    assert answer.json()["error"] == "invalid_client"
    assert door.reasons[-1] == reason
    assert len(world.shelf.used) == used


def test_there_are_enough_flaws() -> None:
    assert len(FORGED) > 80


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [("ec", "ES256"), ("ec384", "ES384"), ("rsa", "RS256"), ("rsa", "PS256"), ("ps", "PS256"), ("ed", "EdDSA")],
)
def test_a_good_assertion_of_every_algorithm_gets_a_token(door: Door, world: World, kid: str, algorithm: str) -> None:
    assert door.ask(world.assertion(kid, algorithm)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ISSUER},
        {"aud": [TOKEN_URL]},
        {"iat": ...},
        {"exp_ahead": 299},
        {"exp_ahead": 329},
        {"iat_ahead": 25},
        {"nbf_ahead": 25},
        {"exp_ahead": 60.5},
        {"jti": "j" * 8},
        {"jti": "~" * 128},
        {"more": {"of": ["ours", None, True]}},
    ],
    ids=str,
)
def test_what_is_allowed_is_taken(door: Door, world: World, changes: dict[str, Any]) -> None:
    at = {name.removesuffix("_ahead"): world.seconds + ahead for name, ahead in changes.items() if "_ahead" in name}
    plain = {name: value for name, value in changes.items() if "_ahead" not in name}
    assert door.ask(world.assertion(**plain, **at)).status_code == 200


@pytest.mark.parametrize("kind", [..., "JWT", "jwt", "client-authentication+jwt"], ids=str)
def test_the_kinds_of_an_assertion_are_taken(door: Door, world: World, kind: object) -> None:
    assert door.ask(world.assertion(header={"typ": kind})).status_code == 200


def test_an_assertion_used_before_is_refused_like_all_others(door: Door, world: World, refused: Any) -> None:
    assertion = world.assertion()
    assert door.ask(assertion).status_code == 200
    again = door.ask(assertion)
    assert (again.status_code, again.content, headers(again)) == (401, refused.content, headers(refused))
    assert door.reasons[-1] == "used before"


def test_a_jti_used_before_is_refused_in_another_assertion(door: Door, world: World) -> None:
    assert door.ask(world.assertion(jti="once-and-again")).status_code == 200
    assert door.ask(world.assertion("rsa", "PS256", jti="once-and-again")).status_code == 401
    assert door.reasons[-1] == "used before"


def test_two_clients_may_have_one_jti(door: Door, world: World) -> None:
    assert door.ask(world.assertion(jti="of-everyone")).status_code == 200
    assert door.ask(world.assertion("theirs", iss=world.them, sub=world.them, jti="of-everyone")).status_code == 200


def test_an_access_token_is_no_assertion(door: Door, world: World) -> None:
    token = door.ask(world.assertion()).json()["access_token"]
    assert door.ask(token).status_code == 401


def test_a_client_id_beside_it_must_be_the_same(door: Door, world: World, refused: Any) -> None:
    assert door.ask(world.assertion(), client_id=world.us).status_code == 200
    other = door.ask(world.assertion(), client_id=world.them)
    assert (other.status_code, other.content) == (401, refused.content)
    assert door.reasons[-1] == "names another client"


def test_clocks_may_be_half_a_minute_apart_and_no_more(world: World) -> None:
    later = make_world(world.now)
    door = Door(later)
    ahead = int((later.now + timedelta(seconds=45)).timestamp())
    assert door.ask(later.assertion(iat=ahead)).status_code == 401


def test_nothing_secret_and_nothing_sent_is_logged(door: Door, world: World) -> None:
    assertion = world.assertion(jti="a-jti-to-look-for")
    token = door.ask(assertion).json()["access_token"]
    door.ask(assertion)
    for text in (assertion, token, "a-jti-to-look-for", assertion.split(".")[1]):
        assert text not in door.log


def test_read_base64url_is_strict_about_spare_bits() -> None:
    with pytest.raises(ValueError):
        read_base64url("AB")
    assert read_base64url("AA") == b"\0"
