"""Licences that the registrar laid out, sealed here or not: whole or not at all, and what a stranger finds."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
import zxingcpp
from external_walks import (
    ACTOR,
    LICENCE,
    X_MM,
    Y_MM,
    Walks,
    digits_of,
    files_of,
    order,
    own,
    sent,
    with_issuing,
)
from foreign_pages import a_page, picture
from PIL import ImageChops

from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.external import SealSpot
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.life import Ground
from certsvc.domain.states import Status
from certsvc.errors import Conflict, ExternalFileRefused, Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.http.verifier.headline import headline_of
from certsvc.issuance.act_command import ActCommand, make_version
from certsvc.issuance.batches.checks import Checking, require_sound
from certsvc.issuance.batches.line import RowContent, RowGround
from certsvc.issuance.external.said import ExternalFileBody
from certsvc.issuance.issue import issue
from certsvc.issuance.prepare import prepare
from certsvc.issuance.service import Arrow
from certsvc.render.qr import qr_symbol
from certsvc.render.stamp import block
from certsvc.verify.json import report_json
from certsvc.verify.report import Check, Outcome, Verdict

pytest_plugins = ["walk_fixtures"]
EXTERNAL_SEAL, OWN_SEAL = "market-external", "market"
REISSUER = Actor(name="somebody else", scopes=frozenset({"reissue:*"}))
USES = "select seal_id, layout, page, x_mm, y_mm from seal_use where ref = $1"
MM = 25.4


def qr_link(walks: Walks, digits: str) -> str:
    return f"{walks.settings.public_url.upper()}/Q/{digits}"


def test_without_a_file_it_is_issued_and_scanned_and_no_seal_is_used(walks: Walks) -> None:
    reservation = walks.issue(order(1))
    assert (reservation.layout, reservation.file) == ("external", None)
    assert reservation.issued_at is not None
    assert files_of(walks, reservation) == {}
    assert walks.rows(USES, reservation.ref.to_bytes()) == []
    report = walks.scan(digits_of(reservation))
    assert report.verdict is Verdict.VALID
    assert report_json(report)["certificate"]["layout"] == "external"
    assert walks.issue(order(1)).ref == reservation.ref


@pytest.mark.long
def test_with_a_file_it_is_sealed_with_the_seal_kept_for_such_pages(walks: Walks) -> None:
    file = sent(walks)
    reservation = walks.issue(order(2, file))
    assert reservation.file == file
    ((layout, data),) = files_of(walks, reservation).items()
    assert layout == "external"
    (use,) = walks.rows(USES, reservation.ref.to_bytes())
    assert tuple(use) == (EXTERNAL_SEAL, "external", 1, X_MM, Y_MM)
    (report,) = walks.check([data])
    assert (report.verdict, {check.outcome for check in report.checks}) == (Verdict.VALID, {Outcome.PASSED})
    assert Check("layout", Outcome.PASSED, "made_elsewhere") in report.checks
    assert Check("data_agrees", Outcome.PASSED, "same_data") in report.checks
    texts = {code.text for code in zxingcpp.read_barcodes(picture(data, 200))}
    assert qr_link(walks, digits_of(reservation)) in texts and len(texts) == 2


@pytest.mark.long
def test_the_sealed_page_is_the_departments_outside_of_our_block(walks: Walks) -> None:
    reservation = walks.issue(order(3, sent(walks)))
    (data,) = files_of(walks, reservation).values()
    changed = ImageChops.difference(picture(a_page(), 300), picture(data, 300)).getbbox()
    symbol = qr_symbol(f"{walks.settings.public_url.upper()}/Q/", digits_of(reservation))
    place = block(symbol, 0.4, X_MM, Y_MM, specimen=True)
    edges = (place.x_mm, place.y_mm, place.right_mm, place.bottom_mm)
    left, top, right, bottom = (value * 300 / MM for value in edges)
    assert changed is not None
    assert left <= changed[0] and top <= changed[1] and changed[2] <= right and changed[3] <= bottom


@pytest.mark.long
def test_a_seal_that_is_to_be_seen_stands_where_it_was_asked_for(walks: Walks) -> None:
    spot = SealSpot(x_mm=80, y_mm=120)
    (data,) = files_of(walks, walks.issue(order(4, sent(walks, seal=spot)))).values()
    (report,) = walks.check([data])
    assert report.verdict is Verdict.VALID
    edge = picture(data, 300).getpixel((int((80 - 20.5) * 300 / MM), int(120 * 300 / MM)))
    assert isinstance(edge, tuple) and edge[0] > 150 and edge[1] < 120, "the red ring, 21 mm from its centre"


@pytest.mark.long
@pytest.mark.needs("pdfsig")
def test_another_reader_finds_the_whole_document_signed(walks: Walks, tmp_path: Path) -> None:
    (data,) = files_of(walks, walks.issue(order(5, sent(walks)))).values()
    path = tmp_path / "licence.pdf"
    path.write_bytes(data)
    said = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said and "Total document signed" in said and said.count("Signature #") == 1


@pytest.mark.long
@pytest.mark.needs("qpdf")
def test_another_reader_finds_nothing_wrong_with_the_file(walks: Walks, tmp_path: Path) -> None:
    (data,) = files_of(walks, walks.issue(order(6, sent(walks)))).values()
    path = tmp_path / "licence.pdf"
    path.write_bytes(data)
    assert subprocess.run(["qpdf", "--check", str(path)], capture_output=True, check=False).returncode == 0


@pytest.mark.long
def test_an_altered_file_is_not_valid(walks: Walks) -> None:
    (data,) = files_of(walks, walks.issue(order(7, sent(walks)))).values()
    middle = data.index(b"/MediaBox[0 0 842")
    altered = data[:middle] + data[middle:].replace(b"842", b"841", 1)
    reports = walks.check([altered, data + b"\n"])
    assert [report.verdict for report in reports] == [Verdict.NOT_VALID] * 2


@pytest.mark.long
def test_a_place_that_is_not_empty_leaves_nothing_behind(walks: Walks) -> None:
    file = replace(sent(walks), x_mm=20.0, y_mm=20.0)
    with pytest.raises(ExternalFileRefused) as caught:
        walks.issue(order(8, file))
    assert caught.value.problems[0].code == "place_not_empty"
    assert walks.rows("select from issue_order where key = 'external-8'") == []


@pytest.mark.long
def test_a_file_that_somebody_else_sent_does_not_exist(walks: Walks) -> None:
    file = sent(walks, a_page(b"0 0 0 rg 60 60 9 9 re f"), client="another department")
    for sha256 in (file.sha256, b"\1" * 32):
        with pytest.raises(NotFound):
            walks.issue(order(9, replace(file, sha256=sha256)))


@pytest.mark.long
def test_the_same_key_with_another_place_or_without_a_file_is_another_order(walks: Walks) -> None:
    file = sent(walks)
    walks.issue(order(10, file))
    for other in (replace(order(10), file=replace(file, x_mm=201.0)), order(10), replace(order(10), layout=None)):
        with pytest.raises(KeyReused):
            walks.issue(other)


WRONG = {
    "another-layout": lambda asked, file: replace(asked, layout="duplicate"),
    "a-file-without-the-layout": lambda asked, file: replace(asked, layout=None, file=file),
    "modules-too-small": lambda asked, file: replace(asked, file=replace(file, module_mm=0.39)),
    "modules-too-large": lambda asked, file: replace(asked, file=replace(file, module_mm=2.1)),
    "no-page": lambda asked, file: replace(asked, file=replace(file, page=0)),
    "nowhere": lambda asked, file: replace(asked, file=replace(file, x_mm=float("nan"))),
    "a-seal-nowhere": lambda asked, file: replace(asked, file=replace(file, seal=SealSpot(x_mm=-1, y_mm=0))),
}


@pytest.mark.long
@pytest.mark.parametrize("name", WRONG)
def test_what_an_order_cannot_say_of_its_page_is_refused(walks: Walks, name: str) -> None:
    file = sent(walks)
    with pytest.raises(InvalidInput):
        walks.issue(WRONG[name](order(11), file))


@pytest.mark.long
def test_a_licence_is_one_whoever_lays_it_out(walks: Walks) -> None:
    walks.issue(order(12))
    with pytest.raises(Conflict):
        walks.issue(own(order(12)))


@pytest.mark.long
@pytest.mark.parametrize("arrow", [Arrow.RESERVED, Arrow.TOKEN_KEPT, Arrow.USE_BOOKED, Arrow.STORED])
def test_killed_on_the_way_it_is_finished_under_the_same_reference(walks: Walks, arrow: Arrow) -> None:
    serial = 20 + list(Arrow).index(arrow)
    asked = order(serial, sent(walks))
    steps = walks.arrows(order(serial + 50, sent(walks)))
    walks.issue_and_die(asked, len(steps) - steps[::-1].index(arrow))
    left = walks.rows("select ref, token from certificate where issued_at is null")
    assert len(left) == 1 and walks.resume() == 1
    reservation = walks.issue(asked)
    assert reservation.ref.to_bytes() == left[0]["ref"] and left[0]["token"] in (None, reservation.token)
    (report,) = walks.check([*files_of(walks, reservation).values()])
    assert report.verdict is Verdict.VALID


@pytest.mark.long
def test_the_next_version_may_be_made_from_the_same_page_by_somebody_else(walks: Walks) -> None:
    """As after a compromise: the page of before, with a new QR."""
    file = sent(walks)
    first = walks.issue(order(13, file))
    ground = Ground(reason_code="key_compromise", reason="密钥失控")
    again = replace(order(13, file), client="somebody else", act=Act.REISSUE, previous=first.ref, ground=ground)
    second = with_issuing(walks, lambda issuing: issue(issuing, REISSUER, again, datetime.now(UTC)))
    assert second.version == 2
    (new,), (old,) = files_of(walks, second).values(), files_of(walks, first).values()
    reports = walks.check([new, old])
    assert [report.status for report in reports] == [Status.VALID, Status.SUPERSEDED]


def reissued(walks: Walks, first: Reservation, asked: Order, reason: str = "damaged") -> Reservation:
    """The next version, as it is ordered."""
    ground = Ground(reason_code=reason)
    again = replace(asked, client="somebody else", act=Act.REISSUE, previous=first.ref, ground=ground)
    return with_issuing(walks, lambda issuing: issue(issuing, REISSUER, again, datetime.now(UTC)))


def versions(walks: Walks, first: Reservation) -> int:
    return len(walks.rows("select from certificate where life_ref = $1", first.ref.to_bytes()))


@pytest.mark.long
def test_a_next_version_that_leaves_out_the_page_of_before_is_refused_and_leaves_nothing(walks: Walks) -> None:
    sealed, bare = walks.issue(order(31, sent(walks))), walks.issue(order(32))
    for first, asked, codes in (
        (sealed, own(order(31)), ["layout_kept", "file_kept"]),
        (sealed, order(31), ["file_kept"]),
        (bare, own(order(32)), ["layout_kept"]),
    ):
        with pytest.raises(InvalidInput) as refused:
            reissued(walks, first, asked)
        assert [problem.code for problem in refused.value.problems] == codes
        assert versions(walks, first) == 1


def test_the_command_line_and_a_batch_do_not_leave_it_out_either(walks: Walks) -> None:
    first = walks.issue(order(33))
    code, now = first.ref.typed_code, datetime.now(UTC)
    typed = ActCommand(act=Act.REISSUE, target=code, by="one", ground=Ground(reason_code="lost"))
    row = RowContent(code=code, ground=RowGround(reason_code="lost"))
    checking = Checking(actor=REISSUER, client="x", act=Act.REISSUE, type_id=LICENCE)
    with pytest.raises(InvalidInput, match="laid out elsewhere"):
        with_issuing(walks, lambda issuing: make_version(issuing, typed, walks.settings.papers, now))
    with pytest.raises(InvalidInput, match="laid out elsewhere"):
        with_issuing(walks, lambda issuing: require_sound(issuing, checking, row, "k", now, rehearsed=False))
    assert versions(walks, first) == 1


@pytest.mark.long
def test_a_reissue_in_a_new_form_changes_who_lays_out_the_page(walks: Walks) -> None:
    sealed = walks.issue(order(34, sent(walks)))
    second = reissued(walks, sealed, own(order(34)), "new_form")
    assert (second.version, second.layout) == (2, None)
    assert set(files_of(walks, second)) == {"original", "duplicate"}


@pytest.mark.long
def test_a_page_that_was_not_sealed_here_may_be_sealed_in_its_next_version(walks: Walks) -> None:
    bare = walks.issue(order(35))
    second = reissued(walks, bare, order(35, sent(walks, client="somebody else")))
    assert second.version == 2 and set(files_of(walks, second)) == {"external"}


def test_a_row_that_names_a_file_nobody_sent_is_found_before_the_first_is_done(walks: Walks) -> None:
    first = walks.issue(order(36))
    place = ExternalFileBody(sha256="ab" * 32, x_mm=X_MM, y_mm=Y_MM)
    row = RowContent(code=first.ref.typed_code, ground=RowGround(reason_code="lost"), layout="external", file=place)
    checking = Checking(actor=REISSUER, client="x", act=Act.REISSUE, type_id=LICENCE)
    with pytest.raises(NotFound, match="never sent"):
        with_issuing(
            walks, lambda issuing: require_sound(issuing, checking, row, "k", datetime.now(UTC), rehearsed=False)
        )


def printed(walks: Walks, digits: str) -> bytes:
    """The registrar's page with our QR printed by its own system, and no seal of ours."""
    symbol = qr_symbol(f"{walks.settings.public_url.upper()}/Q/", digits)
    rows = symbol.rows
    boxes = [
        b"%.2f %.2f 1.2 1.2 re" % (560 + column * 1.2, 420 + (len(rows) - 1 - line) * 1.2)
        for line, row in enumerate(rows)
        for column, dark in enumerate(row)
        if dark
    ]
    return a_page(b" ".join(boxes) + b" f")


