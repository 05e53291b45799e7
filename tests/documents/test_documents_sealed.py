"""Documents that are sealed: as strangers see them, and as the record has them."""

import hashlib
import io
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from document_desk import CERTIFICATES, DEPARTMENT, DOCUMENTS, HEALTH, SIGNATURE_LINE, STRANGER, Runner
from made_up_documents import letter, turned
from PIL import Image, ImageChops

from certsvc.domain.document_seal import AtKeyword, Output, Position, Rule, State
from certsvc.domain.seal import Placement
from certsvc.errors import DocumentRefused, Forbidden, KeyReused, NotFound
from certsvc.issuance.documents.requests import read_sealed

pytest_plugins = ["document_fixtures"]

MM = 72 / 25.4
DPI = 144
RIGHT = (DOCUMENTS, Rule.LAST_PAGE_BOTTOM_RIGHT)
BOTH = (RIGHT, (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT))


def sealed(desk: Runner, pdf: bytes, *seals: tuple[str, Position], cross_page: bool = False) -> bytes:
    """Ask, work, and read."""

    async def story() -> bytes:
        asked = await desk.desk.ask(pdf, *seals, cross_page=cross_page)
        assert asked.request.state is State.WAITING
        assert await desk.desk.work() == 1
        return await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)

    found: bytes = desk.run(story())
    return found


def pictures(pdf: bytes) -> list[Image.Image]:
    """The pages as a reader shows them."""
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        return [page.render(scale=DPI / 72, may_draw_forms=True).to_pil().convert("RGB") for page in document]


def is_red(pixel: tuple[int, ...]) -> bool:
    """Whether it is the ink of a seal."""
    return pixel[0] > 150 and pixel[1] < 110 and pixel[2] < 110


