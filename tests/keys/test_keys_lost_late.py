"""An issuing key is lost, and nobody noticed before its last CRL ended: ceremonies and seals go on all the same."""

from datetime import UTC, datetime, timedelta

import pytest
from key_office import BY, SEAL, WITNESS, KeyOffice

from certsvc.authority.ceremony import read_authority
from certsvc.authority.later import LaterPlan, RevocationPlan, hold_later
from certsvc.authority.seal_keys import SealKeys
from certsvc.domain.revocation import Reason
from certsvc.domain.seal_acts import SealAct, SealEvent, SealState
from certsvc.errors import CeremonyError, CustodyError, RevocationDataStale

pytest_plugins = ["key_fixtures"]
pytestmark = pytest.mark.long
BELOW = ("issuing", "timestamp", "ocsp", "list", "seal-*", "token-*")
LATE = datetime.now(UTC) + timedelta(days=8)


def hold(office: KeyOffice, ceremony: str, *roll: str, revoke: tuple[RevocationPlan, ...] = ()) -> str:
    """A later ceremony on the eighth day; its transcript."""
    plan = LaterPlan(ceremony, "演练 rehearsal", BY, WITNESS, roll, revoke)
    return hold_later(plan, office.home, office.settings.secret, LATE).read_text("utf-8")


@pytest.fixture
def late(office: KeyOffice) -> KeyOffice:
    """The issuing key is gone, and the next one was made after its CRL had ended."""
    office.key_file("issuing").unlink()
    assert "issuing.2" in hold(office, "next", *BELOW)
    return office


def destroy(office: KeyOffice) -> None:
    authority = read_authority(office.home, office.settings.secret)
    decision = SealEvent(
        id=1,
        act=SealAct.DESTROY,
        state=SealState.DESTROYING,
        actor=BY,
        at=LATE,
        reason="撤销机构",
        successor=None,
        confirmed_by=WITNESS,
        certificate=None,
    )
    SealKeys(authority).destroy(SEAL.removeprefix("seal-"), decision, LATE)


def test_later_ceremonies_are_held(late: KeyOffice) -> None:
    assert "timestamp.3" in hold(late, "one-more", "timestamp")
    revoke = (RevocationPlan("ocsp.2", Reason.SUPERSEDED),)
    assert "ocsp.3" in hold(late, "and-another", "ocsp", revoke=revoke)


def test_that_a_revocation_cannot_be_published_is_said_and_it_stays_on_record(late: KeyOffice) -> None:
    for _ in range(2):
        with pytest.raises(RevocationDataStale, match=r"crl/issuing\.crl"):
            hold(late, "revoke-old", revoke=(RevocationPlan(SEAL, Reason.KEY_COMPROMISE),))
    assert read_authority(late.home, late.settings.secret).is_compromised(SEAL)


def test_a_seal_is_destroyed_though_its_first_certificate_is_under_the_lost_key(late: KeyOffice) -> None:
    hold(late, "superseded", SEAL, revoke=(RevocationPlan(f"{SEAL}.2", Reason.SUPERSEDED),))
    destroy(late)
    destroy(late)
    for name in (SEAL, f"{SEAL}.2", f"{SEAL}.3"):
        assert late.authority.is_revoked(name)
        with pytest.raises(CustodyError):
            late.authority.key(name)


@pytest.mark.long
def test_a_destroyed_seal_gets_no_next_key(office: KeyOffice) -> None:
    destroy(office)
    with pytest.raises(CeremonyError, match="destroyed"):
        hold(office, "by-name", SEAL)
    assert f"{SEAL}.2" not in hold(office, "all-seals", "seal-*")
    with pytest.raises(CustodyError):
        office.authority.key(SEAL)
