"""References, their typed code and their slot. All three are printed on paper: the vectors here never change."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.errors import InvalidIdentifier, WrongCheckCharacter
from certsvc.ids import (
    CODE_ALPHABET,
    RANDOM_BITS,
    REF_BYTES,
    SLOT_BITS,
    Ref,
    Uscc,
    new_ref,
    parse_typed_code,
    parse_uscc,
    ref_from_bytes,
    slot_of_licence,
)
from certsvc.verify.scan import verify_code
from certsvc.verify.service import Verifying

PRINTED = {
    "00000000000000000000": "0000-0000-0000-0000-0",
    "00000000000000000001": "0000-0000-0000-0001-Y",
    "0000000000000000001f": "0000-0000-0000-000Z-1",
    "ffffffffffffffffffff": "ZZZZ-ZZZZ-ZZZZ-ZZZZ-G",
    "00443214c74254b635cf": "0123-4567-89AB-CDEF-8",
    "a155f0e1d2c3b4a59687": "M5AZ-1REJ-RETA-B5M7-V",
}
SLOTS = {
    "91441900MA51ABC088": 2581,
    "92441900MA52DEF10X": 2510,
    "93441900MF3000A12K": 1651,
    "54441900ME0012B37D": 402,
    "9144030071526726XG": 121,
}

refs = st.integers(0, (1 << 80) - 1).map(Ref)


def luhn_check(body: str) -> str:
    """The check character by the textbook, from the right: double every other value, add its digits of base 32."""
    total = 0
    for step, character in enumerate(body[::-1]):
        value = CODE_ALPHABET.index(character)
        if step % 2 == 0:
            value *= 2
        total += value // 32 + value % 32
    return CODE_ALPHABET[(32 - total % 32) % 32]


@pytest.mark.parametrize(("raw", "code"), PRINTED.items())
def test_a_printed_code_stays_the_code_of_its_reference(raw: str, code: str) -> None:
    ref = ref_from_bytes(bytes.fromhex(raw))
    assert ref.typed_code == code
    assert parse_typed_code(code) == ref


@pytest.mark.parametrize(("uscc", "slot"), SLOTS.items())
def test_the_slot_of_a_business_never_changes(uscc: str, slot: int) -> None:
    assert slot_of_licence(parse_uscc(uscc)) == slot


def test_slots_spread_over_all_partitions() -> None:
    """10,000 numbers over 16 groups of slots: each within 20 % of its share."""
    counts = [0] * 16
    for number in range(10_000):
        counts[slot_of_licence(Uscc(f"91441900{number:09}X")) >> 8] += 1
    assert min(counts) > 500 and max(counts) < 750


def test_no_code_has_a_letter_that_looks_like_a_digit_or_another() -> None:
    assert CODE_ALPHABET == "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert len(set(CODE_ALPHABET)) == 32 and not set("ILOU") & set(CODE_ALPHABET)


@given(refs)
@settings(deadline=None)
def test_a_code_goes_to_its_reference_and_back(ref: Ref) -> None:
    assert parse_typed_code(ref.typed_code) == ref
    assert ref_from_bytes(ref.to_bytes()) == ref
    assert [len(group) for group in ref.typed_code.split("-")] == [4, 4, 4, 4, 1]


@given(refs)
@settings(deadline=None)
def test_the_check_character_is_luhn_mod_32(ref: Ref) -> None:
    code = ref.typed_code.replace("-", "")
    assert luhn_check(code[:16]) == code[16]


@pytest.mark.long
@given(refs)
@settings(deadline=None)
def test_the_first_12_bits_are_the_slot(ref: Ref) -> None:
    body = ref.typed_code.replace("-", "")
    top15 = sum(CODE_ALPHABET.index(character) << shift for character, shift in zip(body[:3], (10, 5, 0), strict=True))
    assert ref.slot == top15 >> 3 == int.from_bytes(ref.to_bytes()[:2], "big") >> 4


@pytest.mark.long
@given(refs)
@settings(max_examples=25, deadline=None)
def test_every_single_wrong_character_is_refused(ref: Ref) -> None:
    code = ref.typed_code.replace("-", "")
    for place in range(17):
        for character in set(CODE_ALPHABET) - {code[place]}:
            with pytest.raises(WrongCheckCharacter):
                parse_typed_code(code[:place] + character + code[place + 1 :])


@given(refs)
@settings(max_examples=100, deadline=None)
def test_every_exchange_of_neighbours_but_0_and_z_is_refused(ref: Ref) -> None:
    code = ref.typed_code.replace("-", "")
    for place in range(16):
        one, other = code[place], code[place + 1]
        exchanged = code[:place] + other + one + code[place + 2 :]
        if one == other:
            continue
        if {one, other} == {"0", "Z"}:
            assert parse_typed_code(exchanged) != ref
            continue
        with pytest.raises(WrongCheckCharacter):
            parse_typed_code(exchanged)


def test_0_and_z_are_the_only_neighbours_luhn_does_not_see() -> None:
    blind = set()
    for one in CODE_ALPHABET:
        for other in CODE_ALPHABET:
            body = one + other + "0" * 14
            if one != other and luhn_check(body) == luhn_check(other + one + "0" * 14):
                blind.add(frozenset((one, other)))
    assert blind == {frozenset("0Z")}


@pytest.mark.parametrize(
    "typed",
    [
        "m5az-1rej-reta-b5m7-v",
        "M5AZ1REJRETAB5M7V",
        " M5AZ 1REJ RETA B5M7 V ",
        "M5AZ\u30001REJ\u3000RETA\u3000B5M7\u3000V",
        "M5AZ-1REJ\nRETA-B5M7-V",
    ],
    ids=["small-letters", "in-one", "spaces", "ideographic-spaces", "line-broken"],
)
def test_how_a_code_is_spaced_or_capitalised_does_not_matter(typed: str) -> None:
    assert parse_typed_code(typed).typed_code == "M5AZ-1REJ-RETA-B5M7-V"


@pytest.mark.parametrize("typed", ["", "-", "M5AZ-1REJ-RETA-B5M7", "M5AZ-1REJ-RETA-B5M7-VJ", "M" * 100_000, "ﬀ" * 8])
def test_a_code_of_another_length_is_malformed(typed: str) -> None:
    with pytest.raises(InvalidIdentifier, match="17 characters") as refused:
        parse_typed_code(typed)
    assert not isinstance(refused.value, WrongCheckCharacter)


@pytest.mark.parametrize("character", list("ILOU") + list("ilou") + list("ſıЕ０_中"))
def test_a_character_no_code_has_is_named(character: str) -> None:
    """ſ and ı would become S and I if capitals were made of them; Е is Cyrillic, ０ full-width."""
    with pytest.raises(InvalidIdentifier) as refused:
        parse_typed_code(f"M5AZ-1REJ-RE{character}A-B5M7-V")
    assert not isinstance(refused.value, WrongCheckCharacter)
    assert character.upper() in refused.value.en or character in refused.value.en


class NeverAsked:
    """Stands for everything a look-up would need."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("typed", ["M5AZ-1REJ-RETA-B5M7-W", "M5AZ-1REJ-RETA-B5M7", "M5AZ-1REJ-RETA-B5M7-U"])
