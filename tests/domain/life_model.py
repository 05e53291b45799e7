"""A second opinion on lives: what every version of a certificate is on every day, worked out one day after the other.

Nothing here comes from certsvc.domain.life; of the table of acts only the data in its rows is read. It is slow and
plain on purpose: a dict with an entry per day, and no thought of periods.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from certsvc.domain.acts import ACTS, Act, ActRule, Makes
from certsvc.domain.life import Event

DAY = timedelta(days=1)
RENEWAL, RECHECK, DORMANT = "renewal_pending", "recheck_due", "dormant"
TO_CHECK = ("commitment", "documents")
"""What a reason code attaches or lifts, where the row leaves it open."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the record: `number` is its place in the order of recording, `issued` the day of issue of a version."""

    number: int
    act: Act
    day: date
    at: datetime
    due: date | None = None
    code: str | None = None
    strikes: int | None = None
    version: Hashable = None
    issued: date | None = None


@dataclass(frozen=True)
class Answer:
    """What there is to say of a day: one word, what holds beside it (kind, since, due), the entry that led there."""

    word: str
    beside: frozenset[tuple[str, date, date | None]]
    because: int


@dataclass
class Today:
    """What holds at the end of a day."""

    status: str | None = None
    beside: dict[str, tuple[date, date | None]] = field(default_factory=dict)
    because: int = 0

    def copy(self) -> "Today":
        """The same, to be changed."""
        return Today(self.status, dict(self.beside), self.because)

    def answer(self, day: date) -> Answer | None:
        """The word of the day; None before there is anything."""
        if self.status is None:
            return None
        beside = {
            (kind, since, due)
            for kind, (since, due) in self.beside.items()
            if kind != RECHECK or (due is not None and due < day)
        }
        return Answer(_word(self.status, {kind for kind, _, _ in beside}), frozenset(beside), self.because)


@dataclass
class Walk:
    """All days of a life, and the numbers of the entries that did nothing."""

    days: dict[date, Today]
    idle: set[int]


def entry_of(event: Event) -> Entry:
    """An event of ours as an entry."""
    return Entry(
        number=event.id,
        act=event.act,
        day=event.effective,
        at=event.recorded_at,
        due=event.ground.due,
        code=event.ground.reason_code,
        strikes=event.strikes,
        version=event.version,
        issued=event.begins,
    )


def known_by(entries: Iterable[Entry], instant: datetime) -> list[Entry]:
    """What was on record at an instant."""
    return [entry for entry in entries if entry.at <= instant]


def not_struck(entries: Sequence[Entry]) -> list[Entry]:
    """The entries that count: nobody struck them, or who did was struck."""

    def counts(entry: Entry) -> bool:
        return not any(
            other.act is Act.STRIKE and other.strikes == entry.number and other.number > entry.number and counts(other)
            for other in entries
        )

    return [entry for entry in entries if counts(entry)]


def walk(entries: Sequence[Entry], last: date) -> Walk:
    """Every day from the first on which anything takes effect to `last`."""
    counting = [entry for entry in not_struck(entries) if entry.act is not Act.STRIKE]
    days: dict[date, Today] = {}
    idle: set[int] = set()
    now, day = Today(), min((entry.day for entry in counting), default=last)
    while day <= last:
        now = now.copy()
        granted = any(entry.act is Act.RENEW and entry.issued == day for entry in counting)
        _end_by_itself(now, day, granted)
        for entry in sorted((entry for entry in counting if entry.day == day), key=lambda entry: entry.number):
            if _allowed(entry, now):
                _do(entry, now, day)
                _end_by_itself(now, day, granted)
            else:
                idle.add(entry.number)
        days[day] = now
        day += DAY
    return Walk(days, idle)


def version_days(entries: Sequence[Entry], version: Hashable, first: date, last: date) -> dict[date, Answer | None]:
    """What one version is on each day from `first` to `last`: None until its day of issue."""
    counting = not_struck(entries)
    own = next((entry for entry in counting if entry.version == version and _makes_version(entry)), None)
    told = walk(entries, last)
    found: dict[date, Answer | None] = {}
    day = first
    while day <= last:
        found[day] = None
        if own is not None and day >= (own.issued or own.day) and day in told.days:
            over = [
                (entry.day, entry.number)
                for entry in counting
                if _makes_version(entry) and entry.number > own.number and entry.number not in told.idle
                if entry.day <= day
            ]
            found[day] = Answer("superseded", frozenset(), min(over)[1]) if over else told.days[day].answer(day)
        day += DAY
    return found


def would_do_something(entries: Sequence[Entry], new: Entry) -> bool:
    """Whether a further entry is allowed from the state it meets."""
    return new.number not in walk([*entries, new], new.day).idle


def moot(entries: Iterable[Entry]) -> set[int]:
    """Applications for renewal, and refusals, of the very day on which one is granted: which of them came first on that
    day, and so did something, shows on no day."""
    entries = list(entries)
    granted = {entry.issued for entry in entries if entry.act is Act.RENEW}
    about_renewal = (Act.ACCEPT_RENEWAL, Act.REFUSE_RENEWAL)
    return {entry.number for entry in entries if entry.act in about_renewal and entry.day in granted}


def _makes_version(entry: Entry) -> bool:
    return ACTS[entry.act].makes is not Makes.NOTHING


def _word(status: str, beside: set[str]) -> str:
    if status != "valid":
        return status
    if RENEWAL in beside:
        return "renewal_pending"
    if RECHECK in beside:
        return "recheck_due"
    if "commitment" in beside or "documents" in beside:
        return "conditional"
    return "dormant" if DORMANT in beside else "valid"


def _end_by_itself(now: Today, day: date, granted: bool) -> None:
    _, due = now.beside.get(DORMANT, (None, None))
    if due is not None and due < day:
        del now.beside[DORMANT]
    if granted:
        now.beside.pop(RENEWAL, None)


def _named(entry: Entry, act: Act, row: str | None) -> str | None:
    if entry.act is not act:
        return row
    return entry.code if entry.code in TO_CHECK else None


def _attached(entry: Entry, row: ActRule) -> str | None:
    kind = _named(entry, Act.ATTACH_CONDITION, row.sets)
    return RECHECK if _makes_version(entry) and entry.due is not None else kind


def _allowed(entry: Entry, now: Today) -> bool:
    row = ACTS[entry.act]
    if row.makes is Makes.FIRST:
        return now.status is None
    if now.status not in set(row.before):
        return False
    lifted, attached = _named(entry, Act.LIFT_CONDITION, row.clears), _attached(entry, row)
    if lifted is not None and row.makes is Makes.NOTHING and lifted not in now.beside:
        return False
    return attached == RECHECK or attached not in now.beside


def _do(entry: Entry, now: Today, day: date) -> None:
    row = ACTS[entry.act]
    now.beside.pop(_named(entry, Act.LIFT_CONDITION, row.clears) or "", None)
    if (attached := _attached(entry, row)) is not None:
        now.beside[attached] = (day, entry.due)
    if row.after is not None:
        now.status, now.because = row.after.value, entry.number
