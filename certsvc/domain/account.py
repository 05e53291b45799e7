"""Accounts: one person each. How long a session lasts, how long to wait after failures, what a strong confirmation is.

A name belongs to one person for ever: seals, decisions and books have it. Sessions are few and short, whoever fails
waits longer each time, and an act that needs more than a session is confirmed by itself: once, for that act alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from certsvc.errors import InvalidInput
from certsvc.ids import new_opaque_id

AccountId = NewType("AccountId", str)
"""`a-` and 100 random bits."""

IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
"""A session ends when nothing was asked for so long, and after so long in any case."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is on record when a session was last used."""

MOST_SESSIONS, MOST_PASSKEYS = 5, 10
CONFIRMED_FOR = timedelta(minutes=5)
CHALLENGE_FOR = timedelta(minutes=5)
"""How long a passkey may take to sign."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
LONGEST_AGENT, LONGEST_PASSKEY_NAME = 100, 60
FREE_TRIES, FREE_TRIES_OF_ADDRESS = 5, 20
"""Tries in a row before the first wait: of one account, and of one address, behind which a whole office may be."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(hours=24)
"""Failures in a row are forgotten when there was none for so long."""

COMMON_PASSWORDS = frozenset(
    (
        "1234567890 0123456789 12345678910 123456789a a123456789 1234567891 0987654321 1111111111 0000000000 1122334455"
        " 1357924680 1234554321 5201314520 5201314521 woaini1314 woaini5201314 woaini520 iloveyou520 iloveyou1314"
        " qwertyuiop qwerty12345 qwerty123456 1qaz2wsx3edc 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4t5 zaq12wsx asdfghjkl123"
        " password12 password123 password1234 passw0rd123 p@ssw0rd123 admin12345 admin123456 administrator changeme123"
        " welcome123 letmein123 iloveyou123 abc1234567 abc123456789 abcd123456 abcde12345 aa12345678 aa123456789"
        " qq123456789 wang123456 zhang123456 test123456 1234567890abc shitang123 yungang123"
    ).split()
)
"""The commonest of ten characters and more; the least length keeps out the others."""

LEAST_DIFFERENT = 5


class Method(StrEnum):
    """How somebody showed who they are."""

    PASSWORD = "password"  # noqa: S105
    PASSWORD_TOTP = "password_totp"  # noqa: S105
    PASSKEY = "passkey"
    OPENID = "openid"

    @property
    def is_strong(self) -> bool:
        """Whether it confirms an act: a passkey that verified its user, or a password and a one-time code."""
        return self in (Method.PASSKEY, Method.PASSWORD_TOTP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person who may sign in."""

    id: AccountId
    name: str
    is_demonstration: bool
    added_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who asks, in which session. `must_change`: somebody else knows the password, and only changing it is open."""

    account: AccountId
    name: str
    session: str
    method: Method
    must_change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as its owner sees it in the list; `agent` says which browser it is, as it said itself."""

    id: str
    method: Method
    agent: str
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime

    def is_alive(self, now: datetime) -> bool:
        """Whether it still holds: neither idle for too long nor too old."""
        return now < self.ends_at and now < self.seen_at + IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey on record: its public half, in the attested credential data (WebAuthn) that it came in."""

    id: bytes
    account: AccountId
    name: str
    credential: bytes
    sign_count: int
    added_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTotp:
    """The secret of one-time codes, encrypted under the data key `key_id` and bound to the account."""

    id: str
    account: AccountId
    sealed: bytes
    key_id: str
    last_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What an account can show: the hash of its password, its one-time codes, its passkeys."""

    account: Account
    password: str | None
    must_change: bool
    totp: SealedTotp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a passkey is to sign: for signing in (nobody is known yet), for being added, or for confirming an act."""

    purpose: str
    account: AccountId | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """That a person confirmed the act with this digest; good once, for `CONFIRMED_FOR`."""

    id: str
    account: AccountId
    name: str
    digest: bytes
    method: Method
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEvent:
    """Something that happened to an account, by whom."""

    act: str
    actor: str
    at: datetime
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAccount:
    """An account with what it can show, for who looks after accounts."""

    account: Account
    has_totp: bool
    passkeys: int
    sessions: int
    locked_until: datetime | None


def new_account_id() -> AccountId:
    """A fresh id of an account."""
    return AccountId(new_opaque_id("a"))


def locked_until(failures: int, free: int, now: datetime) -> datetime | None:
    """Until when nobody is let try after so many failures in a row, of which `free` cost nothing: half a minute first,
    twice as long each time, an hour at most."""
    beyond = failures - free
    if beyond < 0:
        return None
    doublings = min(beyond, 20)
    return now + min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def sessions_to_end(alive: Sequence[Session]) -> Sequence[Session]:
    """Those that make room for one more: the ones that were not used for longest."""
    room = MOST_SESSIONS - 1
    return sorted(alive, key=lambda each: each.seen_at)[: max(0, len(alive) - room)]


def goes_on(stored: int, shown: int) -> bool:
    """Whether the count of a passkey may follow the one on record (WebAuthn 7.2, step 22): it grows, or is not kept at
    all. One that goes back or stands still is that of a copy."""
    return shown > stored or (shown == 0 and stored == 0)


def require_good_password(password: str, name: str) -> None:
    """See that a new password is not one of the first to be tried.

    Raises:
        InvalidInput: it is too short or too long, has blanks around it, contains the account's name, is one of the
            commonest, or has hardly any different characters.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInput(
            f"密码应有 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 个字符，可以用一句话。",
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a sentence will do.",
        )
    if password != password.strip() or not password.isprintable():
        raise InvalidInput(
            "密码前后不能有空格，也不能有看不见的字符。", "A password has no blanks around it and nothing unprintable."
        )
    plain = password.casefold()
    if name.casefold() in plain:
        raise InvalidInput("密码中不能有您的姓名。", "A password does not contain your name.")
    if plain in COMMON_PASSWORDS or len(set(plain)) < LEAST_DIFFERENT:
        raise InvalidInput(
            "这个密码太常见，很快会被猜到，请换一个。", "This password is among the first to be tried: choose another."
        )
