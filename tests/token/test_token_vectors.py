"""The vectors of `tests/vectors/qr`: every stage of the good ones, and where each bad one is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from qr_vectors import FOLDER, PREFIX, Vector, anchors, claims_of, kid, token_key, vectors

from certsvc.domain.token import assemble, encode_claims, fits, key_id, parse_digits, signing_input, to_digits
from certsvc.errors import MalformedToken, TokenTooLong
from certsvc.ids import slot_of_licence
from certsvc.render.qr import QUIET, qr_symbol
from certsvc.verify.report import Outcome
from certsvc.verify.token import check_token

GOOD, BAD = vectors("good"), vectors("bad")
NO_TOKEN = {name: vector for name, vector in BAD.items() if "error" in vector}
NOT_SIGNED = {name: vector for name, vector in BAD.items() if "check" in vector}
BECAUSE = {
    "digits": {"it is not digits", "more than 700 digits"},
    "mark": {"its first byte is not 1"},
    "cose": {
        "it is not CBOR",
        "it is not the COSE_Sign1 agreed on",
        "its key id or signature has the wrong length",
    },
    "claims": {
        "it is not CBOR",
        "its claims are not those agreed on",
        "its certificate detail is wrong",
        "its certificate detail is not numbers",
        "its certificate detail is out of range",
        "its reference is wrong",
        "its reference has the wrong length",
        "its time is wrong",
        "its unified social credit code is wrong",
    },
    "spelling": {"it is not the one spelling"},
}
"""Everything a reader says before a token is a token."""


@pytest.fixture(params=list(GOOD))
def good(request: pytest.FixtureRequest) -> Vector:
    return GOOD[request.param]


def test_claims_become_exactly_these_bytes(good: Vector) -> None:
    assert encode_claims(claims_of(good)).hex() == good["claims_cbor"]


def test_the_sig_structure_is_exactly_these_bytes(good: Vector) -> None:
    assert signing_input(bytes.fromhex(good["claims_cbor"])).hex() == good["sig_structure"]


def test_the_token_and_its_digits_are_exactly_these(good: Vector) -> None:
    token = assemble(kid(), bytes.fromhex(good["claims_cbor"]), bytes.fromhex(good["signature"]))
    assert token.hex() == good["cose_sign1"]
    assert to_digits(token) == good["digits"]
    assert good["url"] == PREFIX + good["digits"]


def test_reading_gives_the_claims_back_and_the_signature_is_ours(good: Vector) -> None:
    token, check = check_token(good["digits"], anchors((kid(), token_key())))
    assert (check.outcome, check.reason) == (Outcome.PASSED, "signed_by_us")
    assert token.claims == claims_of(good)
    assert token.raw.hex() == good["cose_sign1"]


def test_the_picture_is_our_symbol_and_a_reader_sees_the_address(good: Vector) -> None:
    symbol = qr_symbol(PREFIX, good["digits"])
    with Image.open(FOLDER / "good" / good["picture"]) as opened:
        picture = opened.convert("L")
    side, pixels = symbol.modules, picture.width // symbol.modules
    dark = [
        [picture.getpixel((x * pixels + pixels // 2, y * pixels + pixels // 2)) == 0 for x in range(side)]
        for y in range(side)
    ]
    assert tuple(tuple(row[QUIET:-QUIET]) for row in dark[QUIET:-QUIET]) == symbol.rows
    assert symbol.version == good["qr_version"]
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    assert [code.text for code in zxingcpp.read_barcodes(picture, formats=formats)] == [good["url"]]


def test_the_name_stands_in_the_token_if_it_fits(good: Vector) -> None:
    holder, subject = good["holder"], good["claims"]["subject"]
    assert good["claims"]["holder_name"] == (holder if subject and fits(holder) else None)


def test_the_reference_lies_in_the_slot_of_its_business(good: Vector) -> None:
    claims = claims_of(good)
    assert claims.subject is None or claims.ref.slot == slot_of_licence(claims.subject)


@pytest.mark.parametrize("vector", NO_TOKEN.values(), ids=NO_TOKEN.keys())
def test_what_is_no_token_is_refused_where_the_vector_says(vector: Vector) -> None:
    with pytest.raises(MalformedToken) as refused:
        parse_digits(vector["digits"])
    assert refused.value.code == vector["error"]
    assert vector["because"] in refused.value.en
    assert any(vector["because"] in because for because in BECAUSE[vector["refused_at"]])


@pytest.mark.parametrize("vector", NOT_SIGNED.values(), ids=NOT_SIGNED.keys())
def test_a_token_that_is_not_ours_is_a_failed_check_and_no_error(vector: Vector) -> None:
    _, check = check_token(vector["digits"], anchors((kid(), token_key())))
    assert {"kind": check.kind, "outcome": check.outcome, "reason": check.reason} == vector["check"]


def test_every_reason_to_refuse_has_a_vector() -> None:
    shown = {(vector["refused_at"], vector["because"]) for vector in NO_TOKEN.values()}
    for stage, reasons in BECAUSE.items():
        for reason in reasons:
            assert any(at == stage and because in reason for at, because in shown), (stage, reason)
    assert {vector["check"]["reason"] for vector in NOT_SIGNED.values()} == {
        "unknown_key",
        "signature_wrong",
        "signed_outside_key_term",
    }


def test_the_too_long_one_is_over_the_limit_by_one_digit() -> None:
    digits = BAD["over-700-digits"]["digits"]
    assert len(digits) == 701
    with pytest.raises(TokenTooLong):
        parse_digits(digits)
    with pytest.raises(MalformedToken) as shorter:
        parse_digits(digits[:-1])
    assert not isinstance(shorter.value, TokenTooLong)


def test_the_key_id_is_that_of_the_published_key() -> None:
    assert key_id(token_key().public_key) == kid()


def test_the_script_makes_the_same_vectors_but_for_keys_and_signatures(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make_qr_vectors.py", tmp_path], check=True, timeout=60)
    for kind in ("good", "bad"):
        assert {path.name for path in (tmp_path / kind).iterdir()} == {path.name for path in (FOLDER / kind).iterdir()}
    for name, committed in vectors("good").items():
        made = json.loads((tmp_path / "good" / f"{name}.json").read_text("utf-8"))
        lasting = set(committed) - {"signature", "cose_sign1", "digits", "url"}
        assert {key: made[key] for key in lasting} == {key: committed[key] for key in lasting}
    for name, committed in BAD.items():
        made = json.loads((tmp_path / "bad" / f"{name}.json").read_text("utf-8"))
        lasting = set(committed) - {"digits", "cose_sign1"}
        assert {key: made[key] for key in lasting} == {key: committed[key] for key in lasting}
