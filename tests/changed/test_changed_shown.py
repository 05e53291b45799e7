"""Where the sealed page comes from, who learns what from it, and what people see."""

import re
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from asking import run
from changed_fixtures import HOST, looking
from changing import (
    another_name,
    painted_over,
    printed_to_a_picture,
    saved_by_another_program,
    the_seal_moved,
    with_bytes_after_the_end,
)
from flaws import Bench
from looking import DrawnHere
from pdf_bytes import append_revision
from photographs import as_scan, beside, qr
from PIL import Image
from seal_workshop import Made, Shelf, Workshop

from certsvc.errors import WorkersBusy
from certsvc.http.headers import CONTENT_SECURITY_POLICY, POLICY_WITH_PICTURES
from certsvc.http.language import CODES, load_languages
from certsvc.http.verifier.answers import three_answers
from certsvc.http.verifier.changed import ChangedView, changed_view
from certsvc.http.verifier.files import files_view
from certsvc.http.verifier.headline import headline_of
from certsvc.verify.changed import Changed, is_public_in_full, what_changed
from certsvc.verify.looking_shapes import Compare, Compared
from certsvc.verify.photo import examine_upload
from certsvc.verify.report import Soundness, Verdict
from certsvc.verify.service import Verifying

pytest_plugins = ["changed_fixtures"]
PROOF = "tiered-water-proof"
WORDS = Path(__file__).resolve().parents[2] / "verifier_web" / "words"
languages = cache(load_languages)


def changes(verifying: Verifying, data: bytes, bench: Bench) -> Changed | None:
    """What is found to have changed."""
    examined = run(examine_upload(verifying, data, bench.workshop.now))
    assert examined.report.verdict is not Verdict.VALID or data == bench.genuine.pdf
    return run(what_changed(verifying, examined, data, bench.workshop.now))


def shown(changed: Changed | None, code: str = "en") -> ChangedView:
    """As a page shows it."""
    view = changed_view(changed, languages(WORDS)[code])
    assert view is not None
    return view


# ---- from where ----


def test_a_file_that_is_fine_is_not_compared(bench: Bench, seeing: Verifying) -> None:
    assert changes(seeing, bench.genuine.pdf, bench) is None


@pytest.mark.long
@pytest.mark.parametrize(
    "change", [painted_over, the_seal_moved, with_bytes_after_the_end], ids=lambda one: one.__name__
)
def test_the_sealed_page_is_taken_from_the_file_where_it_is_on_record(
    change: "object", bench: Bench, seeing: Verifying
) -> None:
    assert callable(change)
    data = change(bench)
    found = changes(seeing, data, bench)
    assert found is not None
    assert (found.source, found.appended) == ("revision", len(data) - len(bench.genuine.pdf))
    assert isinstance(seeing.drawer, DrawnHere) and seeing.drawer.drawn == []


@pytest.mark.long
def test_the_sealed_page_is_found_however_often_something_was_appended(bench: Bench, seeing: Verifying) -> None:
    """The flaw: only the last eight revisions were looked at, so a ninth hid the page that is on record."""
    data = painted_over(bench)
    for _ in range(12):
        data = append_revision(data, {})
    found = changes(seeing, data, bench)
    assert found is not None and found.source == "revision"


@pytest.mark.long
def test_a_beginning_that_is_not_on_record_is_no_sealed_page(bench: Bench, shelf: Shelf) -> None:
    shelf.documents.clear()
    found = changes(looking(bench.workshop, shelf), painted_over(bench), bench)
    assert found is None or found.source != "revision"


@pytest.mark.long
def test_else_the_page_is_drawn_anew_from_what_is_public(bench: Bench, seeing: Verifying) -> None:
    data, before, after = another_name(bench)
    found = changes(seeing, data, bench)
    assert found is not None and found.source == "redrawn"
    (one,) = found.compared.differences
    assert (one.sealed_text, one.yours_text) == (before, after)
    assert [field.value for field in found.missing or ()] == [before]


@pytest.mark.long
def test_a_page_drawn_anew_is_the_page_as_it_was_sealed_but_for_the_seal(bench: Bench, seeing: Verifying) -> None:
    found = changes(seeing, saved_by_another_program(bench.genuine), bench)
    assert found is not None
    assert (found.source, found.compared.differences, found.missing) == ("redrawn", (), ())


