"""Dates as printed: Asia/Shanghai calendar dates, both ends included. Instants are UTC and passed in."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum

BEIJING = timezone(timedelta(hours=8), "+08:00")
"""China has kept +08:00 without summer time since 1991; every instant we sign is later."""


class TermState(StrEnum):
    """Answer (c): the term on the day asked."""

    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    OVER = "over"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Term:
    """First and last day of force; no last day means no fixed term (长期 / 无固定期限).

    Raises:
        ValueError: it ends before it starts, or on 9999-12-31, with which other systems mean "no end".
    """

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError("a term ends before it starts")
        if self.end == date.max:
            raise ValueError("a term without end has no last day")  # there is no day after it to expire on

    def state(self, day: date) -> TermState:
        """Where `day` lies: before the term, in it, after it; `none` when it has begun and has no end."""
        if day < self.start:
            return TermState.NOT_YET
        if self.end is None:
            return TermState.NONE
        return TermState.IN_FORCE if day <= self.end else TermState.OVER

    @property
    def expires_at(self) -> datetime | None:
        """The first instant after the term: 00:00 +08:00 of the day after the printed end (claim 4, `exp`)."""
        return None if self.end is None else start_of_day(self.end + timedelta(days=1))


def start_of_day(day: date) -> datetime:
    """00:00 Beijing time of `day`, as a UTC instant."""
    return datetime.combine(day, time(), BEIJING).astimezone(UTC)


def beijing_date(instant: datetime) -> date:
    """The calendar date in China at `instant`."""
    return instant.astimezone(BEIJING).date()


def years_after(day: date, years: int) -> date:
    """The same day `years` later; after 29 February, 1 March where there is no 29th."""
    return months_after(day, 12 * years)


def months_after(day: date, months: int) -> date:
    """The same day `months` later; the first of the next month where the month has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    try:
        return day.replace(year=year, month=month + 1)
    except ValueError:
        return date(year, month + 2, 1)  # no month without a 29th, 30th or 31st is December


def weekdays_before(day: date, count: int) -> date:
    """The day that lies `count` weekdays before `day`. Public holidays are not known here, so that a window counted in
    working days opens and closes later than this by the holidays in it."""
    while count > 0:
        day -= timedelta(days=1)
        count -= day.weekday() < 5
    return day


def weekdays_after(day: date, count: int) -> date:
    """The day that lies `count` weekdays after `day`; holidays are not known here, so it lies before the law's last
    day by the holidays in between, never later."""
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def start_of_quarter(instant: datetime) -> datetime:
    """00:00 Beijing time of the first day of the quarter of `instant`, as a UTC instant."""
    day = beijing_date(instant)
    return start_of_day(date(day.year, (day.month - 1) // 3 * 3 + 1, 1))


def quarter(instant: datetime) -> str:
    """The quarter of `instant` in China, as in the names of status lists and token keys: `2026q4`."""
    day = beijing_date(instant)
    return f"{day.year}q{(day.month + 2) // 3}"
