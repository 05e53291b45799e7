"""Series of printed numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.number import NumberSeries
from certsvc.errors import Conflict
from certsvc.ids import check_digit_mod_11_10

FOOD = NumberSeries("JY1441900{serial:06}{check}", "iso7064_mod_11_10")
PRODUCTION = NumberSeries("SC110441900{serial:04}{check}", "iso7064_mod_11_10")
PROOF = NumberSeries("石塘村证〔2026〕水字第{serial:04}号")


def test_the_first_food_number_of_a_city_without_counties() -> None:
    assert FOOD.number(1) == "JY14419000000013"


def test_a_number_without_check_digit_is_padded_and_may_grow() -> None:
    assert PROOF.number(7) == "石塘村证〔2026〕水字第0007号"
    assert PROOF.number(12_345) == "石塘村证〔2026〕水字第12345号"
    assert PROOF.last_serial is None


@given(st.integers(1, 999_999))
@settings(deadline=None)
def test_every_food_number_has_16_characters_and_its_check_digit(serial: int) -> None:
    number = FOOD.number(serial)
    assert len(number) == 16
    assert number[-1] == check_digit_mod_11_10(number[2:-1])
    assert number[9:15] == f"{serial:06}"


@pytest.mark.parametrize(("series", "last"), [(FOOD, 999_999), (PRODUCTION, 9_999)])
def test_a_series_with_a_check_digit_is_used_up_and_never_grows_a_digit(series: NumberSeries, last: int) -> None:
    assert series.last_serial == last
    assert len(series.number(last)) == 16
    with pytest.raises(Conflict, match="used up"):
        series.number(last + 1)


def test_what_follows_the_check_digit_does_not_count() -> None:
    series = NumberSeries("JY1441900{serial:06}{check}-2", "iso7064_mod_11_10")
    assert series.number(1) == "JY14419000000013-2"


def test_two_serials_are_two_numbers() -> None:
    assert len({FOOD.number(serial) for serial in range(1, 2_001)}) == 2_000
