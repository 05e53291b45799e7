"""Access tokens (RFC 9068): what a client shows with every request, for five minutes. Made and read here only, under a
secret of our own."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt

from certsvc.access.signed import is_signed, read_compact, read_time
from certsvc.access.strict import Flaw, read_base64url, write_base64url
from certsvc.domain.client import Client, ClientId, parse_client_id
from certsvc.errors import InvalidIdentifier, WrongCredentials

LONGEST = 8 * 1024
LIFE, LEEWAY = timedelta(minutes=5), timedelta(seconds=30)
ALGORITHM, KIND = "HS256", "at+jwt"
HEADER = {"alg": ALGORITHM, "typ": KIND}
SECRET_BYTES, JTI_BYTES = 32, 16
CHALLENGE = 'Bearer realm="certsvc", error="invalid_token"'
"""What is said of every access token that is refused (RFC 6750 section 3.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What an access token says. `vouched_by` is the thumbprint of the key whose signature it was given for."""

    client_id: ClientId
    vouched_by: bytes
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads access tokens in the name of `issuer`, our own address."""

    issuer: str
    _secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self._secret) != SECRET_BYTES:
            raise ValueError(f"the secret of access tokens has {SECRET_BYTES} bytes")

    def issue(self, client: Client, vouched_by: bytes, scopes: frozenset[str], now: datetime) -> str:
        """A token for these scopes."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": client.id,
            "client_id": client.id,
            "scope": " ".join(sorted(scopes)),
            "iat": issued_at,
            "exp": issued_at + int(LIFE.total_seconds()),
            "jti": secrets.token_urlsafe(JTI_BYTES),
            "key": write_base64url(vouched_by),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM, headers={"typ": KIND})

    def read(self, text: str, now: datetime) -> TokenClaims:
        """What a token says, once it is known to be ours and of now.

        Raises:
            WrongCredentials: anything is wrong with it.
        """
        try:
            token = read_compact(text, LONGEST)
            if dict(token.header) != HEADER:
                raise Flaw("header")
            if not is_signed(token, self._secret, ALGORITHM):
                raise Flaw("signature")
            return self._read(token.claims, now)
        except Flaw as flaw:
            raise token_refusal(str(flaw)) from None
        except InvalidIdentifier:
            raise token_refusal("no client id") from None

    def _read(self, claims: Mapping[str, Any], now: datetime) -> TokenClaims:
        issued_at, expires_at = read_time(claims, "iat"), read_time(claims, "exp")
        if issued_at is None or expires_at is None or not issued_at <= now + LEEWAY or not now < expires_at:
            raise Flaw("not of now")
        if claims.get("iss") != self.issuer or claims.get("aud") != self.issuer:
            raise Flaw("issuer or audience")
        if claims.get("sub") != claims.get("client_id"):
            raise Flaw("subject is not the client")
        return TokenClaims(
            client_id=parse_client_id(str(claims.get("client_id"))),
            vouched_by=read_base64url(str(claims.get("key"))),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            issued_at=issued_at,
            expires_at=expires_at,
        )


def token_refusal(reason: str) -> WrongCredentials:
    """The one answer to every access token that is refused."""
    return WrongCredentials(
        "访问令牌有误、已过期，或客户端、密钥已停用：请到 /oauth/token 重新领取。",
        "The access token is wrong or expired, or the client or its key was cut off: get a new one at /oauth/token.",
        challenge=CHALLENGE,
        reason=reason,
    )
