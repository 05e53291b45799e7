"""Documents that are refused, named after their flaw; and that nothing of them goes on record."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from document_desk import DOCUMENTS, Runner, seals_of_departments
from made_up_documents import changed, flawed, letter
from pikepdf import Array, Dictionary, Name, Pdf, String

from certsvc.domain.document_seal import AtKeyword, Position, Rule
from certsvc.domain.seal import Placement
from certsvc.errors import DocumentRefused, FileTooLarge, InvalidInput, NotAPdf, UnreadableFile
from certsvc.issuance.documents.service import DocumentProcesses
from certsvc.issuance.documents.shapes import Inspected, OneCheck, Prepare, SealToPlace
from certsvc.render.seal_picture import draw_seal

pytest_plugins = ["document_fixtures"]

RULE = Rule.LAST_PAGE_BOTTOM_RIGHT
FLAWED = flawed()


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flawed_file_is_refused_with_its_reason_and_leaves_nothing(desk_of_documents: Runner, flaw: str) -> None:
    data, code = FLAWED[flaw]
    before = desk_of_documents.run(desk_of_documents.desk.fetch("select count(*) from sealing_request"))
    with pytest.raises(DocumentRefused) as raised:
        desk_of_documents.run(desk_of_documents.desk.ask(data))
    assert [problem.code for problem in raised.value.problems] == [code]
    after = desk_of_documents.run(desk_of_documents.desk.fetch("select count(*) from sealing_request"))
    assert after == before


POSITIONS: dict[str, tuple[Position, str, str]] = {
    "off_the_left_edge": (Placement(page=1, x_mm=20, y_mm=100), "off_the_page", "20, 100 mm"),
    "off_the_lower_edge": (Placement(page=1, x_mm=100, y_mm=290), "off_the_page", "page 1"),
    "nowhere": (Placement(page=1, x_mm=float("nan"), y_mm=100), "off_the_page", "page 1"),
    "page_that_is_not_there": (Placement(page=4, x_mm=100, y_mm=100), "no_such_page", "3 pages"),
    "page_zero": (Placement(page=0, x_mm=100, y_mm=100), "no_such_page", "no page 0"),
    "keyword_that_is_not_there": (AtKeyword(keyword="没有的字"), "keyword_absent", "does not occur"),
    "occurrence_that_is_not_there": (
        AtKeyword(keyword="第 2 段", occurrence=4),
        "keyword_absent",
        r"occurs 3 times \(pages 1, 2, 3\)",
    ),
    "keyword_of_blanks": (AtKeyword(keyword="   "), "keyword_absent", "does not occur"),
    "keyword_at_the_edge": (AtKeyword(keyword="第 1 段", dx_mm=-60), "off_the_page", "page 1"),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_a_position_that_cannot_be_is_refused_and_says_what_was_found(desk_of_documents: Runner, name: str) -> None:
    position, code, said = POSITIONS[name]
    with pytest.raises(DocumentRefused, match=said) as raised:
        desk_of_documents.run(desk_of_documents.desk.ask(letter(3), (DOCUMENTS, position)))
    assert [problem.code for problem in raised.value.problems] == [code]


def test_a_scanned_document_has_no_keywords_but_can_be_sealed_by_rule(desk_of_documents: Runner) -> None:
    def without_text(document: Pdf) -> None:
        for page in document.pages:
            page.Contents = document.make_stream(b"")

    scanned = changed(letter(2), without_text)
    with pytest.raises(DocumentRefused, match="no text"):
        desk_of_documents.run(desk_of_documents.desk.ask(scanned, (DOCUMENTS, AtKeyword(keyword="盖章"))))
    desk_of_documents.run(desk_of_documents.desk.ask(scanned, (DOCUMENTS, RULE)))


def test_one_page_has_no_cross_page_seal(desk_of_documents: Runner) -> None:
    with pytest.raises(InvalidInput, match="needs two"):
        desk_of_documents.run(desk_of_documents.desk.ask(letter(1), (DOCUMENTS, RULE), cross_page=True))


def test_what_is_no_pdf_or_too_large_is_not_kept(desk_of_documents: Runner) -> None:
    with pytest.raises(NotAPdf):
        desk_of_documents.run(desk_of_documents.desk.send(b"PK\x03\x04"))
    with pytest.raises(FileTooLarge):
        desk_of_documents.run(desk_of_documents.desk.send(b"%PDF-1.7\n" + bytes(20 * 1024 * 1024)))


@pytest.mark.long
def test_words_of_the_structure_inside_a_stream_or_a_text_do_no_harm(desk_of_documents: Runner) -> None:
    """A page about PDF says %%EOF and /ByteRange; so does an attached file that is a PDF itself."""

    def quote(document: Pdf) -> None:
        words = b"BT ET %%EOF\n% startxref /ByteRange [0 1 2 3]\n"
        document.pages[0].contents_add(words)
        attached = document.make_stream(letter(1))
        attached.Type = Name.EmbeddedFile
        file = Dictionary(Type=Name.Filespec, F=String("a.pdf"), UF=String("a.pdf"), EF=Dictionary(F=attached))
        document.Root.Names = Dictionary(
            EmbeddedFiles=Dictionary(Names=Array([String("a.pdf"), document.make_indirect(file)]))
        )

    quoting = changed(letter(1), quote, compress_streams=False)
    assert quoting.count(b"%%EOF") > 1
    asked = desk_of_documents.run(desk_of_documents.desk.ask(quoting))
    assert desk_of_documents.run(desk_of_documents.desk.work()) >= 1
    done = desk_of_documents.run(desk_of_documents.desk.office.requests.request(asked.request.id))
    assert done.state == "done"

    def name(document: Pdf) -> None:
        document.docinfo[Name.Title] = "%%EOF startxref /ByteRange"
        document.Root.PieceInfo = Dictionary(Producer=Name("/startxref"))

    with pytest.raises(DocumentRefused) as raised:
        desk_of_documents.run(desk_of_documents.desk.ask(changed(letter(1), name)))
    assert [problem.code for problem in raised.value.problems] == ["structure"]


@pytest.mark.long
def test_a_document_on_which_a_seal_would_not_verify_is_refused_before_any_key_is_used(
    desk_of_documents: Runner,
) -> None:
    class Strict(DocumentProcesses):
        async def inspect(self, pdf: bytes, roots: Sequence[bytes], now: datetime) -> Inspected:
            found = await super().inspect(pdf, roots, now)
            return Inspected((*found.checks, OneCheck("docmdp", "failed", "changed_after_sealing")), found.certificates)

    async def story() -> None:
        async with Strict() as reader:
            desk = replace(desk_of_documents.desk, office=replace(desk_of_documents.desk.office, reader=reader))
            with pytest.raises(DocumentRefused, match="would not verify") as raised:
                await desk.ask(letter(1))
            assert [problem.code for problem in raised.value.problems] == ["does_not_verify"]

    desk_of_documents.run(story())


@pytest.mark.long
def test_a_file_that_never_ends_is_given_up_and_the_next_is_read() -> None:
    design = seals_of_departments()[0].design
    asked = Prepare(letter(1), (SealToPlace(draw_seal(design), "电子印章", rule=RULE),), False)

    async def story() -> None:
        async with DocumentProcesses() as reader:
            patience, reader._pool._seconds = reader._pool._seconds, 0.0
            with pytest.raises(UnreadableFile):
                await reader.prepare(asked)
            reader._pool._seconds = patience
            assert (await reader.prepare(asked)).pages == 1

    asyncio.run(story())
