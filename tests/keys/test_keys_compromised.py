"""Somebody else has a key: what it touched, and that only what is on record by its own digest counts afterwards."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chosen import some
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.utils import base64url_decode
from key_office import BY, SEAL, WITNESS, KeyOffice

from certsvc.commands.key_work import CompromiseCommand, declare_lost, end_compromised
from certsvc.domain.calendar import quarter
from certsvc.domain.token import parse_digits, to_digits
from certsvc.errors import CeremonyError, Conflict
from certsvc.http.verifier.alarms import alarms_of
from certsvc.issuance.issue import issue as issue_order
from certsvc.issuance.service import Issuing
from certsvc.seal.token import sign_token

pytestmark = pytest.mark.long

pytest_plugins = ["key_fixtures"]
VALID = ("valid", "valid")
TOKEN = f"token-{quarter(datetime.now(UTC))}"
SINCE = datetime.now(UTC) - timedelta(hours=1)


def end(office: KeyOffice, name: str, **said: Any) -> dict[str, Any]:
    """`certsvc compromised`."""
    usual: dict[str, Any] = {"since": SINCE, "why": "密钥失控", "by": BY, "confirmed_by": WITNESS}
    return end_compromised(office.settings, CompromiseCommand(name=name, **usual | said), quiet=True)


def test_a_dry_run_says_what_was_touched_and_changes_nothing(office: KeyOffice) -> None:
    before = {path: path.read_bytes() for path in (office.home / "authority").rglob("*") if path.is_file()}
    shown = end(office, SEAL, dry_run=True, listing=office.home / "touched.jsonl")
    assert (shown["certificates"], shown["by_type"]) == (1, {"tiered-water-proof": 1})
    assert (shown["documents"], shown["digests"]) == (0, 0)
    assert (shown["revoke"], shown["roll"], shown["transcript"]) == ([SEAL], [SEAL], None)
    assert office.old.ref.typed_code in (office.home / "touched.jsonl").read_text("utf-8")
    assert before == {path: path.read_bytes() for path in (office.home / "authority").rglob("*") if path.is_file()}


def test_a_seal_that_was_not_used_since_touched_nothing(office: KeyOffice) -> None:
    assert end(office, "seal-market", dry_run=True)["certificates"] == 0


@pytest.mark.parametrize("name", [SEAL, "root"])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        pytest.param({"confirmed_by": BY}, "two persons", id="one-person-alone"),
        pytest.param({"since": datetime.now(UTC) + timedelta(days=40)}, "to come", id="a-day-to-come"),
    ],
)
def test_what_cannot_be_done_is_refused_in_the_dry_run_and_leaves_nothing(
    name: str, wrong: dict[str, Any], error: str, office: KeyOffice
) -> None:
    for dry_run in (True, False):
        with pytest.raises(CeremonyError, match=error):
            end(office, name, dry_run=dry_run, **wrong)
    assert not (office.home / "authority" / "revoked").exists()
    assert not (office.home / "authority" / "ceremonies").exists()
    assert end(office, SEAL)["transcript"]


def test_that_it_began_earlier_is_said_later_and_no_other_key_is_made(office: KeyOffice) -> None:
    file = unregistered(office)
    time.sleep(1)  # timestamps and CRLs count whole seconds
    since = datetime.now(UTC)
    end(office, SEAL, since=since)
    assert office.check(file).verdict == "undetermined"  # sealed before, as was thought
    earlier = end(office, SEAL, since=SINCE)
    assert (earlier["revoke"], earlier["roll"], earlier["certificates"]) == ([SEAL], [], 1)
    assert office.check(file).verdict == "not_valid"
    assert office.old_verdicts == VALID
    assert end(office, SEAL, since=SINCE) == earlier
    assert end(office, SEAL, since=since)["roll"] == [SEAL]
    with pytest.raises(Conflict, match="revoked already"):
        end(office, SEAL, since=SINCE + timedelta(minutes=5))


def test_a_stolen_root_is_named_in_the_trust_list_no_more(office: KeyOffice) -> None:
    end(office, "root")
    payload = json.loads((office.settings.public / "trust" / "list.json").read_bytes())["payload"]
    (anchor,) = json.loads(base64url_decode(payload))["anchors"]
    assert anchor["sha256"] == office.authority.certificate("root.2").fingerprint(SHA256()).hex()


@pytest.mark.parametrize(
    ("name", "revoked", "rolled"),
    some(
        [
            pytest.param(SEAL, [SEAL], {SEAL}, id="seal"),
            pytest.param(TOKEN, [TOKEN], {TOKEN}, id="qr-key"),
            pytest.param("timestamp", ["timestamp"], {"timestamp"}, id="timestamp-authority"),
            pytest.param("issuing", ["issuing"], {"issuing", "timestamp", "ocsp", "list", SEAL, TOKEN}, id="issuing"),
            pytest.param("root", ["root"], {"root", "issuing", "timestamp", "ocsp", "list", SEAL, TOKEN}, id="root"),
        ]
    ),
)
def test_what_is_on_record_stays_valid_and_the_next_key_goes_on(
    name: str, revoked: list[str], rolled: set[str], office: KeyOffice
) -> None:
    shown = end(office, name)
    assert shown["revoke"] == revoked and rolled <= set(shown["roll"])
    assert shown["certificates"] == 1
    assert office.old_verdicts == VALID
    assert office.verdicts(office.issue()) == VALID
    assert end(office, name)["transcript"] == shown["transcript"]


def test_a_token_of_a_stolen_key_counts_only_if_it_is_the_very_one_on_record(office: KeyOffice) -> None:
    own = to_digits(office.old.token or b"")
    forged = forge(office, own)
    assert office.scan(own).verdict == "valid"
    assert office.scan(forged).checks[0].outcome == "passed"  # its signature is good: that is the trouble
    end(office, TOKEN)
    assert office.scan(own).verdict == "valid"
    report = office.scan(forged)
    assert report.verdict == "not_valid"
    assert ("token_signature", "failed", "compromised_key") in [(c.kind, c.outcome, c.reason) for c in report.checks]
    assert alarms_of(report) == ("stolen_key_used",)
    assert alarms_of(office.scan(own)) == ()


def test_offline_a_token_of_a_stolen_key_is_neither_sound_nor_unsound(office: KeyOffice) -> None:
    end(office, TOKEN)
    report = office.scan(to_digits(office.old.token or b""), offline=True)
    assert (report.verdict, report.document) == ("undetermined", "unknown")


def forge(office: KeyOffice, digits: str) -> str:
    """The same certificate's token, signed anew by who has the key."""
    claims = replace(parse_digits(digits).claims, list_index=7)
    key = office.authority.key(TOKEN)
    return to_digits(sign_token(claims, parse_digits(digits).kid, key))


