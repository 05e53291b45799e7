"""Revocations: decided by two persons, written once, in the CRL at once and for ever, with the right date."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ceremonies import NOW, hold, make_home, open_held
from cryptography import x509
from linted import lint_crl

from certsvc.authority.authority import Authority
from certsvc.authority.crl import EACH_DAY
from certsvc.domain.revocation import Reason, Revocation
from certsvc.errors import Conflict, InvalidInput, NotFound, RevocationDataStale, SealRefused

DAY = timedelta(days=1)
DECIDED = NOW + timedelta(minutes=5)
SEAL = "seal-fire"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An authority with one seal."""
    home, plan = make_home(tmp_path)
    hold(home, plan)
    open_held(home)
    return home


def revocation(
    reason: Reason = Reason.SUPERSEDED, effective: datetime = DECIDED, name: str = SEAL, by: str = "陈主管"
) -> Revocation:
    """A seal's certificate is revoked."""
    return Revocation(
        name=name,
        reason=reason,
        effective=effective,
        decided_at=DECIDED,
        by=by,
        confirmed_by="林副主管",
        why="换章",
    )


def entries(authority: Authority, now: datetime) -> dict[int, x509.RevokedCertificate]:
    """What the newest CRL of the issuing authority lists."""
    crl = x509.load_der_x509_crl(authority.facts.crl("issuing", now, EACH_DAY))
    return {entry.serial_number: entry for entry in crl}


def reason_of(entry: x509.RevokedCertificate) -> x509.ReasonFlags:
    """The reason code of an entry."""
    return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason


def test_a_revocation_is_in_the_crl_at_once_and_another_process_sees_it(home: Path) -> None:
    authority, other = open_held(home), open_held(home)
    serial = authority.certificate(SEAL).serial_number
    assert serial not in entries(other, NOW)
    authority.record(revocation())
    assert set(entries(other, DECIDED)) == {serial}
    assert reason_of(entries(authority, DECIDED)[serial]) is x509.ReasonFlags.superseded
    assert lint_crl((home / "public" / "crl" / "issuing.crl").read_bytes()) == []


@pytest.mark.parametrize(
    ("reason", "effective", "revoked_at"),
    [
        pytest.param(Reason.SUPERSEDED, DECIDED - 30 * DAY, DECIDED, id="never-before-the-decision"),
        pytest.param(Reason.KEY_COMPROMISE, DECIDED - 30 * DAY, DECIDED - 30 * DAY, id="unless-compromised"),
        pytest.param(Reason.PRIVILEGE_WITHDRAWN, DECIDED + 2 * DAY, DECIDED + 2 * DAY, id="from-a-day-to-come"),
    ],
)
def test_the_date_in_the_crl_is_the_effective_one(
    reason: Reason, effective: datetime, revoked_at: datetime, home: Path
) -> None:
    authority = open_held(home)
    serial = authority.certificate(SEAL).serial_number
    authority.record(revocation(reason, effective))
    later = max(DECIDED, effective)
    assert (serial in entries(authority, DECIDED)) is (revoked_at <= DECIDED)
    entry = entries(authority, later)[serial]
    assert entry.revocation_date_utc == revoked_at
    found = [item.value for item in entry.extensions if isinstance(item.value, x509.InvalidityDate)]
    assert [value.invalidity_date_utc for value in found] == ([effective] if reason.is_compromise else [])


def test_a_revoked_seal_seals_nothing_more(home: Path) -> None:
    from certsvc.seal.evidence import require_evidence

    authority = open_held(home)
    authority.record(revocation())
    with pytest.raises(SealRefused, match="is revoked"):
        require_evidence(authority.sealing("fire"), authority.validation_data("fire", DECIDED), DECIDED)


def test_sent_twice_it_is_one_and_for_another_reason_it_is_refused(home: Path) -> None:
    authority = open_held(home)
    assert authority.record(revocation()) == authority.record(revocation(by="另一人"))
    with pytest.raises(Conflict, match="superseded"):
        authority.record(revocation(Reason.CESSATION_OF_OPERATION))
    assert len(authority.revocations()) == 1


def test_a_compromise_found_out_later_rules_over_what_was_said_before(home: Path) -> None:
    authority = open_held(home)
    serial = authority.certificate(SEAL).serial_number
    authority.record(revocation())
    assert reason_of(entries(authority, DECIDED)[serial]) is x509.ReasonFlags.superseded
    authority.record(revocation(Reason.KEY_COMPROMISE, NOW - DAY))
    entry = entries(authority, DECIDED)[serial]
    assert (reason_of(entry), entry.revocation_date_utc) == (x509.ReasonFlags.key_compromise, NOW - DAY)


def test_an_entry_stays_in_the_crl_also_when_the_ledger_comes_from_an_old_backup(home: Path) -> None:
    authority = open_held(home)
    serial = authority.certificate(SEAL).serial_number
    authority.record(revocation())
    entries(authority, DECIDED)
    for path in (home / "authority" / "revoked").iterdir():
        path.unlink()
    restored = open_held(home, DECIDED + 2 * DAY)
    assert set(entries(restored, DECIDED + 2 * DAY)) == {serial}


def test_one_person_alone_revokes_nothing_and_what_is_not_there_is_not_revoked(home: Path) -> None:
    with pytest.raises(InvalidInput, match="two persons"):
        revocation(by="林副主管")
    with pytest.raises(NotFound, match="seal-water"):
        open_held(home).record(revocation(name="seal-water"))


def test_a_machine_that_slept_for_a_month_comes_back(home: Path) -> None:
    now = NOW + 31 * DAY
    authority = open_held(home, now)
    crl = x509.load_der_x509_crl((home / "public" / "crl" / "issuing.crl").read_bytes())
    assert crl.next_update_utc is not None and crl.last_update_utc <= now < crl.next_update_utc
    assert authority.validation_data("fire", now)


def test_without_the_issuing_key_the_published_crl_serves_until_it_ends_or_lacks_something(home: Path) -> None:
    held = open_held(home)
    (home / "authority" / "keys" / "issuing.key").rename(home / "elsewhere.key")
    without = open_held(home, NOW + 6 * DAY)
    assert without.validation_data("fire", NOW + 6 * DAY)
    with pytest.raises(RevocationDataStale, match="issuing key cannot be used"):
        without.validation_data("fire", NOW + 8 * DAY)
    held.record(revocation())
    with pytest.raises(RevocationDataStale):
        without.validation_data("fire", DECIDED)


def test_crl_numbers_grow_also_when_the_clock_was_set_back(home: Path) -> None:
    authority = open_held(home)
    before = x509.load_der_x509_crl(authority.facts.crl("issuing", NOW + 2 * DAY, EACH_DAY))
    authority.record(revocation())
    after = x509.load_der_x509_crl(authority.facts.crl("issuing", DECIDED, EACH_DAY))
    numbers = [crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for crl in (before, after)]
    assert numbers[0] < numbers[1]
