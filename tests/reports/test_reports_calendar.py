"""The working calendar as the State Council publishes it, and the deadlines that are counted by it."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.calendar import BEIJING
from certsvc.domain.problem_report import ProblemKind
from certsvc.domain.report_deadlines import FILE, ReportDeadlines, load_report_deadlines, parse_promise
from certsvc.domain.working_days import FOLDER, Hours, WorkingDays, load_working_days, parse_hours
from certsvc.errors import SettingsError

CALENDAR = load_working_days()
DEADLINES = load_report_deadlines(CALENDAR)
HOURS = parse_hours(["08:30-12:00", "14:30-17:30"])
YUNSHAN, ELSEWHERE = "441900", "110000"
DAY = timedelta(days=1)


def instants(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Any instant between two days."""
    ends = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return st.datetimes(*ends, timezones=st.just(UTC))


IN_KNOWN_YEARS, WHENEVER = instants("2025-01-01", "2026-11-30"), instants("2020-01-01", "2040-01-01")


def beijing(text: str) -> datetime:
    """An instant by the clock in Beijing."""
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


def test_the_years_on_record_are_those_of_the_notices() -> None:
    assert {year: notice.document for year, notice in CALENDAR.notices.items()} == {
        2025: "国办发明电〔2024〕12号",
        2026: "国办发明电〔2025〕7号",
    }
    assert [len(CALENDAR.notices[year].off) for year in (2025, 2026)] == [28, 33]
    assert [len(CALENDAR.notices[year].worked) for year in (2025, 2026)] == [5, 6]


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 2, 14), True),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 16), False),  # a Monday of it
        (date(2026, 2, 24), True),
        (date(2026, 9, 20), True),  # a Sunday worked for the National Day
        (date(2026, 10, 8), True),
        (date(2026, 11, 28), False),  # a Saturday as others
        (date(2025, 10, 8), False),
        (date(2025, 10, 11), True),
    ],
)
def test_a_day_is_worked_as_published(day: date, worked: bool) -> None:
    assert CALENDAR.is_working(day) is worked


@pytest.mark.parametrize(
    ("kind", "area", "opened", "contact", "answer"),
    [
        ("data_wrong", YUNSHAN, "2026-11-27 10:00", "2026-11-27 11:00", "2026-12-01 17:30"),
        ("data_wrong", YUNSHAN, "2026-11-27 11:30", "2026-11-27 15:00", "2026-12-01 17:30"),  # over lunch
        ("data_wrong", YUNSHAN, "2026-11-27 17:00", "2026-11-30 09:00", "2026-12-01 17:30"),  # over a weekend
        ("data_wrong", YUNSHAN, "2026-09-30 17:00", "2026-10-08 09:00", "2026-10-09 17:30"),  # over the National Day
        ("data_wrong", ELSEWHERE, "2026-02-13 10:00", "2026-02-14 17:00", "2026-02-27 17:00"),  # a worked Saturday
        ("looks_forged", YUNSHAN, "2026-11-27 10:00", "2026-11-27 10:30", "2026-12-01 17:30"),
        ("looks_forged", YUNSHAN, "2026-11-28 23:00", "2026-11-30 09:00", "2026-12-01 17:30"),
        ("qr_elsewhere", ELSEWHERE, "2026-11-27 10:00", "2026-11-27 10:30", "2026-12-02 17:00"),
        ("other", ELSEWHERE, "2026-11-27 10:00", "2026-11-30 17:00", "2026-12-04 17:00"),
    ],
)
def test_a_deadline_falls_as_counted_by_hand(kind: str, area: str, opened: str, contact: str, answer: str) -> None:
    due = DEADLINES.of(ProblemKind(kind), area, beijing(opened))
    assert (due.contact.at, due.answer.at) == (beijing(contact), beijing(answer))
    assert due.is_known


def test_a_year_that_is_not_published_counts_weekdays_and_says_so() -> None:
    due = DEADLINES.of(ProblemKind.OTHER, None, beijing("2026-12-31 10:00"))
    assert due.contact.at == beijing("2027-01-01 17:00")  # a holiday of a year that nobody has published yet
    assert not due.is_known
    assert DEADLINES.of(ProblemKind.OTHER, None, beijing("2026-12-01 10:00")).is_known


@given(WHENEVER, st.integers(1, 12))
def test_so_many_working_days_lie_between_and_none_is_a_day_off(start: datetime, count: int) -> None:
    due = CALENDAR.days_after(start, count, HOURS)
    first, last = start.astimezone(BEIJING).date(), due.at.astimezone(BEIJING).date()
    between = [first + DAY * number for number in range(1, (last - first).days + 1)]
    assert sum(map(CALENDAR.is_working, between)) == count
    assert CALENDAR.is_working(last) and due.at > start
    assert due.is_known is all(year in (2025, 2026) for year in range(first.year, last.year + 1))


@given(WHENEVER, st.timedeltas(timedelta(minutes=1), timedelta(hours=40)))
def test_so_much_working_time_lies_between(start: datetime, lasting: timedelta) -> None:
    due = CALENDAR.time_after(start, lasting, HOURS)
    assert worked_between(start, due.at, HOURS) == lasting
    assert CALENDAR.is_working(due.at.astimezone(BEIJING).date())


@given(WHENEVER, st.timedeltas(timedelta(0), timedelta(days=9)), st.integers(1, 5))
def test_who_reports_later_is_never_owed_earlier(start: datetime, later: timedelta, count: int) -> None:
    assert CALENDAR.days_after(start, count, HOURS).at <= CALENDAR.days_after(start + later, count, HOURS).at
    hour = timedelta(hours=count)
    assert CALENDAR.time_after(start, hour, HOURS).at <= CALENDAR.time_after(start + later, hour, HOURS).at


