"""PKCS #11 URIs: what RFC 7512 says, and nothing that is not understood."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.custody.pkcs11_uri import LONGEST, Pkcs11Uri, parse_pkcs11_uri
from certsvc.errors import CustodyError

MODULE = "?module-path=/a/lib.so"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=32)


@given(token=TEXT, serial=TEXT, label=TEXT, key_id=st.binary(min_size=1, max_size=20), slot=st.integers(0, 2**63))
def test_what_is_percent_encoded_is_read_as_it_was_written(
    token: str, serial: str, label: str, key_id: bytes, slot: int
) -> None:
    path = f"pkcs11:id={quote(key_id, safe='')};token={quote(token, safe='')};object={quote(label, safe='')}"
    uri = f"{path};serial={quote(serial, safe='')};slot-id={slot}{MODULE}&pin-source={quote('file:/a b', safe='')}"
    assert parse_pkcs11_uri(uri) == Pkcs11Uri(
        module=Path("/a/lib.so"), token=token, serial=serial, slot=slot, label=label, id=key_id, pin_source="file:/a b"
    )


def test_the_examples_of_the_standard_are_read() -> None:
    uri = (
        "pkcs11:token=Software%20PKCS%2311%20softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate"
    )
    parsed = parse_pkcs11_uri(f"{uri};type=private;id=%69%95%3E%5C%F4%BD%EC%91{MODULE}&pin-source=file:/etc/token")
    assert (parsed.token, parsed.manufacturer) == ("Software PKCS#11 softtoken", "Snake Oil, Inc.")
    assert (parsed.model, parsed.label, parsed.id) == ("1.0", "my-certificate", bytes.fromhex("69953e5cf4bdec91"))
    assert parsed.pin_source == "file:/etc/token"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:", "not known"),
        (f"pkcs11:{MODULE}", "not known"),
        (f"PKCS11:token=a;object=b{MODULE}", "begin with"),
        (f"pkcs11:token=a;object={'b' * LONGEST}{MODULE}", "too long"),
        (f"pkcs11:token=a{MODULE}", "names no key"),
        (f"pkcs11:object=b{MODULE}", "names no token"),
        ("pkcs11:token=a;object=b", "module-path"),
        ("pkcs11:token=a;object=b?", "not known"),
        ("pkcs11:token=a;object=b?module-path=lib.so", "module-path"),
        ("pkcs11:token=a;object=b?module-name=softhsm2", "search path"),
        (f"pkcs11:token=a;object=b{MODULE}&pin-value=1234", "PIN never stands"),
        (f"pkcs11:token=a;object=b;pin-value=1234{MODULE}", "PIN never stands"),
        (f"pkcs11:token=a;token=b;object=c{MODULE}", "twice"),
        (f"pkcs11:token=a;object=b{MODULE}&module-path=/c", "twice"),
        (f"pkcs11:token=a;object=b;colour=red{MODULE}", "not known"),
        (f"pkcs11:token=a;object=b;x-colour=red{MODULE}", "not known"),
        (f"pkcs11:token=a;object=b;library-version=3{MODULE}", "not known"),
        (f"pkcs11:token=a;object=b;pin-source=env:A{MODULE}", "not known"),
        (f"pkcs11:token=a;object=b;{MODULE}", "not known"),
        (f"pkcs11:token=a;object={MODULE}", "object"),
        (f"pkcs11:token;object=b{MODULE}", "token"),
        (f"pkcs11:token=a;object=b;type=public{MODULE}", "private"),
        (f"pkcs11:token=a;object=b;slot-id=-1{MODULE}", "number"),
        (f"pkcs11:token=a;object=b;slot-id=1x{MODULE}", "number"),
        (f"pkcs11:token=a;object=b%2{MODULE}", "object"),
        (f"pkcs11:token=a;object=b%zz{MODULE}", "object"),
        (f"pkcs11:token=a;object=%ff{MODULE}", "UTF-8"),
        (f"pkcs11:token=a;object=b c{MODULE}", "object"),
        (f"pkcs11:token=a;object=图{MODULE}", "object"),
        (f"pkcs11:token=a;object=b/c{MODULE}", "object"),
        (f"pkcs11:token=a;object=b#c{MODULE}", "object"),
        (f"pkcs11:token=a;object=b{MODULE}\n", "module-path"),
    ],
)
def test_what_the_standard_does_not_say_is_refused_with_the_reason(uri: str, words: str) -> None:
    with pytest.raises(CustodyError, match=words) as raised:
        parse_pkcs11_uri(uri)
    assert "1234" not in raised.value.en + raised.value.zh


@given(st.text(max_size=200))
def test_no_text_gets_anything_but_a_key_or_a_refusal(text: str) -> None:
    for uri in (text, f"pkcs11:{text}", f"pkcs11:token=a;object=b?{text}"):
        try:
            assert parse_pkcs11_uri(uri).module.is_absolute()
        except CustodyError:
            continue
