"""Persons who sign in: tries and sessions, what accounts can show, and what they confirm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from certsvc.domain.account import (
    AccountId,
    Challenge,
    Confirmation,
    Credentials,
    Method,
    Passkey,
    SealedTotp,
    Session,
    SignedIn,
)
from certsvc.domain.openid import OpenIdFlow, OpenIdLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try that is counted, before it is known what comes of it: the account, if there is one, and hashes by which it
    and its address are counted."""

    found: Credentials | None
    key: bytes
    network: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How somebody showed who they are. It is used up with what it is for: the step of a code, the count of a
    passkey."""

    account: AccountId
    method: Method
    network: bytes
    totp: tuple[str, int] | None = None
    passkey: tuple[bytes, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """Where a session is to begin: the hash of its token, the hash of the one that the browser has, if any, and what
    the browser calls itself."""

    token: bytes
    former: bytes | None
    agent: str


class Accounts(Protocol):
    """Tries, sessions and confirmations. Every method is one transaction. Raises `RegisterUnavailable`."""

    async def begin_try(self, name: str, unknown: bytes, network: bytes, now: datetime) -> Try:
        """Count a try at a name; `unknown` is what it is counted by where nobody has the name. Raises
        `SignInLocked`."""

    async def failed(self, tried: Try, now: datetime) -> None:
        """Put on record that a try came to nothing; it costs as much where nobody has the name."""

    async def begin_session(self, shown: Shown, browser: Browser, now: datetime) -> SignedIn:
        """Begin a session, in place of the one that the browser has. Raises `SignInRefused`: what was shown is used
        up, or the account was disabled meanwhile."""

    async def accept(self, shown: Shown, now: datetime) -> None:
        """Use up what was shown, for a change of the own account. Raises `SignInRefused`."""

    async def confirm(self, shown: Shown, digest: bytes, now: datetime) -> Confirmation:
        """Put on record that an act was confirmed. Raises `SignInRefused`."""

    async def session(self, token: bytes, now: datetime) -> SignedIn | None:
        """Who has the token with this hash; None when the session ended. That it was used is on record."""

    async def sessions(self, account: AccountId, now: datetime) -> Sequence[Session]:
        """The sessions that hold, the last used first."""

    async def end_session(self, account: AccountId, session: str, why: str, now: datetime) -> bool:
        """End a session of an account; False when it had ended, or is none of this account."""


class AccountCredentials(Protocol):
    """What accounts can show, and what passkeys are to sign. Raises `RegisterUnavailable`."""

    async def credentials(self, account: AccountId) -> Credentials | None:
        """What an account can show; None when it is disabled."""

    async def set_password(self, signed: SignedIn, kept_hash: str, now: datetime) -> None:
        """A password from now on; all other sessions end."""

    async def begin_totp(self, totp: SealedTotp, now: datetime) -> None:
        """Codes that are being set up, in place of any that were."""

    async def pending_totp(self, account: AccountId) -> SealedTotp | None:
        """The codes that are being set up."""

    async def confirm_totp(self, signed: SignedIn, totp: str, step: int, now: datetime) -> bool:
        """They are in force from now on, in place of any that were; False when others are being set up by now."""

    async def passkeys(self, account: AccountId) -> Sequence[Passkey]:
        """The passkeys of an account, the oldest first."""

    async def passkey(self, passkey_id: bytes) -> Passkey | None:
        """A passkey of an account that is not disabled."""

    async def add_passkey(self, signed: SignedIn, passkey: Passkey, now: datetime) -> None:
        """One more. Raises `Conflict`: it is on record already, or there are as many as there may be."""

    async def remove_passkey(self, signed: SignedIn, passkey_id: bytes, now: datetime) -> bool:
        """It opens nothing any more; False when it is none of this account."""

    async def make_challenge(self, challenge: bytes, what: Challenge, now: datetime) -> None:
        """Keep what a passkey is to sign."""

    async def use_challenge(self, challenge: bytes, purpose: str, now: datetime) -> Challenge | None:
        """Take it away; None when it was used, is too old, or is for something else."""


class OpenIdRegister(Protocol):
    """Who is at the provider to sign in, and whose account its subjects are. Raises `RegisterUnavailable`."""

    async def begin_flow(self, flow: OpenIdFlow) -> None:
        """Remember somebody who is sent to the provider."""

    async def take_flow(self, state: bytes, now: datetime) -> OpenIdFlow | None:
        """Take away what is remembered; None when it was used, is too old, or none of ours."""

    async def account_of(self, issuer: str, subject: str) -> AccountId | None:
        """Whose account a subject is; None where nobody linked it, or the account is disabled."""

    async def links(self, account: AccountId) -> Sequence[OpenIdLink]:
        """What an account is linked to."""
