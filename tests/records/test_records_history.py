"""The history of a record: by the times the source speaks of, whatever the order in which its messages arrive."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_desk import HOUR, NOW, catalog, put_form

from certsvc.domain.record import (
    MISSING,
    NATIONAL_CODES,
    ForeignRecord,
    RecordContent,
    RecordVersion,
    ReportedState,
    from_national,
    record_as_of,
    to_national,
    versions_to_add,
)
from certsvc.domain.states import STATES, Status
from certsvc.issuance.records.content import content_of

STATES_TOLD = (ReportedState.VALID, ReportedState.SUSPENDED, ReportedState.REVOKED)
CONTENTS: Sequence[RecordContent] = [replace(content_of(catalog(), put_form()), state=state) for state in STATES_TOLD]
T0 = NOW - 100 * HOUR


@dataclass(frozen=True)
class Put:
    """One record is reported: its content, by number, as of an hour."""

    hour: int
    content: int


@dataclass(frozen=True)
class Listing:
    """All records are listed as of an hour: this one with a content, or not at all."""

    hour: int
    content: int | None


Message = Put | Listing


def instant(hour: int) -> datetime:
    return T0 + hour * HOUR


class Register:
    """One record as the register keeps it: what a list only confirms leaves no version."""

    def __init__(self) -> None:
        self.versions: list[RecordVersion] = []
        self.lists: list[datetime] = []
        self._arrived = NOW

    def take(self, message: Message) -> None:
        self._arrived += timedelta(seconds=1)
        when = instant(message.hour)
        if isinstance(message, Put):
            new = RecordVersion(observed_at=when, received_at=self._arrived, content=CONTENTS[message.content])
            following = min((one for one in self.lists if one > when), default=None)
            self.versions += versions_to_add(self.versions, new, listed_then=when in self.lists, next_list=following)
            return
        self.lists.append(when)
        before = [one for one in self.versions if one.observed_at <= when]
        newest = max((one.observed_at for one in before), default=None)
        known = {one.digest for one in before if one.observed_at == newest}
        content = None if message.content is None else CONTENTS[message.content]
        if not known and content is None:
            return
        listed = RecordVersion(observed_at=when, received_at=self._arrived, content=content)
        if known != {listed.digest} and not (newest == when and listed.digest in known):
            self.versions.append(listed)

    def answer(self, hour: int) -> "tuple[object, ...] | None":
        found = record_as_of("fire", "1", self.versions, instant(hour), self._arrived)
        return None if found is None else summary(found)


def summary(found: ForeignRecord) -> tuple[object, ...]:
    content = None if found.missing_since or found.contradicted else found.content.digest
    return content, found.missing_since, found.contradicted


def told(messages: Iterable[Message], hour: int) -> "tuple[object, ...] | None":
    """What somebody would say who sees all messages at once: the newest statement rules, a list speaks of all."""
    statements: dict[int, set[bytes]] = {}
    for message in messages:
        if message.hour <= hour:
            content = None if message.content is None else CONTENTS[message.content].digest
            statements.setdefault(message.hour, set()).add(MISSING if content is None else content)
    if not any(said - {MISSING} for said in statements.values()):
        return None
    newest = max(statements)
    top = statements[newest]
    if len(top) > 1:
        return None, None, True
    if top != {MISSING}:
        return top.pop(), None, False
    since = newest
    for earlier in sorted(statements, reverse=True):
        if statements[earlier] != {MISSING}:
            break
        since = earlier
    return None, instant(since), False


def orders(messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
    """Every order in which they may arrive: lists only in the order of their times, for an older one is refused."""
    for order in itertools.permutations(messages):
        hours = [one.hour for one in order if isinstance(one, Listing)]
        if hours == sorted(hours):
            yield order


puts = st.builds(Put, hour=st.integers(0, 5), content=st.integers(0, 2))
lists = st.builds(Listing, hour=st.integers(0, 5), content=st.none() | st.integers(0, 2))


@settings(max_examples=300, deadline=None)
@given(st.lists(puts, max_size=4), st.lists(lists, max_size=2, unique_by=lambda one: one.hour))
def test_any_order_of_arrival_gives_the_same_answer(some: list[Put], listings: list[Listing]) -> None:
    messages: list[Message] = [*some, *listings]
    expected = [told(messages, hour) for hour in range(6)]
    for order in orders(messages):
        register = Register()
        for message in order:
            register.take(message)
        assert [register.answer(hour) for hour in range(6)] == expected, order


def test_a_late_change_that_is_older_than_what_is_known_is_kept_in_its_place() -> None:
    register = Register()
    for message in (Put(0, 0), Put(4, 2), Put(2, 1)):
        register.take(message)
    assert [register.answer(hour) for hour in (1, 2, 3, 4)] == [
        (CONTENTS[0].digest, None, False),
        (CONTENTS[1].digest, None, False),
        (CONTENTS[1].digest, None, False),
        (CONTENTS[2].digest, None, False),
    ]


def test_what_was_known_earlier_does_not_change_by_what_came_later() -> None:
    register = Register()
    register.take(Put(0, 0))
    known_at = NOW + timedelta(seconds=1)
    register.take(Put(1, 2))
    then = record_as_of("fire", "1", register.versions, instant(9), known_at)
    now = record_as_of("fire", "1", register.versions, instant(9), NOW + HOUR)
    assert then is not None and now is not None
    assert (then.content.state, now.content.state) == (ReportedState.VALID, ReportedState.REVOKED)


def test_the_same_message_twice_is_one() -> None:
    register = Register()
    for _ in range(2):
        register.take(Put(3, 1))
    assert len(register.versions) == 1


def test_two_statements_of_one_instant_make_the_state_unknown_until_a_newer_one() -> None:
    register = Register()
    for message in (Put(1, 0), Put(1, 2)):
        register.take(message)
    found = record_as_of("fire", "1", register.versions, NOW, NOW + HOUR)
    assert found is not None and found.contradicted and found.known_state is ReportedState.UNKNOWN
    register.take(Put(2, 0))
    assert register.answer(5) == (CONTENTS[0].digest, None, False)


def test_a_record_that_a_list_lacks_keeps_its_last_content_and_no_state() -> None:
    register = Register()
    for message in (Put(0, 0), Listing(3, None)):
        register.take(message)
    found = record_as_of("fire", "1", register.versions, NOW, NOW + HOUR)
    assert found is not None
    assert (found.content, found.missing_since) == (CONTENTS[0], instant(3))
    assert found.known_state is ReportedState.UNKNOWN


# ---- national codes ----


def test_every_national_code_comes_back_as_itself() -> None:
    descriptions: Mapping[str, str] = {"99": "撤回"}
    for code in sorted(NATIONAL_CODES):
        assert to_national(from_national(code, descriptions.get(code))).code == code
    with pytest.raises(KeyError):
        from_national("08")


def test_every_state_of_ours_has_a_national_code_that_means_no_more_than_it() -> None:
    merged = {
        ReportedState.RENEWAL_PENDING: ReportedState.VALID,
        ReportedState.RECHECK_DUE: ReportedState.VALID,
        ReportedState.CONDITIONAL: ReportedState.VALID,
        ReportedState.DORMANT: ReportedState.VALID,
        ReportedState.SUPERSEDED: ReportedState.EXPIRED,
    }
    for state in ReportedState:
        row = to_national(state)
        assert from_national(row.code, row.description) is merged.get(state, state)


def test_a_code_99_without_a_known_description_is_unknown_never_valid() -> None:
    for description in (None, "", "有效", "在办"):
        assert from_national("99", description) is ReportedState.UNKNOWN


def test_our_words_for_reported_states_are_those_of_the_register_and_expired() -> None:
    assert {state.value for state in ReportedState} == {status.value for status in Status} | {"expired"}
    assert {to_national(state).code for state in ReportedState} == {row.code for row in STATES.values()}
