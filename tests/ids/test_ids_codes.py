"""USCC, organisation code, citizen ID, certificate identifier and food numbers: codes published, and codes wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.errors import InvalidIdentifier, WrongCheckCharacter
from certsvc.ids import (
    ALPHABET_36,
    USCC_ALPHABET,
    CertificateIdentifier,
    Uscc,
    certificate_identifier,
    check_digit_mod_11_10,
    organisation_check_character,
    parse_certificate_identifier,
    parse_citizen_id,
    parse_type_code,
    parse_uscc,
    uscc_check_character,
)

PUBLISHED_USCC = (
    "9144030071526726XG 91440300708461136T 914403001922038216 91330100799655058B 91440300192317458F "
    "9152000071430580XT 91440400192548256N 9144030027939873X7 91100000100003962T 11100000MB0143028R "
    "11100000000013338W 11100000MB0341032Y 91460100MA5THWMM2J 91420112MA4KW4L44W"
).split()
MADE_UP_USCC = (
    "91441900MA51ABC088 92441900MA52DEF10X 93441900MF3000A12K 54441900ME0012B37D 11441900007330010D"
).split()
PUBLISHED_IDENTIFIERS = (
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
)
MADE_UP_IDENTIFIER = "1.2.156.3005.2.11100000MB0143028R001.11441900007330010D.20261122000001.001.L"
FOOD_NUMBERS = (
    "JY11108071215650 JY13101060025900 JY23506230105266 SC11464010500015 SC11333019700024 SC11837048101233 "
    "SC11834020305037 SC12636098200051 SC11532139200465 SC12434017430075 SC11432010400101 JY14419000000013"
).split()


def refused(error: type[InvalidIdentifier], parse: object, text: str) -> InvalidIdentifier:
    """The error, of exactly this class."""
    assert callable(parse)
    with pytest.raises(error) as raised:
        parse(text)
    assert type(raised.value) is error
    return raised.value


def with_check(first8: str, body: str) -> str:
    """A USCC whose two check characters match."""
    first17 = first8 + body + organisation_check_character(body)
    return first17 + uscc_check_character(first17)


@pytest.mark.parametrize("code", PUBLISHED_USCC + MADE_UP_USCC)
def test_a_uscc_in_use_is_accepted_in_either_case(code: str) -> None:
    assert parse_uscc(code) == code
    assert parse_uscc(f" {code.lower()}\n") == code


@pytest.mark.parametrize("code", PUBLISHED_USCC + MADE_UP_USCC)
def test_the_organisation_code_within_a_uscc_has_its_own_check_character(code: str) -> None:
    assert organisation_check_character(code[8:16]) == code[16]


@pytest.mark.parametrize("code", ["91440300713555564J", "91410100779423456X", "91441900MA51ABC089"])
def test_a_uscc_printed_as_an_example_but_wrong_is_refused(code: str) -> None:
    refused(WrongCheckCharacter, parse_uscc, code)


def test_a_transposed_pair_in_a_uscc_is_refused() -> None:
    refused(WrongCheckCharacter, parse_uscc, "91441900AM51ABC088")


def test_a_uscc_whose_outer_check_matches_but_not_the_organisation_codes_is_refused() -> None:
    first17 = "91441900MA51ABC09"
    refused(WrongCheckCharacter, parse_uscc, first17 + uscc_check_character(first17))


@pytest.mark.parametrize("character", list("IOZSV") + list("９ſ中-"))
def test_a_character_no_uscc_has_is_named_and_not_called_a_wrong_check(character: str) -> None:
    error = refused(InvalidIdentifier, parse_uscc, f"9144{character}900MA51ABC088")
    assert character in error.en


@pytest.mark.parametrize("code", ["", "91441900MA51ABC08", "91441900MA51ABC0888", "91441900MA51ABC08ﬀ", "9" * 10_000])
def test_a_uscc_of_another_length_is_refused(code: str) -> None:
    refused(InvalidIdentifier, parse_uscc, code)


@pytest.mark.parametrize(
    "prefix", "11 12 13 19 21 29 31 35 39 41 51 52 53 54 59 61 62 71 81 91 92 93 A1 N1 N3 Y1".split()
)
def test_every_kind_of_registered_body_has_a_uscc(prefix: str) -> None:
    code = with_check(prefix + "441900", "MA51ABC0")
    assert parse_uscc(code) == code


@pytest.mark.parametrize("prefix", ["01", "14", "55", "94", "99", "B1", "N4", "Y2", "1A"])
def test_a_prefix_no_uscc_has_is_refused_before_the_check(prefix: str) -> None:
    refused(InvalidIdentifier, parse_uscc, with_check(prefix + "441900", "MA51ABC0"))


def test_a_letter_in_the_area_of_a_uscc_is_refused_before_the_check() -> None:
    refused(InvalidIdentifier, parse_uscc, with_check("9144A900", "MA51ABC0"))


@given(st.sampled_from(MADE_UP_USCC), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
@settings(deadline=None)
def test_any_single_wrong_character_in_a_uscc_is_refused(code: str, place: int, character: str) -> None:
    other = code[:place] + character + code[place + 1 :]
    if other != code:
        with pytest.raises(InvalidIdentifier):
            parse_uscc(other)


@pytest.mark.parametrize(("first8", "check"), [("71526726", "X"), ("MB014302", "8"), ("00001333", "8")])
def test_organisation_code_check_character(first8: str, check: str) -> None:
    assert organisation_check_character(first8) == check


def test_an_organisation_code_of_remainder_0_has_check_0() -> None:
    assert organisation_check_character("00000000") == "0"


@pytest.mark.parametrize(
    "code",
    ["11010519491231002X", "440524188001010014", "810000199408230021", "830000199201300022"],
)
def test_a_citizen_or_residence_permit_number_is_accepted(code: str) -> None:
    """The first two are the standard's own; 81 and 83 are residents of Hong Kong and Taiwan."""
    assert parse_citizen_id(code) == code
    assert parse_citizen_id(code.lower()) == code


