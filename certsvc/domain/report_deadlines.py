"""By when a report of a problem is answered: promises as data, place by place, counted by the working calendar."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from certsvc.domain.problem_report import ProblemKind
from certsvc.domain.working_days import Due, Hours, WorkingDays, parse_hours
from certsvc.errors import SettingsError

FILE = Path(__file__).resolve().parent / "data" / "report_deadlines.toml"
PROMISE = re.compile(r"at once|([1-9][0-9]?) working (hour|day)s?", re.ASCII)
AREA = re.compile(r"[0-9]{2,6}", re.ASCII)
MOST_AT_ONCE = 240
SUSPICIOUS = frozenset({ProblemKind.LOOKS_FORGED, ProblemKind.QR_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Promise:
    """At once, or after so many working hours or working days."""

    hours: int = 0
    days: int = 0

    @property
    def is_at_once(self) -> bool:
        """Whether it is to be done as soon as anybody is at work."""
        return not (self.hours or self.days)


@dataclass(frozen=True, slots=True)
class Promises:
    """Until the first contact, and until the answer."""

    contact: Promise
    answer: Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What holds in the areas that begin with `area`."""

    area: str
    hours: Hours
    usual: Promises
    suspicious: Promises


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When one report is to be contacted about and answered."""

    contact: Due
    answer: Due

    @property
    def is_known(self) -> bool:
        """Whether every holiday that may lie in between is known."""
        return self.contact.is_known and self.answer.is_known


class ReportDeadlines:
    """The promises of all places, over the working calendar."""

    def __init__(self, places: Sequence[Place], at_once: timedelta, calendar: WorkingDays) -> None:
        """Among `places` is the default, whose `area` is empty."""
        self.places, self.at_once, self.calendar = tuple(places), at_once, calendar

    def place_of(self, area: str | None) -> Place:
        """The place that rules over an area (six digits); the default where there is none of it."""
        fitting = [place for place in self.places if (area or "").startswith(place.area)]
        return max(fitting, key=lambda place: len(place.area))

    def of(self, kind: ProblemKind, area: str | None, opened_at: datetime) -> Deadlines:
        """The deadlines of a report that is made at `opened_at` about something in an area. The answer is never due
        before the contact."""
        place = self.place_of(area)
        promised = place.suspicious if kind in SUSPICIOUS else place.usual
        contact = self._due(promised.contact, place.hours, opened_at)
        answer = self._due(promised.answer, place.hours, opened_at)
        return Deadlines(contact, max(contact, answer, key=lambda due: due.at))

    def _due(self, promise: Promise, hours: Hours, opened_at: datetime) -> Due:
        if promise.days:
            return self.calendar.days_after(opened_at, promise.days, hours)
        lasting = self.at_once if promise.is_at_once else timedelta(hours=promise.hours)
        return self.calendar.time_after(opened_at, lasting, hours)


def load_report_deadlines(calendar: WorkingDays, path: Path = FILE) -> ReportDeadlines:
    """The promises in a file.

    Raises:
        SettingsError: it cannot be read, or a promise, an area or working hours are malformed.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        minutes = table["at_once_minutes"]
        if not isinstance(minutes, int) or not 1 <= minutes <= MOST_AT_ONCE:
            raise ValueError(f"at_once_minutes must be 1 to {MOST_AT_ONCE}")
        places = [_place("", table["default"]), *(_place(_area(each), each) for each in table.get("place", ()))]
        _refuse_doubles(places)
        _refuse_unknown(table, {"at_once_minutes", "default", "place"})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"报告时限文件 {path} 有误：{error!r}", f"The deadlines of reports in {path} are wrong: {error!r}"
        ) from None
    return ReportDeadlines(places, timedelta(minutes=minutes), calendar)


def _place(area: str, table: Mapping[str, Any]) -> Place:
    _refuse_unknown(table, {"area", "hours", "contact", "answer", "suspicious"})
    _refuse_unknown(table["suspicious"], {"contact", "answer"})
    return Place(
        area=area, hours=parse_hours(table["hours"]), usual=_promises(table), suspicious=_promises(table["suspicious"])
    )


def _promises(table: Mapping[str, Any]) -> Promises:
    return Promises(parse_promise(table["contact"]), parse_promise(table["answer"]))


def parse_promise(text: str) -> Promise:
    """A promise from text: `at once`, `1 working hour`, `3 working days`.

    Raises:
        ValueError: it is none.
    """
    found = PROMISE.fullmatch(text)
    if found is None:
        raise ValueError(f"a promise is “at once”, “<n> working hours” or “<n> working days”, not {text!r}")
    count = int(found[1] or 0)
    return Promise(hours=count) if found[2] == "hour" else Promise(days=count)


def _area(table: Mapping[str, Any]) -> str:
    area = table["area"]
    if not AREA.fullmatch(area):
        raise ValueError(f"an area is two to six digits, not {area!r}")
    return str(area)


def _refuse_doubles(places: Sequence[Place]) -> None:
    areas = [place.area for place in places]
    if len(set(areas)) != len(areas):
        raise ValueError("an area stands there twice")


def _refuse_unknown(table: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"nobody knows what {unknown[0]!r} means")
