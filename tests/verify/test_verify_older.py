"""A file of ours that a newer version has followed is named as such: genuine, unchanged, old, with a way to the new."""

from dataclasses import replace

import pytest
from asking import report_or_code
from flaws import Bench
from seal_workshop import Shelf, with_status

from certsvc.domain.states import Status
from certsvc.http.verifier.headline import headline_of
from certsvc.ids import new_ref
from certsvc.verify.json import report_json
from certsvc.verify.report import Report, Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]


def asked(bench: Bench, online: Verifying, shelf: Shelf, status: Status, *, followed: bool) -> Report:
    """The report on the genuine file, whose row is in this state."""
    row = bench.genuine.registered
    successor = new_ref(row.ref.slot) if followed else None
    shelf.certificates[row.ref] = replace(with_status(row, status), successor=successor)
    seen = report_or_code(online, bench.genuine.pdf, bench.workshop.now)
    assert isinstance(seen, Report)
    return seen


def test_an_older_version_is_genuine_old_and_leads_to_the_new_one(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    seen = asked(bench, online, shelf, Status.SUPERSEDED, followed=True)
    assert (seen.verdict, seen.document, headline_of(seen)) == (Verdict.NOT_VALID, Soundness.SOUND, "older_version")
    said = report_json(seen)
    successor = shelf.certificates[bench.genuine.registered.ref].successor
    assert successor is not None
    assert said["certificate"]["successor"] == successor.typed_code
    assert "older_version" in {check["reason"] for check in said["checks"]}


def test_a_version_whose_successor_is_not_in_force_yet_still_holds(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    """The flaw: a renewal issued before the term ends made the sheet in force an old one."""
    seen = asked(bench, online, shelf, Status.VALID, followed=True)
    assert (seen.verdict, headline_of(seen)) == (Verdict.VALID, "valid")


@pytest.mark.parametrize("status", [Status.REVOKED, Status.CLOSED, Status.SUSPENDED])
def test_what_happened_to_the_certificate_says_more_than_its_version(
    status: Status, bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    assert headline_of(asked(bench, online, shelf, status, followed=True)) == status.value


def test_an_older_version_that_was_altered_is_altered(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    asked(bench, online, shelf, Status.SUPERSEDED, followed=True)
    seen = report_or_code(online, bench.genuine.pdf + b"x\n", bench.workshop.now)
    assert isinstance(seen, Report) and headline_of(seen) == "changed"
