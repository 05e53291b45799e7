"""What the public sees of a person."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.domain.masking import RULES, mask_address, mask_citizen_id, mask_name, mask_wholly


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张*"),
        ("张小三", "张**"),
        ("欧阳小明", "欧阳**"),
        ("欧阳明", "欧阳*"),
        ("欧阳", "欧*"),
        ("司马相如", "司马**"),
        ("阿依古丽·买买提", "阿*******"),
        ("John Smith", "J*********"),
        ("", ""),
    ],
)
def test_of_a_name_the_family_name_stays_and_the_length(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@given(st.text(min_size=2, max_size=30))
@settings(deadline=None)
def test_no_name_shows_more_than_its_first_two_characters(name: str) -> None:
    shown = mask_name(name)
    assert len(shown) == len(name)
    assert set(shown[2:]) <= {"*"} and shown[-1] == "*"


def test_of_a_citizens_number_neither_birth_date_nor_county_is_shown() -> None:
    assert mask_citizen_id("440524188001010014") == "4405**********0014"


@pytest.mark.parametrize("code", ["E12345678", "H1234567", "1234", "", "110105491231002"])
def test_of_a_short_code_such_as_a_passports_only_the_length_is_shown(code: str) -> None:
    assert mask_citizen_id(code) == "*" * len(code)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("云山市石塘镇沙岗村一巷5号", "云山市石塘镇***"),
        ("云山市南城街道鸿福路1号3栋502房", "云山市南城街道***"),
        ("云山市石塘镇石塘街道5号", "云山市石塘镇石塘街道***"),
        ("云山县大岭乡上村12号", "云山县大岭乡***"),
        ("上沙村3组", "上沙村***"),
        ("云山市鸿福路1号", "***"),
        ("", "***"),
    ],
)
def test_an_address_is_shown_down_to_the_town(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@pytest.mark.parametrize(
    "address", ["云山市科技路8号A栋502房镇海大厦", "云山市人民路５号新村小区", "云山市沿河路六号乡村酒店"]
)
def test_an_address_with_the_mark_behind_its_house_number_is_hidden(address: str) -> None:
    assert mask_address(address) == "***"


def test_an_address_that_begins_with_the_mark_is_not_cut_there() -> None:
    assert mask_address("镇江市大岭街道1号") == "镇江市大岭街道***"


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_house_number_is_ever_shown(address: str) -> None:
    assert not any(character.isdecimal() for character in mask_address(address))


def test_hidden_says_only_that_there_is_something() -> None:
    assert (mask_wholly("肝炎"), mask_wholly("")) == ("***", "")


def test_the_rules_a_type_may_name() -> None:
    assert {name: rule("440524188001010014") for name, rule in RULES.items()} == {
        "clear": "440524188001010014",
        "name": "4*****************",
        "citizen_id": "4405**********0014",
        "address": "***",
        "hidden": "***",
    }
