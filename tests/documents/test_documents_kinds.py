"""Documents of many makers: what was sent is what is sealed, whatever its structure."""

import io
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from document_desk import DEPARTMENT, DOCUMENTS, HEALTH, Runner
from made_up_documents import changed, letter
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image, ImageChops

from certsvc.commands.seal_text import use_json, use_line
from certsvc.domain.document_seal import Position, State
from certsvc.domain.seal import Placement
from certsvc.issuance.documents.requests import read_sealed

pytest_plugins = ["document_fixtures"]

PLACE = Placement(page=1, x_mm=150, y_mm=250)
DPI = 72


def _form(document: Pdf) -> None:
    """Fields that are filled in, one of them by a tick."""
    text = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("姓名"), V=String("某某"))
    text.Rect, text.DA = Array([100, 100, 200, 120]), String("/Helv 10 Tf 0 g")
    made = document.make_indirect(text)
    document.pages[0].Annots = Array([made])
    document.Root.AcroForm = Dictionary(Fields=Array([made]), NeedAppearances=True, DA=String("/Fields [ 1 0 R ]"))


def _links(document: Pdf) -> None:
    """An outline, a named place and a link to it."""
    page = document.pages[0].obj
    place = Array([page, Name.Fit])
    entry = document.make_indirect(Dictionary(Title=String("第一章"), Dest=place))
    outline = document.make_indirect(Dictionary(Type=Name.Outlines, First=entry, Last=entry, Count=1))
    entry.Parent = outline
    document.Root.Outlines = outline
    document.Root.Names = Dictionary(Dests=Dictionary(Names=Array([String("here"), place])))
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([50, 50, 90, 60]), Dest=String("here"))
    document.pages[0].Annots = document.make_indirect(Array([document.make_indirect(link)]))
    document.Root.OpenAction = place


def _shared(document: Pdf) -> None:
    """Resources and size inherited from the tree of pages, contents in pieces, a /Q too many."""
    first = document.pages[0]
    document.Root.Pages.Resources = first.obj.Resources
    document.Root.Pages.MediaBox = first.obj.MediaBox
    for page in document.pages:
        del page.obj["/MediaBox"]
        del page.obj["/Resources"]
    first.obj.Contents = Array([first.obj.Contents, document.make_stream(b" Q\n")])


def _moved(document: Pdf) -> None:
    """Pages whose lower left corner lies elsewhere."""
    for page in document.pages:
        page.contents_add(b"1 0 0 1 1000 -500 cm\n", prepend=True)
        left, bottom, right, top = (float(side) for side in page.mediabox)
        page.MediaBox = Array([left + 1000, bottom - 500, right + 1000, top - 500])
        page.obj.CropBox = page.obj.MediaBox


def _nothing(document: Pdf) -> None:
    """As it is."""


KINDS: dict[str, Callable[[], bytes]] = {
    "tagged": lambda: letter(2),
    "form": lambda: changed(letter(2), _form),
    "links": lambda: changed(letter(2), _links),
    "inherited": lambda: changed(letter(1), _shared),
    "moved": lambda: changed(letter(2), _moved),
    "linearized": lambda: _saved(linearize=True),
    "version_1_4": lambda: _saved(force_version="1.4", object_stream_mode=pikepdf.ObjectStreamMode.disable),
    "version_2_0": lambda: _saved(force_version="2.0"),
    "with_an_earlier_revision": lambda: letter(2) + _an_update(letter(2)),
}


def _saved(**options: object) -> bytes:
    sink = io.BytesIO()
    with pikepdf.open(io.BytesIO(letter(2))) as document:
        document.save(sink, **options)  # type: ignore[arg-type]
    return sink.getvalue()


def _an_update(pdf: bytes) -> bytes:
    """A revision that changes nothing but the title."""
    table = int(pdf.rsplit(b"startxref", 1)[1].split()[0])
    with pikepdf.open(io.BytesIO(pdf)) as document:
        size, root = int(document.trailer.Size), document.Root.objgen[0]
    start = len(pdf) + 1
    body = b"\n%d 0 obj\n<</Title(other)>>\nendobj\n" % size
    xref = b"xref\n%d 1\n%010d 00000 n \n" % (size, start)
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/Prev %d>>\n" % (size + 1, root, size, table)
    return body + xref + trailer + b"startxref\n%d\n%%%%EOF\n" % (len(pdf) + len(body))


