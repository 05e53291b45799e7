"""An OpenID provider: where it is asked (OpenID Connect Discovery), its keys, and an ID token in exchange for a code.

What it says of itself is kept for a while. A key that is not known has its keys asked for anew, once a minute at most.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from certsvc.access.fetching import Fetched, not_answering
from certsvc.access.openid_assertion import KIND, client_assertion
from certsvc.access.openid_token import Expected, UnknownKey, read_keys, subject_of
from certsvc.access.strict import Flaw, read_object
from certsvc.domain.client import ClientKey

KEPT = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
DISCOVERY = "/.well-known/openid-configuration"
OK, REFUSED = 200, frozenset({400, 401})
ENDPOINT = re.compile(r"https?://[!-~]{1,1000}", re.ASCII)
FORM = "application/x-www-form-urlencoded"


class Fetch(Protocol):
    """Asks a service; see `Fetcher.fetch`."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Fetched:
        """What was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """How we are known to a provider: by a `secret`, which is read when it is needed, or by a `key`. `name` is how
    people call it; `strong` see `Expected`."""

    issuer: str
    client_id: str
    secret: Callable[[], str] | None = None
    key: EllipticCurvePrivateKey | None = None
    name: str = ""
    strong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What a provider says of itself; `names_itself`: it also does so when it sends somebody back (RFC 9207)."""

    authorize: str
    token: str
    keys: str
    by_post: bool
    names_itself: bool


class CodeRefused(Exception):
    """The provider does not take the code: it was used, is too old, or is another's."""


class Provider:
    """The provider of a place. One for all of a process."""

    def __init__(self, terms: ProviderTerms, fetch: Fetch) -> None:
        self.terms, self._fetch = terms, fetch
        self._endpoints: tuple[Endpoints, datetime] | None = None
        self._keys: tuple[tuple[ClientKey, ...], datetime] | None = None

    async def endpoints(self, now: datetime) -> Endpoints:
        """Where it is asked for what.

        Raises:
            ProviderUnavailable: it does not answer, or not with what can be used.
        """
        if self._endpoints is None or now >= self._endpoints[1] + KEPT:
            said = await self._object(self.terms.issuer.rstrip("/") + DISCOVERY)
            try:
                self._endpoints = _endpoints(said, self.terms), now
            except Flaw:
                raise not_answering() from None
        return self._endpoints[0]

    async def subject(self, code: str, verifier: str, nonce: str, redirect_uri: str, now: datetime) -> str:
        """Who signed in, for the code that came back with them.

        Raises:
            CodeRefused: the provider does not take it.
            NotStrong, Flaw: its ID token is not what it has to be.
            ProviderUnavailable: see `endpoints`.
        """
        token = await self._id_token(code, verifier, redirect_uri, now)
        terms = self.terms
        expected = Expected(issuer=terms.issuer, client_id=terms.client_id, nonce=nonce, strong=terms.strong)
        try:
            return subject_of(token, await self._known_keys(now, KEPT), expected, now)
        except UnknownKey:
            return subject_of(token, await self._known_keys(now, ASKED_AGAIN_AFTER), expected, now)

    async def _id_token(self, code: str, verifier: str, redirect_uri: str, now: datetime) -> str:
        endpoints = await self.endpoints(now)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        more, headers = self._shown(endpoints, now)
        answer = await self._fetch(
            endpoints.token, {"Content-Type": FORM, **headers}, urlencode({**form, **more}).encode()
        )
        if answer.status in REFUSED:
            raise CodeRefused
        token = _parsed(answer).get("id_token")
        if not isinstance(token, str):
            raise Flaw("no ID token")
        return token

    def _shown(self, endpoints: Endpoints, now: datetime) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What shows that we are the client: fields of the form, and headers."""
        client_id, key = self.terms.client_id, self.terms.key
        if key is not None:
            assertion = client_assertion(key, client_id, endpoints.token, now)
            return {"client_assertion_type": KIND, "client_assertion": assertion}, {}
        secret = self.terms.secret() if self.terms.secret else ""
        if endpoints.by_post:
            return {"client_id": client_id, "client_secret": secret}, {}
        both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()
        return {}, {"Authorization": "Basic " + base64.b64encode(both).decode("ascii")}

    async def _known_keys(self, now: datetime, kept: timedelta) -> tuple[ClientKey, ...]:
        if self._keys is None or now >= self._keys[1] + kept:
            answer = await self._fetch((await self.endpoints(now)).keys, {})
            if answer.status != OK:
                raise not_answering()
            try:
                self._keys = read_keys(answer.body, now), now
            except Flaw:
                raise not_answering() from None
        return self._keys[0]

    async def _object(self, url: str) -> dict[str, Any]:
        return _parsed(await self._fetch(url, {}))


def _parsed(answer: Fetched) -> dict[str, Any]:
    if answer.status != OK:
        raise not_answering()
    try:
        return read_object(answer.body)
    except Flaw:
        raise not_answering() from None


def _endpoints(said: Mapping[str, Any], terms: ProviderTerms) -> Endpoints:
    """Of the very issuer that was asked, and over TLS wherever the issuer itself is."""
    issuer = terms.issuer
    if said.get("issuer") != issuer:
        raise Flaw("another issuer")
    methods = said.get("code_challenge_methods_supported")
    if methods is not None and (not isinstance(methods, list) or "S256" not in methods):
        raise Flaw("no PKCE")
    ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    known = ways if isinstance(ways, list) else []
    ours = ("private_key_jwt",) if terms.key is not None else ("client_secret_basic", "client_secret_post")
    if not any(way in known for way in ours):
        raise Flaw("no way to authenticate")
    return Endpoints(
        authorize=_address(said, "authorization_endpoint", issuer),
        token=_address(said, "token_endpoint", issuer),
        keys=_address(said, "jwks_uri", issuer),
        by_post="client_secret_basic" not in known,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(said: Mapping[str, Any], name: str, issuer: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not ENDPOINT.fullmatch(found) or "#" in found:
        raise Flaw(name)
    try:
        where = urlsplit(found)
        is_sound = bool(where.hostname) and where.port != 0 and where.username is None
    except ValueError:  # no host, or no port, that can be
        is_sound = False
    if not is_sound or where.scheme != urlsplit(issuer).scheme:
        raise Flaw(name)
    return found
