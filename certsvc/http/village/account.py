"""The own account: sessions to end, the password, one-time codes, passkeys. Every write works without script but the
making of a passkey, which no browser does without."""

import base64
import binascii
import io
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import segno
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from markupsafe import Markup

from certsvc.access.sign_in import Typed
from certsvc.access.totp import address_of_secret, as_text
from certsvc.domain.account import SignedIn
from certsvc.errors import CertsvcError, InvalidInput, NotSignedIn
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.village.session import ACCOUNT, Sessions, SigningIn, back_route, in_language
from certsvc.http.village.sign_in import LONGEST_FORM, json_answer

Change = Callable[[Asked, SignedIn, Mapping[str, str], datetime], Awaitable[None]]
TYPED = ("name",)
"""Of the fields of these forms, what is shown again after a mistake; what is secret is typed anew."""


def account_routes(signing: SigningIn, sessions: Sessions) -> list[HTTPRouteHandler]:
    """`/village/account` and what is changed there."""
    account = _Account(signing, sessions)
    changes: Mapping[str, tuple[str, Change]] = {
        "password": ("account_password", account.password),
        "totp": ("account_totp", account.totp),
        "totp/confirm": ("account_totp_confirm", account.totp_confirm),
        "passkeys": ("account_passkey", account.passkey),
        "passkeys/remove": ("account_passkey_remove", account.passkey_remove),
        "sessions/end": ("account_session_end", account.session_end),
    }
    return [
        route(ACCOUNT, "account", account.page),
        route(f"{ACCOUNT}/passkeys/options", "account_passkey_options", account.passkey_options, "POST"),
        *(
            each
            for path, (name, change) in changes.items()
            for each in (
                route(f"{ACCOUNT}/{path}", name, account.changing(path, change), "POST"),
                back_route(f"{ACCOUNT}/{path}", f"{name}_back", ACCOUNT),
            )
        ),
    ]


class _Account:
    """Time is taken once per request."""

    def __init__(self, signing: SigningIn, sessions: Sessions) -> None:
        self._signing, self._own, self._sessions = signing, signing.own, sessions

    async def page(self, request: Asked) -> Response[bytes]:
        """Everything of it."""
        now = datetime.now(UTC)
        signed = await self._sessions.signed_in(request, now, may_be_new=True)
        return await self._shown(request, signed, now)

    def changing(self, path: str, change: Change) -> Callable[[Asked], Awaitable[Response[Any]]]:
        """A form of the page: what was changed, and the page again; or what is wrong, above it."""
        part = path.partition("/")[0]

        async def handle(request: Asked) -> Response[Any]:
            now, is_password = datetime.now(UTC), part == "password"
            signed, fields = await self._sessions.form(request, now, may_be_new=is_password, most=LONGEST_FORM)
            try:
                await change(request, signed, fields, now)
            except NotSignedIn:
                raise
            except CertsvcError as error:
                if error.status >= 500 or not wants_page(request):
                    raise
                return await self._shown(request, signed, now, part=part, error=error)
            done = "begun" if path == "totp" else part
            return Redirect(in_language(request, f"{ACCOUNT}?done={done}#{part}"), status_code=303)

        return handle

    async def password(self, request: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """Another password, typed twice."""
        wanted = fields.get("wanted", "")
        if wanted != fields.get("again", ""):
            raise InvalidInput("两次输入的新密码不一样。", "The new password was typed in two ways.")
        await self._own.change_password(signed, _typed(fields), wanted, self._sessions.visitor(request), now)

    async def totp(self, request: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """Begin to set up one-time codes; the page then has the secret."""
        await self._own.begin_totp(signed, _typed(fields), self._sessions.visitor(request), now)

    async def totp_confirm(self, _: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """The first code of the app."""
        await self._own.finish_totp(signed, fields.get("code", ""), now)

    async def passkey_options(self, request: Asked) -> Response[bytes]:
        """What a passkey is made from, for the page's script."""
        now = datetime.now(UTC)
        signed, fields = await self._sessions.form(request, now)
        options = await self._own.passkey_options(signed, _typed(fields), self._sessions.visitor(request), now)
        return json_answer(options)

    async def passkey(self, _: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """The passkey that was made."""
        await self._own.add_passkey(signed, fields.get("name", ""), fields.get("passkey", ""), now)

    async def passkey_remove(self, request: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """A passkey that is not used any more."""
        found = _unpacked(fields.get("id", ""))
        await self._own.remove_passkey(signed, found, _typed(fields), self._sessions.visitor(request), now)

    async def session_end(self, _: Asked, signed: SignedIn, fields: Mapping[str, str], now: datetime) -> None:
        """A session on another machine, or this one."""
        await self._signing.sign_in.accounts.end_session(signed.account, fields.get("id", ""), "ended", now)

    async def _shown(
        self, request: Asked, signed: SignedIn, now: datetime, *, part: str = "", error: CertsvcError | None = None
    ) -> Response[bytes]:
        sign_in, language = self._signing.sign_in, self._signing.pages.language(request)
        found = await sign_in.credentials.credentials(signed.account)
        secret = await self._own.pending_secret(signed) if not signed.must_change else None
        address = "" if secret is None else address_of_secret(secret, signed.name, self._signing.site.host)
        return self._sessions.page(
            request,
            signed,
            "account.html",
            error.status if error else 200,
            section=part,
            said=language.pick(error.zh, error.en) if error else "",
            done=request.query_params.get("done", "") if request.method == "GET" else "",
            has_totp=found is not None and found.totp is not None,
            secret="" if secret is None else as_text(secret),
            address=address,
            picture=_picture(address) if address else "",
            has_passkeys=sign_in.passkeys.is_possible,
            passkeys=[(_packed(each.id), each) for each in await sign_in.credentials.passkeys(signed.account)],
            open_sessions=await sign_in.accounts.sessions(signed.account, now),
            moment=language.moment,
        )


def _typed(fields: Mapping[str, str]) -> Typed:
    return Typed(password=fields.get("password", ""), code=fields.get("code", ""))


def _picture(address: str) -> Markup:
    """The QR of a secret as SVG in the page: it lies in no file and no cache."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, dark="#000", light="#fff"
    )
    return Markup(out.getvalue().decode("ascii"))  # noqa: S704  made here from figures


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
