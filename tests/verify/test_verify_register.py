"""Both, always: what the file proves and what the register says of it. Neither alone makes anything valid."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from alter_bytes import a_byte_of_the_text
from alter_keys import an_older_seal
from asking import not_passed, report_or_code, run, verifier
from flaws import Bench
from seal_workshop import COMPANY, Made, Shelf, with_status

from certsvc.domain.calendar import Term
from certsvc.domain.states import IN_FORCE, Status
from certsvc.verify.file import check_file
from certsvc.verify.report import Report, Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["verify_fixtures"]
UNREGISTERED = "register.sealed_but_not_registered"


def report(verifying: Verifying, data: bytes, bench: Bench) -> Report:
    answer = report_or_code(verifying, data, bench.workshop.now)
    assert isinstance(answer, Report), answer
    return answer


# ---- sound, but not registered ----


def our_own_key_over_a_text_never_registered(bench: Bench) -> bytes:
    return bench.workshop.make().pdf


def a_genuine_token_under_a_text_about_somebody_else(bench: Bench) -> bytes:
    """Whoever has a seal's key has no token key, and can only use a token that was issued to another."""
    face = replace(bench.genuine.face, payload=bench.other.face.payload)
    return bench.workshop.press(bench.genuine, page=bench.workshop.page_of(face))


def an_older_seals_genuine_key_over_a_text_never_issued(bench: Bench) -> bytes:
    return an_older_seal(bench, bench.workshop.page_of(replace(bench.genuine.face, number="JY14419000000033")))


def the_genuine_page_sealed_once_more(bench: Bench) -> bytes:
    return bench.workshop.press(bench.genuine)


def genuine_digits_behind_a_lookalike_host(bench: Bench) -> bytes:
    """The picture lies under the seal: only the seal's own key can do this, and then the register does not know it."""
    face = replace(bench.genuine.face, qr_prefix="HTTP://YZ-TEST.EVIL/Q/")
    return bench.workshop.press(bench.genuine, page=bench.workshop.page_of(face))


@pytest.mark.parametrize(
    "make",
    [
        our_own_key_over_a_text_never_registered,
        a_genuine_token_under_a_text_about_somebody_else,
        an_older_seals_genuine_key_over_a_text_never_issued,
        the_genuine_page_sealed_once_more,
        genuine_digits_behind_a_lookalike_host,
    ],
)
def test_a_genuine_key_alone_is_never_valid(make: "object", bench: Bench, online: Verifying) -> None:
    assert callable(make)
    seen = report(online, make(bench), bench)
    assert (seen.verdict, seen.document) == (Verdict.UNDETERMINED, Soundness.SOUND)
    assert UNREGISTERED in not_passed(seen)


def test_a_lookalike_host_under_another_seal_is_not_ours(bench: Bench, online: Verifying, offline: Verifying) -> None:
    workshop = bench.workshop
    face = replace(bench.genuine.face, qr_prefix="HTTP://YZ-TEST.EVIL/Q/")
    data = workshop.seal(workshop.page_of(face), face, authority=workshop.lookalike)
    for verifying in (online, offline):
        seen = report(verifying, data, bench)
        assert (seen.verdict, seen.document) == (Verdict.NOT_VALID, Soundness.UNSOUND)
        assert "signer.not_our_anchor" in not_passed(seen)


# ---- registered, but not sound ----


def test_a_row_in_the_register_makes_no_unsound_file_valid(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    altered = a_byte_of_the_text(bench)
    shelf.documents[hashlib.sha256(altered).digest()] = bench.genuine.registered.ref
    seen = report(online, altered, bench)
    assert (seen.verdict, seen.document) == (Verdict.NOT_VALID, Soundness.UNSOUND)
    assert seen.certificate is not None


def test_a_file_registered_for_another_certificate_is_not_valid(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    shelf.documents[hashlib.sha256(bench.genuine.pdf).digest()] = bench.other.registered.ref
    seen = report(online, bench.genuine.pdf, bench)
    assert (seen.verdict, seen.document) == (Verdict.NOT_VALID, Soundness.UNSOUND)
    assert "register_agrees.register_differs" in not_passed(seen)


# ---- what the register says ----


def test_a_file_costs_two_questions(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    report(online, bench.genuine.pdf, bench)
    assert shelf.asked == ["find_document", "gather"]


def test_a_register_that_is_down_never_gives_valid(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    shelf.down = True
    seen = report(online, bench.genuine.pdf, bench)
    assert (seen.verdict, seen.document, seen.status) == (Verdict.UNDETERMINED, Soundness.SOUND, None)
    assert seen.register_failed
    assert UNREGISTERED not in not_passed(seen)


def test_a_file_on_record_without_its_certificate_is_undetermined(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    del shelf.certificates[bench.genuine.registered.ref]
    assert report(online, bench.genuine.pdf, bench).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("status", list(Status))
def test_the_state_decides_over_a_sound_registered_file(
    status: Status, bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    put(shelf, bench.genuine, status)
    seen = report(online, bench.genuine.pdf, bench)
    good = status in IN_FORCE
    unknown = Verdict.UNDETERMINED if status is Status.UNKNOWN else Verdict.NOT_VALID
    assert seen.verdict is (Verdict.VALID if good else unknown)
    assert seen.document is Soundness.SOUND


def test_a_state_older_than_its_type_allows_is_unknown(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    limit = int(bench.genuine.face.type.status_max_age.total_seconds())
    put(shelf, bench.genuine, Status.VALID, limit)
    assert report(online, bench.genuine.pdf, bench).verdict is Verdict.VALID
    put(shelf, bench.genuine, Status.VALID, limit + 1)
    seen = report(online, bench.genuine.pdf, bench)
    assert (seen.verdict, seen.status) == (Verdict.UNDETERMINED, Status.UNKNOWN)


def test_a_term_on_record_that_is_not_the_printed_one_is_not_valid(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    row = bench.genuine.registered
    longer = Term(row.term.start, date(2099, 12, 31))
    shelf.certificates[row.ref] = replace(row, term=longer)
    seen = report(online, bench.genuine.pdf, bench)
    assert seen.verdict is Verdict.NOT_VALID
    assert "register_agrees.register_differs" in not_passed(seen)


def test_the_term_is_an_answer_of_its_own(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    end = bench.genuine.registered.term.end
    assert end is not None
    after = bench.workshop.now + timedelta(days=402)
    seen = report_or_code(online, bench.genuine.pdf, after)
    assert isinstance(seen, Report)
    assert (seen.verdict, seen.document, seen.term.value) == (Verdict.NOT_VALID, Soundness.SOUND, "over")


def test_a_licence_of_no_fixed_term_verifies_too(bench: Bench, shelf: Shelf) -> None:
    made = bench.workshop.make(COMPANY)
    shelf.add(made)
    seen = report(verifier(bench.workshop, shelf), made.pdf, bench)
    assert (seen.verdict, seen.term.value) == (Verdict.VALID, "none")


@pytest.mark.long
def test_the_issue_walks_own_check_sees_what_a_stranger_sees(bench: Bench, offline: Verifying) -> None:
    checks = run(check_file(offline, bench.genuine.pdf, bench.workshop.now))
    assert {check.outcome.value for check in checks} == {"passed"}
    failing = run(check_file(offline, a_byte_of_the_text(bench), bench.workshop.now))
    assert "failed" in {check.outcome.value for check in failing}


def put(shelf: Shelf, made: Made, status: Status, age_s: int = 0) -> None:
    """The register's row in another state."""
    shelf.certificates[made.registered.ref] = with_status(made.registered, status, age_s)
