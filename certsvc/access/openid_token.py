"""ID tokens (OpenID Connect Core 3.1.3.7): what a provider says of who signed in, checked in full before it is read.

Everything wrong with one is refused alike; the reason is one word, for our own log.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.access.assertion import MEANING_MORE
from certsvc.access.jwks import algorithms, parse_jwks, public_key
from certsvc.access.signed import Unverified, is_signed, read_compact, read_time
from certsvc.access.strict import Flaw, read_object
from certsvc.domain.client import ClientKey
from certsvc.domain.openid import parse_subject
from certsvc.errors import InvalidInput

LONGEST = 16 * 1024
LEEWAY = timedelta(seconds=30)
OLDEST = timedelta(minutes=10)
"""A token that was made longer ago is not the answer to what was just asked."""

MOST_KEYS = 50
KINDS = ("JWT",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token has to say. `strong` are the values of `acr` or `amr` of which it must have one; none: it need
    not."""

    issuer: str
    client_id: str
    nonce: str
    strong: tuple[str, ...] = ()


class NotStrong(Flaw):
    """The token is good, but who signed in did so in a way that is not enough here."""


class UnknownKey(Flaw):
    """The key that a token names is not among those that are known."""


def read_keys(data: bytes, now: datetime) -> tuple[ClientKey, ...]:
    """The keys of a provider's JWK Set that signatures can be checked with; others, such as those for encryption, are
    passed over.

    Raises:
        Flaw: it is no JWK Set, or has too many keys, or none of use.
    """
    entries = read_object(data).get("keys")
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise Flaw("keys")
    found = [key for entry in entries if (key := _usable(entry, now)) is not None]
    if not found:
        raise Flaw("no key")
    return tuple(found)


def subject_of(text: str, keys: Sequence[ClientKey], expected: Expected, now: datetime) -> str:
    """Who signed in, by the provider's name for them.

    Raises:
        UnknownKey: the key that it names is none of `keys`: the provider may have a new one.
        NotStrong: see `Expected`.
        Flaw: anything else is wrong.
    """
    token = read_compact(text, LONGEST)
    _require_signed(token, keys)
    claims = token.claims
    if claims.get("iss") != expected.issuer:
        raise Flaw("issuer")
    _require_audience(claims, expected.client_id)
    _require_times(claims, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode()):
        raise Flaw("nonce")
    if expected.strong and not {*expected.strong} & _ways(claims):
        raise NotStrong("acr")
    try:
        return parse_subject(str(claims.get("sub", "")) if isinstance(claims.get("sub"), str) else "")
    except InvalidInput:
        raise Flaw("subject") from None


def _usable(entry: object, now: datetime) -> ClientKey | None:
    try:
        (key,) = parse_jwks(json.dumps({"keys": [entry]}).encode(), now)
    except InvalidInput:
        return None
    return key


def _require_signed(token: Unverified, keys: Sequence[ClientKey]) -> None:
    """By a key of the provider, and by an algorithm that this very key is for: the token has no say in either."""
    header = token.header
    if any(member in header for member in MEANING_MORE):
        raise Flaw("header")
    if str(header.get("typ", "JWT")).upper() not in KINDS:
        raise Flaw("typ")
    algorithm, kid = header.get("alg"), header.get("kid")
    named = [key for key in keys if key.kid == kid] if kid is not None else list(keys)[:2]
    if not named:
        raise UnknownKey("kid")
    if len(named) > 1:
        raise Flaw("no kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms(named[0].jwk):
        raise Flaw("algorithm")
    if not is_signed(token, public_key(named[0].jwk), algorithm):
        raise Flaw("signature")


def _require_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """For us alone: whoever else it is for could show it here."""
    audience = claims.get("aud")
    if audience != client_id and audience != [client_id]:
        raise Flaw("audience")
    if claims.get("azp", client_id) != client_id:
        raise Flaw("azp")


def _require_times(claims: Mapping[str, Any], now: datetime) -> None:
    ends, made, begins = (read_time(claims, name) for name in ("exp", "iat", "nbf"))
    if ends is None or ends + LEEWAY <= now:
        raise Flaw("expired")
    if made is None or made > now + LEEWAY or (begins is not None and begins > now + LEEWAY):
        raise Flaw("of the future")
    if made < now - OLDEST:
        raise Flaw("too old")


def _ways(claims: Mapping[str, Any]) -> set[str]:
    amr = claims.get("amr")
    return {each for each in (claims.get("acr"), *(amr if isinstance(amr, list) else ())) if isinstance(each, str)}
