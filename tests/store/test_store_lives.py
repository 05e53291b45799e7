"""Lives on the register: what it says of any day as known at any time, against the model; nothing twice, nothing half."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count

import asyncpg
import pytest
from embedded_fixture import Database, open_register
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lived import DAY, SECOND, Business, Lived, begin, entry_of, next_version, request, set_up, try_act, word
from made_up import NOW, TODAY, licence, permit

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.calendar import beijing_date, start_of_day
from certsvc.errors import ActNotAllowed, CertsvcError, KeyReused, NotFound
from certsvc.store.register import PostgresRegister

pytest_plugins = ["store_fixtures"]

MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
PERMITS = 20
BEGUN = NOW - 6 * DAY
serials = count(1)

UNFINISHED = """select count(*) from event e where
  (select count(*) from log_leaf l where l.event_id = e.id) <> 1
  or (select count(*) from outbox o where o.event_id = e.id) <> 1
  or (select count(*) from audit a where (a.detail ->> 'event')::bigint = e.id and a.action = e.act) <> 1
  or (select count(*) from act_order a where a.event_id = e.id) <> (e.version_ref is null)::integer
  or not exists (select from status_period p where p.life_ref = e.ref)"""

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


STEPS = st.builds(
    Step,
    which=st.sampled_from([0, 0, 0, 1, 1, 2, 3, *range(4, PERMITS + 1)]),
    act=st.sampled_from([act for act in Act if ACTS[act].makes is not Makes.FIRST]),
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
"""Of which certificate, which version, known at which instant of those on record, on which day (None: the day of it)."""


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


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(STEPS, min_size=40, max_size=90), asks=st.lists(ASKS, min_size=30, max_size=60))
def test_any_day_known_at_any_time(database: Database, steps: list[Step], asks: list[tuple]) -> None:
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
                assert [entry_of(event) for event in await register.events(lived.ref)] == lived.entries
            expected = {
                (entry.number, lived.word_after(place))
                for lived in business.lives
                for place, entry in enumerate(lived.entries)
            }
            assert expected - await stated(database) == set()
            assert await unfinished(database) == 0

    asyncio.run(story())


async def stated(database: Database) -> set[tuple[int, str]]:
    """The state that each event on record says it led to."""
    connection = await asyncpg.connect(database.uri)
    try:
        return {(row["id"], row["status"]) for row in await connection.fetch("select id, status from event")}
    finally:
        await connection.close()


async def unfinished(database: Database) -> int:
    """How many events have not exactly one leaf, one line for others, one line of the audit, and their order."""
    connection = await asyncpg.connect(database.uri)
    try:
        found: int = await connection.fetchval(UNFINISHED)
        return found
    finally:
        await connection.close()


def test_a_recheck_that_is_not_due_yet_is_no_state(database: Database) -> None:
    """What goes into the log is the state after the act, and a certificate that is to be rechecked one day is valid."""

    async def story() -> set[str]:
        async with open_register(database) as (register, _):
            await begin(register, licence(), NOW, due=TODAY + 90 * DAY)
            return {status for _, status in await stated(database)}

    assert asyncio.run(story()) == {"valid"}
