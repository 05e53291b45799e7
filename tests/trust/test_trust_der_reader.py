"""The DER reader: takes what der.py writes, and of everything else says so with one error."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc import der
from certsvc.der_reader import DerReader
from certsvc.errors import MalformedDer

TAGS = [der.BOOLEAN, der.INTEGER, der.BIT_STRING, der.OCTET_STRING, der.OID, der.SEQUENCE, der.SET, 0xA0, 0xA3]


@given(st.lists(st.tuples(st.sampled_from(TAGS), st.binary(max_size=300)), max_size=6))
def test_elements_come_back_in_order_and_nothing_is_left(elements: list[tuple[int, bytes]]) -> None:
    reader = DerReader(der.sequence(*(der.tlv(tag, value) for tag, value in elements)))
    inner = reader.sequence()
    reader.finish()
    assert [(tag, inner.value(tag)) for tag, _ in elements] == elements
    inner.finish()


@given(st.integers(min_value=0, max_value=1 << 2000))
def test_integers_come_back(number: int) -> None:
    assert DerReader(der.integer(number)).integer() == number


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 1 << 40), max_size=8))
def test_object_identifiers_come_back(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    assert DerReader(der.object_identifier(dotted)).object_identifier() == dotted


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_of_every_form_come_back(size: int) -> None:
    encoded = der.octet_string(bytes(size))
    reader = DerReader(encoded + der.NULL)
    assert reader.whole(der.OCTET_STRING) == encoded
    assert reader.more
    assert reader.value(0x05) == b""
    assert not reader.more


METHODS: list[Callable[[DerReader], Any]] = [
    DerReader.sequence,
    DerReader.integer,
    DerReader.boolean,
    DerReader.object_identifier,
    DerReader.finish,
    *(lambda reader, tag=tag: reader.whole(tag) for tag in TAGS),
    *(lambda reader, tag=tag: reader.value(tag) for tag in TAGS),
]


@given(st.binary(max_size=60), st.lists(st.sampled_from(METHODS), max_size=8))
def test_random_bytes_raise_nothing_but_its_own_error(data: bytes, calls: list[Callable[[DerReader], Any]]) -> None:
    reader = DerReader(data)
    for call in calls:
        try:
            inner = call(reader)
        except MalformedDer:
            continue
        reader = inner if isinstance(inner, DerReader) else reader


@given(st.data())
def test_one_altered_byte_gives_other_values_or_the_error(data: st.DataObject) -> None:
    encoded = bytearray(der.sequence(der.integer(70_000), der.octet_string(b"digest")))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        outside = DerReader(bytes(encoded))
        inner = outside.sequence()
        outside.finish()
        found = (inner.integer(), inner.value(der.OCTET_STRING))
        inner.finish()
    except MalformedDer:
        return
    assert found != (70_000, b"digest")


@pytest.mark.parametrize(
    ("hexadecimal", "read"),
    [
        pytest.param("3080020101 0000", DerReader.sequence, id="indefinite-length"),
        pytest.param("3085 0100000000", DerReader.sequence, id="length-of-2^32"),
        pytest.param("3084 ffffffff", DerReader.sequence, id="length-beyond-the-end"),
        pytest.param("30 82 01", DerReader.sequence, id="length-cut-off"),
        pytest.param("30 ff", DerReader.sequence, id="reserved-length"),
        pytest.param("30 81 03 020101", DerReader.sequence, id="non-minimal-length"),
        pytest.param("30 82 0080" + "00" * 128, DerReader.sequence, id="non-minimal-long-length"),
        pytest.param("30", DerReader.sequence, id="tag-alone"),
        pytest.param("", DerReader.sequence, id="nothing"),
        pytest.param("31 00", DerReader.sequence, id="another-tag"),
        pytest.param("3f 10 00", lambda reader: reader.value(0x3F), id="tag-of-several-bytes"),
        pytest.param("02 00", DerReader.integer, id="integer-of-no-octets"),
        pytest.param("02 02 0001", DerReader.integer, id="integer-with-a-zero-in-front"),
        pytest.param("02 02 ffff", DerReader.integer, id="negative-integer-with-ones-in-front"),
        pytest.param("01 01 01", DerReader.boolean, id="boolean-neither-00-nor-ff"),
        pytest.param("01 02 ffff", DerReader.boolean, id="boolean-of-two-octets"),
        pytest.param("06 00", DerReader.object_identifier, id="identifier-of-no-octets"),
        pytest.param("06 02 2a86", DerReader.object_identifier, id="identifier-cut-off"),
        pytest.param("06 03 2a8001", DerReader.object_identifier, id="identifier-with-a-zero-in-front"),
        pytest.param("06 41" + "2a" * 65, DerReader.object_identifier, id="identifier-too-long"),
        pytest.param("00", DerReader.finish, id="trailing-byte"),
    ],
)
def test_what_is_not_der_is_refused(hexadecimal: str, read: Callable[[DerReader], Any]) -> None:
    with pytest.raises(MalformedDer):
        read(DerReader(bytes.fromhex(hexadecimal)))


def test_an_inner_element_cannot_reach_beyond_the_one_around_it() -> None:
    reader = DerReader(bytes.fromhex("3003 0402ff") + b"\xff")
    inner = reader.sequence()
    with pytest.raises(MalformedDer, match="longer than what is around it"):
        inner.value(der.OCTET_STRING)


def test_depth_costs_nothing_as_nobody_goes_down() -> None:
    nested = b""
    for _ in range(10_000):
        nested = der.sequence(nested)
    reader = DerReader(nested)
    assert reader.whole(der.SEQUENCE) == nested
