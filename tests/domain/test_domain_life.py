"""Lives of certificates: periods, against a model that works out every day by itself, and the cases with a name."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from life_model import entry_of, known_by, moot, version_days, walk, would_do_something
from made_up_lives import DAY, FIRST, LAST, NOW, TODAY, any_act, any_life, days_of, do, record, versions

from certsvc.domain.life import Event, before, periods, refusal, state_on, tell
from certsvc.ids import Ref


def words(events: Sequence[Event], version: int = 1) -> list[tuple[str, int, int | None]]:
    """State, first and last day counted from today; the model must say the same of every day and of every version."""
    entries = [entry_of(event) for event in events]
    for ref in versions(events):
        assert days_of(periods(events, ref)) == version_days(entries, ref, FIRST, LAST)
    return [
        (one.status.value, (one.start - TODAY).days, None if one.end is None else (one.end - TODAY).days)
        for one in periods(events, Ref(version))
    ]


# ---- any life ----


@pytest.mark.long
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_life())
def test_every_day_of_every_version_is_as_the_model_says(events: list[Event]) -> None:
    entries = [entry_of(event) for event in events]
    assert tell(events).void ^ walk(entries, LAST).idle <= moot(entries)
    for version in versions(events):
        told = periods(events, version)
        model = version_days(entries, version, FIRST, LAST)
        assert days_of(told) == model
        assert told[0].start == next(day for day, answer in model.items() if answer is not None)
        assert told[-1].end is None
        for one, following in pairwise(told):
            assert one.end is not None and one.start <= one.end and following.start == one.end + DAY
            assert (one.status, one.conditions, one.event) != (following.status, following.conditions, following.event)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_an_act_is_refused_exactly_when_it_would_do_nothing(data: st.DataObject) -> None:
    events = data.draw(any_life())
    *events, new = record(*events, data.draw(any_act(events)))
    entries = [entry_of(event) for event in events]
    refused = refusal(new, before(events, new))
    assert (refused is None) == would_do_something(entries, entry_of(new)) or new.id in moot([*entries, entry_of(new)])
    met, days = before(events, new), walk(entries, LAST).days
    assert met == state_on(tell(events), new.effective)
    assert (met.status and met.status.value) == (days[new.effective].status if new.effective in days else None)


# ---- the cases with a name ----

CASES = {
    "issued and nothing more": ([do("issue", 0)], [("valid", 0, None)]),
    "moved here and nothing more": ([do("transfer_in", -3)], [("valid", -3, None)]),
    "a rescission reaches back to the day of issue": ([do("issue", -9), do("rescind", -9)], [("rescinded", -9, None)]),
    "a rescission reaches back before a closing": (
        [do("issue", -9), do("close", -2), do("rescind", -5)],
        [("valid", -9, -6), ("rescinded", -5, -3), ("closed", -2, None)],
    ),
    "nothing reaches back before the issue": ([do("issue", 0), do("rescind", -1)], [("valid", 0, None)]),
    "a resumption after a revocation never revives": (
        [do("issue", -9), do("suspend", -5), do("resume", 4), do("revoke", 2)],
        [("valid", -9, -6), ("suspended", -5, 1), ("revoked", 2, None)],
    ),
    "a resumption before a revocation is part of the past": (
        [do("issue", -9), do("suspend", -5), do("revoke", 2), do("resume", -1)],
        [("valid", -9, -6), ("suspended", -5, -2), ("valid", -1, 1), ("revoked", 2, None)],
    ),
    "within a day the order of recording rules": (
        [do("issue", 0), do("suspend", 3), do("resume", 3), do("revoke", 3), do("resume", 3)],
        [("valid", 0, 2), ("revoked", 3, None)],
    ),
    "what is closed stays closed": (
        [do("issue", 0), do("close", 1), do("revoke", 2), do("suspend", 3), do("close", 4)],
        [("valid", 0, 0), ("closed", 1, None)],
    ),
    "what ended by a decision is closed afterwards": (
        [do("issue", 0), do("withdraw", 1), do("close", 2)],
        [("valid", 0, 0), ("withdrawn", 1, 1), ("closed", 2, None)],
    ),
    "a transfer out can be cancelled": (
        [do("issue", 0), do("transfer_out", 1), do("cancel_transfer", 5)],
        [("valid", 0, 0), ("transferred_out", 1, 4), ("valid", 5, None)],
    ),
    "an entry struck out was never there": (
        [do("issue", 0), do("revoke", 1), do("resume", 3), do("strike", 9, strikes=2)],
        [("valid", 0, None)],
    ),
    "a strike struck out restores": (
        [do("issue", 0), do("revoke", 1), do("strike", 9, strikes=2), do("strike", 9, strikes=3)],
        [("valid", 0, 0), ("revoked", 1, None)],
    ),
    "a strike gives back what the entry had prevented": (
        [do("issue", 0), do("revoke", 1), do("suspend", 3), do("strike", 0, strikes=2)],
        [("valid", 0, 2), ("suspended", 3, None)],
    ),
    "dormancy ends with its last day": (
        [do("issue", 0), do("go_dormant", 2, due=5)],
        [("valid", 0, 1), ("dormant", 2, 5), ("valid", 6, None)],
    ),
    "dormancy ended in time, and begun anew": (
        [do("issue", 0), do("go_dormant", 2, due=9), do("end_dormancy", 4), do("go_dormant", 6, due=7)],
        [("valid", 0, 1), ("dormant", 2, 3), ("valid", 4, 5), ("dormant", 6, 7), ("valid", 8, None)],
    ),
    "dormancy is not prolonged by a second one": (
        [do("issue", 0), do("go_dormant", 2, due=5), do("go_dormant", 4, due=20)],
        [("valid", 0, 1), ("dormant", 2, 5), ("valid", 6, None)],
    ),
    "a suspension waits for its resumption": (
        [do("issue", 0), do("suspend", 2, due=3)],
        [("valid", 0, 1), ("suspended", 2, None)],
    ),
    "a suspension covers what holds beside": (
        [do("issue", 0), do("go_dormant", 1, due=9), do("suspend", 3), do("resume", 7)],
        [("valid", 0, 0), ("dormant", 1, 2), ("suspended", 3, 6), ("dormant", 7, 9), ("valid", 10, None)],
    ),
    "a recheck is due after its day, until it is passed": (
        [do("issue", 0, due=4), do("recheck", 7, due=9)],
        [("valid", 0, 4), ("recheck_due", 5, 6), ("valid", 7, 9), ("recheck_due", 10, None)],
    ),
    "a condition stays past the day to check it by": (
        [
            do("issue", 0),
            do("attach_condition", 1, due=2, code="commitment"),
            do("lift_condition", 6, code="commitment"),
        ],
        [("valid", 0, 0), ("conditional", 1, 5), ("valid", 6, None)],
    ),
    "lifting one condition leaves the other": (
        [
            do("issue", 0),
            do("attach_condition", 1, due=9, code="commitment"),
            do("attach_condition", 2, due=9, code="documents"),
            do("lift_condition", 4, code="documents"),
        ],
        [("valid", 0, 0), ("conditional", 1, 1), ("conditional", 2, 3), ("conditional", 4, None)],
    ),
    "the word is that of the strongest": (
        [
            do("issue", 0, due=5),
            do("go_dormant", 1, due=12),
            do("attach_condition", 3, due=30, code="documents"),
            do("accept_renewal", 8),
            do("refuse_renewal", 10),
        ],
        [
            *(("valid", 0, 0), ("dormant", 1, 2), ("conditional", 3, 5), ("recheck_due", 6, 7)),
            *(("renewal_pending", 8, 9), ("recheck_due", 10, 12), ("recheck_due", 13, None)),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_life(name: str) -> None:
    acts, expected = CASES[name]
    assert words(record(*acts)) == expected


RENEWED = [do("issue", -20), do("accept_renewal", -5), do("renew", 10, issued=0)]


def test_a_granted_renewal_waits_for_its_day() -> None:
    events = record(*RENEWED)
    assert words(events) == [("valid", -20, -6), ("renewal_pending", -5, -1), ("valid", 0, 9), ("superseded", 10, None)]
    assert words(events, 3) == [("valid", 0, None)]


def test_an_application_granted_on_its_own_day_is_never_pending() -> None:
    events = record(do("issue", -20), do("accept_renewal", 0), do("renew", 10, issued=0))
    assert words(events) == [("valid", -20, 9), ("superseded", 10, None)]


def test_what_was_taken_over_stays_so_whatever_becomes_of_the_later() -> None:
    events = record(*RENEWED, do("revoke", 15))
    assert words(events)[-1] == ("superseded", 10, None)
    assert words(events, 3) == [("valid", 0, 14), ("revoked", 15, None)]
    assert periods(events, Ref(1))[-1].event.version == Ref(3)


def test_a_renewal_takes_over_from_what_is_suspended_and_the_new_version_is_suspended_too() -> None:
    events = record(*RENEWED, do("suspend", 5), do("resume", 12))
    assert words(events)[-2:] == [("suspended", 5, 9), ("superseded", 10, None)]
    assert words(events, list(versions(events))[-1].value)[-2:] == [("suspended", 5, 11), ("valid", 12, None)]


@pytest.mark.parametrize(
    ("act", "word"), [("revoke", "revoked"), ("transfer_out", "transferred_out"), ("close", "closed")]
)
def test_a_renewal_does_not_take_over_from_what_is_not_in_force(act: str, word: str) -> None:
    events = record(*RENEWED, do(act, 5))
    assert words(events)[-2:] == [("valid", 0, 4), (word, 5, None)]
    assert words(events, 3) == [("valid", 0, 4), (word, 5, None)]


def test_a_reissue_takes_over_from_a_suspended_one_and_is_suspended() -> None:
    events = record(do("issue", -9), do("suspend", -5), do("reissue", 0, code="lost"))
    assert words(events) == [("valid", -9, -6), ("suspended", -5, -1), ("superseded", 0, None)]
    assert words(events, 3) == [("suspended", 0, None)]


def test_an_application_after_a_grant_that_came_to_nothing_is_a_new_one() -> None:
    acts = [*RENEWED, do("transfer_out", 8), do("cancel_transfer", 12), do("accept_renewal", 15)]
    events = record(*acts)
    assert refusal(events[-1], before(events[:-1], events[-1])) is None
    assert words(events)[-2:] == [("valid", 12, 14), ("renewal_pending", 15, None)]


def test_what_was_known_is_told_from_what_was_on_record_by_then() -> None:
    events = record(do("issue", -9), do("close", 20), do("rescind", -9))
    entries = [entry_of(event) for event in events]
    told = []
    for minutes in (0, 1, 2, 3):
        instant = NOW + minutes * timedelta(minutes=1)
        known = [event for event in events if event.recorded_at <= instant]
        assert [entry_of(event) for event in known] == known_by(entries, instant)
        told.append([status for status, _, _ in words(known)])
    assert told == [[], ["valid"], ["valid", "closed"], ["rescinded", "closed"]]


def test_a_version_that_nobody_made_has_no_states() -> None:
    assert periods(record(*RENEWED), Ref(77)) == ()
    assert periods([], Ref(1)) == ()
    assert state_on(tell([]), TODAY).status is None


@pytest.mark.parametrize(
    ("act", "day", "code"),
    [
        ("suspend", -1, "not_issued"),
        ("close", -1, "not_issued"),
        ("issue", 1, "there_already"),
        ("transfer_in", 1, "there_already"),
        ("end_dormancy", 1, "no_such_condition"),
        ("refuse_renewal", 1, "no_such_condition"),
        ("accept_renewal", 4, "there_already"),
        ("resume", 2, "wrong_state"),
        ("suspend", 12, "wrong_state"),
        ("issue", -1, None),
        ("strike", -1, None),
        ("suspend", 2, None),
        ("recheck", 2, None),
        ("close", 12, None),
    ],
)
def test_why_an_act_is_refused(act: str, day: int, code: str | None) -> None:
    """Issued today with a recheck due, an application for renewal on the third day, revoked on the tenth."""
    events = record(do("issue", 0, due=9), do("accept_renewal", 3), do("revoke", 10))
    new = record(*events, do(act, day))[-1]
    assert refusal(new, before(events, new)) == code


def test_a_strike_counts_whatever_its_own_day() -> None:
    events = record(do("issue", 0), do("revoke", 1), do("strike", 9, strikes=2))
    new = record(*events, do("suspend", 3))[-1]
    assert refusal(new, before(events, new)) is None
