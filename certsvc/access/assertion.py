"""Client assertions: what a client signs to say that it is the one (`private_key_jwt`, RFC 7523 section 3).

Everything wrong with one is refused alike. The reason is one word, for our own log.
"""

import hashlib
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from certsvc.access.jwks import KID
from certsvc.access.signed import Unverified, read_compact, read_time
from certsvc.access.strict import Flaw
from certsvc.domain.client import ClientId, parse_client_id
from certsvc.errors import InvalidIdentifier, WrongCredentials

LONGEST = 4096
LONGEST_LIFE, LEEWAY = timedelta(minutes=5), timedelta(seconds=30)
KINDS = ("jwt", "client-authentication+jwt")
"""What `typ` may say, in capitals or not, where it is there."""

MEANING_MORE = ("crit", "zip", "b64", "enc", "jku", "jwk", "x5u", "x5c")
"""Header members that would have the rest read in another way, or that bring a key of their own."""

JTI = re.compile(r"[\x21-\x7e]{8,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What an assertion says; whether it is signed is another question. `jti` is the SHA-256 of its own name."""

    token: Unverified
    kid: str
    algorithm: str
    client_id: ClientId
    jti: bytes
    expires_at: datetime


def read_assertion(text: str, audiences: Set[str], now: datetime) -> Assertion:
    """Everything about an assertion that can be checked without a key. `audiences` are our own names.

    Raises:
        WrongCredentials: anything is wrong.
    """
    try:
        token = read_compact(text, LONGEST)
        kid, algorithm = _header(token.header)
        _require_audience(token.claims.get("aud"), audiences)
        return Assertion(
            token=token,
            kid=kid,
            algorithm=algorithm,
            client_id=_client_id(token.claims),
            jti=_jti(token.claims.get("jti")),
            expires_at=_expiry(token.claims, now),
        )
    except Flaw as flaw:
        raise refusal(str(flaw)) from None
    except InvalidIdentifier:
        raise refusal("no client id") from None


def refusal(reason: str) -> WrongCredentials:
    """The one answer to every assertion that is refused."""
    return WrongCredentials(
        "没有认出客户端：断言有误、已过期或已用过，或客户端未登记。",
        "The client was not recognised: its assertion is wrong, expired or used before, or it is not registered.",
        reason=reason,
    )


def _header(header: Mapping[str, Any]) -> tuple[str, str]:
    """Which key and which algorithm it names."""
    if found := [member for member in MEANING_MORE if member in header]:
        raise Flaw(found[0])
    kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ", KINDS[0])
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise Flaw("kid")
    if not isinstance(algorithm, str):
        raise Flaw("alg")
    if not isinstance(kind, str) or kind.lower() not in KINDS:
        raise Flaw("typ")
    return kid, algorithm


def _client_id(claims: Mapping[str, Any]) -> ClientId:
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(subject, str) or issuer != subject:
        raise Flaw("issuer is not subject")
    return parse_client_id(subject)


def _require_audience(audience: object, audiences: Set[str]) -> None:
    """One name of ours: with a second audience, whoever that is could use the assertion here."""
    only = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience
    if not isinstance(only, str) or only not in audiences:
        raise Flaw("audience")


def _jti(jti: object) -> bytes:
    if not isinstance(jti, str) or not JTI.fullmatch(jti):
        raise Flaw("jti")
    return hashlib.sha256(jti.encode("ascii")).digest()


def _expiry(claims: Mapping[str, Any], now: datetime) -> datetime:
    """When it ends, held against now; clocks may be half a minute apart."""
    expires_at = read_time(claims, "exp")
    if expires_at is None:
        raise Flaw("never expires")
    if expires_at <= now:
        raise Flaw("expired")
    if expires_at > now + LONGEST_LIFE + LEEWAY:
        raise Flaw("lives too long")
    if any((begins := read_time(claims, name)) and begins > now + LEEWAY for name in ("iat", "nbf")):
        raise Flaw("of the future")
    return expires_at
