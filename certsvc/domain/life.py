"""From events to states: the life of one certificate through all its versions, on any day.

Events rule in the order of the days they take effect, and of being recorded within a day. One that is not allowed from
the state it meets does nothing: a resumption dated after a revocation never brings a certificate back. What was known
at some time is the same computation over the events recorded by then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from certsvc.domain.acts import ACTS, CONDITIONS, Act, Makes, Organ
from certsvc.domain.states import Condition, ConditionKind, Status, named_state, said_state
from certsvc.errors import ActNotAllowed, ChangedMeanwhile
from certsvc.ids import Ref

DAY = timedelta(days=1)
ENDS_BY_ITSELF = ConditionKind.DORMANT
"""歇业 ends with its last day; a condition to check, and a suspension, wait for somebody to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Why an act is done, and on what it rests. `successor` is who takes over: a USCC, or a place transferred to."""

    reason_code: str | None = None
    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None
    due: date | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An act on record. `ref` names the first version and with it the whole life; `version` the one an act made, with
    the day `begins` of its issue. `id` grows in the order of recording and is 0 before."""

    ref: Ref
    act: Act
    effective: date
    recorded_at: datetime
    actor: str
    organ: Organ = Organ.ISSUER
    confirmed_by: str | None = None
    ground: Ground = field(default_factory=Ground)
    retroactive: bool = False
    strikes: int | None = None
    version: Ref | None = None
    begins: date | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What holds at one moment: the state (None before there is one), the conditions beside it, and the event that
    led to the state. A recheck is in `conditions` from the day it was last passed and shows once it is overdue."""

    status: Status | None = None
    conditions: Mapping[ConditionKind, Condition] = field(default_factory=dict)
    event: Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One state over days, both ends included; without `end` until further notice."""

    start: date
    end: date | None
    status: Status
    conditions: tuple[Condition, ...]
    event: Event


@dataclass(frozen=True, slots=True)
class Life:
    """A life told: `steps` are the states from their first days on, `void` the ids of events that did nothing."""

    steps: tuple[tuple[date, State], ...]
    void: frozenset[int]


def standing(events: Iterable[Event]) -> list[Event]:
    """The events that were not struck out, in the order of recording; striking an entry `strike` restores what it
    struck."""
    struck: set[int | None] = set()
    kept = []
    for event in sorted(events, key=lambda event: event.id, reverse=True):
        if event.id in struck:
            continue
        if event.act is Act.STRIKE:
            struck.add(event.strikes)
        kept.append(event)
    return kept[::-1]


def tell(events: Iterable[Event]) -> Life:
    """The life that events make."""
    state, steps, void = State(), [], set()
    for day, event, granted in _moments(events):
        state = _settled(state, day)
        if granted:
            state = replace(state, conditions=_without(state.conditions, ConditionKind.RENEWAL_PENDING))
        elif refusal(event, state) is None:
            state = _after(event, state)
        else:
            void.add(event.id)
            continue
        if state.status is not None:
            steps.append((day, state))
    return Life(tuple(steps), frozenset(void))


def _moments(events: Iterable[Event]) -> list[tuple[date, Event, bool]]:
    """The days on which something happens, in order. A renewal is granted on the day it is issued, which ends every
    wait for a decision at the end of that day, and takes over on the first day of its term."""
    acting = [event for event in standing(events) if event.act is not Act.STRIKE]
    moments = [(event.effective, event, False) for event in acting]
    moments += [(event.begins, event, True) for event in acting if event.act is Act.RENEW and event.begins is not None]
    return sorted(moments, key=lambda moment: (moment[0], moment[2], moment[1].id))


def state_on(life: Life, day: date) -> State:
    """The state at the end of `day`, before versions are told apart; nothing before the first event."""
    state = State()
    for start, step in life.steps:
        if start <= day:
            state = step
    return _settled(state, day)


def refusal(event: Event, state: State) -> str | None:
    """Why an act is not allowed from a state: a code, or None when it is."""
    rule = ACTS[event.act]
    if rule.makes is Makes.FIRST:
        return None if state.status is None else "there_already"
    if event.act is Act.STRIKE:
        return None
    if state.status is None:
        return "not_issued"
    if state.status not in rule.before:
        return "wrong_state"
    cleared, added = _cleared_by(event), _set_by(event)
    if cleared is not None and cleared not in state.conditions and rule.makes is Makes.NOTHING:
        return "no_such_condition"
    return "there_already" if added in state.conditions and added is not ConditionKind.RECHECK_DUE else None


def not_allowed(code: str, event: Event, status: Status | None) -> ActNotAllowed:
    """Why an act is refused, for people: what it met."""
    rule, state = ACTS[event.act], said_state(status)
    words = {
        "not_issued": ("当日还没有签发", "it was not issued by that day"),
        "there_already": ("已经如此", "it is so already"),
        "no_such_condition": ("没有这个条件可解除", "there is no such condition"),
        "wrong_state": (f"当日的状态是{state[0]}", f"its state on that day is {state[1]}"),
    }
    zh, en = words[code]
    return ActNotAllowed(
        f"{event.effective} 不能{rule.zh}：{zh}。", f"On {event.effective} the act “{rule.en}” is not allowed: {en}."
    )


