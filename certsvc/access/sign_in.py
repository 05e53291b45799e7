"""Signing in and confirming: by a passkey, or by a password and, once it is set up, a one-time code.

A wrong name, a wrong password and a wrong code are one answer after one amount of work. Failures are counted before it
is known what comes of them; passkeys are not counted against an account, for nobody guesses one, and so nobody who
fails on purpose can shut out who has one.
"""

import hashlib
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.access.passkeys import PasskeyChecks, PasskeyRefused, read_answer
from certsvc.access.passwords import Passwords
from certsvc.access.totp import matching_step
from certsvc.domain.account import (
    LONGEST_AGENT,
    LONGEST_PASSWORD,
    AccountId,
    Challenge,
    Confirmation,
    Credentials,
    Method,
    SealedTotp,
    SignedIn,
)
from certsvc.errors import CertsvcError, SignInRefused
from certsvc.services import AccountCredentials, Accounts, PayloadCipher
from certsvc.services.accounts import Browser, Shown

TOKEN, CHALLENGE = 32, 32
LONGEST_NAME = 100
SIGN_IN, REGISTER, CONFIRM = "sign_in", "register", "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody typed to show who they are."""

    password: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Where a request comes from: its network, the token that the browser has, what the browser calls itself."""

    address: str
    token: str | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What signing in needs."""

    accounts: Accounts
    credentials: AccountCredentials
    cipher: PayloadCipher
    passwords: Passwords
    passkeys: PasskeyChecks

    async def by_password(self, name: str, typed: Typed, visitor: Visitor, now: datetime) -> tuple[str, SignedIn]:
        """Begin a session by name, password and code; its token and who is in it.

        Raises:
            SignInRefused: name, password or code is wrong, or the account is disabled: said alike.
            SignInLocked: there were too many failures.
        """
        return await self.begin(await self.shown_by_password(name, typed, visitor, now), visitor, now)

    async def by_passkey(self, answer: str, visitor: Visitor, now: datetime) -> tuple[str, SignedIn]:
        """Begin a session by what a passkey signed.

        Raises:
            SignInRefused: see `_shown_by_passkey`.
            InvalidInput: it is malformed.
        """
        shown, _ = await self._shown_by_passkey(answer, SIGN_IN, visitor, now)
        return await self.begin(shown, visitor, now)

    async def passkey_options(self, now: datetime) -> Mapping[str, Any]:
        """What a browser is to ask a passkey for, to sign in."""
        challenge = await self.challenge(Challenge(purpose=SIGN_IN), now)
        return self.passkeys.assertion_options(challenge)

    async def signed_in(self, token: str | None, now: datetime) -> SignedIn | None:
        """Who has a token; None where there is none, or its session ended."""
        digest = token_digest(token)
        return None if digest is None else await self.accounts.session(digest, now)

    async def confirm_options(self, signed: SignedIn, digest: bytes, now: datetime) -> Mapping[str, Any]:
        """What a browser is to ask a passkey for, to confirm the act with this digest."""
        known = await self.credentials.passkeys(signed.account)
        challenge = await self.challenge(Challenge(purpose=CONFIRM, account=signed.account, digest=digest), now)
        return self.passkeys.assertion_options(challenge, known)

    async def confirm(
        self, signed: SignedIn, digest: bytes, given: Typed | str, visitor: Visitor, now: datetime
    ) -> Confirmation:
        """Put on record that an act was confirmed by who is signed in: by a password and a code, or by what a passkey
        signed over the challenge made for this very digest. It is used up by the act (`use_confirmation`).

        Raises:
            SignInRefused: what was given is wrong, is for another act, or a password without a code.
            SignInLocked, InvalidInput: see above.
        """
        if isinstance(given, str):
            shown, asked = await self._shown_by_passkey(given, CONFIRM, visitor, now)
            if shown.account != signed.account or asked.digest != digest:
                raise refused_passkey()
        else:
            shown = await self.shown_by_password(signed.name, given, visitor, now)
            if shown.account != signed.account or not shown.method.is_strong:
                raise SignInRefused(
                    "只有密码不能确认这件事：请先在“我的账号”中设置动态码或通行密钥。",
                    "A password alone does not confirm this: set up one-time codes or a passkey first, in your "
                    "account.",
                )
        return await self.accounts.confirm(shown, digest, now)

    async def shown_by_password(self, name: str, typed: Typed, visitor: Visitor, now: datetime) -> Shown:
        """That somebody knows the password of an account, and the code where there are codes; not used up yet.

        Raises:
            SignInRefused, SignInLocked: see `by_password`.
        """
        name = in_one_spelling(name)
        network = self.network(visitor)
        tried = await self.accounts.begin_try(name, self.cipher.look_up(f"sign-in name {name}"), network, now)
        found = tried.found
        kept = found.password if found is not None else None
        is_right = await self.passwords.matches(typed.password[: 2 * LONGEST_PASSWORD], kept)
        step = self._step(found, typed.code, now)
        if found is None or not is_right or (found.totp is not None and step is None):
            await self.accounts.failed(tried, now)
            raise _refused()
        used = None if found.totp is None or step is None else (found.totp.id, step)
        method = Method.PASSWORD if used is None else Method.PASSWORD_TOTP
        return Shown(account=found.account.id, method=method, network=network, totp=used)

    async def challenge(self, what: Challenge, now: datetime) -> bytes:
        """A fresh challenge for a passkey, on record."""
        made = secrets.token_bytes(CHALLENGE)
        await self.credentials.make_challenge(made, what, now)
        return made

    def secret_of(self, totp: SealedTotp) -> bytes:
        """The secret of one-time codes, in clear.

        Raises:
            CustodyError: the key that it is encrypted with is lost.
        """
        return self.cipher.decrypt(totp.sealed, totp_context(totp.account), totp.key_id)

    async def begin(self, shown: Shown, visitor: Visitor, now: datetime) -> tuple[str, SignedIn]:
        """Begin a session of who has shown who they are. It has a token that nobody had before: what a browser brings
        is never taken over.

        Raises:
            SignInRefused: what was shown is used up, or the account is disabled.
        """
        token = secrets.token_urlsafe(TOKEN)
        digest, former = token_digest(token), token_digest(visitor.token)
        if digest is None:
            raise CertsvcError("会话令牌有误。", "The token of the session is wrong.")
        browser = Browser(token=digest, former=former, agent=visitor.agent[:LONGEST_AGENT])
        return token, await self.accounts.begin_session(shown, browser, now)

    async def _shown_by_passkey(
        self, answer: str, purpose: str, visitor: Visitor, now: datetime
    ) -> tuple[Shown, Challenge]:
        """That a passkey signed what it was asked to, and what that was.

        Raises:
            SignInRefused: the challenge is none of ours, was used, is older than five minutes or for something else;
                the passkey is not known; or it did not sign, or its count went back.
        """
        read, passkey_id, challenge = read_answer(answer)
        asked = await self.credentials.use_challenge(challenge, purpose, now)
        passkey = await self.credentials.passkey(passkey_id)
        if asked is None or passkey is None or asked.account not in (None, passkey.account):
            raise refused_passkey()
        try:
            count = self.passkeys.asserted(challenge, read, passkey)
        except PasskeyRefused:
            raise refused_passkey() from None
        network = self.network(visitor)
        shown = Shown(account=passkey.account, method=Method.PASSKEY, network=network, passkey=(passkey.id, count))
        return shown, asked

    def _step(self, found: Credentials | None, code: str, now: datetime) -> int | None:
        if found is None or found.totp is None:
            return None
        return matching_step(self.secret_of(found.totp), code, now, found.totp.last_step)

    def network(self, visitor: Visitor) -> bytes:
        """A keyed hash of where a request comes from."""
        return self.cipher.look_up(f"sign-in address {visitor.address}")


def in_one_spelling(name: str) -> str:
    """A name as it is on record, however it was typed: NFKC, single blanks, and no longer than any."""
    return " ".join(unicodedata.normalize("NFKC", name[: 4 * LONGEST_NAME]).split())[:LONGEST_NAME]


def token_digest(token: str | None) -> bytes | None:
    """By what a session's token is on record; None where it cannot be one."""
    if token is None or not 40 <= len(token) <= 60 or not token.isascii():
        return None
    return hashlib.sha256(token.encode("ascii")).digest()


def totp_context(account: AccountId) -> bytes:
    """What an encrypted secret of codes is bound to."""
    return f"totp {account}".encode()


def refused_passkey() -> SignInRefused:
    """What is said of any passkey that does not open: not why."""
    return SignInRefused(
        "通行密钥没有通过：请再试一次，或用密码和动态码。",
        "The passkey did not open: try again, or use password and code.",
    )


def _refused() -> SignInRefused:
    return SignInRefused(
        "姓名、密码或动态码不对。动态码每个只能用一次；刚用过的，请等下一个。",
        "Name, password or one-time code is wrong. Each code is good once: wait for the next if you just used one.",
    )
