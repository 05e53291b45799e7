"""What a licence does to its permits: the rules, against the plainest reading of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.effects import STOPS, Consequence, Effect, FactRule, Ground, LicenceRules, StateRule, gravest

GROUND, OTHER = Ground(basis="某法第一条", certainty="known"), Ground(basis="某办法第二条", certainty="local")
DAY = date(2026, 11, 24)
NAMES = ("suspended", "closed", "closing_due", "revoked", "dormant", "recheck_due", "valid")
FACTS, FIELDS, TEXTS = ("name", "address", "person"), ("name", "residence", "operator"), ("甲", "乙", "")

grounds = st.sampled_from((GROUND, OTHER))
effects = st.sampled_from(Effect)
state_rules = st.builds(
    StateRule, states=st.frozensets(st.sampled_from(NAMES), min_size=1), effect=effects, ground=grounds
)
fact_rules = st.builds(
    FactRule, fact=st.sampled_from(FACTS), field=st.sampled_from(FIELDS), effect=effects, ground=grounds
)
days = st.none() | st.integers(-9, 9).map(lambda n: DAY + timedelta(days=n))
stated = st.dictionaries(st.sampled_from(NAMES), days)


def rules(*states: StateRule, facts: tuple[FactRule, ...] = ()) -> LicenceRules:
    """Rules of a permit type."""
    return LicenceRules(states=states, facts=facts)


@settings(max_examples=200)
@given(st.lists(state_rules, max_size=5), stated)
def test_every_rule_that_names_a_state_acts_and_no_other(
    written: list[StateRule], said: dict[str, date | None]
) -> None:
    found = list(rules(*written).of_states(said.items()))
    expected = [
        (rule.effect, name, rule.ground, since)
        for name, since in said.items()
        for rule in written
        if name in rule.states
    ]
    assert [(one.effect, one.cause, one.ground, one.since) for one in found] == expected


@pytest.mark.long
@settings(max_examples=200)
@given(
    st.lists(fact_rules, max_size=5),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(TEXTS)),
    st.dictionaries(st.sampled_from(FACTS), st.sampled_from(TEXTS)),
)
def test_only_what_both_state_and_state_differently_acts(
    written: list[FactRule], permit: dict[str, str], licence: dict[str, str]
) -> None:
    found = list(LicenceRules(facts=tuple(written)).of_facts(permit, licence))
    expected = [
        (rule.effect, rule.fact, rule.ground)
        for rule in written
        if {rule.field} <= set(permit) and {rule.fact} <= set(licence) and permit[rule.field] != licence[rule.fact]
    ]
    assert [(one.effect, one.cause, one.ground) for one in found] == expected
    assert all(one.since is None for one in found)


@pytest.mark.long
@settings(max_examples=200)
@given(st.lists(st.builds(Consequence, effect=effects, cause=st.sampled_from(NAMES), ground=grounds, since=days)))
def test_the_gravest_comes_first_and_what_does_nothing_is_not_told(found: list[Consequence]) -> None:
    told = gravest(found)
    order = ["ends", "must_close", "suspends", "must_reissue"]
    expected = [one for word in order for one in found if one.effect.value == word]
    assert list(told) == expected


def test_only_a_duty_to_reissue_leaves_a_permit_in_force() -> None:
    assert {effect.value for effect in STOPS} == {"ends", "must_close", "suspends"}
    assert set(Effect) - STOPS == {Effect.MUST_REISSUE, Effect.UNAFFECTED}


def test_a_state_said_twice_acts_once_from_the_day_of_the_condition() -> None:
    """A dormant licence says so as its state and as its condition; the condition knows the day."""
    dormant = StateRule(states=frozenset({"dormant"}), effect=Effect.SUSPENDS, ground=GROUND)
    (found,) = rules(dormant).of_states([("dormant", None), ("dormant", DAY)])
    assert (found.cause, found.since) == ("dormant", DAY)


def test_no_rule_no_effect() -> None:
    assert list(rules().of_states([("revoked", DAY)])) == []
    assert list(rules().of_facts({"name": "甲"}, {"name": "乙"})) == []
    assert gravest([]) == ()