@pytest.mark.parametrize("code", ["110105194912310020", "11010519491231003X", "440524188001010041"])
def test_a_citizen_number_with_a_wrong_check_is_refused(code: str) -> None:
    refused(WrongCheckCharacter, parse_citizen_id, code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "110105491231002",
        "11010519491331002X",
        "11010519490229002X",
        "11010500000101002X",
        "1101051949123100２X",
        "X10105194912310021",
        "010105194912310021",
        "11010519491231002X0",
        "１１０１０５１９４９１２３１００２X",
    ],
    ids=[
        "empty",
        "15-digits",
        "month-13",
        "29-February-1949",
        "year-0",
        "full-width-digit",
        "X-first",
        "area-0",
        "19-characters",
        "full-width",
    ],
)
def test_what_is_no_citizen_number_is_malformed(code: str) -> None:
    refused(InvalidIdentifier, parse_citizen_id, code)


@pytest.mark.parametrize("code", ["11100000MB0143028R001", "11100000000013338W032", "11100000MB0341032Y002"])
def test_a_type_code_is_the_uscc_of_its_definer_and_three_digits(code: str) -> None:
    assert parse_type_code(code) == code


@pytest.mark.parametrize(
    "code", ["11100000MB0143028R", "11100000MB0143028R01", "11100000MB0143028R0012", "11100000MB0143028R00A"]
)
def test_a_type_code_without_three_digits_is_malformed(code: str) -> None:
    refused(InvalidIdentifier, parse_type_code, code)


def test_a_type_code_whose_definer_has_a_wrong_uscc_is_refused() -> None:
    refused(WrongCheckCharacter, parse_type_code, "11100000MB0143028W001")


@pytest.mark.parametrize("identifier", [*PUBLISHED_IDENTIFIERS, MADE_UP_IDENTIFIER])
def test_a_published_certificate_identifier_is_accepted(identifier: str) -> None:
    assert parse_certificate_identifier(identifier) == identifier


def test_a_certificate_identifier_is_composed_by_the_standard() -> None:
    made = certificate_identifier(
        parse_type_code("11100000MB0143028R001"), parse_uscc("11441900007330010D"), "20261122000001", 1
    )
    assert made == MADE_UP_IDENTIFIER


