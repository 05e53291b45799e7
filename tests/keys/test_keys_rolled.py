"""A next generation of every key: what was issued before stays valid, and what is issued after is valid too."""

from datetime import UTC, datetime, timedelta

import pytest
from key_office import SEAL, KeyOffice

from certsvc.authority.later import RevocationPlan
from certsvc.domain.calendar import quarter
from certsvc.domain.revocation import Reason
from certsvc.errors import Queued

pytestmark = pytest.mark.long

pytest_plugins = ["key_fixtures"]
VALID = ("valid", "valid")
TOKEN = f"token-{quarter(datetime.now(UTC))}"
BELOW_A_ROOT = ("issuing", "timestamp", "ocsp", "list", "seal-*", TOKEN)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("timestamp",), id="timestamp-authority"),
        pytest.param((TOKEN,), id="qr-key"),
        pytest.param((SEAL,), id="seal"),
        pytest.param(BELOW_A_ROOT, id="issuing-authority-and-all-below"),
        pytest.param(("root", *BELOW_A_ROOT), id="root-and-all-below"),
    ],
)
def test_documents_of_before_and_after_are_valid(names: tuple[str, ...], office: KeyOffice) -> None:
    office.hold("roll", *names)
    assert office.old_verdicts == VALID
    new = office.issue()
    assert office.verdicts(new) == VALID
    if "seal-*" in names or SEAL in names:
        (signer,) = signers_of(office, new[1])
        assert signer == f"{SEAL}.2"


def signers_of(office: KeyOffice, file: bytes) -> list[str]:
    """The names of the seals' certificates in a file."""
    from cryptography.hazmat.primitives.serialization import Encoding

    names = {office.authority.certificate(name).public_bytes(Encoding.DER): name for name in office.authority.names}
    return sorted(name for der, name in names.items() if der.hex().encode() in file and name.startswith(SEAL))


def test_a_seal_revoked_from_a_day_on_leaves_what_it_sealed_before_valid_and_seals_no_more(office: KeyOffice) -> None:
    office.hold("withdrawn", revoke=(RevocationPlan(SEAL, Reason.PRIVILEGE_WITHDRAWN),))
    assert office.old_verdicts == VALID
    with pytest.raises(Queued, match="is revoked"):
        office.issue()
    office.hold("next", SEAL)
    assert office.resume() == 1
    assert office.old_verdicts == VALID


def test_a_decision_of_today_does_not_reach_back_to_what_was_sealed_before_it(office: KeyOffice) -> None:
    month_ago = datetime.now(UTC) - timedelta(days=30)
    office.hold("reaching-back", revoke=(RevocationPlan(SEAL, Reason.AFFILIATION_CHANGED, month_ago),))
    assert office.old_verdicts == VALID
