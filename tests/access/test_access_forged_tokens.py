"""Access tokens: forged ones, named after the flaw, are refused in the same words; what was cut off is out at once."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import (
    ISSUER,
    SECRET,
    World,
    as_json,
    b64,
    client_with,
    compact,
    hmac_signer,
    make_world,
    private_keys,
    signer,
)

from certsvc.access.tokens import Tokens
from certsvc.domain.client import Client, ClientState, RegisteredClient
from certsvc.errors import WrongCredentials

HEADER = {"alg": "HS256", "typ": "at+jwt"}
NO_ID = "no client id"
OURS = hmac_signer(SECRET)
OTHER_SECRET = bytes(range(1, 33))


def claims(world: World, **changes: object) -> dict[str, Any]:
    """Good claims of an access token, with changes; `...` leaves one out."""
    found = world.shelf.found[world.us]
    good = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": world.us,
        "client_id": world.us,
        "scope": "read:*:*:4419",
        "iat": world.seconds,
        "exp": world.seconds + 300,
        "jti": "x" * 22,
        "key": b64(found.keys[0].thumbprint),
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def token(
    world: World,
    header: object = None,
    sign: Callable[[bytes], bytes] = OURS,
    **changes: object,
) -> str:
    """An access token by hand; good, unless something is said otherwise."""
    return compact(as_json(header or HEADER), as_json(claims(world, **changes)), sign)


def vouched_by(world: World, kid: str) -> str:
    """The thumbprint of a key on record."""
    key = world.shelf.found[world.us].key(kid)
    assert key is not None
    return b64(key.thumbprint)


def sha384(data: bytes) -> bytes:
    return hmac.digest(SECRET, data, hashlib.sha384)


FORGED: dict[str, tuple[str, Callable[[World], str]]] = {
    "none": ("header", lambda w: token(w, {**HEADER, "alg": "none"})),
    "none, without a signature": ("form", lambda w: token(w, {**HEADER, "alg": "none"}, lambda _: b"")),
    "HS384 by our own secret": ("header", lambda w: token(w, {**HEADER, "alg": "HS384"}, sha384)),
    "ES256 by the client's key": ("header", lambda w: token(w, {**HEADER, "alg": "ES256"}, signer("ec", "ES256"))),
    "the client's key, HS256 said": ("signature", lambda w: token(w, None, signer("ec", "ES256"))),
    "another secret": ("signature", lambda w: token(w, None, hmac_signer(OTHER_SECRET))),
    "no secret": ("signature", lambda w: token(w, None, hmac_signer(b""))),
    "a signature cut short": ("signature", lambda w: token(w, None, lambda data: OURS(data)[:31])),
    "no typ": ("header", lambda w: token(w, {"alg": "HS256"})),
    "typ of another kind": ("header", lambda w: token(w, {"alg": "HS256", "typ": "JWT"})),
    "more in the header": ("header", lambda w: token(w, {**HEADER, "kid": "ec"})),
    "crit": ("header", lambda w: token(w, {**HEADER, "crit": ["exp"]})),
    "zip": ("header", lambda w: token(w, {**HEADER, "zip": "DEF"})),
    "expired": ("not of now", lambda w: token(w, exp=w.seconds - 1)),
    "never expires": ("not of now", lambda w: token(w, exp=...)),
    "issued in the future": ("not of now", lambda w: token(w, iat=w.seconds + 60)),
    "never issued": ("not of now", lambda w: token(w, iat=...)),
    "expires by a text": ("exp", lambda w: token(w, exp=str(w.seconds + 60))),
    "by another issuer": ("issuer or audience", lambda w: token(w, iss="https://other.example")),
    "for another audience": ("issuer or audience", lambda w: token(w, aud="https://other.example")),
    "for us and another": ("issuer or audience", lambda w: token(w, aud=[ISSUER, "https://other.example"])),
    "about another client": ("subject is not the client", lambda w: token(w, sub=w.them)),
    "about nobody": (NO_ID, lambda w: token(w, sub=..., client_id=...)),
    "about an unknown client": (
        "client or key cut off",
        lambda w: token(w, sub="c-aaaaaaaaaaaaaaaaaaaa", client_id="c-aaaaaaaaaaaaaaaaaaaa"),
    ),
    "about a client that was cut off": ("client or key cut off", lambda w: token(w, sub=w.cut, client_id=w.cut)),
    "vouched for by a key that ended": ("client or key cut off", lambda w: token(w, key=vouched_by(w, "ended"))),
    "vouched for by a key that is not yet": ("client or key cut off", lambda w: token(w, key=vouched_by(w, "coming"))),
    "vouched for by another client's key": (
        "client or key cut off",
        lambda w: token(w, key=b64(w.shelf.found[w.them].keys[0].thumbprint)),
    ),
    "vouched for by nobody": ("client or key cut off", lambda w: token(w, key=...)),
    "vouched for by no Base64": ("alphabet", lambda w: token(w, key="+/=")),
    "a member twice": (
        "member twice",
        lambda w: compact(as_json(HEADER), as_json(claims(w)).replace(b"{", b'{"scope":"issue:*",', 1), OURS),
    ),
    "8,193 characters": ("form", lambda w: token(w, x="x" * 6144)),
    "empty": ("form", lambda w: ""),
    "two parts": ("form", lambda w: token(w).rpartition(".")[0]),
    "four parts": ("form", lambda w: token(w) + ".AAAA"),
    "with padding": ("form", lambda w: token(w) + "="),
    "with a blank before it": ("form", lambda w: " " + token(w)),
    "with a line's end behind it": ("form", lambda w: token(w) + "\n"),
    "not in ASCII": ("form", lambda w: token(w) + "ｅ"),
    "an assertion": ("header", lambda w: w.assertion()),
}


@pytest.fixture
def world() -> World:
    return make_world()


def authenticated(world: World, text: str) -> tuple[Client, frozenset[str]]:
    """Who shows it."""
    return asyncio.run(world.access.authenticate(text, world.now))


def refusal(world: World, text: str) -> WrongCredentials:
    """How it is refused."""
    with pytest.raises(WrongCredentials) as refused:
        authenticated(world, text)
    return refused.value


def test_a_token_by_hand_is_taken_when_nothing_is_wrong_with_it(world: World) -> None:
    client, scopes = authenticated(world, token(world))
    assert client.name == "market-system" and scopes == {"read:*:*:4419"}


@pytest.mark.parametrize("flaw", FORGED)
def test_a_forged_token_is_refused_for_its_flaw_and_in_the_same_words(world: World, flaw: str) -> None:
    reason, forge = FORGED[flaw]
    error, empty = refusal(world, forge(world)), refusal(world, "x")
    assert (error.zh, error.en, error.status, error.code) == (empty.zh, empty.en, 401, "wrong_credentials")
    assert error.reason == reason


def test_a_token_lives_for_five_minutes_of_one_client(world: World) -> None:
    us = world.shelf.found[world.us]
    text = world.access.tokens.issue(us.client, us.keys[0].thumbprint, us.client.scopes, world.now)
    assert authenticated(world, text) == (us.client, us.client.scopes)
    read = world.access.tokens.read(text, world.now)
    assert read.expires_at - read.issued_at == timedelta(minutes=5)
    world.now += timedelta(minutes=5)
    assert refusal(world, text).reason == "not of now"


@pytest.mark.long
@given(st.data())
def test_no_character_of_a_token_can_be_exchanged(data: st.DataObject) -> None:
    world = make_world()
    text = token(world)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_.=+/ ").filter(lambda character: character != text[place]))
    refusal(world, text[:place] + other + text[place + 1 :])


@pytest.mark.long
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_no_text_at_all_raises_anything_but_the_refusal(text: str) -> None:
    refusal(make_world(), text)


def change(world: World, **changes: Any) -> None:
    """Change the client on record."""
    found = world.shelf.found[world.us]
    world.shelf.found[world.us] = RegisteredClient(client=replace(found.client, **changes), keys=found.keys)


def test_a_client_that_is_cut_off_is_out_at_once(world: World) -> None:
    text = token(world)
    authenticated(world, text)
    change(world, state=ClientState.CUT_OFF)
    refusal(world, text)


def test_a_token_dies_with_the_key_that_vouched_for_it_and_no_other(world: World) -> None:
    found = world.shelf.found[world.us]
    texts = {kid: token(world, key=vouched_by(world, kid)) for kid in ("ec", "ed")}
    ended = tuple(replace(key, not_after=world.now) if key.kid == "ec" else key for key in found.keys)
    world.shelf.found[world.us] = RegisteredClient(client=found.client, keys=ended)
    refusal(world, texts["ec"])
    authenticated(world, texts["ed"])


@pytest.mark.parametrize(
    ("registered", "left"),
    [
        ({"issue:food-business", "read:*"}, {"issue:food-business", "read:*:*:4419"}),
        ({"issue:*"}, {"issue:food-business"}),
        ({"read:*:*:441900"}, set()),
        ({"read:food-business:*:4419", "issue:drug-retail"}, set()),
        ({"no-action-any-more:*", "issue:*"}, {"issue:food-business"}),
    ],
    ids=lambda scopes: " ".join(sorted(scopes)) or "nothing",
)
def test_scopes_that_are_taken_away_are_gone_at_once(world: World, registered: set[str], left: set[str]) -> None:
    text = token(world, scope="issue:food-business read:*:*:4419")
    change(world, scopes=frozenset(registered))
    assert authenticated(world, text)[1] == left


def test_a_client_without_keys_is_out(world: World) -> None:
    text = token(world)
    world.shelf.found[world.us] = client_with("market-system", (), world.now, id=world.us)
    refusal(world, text)


def test_the_secret_has_its_length_and_is_not_shown() -> None:
    with pytest.raises(ValueError):
        Tokens(ISSUER, b"short")
    assert str(list(SECRET)[:4])[1:-1] not in repr(Tokens(ISSUER, SECRET)) and "secret" not in repr(
        Tokens(ISSUER, SECRET)
    )


def test_a_key_of_the_world_is_of_every_kind() -> None:
    assert len({type(key).__name__ for key in private_keys().values()}) == 3