def test_a_mistyped_code_is_refused_before_anything_is_looked_up(typed: str) -> None:
    with pytest.raises(InvalidIdentifier):
        asyncio.run(verify_code(cast(Verifying, NeverAsked()), typed, datetime(2026, 11, 24, tzinfo=UTC)))


@pytest.mark.parametrize("raw", [b"", bytes(9), bytes(11)])
def test_a_reference_has_ten_bytes(raw: bytes) -> None:
    with pytest.raises(InvalidIdentifier):
        ref_from_bytes(raw)


@pytest.mark.parametrize("value", [-1, 1 << 80])
def test_a_reference_out_of_range_is_refused(value: int) -> None:
    with pytest.raises(InvalidIdentifier):
        Ref(value)


def test_a_new_reference_keeps_its_slot_and_draws_the_rest() -> None:
    drawn = {new_ref(0xABC) for _ in range(50)}
    assert {ref.slot for ref in drawn} == {0xABC}
    assert len(drawn) == 50
    assert SLOT_BITS + RANDOM_BITS == 8 * REF_BYTES == 80


def test_a_new_reference_without_a_licence_draws_its_slot_too() -> None:
    """Of 200 drawn slots out of 4,096, fewer than 100 different ones is beyond chance."""
    assert len({new_ref().slot for _ in range(200)}) > 100


@pytest.mark.parametrize("slot", [-1, 4096])
def test_a_slot_out_of_range_is_refused(slot: int) -> None:
    with pytest.raises(InvalidIdentifier):
        new_ref(slot)