@given(st.sampled_from(ProblemKind), st.sampled_from([YUNSHAN, ELSEWHERE, None]), IN_KNOWN_YEARS)
def test_the_answer_is_never_due_before_the_contact_or_the_report(
    kind: ProblemKind, area: str | None, opened: datetime
) -> None:
    due = DEADLINES.of(kind, area, opened)
    assert opened < due.contact.at <= due.answer.at


def worked_between(start: datetime, end: datetime, hours: Hours) -> timedelta:
    """Working time between two instants, minute spans added up day by day."""
    day, total = start.astimezone(BEIJING).date(), timedelta(0)
    while day <= end.astimezone(BEIJING).date():
        for begin, until in hours.spans if CALENDAR.is_working(day) else ():
            first = max(start, datetime.combine(day, begin, BEIJING))
            last = min(end, datetime.combine(day, until, BEIJING))
            total += max(timedelta(0), last - first)
        day += DAY
    return total


# ---- data that is wrong is refused, with its file ----

NOTICE = 'document = "国办发明电〔2026〕9号"\npublished = 2026-11-03\n'
HOLIDAY = '[[holiday]]\nname = "元旦"\nfirst = {first}\nlast = {last}\nworked = [{worked}]\n'


@pytest.mark.parametrize(
    ("first", "last", "worked"),
    [
        ("2027-01-03", "2027-01-01", ""),
        ("2027-01-01", "2027-02-01", ""),
        ("2028-01-01", "2028-01-01", ""),
        ("2026-11-01", "2026-11-01", ""),
        ("2027-01-01", "2027-01-03", "2027-01-04"),  # a Monday
        ("2027-01-01", "2027-01-03", "2027-01-02"),  # off and worked
        ('"2027-01-01"', '"2027-01-03"', ""),
    ],
)
def test_a_notice_that_cannot_be_is_refused(tmp_path: Path, first: str, last: str, worked: str) -> None:
    path = tmp_path / "2027.toml"
    path.write_text(NOTICE + HOLIDAY.format(first=first, last=last, worked=worked), "utf-8")
    with pytest.raises(SettingsError, match=r"2027\.toml"):
        load_working_days(tmp_path)


def test_a_notice_that_can_be_is_taken(tmp_path: Path) -> None:
    text = NOTICE + HOLIDAY.format(first="2027-01-01", last="2027-01-03", worked="2026-12-27")
    (tmp_path / "2027.toml").write_text(text, "utf-8")
    found = load_working_days(tmp_path)
    assert not found.is_working(date(2027, 1, 1)) and found.is_working(date(2026, 12, 27))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at_once_minutes = 30", "at_once_minutes = 0"),
        ('contact = "1 working hour"', 'contact = "soon"'),
        ('contact = "1 working hour"', 'contact = "0 working hours"'),
        ('area = "441900"', 'area = "东莞"'),
        ('area = "441900"', 'area = ""'),
        ('hours = ["08:30-12:00", "14:30-17:30"]', 'hours = ["14:30-17:30", "08:30-12:00"]'),
        ('hours = ["08:30-12:00", "14:30-17:30"]', "hours = []"),
        ("[place.suspicious]", "[place.suspected]"),
        ("[default.suspicious]", "[default.other]"),
        ("[[place]]", '[[place]]\nhurry = "yes"'),
    ],
)
def test_deadlines_that_nobody_can_keep_are_refused(tmp_path: Path, old: str, new: str) -> None:
    text = FILE.read_text("utf-8")
    assert old in text
    path = tmp_path / "deadlines.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(SettingsError, match=r"deadlines\.toml"):
        load_report_deadlines(CALENDAR, path)


def test_an_area_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8")
    path = tmp_path / "deadlines.toml"
    path.write_text(text + text[text.index("[[place]]") :], "utf-8")
    with pytest.raises(SettingsError, match="twice"):
        load_report_deadlines(CALENDAR, path)


def test_the_longest_area_rules_and_a_place_without_data_has_the_default(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8").replace('area = "441900"', 'area = "44"')
    narrower = text[text.index("[[place]]") :].replace('area = "44"', 'area = "4419"').replace("2 working", "3 working")
    path = tmp_path / "deadlines.toml"
    path.write_text(text + narrower, "utf-8")
    found: ReportDeadlines = load_report_deadlines(CALENDAR, path)
    assert [found.place_of(area).area for area in (YUNSHAN, "440300", ELSEWHERE, None)] == ["4419", "44", "", ""]


def test_a_place_that_promises_the_answer_before_the_contact_owes_both_at_once(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8").replace('contact = "1 working day"', 'contact = "9 working days"', 1)
    path = tmp_path / "deadlines.toml"
    path.write_text(text, "utf-8")
    due = load_report_deadlines(CALENDAR, path).of(ProblemKind.OTHER, ELSEWHERE, beijing("2026-11-02 10:00"))
    assert due.contact.at == due.answer.at == beijing("2026-11-13 17:00")


def test_promises_are_read_as_they_are_written() -> None:
    assert parse_promise("at once").is_at_once
    assert (parse_promise("1 working hour").hours, parse_promise("3 working days").days) == (1, 3)


def test_a_calendar_of_no_year_knows_weekends_alone() -> None:
    nothing = WorkingDays({})
    assert nothing.is_working(date(2026, 10, 1)) and not nothing.is_working(date(2026, 10, 4))
    assert not nothing.knows(date(2026, 10, 1))
    assert nothing.days_after(beijing("2026-10-01 10:00"), 1, Hours(((time(9), time(17)),))).is_known is False


def test_every_file_of_the_calendar_is_a_year() -> None:
    assert {int(path.stem) for path in FOLDER.glob("*.toml")} == set(CALENDAR.notices)
