"""Rules across fields: terms of whole years with leap days, first and last day, counts, prefixes."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog.rules import CountOf, MostYears, NotBefore, Prefix

DAY = timedelta(days=1)


def within(start: date, last: date, years: int) -> bool:
    """Whether a term, both days counted, lasts at most `years`."""
    rule = MostYears(field="last", start="start", years=years, zh="", en="")
    return rule.holds({"start": start.isoformat(), "last": last.isoformat()})


@pytest.mark.parametrize(
    ("start", "last", "years"),
    [
        ("2024-05-18", "2029-05-17", 5),
        ("2024-01-01", "2028-12-31", 5),
        ("2023-03-01", "2028-02-29", 5),
        ("2024-03-01", "2029-02-28", 5),
        ("2024-02-29", "2029-02-28", 5),
        ("2024-02-29", "2028-02-28", 4),
        ("2023-02-28", "2027-02-27", 4),
        ("2096-02-29", "2100-02-28", 4),
        ("2026-12-31", "2027-12-30", 1),
    ],
)
def test_the_last_day_of_a_term_of_whole_years(start: str, last: str, years: int) -> None:
    first, end = date.fromisoformat(start), date.fromisoformat(last)
    assert within(first, end, years)
    assert not within(first, end + DAY, years)


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)), st.integers(1, 100))
def test_a_term_ends_the_day_before_its_anniversary_and_no_rule_raises(start: date, years: int) -> None:
    length = max(days for days in range(365 * years - 2, 366 * years + 2) if within(start, start + days * DAY, years))
    after = start + (length + 1) * DAY
    assert after.year == start.year + years
    assert (after.month, after.day) in {(start.month, start.day), (3, 1)}


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)), st.integers(-800, 800))
def test_a_term_may_last_one_day_but_not_end_before_it_begins(start: date, days: int) -> None:
    rule = NotBefore(field="last", start="start", zh="", en="")
    payload = {"start": start.isoformat(), "last": (start + days * DAY).isoformat()}
    assert rule.holds(payload) == (days >= 0)


def test_a_number_counts_the_entries_of_a_list() -> None:
    rule = CountOf(field="residents", list="names", zh="", en="")
    assert rule.holds({"residents": 2, "names": ["周桂芳", "周桂芳"]})
    assert not rule.holds({"residents": 3, "names": ["周桂芳", "周志明"]})
    assert rule.others == ("names",)


def test_a_prefix_stands_at_the_beginning() -> None:
    rule = Prefix(field="uscc", value="92", zh="", en="")
    assert rule.holds({"uscc": "92441900MA52DEF10X"})
    assert not rule.holds({"uscc": "91441900MA51ABC088"})
    assert not rule.holds({"uscc": "19244190"})
    assert (rule.code, rule.others) == ("prefix", ())