@pytest.mark.parametrize("name", some([SEAL, "timestamp", "issuing", "root"]))
def test_a_file_of_a_stolen_key_that_is_not_on_record_is_not_valid(name: str, office: KeyOffice) -> None:
    file = unregistered(office)
    assert office.check(file).verdict == "undetermined"
    end(office, name)
    report = office.check(file)
    assert report.verdict == "not_valid"
    assert ("keys_today", "failed", "compromised_key") in [(c.kind, c.outcome, c.reason) for c in report.checks]
    assert alarms_of(report) == ("stolen_key_used",)


def test_a_file_under_an_authority_that_was_never_published_counts_only_on_record(office: KeyOffice) -> None:
    """Whoever has the root's key can certify an issuing authority of their own, which no CRL of ours can name."""
    office.hold("new", "issuing", SEAL)
    issued, file = office.issue(), unregistered(office)
    for fact in ("anchors/issuing.2.pem", "crl/issuing.2.crl"):
        (office.settings.public / fact).unlink()
    assert office.check(file).verdict == "not_valid"
    assert office.check(file, offline=True).document == "unknown"
    assert office.check(issued[1]).verdict == "valid"


def unregistered(office: KeyOffice) -> bytes:
    """A file that the real keys sealed and that never came on record, as a thief makes one."""
    stolen: list[bytes] = []

    async def work(issuing: Issuing, now: datetime) -> None:
        class Full(Exception):
            """The thief has what he wants."""

        class Keeping:
            def put(self, data: bytes) -> bytes:
                stolen.append(data)
                raise Full

        from key_office import ACTOR, PAYLOAD, PROOF

        from certsvc.domain.issuing import Order

        order = Order(client="thief", key="one", type_id=PROOF, payload=PAYLOAD)
        with pytest.raises(Full):
            await issue_order(replace(issuing, blobs=Keeping()), ACTOR, order, now)  # type: ignore[arg-type]

    office.with_keys(work)
    return stolen[0]


def test_touched_certificates_get_new_documents_under_the_new_keys(office: KeyOffice) -> None:
    shown = end(office, SEAL, reissue=True)
    assert shown["reissued"] == 1
    report = office.check(office.old_file)
    assert report.verdict == "not_valid"
    assert report.status == "superseded"
    assert report.certificate is not None and report.certificate.certificate.successor is not None
    again = end(office, SEAL, reissue=True)
    assert (again["certificates"], again["reissued"], again["not_reissued"]) == (1, 1, [])


def test_one_that_cannot_be_made_anew_holds_up_no_other(office: KeyOffice) -> None:
    (office.home / "secrets" / "data-1").unlink()
    declare_lost(office.settings, "data-1", BY, WITNESS, "磁盘损坏", quiet=True)
    office.issue()
    shown = end(office, SEAL, reissue=True)
    assert (shown["certificates"], shown["reissued"]) == (2, 1)
    assert [each["typed_code"] for each in shown["not_reissued"]] == [office.old.ref.typed_code]
