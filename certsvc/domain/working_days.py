"""Working days in China: weekdays, but for the holidays and the days worked in their stead that the State Council
publishes every year. A year that is not published yet counts its weekdays, and whoever counts through it is told so."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from certsvc.domain.calendar import BEIJING
from certsvc.errors import SettingsError

FOLDER = Path(__file__).resolve().parent / "data" / "working_days"
DAY = timedelta(days=1)
LONGEST_HOLIDAY = 15
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """One year as it was published: the document, the days off, and the weekend days that are worked."""

    document: str
    off: frozenset[date]
    worked: frozenset[date]


@dataclass(frozen=True, slots=True)
class Due:
    """By when; `is_known` tells whether every year that was counted through is published."""

    at: datetime
    is_known: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """The working hours of a day in Beijing time, in order, none within another."""

    spans: tuple[tuple[time, time], ...]

    @property
    def end(self) -> time:
        """When work ends for the day."""
        return self.spans[-1][1]


class WorkingDays:
    """The calendar over the years that are published."""

    def __init__(self, notices: Mapping[int, Notice]) -> None:
        self.notices = notices
        self._off = frozenset(day for notice in notices.values() for day in notice.off)
        self._worked = frozenset(day for notice in notices.values() for day in notice.worked)

    def knows(self, day: date) -> bool:
        """Whether the year of a day is published."""
        return day.year in self.notices

    def is_working(self, day: date) -> bool:
        """Whether a day is worked; in a year that is not published, whether it is a weekday."""
        return day in self._worked or (day.weekday() < SATURDAY and day not in self._off)

    def next_from(self, day: date) -> date:
        """The first working day from `day` on, which may be itself."""
        while not self.is_working(day):
            day += DAY
        return day

    def days_after(self, start: datetime, count: int, hours: Hours) -> Due:
        """The end of work on the `count`th working day after the day of `start`, which does not count itself."""
        first = day = start.astimezone(BEIJING).date()
        for _ in range(count):
            day = self.next_from(day + DAY)
        return Due(datetime.combine(day, hours.end, BEIJING), self._knows_all(first, day))

    def time_after(self, start: datetime, lasting: timedelta, hours: Hours) -> Due:
        """The moment at which so much working time is over, counted from `start`."""
        first = start.astimezone(BEIJING).date()
        left, day = lasting, self.next_from(first)
        while True:
            for begin, end in hours.spans:
                begins = max(start, datetime.combine(day, begin, BEIJING))
                here = datetime.combine(day, end, BEIJING) - begins
                if here > timedelta(0) and left <= here:
                    return Due(begins + left, self._knows_all(first, day))
                left -= max(here, timedelta(0))
            day = self.next_from(day + DAY)

    def _knows_all(self, first: date, last: date) -> bool:
        return all(year in self.notices for year in range(first.year, last.year + 1))


def load_working_days(folder: Path = FOLDER) -> WorkingDays:
    """The calendar from the files `<year>.toml` in a folder.

    Raises:
        SettingsError: a file is no such notice: with its name and what is wrong.
    """
    notices = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            year, table = int(path.stem), tomllib.loads(path.read_text("utf-8"))
            notices[year] = _notice(year, table)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"工作日历 {path} 有误：{error}", f"The calendar {path} is wrong: {error}") from None
    return WorkingDays(notices)


def parse_hours(spans: Sequence[str]) -> Hours:
    """Working hours from spans such as `09:00-12:00`.

    Raises:
        ValueError: there is none, one is malformed or empty, or they are not in order.
    """
    found = tuple(_span(text) for text in spans)
    moments = [moment for span in found for moment in span]
    if not found or any(later <= earlier for earlier, later in pairwise(moments)):
        raise ValueError(f"working hours must be in order, like 09:00-12:00: {list(spans)}")
    return Hours(found)


def _span(text: str) -> tuple[time, time]:
    begin, _, end = text.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def _notice(year: int, table: Mapping[str, Any]) -> Notice:
    document, published = table["document"], table["published"]
    if not isinstance(document, str) or not document or type(published) is not date:
        raise ValueError("`document` and `published` say where it stands")
    off = frozenset(day for holiday in table["holiday"] for day in _days(holiday["first"], holiday["last"]))
    worked = frozenset(day for holiday in table["holiday"] for day in holiday["worked"])
    _require(year, off | worked)
    if weekdays := sorted(day for day in worked if day.weekday() < SATURDAY):
        raise ValueError(f"only days of a weekend are worked in stead of others: {weekdays[0]}")
    if both := sorted(off & worked):
        raise ValueError(f"a day is off and worked: {both[0]}")
    return Notice(document, off, worked)


def _days(first: date, last: date) -> Iterable[date]:
    length = (last - first).days + 1
    if not 1 <= length <= LONGEST_HOLIDAY:
        raise ValueError(f"a holiday lasts 1 to {LONGEST_HOLIDAY} days: {first} to {last}")
    return [first + DAY * number for number in range(length)]


def _require(year: int, days: Iterable[date]) -> None:
    """A notice speaks of its year, and of the days of the year before that its New Year takes in."""
    for day in days:
        if type(day) is not date:  # a date with a time in it is equal to no day
            raise ValueError(f"{day} is not a day")
        if day.year != year and (day.year, day.month) != (year - 1, 12):
            raise ValueError(f"{day} is not of {year}")