def red_box(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """Where the seal's ink is."""
    red, green, _ = picture.split()
    return ImageChops.subtract(red, green).point(lambda value: 255 if value > 80 else 0).getbbox()


def test_a_sealed_document_is_one_revision_and_one_update_that_certifies(desk_of_documents: Runner) -> None:
    found = sealed(desk_of_documents, letter(2), (DOCUMENTS, SIGNATURE_LINE))
    assert found.count(b"%%EOF\n") == 2 and found.endswith(b"%%EOF\n")
    with pikepdf.open(io.BytesIO(found)) as document:
        (field,) = document.Root.AcroForm.Fields
        assert document.Root.Perms.DocMDP == field.V
        (transform,) = field.V.Reference
        assert int(transform.TransformParams.P) == 1
        assert document.Root.DSS.Certs and document.Root.DSS.CRLs


@pytest.mark.long
@pytest.mark.needs("pdfsig")
@pytest.mark.parametrize("joint", [False, True])
def test_another_reader_finds_the_seals_valid(desk_of_documents: Runner, tmp_path: Path, joint: bool) -> None:
    seals = BOTH if joint else (RIGHT,)
    (tmp_path / "sealed.pdf").write_bytes(sealed(desk_of_documents, letter(3), *seals, cross_page=True))
    shown = subprocess.run(
        ["pdfsig", "-nocert", tmp_path / "sealed.pdf"], capture_output=True, text=True, check=True
    ).stdout
    assert shown.count("Signature is Valid.") == len(seals) and "Total document signed" in shown


@pytest.mark.long
@pytest.mark.needs("qpdf")
def test_a_sealed_document_has_no_fault_of_structure(desk_of_documents: Runner, tmp_path: Path) -> None:
    (tmp_path / "sealed.pdf").write_bytes(sealed(desk_of_documents, turned(letter(3), 90), *BOTH, cross_page=True))
    subprocess.run(["qpdf", "--check", tmp_path / "sealed.pdf"], capture_output=True, check=True)


@pytest.mark.long
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_seal_stands_where_it_was_asked_for_on_pages_that_are_cut_and_turned(
    desk_of_documents: Runner, degrees: int
) -> None:
    place = Placement(page=1, x_mm=100.0, y_mm=90.0)
    found = pictures(sealed(desk_of_documents, turned(letter(1), degrees), (DOCUMENTS, place)))[0]
    left, top = (round(side / 25.4 * DPI) for side in (place.x_mm - 24, place.y_mm - 24))
    box = red_box(found.crop((left, top, left + round(48 / 25.4 * DPI), top + round(48 / 25.4 * DPI))))
    assert box is not None
    middle = [(left + (box[0] + box[2]) / 2) / DPI * 25.4, (top + (box[1] + box[3]) / 2) / DPI * 25.4]
    assert middle == pytest.approx([place.x_mm, place.y_mm], abs=0.5)
    assert [(box[2] - box[0]) / DPI * 25.4, (box[3] - box[1]) / DPI * 25.4] == pytest.approx([42, 42], abs=0.7)


@pytest.mark.long
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_keyword_is_found_on_pages_that_are_cut_and_turned(desk_of_documents: Runner, degrees: int) -> None:
    """Where the keyword stands on the page is found by turning the page back: it is at the same place of the paper."""
    pdf = turned(letter(2), degrees)
    asked = desk_of_documents.run(desk_of_documents.desk.ask(pdf, (DOCUMENTS, AtKeyword(keyword="二〇二六年十一月"))))
    place = asked.request.seals[0].place
    straight = (
        desk_of_documents.run(
            desk_of_documents.desk.ask(turned(letter(2), 0), (DOCUMENTS, AtKeyword(keyword="二〇二六年十一月")))
        )
        .request.seals[0]
        .place
    )
    width, height = 200.0, 277.0
    expected = {
        0: (straight.x_mm, straight.y_mm),
        90: (height - straight.y_mm, straight.x_mm),
        180: (width - straight.x_mm, height - straight.y_mm),
        270: (straight.y_mm, width - straight.x_mm),
    }[degrees]
    assert (place.x_mm, place.y_mm) == pytest.approx(expected, abs=0.3)
    desk_of_documents.run(desk_of_documents.desk.work())


@pytest.mark.long
def test_the_occurrence_and_the_offset_of_a_keyword_count(desk_of_documents: Runner) -> None:
    places = []
    for number, offset in ((1, 0.0), (2, 0.0), (2, 30.0)):
        position = AtKeyword(keyword="第 2 段", occurrence=number, dx_mm=60.0, dy_mm=offset)
        asked = desk_of_documents.run(desk_of_documents.desk.ask(letter(3), (DOCUMENTS, position)))
        places.append(asked.request.seals[0].place)
    first, second, lower = places
    assert (first.page, second.page) == (1, 2)
    assert lower.y_mm - second.y_mm == pytest.approx(30.0, abs=0.02)
    assert desk_of_documents.run(desk_of_documents.desk.work()) == 3


@pytest.mark.long
def test_a_keyword_is_found_whatever_blanks_stand_in_it(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    written = [
        desk.run(desk.desk.ask(letter(1), (DOCUMENTS, AtKeyword(keyword=word, dx_mm=-60))))
        for word in ("（盖章）", "( 盖 章 )", "云山市市场监督管理局（盖章）二〇二六")
    ]
    places = [asked.request.seals[0].place for asked in written]
    assert places[0] == places[1]
    assert places[2].y_mm > places[0].y_mm  # one that runs on counts where it ends
    desk.run(desk.desk.work())


@pytest.mark.long
@pytest.mark.parametrize("pages", [2, 3, 5, 14, 15])
def test_the_fanned_pages_show_the_whole_cross_page_seal(desk_of_documents: Runner, pages: int) -> None:
    """The strips side by side, in the order of pages, are the seal as it stands on the page."""
    found = pictures(
        sealed(desk_of_documents, letter(pages), (DOCUMENTS, Placement(page=1, x_mm=60, y_mm=250)), cross_page=True)
    )
    groups = [range(pages)] if pages <= 14 else [range(7), range(7, 15)]
    box = red_box(found[0].crop((0, int(220 / 25.4 * DPI), found[0].width // 2, found[0].height)))
    assert box is not None
    top = int(220 / 25.4 * DPI)
    whole = found[0].crop((box[0], top + box[1], box[2], top + box[3]))
    for group in groups:
        edges = []
        for number in group:
            strip = red_box(found[number].crop((found[number].width * 3 // 4, 0, found[number].width, top - 10)))
            assert strip is not None and strip[2] == found[number].width - found[number].width * 3 // 4
        wide = whole.width / len(group)
        fan = Image.new("RGB", (whole.width, whole.height), "white")
        height = found[group[0]].height
        middle = round(height * 0.5 + whole.height / 2) - whole.height
        for place, number in enumerate(group):
            page = found[number]
            edge = page.crop((round(page.width - wide), middle, page.width, middle + whole.height))
            fan.paste(edge, (round(place * wide), 0))
            edges.append(edge.width)
        assert _unlike(fan, whole) < 0.06, (pages, edges)


def _unlike(one: Image.Image, other: Image.Image) -> float:
    """Which part of the pixels differs between ink and paper, small shifts forgiven."""
    best = 1.0
    for across in (-1, 0, 1):
        for down in (-2, -1, 0, 1, 2):
            moved = ImageChops.offset(one, across, down)
            difference = ImageChops.difference(moved.convert("L"), other.convert("L")).point(
                lambda value: 255 if value > 90 else 0
            )
            best = min(best, sum(difference.histogram()[1:]) / (one.width * one.height))
    return best


@pytest.mark.long
def test_the_text_under_a_seal_can_still_be_read_and_copied(desk_of_documents: Runner) -> None:
    pdf = letter(1)
    found = sealed(desk_of_documents, pdf, (DOCUMENTS, SIGNATURE_LINE), cross_page=False)
    with pypdfium2.PdfDocument(pdf) as before, pypdfium2.PdfDocument(found) as after:
        assert after[0].get_textpage().get_text_range() == before[0].get_textpage().get_text_range()
    plain, stamped = pictures(pdf)[0], pictures(found)[0]
    black = [place for place, value in enumerate(plain.convert("L").tobytes()) if value < 60]
    shown = stamped.convert("L").tobytes()
    assert black and all(shown[place] < 110 for place in black)


@pytest.mark.long
def test_each_use_of_a_joint_seal_is_on_record_with_what_it_signed(desk_of_documents: Runner) -> None:
    desk = desk_of_documents

    async def story() -> tuple[Any, bytes]:
        asked = await desk.desk.ask(letter(1), *BOTH)
        await desk.desk.work()
        return await desk.desk.uses(asked.request.id), await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)

    uses, found = desk.run(story())
    with pikepdf.open(io.BytesIO(found)) as document:
        ranges = [[int(each) for each in field.V.ByteRange] for field in document.Root.AcroForm.Fields]
    digests = [hashlib.sha256(found[:b] + found[c : c + d]).digest() for _, b, c, d in ranges]
    assert [(use["seal_id"], use["digest"]) for use in uses] == list(zip((DOCUMENTS, HEALTH), digests, strict=True))
    assert {use["actor"] for use in uses} == {DEPARTMENT.name}


def test_a_bare_signature_is_over_the_digest_and_each_digest_is_a_use(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    digests = [hashlib.sha256(text).digest() for text in (b"one", b"two", b"three")]

    async def story() -> Any:
        asked = await desk.desk.ask_signatures(*digests)
        await desk.desk.work()
        return await desk.desk.office.requests.request(asked.request.id), await desk.desk.uses(asked.request.id)

    request, uses = desk.run(story())
    public = desk.desk.keys.sealing(DOCUMENTS).certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    for digest, signature in zip(digests, request.signatures, strict=True):
        public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert [(use["digest"], use["page"]) for use in uses] == [(digest, None) for digest in digests]


@pytest.mark.needs("openssl")
def test_a_detached_cms_over_a_digest_verifies_for_others(desk_of_documents: Runner, tmp_path: Path) -> None:
    desk = desk_of_documents
    (tmp_path / "data").write_bytes(b"what the department keeps")

    async def story() -> Any:
        digest = hashlib.sha256(b"what the department keeps").digest()
        asked = await desk.desk.ask_signatures(digest, output=Output.CMS)
        await desk.desk.work()
        return await desk.desk.office.requests.request(asked.request.id)

    (tmp_path / "cms").write_bytes(desk.run(story()).signatures[0])
    from cryptography.hazmat.primitives.serialization import Encoding

    (tmp_path / "root").write_bytes(desk.desk.keys.certificate("root").public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "cms", "-content", "data", "-binary"]
    command += ["-CAfile", "root", "-purpose", "any", "-out", "shown"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "shown").read_bytes() == b"what the department keeps"


def test_the_same_request_again_is_the_same_and_other_content_is_refused(desk_of_documents: Runner) -> None:
    desk = desk_of_documents

    async def story() -> None:
        first = await desk.desk.ask(letter(1), RIGHT, key="again")
        again = await desk.desk.ask(letter(1), RIGHT, key="again")
        assert again.request == first.request
        with pytest.raises(KeyReused):
            await desk.desk.ask(letter(2), RIGHT, key="again")
        assert await desk.desk.work() == 1
        done = await desk.desk.ask(letter(1), RIGHT, key="again")
        assert done.request.state is State.DONE and done.request.id == first.request.id
        assert await desk.desk.work() == 0

    desk.run(story())


def test_another_client_has_neither_the_file_nor_the_request(desk_of_documents: Runner) -> None:
    desk = desk_of_documents

    async def story() -> None:
        asked = await desk.desk.ask(letter(1), RIGHT)
        await desk.desk.work()
        with pytest.raises(NotFound):
            await read_sealed(desk.desk.office, STRANGER, asked.request.id)
        with pytest.raises(NotFound):
            await desk.desk.office.requests.request(asked.request.id, STRANGER.name)
        with pytest.raises(NotFound):
            await desk.desk.office.requests.require_file(STRANGER.name, asked.request.file.source)  # type: ignore[union-attr]
        with pytest.raises(Forbidden):
            await desk.desk.ask(letter(1), RIGHT, actor=STRANGER)

    desk.run(story())


def test_a_seal_bound_to_types_seals_no_document_and_signs_no_digest(desk_of_documents: Runner) -> None:
    desk = desk_of_documents

    async def story() -> None:
        with pytest.raises(Forbidden, match="bound to certificate types"):
            await desk.desk.ask(letter(1), (CERTIFICATES, Rule.LAST_PAGE_BOTTOM_RIGHT))
        with pytest.raises(Forbidden, match="bound to certificate types"):
            await desk.desk.ask_signatures(hashlib.sha256(b"x").digest(), seal=CERTIFICATES)

    desk.run(story())


@pytest.mark.long
def test_seals_do_not_lie_on_one_another_nor_across_the_edge(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    near = Placement(page=1, x_mm=100, y_mm=100)
    wrong: dict[str, tuple[tuple[str, Position], ...]] = {
        "seals_overlap": ((DOCUMENTS, near), (HEALTH, Placement(page=1, x_mm=120, y_mm=110))),
        "off_the_page": ((DOCUMENTS, Placement(page=1, x_mm=20.9, y_mm=100)),),
        "no_such_page": ((DOCUMENTS, Placement(page=3, x_mm=100, y_mm=100)),),
    }
    for code, seals in wrong.items():
        with pytest.raises(DocumentRefused) as raised:
            desk.run(desk.desk.ask(letter(2), *seals))
        assert [problem.code for problem in raised.value.problems] == [code]
    desk.run(desk.desk.ask(letter(2), (DOCUMENTS, near), (HEALTH, Placement(page=2, x_mm=100, y_mm=100))))
    desk.run(desk.desk.work())
