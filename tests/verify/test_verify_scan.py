"""A scanned QR or a typed code: the signature before the database, one question, each answer its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from asking import not_passed, run
from flaws import Bench
from seal_workshop import Made, Shelf, with_status

from certsvc.authority.founding import throw_away_authority
from certsvc.domain.calendar import Term, start_of_quarter
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import IN_FORCE, Status
from certsvc.domain.token import P256_ORDER, assemble, parse_digits, to_digits
from certsvc.errors import MalformedToken, NotFound, TokenTooLong, WrongCheckCharacter
from certsvc.ids import Uscc, new_ref
from certsvc.seal.token import sign_token
from certsvc.verify.anchors import AnchorFiles
from certsvc.verify.report import Report, Soundness, Verdict
from certsvc.verify.scan import verify_code, verify_scan
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token

pytest_plugins = ["verify_fixtures"]


def scan(verifying: Verifying, digits: str, bench: Bench, at: datetime | None = None) -> Report:
    return run(verify_scan(verifying, digits, at or bench.workshop.now))


def put(shelf: Shelf, made: Made, changed: RegisteredCertificate) -> None:
    shelf.certificates[made.registered.ref] = changed


def forbid_questions(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A register that fails the test if it is asked."""

    def asked(question: str) -> NoReturn:
        raise AssertionError(f"the register was asked: {question}")

    monkeypatch.setattr(shelf, "_answer", asked)


# ---- signature before database ----


def of_a_lookalike(bench: Bench) -> str:
    return bench.workshop.digits(bench.genuine.claims, bench.workshop.lookalike)


def with_our_key_id_and_another_key(bench: Bench) -> str:
    foreign, ours = parse_digits(of_a_lookalike(bench)), parse_digits(bench.genuine.digits)
    return to_digits(assemble(ours.kid, foreign.payload, foreign.signature))


def with_the_claims_of_another(bench: Bench) -> str:
    token, other = parse_digits(bench.genuine.digits), parse_digits(bench.other.digits)
    return to_digits(assemble(token.kid, other.payload, token.signature))