def sealed(desk: Runner, pdf: bytes, *seals: tuple[str, Position]) -> bytes:
    """Ask, work, and read."""

    async def story() -> bytes:
        asked = await desk.desk.ask(pdf, *seals)
        await desk.desk.work()
        found = await desk.desk.office.requests.request(asked.request.id)
        assert found.state is State.DONE, found.failure
        return await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)

    made: bytes = desk.run(story())
    return made


def pictures(pdf: bytes) -> list[Image.Image]:
    """The pages as a reader shows them."""
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        return [page.render(scale=DPI / 72, may_draw_forms=True).to_pil().convert("RGB") for page in document]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_document_shows_what_was_sent_and_the_seal(desk_of_documents: Runner, kind: str) -> None:
    pdf = KINDS[kind]()
    found = sealed(desk_of_documents, pdf, (DOCUMENTS, PLACE))
    before, after = pictures(pdf), pictures(found)
    assert len(before) == len(after)
    for number, (one, other) in enumerate(zip(before, after, strict=True), 1):
        box = ImageChops.difference(one, other).getbbox()
        if number != PLACE.page:
            assert box is None
            continue
        assert box is not None
        reach = [side / 25.4 * DPI for side in (PLACE.x_mm - 22, PLACE.y_mm - 22, PLACE.x_mm + 22, PLACE.y_mm + 22)]
        assert reach[0] <= box[0] and reach[1] <= box[1] and box[2] <= reach[2] and box[3] <= reach[3], box
        assert box[2] - box[0] > 40 / 25.4 * DPI


@pytest.mark.long
@pytest.mark.needs("pdfsig")
@pytest.mark.parametrize("kind", KINDS)
def test_joint_seals_on_it_are_valid_for_another_reader(desk_of_documents: Runner, tmp_path: Path, kind: str) -> None:
    seals = ((DOCUMENTS, PLACE), (HEALTH, Placement(page=1, x_mm=60, y_mm=250)))
    (tmp_path / "sealed.pdf").write_bytes(sealed(desk_of_documents, KINDS[kind](), *seals))
    shown = subprocess.run(
        ["pdfsig", "-nocert", tmp_path / "sealed.pdf"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.count("Signature is Valid.") == 2 and "Total document signed" in shown


@pytest.mark.long
def test_links_and_fields_are_still_there_and_nothing_runs_when_it_is_opened(desk_of_documents: Runner) -> None:
    with pikepdf.open(io.BytesIO(sealed(desk_of_documents, KINDS["links"](), (DOCUMENTS, PLACE)))) as document:
        assert str(document.Root.Outlines.First.Title) == "第一章"
        assert len(document.pages[0].Annots) == 2 and "/OpenAction" not in document.Root
    with pikepdf.open(io.BytesIO(sealed(desk_of_documents, KINDS["form"](), (DOCUMENTS, PLACE)))) as document:
        names = [str(field.T) for field in document.Root.AcroForm.Fields]
        assert names == ["姓名", "Seal1"] and "/NeedAppearances" not in document.Root.AcroForm


@pytest.mark.long
def test_what_stood_in_an_earlier_revision_is_gone(desk_of_documents: Runner) -> None:
    """Nobody can be shown another content by going back to it."""

    def secret(document: Pdf) -> None:
        document.make_indirect(Dictionary(Secret=String("SHADOW-CONTENT")))
        document.Root.Shadow = document.make_indirect(Dictionary(Secret=String("SHADOW-CONTENT")))

    def without(document: Pdf) -> None:
        del document.Root["/Shadow"]

    first = changed(letter(1), secret, compress_streams=False)
    assert b"SHADOW" in sealed(desk_of_documents, first, (DOCUMENTS, PLACE))
    assert b"SHADOW" not in sealed(desk_of_documents, changed(first, without), (DOCUMENTS, PLACE))
    assert b"Title(other)" not in sealed(desk_of_documents, KINDS["with_an_earlier_revision"](), (DOCUMENTS, PLACE))


def test_the_record_of_uses_tells_documents_from_certificates(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    asked = desk.run(desk.desk.ask(letter(1), (HEALTH, PLACE)))
    desk.run(desk.desk.work())
    (use,) = desk.run(desk.desk.seals.uses(HEALTH, None, 1))
    told = use_json(use)
    assert (told["request"], told["typed_code"], told["type"], told["issued"]) == (asked.request.id, None, None, True)
    assert (told["layout"], told["page"]) == ("document", 1)
    assert f"文件 document {asked.request.id}" in use_line(use)
    assert desk.run(desk.desk.seals.seal(HEALTH, datetime.now(UTC))).uses >= 1