@pytest.mark.long
def test_a_business_licence_is_drawn_anew_too(workshop: Workshop, shelf: Shelf, bench: Bench) -> None:
    made = workshop.make("business-licence-company")
    shelf.add(made)
    found = changes(looking(workshop, shelf), saved_by_another_program(made), bench)
    assert found is not None and (found.source, found.compared.differences) == ("redrawn", ())


# ---- who learns what ----


@pytest.fixture(scope="module")
def proof(workshop: Workshop) -> Made:
    """A proof about a person."""
    return workshop.make(PROOF)


def test_of_a_proof_no_page_is_ever_drawn_anew(proof: Made, shelf: Shelf, bench: Bench) -> None:
    """Who has a QR of somebody's proof must not get the proof by it."""
    shelf.add(proof)
    seeing = looking(bench.workshop, shelf)
    found = changes(seeing, saved_by_another_program(proof), bench)
    assert found is None or (found.source is None and found.compared.pairs == ())
    assert isinstance(seeing.drawer, DrawnHere) and seeing.drawer.drawn == []


def test_only_types_whose_whole_face_is_public_are_drawn_anew(workshop: Workshop) -> None:
    for kind in workshop.catalog:
        hidden = [field.key for field in kind.definition.fields if field.public != "clear"]
        assert is_public_in_full(kind) == (not hidden and not kind.definition.full_view), kind.id
    assert not is_public_in_full(workshop.catalog.latest(PROOF))


def test_of_a_proof_that_was_added_to_the_holder_sees_his_own_page(proof: Made, shelf: Shelf, bench: Bench) -> None:
    """The sealed page is in the file that he brought."""
    shelf.add(proof)
    found = changes(looking(bench.workshop, shelf), proof.pdf + b"x\n", bench)
    assert found is not None and found.source == "revision"


def test_fields_that_are_masked_are_not_said_to_be_missing(proof: Made, shelf: Shelf, bench: Bench) -> None:
    shelf.add(proof)
    found = changes(looking(bench.workshop, shelf), proof.pdf + b"x\n", bench)
    assert found is not None and all("*" not in field.value for field in found.missing or ())


def test_a_token_that_is_not_ours_brings_nothing_of_the_register(bench: Bench, seeing: Verifying) -> None:
    forged = bench.workshop.digits(bench.genuine.claims, bench.workshop.lookalike)
    face = replace(bench.genuine.face, digits=forged)
    data = bench.workshop.seal(bench.workshop.page_of(face), face, authority=bench.workshop.lookalike)
    assert changes(seeing, data, bench) is None


# ---- nothing hangs on it ----


class Busy:
    """Workers that have no time."""

    async def compare(self, asked: Compare) -> Compared:
        """None."""
        raise WorkersBusy("忙", "Busy")


def test_workers_without_time_change_no_verdict(bench: Bench, seeing: Verifying) -> None:
    busy = replace(seeing, looker=Busy())  # type: ignore[arg-type]
    examined = run(examine_upload(busy, painted_over(bench), bench.workshop.now))
    assert examined.report.verdict is Verdict.NOT_VALID
    assert run(what_changed(busy, examined, painted_over(bench), bench.workshop.now)) is None


def test_a_register_that_is_down_brings_no_comparison(bench: Bench, shelf: Shelf) -> None:
    shelf.down = True
    assert changes(looking(bench.workshop, shelf), painted_over(bench), bench) is None


# ---- what people see ----


@pytest.mark.long
@pytest.mark.parametrize("code", CODES)
def test_the_same_number_is_the_same_place(code: str, bench: Bench, seeing: Verifying) -> None:
    data, before, after = another_name(bench)
    view = shown(changes(seeing, data, bench), code)
    (pair,), (row,) = view.pairs, view.rows
    assert pair.sealed is not None and pair.yours is not None
    assert [mark.number for mark in pair.sealed.marks] == [mark.number for mark in pair.yours.marks] == [row.number]
    assert ("".join(text for text, _ in row.sealed), "".join(text for text, _ in row.yours)) == (before, after)
    assert any(differs for _, differs in row.yours) and not all(differs for _, differs in row.yours)
    assert view.missing and view.notes


@pytest.mark.long
def test_a_moved_seal_is_called_one(bench: Bench, seeing: Verifying) -> None:
    view = shown(changes(seeing, the_seal_moved(bench), bench))
    assert any("seal" in row.place.lower() and "moved" in row.yours[0][0] for row in view.rows)


@pytest.mark.long
def test_where_nothing_is_to_be_seen_that_is_said(bench: Bench, seeing: Verifying) -> None:
    view = shown(changes(seeing, with_bytes_after_the_end(bench), bench))
    assert (view.pairs, view.rows) == ((), ())
    assert "7 bytes" in " ".join(view.notes) and view.none


