"""The two use cases of access: an access token for an assertion, and who it is that shows one."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from certsvc.access.assertion import Assertion, read_assertion, refusal
from certsvc.access.jwks import algorithms, public_key
from certsvc.access.signed import check_nothing, is_signed
from certsvc.access.tokens import LIFE, Tokens, token_refusal
from certsvc.domain.client import (
    LONGEST_SCOPES,
    MOST_SCOPES,
    Client,
    ClientKey,
    ClientState,
    RegisteredClient,
    as_scopes,
)
from certsvc.domain.scope import narrowed, parse_scope
from certsvc.errors import InvalidInput, WrongScope
from certsvc.services import ClientRegister

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """An access token, for how many seconds it is good, and what for."""

    access_token: str
    expires_in: int
    scopes: frozenset[str]
    client: Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What access needs: clients on record, and access tokens in our name."""

    clients: ClientRegister
    tokens: Tokens

    @property
    def token_url(self) -> str:
        """Where access tokens are had."""
        return self.tokens.issuer + TOKEN_PATH

    @property
    def audiences(self) -> Set[str]:
        """The names that an assertion may be addressed to."""
        return {self.tokens.issuer, self.token_url}

    async def grant(self, assertion: str, scope: str, named: str | None, now: datetime) -> Granted:
        """An access token for whoever signed the assertion. `scope` holds the scopes asked for, with blanks between;
        when it is empty, all that are registered. `named` is the client that the request names beside, if it does.

        Raises:
            WrongCredentials: anything is wrong with the assertion or the client; always in the same words.
            WrongScope: a scope is malformed, or goes beyond those registered.
            RegisterUnavailable: the register cannot be asked.
        """
        claimed = read_assertion(assertion, self.audiences, now)
        if named not in (None, claimed.client_id):
            raise refusal("names another client")
        found = await self.clients.client(claimed.client_id)
        client, key = _require_signed(claimed, found, now)
        if not await self.clients.use_assertion(client.id, claimed.jti, claimed.expires_at):
            raise refusal("used before")
        scopes = _granted(client, scope)
        token = self.tokens.issue(client, key.thumbprint, scopes, now)
        return Granted(access_token=token, expires_in=int(LIFE.total_seconds()), scopes=scopes, client=client)

    async def authenticate(self, token: str, now: datetime) -> tuple[Client, frozenset[str]]:
        """Who shows an access token, and which scopes it has: those granted, as far as they are still registered. The
        register is asked every time, so that a client or a key that was cut off is out at once.

        Raises:
            WrongCredentials: the token, the client or the key that vouched for it is no good; always in the same words.
            RegisterUnavailable: the register cannot be asked.
        """
        claims = self.tokens.read(token, now)
        found = await self.clients.client(claims.client_id)
        if found is None or not found.is_vouched_for(claims.vouched_by, now):
            raise token_refusal("client or key cut off")
        registered = as_scopes(found.client.scopes)
        granted = as_scopes(claims.scopes)
        return found.client, frozenset(str(scope) for scope in granted if narrowed(registered, scope))


def _require_signed(claimed: Assertion, found: RegisteredClient | None, now: datetime) -> tuple[Client, ClientKey]:
    """The client and the key that signed. A stranger does not learn from how long it takes what is wrong."""
    key = found.key(claimed.kid) if found else None
    flaw = _flaw(claimed, found, key, now)
    if found is None or key is None or flaw:
        check_nothing()
        raise refusal(flaw)
    if not is_signed(claimed.token, public_key(key.jwk), claimed.algorithm):
        raise refusal("signature")
    return found.client, key


def _flaw(claimed: Assertion, found: RegisteredClient | None, key: ClientKey | None, now: datetime) -> str:
    """What is wrong beside the signature; empty when nothing is."""
    if found is None:
        return "unknown client"
    if found.client.state is not ClientState.ACTIVE:
        return "client cut off"
    if key is None:
        return "unknown key"
    if not key.vouches(now):
        return "key not in its term"
    return "" if claimed.algorithm in algorithms(key.jwk) else "algorithm is not the key's"


def _granted(client: Client, asked: str) -> frozenset[str]:
    words = asked.split()
    if not words:
        return client.scopes
    if len(words) > MOST_SCOPES or len(asked) > LONGEST_SCOPES:
        raise WrongScope(
            f"一次最多申请 {MOST_SCOPES} 个范围，共 {LONGEST_SCOPES} 个字符。",
            f"At most {MOST_SCOPES} scopes are asked for at once, of {LONGEST_SCOPES} characters in all.",
        )
    registered = as_scopes(client.scopes)
    try:
        scopes = [parse_scope(word) for word in words]
    except InvalidInput as error:
        raise WrongScope(error.zh, error.en) from None
    if beyond := [scope for scope in scopes if not narrowed(registered, scope)]:
        raise WrongScope(
            f"范围 {beyond[0]} 超出登记的范围。", f"The scope {beyond[0]} goes beyond those that are registered."
        )
    return frozenset(map(str, scopes))
