"""Signing in at the place's OpenID provider: the way there, and back.

The way there is a link: our policy lets no form of ours lead to another host. It begins nothing but a visit there, and
what comes back counts only in the browser that was sent.
"""

import math
import time
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from certsvc.access.openid import OpenIdSignIn
from certsvc.domain.openid import FLOW_FOR
from certsvc.errors import CertsvcError, ProviderUnavailable, SignInRefused, TooManyRequests
from certsvc.http.negotiation import wants_page
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.village.session import HOME, PASSWORD, SIGN_IN, Sessions, SigningIn, in_language, next_address
from certsvc.http.village.sign_in import sign_in_page

BEGIN, BACK = f"{SIGN_IN}/openid", f"{SIGN_IN}/openid/back"
ANSWER = ("state", "code", "error", "iss")
"""Of the query that somebody comes back with, what is read."""

SENT_PER_MINUTE = 60
"""How often one address, which may be a whole town hall's, is sent there: each time is kept for a while."""


def openid_routes(signing: SigningIn, sessions: Sessions) -> list[HTTPRouteHandler]:
    """`/village/sign-in/openid` and the way back; none where the place has no provider."""
    if signing.openid is None:
        return []
    door = _ProviderDoor(signing, signing.openid, sessions)
    return [route(BEGIN, "sign_in_openid", door.go, "GET"), route(BACK, "sign_in_openid_back", door.back, "GET")]


class _ProviderDoor:
    """Time is taken here, once per request."""

    def __init__(self, signing: SigningIn, openid: OpenIdSignIn, sessions: Sessions) -> None:
        self._signing, self._openid, self._sessions = signing, openid, sessions
        self._sent = Buckets(SENT_PER_MINUTE)
        self._cookie = "__Host-certsvc-openid" if signing.site.is_https else "certsvc-openid"

    async def go(self, request: Asked) -> Response[Any]:
        """To the provider; or, where it does not answer, the page for signing in, which says so."""
        wait = math.ceil(self._sent.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(f"请过 {wait} 秒再试。", f"Try again in {wait} seconds.", retry_after=wait)
        going = next_address(request.query_params.get("next", ""))
        try:
            address, browser = await self._openid.begin(in_language(request, going), datetime.now(UTC))
        except ProviderUnavailable as error:
            return self._said(request, error, going)
        response = Redirect(address, status_code=303)
        self._keep(response, browser, int(FLOW_FOR.total_seconds()))
        return response

    async def back(self, request: Asked) -> Response[Any]:
        """Back from there: signed in, or the page for signing in, which says why not."""
        answer = {name: request.query_params[name] for name in ANSWER if name in request.query_params}
        visitor, now = self._sessions.visitor(request), datetime.now(UTC)
        try:
            token, signed, going = await self._openid.finish(answer, request.cookies.get(self._cookie), visitor, now)
        except (SignInRefused, ProviderUnavailable) as error:
            return self._said(request, error, HOME)
        response = Redirect(PASSWORD if signed.must_change else next_address(going), status_code=303)
        self._sessions.keep(response, token)
        self._keep(response, "", 0)
        return response

    def _said(self, request: Asked, error: CertsvcError, going: str) -> Response[bytes]:
        if not wants_page(request):
            raise error
        return sign_in_page(self._signing, self._sessions, request, error.status, going, "", error)

    def _keep(self, response: Response[Any], value: str, seconds: int) -> None:
        secure = self._signing.site.is_https
        made = Cookie(key=self._cookie, value=value, path="/", secure=secure, httponly=True, samesite="lax")
        made.max_age = seconds
        response.set_cookie(made)
