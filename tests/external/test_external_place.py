"""The place for our block must be empty: every trick by which something lies there unseen, or looks empty elsewhere."""

import io
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from foreign_pages import (
    CODE,
    DIGITS,
    HOST,
    IN_PLACE,
    NATIONAL,
    PLACE,
    PREFIX,
    SYMBOL,
    X_MM,
    Y_MM,
    a_note,
    a_page,
    an_image,
    appearance,
    drawn,
    picture,
    refused,
)
from pikepdf import Array, Dictionary, Name, Pdf
from PIL import Image, ImageChops

from certsvc.render.external import answer
from certsvc.render.external_shapes import Box, Look, Pages
from certsvc.render.stamp import block
from certsvc.seal.base_pdf import read_base

MM = 25.4
RECT: list[float] = [600, 480, 620, 500]


def a_text(colour: str, mode: int = 0) -> bytes:
    return f"{colour} rg BT /F1 10 Tf {mode} Tr {IN_PLACE} Td (hidden words) Tj ET".encode()


TRICKS = {
    "black-text": a_text("0 0 0"),
    "white-text": a_text("1 1 1"),
    "text-in-a-very-light-grey": a_text("0.99 0.99 0.99"),
    "text-that-is-not-drawn": a_text("0 0 0", 3),
    "text-clipped-away": b"q 0 0 1 1 re W n " + a_text("0 0 0") + b" Q",
    "a-line-as-thin-as-can-be": b"0 0 0 RG 0 w 560 480 m 660 480 l S",
    "a-light-pattern": b"0.97 0.97 0.97 rg 600 480 3 3 re f",
    "a-dark-ground": b"0.8 0.8 0.8 rg 560 400 200 180 re f",
    "a-frame-around-it": b"0 0 0 RG 1 w 570 420 60 160 re S",
}


@pytest.mark.parametrize("name", TRICKS)
def test_what_lies_in_the_place_is_found(name: str) -> None:
    assert refused(a_page(TRICKS[name])) == "place_not_empty"


def test_an_empty_place_is_taken() -> None:
    assert drawn(a_page())


def test_a_tinted_page_is_empty_where_nothing_is_drawn_on_it() -> None:
    tinted = b"q 1 0.99 0.96 rg 0 0 842 595 re f Q "
    found = picture(drawn(a_page(change=lambda pdf, page: put_before(pdf, page, tinted))))
    assert found.getpixel((5, 5)) == (255, 252, 245)


def put_before(pdf: Pdf, page: Any, content: bytes) -> None:
    page.Contents = Array([pdf.make_stream(content), page.Contents])


@pytest.mark.long
def test_an_image_of_white_is_paper_and_one_that_cannot_be_seen_is_none() -> None:
    """A scan covers the whole page: what counts is what is on it."""
    for grey, alpha in ((255, None), (0, 0)):

        def change(pdf: Pdf, page: Any, grey: int = grey, alpha: int | None = alpha) -> None:
            page.Resources.XObject = Dictionary(I=an_image(pdf, grey, alpha=alpha))
            put_before(pdf, page, b"q 842 0 0 595 0 0 cm /I Do Q")

        assert drawn(a_page(change=change))


def test_an_image_that_is_hardly_seen_is_found() -> None:
    def change(pdf: Pdf, page: Any) -> None:
        page.Resources.XObject = Dictionary(I=an_image(pdf, 0, alpha=8))
        page.Contents = Array([page.Contents, pdf.make_stream(b"q 20 0 0 20 600 480 cm /I Do Q")])

    assert refused(a_page(change=change)) == "place_not_empty"


def test_an_image_that_prints_otherwise_prints_as_it_is_seen() -> None:
    def change(pdf: Pdf, page: Any) -> None:
        image = an_image(pdf, 255)
        image.Alternates = Array([Dictionary(Image=an_image(pdf, 0), DefaultForPrinting=True)])
        page.Resources.XObject = Dictionary(I=image)
        put_before(pdf, page, b"q 842 0 0 595 0 0 cm /I Do Q")

    assert b"Alternates" not in drawn(a_page(change=change))


NOTES = {
    "a-link": ("/Link", {}),
    "a-note-without-looks": ("/Popup", {}),
    "a-hidden-note": ("/Square", {"/F": 2}),
    "a-note-that-only-prints": ("/Square", {"/F": 4 | 32}),
}


@pytest.mark.parametrize("name", NOTES)
def test_an_annotation_in_the_place_is_found_even_if_nobody_sees_it(name: str) -> None:
    subtype, more = NOTES[name]
    change = lambda pdf, page: a_note(pdf, page, subtype, RECT, **more)  # noqa: E731
    assert refused(a_page(change=change)) == "place_not_empty"


