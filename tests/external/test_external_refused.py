"""What a department's file may not hold, each by its name; and files made to hurt their reader."""

import asyncio
import io
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from foreign_pages import a_note, a_page, an_image, drawing, pdf_bytes, unusable
from pikepdf import Array, Dictionary, Name, Pdf

from certsvc.errors import ExternalFileRefused, UnreadableFile
from certsvc.render.external import answer
from certsvc.render.external_pool import ForeignPages
from certsvc.render.external_shapes import Look, Pages, Refusal

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))

from hostile import FILES

pytestmark = pytest.mark.long

Change = Callable[[Pdf, Any], None]


def action(kind: str, **entries: Any) -> Dictionary:
    return Dictionary({"/S": Name(kind), **entries})


def opens_with(kind: str, **entries: Any) -> Change:
    def change(pdf: Pdf, page: Any) -> None:
        pdf.Root.OpenAction = action(kind, **entries)

    return change


def attached(name: str) -> Change:
    def change(pdf: Pdf, page: Any) -> None:
        pdf.attachments[name] = b"MZ"

    return change


def xfa(pdf: Pdf, page: Any) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp/>"))


def signed(pdf: Pdf, page: Any) -> None:
    value = Dictionary(Type=Name.Sig, Contents=b"\0" * 16, ByteRange=Array([0, 1, 2, 3]))
    a_note(pdf, page, "/Widget", [0, 0, 0, 0], **{"/FT": Name.Sig, "/T": "S", "/V": pdf.make_indirect(value)})
    pdf.Root.AcroForm = Dictionary(Fields=Array([page.Annots[0]]), SigFlags=3)


def a_script_in_a_page(pdf: Pdf, page: Any) -> None:
    page.AA = Dictionary(O=action("/JavaScript", **{"/JS": "app.alert(1)"}))


def a_script_in_the_names(pdf: Pdf, page: Any) -> None:
    script = Dictionary(S=Name.JavaScript, JS=pdf.make_stream(b"app.alert(1)"))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["x", pdf.make_indirect(script)])))


def a_film(pdf: Pdf, page: Any) -> None:
    a_note(pdf, page, "/RichMedia", [0, 0, 9, 9])


def a_file_in_a_note(pdf: Pdf, page: Any) -> None:
    a_note(pdf, page, "/FileAttachment", [0, 0, 9, 9])


def a_picture_outside_of_the_file(pdf: Pdf, page: Any) -> None:
    image = an_image(pdf, 255)
    image.F = "elsewhere.raw"
    page.Resources.XObject = Dictionary(I=image)


def a_portfolio(pdf: Pdf, page: Any) -> None:
    pdf.Root.Collection = Dictionary()


def a_link_that_starts_a_program(pdf: Pdf, page: Any) -> None:
    a_note(pdf, page, "/Link", [0, 0, 9, 9], **{"/A": action("/Launch", **{"/F": "calc.exe"})})


