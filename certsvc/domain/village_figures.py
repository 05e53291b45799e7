"""What happened in villages, counted: by organ and by kind of proof, in a period of days, and nothing about persons.

Durations are counted in classes whose bounds are round, so that "half took less than two days" is true as it is said,
and counts of many villages are added up without asking for their requests again. Time is that of the clock: nights and
holidays are in it, because that is how long the resident waited.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from fractions import Fraction
from itertools import accumulate
from operator import sub
from typing import NewType

from certsvc.domain.organ import Organ
from certsvc.domain.proof_request import Turn
from certsvc.errors import InvalidInput, Problem
from certsvc.ids import Uscc

ANY_KIND, NO_CATALOGUE = "", "-"
"""As kinds: all of them together; what no catalogue has."""

HALF, NINE_TENTHS = Fraction(1, 2), Fraction(9, 10)
LONGEST_PERIOD = timedelta(days=3653)

Scope = NewType("Scope", str)
"""Whose acts are counted together: an organ (its USCC), a town with its villages, or a city. The database has the same
(`proof_scopes`)."""

MINUTE, HOUR, DAY = 60, 3600, 86_400
BOUNDS = (
    *(1, 5, 10, 30),
    *(n * MINUTE for n in (1, 5, 10, 30)),
    *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)),
    *(DAY, DAY * 3 // 2),
    *(n * DAY for n in (2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90)),
)
"""Seconds where a class of durations ends; the last class has no end. The database has the same (`proof_place`)."""


def organ_scope(organ: Organ) -> Scope:
    """An organ alone."""
    return Scope(organ.uscc)


def town_scope(organ: Organ) -> Scope:
    """An organ's town with all its villages; what belongs to no town stands for itself."""
    return Scope(f"{organ.town or organ.uscc}+")


def city_scope(organ: Organ) -> Scope:
    """Everything in an organ's city: the first four digits of its area."""
    return Scope(organ.area[:4])


class Count(IntEnum):
    """What is counted, and where it stands in `Counts.numbers`. Asked for is what was opened and what was refused at
    the counter; issued late is what was sealed after its last day, and is issued as well."""

    ASKED = 0
    REFUSED = 1
    RETURNED = 2
    ISSUED = 3
    ISSUED_LATE = 4
    WITHDRAWN = 5
    CANCELLED = 6


class Measure(IntEnum):
    """Which duration: from submitted to approved, from approved to sealed, from opened to sealed."""

    APPROVAL = 0
    SEALING = 1
    WHOLE = 2


CLASSES = len(BOUNDS) + 1
PLACES = len(Count) + len(Measure) * CLASSES


@dataclass(frozen=True, slots=True)
class Took:
    """A share of them took less than so many seconds; None: not even less than the last bound."""

    below: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of one organ, or of one kind, in a period."""

    numbers: tuple[int, ...]

    def of(self, count: Count) -> int:
        """How often it happened."""
        return self.numbers[count]

    def took(self, measure: Measure, share: Fraction) -> Took | None:
        """How long at least that share of them took at most; None where none was done."""
        start = len(Count) + measure * CLASSES
        reached = [*accumulate(self.numbers[start : start + CLASSES])]
        if not reached[-1]:
            return None
        wanted = -(-reached[-1] * share.numerator // share.denominator)  # rounded up, in whole numbers
        place = bisect_left(reached, wanted)
        return Took(BOUNDS[place] if place < len(BOUNDS) else None)


NOTHING = Counts((0,) * PLACES)


def added(many: Iterable[Counts]) -> Counts:
    """All of them together."""
    return Counts(tuple(map(sum, zip(NOTHING.numbers, *(one.numbers for one in many), strict=True))))


def between(until: Sequence[int] | None, before: Sequence[int] | None, since: Iterable[Sequence[int]]) -> Counts:
    """What happened in a period: `until` counts all until its end, `before` all before it, and `since` holds the places
    of what is not added up yet; places count from 1, as the database does."""
    numbers = list(until or NOTHING.numbers)
    if before:
        numbers = [*map(sub, numbers, before)]
    for places in since:
        for place in places:
            numbers[place - 1] += 1
    return Counts(tuple(numbers))


@dataclass(frozen=True, slots=True)
class Days:
    """A period; both days are included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """How many open requests are past their last day, and the earliest of those days."""

    number: int
    oldest: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRequest:
    """An open request past its last day; whose turn it is, and nothing about who asks."""

    id: str
    organ: Uscc
    kind: str
    due: date
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a table: an organ (`organ`), or a kind of proof (`kind`); `late` are open past their last day now,
    since `oldest`."""

    counts: Counts
    organ: Organ | None = None
    kind: str = ANY_KIND
    late: int = 0
    oldest: date | None = None


def month_of(day: date) -> Days:
    """The month of a day, as far as it has come."""
    return Days(day.replace(day=1), day)


def month_before(day: date) -> Days:
    """The whole month before that of a day."""
    last = day.replace(day=1) - timedelta(days=1)
    return Days(last.replace(day=1), last)


def require_days(first: date, last: date, today: date) -> Days:
    """A period of days that are over or today.

    Raises:
        InvalidInput: it ends before it begins, is longer than ten years, or begins after today.
    """
    if first > today:
        raise _wrong("from", "开始日期在今天之后。", "The first day is after today.")
    if last < first:
        raise _wrong("to", "结束日期早于开始日期。", "The last day is before the first.")
    if last - first > LONGEST_PERIOD:
        raise _wrong("from", "一次最多统计十年。", "A period has ten years at most.")
    return Days(first, min(last, today))


def late_first(line: Line) -> tuple[object, ...]:
    """The order of lines: who is late comes first, the most and the oldest; then who was asked most."""
    asked = line.counts.of(Count.ASKED)
    return -line.late, line.oldest or date.max, -asked, line.organ.uscc if line.organ else line.kind


def _wrong(field: str, zh: str, en: str) -> InvalidInput:
    return InvalidInput(zh, en, problems=[Problem(field, "days", zh, en)])
