"""Numbers of reports: never taken for a certificate's code, not guessed, not mistyped unnoticed; and what is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.problem_report import MOST_WORDS, Checked, parse_said
from certsvc.errors import InvalidIdentifier, InvalidInput, WrongCheckCharacter
from certsvc.ids import CODE_ALPHABET, new_ref, new_report_number, parse_report_number, parse_typed_code

NUMBERS = st.builds(new_report_number)


@given(NUMBERS)
def test_a_number_is_read_as_people_type_it(number: str) -> None:
    for typed in (number, number.lower(), number.replace("-", ""), f"  {number.replace('-', ' ')} "):
        assert parse_report_number(typed) == number


@given(NUMBERS)
def test_a_number_is_never_a_typed_code_and_a_typed_code_never_a_number(number: str) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_typed_code(number)
    with pytest.raises(InvalidIdentifier):
        parse_report_number(new_ref().typed_code)


@given(NUMBERS, st.integers(2, 18), st.sampled_from(CODE_ALPHABET))
def test_one_mistyped_character_is_noticed(number: str, place: int, other: str) -> None:
    if number[place] in ("-", other):
        return
    with pytest.raises(WrongCheckCharacter):
        parse_report_number(number[:place] + other + number[place + 1 :])


def test_numbers_have_nothing_in_common() -> None:
    made = {new_report_number() for _ in range(2000)}
    assert len(made) == 2000
    assert all(len({number[place] for number in made}) > 24 for place in (2, 5, 9, 14, 17))


@pytest.mark.parametrize(
    "text", ["", "R", "R-7K3M9-Q2DHX-F46T", "X-7K3M9-Q2DHX-F46TM", "R-7K3M9-Q2DHX-F46TU", "ſ" * 16]
)
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_report_number(text)


def test_each_field_that_is_wrong_is_named_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_said("nonsense", "字" * (MOST_WORDS + 1), "9" * 101, "", Checked())
    assert [(one.field, one.code) for one in caught.value.problems] == [
        ("kind", "required"),
        ("words", "too_long"),
        ("contact", "too_long"),
    ]
    with pytest.raises(InvalidInput) as caught:
        parse_said("other", " \u200b\u202e ", "", "", Checked())
    assert [(one.field, one.code) for one in caught.value.problems] == [("words", "required")]


def test_words_of_a_browser_and_of_a_program_count_alike() -> None:
    lines = "\r\n".join("字" * 49 for _ in range(10))
    said = parse_said("other", lines, " 电话\u202e  139\n", "", Checked())
    assert (len(said.words), said.contact) == (499, "电话 139")
