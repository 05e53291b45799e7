"""Terms, quarters and days as they are in China."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.calendar import BEIJING, Term, TermState, beijing_date, quarter, start_of_day

YEAR = Term(date(2026, 3, 1), date(2027, 2, 28))
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (date(2026, 2, 28), TermState.NOT_YET),
        (date(2026, 3, 1), TermState.IN_FORCE),
        (date(2027, 2, 28), TermState.IN_FORCE),
        (date(2027, 3, 1), TermState.OVER),
    ],
)
def test_first_and_last_day_are_days_of_force(day: date, state: TermState) -> None:
    assert YEAR.state(day) is state


def test_a_term_may_be_one_day() -> None:
    day = date(2028, 2, 29)
    assert Term(day, day).state(day) is TermState.IN_FORCE


def test_a_term_without_end_has_none_once_it_has_begun() -> None:
    term = Term(date(2026, 3, 1))
    assert term.state(date(2026, 2, 28)) is TermState.NOT_YET
    assert term.state(date(2026, 3, 1)) is TermState.NONE
    assert term.state(date.max) is TermState.NONE
    assert term.expires_at is None


def test_a_term_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        Term(date(2026, 3, 1), date(2026, 2, 28))


def test_a_last_day_of_9999_12_31_is_refused_because_no_day_follows_it() -> None:
    """Some systems write it for "no end"; the first instant after it has no date."""
    with pytest.raises(ValueError, match="without end"):
        Term(date(2026, 3, 1), date.max)
    assert Term(date(2026, 3, 1), date(9999, 12, 30)).expires_at == datetime(9999, 12, 30, 16, tzinfo=UTC)


def test_exp_is_midnight_in_china_after_the_last_day() -> None:
    assert YEAR.expires_at == datetime(2027, 3, 1, tzinfo=BEIJING) == datetime(2027, 2, 28, 16, tzinfo=UTC)


def test_a_term_ending_on_a_leap_day_expires_on_the_first_of_march() -> None:
    assert Term(date(2028, 1, 1), date(2028, 2, 29)).expires_at == datetime(2028, 3, 1, tzinfo=BEIJING)


@given(days, st.integers(0, 4000))
@settings(deadline=None)
def test_the_second_before_exp_is_in_force_and_exp_is_not(start: date, length: int) -> None:
    term = Term(start, start + timedelta(days=length))
    assert term.expires_at is not None
    assert term.state(beijing_date(term.expires_at - timedelta(seconds=1))) is TermState.IN_FORCE
    assert term.state(beijing_date(term.expires_at)) is TermState.OVER


@given(days)
@settings(deadline=None)
def test_a_day_begins_at_16_00_utc_of_the_day_before(day: date) -> None:
    begins = start_of_day(day)
    assert begins == datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    assert begins.tzinfo is UTC
    assert beijing_date(begins) == day
    assert beijing_date(begins - timedelta(microseconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("instant", "name"),
    [
        (datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC), "2026q3"),
        (datetime(2026, 9, 30, 16, tzinfo=UTC), "2026q4"),
        (datetime(2026, 12, 31, 15, 59, 59, 999_999, tzinfo=UTC), "2026q4"),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), "2027q1"),
        (datetime(2027, 3, 31, 23, 59, tzinfo=BEIJING), "2027q1"),
        (datetime(2027, 4, 1, tzinfo=BEIJING), "2027q2"),
        (datetime(2027, 7, 1, tzinfo=BEIJING), "2027q3"),
    ],
)
def test_a_quarter_begins_and_ends_in_china(instant: datetime, name: str) -> None:
    assert quarter(instant) == name


def test_every_month_lies_in_its_quarter() -> None:
    names = [quarter(datetime(2026, month, 15, tzinfo=UTC))[-1] for month in range(1, 13)]
    assert "".join(names) == "111222333444"