@pytest.mark.parametrize(
    "identifier",
    [
        "1.2.156.3005.2.11100000000013338W009.11330105002502287C.2025052201.002.0",
        MADE_UP_IDENTIFIER[:-1] + "M",
        MADE_UP_IDENTIFIER.replace("20261122000001", "20261122000010"),
    ],
    ids=["altered-file-name", "other-check", "transposed-serial"],
)
def test_a_certificate_identifier_with_a_wrong_check_is_refused(identifier: str) -> None:
    refused(WrongCheckCharacter, parse_certificate_identifier, identifier)


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        MADE_UP_IDENTIFIER.replace("3005", "3003"),
        MADE_UP_IDENTIFIER.replace("3005.2.", "3005.2X"),
        MADE_UP_IDENTIFIER.replace("3005.2.", "3005.2.."),
        MADE_UP_IDENTIFIER.replace("0D.2026", "0D2.026"),
        MADE_UP_IDENTIFIER.replace("R001.", "R00.1"),
        MADE_UP_IDENTIFIER.replace("001.001.L", "00100.1.L"),
        MADE_UP_IDENTIFIER.replace("20261122000001.001", "20261122000001001."),
        MADE_UP_IDENTIFIER.lower(),
        MADE_UP_IDENTIFIER.replace("2026", "２０２６"),
        MADE_UP_IDENTIFIER + "\n",
        MADE_UP_IDENTIFIER + ".L",
        MADE_UP_IDENTIFIER.rsplit(".", 1)[0],
    ],
    ids=[
        "empty",
        "other-root",
        "no-dot-after-the-root",
        "empty-part",
        "dot-moved-from-issuer",
        "dot-moved-from-type",
        "dot-moved-to-version",
        "empty-version",
        "small-letters",
        "full-width-digits",
        "trailing-newline",
        "six-parts",
        "four-parts",
    ],
)
def test_a_certificate_identifier_of_another_form_is_malformed_though_its_check_may_match(identifier: str) -> None:
    """The check is computed without dots, so it does not see one that moved or is gone."""
    refused(InvalidIdentifier, parse_certificate_identifier, identifier)


@pytest.mark.parametrize(
    ("serial", "version"), [("", 1), ("粤1", 1), ("a1", 1), ("A1", 0), ("A1", 1000), ("A" * 41, 1), ("A.1", 1)]
)
def test_what_cannot_be_composed_is_refused(serial: str, version: int) -> None:
    with pytest.raises(InvalidIdentifier):
        certificate_identifier(parse_type_code("11100000MB0143028R001"), Uscc("11441900007330010D"), serial, version)


@given(st.text(ALPHABET_36, min_size=1, max_size=40), st.integers(1, 999))
@settings(deadline=None)
def test_what_is_composed_parses_and_fits_the_metadata_standard(serial: str, version: int) -> None:
    made = certificate_identifier(
        parse_type_code("11100000MB0143028R001"), parse_uscc("11441900007330010D"), serial, version
    )
    assert parse_certificate_identifier(made) == made
    assert len(made) <= 128


@given(st.integers(0, len(MADE_UP_IDENTIFIER) - 1), st.sampled_from(ALPHABET_36))
@settings(deadline=None)
def test_any_single_wrong_character_in_a_certificate_identifier_is_refused(place: int, character: str) -> None:
    other = MADE_UP_IDENTIFIER[:place] + character + MADE_UP_IDENTIFIER[place + 1 :]
    if other == MADE_UP_IDENTIFIER:
        assert parse_certificate_identifier(other) == CertificateIdentifier(other)
    else:
        with pytest.raises(InvalidIdentifier):
            parse_certificate_identifier(other)


@pytest.mark.parametrize("number", FOOD_NUMBERS)
def test_the_check_digit_of_a_food_number_in_use(number: str) -> None:
    assert check_digit_mod_11_10(number[2:15]) == number[15]


@given(st.sampled_from(FOOD_NUMBERS), st.integers(2, 14), st.integers(1, 9))
@settings(deadline=None)
def test_any_single_wrong_digit_in_a_food_number_changes_its_check_digit(number: str, place: int, by: int) -> None:
    other = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert check_digit_mod_11_10(other[2:15]) != number[15]
