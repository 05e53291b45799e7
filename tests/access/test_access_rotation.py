"""One set of keys follows another: nothing comes back, nothing is named twice, and somebody can always sign."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.client import (
    MOST_KEYS,
    ClientKey,
    ClientKind,
    new_client_id,
    parse_client_id,
    parse_scopes,
    rotation,
)
from certsvc.errors import InvalidIdentifier, InvalidInput

NOW = datetime(2026, 11, 26, tzinfo=UTC)
WEEK, NONE = timedelta(days=7), timedelta(0)


def key(name: str, not_after: datetime | None = None) -> ClientKey:
    """A made-up key whose thumbprint follows from its name."""
    return ClientKey(
        kid=name,
        thumbprint=name.encode().ljust(32),
        jwk="{}",
        not_before=NOW - timedelta(days=99),
        not_after=not_after,
    )


def after(known: list[ClientKey], given: list[ClientKey], now: datetime, overlap: timedelta) -> list[ClientKey]:
    """The keys on record after a rotation."""
    changed = rotation(known, given, now, overlap)
    kept = [replace(each, not_after=changed.ended.get(each.kid, each.not_after)) for each in known]
    return [*kept, *changed.added]


def test_the_old_key_ends_after_the_overlap_and_the_new_one_vouches_at_once() -> None:
    old, new = after([key("old")], [key("new")], NOW, WEEK)
    assert (old.not_after, new.not_before, new.not_after) == (NOW + WEEK, NOW, None)
    assert old.vouches(NOW) and new.vouches(NOW)
    assert not old.vouches(NOW + WEEK)


def test_without_overlap_the_old_key_is_out_at_once() -> None:
    old, new = after([key("old")], [key("new")], NOW, NONE)
    assert not old.vouches(NOW) and new.vouches(NOW)


def test_a_key_that_is_given_again_stays_as_it_is() -> None:
    assert rotation([key("old")], [key("old")], NOW, WEEK) == rotation([key("old")], [key("old")], NOW, NONE)
    known = after([key("old")], [key("old"), key("new")], NOW, WEEK)
    assert [each.not_after for each in known] == [None, None]


def test_an_end_comes_sooner_and_never_later() -> None:
    known = after([key("old")], [key("new")], NOW, WEEK)
    assert after(known, [key("new")], NOW, 2 * WEEK) == known
    assert after(known, [key("new")], NOW, timedelta(days=1))[0].not_after == NOW + timedelta(days=1)
    assert after(known, [key("new")], NOW + WEEK, NONE) == known


@pytest.mark.parametrize("later", [NONE, WEEK, 2 * WEEK])
def test_a_key_that_was_given_an_end_does_not_come_back(later: timedelta) -> None:
    known = after([key("old")], [key("new")], NOW, WEEK)
    with pytest.raises(InvalidInput, match="not taken back"):
        rotation(known, [key("old"), key("new")], NOW + later, WEEK)


def test_a_kid_is_never_another_keys() -> None:
    with pytest.raises(InvalidInput, match="kid old is not as on record"):
        rotation([key("old")], [replace(key("new"), kid="old")], NOW, WEEK)


def test_a_key_has_no_second_kid() -> None:
    with pytest.raises(InvalidInput, match="kid again is not as on record"):
        rotation([key("old")], [replace(key("old"), kid="again")], NOW, WEEK)


def test_keys_that_vouch_at_once_have_a_limit_and_ended_ones_do_not_count() -> None:
    known = [key(f"k{number}") for number in range(MOST_KEYS)]
    with pytest.raises(InvalidInput, match="--overlap 0"):
        rotation(known, [key("new")], NOW, WEEK)
    assert len(rotation(known, [key("new")], NOW, NONE).ended) == MOST_KEYS


NAMES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True)
STEPS = st.lists(st.tuples(NAMES, st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=6)


@given(STEPS)
def test_whatever_follows_whatever_the_promises_hold(steps: list[tuple[list[str], int, int]]) -> None:
    known, now = [key("a")], NOW
    for names, overlap, wait in steps:
        now += timedelta(days=wait)
        try:
            then = after(known, [key(name) for name in names], now, timedelta(days=overlap))
        except InvalidInput:
            continue
        ends = {each.kid: each.not_after for each in known}
        for each in then:
            end = ends.get(each.kid)
            assert end is None or (each.not_after is not None and each.not_after <= end)
        vouching = {each.kid for each in then if each.vouches(now)}
        assert set(names) <= vouching
        assert len(vouching) <= MOST_KEYS
        assert len({each.kid for each in then}) == len(then)
        assert after(then, [key(name) for name in names], now, timedelta(days=overlap)) == then
        known = then


# ---- ids and scopes ----


def test_ids_are_read_as_they_are_drawn_and_never_the_same() -> None:
    drawn = [new_client_id() for _ in range(200)]
    assert [parse_client_id(each) for each in drawn] == drawn
    assert len(set(drawn)) == 200


@pytest.mark.parametrize(
    "text", ["", "c-", "c-" + "a" * 19, "c-" + "a" * 21, "C-" + "a" * 20, "c-" + "A" * 20, "c-" + "1" * 20]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_client_id(text)


def test_scopes_may_stand_in_one_text_or_in_several() -> None:
    wanted = {"issue:food-business", "read:*:*:4419"}
    for texts in (
        ["issue:food-business read:*:*:4419"],
        ["issue:food-business:*", "read:*:*:4419"],
        [*wanted, *wanted],
    ):
        assert parse_scopes(texts, ClientKind.SYSTEM) == wanted


@pytest.mark.parametrize("scope", ["approve:*", "approve:food-business:market", "issue:* approve:*:*:44"])
def test_a_machine_cannot_approve(scope: str) -> None:
    with pytest.raises(InvalidInput, match="persons approve"):
        parse_scopes([scope], ClientKind.SYSTEM)
    assert parse_scopes([scope], ClientKind.PERSON)


@pytest.mark.parametrize("texts", [[], [" "], ["nothing:*"], ["issue"], [f"issue:t{n}" for n in range(101)]])
def test_no_scopes_too_many_or_none_of_ours_are_refused(texts: list[str]) -> None:
    with pytest.raises(InvalidInput):
        parse_scopes(texts, ClientKind.SYSTEM)


def test_scopes_too_long_for_a_token_are_refused() -> None:
    with pytest.raises(InvalidInput, match="4096"):
        parse_scopes([f"issue:{'t' * 90}{n}" for n in range(50)], ClientKind.SYSTEM)