def a_field(pdf: Pdf, page: Any, rect: list[float]) -> None:
    looks = appearance(pdf, b"0 0 0 rg 0 0 10 10 re f", 20, 20)
    a_note(pdf, page, "/Widget", rect, **{"/FT": Name.Tx, "/T": "x", "/V": "x", "/AP": looks})
    pdf.Root.AcroForm = Dictionary(Fields=Array([page.Annots[-1]]))


def test_a_form_field_in_the_place_is_found() -> None:
    assert refused(a_page(change=lambda pdf, page: a_field(pdf, page, RECT))) == "place_not_empty"


def test_a_form_field_elsewhere_becomes_a_part_of_the_page() -> None:
    made = drawn(a_page(change=lambda pdf, page: a_field(pdf, page, [100, 100, 120, 120])))
    assert picture(made, 72).getpixel((104, 595 - 104)) == (0, 0, 0)
    assert b"/AcroForm" not in made and b"/Annots" not in made


def test_a_note_that_viewers_draw_by_themselves_is_refused_wherever_it_is() -> None:
    """It would be gone from the new file: a page that would look otherwise is not taken."""
    data = a_page(
        change=lambda pdf, page: a_note(pdf, page, "/Square", [100, 100, 160, 160], **{"/C": Array([1, 0, 0])})
    )
    assert refused(data) == "looks_otherwise"


def test_layers_that_can_be_hidden_are_refused() -> None:
    def change(pdf: Pdf, page: Any) -> None:
        layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="under"))
        pdf.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
        page.Resources.Properties = Dictionary(L=layer)
        page.Contents = Array([page.Contents, pdf.make_stream(b"/OC /L BDC " + a_text("0 0 0") + b" EMC")])

    assert refused(a_page(change=change)) == "layers"


def dark_modules(found: Image.Image, dpi: float, x_mm: float, y_mm: float) -> bool:
    """Whether our block stands there: its finder pattern's outer ring and the white in it."""
    ring, white = (
        found.getpixel((int((x_mm + modules * 0.4) * dpi / MM), int((y_mm + modules * 0.4) * dpi / MM)))
        for modules in (4.5, 5.5)
    )
    return (ring, white) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.long
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_on_a_rotated_page_the_block_stands_where_it_is_seen(turn: int) -> None:
    """The page is drawn for being turned: what is seen is what counts."""
    data = a_page(size=(842, 842), change=lambda pdf, page: page.__setitem__("/Rotate", turn))
    place = block(SYMBOL, 0.4, 120, 130, specimen=False)
    made = drawn(data, place)
    assert read_base(made).pages and b"/Rotate" not in made
    assert dark_modules(picture(made, 300), 300, 120, 130)


def test_what_is_drawn_on_a_rotated_page_is_found_where_it_is_seen() -> None:
    """At 90 degrees what is drawn at (x, y) is seen at (y, x) from the upper left."""
    data = a_page(b"0 0 0 rg 500 600 4 4 re f", size=(842, 842), change=lambda p, page: page.__setitem__("/Rotate", 90))
    assert refused(data, Box(600 / 72 * MM, 500 / 72 * MM, 26, 36)) == "place_not_empty"
    assert drawn(data, Box(600 / 72 * MM, 300 / 72 * MM, 26, 36))


def cropped(pdf: Pdf, page: Any) -> None:
    page.MediaBox = Array([-50, -100, 842, 595])
    page.CropBox = Array([42, 95, 842, 595])


def test_on_a_cropped_page_the_block_stands_where_it_is_seen() -> None:
    made = drawn(a_page(change=cropped))
    assert b"/MediaBox[0 0 800.000 500.000]" in made
    assert dark_modules(picture(made, 300), 300, X_MM, Y_MM)


def test_what_lies_outside_of_the_crop_box_does_not_come_into_view() -> None:
    data = a_page(b"0 0 1 rg 0 0 42 595 re f", change=cropped)
    assert ImageChops.difference(picture(data), picture(drawn(data))).crop((0, 0, 900, 1000)).getbbox() is None


@pytest.mark.long
def test_a_user_unit_counts() -> None:
    """The page is twice as large as its numbers say, and so are what is drawn on it and the place."""
    data = a_page(b"0 0 0 rg 300 240 2 2 re f", change=lambda pdf, page: page.__setitem__("/UserUnit", 2))
    assert answer(Look(data)) == Pages(((594.08, 419.81),))
    made = drawn(data, block(SYMBOL, 0.4, 320, 130, specimen=False))
    assert b"/MediaBox[0 0 1684.000 1190.000]" in made and b"/UserUnit" not in made
    assert dark_modules(picture(made, 300), 300, 320, 130)
    there = Box(600 / 72 * MM - 5, (595 - 242) * 2 / 72 * MM - 5, 26, 36)
    assert refused(data, there) == "place_not_empty"


