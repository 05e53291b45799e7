"""Every finding has its name in ETSI EN 319 102-1, and none is named better than it is."""

import sys
from pathlib import Path

import pytest
from all_flaws import FLAWS
from asking import report_or_code
from flaws import Bench
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate

from certsvc.domain.seal_form import Form
from certsvc.verify.indications import (
    BESIDE,
    CLAUSES,
    NO_SIGNATURE,
    NOT_PASSED,
    STANDARD,
    Indication,
    Status,
    Sub,
    indication,
    indications,
    overall,
)
from certsvc.verify.json import report_json
from certsvc.verify.report import Check, Outcome, Report
from certsvc.verify.service import Verifying

sys.path.append(str(Path(__file__).resolve().parents[1] / "http"))
from test_http_words import emitted

pytest_plugins = ["verify_fixtures"]

PASSES = {
    *("page_and_one_seal", "page_and_joint_seals", "whole_file", "zero", "one_spelling", "none", "intact", "in_order"),
    *("our_anchor", "not_revoked", "not_revoked_when_sealed", "trusted", "no_changes", "data_attached"),
    *("made_elsewhere", "same_data", "same_as_data", "seal_owner", "signed_by_us", "same", "on_record"),
    *("digest_on_record", "document_on_record", "seals_on_record", "same_certificate", "recognised_authority"),
}
"""Reasons of checks that pass."""

OF_RECEIPTS = frozenset({"receipt_signature", "receipt_content", "receipt_seal", "receipt_page"})
"""A receipt is a record of ours and no signature by a signatory: its checks have the general words."""


def test_every_finding_that_is_no_pass_has_its_sub_indication() -> None:
    found = {pair for pair in emitted() if pair[0] not in BESIDE | OF_RECEIPTS and pair not in NO_SIGNATURE}
    named = {(kind, reason) for kind, reason in found if not reason.startswith("could_not_run")}
    missing = {f"{kind}.{reason}" for kind, reason in named - NOT_PASSED.keys() if reason not in PASSES}
    assert missing == set()
    assert {kind for kind, _ in named} <= CLAUSES.keys()


def test_the_table_names_no_finding_that_does_not_exist() -> None:
    assert NOT_PASSED.keys() - emitted() == set()
    assert NO_SIGNATURE - emitted() == set()


def test_the_words_are_those_of_the_standard() -> None:
    """Held against the list of an independent program."""
    failed = {one.name for one in AdESFailure}
    known = failed | {one.name for one in AdESIndeterminate}
    for sub in Sub:
        assert sub.value in known
        assert (sub.status is Status.FAILED) == (sub.value in failed)


def test_what_is_unknown_to_the_table_is_never_better_than_indeterminate() -> None:
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN):
        found = indication(Check("made_up", outcome, "made_up"))
        assert found is not None
        assert (found.status, found.sub) == (Status.INDETERMINATE, Sub.GENERIC)
    broken = indication(Check("timestamp", Outcome.UNKNOWN, "could_not_run"))
    assert broken is not None and broken.sub is Sub.GENERIC


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], None),
        ([Check("signature", Outcome.FAILED, "no_seal"), Check("register", Outcome.PASSED, "on_record")], None),
        ([Check("term", Outcome.FAILED, "over")], None),
        ([Check("code", Outcome.PASSED, "known_code"), Check("register", Outcome.PASSED, "on_record")], None),
        ([Check("number", Outcome.PASSED, "known_number"), Check("register", Outcome.PASSED, "on_record")], None),
        (
            [Check("code", Outcome.UNKNOWN, "not_asked"), Check("register", Outcome.UNKNOWN, "register_unavailable")],
            None,
        ),
        (
            [Check("token_signature", Outcome.PASSED, "signed_by_us"), Check("register", Outcome.PASSED, "on_record")],
            Status.PASSED,
        ),
        ([Check("signature", Outcome.PASSED, "intact"), Check("term", Outcome.FAILED, "over")], Status.PASSED),
        ([Check("signer", Outcome.FAILED, "not_our_anchor")], Status.INDETERMINATE),
        (
            [Check("signer", Outcome.FAILED, "not_our_anchor"), Check("signature", Outcome.FAILED, "altered")],
            Status.FAILED,
        ),
    ],
)
def test_the_whole_is_the_gravest_of_its_parts(checks: list[Check], expected: Status | None) -> None:
    found = overall(checks)
    assert (found and found.status) == expected


def test_a_typed_code_is_no_signature_and_none_of_its_checks_is_called_passed() -> None:
    """The flaw: a code that somebody typed was TOTAL-PASSED, with nothing signed to look at."""
    checks = (Check("code", Outcome.PASSED, "known_code"), Check("register", Outcome.PASSED, "on_record"))
    assert indications(checks) == (None, None)
    signed = (Check("token_signature", Outcome.PASSED, "signed_by_us"), *checks)
    assert [one and one.status for one in indications(signed)] == [Status.PASSED, None, Status.PASSED]


def test_a_genuine_file_is_total_passed_in_the_machines_report(bench: Bench, online: Verifying) -> None:
    seen = report_or_code(online, bench.genuine.pdf, bench.workshop.now)
    assert isinstance(seen, Report)
    said = report_json(seen)
    assert said["etsi"] == {"standard": STANDARD, "indication": "TOTAL-PASSED", "sub_indication": None}
    assert {check["indication"] for check in said["checks"]} == {"TOTAL-PASSED", None}


@pytest.mark.long
def test_no_altered_file_is_total_passed(bench: Bench, online: Verifying) -> None:
    for flaw in FLAWS[::7]:
        if Form.ONE_REVISION in flaw.answers:
            seen = report_or_code(online, flaw.make(bench), bench.workshop.now)
            found = overall(seen.checks) if isinstance(seen, Report) else None
            assert found is None or found.status is not Status.PASSED, flaw.name


def test_a_clause_stands_with_every_indication() -> None:
    assert indication(Check("signature", Outcome.FAILED, "altered")) == Indication(
        Status.FAILED, Sub.HASH_FAILURE, "5.2.7"
    )