CHANGES: dict[str, tuple[Change, str]] = {
    "a-script-when-opened": (opens_with("/JavaScript", **{"/JS": "app.alert(1)"}), "javascript"),
    "a-script-in-a-page": (a_script_in_a_page, "javascript"),
    "a-script-in-the-names": (a_script_in_the_names, "javascript"),
    "a-program-started": (opens_with("/Launch", **{"/F": "calc.exe"}), "launch_action"),
    "a-program-started-by-a-link": (a_link_that_starts_a_program, "launch_action"),
    "a-form-sent-away": (opens_with("/SubmitForm", **{"/F": "http://x.example"}), "submit_action"),
    "data-imported": (opens_with("/ImportData", **{"/F": "x.fdf"}), "import_action"),
    "a-program-embedded": (attached("Invoice.EXE"), "embedded_program"),
    "a-file-embedded": (attached("scan.png"), "embedded_file"),
    "a-file-in-a-note": (a_file_in_a_note, "embedded_file"),
    "a-dynamic-form": (xfa, "xfa"),
    "a-signature": (signed, "signed"),
    "a-film": (a_film, "media"),
    "a-picture-outside-of-the-file": (a_picture_outside_of_the_file, "outside_content"),
    "a-portfolio": (a_portfolio, "portfolio"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_could_act_or_hide_is_refused_by_its_name(name: str) -> None:
    change, reason = CHANGES[name]
    assert unusable(a_page(change=change)) == reason


def test_an_encrypted_file_is_refused_with_a_password_and_without() -> None:
    for user in ("secret", ""):
        encryption = pikepdf.Encryption(owner="owner", user=user)
        assert unusable(a_page(encryption=encryption)) == "encrypted"


def test_a_damaged_file_is_refused_and_not_mended() -> None:
    data = a_page()
    for damaged in (b"", b"%PDF-1.7\n", data[:-60], data.replace(b"startxref\n", b"startxref\n9"), data[200:]):
        assert unusable(damaged) == "damaged"


def test_objects_and_tables_packed_as_modern_writers_do_are_read() -> None:
    data = a_page(object_stream_mode=pikepdf.ObjectStreamMode.generate, linearize=True)
    assert isinstance(answer(Look(data)), Pages)


def test_a_link_does_no_harm_and_is_left_out() -> None:
    link = {"/A": action("/URI", **{"/URI": "https://yz.example"})}
    data = a_page(change=lambda pdf, page: a_note(pdf, page, "/Link", [0, 0, 9, 9], **link))
    found = answer(drawing(data))
    assert not isinstance(found, Refusal | Pages) and b"URI" not in found.pdf


def test_an_earlier_revision_does_not_come_along() -> None:
    """What was taken out of a file by a later revision is still in its bytes."""
    first = a_page(b"BT /F1 9 Tf 60 60 Td (SECRET) Tj ET", compress_streams=False)
    with Pdf.open(io.BytesIO(first)) as pdf:
        pdf.pages[0].obj.Contents = pdf.make_stream(b"0 0 0 rg 60 60 9 9 re f")
        later = pdf_bytes(pdf)
    joined = first + later[later.index(b"\n") + 1 :]
    found = answer(drawing(later))
    assert not isinstance(found, Refusal | Pages) and b"SECRET" not in found.pdf
    assert isinstance(answer(Look(joined)), Refusal | Pages)


def test_pictures_that_hold_the_marks_of_seals_are_refused() -> None:
    """Random data is stored as it is, so marks in it would be found in the new file."""
    noise = random.Random(7).randbytes(8 * 64)

    def change(pdf: Pdf, page: Any) -> None:
        image = an_image(pdf, 0)
        image.write(b"\xff\xd8" + noise + b"startxref\n1\n%%EOF\n" + noise, filter=Name.DCTDecode)
        page.Resources.XObject = Dictionary(I=image)

    assert unusable(a_page(change=change)) == "marks_of_a_file"


SECONDS = 6.0


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(runner: asyncio.Runner) -> Iterator[ForeignPages]:
    opened = ForeignPages(seconds=SECONDS)
    runner.run(opened.__aenter__())
    yield opened
    runner.run(opened.__aexit__(None, None, None))


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_a_file_made_to_hurt_ends_in_its_process_and_the_next_one_is_read(
    make: Callable[[], bytes], runner: asyncio.Runner, pages: ForeignPages
) -> None:
    with suppress(ExternalFileRefused, UnreadableFile):
        assert runner.run(pages.look(make())), "any other error, or no answer, is wrong"
    assert runner.run(pages.look(a_page())) == ((297.04, 209.9),)


def test_a_refusal_says_why_in_both_languages(runner: asyncio.Runner) -> None:
    with pytest.raises(ExternalFileRefused) as caught:
        runner.run(ForeignPages().look(a_page(change=xfa)))
    assert "XFA" in caught.value.en and "XFA" in caught.value.zh
    assert [problem.code for problem in caught.value.problems] == ["xfa"]