def test_pictures_come_with_the_page_and_its_policy_lets_nothing_else_in() -> None:
    assert POLICY_WITH_PICTURES != CONTENT_SECURITY_POLICY
    assert re.sub(" data:", "", POLICY_WITH_PICTURES) == CONTENT_SECURITY_POLICY
    assert POLICY_WITH_PICTURES.count("data:") == 1


# ---- only a picture of a paper ----


def test_a_scan_of_a_genuine_paper_is_never_valid_and_its_register_is_shown(bench: Bench, seeing: Verifying) -> None:
    data = printed_to_a_picture(bench.genuine.pdf)
    seen = run(examine_upload(seeing, data, bench.workshop.now)).report
    assert (seen.verdict, seen.document) == (Verdict.UNDETERMINED, Soundness.UNKNOWN)
    assert seen.certificate is not None and seen.certificate.fields
    assert "picture_only" in {check.reason for check in seen.checks}


def test_a_scan_of_a_forged_paper_with_a_genuine_qr_is_never_valid(bench: Bench, seeing: Verifying) -> None:
    data, _, _ = another_name(bench)
    seen = run(examine_upload(seeing, printed_to_a_picture(data), bench.workshop.now)).report
    assert seen.verdict is Verdict.UNDETERMINED


@pytest.mark.long
def test_a_scan_whose_qr_leads_to_another_site_is_refused_with_the_reason(bench: Bench, seeing: Verifying) -> None:
    """As a photo of it is: whoever scans that paper is not answered by us."""
    forged = qr("HTTPS://YZ-TEST.EVIL/Q/", bench.genuine.digits)
    seen = run(examine_upload(seeing, as_scan(on_a_sheet(forged)), bench.workshop.now)).report
    assert (seen.verdict, seen.document, seen.certificate) == (Verdict.NOT_VALID, Soundness.UNSOUND, None)
    assert headline_of(seen) == "other_host"
    assert files_view(seen, None, languages(WORDS)["en"]).note == "", "nothing of the register stands below"
    assert "does not lead here" in three_answers(seen, "other_host", languages(WORDS)["en"])[1].text
    own = qr(f"HTTPS://{HOST.upper()}/Q/", bench.genuine.digits)
    seen = run(examine_upload(seeing, as_scan(on_a_sheet(own)), bench.workshop.now)).report
    assert (seen.verdict, headline_of(seen)) == (Verdict.UNDETERMINED, "scanned")


def test_a_scan_of_two_papers_names_both_and_neither_is_called_valid(
    bench: Bench, seeing: Verifying, another: Made
) -> None:
    """As a photo of them is; it was said to have no seal."""
    prefix = f"HTTPS://{HOST.upper()}/Q/"
    both = beside(qr(prefix, bench.genuine.digits), qr(prefix, another.digits))
    seen = run(examine_upload(seeing, as_scan(on_a_sheet(both)), bench.workshop.now)).report
    assert (seen.verdict, headline_of(seen), seen.certificate) == (Verdict.UNDETERMINED, "several_codes", None)
    assert set(seen.codes) == {bench.genuine.face.typed_code, another.face.typed_code}


def test_a_scan_asks_the_register_once(bench: Bench, seeing: Verifying, shelf: Shelf) -> None:
    run(examine_upload(seeing, printed_to_a_picture(bench.genuine.pdf), bench.workshop.now))
    assert shelf.asked.count("gather") == 1


def on_a_sheet(picture: Image.Image) -> Image.Image:
    """On white paper, as a scanner sees it."""
    sheet = Image.new("RGB", (2000, 2800), "white")
    sheet.paste(picture, (20, 300))
    return sheet


def test_a_page_without_a_seal_that_is_no_scan_has_no_seal(bench: Bench, seeing: Verifying) -> None:
    seen = run(examine_upload(seeing, bench.genuine.page, bench.workshop.now)).report
    assert seen.verdict is Verdict.NOT_VALID
    assert "no_seal" in {check.reason for check in seen.checks}


def test_a_scan_without_a_qr_of_ours_has_no_seal(bench: Bench, seeing: Verifying) -> None:
    seen = run(examine_upload(seeing, printed_to_a_picture(bench.other.pdf)[:0] or _blank(), bench.workshop.now)).report
    assert seen.verdict is Verdict.NOT_VALID


def _blank() -> bytes:
    return as_scan(Image.new("RGB", (800, 1100), "white"))
