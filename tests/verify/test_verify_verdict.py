"""The one function that gives the verdict, over everything it can be asked."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.calendar import TermState
from certsvc.domain.states import IN_FORCE, Status
from certsvc.verify.report import Check, Outcome, Soundness, Verdict, conclude, soundness

STATUSES = (*Status, None)
ALL = list(product(Soundness, STATUSES, TermState))
RANK = {Verdict.NOT_VALID: 0, Verdict.UNDETERMINED: 1, Verdict.VALID: 2}
IN_TERM = frozenset({TermState.IN_FORCE, TermState.NONE})
UNKNOWNS = (Soundness.UNKNOWN, Status.UNKNOWN, None, TermState.UNKNOWN)
OUTCOMES = st.lists(st.sampled_from(list(Outcome)), max_size=12)


@pytest.mark.parametrize(("document", "status", "term"), ALL)
def test_valid_needs_all_three_answers(document: Soundness, status: Status | None, term: TermState) -> None:
    by_law = status is Status.RENEWAL_PENDING and term is TermState.OVER
    good = document is Soundness.SOUND and status in IN_FORCE and (term in IN_TERM or by_law)
    assert (conclude(document, status, term) is Verdict.VALID) == good


@pytest.mark.parametrize(("document", "status", "term"), ALL)
def test_nothing_unknown_is_ever_valid(document: Soundness, status: Status | None, term: TermState) -> None:
    if {document, status, term} & set(UNKNOWNS):
        assert conclude(document, status, term) is not Verdict.VALID


@pytest.mark.parametrize(("document", "status", "term"), ALL)
def test_what_is_known_to_be_bad_is_never_only_undetermined(
    document: Soundness, status: Status | None, term: TermState
) -> None:
    known_bad_state = status is not None and status is not Status.UNKNOWN and status not in IN_FORCE
    if document is Soundness.UNSOUND or known_bad_state:
        assert conclude(document, status, term) is Verdict.NOT_VALID


def bad_news(document: Soundness, status: Status | None, term: TermState) -> Iterator[tuple[Any, Any, Any]]:
    """Each answer as it is, or found to be bad."""
    bad_states = [one for one in Status if one not in IN_FORCE and one is not Status.UNKNOWN]
    bad_terms = [TermState.NOT_YET, *([] if status is Status.RENEWAL_PENDING else [TermState.OVER])]
    return product([document, Soundness.UNSOUND], [status, *bad_states], [term, *bad_terms])


@pytest.mark.parametrize(("document", "status", "term"), ALL)
def test_bad_news_never_makes_the_verdict_better(document: Soundness, status: Status | None, term: TermState) -> None:
    before = RANK[conclude(document, status, term)]
    for worse in bad_news(document, status, term):
        assert RANK[conclude(*worse)] <= before, worse


@pytest.mark.parametrize(("document", "status", "term"), ALL)
def test_knowing_less_never_makes_anything_valid(document: Soundness, status: Status | None, term: TermState) -> None:
    less = product([document, Soundness.UNKNOWN], [status, Status.UNKNOWN, None], [term, TermState.UNKNOWN])
    for known in less:
        if known != (document, status, term):
            assert conclude(*known) is not Verdict.VALID


@given(OUTCOMES)
def test_sound_is_every_check_passed_and_there_was_one(outcomes: list[Outcome]) -> None:
    found = soundness(Check(f"kind{place}", outcome, "reason") for place, outcome in enumerate(outcomes))
    assert (found is Soundness.SOUND) == (bool(outcomes) and all(one is Outcome.PASSED for one in outcomes))
    assert (found is Soundness.UNSOUND) == (Outcome.FAILED in outcomes)


@given(OUTCOMES, st.sampled_from([Outcome.FAILED, Outcome.UNKNOWN]), st.integers(0, 12))
def test_one_more_bad_check_never_makes_a_document_sounder(outcomes: list[Outcome], bad: Outcome, place: int) -> None:
    order = {Soundness.UNSOUND: 0, Soundness.UNKNOWN: 1, Soundness.SOUND: 2}
    before = soundness(Check("a", outcome, "r") for outcome in outcomes)
    after = soundness(Check("a", outcome, "r") for outcome in (*outcomes[:place], bad, *outcomes[place:]))
    assert after is not Soundness.SOUND
    assert order[after] <= order[before] or not outcomes
