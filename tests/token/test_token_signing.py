"""Signing a token, and the term and the id of the key that did."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from qr_vectors import anchors, claims_of, kid, token_key, vectors

from certsvc.catalog import Catalog
from certsvc.domain.token import HALF_ORDER, P256_ORDER, Token, key_id, parse_digits, to_digits
from certsvc.seal.token import sign_token
from certsvc.services import RegisterReader
from certsvc.verify.anchors import TokenKey
from certsvc.verify.inspector import Inspector
from certsvc.verify.report import Soundness, Verdict
from certsvc.verify.scan import verify_scan
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token

CLAIMS = claims_of(vectors("good")["business-with-name"])
LONG_AGO, FAR = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class MemoryKey:
    """A P-256 key that lives as long as the test."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self.private.public_key()

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))

    def sign_digest(self, digest: bytes) -> bytes:
        raise NotImplementedError


@pytest.fixture(scope="module")
def key() -> MemoryKey:
    return MemoryKey()


def signed(key: MemoryKey, name: bytes | None = None) -> str:
    return to_digits(sign_token(CLAIMS, name or key_id(key.public_key), key))


def believed(key: MemoryKey, since: datetime = LONG_AGO, until: datetime = FAR) -> TokenKey:
    return TokenKey(key.public_key, since, until)


def s_of(token: Token) -> int:
    return int.from_bytes(token.signature[32:], "big")


def test_the_order_is_that_of_p256() -> None:
    """n·G is the point at infinity, so (n − 1)·G is −G: the same x."""
    one, other = (ec.derive_private_key(value, ec.SECP256R1()).public_key() for value in (1, P256_ORDER - 1))
    assert one.public_numbers().x == other.public_numbers().x
    assert one.public_numbers().y != other.public_numbers().y
    assert HALF_ORDER * 2 + 1 == P256_ORDER


def test_every_signature_has_the_smaller_s(key: MemoryKey) -> None:
    """Of 40 signatures left as they come, all would have the smaller s once in 10¹² runs."""
    ours = anchors((key_id(key.public_key), believed(key)))
    for _ in range(40):
        token, check = check_token(signed(key), ours)
        assert check.reason == "signed_by_us"
        assert 0 < s_of(token) <= HALF_ORDER


def test_keys_that_share_an_id_are_all_tried(key: MemoryKey) -> None:
    other, name = MemoryKey(), b"same"
    both = anchors((name, believed(other)), (name, believed(key)))
    assert check_token(signed(key, name), both)[1].reason == "signed_by_us"
    assert check_token(signed(other, name), both)[1].reason == "signed_by_us"
    assert check_token(signed(MemoryKey(), name), both)[1].reason == "signature_wrong"


def test_the_term_that_counts_is_that_of_the_key_that_signed(key: MemoryKey) -> None:
    other, name = MemoryKey(), b"same"
    both = anchors((name, believed(other)), (name, believed(key, FAR, FAR)))
    assert check_token(signed(key, name), both)[1].reason == "signed_outside_key_term"


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (timedelta(0), timedelta(days=1), "signed_by_us"),
        (timedelta(days=-1), timedelta(0), "signed_by_us"),
        (timedelta(seconds=1), timedelta(days=1), "signed_outside_key_term"),
        (timedelta(days=-1), timedelta(seconds=-1), "signed_outside_key_term"),
    ],
)
def test_first_and_last_second_of_the_term_count(
    key: MemoryKey, since: timedelta, until: timedelta, reason: str
) -> None:
    term = believed(key, CLAIMS.issued_at + since, CLAIMS.issued_at + until)
    assert check_token(signed(key), anchors((key_id(key.public_key), term)))[1].reason == reason


def test_without_anchors_nothing_is_ours(key: MemoryKey) -> None:
    assert check_token(signed(key), anchors())[1].reason == "unknown_key"


class NeverAsked:
    """Stands for a register that must not be asked, and a catalogue and workers that need not be."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("name", ["other-authority", "other-s", "one-digit-changed", "before-the-keys-quarter"])
def test_a_token_that_is_not_ours_is_not_valid_and_the_register_is_not_asked(name: str) -> None:
    nobody = NeverAsked()
    verifying = Verifying(
        catalog=cast(Catalog, nobody),
        trust=anchors((kid(), token_key())),
        register=cast(RegisterReader, nobody),
        inspector=cast(Inspector, nobody),
    )
    report = asyncio.run(verify_scan(verifying, vectors("bad")[name]["digits"], CLAIMS.issued_at))
    assert (report.document, report.verdict, report.status) == (Soundness.UNSOUND, Verdict.NOT_VALID, None)


def test_the_same_claims_signed_twice_take_the_same_room(key: MemoryKey) -> None:
    """The page is set with a token of a throw-away key first."""
    lengths = {len(parse_digits(signed(one)).raw) for one in (key, MemoryKey(), MemoryKey())}
    assert len(lengths) == 1