@pytest.mark.long
def test_an_unsealed_page_of_the_registrar_is_said_to_be_just_that(walks: Walks) -> None:
    """Undetermined, with the register's content to compare: the QR could be cut out and pasted."""
    reservation = walks.issue(order(14))
    (report,) = walks.check([printed(walks, digits_of(reservation))])
    assert (report.verdict, headline_of(report)) == (Verdict.UNDETERMINED, "laid_out_elsewhere")
    assert report.certificate is not None and report.certificate.certificate.ref == reservation.ref
    assert Check("signature", Outcome.UNKNOWN, "unsealed_elsewhere") in report.checks


@pytest.mark.long
def test_an_unsealed_page_where_there_is_a_sealed_one_is_not_valid(walks: Walks) -> None:
    pages = [walks.issue(order(15, sent(walks))), walks.issue(own(order(16)))]
    reports = walks.check([printed(walks, digits_of(reservation)) for reservation in pages])
    assert [report.verdict for report in reports] == [Verdict.NOT_VALID] * 2
    assert [headline_of(report) for report in reports] == ["no_seal"] * 2


def test_a_page_with_somebody_elses_qr_says_nothing(walks: Walks) -> None:
    (report,) = walks.check([printed(walks, "1" * 300)])
    assert report.verdict is Verdict.NOT_VALID and report.certificate is None


