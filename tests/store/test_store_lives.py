"""Lives on the register: what it says of any day as known at any time, against a model."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
from chosen import some
from embedded_fixture import Database, open_register
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lived import DAY, SECOND, Business, begin, next_version, on_record, request, set_up, stated, try_act, unfinished
from made_up import NOW, TODAY, licence

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.calendar import beijing_date, start_of_day
from certsvc.domain.states import Status
from certsvc.store.register import PostgresRegister

pytest_plugins = ["store_fixtures"]

MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
PERMITS = 20
BEGUN = NOW - 6 * DAY
serials = count(1)

# ---- any lives, any day, known at any time ----


@dataclass(frozen=True)
class Step:
    """Something is done to one of the certificates; days are counted from the day it is done on."""

    which: int
    act: Act
    day: int
    due: int | None
    code: str
    place: int
    passes: str


LIVELY = [act for act, row in ACTS.items() if row.before and (row.after in {None, Status.VALID, Status.SUSPENDED})]
"""Acts after which much else may happen."""

Ask = tuple[int, int, int, timedelta, int | None]

STEPS = st.builds(
    Step,
    which=st.sampled_from([0, 1, 2]) | st.sampled_from(range(PERMITS + 1)),
    act=st.sampled_from([act for act in Act if ACTS[act].makes is not Makes.FIRST]) | st.sampled_from(LIVELY),
    day=st.integers(-2, 2) | st.integers(-12, 12),
    due=st.none() | st.integers(-1, 9),
    code=st.sampled_from(["commitment", "documents", "other"]),
    place=st.integers(0, 9),
    passes=st.sampled_from(["nothing", "a second", "to 23:59:59", "to 00:00:00", "back a minute"]),
)
ASKS = st.tuples(
    st.sampled_from([0, 0, 0, *range(1, 4)]),
    st.integers(0, 9),
    st.integers(0, 99),
    st.sampled_from([-INSTANT, timedelta(), INSTANT]),
    st.none() | st.integers(-14, 14),
)
"""Of which certificate, which version, known at which instant of those on record, on which day (None: its own day)."""


def later(now: datetime, passes: str) -> datetime:
    """The clock after a while; the clocks of those who ask need not agree."""
    midnight = start_of_day(beijing_date(now) + DAY)
    return {
        "nothing": now,
        "a second": now + SECOND,
        "to 23:59:59": midnight - SECOND,
        "to 00:00:00": midnight,
        "back a minute": now - MINUTE,
    }[passes]


async def take(register: PostgresRegister, business: Business, step: Step, now: datetime) -> None:
    """Do it, if it is allowed."""
    lived, today = business.lives[step.which], beijing_date(now)
    due = None if step.due is None else today + (step.day + step.due) * DAY
    if ACTS[step.act].makes is Makes.NEXT:
        over = max(today + abs(step.day) * DAY, *(entry.day for entry in lived.entries if entry.version))
        await next_version(register, lived, step.act, over, now, due)
        return
    struck = lived.entries[step.place % len(lived.entries)].number if step.act is Act.STRIKE else None
    version, _ = lived.versions[step.place % len(lived.versions)]
    day = today + step.day * DAY
    await try_act(register, lived, request(version, step.act, day, now, due=due, code=step.code, strikes=struck))


@pytest.mark.long
@settings(
    max_examples=len(some(range(8))),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEPS, min_size=40, max_size=90), asks=st.lists(ASKS, min_size=30, max_size=60))
def test_any_day_known_at_any_time(database: Database, steps: list[Step], asks: list[Ask]) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            business, now = await set_up(register, next(serials), BEGUN, PERMITS), BEGUN + MINUTE
            for step in steps:
                now = later(now, step.passes)
                await take(register, business, step, now)
            instants = sorted({entry.at for lived in business.lives for entry in lived.entries})
            for which, version, place, shift, day in asks:
                lived = business.lives[which]
                instant = instants[place % len(instants)] + shift
                asked, _ = lived.versions[version % len(lived.versions)]
                today = beijing_date(instant)
                await business.check(reader, asked, today if day is None else today + day * DAY, instant)
            for lived in business.lives:
                assert await on_record(register, lived) == lived.entries
            expected = {
                (entry.number, lived.word_after(place))
                for lived in business.lives
                for place, entry in enumerate(lived.entries)
            }
            assert expected - await stated(database) == set()
            assert await unfinished(database) == 0

    asyncio.run(story())


def test_a_recheck_that_is_not_due_yet_is_no_state(database: Database) -> None:
    """What goes into the log is the state after the act, and a certificate that is to be rechecked one day is valid."""

    async def story() -> set[str]:
        async with open_register(database) as (register, _):
            await begin(register, licence(), NOW, due=TODAY + 90 * DAY)
            return {status for _, status in await stated(database)}

    assert asyncio.run(story()) == {"valid"}


# ---- days begin at 00:00 in China ----


@pytest.mark.long
@pytest.mark.parametrize("shift", [-SECOND, -INSTANT, timedelta(), INSTANT, SECOND])
def test_a_day_begins_at_midnight_in_china(database: Database, shift: timedelta) -> None:
    """A suspension, the end of dormancy, a recheck and a renewal that takes over, each as the day changes."""
    tomorrow = TODAY + DAY
    instant = start_of_day(tomorrow) + shift

    async def story() -> list[str]:
        async with open_register(database) as (register, reader):
            business = await set_up(register, 1, NOW, 4)
            to_suspend, dormant, to_recheck, renewed, _ = business.lives
            await try_act(register, to_suspend, request(to_suspend.ref, Act.SUSPEND, tomorrow, NOW + MINUTE))
            await try_act(register, dormant, request(dormant.ref, Act.GO_DORMANT, TODAY, NOW + MINUTE, due=TODAY))
            await try_act(register, to_recheck, request(to_recheck.ref, Act.RECHECK, TODAY, NOW + MINUTE, due=TODAY))
            await next_version(register, renewed, Act.RENEW, tomorrow, NOW + MINUTE)
            for lived in business.lives:
                for version, _ in lived.versions:
                    await business.check(reader, version, beijing_date(instant), instant)
            first = [lived.versions[0][0] for lived in business.lives]
            gathered = [await reader.gather(ref, beijing_date(instant), instant) for ref in first]
            return [one.certificate.status.value for one in gathered if one]

    today, then = (
        ["valid", "dormant", "valid", "valid", "valid"],
        ["suspended", "valid", "recheck_due", "superseded", "valid"],
    )
    assert asyncio.run(story()) == (today if shift < timedelta() else then)


@pytest.mark.long
@pytest.mark.parametrize("shift", [-SECOND, -INSTANT, timedelta(), SECOND])
def test_a_version_begins_on_its_day_in_china_also_when_told_anew(database: Database, shift: timedelta) -> None:
    """It is reserved as the day changes: PostgreSQL and we name the same day for it."""
    reserved = start_of_day(TODAY + DAY) + shift
    day = TODAY + (shift >= timedelta()) * DAY

    async def story() -> list[list[str]]:
        async with open_register(database) as (register, reader):
            licence = (await set_up(register, 1, BEGUN, 0)).lives[0]
            await next_version(register, licence, Act.RENEW, TODAY + 9 * DAY, reserved)
            told = []
            for act in (None, Act.ACCEPT_RENEWAL):
                if act is not None:
                    await try_act(register, licence, request(licence.ref, act, TODAY + 5 * DAY, reserved + MINUTE))
                days = [await reader.gather(licence.ref, day + n * DAY, reserved + MINUTE) for n in (-1, 0, 1)]
                told.append([one.certificate.status.value for one in days if one])
            assert [event.begins for event in await register.events(licence.ref)] == [beijing_date(BEGUN), day, None]
            return told

    assert asyncio.run(story()) == [["unknown", "valid", "valid"]] * 2
