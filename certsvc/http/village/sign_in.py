"""Signing in and out: name, password and code in one form, which works without script; a passkey with it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from certsvc.access.sign_in import LONGEST_NAME, Typed
from certsvc.errors import CertsvcError, InvalidInput, SignInLocked, SignInRefused
from certsvc.http.form import read_form
from certsvc.http.language import CODES, NAMES, TAGS
from certsvc.http.negotiation import JSON, wants_page
from certsvc.http.pages import is_read_again
from certsvc.http.routes import Asked, route
from certsvc.http.village.session import (
    HOME,
    PASSWORD,
    SIGN_IN,
    Sessions,
    SigningIn,
    back_route,
    in_language,
    next_address,
    parse_digest,
)

LONGEST_FORM = 24 * 1024
"""With what a passkey signed."""


def sign_in_routes(signing: SigningIn, sessions: Sessions) -> list[HTTPRouteHandler]:
    """`/village/sign-in`, `/village/sign-out`, and what a passkey is to sign."""
    door = _Door(signing, sessions)
    return [
        route(SIGN_IN, "sign_in_form", door.form),
        route(SIGN_IN, "sign_in", door.enter, "POST"),
        route(f"{SIGN_IN}/passkey", "sign_in_passkey", door.passkey, "POST"),
        route("/village/sign-out", "sign_out", door.leave, "POST"),
        back_route("/village/sign-out", "sign_out_back", HOME),
        route("/village/confirm/passkey", "confirm_passkey", door.confirm, "POST"),
    ]


class _Door:
    """Time is taken here, once per request."""

    def __init__(self, signing: SigningIn, sessions: Sessions) -> None:
        self._signing, self._sign_in, self._sessions = signing, signing.sign_in, sessions

    async def form(self, request: Asked) -> Response[Any]:
        """The form; who is signed in already goes on."""
        going, ended = next_address(request.query_params.get("next", "")), self._sessions.had_session(request)
        if await self._sessions.somebody(request, datetime.now(UTC)):
            return Redirect(in_language(request, going), status_code=303)
        return sign_in_page(self._signing, self._sessions, request, 200, going, ended=ended)

    async def enter(self, request: Asked) -> Response[Any]:
        """Sign in; or the form again, with the name that was typed."""
        self._sessions.require_own(request)
        now, fields = datetime.now(UTC), await read_form(request, LONGEST_FORM)
        going = next_address(fields.get("next", ""))
        try:
            token, signed = await self._entered(request, fields, now)
        except (SignInRefused, SignInLocked, InvalidInput) as error:
            if not wants_page(request):
                raise
            return self._shown(request, error.status, going, fields.get("name", "")[:LONGEST_NAME], error)
        response = Redirect(in_language(request, PASSWORD if signed.must_change else going), status_code=303)
        self._sessions.keep(response, token)
        return response

    async def _entered(self, request: Asked, fields: Mapping[str, str], now: datetime) -> Any:
        visitor = self._sessions.visitor(request)
        if fields.get("passkey"):
            return await self._sign_in.by_passkey(fields["passkey"], visitor, now)
        typed = Typed(password=fields.get("password", ""), code=fields.get("code", ""))
        return await self._sign_in.by_password(fields.get("name", ""), typed, visitor, now)

    async def passkey(self, request: Asked) -> Response[bytes]:
        """What a passkey is to sign for signing in, for the page's script."""
        self._sessions.require_own(request)
        return json_answer(await self._sign_in.passkey_options(datetime.now(UTC)))

    async def confirm(self, request: Asked) -> Response[bytes]:
        """What a passkey is to sign to confirm the act whose digest is given."""
        now = datetime.now(UTC)
        signed, fields = await self._sessions.form(request, now)
        return json_answer(await self._sign_in.confirm_options(signed, parse_digest(fields.get("digest", "")), now))

    async def leave(self, request: Asked) -> Redirect:
        """Sign out: the session ends here, and the browser forgets it."""
        now = datetime.now(UTC)
        signed, _ = await self._sessions.form(request, now, may_be_new=True)
        await self._sign_in.accounts.end_session(signed.account, signed.session, "signed_out", now)
        response = Redirect(in_language(request, SIGN_IN), status_code=303)
        self._sessions.drop(response)
        return response

    def _shown(
        self, request: Asked, status: int, going: str, name: str = "", error: CertsvcError | None = None
    ) -> Response[bytes]:
        return sign_in_page(self._signing, self._sessions, request, status, going, name, error)


def sign_in_page(
    signing: SigningIn,
    sessions: Sessions,
    request: Asked,
    status: int,
    going: str,
    name: str = "",
    error: CertsvcError | None = None,
    ended: bool = False,
) -> Response[bytes]:
    """The page for signing in; with what was typed as `name`, and what is wrong, or that a session has `ended`."""
    language, openid = signing.pages.language(request), signing.openid
    response = sessions.page(
        request,
        None,
        "sign_in.html",
        status,
        going=going,
        typed_name=name,
        said=language.pick(error.zh, error.en) if error else "",
        locked=isinstance(error, SignInLocked),
        ended=ended,
        others=_in_other_languages(request, language.code, going),
        has_passkeys=signing.sign_in.passkeys.is_possible,
        has_openid=openid is not None,
        openid_name=openid.provider.terms.name if openid else "",
    )
    if isinstance(error, SignInLocked):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _in_other_languages(request: Asked, code: str, going: str) -> list[tuple[str, str, str]]:
    """The form itself: what a provider answered is in the address for once, and is of no use a second time."""
    if not is_read_again(request):
        return []
    return [
        (f"{SIGN_IN}?{urlencode({'next': going, 'lang': one})}", TAGS[one], NAMES[one]) for one in CODES if one != code
    ]


def json_answer(value: Mapping[str, Any]) -> Response[bytes]:
    """For the script of a page."""
    return Response(msgspec.json.encode(value), media_type=JSON, status_code=200)
