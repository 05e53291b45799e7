"""Web-hooks: where clients want to be told, what is on its way to them, and how often and how long it is tried."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.domain.notice import Notice, message
from certsvc.errors import InvalidIdentifier
from certsvc.ids import OPAQUE_LENGTH, new_opaque_id

FORM = re.compile(r"w-[a-z2-7]{20}", re.ASCII)

DELAYS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long after each failure the next attempt is: eleven attempts over three days, as Standard Webhooks advises."""

JITTER = 0.2
LONGEST_WISH = timedelta(hours=24)
"""A receiver may put off an attempt (Retry-After), but not longer."""

LONGEST_REST = timedelta(minutes=15)
"""How long a receiver that fails is left alone at most: while it fails it gets one delivery at a time."""

PATIENCE = timedelta(days=5)
"""When everything failed for so long, a web-hook is disabled."""

OVERLAP = timedelta(hours=24)
"""How long the old secret signs beside the new one."""

GONE = 410


class HookState(StrEnum):
    """`paused`: its owner holds deliveries back, and none is lost. `disabled`: there are none until it is active."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class DisabledWhy(StrEnum):
    """The receiver said 410; nothing arrived for days; its owner wanted it; its owner may not be told any more."""

    GONE = "gone"
    FAILED = "failed"
    OWNER = "owner"
    NOT_ALLOWED = "not_allowed"


class DeliveryState(StrEnum):
    """How far a delivery has come."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Trouble(StrEnum):
    """Why an attempt got no answer. The words are part of the public interface."""

    ADDRESS = "address_refused"
    NAME = "name_not_found"
    CONNECTION = "no_connection"
    TLS = "tls_failed"
    TIME = "timed_out"
    ANSWER = "answer_malformed"
    KEY = "secret_unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """The secret of a web-hook as it lies in the database: encrypted, bound to the web-hook."""

    sealed: bytes = field(repr=False)
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebHook:
    """Where a client wants to be told, and of which kinds (None: of all). While it fails, `failing_since` says since
    when, `failures` how often in a row, and until `rests_until` it is left alone. For a while after a change of
    secrets, both sign."""

    id: str
    client: str
    url: str
    kinds: frozenset[str] | None
    state: HookState
    made_at: datetime
    secret: SealedSecret
    old_secret: SealedSecret | None = None
    old_secret_until: datetime | None = None
    disabled_why: DisabledWhy | None = None
    failing_since: datetime | None = None
    failures: int = 0
    rests_until: datetime | None = None

    @property
    def context(self) -> bytes:
        """What its secrets are bound to where they lie encrypted."""
        return context_of(self.id)

    def secrets_on(self, now: datetime) -> tuple[SealedSecret, ...]:
        """What signs now."""
        if self.old_secret is None or self.old_secret_until is None or self.old_secret_until <= now:
            return (self.secret,)
        return self.secret, self.old_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRequest:
    """A write of a client: sent twice, it is done once. `digest` is SHA-256 of its content."""

    client: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on its way to one web-hook; without a notice it is a ping. `tries` are the attempts since it was last
    begun, `attempts` all of them."""

    id: int
    hook_id: str
    notice: Notice | None
    state: DeliveryState
    made_at: datetime
    due_at: datetime
    attempts: int = 0
    tries: int = 0
    ended_at: datetime | None = None

    @property
    def kind(self) -> str:
        """The kind of its notice."""
        return "webhook.ping" if self.notice is None else self.notice.kind

    @property
    def message_id(self) -> str:
        """`webhook-id`: the same at every attempt."""
        return f"ping-{self.id}" if self.notice is None else self.notice.message_id

    def body(self) -> bytes:
        """The very bytes that are signed and sent, the same at every attempt."""
        if self.notice is not None:
            said = self.notice.message()
        else:
            said = message(self.message_id, self.kind, self.made_at, {"webhook": self.hook_id})
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an attempt: an HTTP status with the beginning of what was answered, or a trouble."""

    took: timedelta
    status: int | None = None
    trouble: Trouble | None = None
    beginning: str = ""
    retry_after: timedelta | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt on record; one without an answer was broken off, and whether it arrived is not known."""

    delivery_id: int
    number: int
    begun_at: datetime
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An attempt that is on record and not made yet."""

    delivery: Delivery
    number: int


def next_attempt(tries: int, now: datetime, draw: float, wish: timedelta | None = None) -> datetime | None:
    """When a delivery that failed so many times is tried again; None when it was the last time.

    `draw` (0 to 1, at random) spreads attempts over a fifth of the delay; the receiver's `wish` puts it off further.
    """
    if tries > len(DELAYS):
        return None
    delay = DELAYS[tries - 1] * (1 + JITTER * draw)
    return now + max(delay, min(wish or timedelta(), LONGEST_WISH))


def rest(failures: int, now: datetime, wish: timedelta | None = None) -> datetime:
    """Until when a receiver is left alone that failed so many times in a row."""
    delay = min(DELAYS[min(failures, len(DELAYS)) - 1], LONGEST_REST)
    return now + max(delay, min(wish or timedelta(), LONGEST_REST))


def new_hook_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("w")


def context_of(hook_id: str) -> bytes:
    """What the secrets of a web-hook are bound to."""
    return b"webhook " + hook_id.encode("ascii")


def parse_hook_id(text: str) -> str:
    """A web-hook's id from text.

    Raises:
        InvalidIdentifier: it is none.
    """
    if not FORM.fullmatch(text):
        raise InvalidIdentifier(
            f"回调编号应为 w- 加 {OPAQUE_LENGTH} 个小写字母或数字 2–7。",
            f"A web-hook's id is w- and {OPAQUE_LENGTH} small letters or digits 2 to 7.",
        )
    return text
