"""Sessions of who signs in with a browser: the cookie, the forms, and confirming an act.

A form counts if the browser says that it comes from this site, and if it has the token that belongs to the session:
either would do, and an old or strange browser may lack one.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from markupsafe import Markup, escape

from certsvc.access.openid import OpenIdSignIn
from certsvc.access.own_account import OwnAccount
from certsvc.access.sign_in import SignIn, Typed, Visitor
from certsvc.domain.account import Confirmation, SignedIn
from certsvc.errors import ForeignForm, InvalidInput, NotSignedIn, SettingsError
from certsvc.http.form import MOST, read_form
from certsvc.http.headers import CONTENT_SECURITY_POLICY
from certsvc.http.language import CODES
from certsvc.http.pages import Pages, asked_again, is_read_again
from certsvc.http.rate import address_of
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site

SIGN_IN, ACCOUNT, PASSWORD = "/village/sign-in", "/village/account", "/village/account#password"
HOME = "/village"
FORM_TOKEN = "form_token"  # noqa: S105  the name of a field
POLICY_WITH_PASSKEYS = CONTENT_SECURITY_POLICY + "; connect-src 'self'"
"""Of pages whose script asks us what a passkey is to sign."""

INSIDE = re.compile(r"/(village|apply)(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?(\?[A-Za-z0-9._~=&%-]*)?", re.ASCII)
LONGEST_INSIDE = 500
BROWSERS = (
    ("MicroMessenger", "微信 WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIn:
    """What pages need to know who asks; `openid` is the provider of the place, where it has one."""

    sign_in: SignIn
    own: OwnAccount
    site: Site
    pages: Pages
    openid: OpenIdSignIn | None = None


class Sessions:
    """Who asks, and whether a form is ours. One for all pages of a process."""

    def __init__(self, signing: SigningIn) -> None:
        """See that tokens cannot be read on their way.

        Raises:
            SettingsError: the public address has no TLS, and this is no demonstration.
        """
        site = signing.site
        if not site.is_https and not site.is_demonstration:
            raise SettingsError(
                f"公开地址 {site.public_url} 不是 https：登录页面只在 https 下提供。",
                f"The public address {site.public_url} is not https, and nobody signs in without it.",
            )
        self._sign_in, self._site, self._pages = signing.sign_in, site, signing.pages
        self._cookie = "__Host-certsvc" if site.is_https else "certsvc"

    # ---- who asks ----

    def visitor(self, request: Asked) -> Visitor:
        """Where a request comes from."""
        return Visitor(
            address=address_of(request.scope),
            token=request.cookies.get(self._cookie),
            agent=agent_in_words(request.headers.get("user-agent", "")),
        )

    def had_session(self, request: Asked) -> bool:
        """Whether a browser still has the token of a session, which may have ended meanwhile."""
        return bool(request.cookies.get(self._cookie))

    async def somebody(self, request: Asked, now: datetime) -> SignedIn | None:
        """Who is signed in; None for a stranger."""
        return await self._sign_in.signed_in(request.cookies.get(self._cookie), now)

    async def signed_in(self, request: Asked, now: datetime, *, may_be_new: bool = False) -> SignedIn:
        """Who is signed in. Who still has a first password gets nowhere but where it is changed (`may_be_new`).

        Raises:
            NotSignedIn: a page is answered by going to the page for signing in, and back afterwards.
        """
        found = await self.somebody(request, now)
        if found is None:
            raise NotSignedIn(in_language(request, f"{SIGN_IN}?next={quote(_here(request), safe='')}"))
        if found.must_change and not may_be_new:
            raise NotSignedIn(in_language(request, PASSWORD))
        return found

    # ---- forms ----

    def form_token(self, request: Asked) -> str:
        """What every form of a session has in it: nobody makes it who does not have the cookie."""
        token = request.cookies.get(self._cookie, "")
        made = hmac.digest(token.encode("utf-8", "replace"), b"certsvc form", "sha256")
        return base64.urlsafe_b64encode(made).decode("ascii").rstrip("=")

    def field(self, request: Asked) -> Markup:
        """The same as the hidden field of a form."""
        return Markup(f'<input type="hidden" name="{FORM_TOKEN}" value="{escape(self.form_token(request))}">')  # noqa: S704

    async def form(
        self, request: Asked, now: datetime, *, may_be_new: bool = False, most: int = MOST
    ) -> tuple[SignedIn, Mapping[str, str]]:
        """Who sent a form of ours, and its fields; `most` is its size in bytes.

        Raises:
            NotSignedIn: see `signed_in`.
            ForeignForm: another site made the browser send it.
            WrongMediaType, MessageTooLarge, InvalidInput: see `read_form`.
        """
        self.require_own(request)
        signed = await self.signed_in(request, now, may_be_new=may_be_new)
        fields = await read_form(request, most)
        self.require_token(request, fields.get(FORM_TOKEN, ""))
        return signed, fields

    def require_own(self, request: Asked) -> None:
        """See that the browser says that what it sends was begun on this site.

        Raises:
            ForeignForm: it says otherwise, or nothing.
        """
        said = request.headers.get("sec-fetch-site")
        if said is None:
            is_own = request.headers.get("origin", "") == self._site.public_url
        else:
            is_own = said in ("same-origin", "none")
        if not is_own:
            raise _foreign()

    def require_token(self, request: Asked, given: str) -> None:
        """See that a form has the token of the session that it is sent in.

        Raises:
            ForeignForm: it has another, or none.
        """
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self.form_token(request).encode("ascii")):
            raise _foreign()

    # ---- confirming an act ----

    async def confirm(
        self, request: Asked, signed: SignedIn, digest: bytes, fields: Mapping[str, str], now: datetime
    ) -> Confirmation:
        """Put on record that who is signed in confirms the act with this digest, by the fields of `confirm_fields.html`
        in the form. The act uses it up in its own transaction: `store.accounts.use_confirmation`.

        Raises:
            SignInRefused: nothing was given, or it is wrong, or for another act.
            SignInLocked: there were too many failures.
        """
        answer = fields.get("passkey", "")
        given: Typed | str = answer or Typed(password=fields.get("password", ""), code=fields.get("code", ""))
        return await self._sign_in.confirm(signed, digest, given, self.visitor(request), now)

    # ---- answers ----

    def page(
        self, request: Asked, signed: SignedIn | None, name: str, status: int = 200, **values: Any
    ) -> Response[bytes]:
        """A page for who is signed in: its template also has `signed` and `form_field`."""
        response = self._pages.page(
            request, name, status, signed=signed, form_field=self.field(request) if signed else "", **values
        )
        response.headers["Content-Security-Policy"] = POLICY_WITH_PASSKEYS
        return response

    def keep(self, response: Response[Any], token: str) -> None:
        """Give a browser the token of its session."""
        response.set_cookie(self._made(token))

    def drop(self, response: Response[Any]) -> None:
        """Take it away."""
        cookie = self._made("")
        cookie.max_age = 0
        response.set_cookie(cookie)

    def _made(self, token: str) -> Cookie:
        return Cookie(
            key=self._cookie, value=token, path="/", secure=self._site.is_https, httponly=True, samesite="lax"
        )


def back_route(act: str, name: str, page: str) -> HTTPRouteHandler:
    """The address of an act, opened by itself, as after a form that was refused: it leads to the page with the form,
    whose address is the beginning of it."""
    parts = page.count("/")

    async def back(request: Asked) -> Redirect:
        path = "/".join(str(request.scope["path"]).split("/")[: parts + 1])
        return Redirect(in_language(request, quote(path)), status_code=303)

    return route(act, name, back)


def next_address(text: str) -> str:
    """Where to go after signing in: a page of the village or for residents, and nowhere else."""
    return text if len(text) <= LONGEST_INSIDE and INSIDE.fullmatch(text) else HOME


def in_language(request: Asked, address: str) -> str:
    """An address of ours, in the language that was asked for in the address of this request."""
    asked = request.query_params.get("lang")
    if asked not in CODES:
        return address
    path, mark, fragment = address.partition("#")
    return f"{path}{'&' if '?' in path else '?'}lang={asked}{mark}{fragment}"


def parse_digest(text: str) -> bytes:
    """The digest of an act, in hexadecimal.

    Raises:
        InvalidInput: it is none.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII):
        raise InvalidInput("要确认的内容不合格式。", "What is to be confirmed is malformed.")
    return bytes.fromhex(text)


def agent_in_words(agent: str) -> str:
    """Browser and system, as one finds them again in a list of sessions."""
    known = [next((name for mark, name in marks if mark in agent[:1000]), "") for marks in (BROWSERS, SYSTEMS)]
    return ", ".join(name for name in known if name)


def _here(request: Asked) -> str:
    """The page that was asked for; what was sent by a form is not sent again."""
    return next_address(asked_again(request, ("lang",), {}) if is_read_again(request) else HOME)


def _foreign() -> ForeignForm:
    return ForeignForm(
        "这份表单不是从本站发出的，或者您已重新登录过。请回到页面上再填一次。",
        "This form was not sent from this site, or you signed in again since. Go back to the page and fill it in anew.",
    )
