"""What was revoked since a file was sealed: before and after the date, for every key behind a seal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from seal_workshop import Workshop
from spoilt import of_an_unknown_version, with_an_extension_twice

from certsvc.verify.anchors import Anchors, Revoked
from certsvc.verify.inspection import Signer
from certsvc.verify.keys_today import check_keys_today
from certsvc.verify.report import Outcome

pytest_plugins = ["verify_fixtures"]
DAY = timedelta(days=1)
MARKET = "seal-market"
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN
REVOKED, COMPROMISED = "revoked_before_sealing", "compromised_key"


def found(
    workshop: Workshop, name: str, since: datetime, compromised: bool, registered: bool | None, sealed_at: float | None
) -> tuple[Outcome, str]:
    """The check of a file that the market's seal sealed, after a revocation."""
    ours = workshop.ours
    certificate = ours.certificate(name)
    revoked = {(certificate.issuer.public_bytes(), certificate.serial_number): Revoked(since, compromised)}
    signer = Signer(
        uscc=None,
        sealed_at=sealed_at,
        certificate=ours.certificate(MARKET).public_bytes(Encoding.DER),
        timestamp_certificate=ours.certificate("timestamp").public_bytes(Encoding.DER),
    )
    check = check_keys_today([signer], with_revoked(workshop.trust.current(), revoked), registered)
    return check.outcome, check.reason


def with_revoked(anchors: Anchors, revoked: Mapping[tuple[bytes, int], Revoked]) -> Anchors:
    """Anchors with another CRL."""
    return replace(anchors, revoked=revoked)


@pytest.mark.parametrize("registered", [True, False, None])
@pytest.mark.parametrize(
    ("name", "compromised", "before", "after"),
    [
        pytest.param(MARKET, False, PASSED, (FAILED, FAILED, FAILED), id="a-seal-withdrawn"),
        pytest.param("timestamp", False, PASSED, (FAILED, FAILED, FAILED), id="a-timestamp-key-withdrawn"),
        pytest.param("issuing", False, PASSED, (FAILED, FAILED, FAILED), id="an-issuing-authority-withdrawn"),
        pytest.param(MARKET, True, PASSED, (PASSED, FAILED, UNKNOWN), id="a-seal-stolen"),
        pytest.param("issuing", True, None, (PASSED, FAILED, UNKNOWN), id="an-issuing-authority-stolen"),
        pytest.param("timestamp", True, None, (PASSED, FAILED, UNKNOWN), id="a-timestamp-key-stolen"),
    ],
)
def test_the_date_counts_and_after_a_theft_the_register(
    name: str,
    compromised: bool,
    before: Outcome | None,
    after: tuple[Outcome, Outcome, Outcome],
    registered: bool | None,
    workshop: Workshop,
) -> None:
    """`before` None: whoever has the timestamp authority's key, or makes one of his own, writes any date he likes."""
    since = workshop.now - 10 * DAY
    expected = after[[True, False, None].index(registered)]
    for days in (-10, -9, 0):
        sealed_at = (workshop.now + days * DAY).timestamp()
        outcome, reason = found(workshop, name, since, compromised, registered, sealed_at)
        assert (outcome, reason) == (expected, COMPROMISED if compromised else REVOKED)
    earlier = (since - timedelta(seconds=1)).timestamp()
    assert found(workshop, name, since, compromised, registered, earlier)[0] is (before or expected)


def test_a_file_without_a_time_counts_as_sealed_after(workshop: Workshop) -> None:
    assert found(workshop, MARKET, workshop.now, False, True, None) == (FAILED, REVOKED)


def test_a_withdrawn_seal_beside_a_stolen_one_is_not_saved_by_the_register(workshop: Workshop) -> None:
    ours, since = workshop.ours, workshop.now - DAY
    names = {MARKET: False, "seal-health": True}
    certificates = {name: ours.certificate(name) for name in names}
    revoked = {
        (certificates[name].issuer.public_bytes(), certificates[name].serial_number): Revoked(since, stolen)
        for name, stolen in names.items()
    }
    signers = [
        Signer(uscc=None, sealed_at=workshop.now.timestamp(), certificate=der, timestamp_certificate=None)
        for der in (certificate.public_bytes(Encoding.DER) for certificate in certificates.values())
    ]
    check = check_keys_today(signers, with_revoked(workshop.trust.current(), revoked), True)
    assert (check.outcome, check.reason) == (FAILED, REVOKED)


def test_a_certificate_that_cannot_be_read_is_unknown(workshop: Workshop) -> None:
    signer = Signer(uscc=None, sealed_at=None, certificate=b"0\x03\x02\x01\x01", timestamp_certificate=None)
    check = check_keys_today([signer], workshop.trust.current(), True)
    assert (check.outcome, check.reason) == (UNKNOWN, "could_not_run")


@pytest.mark.parametrize("spoil", [of_an_unknown_version, with_an_extension_twice], ids=lambda each: each.__name__)
def test_a_seal_s_certificate_that_cannot_be_read_makes_keys_today_unknown(
    spoil: Callable[[x509.Certificate], bytes], workshop: Workshop
) -> None:
    """It comes out of a stranger's file, and is read here and not by a worker."""
    genuine = workshop.ours.sealing("market").certificate
    signer = Signer("", workshop.now.timestamp(), spoil(genuine), None)
    check = check_keys_today([signer], workshop.trust.current(), registered=True)
    assert (check.outcome, check.reason) == (Outcome.UNKNOWN, "could_not_run")
