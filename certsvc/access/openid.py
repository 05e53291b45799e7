"""Signing in at a place's OpenID provider: by an authorization code with PKCE (RFC 7636), `state` and `nonce`.

Who comes back is who was sent, in the browser that was sent, once. Whose account it is was put on record by the
operator: nobody gets one by signing in, and acts are confirmed by a passkey or by password and code as ever.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from certsvc.access.openid_provider import CodeRefused, Provider
from certsvc.access.openid_token import NotStrong
from certsvc.access.sign_in import SignIn, Visitor
from certsvc.access.strict import Flaw
from certsvc.domain.account import Method, SignedIn
from certsvc.domain.openid import FLOW_FOR, OpenIdFlow
from certsvc.errors import SignInRefused
from certsvc.services.accounts import OpenIdRegister, Shown

STATE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
CODE = re.compile(r"[\x20-\x7e]{1,2048}", re.ASCII)
RANDOM = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdSignIn:
    """What signing in at a provider needs; `redirect_uri` is where it sends people back, `note` is told in a word
    why an answer was refused, for our own log."""

    provider: Provider
    register: OpenIdRegister
    sign_in: SignIn
    redirect_uri: str
    note: Callable[[str], None]

    async def begin(self, going: str, now: datetime) -> tuple[str, str]:
        """Where to send somebody who wants to go to `going`, and what their browser is to keep until they are back.

        Raises:
            ProviderUnavailable: the provider does not answer.
        """
        endpoints = await self.provider.endpoints(now)
        state, browser, nonce, verifier = (secrets.token_urlsafe(RANDOM) for _ in range(4))
        flow = OpenIdFlow(
            state=_digest(state),
            browser=_digest(browser),
            nonce=nonce,
            verifier=verifier,
            going=going,
            ends_at=now + FLOW_FOR,
        )
        await self.register.begin_flow(flow)
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.provider.terms.client_id,
            "redirect_uri": self.redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        if strong := self.provider.terms.strong:
            asked["acr_values"] = " ".join(strong)
        mark = "&" if "?" in endpoints.authorize else "?"
        return f"{endpoints.authorize}{mark}{urlencode(asked)}", browser

    async def finish(
        self, answer: Mapping[str, str], browser: str | None, visitor: Visitor, now: datetime
    ) -> tuple[str, SignedIn, str]:
        """Begin a session of who comes back: its token, who is in it, and where they wanted to go. `answer` is the
        query that they come with, `browser` what theirs kept.

        Raises:
            SignInRefused: they did not sign in there, or it is not them, or not who has an account here.
            ProviderUnavailable: the provider does not answer.
        """
        flow = await self._flow(answer.get("state", ""), browser, now)
        await self._require_issuer(answer, now)
        if "error" in answer or not CODE.fullmatch(answer.get("code", "")):
            raise refused("在统一身份认证那里没有登录成功，或者取消了。", "You did not sign in at the provider.")
        subject = await self._subject(answer["code"], flow, now)
        account = await self.register.account_of(self.provider.terms.issuer, subject)
        if account is None:
            raise refused(
                "您在统一身份认证登录成功了，但还没有关联本系统的账号。请管理员关联后再登录。",
                "You signed in at the provider, but no account here is linked to you: ask the operator to link it.",
            )
        shown = Shown(account=account, method=Method.OPENID, network=self.sign_in.network(visitor))
        token, signed = await self.sign_in.begin(shown, visitor, now)
        return token, signed, flow.going

    async def _flow(self, state: str, browser: str | None, now: datetime) -> OpenIdFlow:
        """What we remember of them; it is good once, and for the browser that was sent."""
        found = await self.register.take_flow(_digest(state), now) if STATE.fullmatch(state) else None
        if found is None or browser is None or not secrets.compare_digest(_digest(browser), found.browser):
            raise refused(
                "这次登录已经用过、超过 10 分钟，或者不是在这个浏览器里开始的。请重新登录。",
                "This was used, took longer than ten minutes, or was begun in another browser: sign in again.",
            )
        return found

    async def _require_issuer(self, answer: Mapping[str, str], now: datetime) -> None:
        """A provider that names itself does so each time; another's answer is not for it (RFC 9207)."""
        names_itself = (await self.provider.endpoints(now)).names_itself
        said = answer.get("iss")
        if said != self.provider.terms.issuer and (names_itself or said is not None):
            raise self._not_good("issuer of the answer")

    async def _subject(self, code: str, flow: OpenIdFlow, now: datetime) -> str:
        try:
            return await self.provider.subject(code, flow.verifier, flow.nonce, self.redirect_uri, now)
        except NotStrong:
            raise refused(
                "请在统一身份认证那里用更可靠的方式登录（例如扫码或动态码），再回到这里。",
                "Sign in at the provider in a stronger way, such as with a code, and come back.",
            ) from None
        except Flaw as flaw:
            raise self._not_good(str(flaw)) from None
        except CodeRefused:
            raise self._not_good("code") from None

    def _not_good(self, why: str) -> SignInRefused:
        self.note(why)
        return refused(
            "统一身份认证的答复没有通过检查，没有登录。请重新登录；还是不行的，请告诉管理员。",
            "What the provider answered did not pass our checks. Sign in again; if it stays so, tell the operator.",
        )


def refused(zh: str, en: str) -> SignInRefused:
    """The error, where somebody who comes back does not get in."""
    return SignInRefused(zh, en)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return base64.urlsafe_b64encode(_digest(verifier)).rstrip(b"=").decode("ascii")