def require_newest(events: Sequence[Event], expects: int | None) -> None:
    """See that the newest event is the one that whoever asks has seen; without one, nothing is asked.

    Raises:
        ChangedMeanwhile: it is another.
    """
    newest = events[-1].id if events else 0
    if expects not in (None, newest):
        raise ChangedMeanwhile(
            f"它在此期间有了变化（最新的登记是 {newest}，不是 {expects}）：请重新读取后再办理。",
            f"It changed meanwhile (its newest entry is {newest}, not {expects}): read it again, then act.",
        )


def before(events: Iterable[Event], new: Event) -> State:
    """The state that a new event, recorded after all the others, will meet."""
    return state_on(tell(events), new.effective)


def status_on(events: Iterable[Event], day: date) -> Status | None:
    """The one word for the state of a life on a day, before versions are told apart; None before there is one."""
    told = _told(tell(events))
    return next((one.status for one in told if one.start <= day and (one.end is None or day <= one.end)), None)


def periods(events: Sequence[Event], version: Ref) -> tuple[Period, ...]:
    """The states of one version, without gap from the day of its issue.

    It has the state of the life it belongs to, until a later version takes over from one that is in force; then it is
    superseded for ever, whatever becomes of the later one.
    """
    life = tell(events)
    made = [event for event in standing(events) if ACTS[event.act].makes is not Makes.NOTHING]
    own = next((event for event in made if event.version == version), None)
    if own is None:
        return ()
    begins = own.begins or own.effective
    later = [event for event in made if event.id > own.id and event.id not in life.void]
    taken_over = min(later, key=lambda event: event.effective, default=None)
    last = taken_over.effective - DAY if taken_over is not None else None
    found = [*_clipped(_told(life), begins, last)]
    if taken_over is not None:
        start = max(taken_over.effective, begins)
        found.append(Period(start=start, end=None, status=Status.SUPERSEDED, conditions=(), event=taken_over))
    return tuple(_joined(found))


def _told(life: Life) -> Iterator[Period]:
    """The periods of a life, cut where a day passes by itself: dormancy ends, a recheck falls due."""
    ends = [*(start - DAY for start, _ in life.steps[1:]), None][: len(life.steps)]
    for (start, state), end in zip(life.steps, ends, strict=True):
        if end is not None and end < start:
            continue  # something else happened later on the same day
        cuts = {condition.due + DAY for condition in state.conditions.values() if condition.due is not None}
        inner = sorted(cut for cut in cuts if start < cut and (end is None or cut <= end))
        for first, following in zip([start, *inner], [*inner, None], strict=True):
            yield _period(state, first, following - DAY if following else end)


def _period(state: State, first: date, last: date | None) -> Period:
    conditions = _settled(state, first).conditions.values()
    shown = tuple(condition for condition in conditions if _shows(condition, first))
    assert state.status is not None, "a step has a state"
    assert state.event is not None, "and the event that led to it"
    return Period(start=first, end=last, status=named_state(state.status, shown), conditions=shown, event=state.event)


def _shows(condition: Condition, day: date) -> bool:
    overdue = condition.due is not None and condition.due < day
    return overdue or condition.kind is not ConditionKind.RECHECK_DUE


def _clipped(told: Iterable[Period], first: date, last: date | None) -> Iterator[Period]:
    told = list(told)
    if told and first < told[0].start:
        first = told[0].start
    for period in told:
        end = period.end if last is None else last if period.end is None else min(period.end, last)
        start = max(period.start, first)
        if end is None or start <= end:
            yield replace(period, start=start, end=end)


def _joined(found: Iterable[Period]) -> Iterator[Period]:
    """Neighbours that say the same are one."""
    before: Period | None = None
    for period in found:
        if before is not None and replace(period, start=before.start) == replace(before, end=period.end):
            before = replace(before, end=period.end)
            continue
        if before is not None:
            yield before
        before = period
    if before is not None:
        yield before


def _settled(state: State, day: date) -> State:
    """The state on a day, after what ends by itself has ended."""
    condition = state.conditions.get(ENDS_BY_ITSELF)
    if condition is None or condition.due is None or day <= condition.due:
        return state
    return replace(state, conditions=_without(state.conditions, ENDS_BY_ITSELF))


def _after(event: Event, state: State) -> State:
    rule = ACTS[event.act]
    conditions = dict(state.conditions)
    if cleared := _cleared_by(event):
        conditions.pop(cleared, None)
    kind = _set_by(event)
    if kind is None and rule.makes is not Makes.NOTHING and event.ground.due is not None:
        kind = ConditionKind.RECHECK_DUE  # the first recheck counts from the issue, and anew from a renewal
    if kind is not None:
        due, basis = event.ground.due, event.ground.legal_basis
        conditions[kind] = Condition(kind=kind, since=event.effective, due=due, basis=basis)
    if rule.after is None:
        return replace(state, conditions=conditions)
    return State(rule.after, conditions, event)


def _set_by(event: Event) -> ConditionKind | None:
    """The condition an act attaches; which one, its row says, or the reason code where there are two."""
    if event.act is Act.ATTACH_CONDITION:
        return CONDITIONS.get(event.ground.reason_code or "")
    return ACTS[event.act].sets


def _cleared_by(event: Event) -> ConditionKind | None:
    if event.act is Act.LIFT_CONDITION:
        return CONDITIONS.get(event.ground.reason_code or "")
    return ACTS[event.act].clears


def _without(conditions: Mapping[ConditionKind, Condition], kind: ConditionKind) -> Mapping[ConditionKind, Condition]:
    return {name: condition for name, condition in conditions.items() if name is not kind}
