"""How often and how long a delivery is tried: over days, further and further apart, never two at a beat."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.webhook import DELAYS, LONGEST_REST, LONGEST_WISH, PATIENCE, next_attempt, rest

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DRAWS = st.floats(0, 1, exclude_max=True)
WISHES = st.none() | st.timedeltas(timedelta(), timedelta(days=10**6))
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def times(draws: list[float]) -> list[datetime]:
    """When a delivery is tried that always fails at once."""
    at, tried = NOW, [NOW]
    for failures, draw in enumerate(draws, 1):
        again = next_attempt(failures, at, draw)
        if again is None:
            break
        at = again
        tried.append(at)
    return tried


@given(st.lists(DRAWS, min_size=50, max_size=50))
def test_attempts_lie_further_and_further_apart_and_end_after_days(draws: list[float]) -> None:
    tried = times(draws)
    assert len(tried) == len(DELAYS) + 1 == 11
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps == sorted(gaps)
    assert gaps[0] <= 6 * SECOND
    assert 3 * DAY <= tried[-1] - NOW <= PATIENCE


@given(st.integers(1, len(DELAYS)), DRAWS, WISHES)
def test_a_receiver_may_ask_for_later_and_never_for_sooner_or_never(
    tries: int, draw: float, wish: timedelta | None
) -> None:
    plain, asked = next_attempt(tries, NOW, draw), next_attempt(tries, NOW, draw, wish)
    assert plain is not None and asked is not None and asked >= plain
    assert asked - NOW <= max(plain - NOW, LONGEST_WISH)
    if wish is not None and wish <= LONGEST_WISH:
        assert asked - NOW >= wish


@given(DRAWS, DRAWS)
def test_those_that_failed_together_do_not_come_again_together(one: float, other: float) -> None:
    if abs(one - other) > 1e-3:
        assert next_attempt(6, NOW, one) != next_attempt(6, NOW, other)


@given(st.integers(1, 10**6), WISHES)
def test_a_receiver_that_fails_is_left_alone_but_looked_at_within_a_quarter_of_an_hour(
    failures: int, wish: timedelta | None
) -> None:
    until = rest(failures, NOW, wish)
    assert timedelta() < until - NOW <= LONGEST_REST
    assert rest(failures + 1, NOW, wish) >= until
