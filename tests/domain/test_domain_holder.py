"""Holders: the kinds of codes of GB/T 36903 Annex A, and what a code of each kind looks like."""

import string

import pytest
from holders import company_code
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.holder import CITIZEN_ID, KINDS, OTHER_BODY, OTHER_PERSON, USCC, Party, is_holder_code
from certsvc.domain.holder import parse_holder_code as parse
from certsvc.errors import InvalidIdentifier, WrongCheckCharacter

ANNEX_A = {
    "001": "统一社会信用代码",
    "099": "其他法人或其他组织有效证件代码",
    "111": "公民身份号码",
    "114": "军官证",
    "115": "武警警官证",
    "118": "士兵证",
    "119": "武警士兵证",
    "120": "文职人员证",
    "122": "武警文职人员证",
    "411": "外交护照",
    "412": "公务护照",
    "413": "公务普通护照",
    "414": "普通护照",
    "511": "台湾居民来往大陆通行证",
    "516": "港澳居民来往内地通行证",
    "999": "其他自然人有效证件代码",
}
CHECKED = (USCC, CITIZEN_ID)
FREE = [kind for kind in KINDS if kind not in CHECKED]
CITIZEN = "11010519491231002X"
GOOD = string.digits + string.ascii_uppercase


def citizen(serial: int) -> str:
    """A citizen ID of nobody, born on 1990-01-01 (GB 11643: weights and check characters as printed there)."""
    body = f"44190019900101{serial:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def test_the_kinds_are_those_of_annex_a() -> None:
    assert {kind: row.zh for kind, row in KINDS.items()} == ANNEX_A
    assert all(row.en for row in KINDS.values())


@pytest.mark.parametrize("kind", KINDS)
def test_only_organisations_are_no_persons(kind: str) -> None:
    party = Party(name="某某", code=None, code_kind=kind)
    assert party.is_person == (kind not in {"001", "099"}) == KINDS[kind].person


@settings(max_examples=50)
@given(st.integers(0, 99999))
def test_a_uscc_has_its_check_characters(serial: int) -> None:
    code = company_code(serial)
    assert parse("001", code) == parse("001", f" {code.lower()} ") == code
    assert is_holder_code("001", code)
    wrong = code[:-1] + GOOD[(GOOD.index(code[-1]) + 1) % 10]
    assert not is_holder_code("001", wrong)
    assert not is_holder_code("111", code)


@settings(max_examples=50)
@given(st.integers(0, 999), st.integers(0, 17))
def test_a_citizen_id_has_its_check_character(serial: int, place: int) -> None:
    code = citizen(serial)
    assert parse("111", code) == code and is_holder_code("111", code)
    assert not is_holder_code("001", code)
    other = str((int(code[place].replace("X", "9")) + 1) % 10)
    assert not is_holder_code("111", code[:place] + other + code[place + 1 :])


def test_a_wrong_check_character_is_said_as_such() -> None:
    with pytest.raises(WrongCheckCharacter):
        parse("111", CITIZEN[:-1] + "1")
    with pytest.raises(WrongCheckCharacter):
        parse("001", company_code(1)[:-1] + ("0" if company_code(1)[-1] != "0" else "1"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_counts_only_in_its_normal_form(kind: str) -> None:
    code = {"001": str(company_code(7)), "111": CITIZEN}.get(kind, "E12345678X")
    assert is_holder_code(kind, code)
    for other in (code.lower(), f" {code}", f"{code} ", f"{code}\n", code.replace("1", "１"), ""):
        assert not is_holder_code(kind, other), other


@pytest.mark.parametrize("kind", FREE)
def test_other_codes_are_bounded(kind: str) -> None:
    for good in ("A123", "1" * 30, "H12345678", "0-1/2(3)"):
        assert parse(kind, good) == good
    for bad in ("A12", "1" * 31, "-123", "(12)", "A 123", "a123", "军123", "A12_", "١٢٣٤", "A12\n"):
        with pytest.raises(InvalidIdentifier, match=r"4 to 30|4 至 30"):
            parse(kind, bad)


@settings(max_examples=60)
@given(st.text(max_size=32) | st.text(GOOD + "()/-", max_size=32))
def test_no_text_breaks_the_reading_and_none_is_changed(text: str) -> None:
    for kind in (*KINDS, "000", "", "001 "):
        if is_holder_code(kind, text):
            assert parse(kind, text) == text and 4 <= len(text) <= 30 and text.isascii()


@pytest.mark.parametrize("kind", ["", "000", "1", "0001", "112", "００1", "001\n"])
def test_there_is_no_other_kind(kind: str) -> None:
    with pytest.raises(InvalidIdentifier, match="kind of code"):
        parse(kind, "A1234")
    assert not is_holder_code(kind, str(company_code(1)))
    assert (OTHER_BODY, OTHER_PERSON) == ("099", "999")