def with_the_other_spelling_of_its_signature(bench: Bench) -> str:
    token = parse_digits(bench.genuine.digits)
    s = P256_ORDER - int.from_bytes(token.signature[32:], "big")
    return to_digits(assemble(token.kid, token.payload, token.signature[:32] + s.to_bytes(32, "big")))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (of_a_lookalike, "unknown_key"),
        (with_our_key_id_and_another_key, "signature_wrong"),
        (with_the_claims_of_another, "signature_wrong"),
        (with_the_other_spelling_of_its_signature, "signature_wrong"),
    ],
)
def test_a_token_that_is_not_ours_is_not_valid_and_the_register_is_not_asked(
    make: "object", reason: str, bench: Bench, online: Verifying, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(make)
    forbid_questions(shelf, monkeypatch)
    seen = scan(online, make(bench), bench)
    assert (seen.verdict, seen.document, seen.status) == (Verdict.NOT_VALID, Soundness.UNSOUND, None)
    assert not_passed(seen) == {f"token_signature.{reason}"}


@pytest.mark.parametrize("place", range(0, 300, 37))
def test_one_digit_changed_is_never_valid_and_the_register_is_not_asked(
    place: int, bench: Bench, online: Verifying, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_questions(shelf, monkeypatch)
    digits = bench.genuine.digits
    changed = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1 :]
    try:
        seen = scan(online, changed, bench)
    except MalformedToken:
        return
    assert seen.verdict is Verdict.NOT_VALID


def test_what_is_no_token_is_refused_and_the_register_is_not_asked(
    bench: Bench, online: Verifying, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_questions(shelf, monkeypatch)
    for digits in ("", "0", "12", "0" + bench.genuine.digits, bench.genuine.digits + "0", "９" * 300):
        with pytest.raises(MalformedToken):
            scan(online, digits, bench)
    with pytest.raises(TokenTooLong):
        scan(online, "1" * 701, bench)


# ---- one question ----


def test_a_scan_asks_the_register_one_question(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    seen = scan(online, bench.genuine.digits, bench)
    assert (seen.verdict, not_passed(seen)) == (Verdict.VALID, set())
    assert shelf.asked == ["gather"]


def test_a_token_of_ours_without_a_row_is_undetermined(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    shelf.certificates.clear()
    seen = scan(online, bench.genuine.digits, bench)
    assert (seen.verdict, seen.document, seen.status) == (Verdict.UNDETERMINED, Soundness.SOUND, Status.UNKNOWN)
    assert not_passed(seen) == {"register.not_in_register"}


def test_a_register_that_is_down_gives_undetermined(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    shelf.down = True
    seen = scan(online, bench.genuine.digits, bench)
    assert (seen.verdict, seen.document, seen.status) == (Verdict.UNDETERMINED, Soundness.SOUND, None)
    assert seen.register_failed


def test_without_a_register_a_genuine_token_is_sound_and_undetermined(bench: Bench, offline: Verifying) -> None:
    seen = scan(offline, bench.genuine.digits, bench)
    assert (seen.verdict, seen.document, seen.status) == (Verdict.UNDETERMINED, Soundness.SOUND, None)


# ---- each answer its own ----


@pytest.mark.parametrize("status", list(Status))
def test_every_state_has_its_verdict(status: Status, bench: Bench, online: Verifying, shelf: Shelf) -> None:
    put(shelf, bench.genuine, with_status(bench.genuine.registered, status))
    seen = scan(online, bench.genuine.digits, bench)
    good = status in IN_FORCE
    other = Verdict.UNDETERMINED if status is Status.UNKNOWN else Verdict.NOT_VALID
    assert seen.verdict is (Verdict.VALID if good else other)
    assert (seen.document, seen.status) == (Soundness.SOUND, status)


def test_a_superseded_certificate_names_its_successor(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    successor = new_ref()
    row = replace(bench.genuine.registered, status=Status.SUPERSEDED, successor=successor)
    put(shelf, bench.genuine, row)
    seen = scan(online, bench.genuine.digits, bench)
    assert seen.verdict is Verdict.NOT_VALID
    assert seen.certificate is not None and seen.certificate.certificate.successor == successor


def test_a_state_too_old_is_unknown(bench: Bench, online: Verifying, shelf: Shelf) -> None:
    put(shelf, bench.genuine, with_status(bench.genuine.registered, Status.VALID, 10**9))
    seen = scan(online, bench.genuine.digits, bench)
    assert (seen.verdict, seen.status) == (Verdict.UNDETERMINED, Status.UNKNOWN)


def test_the_term_is_judged_by_the_day_in_china(bench: Bench, online: Verifying) -> None:
    end = bench.genuine.claims.expires_at
    assert end is not None
    last, over = end - timedelta(seconds=1), end
    assert scan(online, bench.genuine.digits, bench, last).verdict is Verdict.VALID
    seen = scan(online, bench.genuine.digits, bench, over)
    assert (seen.verdict, seen.document, seen.term.value) == (Verdict.NOT_VALID, Soundness.SOUND, "over")


def test_a_permit_whose_renewal_is_pending_stays_in_force_after_its_term(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    put(shelf, bench.genuine, with_status(bench.genuine.registered, Status.RENEWAL_PENDING))
    end = bench.genuine.claims.expires_at
    assert end is not None
    assert scan(online, bench.genuine.digits, bench, end + timedelta(days=30)).verdict is Verdict.VALID


@pytest.mark.parametrize("what", ["type_number", "version", "subject", "term", "holder_name"])
def test_a_register_that_says_something_else_than_the_token_is_not_valid(
    what: str, bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    row = bench.other.registered
    others: dict[str, Any] = {
        "type_number": 1,
        "version": 2,
        "subject": Uscc("11441900007330010D"),
        "term": Term(row.term.start),
        "holder_name": "云山市别的公司",
    }
    assert bench.other.claims.holder_name is not None
    put(shelf, bench.other, replace(row, **{what: others[what]}))
    seen = scan(online, bench.other.digits, bench)
    assert (seen.verdict, seen.document) == (Verdict.NOT_VALID, Soundness.UNSOUND)
    assert not_passed(seen) == {"register_agrees.register_differs"}


# ---- quarters ----


def test_a_token_counts_in_the_quarter_of_its_key_alone(bench: Bench, online: Verifying) -> None:
    workshop = bench.workshop
    first = start_of_quarter(workshop.now)
    last = start_of_quarter(first + timedelta(days=93)) - timedelta(seconds=1)
    for issued_at, reasons in (
        (last, set()),
        (last + timedelta(seconds=1), {"token_signature.signed_outside_key_term"}),
        (first - timedelta(seconds=1), {"token_signature.signed_outside_key_term"}),
    ):
        digits = workshop.digits(replace(bench.genuine.claims, issued_at=issued_at))
        assert not_passed(scan(online, digits, bench)) == reasons, issued_at


def test_a_token_key_is_known_on_both_sides_of_a_quarters_border(bench: Bench) -> None:
    border = start_of_quarter(datetime(2031, 4, 15, tzinfo=UTC))
    before, after = border - timedelta(seconds=1), border
    trust = AnchorFiles()
    authority = throw_away_authority(bench.workshop.ours.plan, datetime(2031, 1, 15, tzinfo=UTC), trust.put)
    for instant in (before, after):
        kid, key = authority.token_key(instant)
        claims = replace(bench.genuine.claims, issued_at=instant)
        _, check = check_token(to_digits(sign_token(claims, kid, key)), trust.current())
        assert check.reason == "signed_by_us", instant
    kids = {authority.token_key(instant)[0] for instant in (before, after)}
    assert len(kids) == 2


# ---- typed codes ----


def test_a_typed_code_asks_one_question_and_answers_as_the_qr_does(
    bench: Bench, online: Verifying, shelf: Shelf
) -> None:
    seen = run(verify_code(online, bench.genuine.face.typed_code.lower(), bench.workshop.now))
    assert seen.verdict is Verdict.VALID
    assert shelf.asked == ["gather"]


def test_a_mistyped_code_is_told_so_and_the_register_is_not_asked(
    bench: Bench, online: Verifying, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_questions(shelf, monkeypatch)
    code = bench.genuine.face.typed_code
    with pytest.raises(WrongCheckCharacter):
        run(verify_code(online, code[:-1] + ("0" if code[-1] != "0" else "1"), bench.workshop.now))


def test_a_code_that_nobody_has_is_not_found(bench: Bench, online: Verifying) -> None:
    with pytest.raises(NotFound):
        run(verify_code(online, new_ref().typed_code, bench.workshop.now))


def test_a_code_with_the_register_down_or_not_asked_is_undetermined(
    bench: Bench, online: Verifying, offline: Verifying, shelf: Shelf
) -> None:
    shelf.down = True
    for verifying in (online, offline):
        seen = run(verify_code(verifying, bench.genuine.face.typed_code, bench.workshop.now))
        assert (seen.verdict, seen.document) == (Verdict.UNDETERMINED, Soundness.UNKNOWN)