async def refused(walks: Walks, statement: str, *values: object) -> str:
    connection = await asyncpg.connect(walks.uri)
    try:
        await connection.execute(statement, *values)
    except asyncpg.PostgresError as error:
        return f"{error.sqlstate} {error}"
    finally:
        await connection.close()
    return "accepted"


USE = """insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
    select slot, ref, $2, $3, 'test', now(), sha256('x'), 1, 1, 1 from certificate where ref = $1"""


def told(walks: Walks, statement: str, *values: object) -> str:
    return walks.desk.run(refused(walks, statement, *values))


@pytest.mark.long
def test_the_database_keeps_the_seals_apart(walks: Walks) -> None:
    ours, theirs = walks.issue(own(order(17))).ref.to_bytes(), walks.issue(order(18, sent(walks))).ref.to_bytes()
    assert "not_for_this_type" in told(walks, USE, ours, EXTERNAL_SEAL, "duplicate")
    assert "not_for_this_type" in told(walks, USE, theirs, OWN_SEAL, "external")
    assert told(walks, USE, theirs, EXTERNAL_SEAL, "external") == "accepted"


MIX = """insert into seal (id, owner, owner_uscc, design, rank, enrolled_at, certificate_types, weekdays_only,
    applicant, manager, keeper, auditor)
    values ('mixed', 'x', '11441900007330010D', '{}', 'department', now(), $1, false, '甲', '乙', '丙', '丁')"""


