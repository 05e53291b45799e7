"""Made-up lives: acts on days counted from today, and any life at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from life_model import Answer, entry_of, walk

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.life import Event, Ground, Period
from certsvc.ids import Ref

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, LAST = TODAY - 60 * DAY, TODAY + 60 * DAY
CODES = ("commitment", "documents", "other")
FIRSTS = [act for act in Act if ACTS[act].makes is Makes.FIRST]


def do(
    act: str,
    day: int,
    *,
    due: int | None = None,
    code: str | None = None,
    strikes: int | None = None,
    issued: int | None = None,
) -> Event:
    """An act on a day counted from today; `record` gives it its place in the order of recording."""
    act, makes = Act(act), ACTS[Act(act)].makes is not Makes.NOTHING
    return Event(
        ref=Ref(1),
        act=act,
        effective=TODAY + day * DAY,
        recorded_at=NOW,
        actor="test",
        ground=Ground(due=None if due is None else TODAY + due * DAY, reason_code=code),
        strikes=strikes,
        version=Ref(1) if makes else None,
        begins=TODAY + (day if issued is None else issued) * DAY if makes else None,
    )


def record(*acts: Event) -> list[Event]:
    """Acts in the order of recording, a minute apart; a version is called by the number of the act that made it."""
    return [
        replace(
            event,
            id=number,
            recorded_at=NOW + number * timedelta(minutes=1),
            version=Ref(number) if event.version else None,
        )
        for number, event in enumerate(acts, start=1)
    ]


def days_of(told: Sequence[Period]) -> dict[date, Answer | None]:
    """Periods as days; two that hold on one day are refused."""
    days: dict[date, Answer | None] = {}
    for day in (FIRST + n * DAY for n in range((LAST - FIRST).days + 1)):
        holding = [one for one in told if one.start <= day and (one.end is None or day <= one.end)]
        assert len(holding) <= 1, day
        days[day] = None
        for one in holding:
            beside = {(condition.kind.value, condition.since, condition.due) for condition in one.conditions}
            days[day] = Answer(one.status.value, frozenset(beside), one.event.id)
    return days


def versions(events: Sequence[Event]) -> list[Ref]:
    """The versions on record, the oldest first."""
    return [event.version for event in events if event.version is not None]


@st.composite
def any_act(draw: st.DrawFn, events: Sequence[Event]) -> Event:
    """A further act: half of them among those that the state of their day allows, so that lives become long."""
    day = draw(st.integers(-4, 4) | st.integers(-40, 40))
    kind = st.sampled_from(Act)
    if draw(st.booleans()):
        met = walk([entry_of(event) for event in events], TODAY + day * DAY).days.get(TODAY + day * DAY)
        fitting = [act for act, row in ACTS.items() if (met.status if met else None) in row.before]
        kind = st.sampled_from(fitting or FIRSTS)
    act = draw(kind)
    strikable = [event.id for event in events if event.version is None]
    return do(
        act,
        day,
        due=day + draw(st.integers(-2, 12)) if draw(st.booleans()) else None,
        code=draw(st.sampled_from(CODES)),
        strikes=draw(st.sampled_from(strikable)) if act is Act.STRIKE and strikable else None,
        issued=day - draw(st.sampled_from((0, 0, 1, 7))),
    )


@st.composite
def any_life(draw: st.DrawFn) -> list[Event]:
    """A life: issued or moved here, then anything in any order."""
    day, due = draw(st.integers(-40, 5)), draw(st.none() | st.integers(-20, 40))
    events = record(do(draw(st.sampled_from(FIRSTS)), day, due=due))
    for _ in range(draw(st.integers(0, 12))):
        events = record(*events, draw(any_act(events)))
    return events
