"""Following a licence by mail: who, for how long, how often, and what a change says. Nothing in it is about persons."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from certsvc.domain.calendar import months_after
from certsvc.errors import InvalidInput
from certsvc.ids import Ref, new_opaque_id

MAIL = "following_mail"
"""The kind of job that sends one mail, by its number."""

CONFIRM_WITHIN = timedelta(hours=24)
MONTHS = 13
REMIND_BEFORE = timedelta(days=30)
BETWEEN_MAILS = timedelta(days=1)
"""What happens within a day after a mail is told in one more."""

COUNTED_FOR = timedelta(days=1)
MOST_BY_ADDRESS, MOST_BY_LICENCE = 3, 50
"""Mails of confirmation in a day: to one address, and about one licence."""

MOST_FOLLOWED, MOST_REFUSALS = 100, 3
"""Licences that one address may follow; mails in a row that its server refuses for ever."""

MOST_CHANGES = 200
"""In one mail; the page has all."""

GIVEN_UP_AFTER, MOST_BROKEN_OFF = timedelta(days=2), 2
KEPT_AFTER_END = timedelta(days=30)
TERM_OVER = "term_over"
SECRET = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
LONGEST, LONGEST_LOCAL = 254, 64


class MailKind(StrEnum):
    """What a mail is for."""

    CONFIRM = "confirm"
    CHANGES = "changes"
    REMIND = "remind"


class Came(StrEnum):
    """What came of a mail."""

    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    NOT_WANTED = "not_wanted"


@dataclass(frozen=True, slots=True)
class MailAddress:
    """An address that mail can be sent to, in ASCII; `key` is the same however it is written."""

    text: str = field(repr=False)

    @property
    def key(self) -> str:
        """For counting and finding: few tell two mailboxes apart by capitals, and nobody is to be written to twice."""
        return self.text.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What lies encrypted with a follower: the address, and the secrets that go out in mails."""

    address: MailAddress
    confirm: str = field(repr=False)
    stop: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to follow, as it goes on record: `sealed` holds the address and the secrets."""

    id: str
    licence: Ref
    address_hash: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    key_id: str
    language: str
    confirm_hash: bytes = field(repr=False)
    stop_hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What may be said of a follower to who has one of its secrets."""

    licence: Ref
    language: str
    is_confirmed: bool
    is_ended: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: of the licence or of what hangs on it (`code`), or of what is applied for (no code). `before` and
    `after` are states; a first issue has none before, and `TERM_OVER` is after a term whose last day is `effective`."""

    type_id: str
    after: str
    before: str | None = None
    act: str | None = None
    code: str | None = None
    effective: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it lies in the database."""
        values = {name: getattr(self, name) for name in ("type_id", "after", "before", "act", "code", "effective")}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail that is to be sent; `address` and secrets are in `sealed`."""

    id: int
    kind: MailKind
    follower: str
    licence: Ref
    licence_type: str
    language: str
    sealed: bytes = field(repr=False)
    key_id: str
    made_at: datetime
    expires_at: datetime
    changes: tuple[Change, ...] = ()


def parse_mail_address(text: str) -> MailAddress:
    """An address as people type it; a host name in other letters is taken in its ASCII form (IDNA).

    Raises:
        InvalidInput: no mail can be sent there, or it is one of the rare forms that are not taken here (quoted, other
            letters before the @, or an IP address).
    """
    local, at, host = text.strip().rpartition("@")
    try:
        ascii_host = host.encode("idna").decode("ascii").lower() if host and len(host) <= LONGEST else ""
    except UnicodeError:
        ascii_host = ""
    labels = ascii_host.split(".")
    good = (
        bool(at)
        and len(local) <= LONGEST_LOCAL
        and LOCAL.fullmatch(local) is not None
        and len(labels) >= 2
        and all(LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
        and len(local) + 1 + len(ascii_host) <= LONGEST
    )
    if not good:
        raise InvalidInput(
            "邮箱地址写法不对，应像 name@example.cn。", "The mail address is malformed: write it like name@example.cn."
        )
    return MailAddress(f"{local}@{ascii_host}")


def new_follower_id() -> str:
    """A fresh id."""
    return new_opaque_id("f")


def new_secret() -> str:
    """A secret for a link: 192 random bits."""
    return secrets.token_urlsafe(24)


def hash_of(secret: str) -> bytes:
    """What is kept of a secret. It is drawn at random, so a plain hash hides it.

    Raises:
        InvalidInput: it is none of ours.
    """
    if not SECRET.fullmatch(secret):
        raise InvalidInput(
            "这个链接不完整：请从邮件里整条复制。", "This link is not complete: copy all of it from the mail."
        )
    return hashlib.sha256(secret.encode("ascii")).digest()


def context_of(follower_id: str) -> bytes:
    """What the content of a follower is bound to when it is encrypted."""
    return b"follower " + follower_id.encode("ascii")


def expiry_after(now: datetime) -> datetime:
    """When following ends that is confirmed now: 13 months later."""
    day = months_after(now.date(), MONTHS)
    return now.replace(year=day.year, month=day.month, day=day.day)