def test_the_database_has_no_seal_for_pages_of_ours_and_of_others(walks: Walks) -> None:
    assert "external_layouts_have_seals_of_their_own" in told(walks, MIX, [LICENCE, f"{LICENCE}/external"])


DOCUMENT = """insert into document (sha256, slot, ref, layout, size, sealed_at)
    select $3, slot, ref, $2, 1, now() from certificate where ref = $1"""
PAGE = """insert into external_page (slot, ref, file, page, x_mm, y_mm, module_mm)
    select slot, ref, sha256('x'), 1, 1, 1, 0.4 from certificate where ref = $1"""


@pytest.mark.long
def test_the_database_has_no_document_of_another_layout_than_was_ordered(walks: Walks) -> None:
    ours, theirs = walks.issue(own(order(19))).ref.to_bytes(), walks.issue(order(90)).ref.to_bytes()
    sealed = walks.issue(order(91, sent(walks))).ref.to_bytes()
    for ref, layout in ((ours, "external"), (theirs, "external"), (theirs, "duplicate"), (sealed, "duplicate")):
        assert "23001" in told(walks, DOCUMENT, ref, layout, bytes(32)), layout
    assert "23001" in told(walks, PAGE, ours) and "23001" in told(walks, PAGE, theirs)
    assert "23001" in told(walks, "update external_page set x_mm = 2")
    assert "23001" in told(walks, "delete from external_file")


@pytest.mark.long
def test_with_a_page_nothing_is_issued_without_its_document(walks: Walks) -> None:
    asked = order(92, sent(walks))

    prepared = with_issuing(walks, lambda issuing: prepare(issuing, ACTOR, asked, datetime.now(UTC)))
    kept = "update certificate set token = 'x', issued_at = now() where ref = $1"
    assert "without a document" in told(walks, kept, prepared.ref.to_bytes())
    assert walks.resume() == 1


def test_who_may_not_register_for_an_area_may_not_do_it_without_a_seal_either(walks: Walks) -> None:
    elsewhere = Actor(name="test", scopes=frozenset({"issue:*:*:4406"}))
    with pytest.raises(Forbidden):
        with_issuing(walks, lambda issuing: issue(issuing, elsewhere, order(93), datetime.now(UTC)))