@pytest.mark.parametrize("unit", [0, -1, 1000])
def test_a_user_unit_that_cannot_be_is_refused(unit: int) -> None:
    assert refused(a_page(change=lambda pdf, page: page.__setitem__("/UserUnit", unit))) in {"user_unit", "page_size"}


@pytest.mark.parametrize("place", [(290, 20), (200, 200), (-1, 20)], ids=["right", "below", "left"])
def test_a_block_that_leaves_the_page_is_refused(place: tuple[float, float]) -> None:
    assert refused(a_page(), block(SYMBOL, 0.4, *place, specimen=False)) == "off_the_page"


@pytest.mark.parametrize("page", [0, 2])
def test_a_page_that_is_not_there_is_refused(page: int) -> None:
    assert refused(a_page(), page=page) == "no_such_page"


@pytest.mark.long
def test_a_seal_over_a_qr_is_refused_be_it_the_national_one_or_ours() -> None:
    national, ours, free = Box(240, 20, 42, 42), Box(X_MM - 10, Y_MM + 10, 42, 42), Box(60, 100, 42, 42)
    assert [refused(a_page(), seal=seal) for seal in (national, ours)] == ["seal_over_qr"] * 2
    assert refused(a_page(), seal=Box(270, 180, 42, 42)) == "seal_off_the_page"
    assert drawn(a_page(), seal=free)


@pytest.mark.long
def test_outside_of_the_block_every_pixel_stays_and_the_national_qr_is_read() -> None:
    data = a_page()
    before, after = picture(data, 300), picture(drawn(data), 300)
    changed = ImageChops.difference(before, after).getbbox()
    left, top, right, bottom = (value * 300 / MM for value in (PLACE.x_mm, PLACE.y_mm, PLACE.right_mm, PLACE.bottom_mm))
    assert changed is not None
    assert left <= changed[0] and top <= changed[1] and changed[2] <= right and changed[3] <= bottom
    texts = {code.text for code in zxingcpp.read_barcodes(after)}
    assert texts == {"HTTPS://NATIONAL.EXAMPLE/" + "2" * 60, PREFIX + DIGITS}
    assert NATIONAL.version < SYMBOL.version


@pytest.mark.long
@pytest.mark.parametrize("dpi", [96, 150, 600])
def test_the_qr_is_read_back_from_the_picture(dpi: int) -> None:
    """96 dpi is a screen at 100 %; 150 an old office printer in draft mode."""
    found = picture(drawn(a_page()), dpi if dpi > 96 else 2 * dpi)
    seen = found if dpi > 96 else found.resize((found.width // 2, found.height // 2)).resize(found.size)
    assert PREFIX + DIGITS in {code.text for code in zxingcpp.read_barcodes(seen)}


def test_code_and_host_can_be_copied() -> None:
    with pypdfium2.PdfDocument(drawn(a_page())) as document:
        text = document[0].get_textpage().get_text_bounded()
    assert HOST in text and CODE.replace("-", "") in "".join(text.split()).replace("-", "").replace("\x02", "")
    assert "Business Licence" in text


def test_the_new_file_is_one_revision_that_a_seal_can_follow() -> None:
    made = drawn(a_page())
    assert read_base(made).pages
    with Pdf.open(io.BytesIO(made)) as pdf:
        assert set(pdf.Root.keys()) == {
            *("/Type", "/Pages", "/StructTreeRoot", "/MarkInfo", "/Lang", "/ViewerPreferences", "/Names", "/AF"),
        }
        assert bytes(pdf.attachments["certificate.json"].get_file().read_bytes()) == b'{"schema": "x"}'
        assert pdf.check_pdf_syntax() == []


def test_what_colours_are_meant_comes_along() -> None:
    def change(pdf: Pdf, page: Any) -> None:
        profile = pdf.make_stream(b"a profile")
        profile.N = 4
        intent = {"/Type": Name.OutputIntent, "/S": Name.GTS_PDFX, "/OutputConditionIdentifier": "FOGRA39"}
        pdf.Root.OutputIntents = Array([Dictionary({**intent, "/DestOutputProfile": profile})])

    with Pdf.open(io.BytesIO(drawn(a_page(change=change)))) as pdf:
        (intent,) = pdf.Root.OutputIntents
        assert (intent.S, intent.DestOutputProfile.read_bytes()) == (Name.GTS_PDFX, b"a profile")


def test_the_same_file_gives_the_same_bytes() -> None:
    data = a_page()
    assert drawn(data) == drawn(data)


def test_of_several_pages_only_the_one_named_changes() -> None:
    def change(pdf: Pdf, page: Any) -> None:
        pdf.pages.append(pdf.pages[0])
        pdf.pages.append(pdf.pages[0])

    data = a_page(change=change)
    made = drawn(data, page=2)
    same = [ImageChops.difference(picture(data, 100, n), picture(made, 100, n)).getbbox() is None for n in (1, 2, 3)]
    assert same == [True, False, True]
