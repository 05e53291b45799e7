"""What holds for any token and for anything that is none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from qr_vectors import anchors, kid, token_key, vectors

from certsvc.domain.token import (
    DETAIL,
    LAST_SECOND,
    MAX_DIGITS,
    MAX_NAME,
    PROTECTED,
    Claims,
    assemble,
    encode_claims,
    fits,
    parse_digits,
    to_digits,
)
from certsvc.errors import MalformedToken
from certsvc.ids import Ref, Uscc, organisation_check_character, parse_uscc, uscc_check_character
from certsvc.verify.report import Outcome
from certsvc.verify.token import check_token

GOOD = [vector["digits"] for vector in vectors("good").values()]
OURS = anchors((kid(), token_key()))

instants = st.integers(0, LAST_SECOND).map(lambda second: datetime.fromtimestamp(second, UTC))
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_NAME).filter(fits)


@st.composite
def usccs(draw: st.DrawFn) -> Uscc:
    """Any business: company, sole trader, co-operative."""
    head = draw(st.sampled_from(["91", "92", "93"])) + draw(st.from_regex(r"[0-9]{6}", fullmatch=True))
    body = draw(st.from_regex(r"[0-9A-HJ-NPQRTUWXY]{8}", fullmatch=True))
    first17 = head + body + organisation_check_character(body)
    return parse_uscc(first17 + uscc_check_character(first17))


claims_sets = st.builds(
    Claims,
    ref=st.integers(0, (1 << 80) - 1).map(Ref),
    issued_at=instants,
    expires_at=st.none() | instants,
    subject=st.none() | usccs(),
    type_number=st.integers(1, 65_535),
    version=st.integers(1, 999),
    list_index=st.integers(0, (1 << 20) - 1),
    holder_name=st.none() | names,
)


def accepted(text: str) -> bool:
    """Whether a reader takes it for a token signed by us; anything but `MalformedToken` goes through."""
    try:
        _, check = check_token(text, OURS)
    except MalformedToken:
        return False
    return check.outcome is Outcome.PASSED


@given(claims_sets, st.binary(min_size=4, max_size=4), st.binary(min_size=64, max_size=64))
@settings(max_examples=200, deadline=None)
def test_any_claims_survive_the_way_to_digits_and_back(claims: Claims, key_id: bytes, signature: bytes) -> None:
    raw = assemble(key_id, encode_claims(claims), signature)
    token = parse_digits(to_digits(raw))
    assert (token.claims, token.kid, token.signature, token.raw) == (claims, key_id, signature, raw)
    assert len(to_digits(raw)) <= MAX_DIGITS


@pytest.mark.long
@given(st.text(max_size=720) | st.text("0123456789", max_size=720))
@example("")
@example("1")
@example("0")
@settings(max_examples=300, deadline=None)
def test_random_text_is_never_a_token_and_never_another_error(text: str) -> None:
    with pytest.raises(MalformedToken):
        parse_digits(text)


@pytest.mark.long
@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=300, deadline=None)
def test_a_good_token_with_digits_changed_is_never_accepted(digits: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(digits) - 1))
    end = data.draw(st.integers(start, min(len(digits), start + 6)))
    other = digits[:start] + data.draw(st.text("0123456789+ \n٣３", max_size=6)) + digits[end:]
    assume(other != digits)
    assert not accepted(other)


@pytest.mark.long
@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=300, deadline=None)
def test_a_good_token_with_bytes_changed_is_never_accepted(digits: str, data: st.DataObject) -> None:
    raw = bytearray(parse_digits(digits).raw)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 4)))
    raw[start:end] = data.draw(st.binary(max_size=4))
    other = to_digits(bytes(raw))
    assume(other != digits)
    assert not accepted(other)


@pytest.mark.long
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=70),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.integers(-70_000, 20), inner, max_size=6),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_other_cbor_in_any_place_is_malformed(value: Any) -> None:
    encoded = cbor2.dumps(value)
    for raw in (encoded, assemble(kid(), encoded, bytes(64)), cbor2.dumps([PROTECTED, value, b"", bytes(64)])):
        with pytest.raises(MalformedToken):
            parse_digits(to_digits(raw))


@pytest.mark.long
@given(st.sampled_from([7, 6, 4, 2, DETAIL]), st.integers() | st.floats() | st.text() | st.none() | st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_claim_of_another_kind_is_never_read(key: int, value: object) -> None:
    table: Mapping[int, Any] = cbor2.loads(parse_digits(GOOD[0]).payload)
    assume(not (key in (6, 4) and type(value) is int and 0 <= value <= LAST_SECOND))
    payload = cbor2.dumps({**table, key: value}, canonical=True)
    with pytest.raises(MalformedToken):
        parse_digits(to_digits(assemble(kid(), payload, bytes(64))))


@pytest.mark.parametrize("nesting", [b"\x81", b"\xa1\x00", b"\xd2", b"\x9f"])
def test_deep_nesting_is_malformed(nesting: bytes) -> None:
    with pytest.raises(MalformedToken):
        parse_digits(to_digits(nesting * (280 // len(nesting))))
