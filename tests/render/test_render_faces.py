"""Every face of every type: its text copies back, stays inside the border, overlaps nothing, and is the same twice."""

import io
import json
from dataclasses import replace
from functools import cache

import pikepdf
import pypdfium2
import pytest
from chosen import chosen
from made_up_faces import SCHEMAS, catalog, face_of, good, make_face, renderer, sheets
from page_text import Letter, collisions, find, letters, lines, page_text
from PIL import Image, ImageChops

from certsvc.domain.certificate import Category
from certsvc.render.face import Face, attachment, texts
from certsvc.render.pages import Renderer

SHEETS = {name: (kind, layout, payload) for name, kind, layout, payload in sheets(chosen(catalog()))}
LICENCE, PROOF = "business-licence-company", "tiered-water-proof"
OLD = "KKHJ-7AF9-TZDW-3JXX-N"
INNER_FRAME_MM = {"licence": 15.5, "permit": 15.5, "proof": 13.4}
A3 = 1.4142

every_sheet = pytest.mark.parametrize("name", SHEETS)


@cache
def face(name: str, specimen: bool = False) -> Face:
    """The face of a sheet."""
    kind, layout, payload = SHEETS[name]
    return make_face(kind, layout, payload, specimen=specimen)


@cache
def page(name: str, specimen: bool = False) -> bytes:
    """The page of a sheet."""
    return renderer().render(face(name, specimen))


@cache
def printed(name: str) -> list[Letter]:
    """The letters of a sheet without the specimen mark."""
    return letters(page(name))


@every_sheet
def test_every_text_copies_back_exactly(name: str) -> None:
    text = page_text(page(name))
    assert [(field, said) for field, said in texts(face(name)) if said not in text] == []
    assert face(name).type.zh in text.replace(" ", "")
    assert face(name).identifier in text and face(name).typed_code in text and "2026年11月24日" in text


@every_sheet
def test_no_text_leaves_the_inner_frame(name: str) -> None:
    layout = face(name).layout
    inset = INNER_FRAME_MM[face(name).type.category] * layout.scale
    for letter in printed(name):
        assert inset < letter.left and letter.right < layout.width_mm - inset, letter
        assert inset < letter.top and letter.bottom < layout.height_mm - inset, letter


@every_sheet
def test_no_text_prints_over_another(name: str) -> None:
    assert collisions(printed(name)) == []


@pytest.mark.long
@pytest.mark.parametrize("name", ["food-business-sheet-good-restaurant", f"{LICENCE}-original-good-long-scope"])
def test_the_same_face_gives_the_same_bytes_from_another_renderer(name: str) -> None:
    assert Renderer(SCHEMAS).render(face(name)) == page(name)


@every_sheet
def test_a_page_has_the_size_of_its_layout(name: str) -> None:
    document = pypdfium2.PdfDocument(page(name))
    width, height = document[0].get_size()
    layout = face(name).layout
    assert len(document) == 1
    assert (width, height) == pytest.approx((layout.width_mm / 25.4 * 72, layout.height_mm / 25.4 * 72), abs=0.01)


@every_sheet
def test_a_page_asks_for_pdf_a_3a_and_pdf_ua_1_and_carries_its_title(name: str) -> None:
    with pikepdf.open(io.BytesIO(page(name))) as pdf, pdf.open_metadata() as metadata:
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"], metadata["pdfuaid:part"]) == ("3", "A", "1")
        assert metadata["dc:title"] == f"{face(name).type.zh} {face(name).number}"
        assert pdf.Root.MarkInfo.Marked and str(pdf.Root.Lang) == "zh-CN"


@every_sheet
def test_the_attached_data_is_exactly_what_the_face_shows(name: str) -> None:
    with pikepdf.open(io.BytesIO(page(name))) as pdf:
        [(file_name, spec)] = pdf.attachments.items()
        data = spec.get_file().read_bytes()
        assert (file_name, spec.relationship) == ("certificate.json", pikepdf.Name.Data)
        assert len(pdf.Root.AF) == 1
    shown, payload = json.loads(data), SHEETS[name][2]
    assert data == attachment(face(name))
    assert shown["fields"] == payload
    assert (shown["number"], shown["token"], shown["specimen"]) == (face(name).number, face(name).digits, False)
    assert shown["issuer"]["name"] in page_text(page(name))


@pytest.mark.parametrize("name", [name for name, (kind, _, _) in SHEETS.items() if kind.category is Category.PROOF])
def test_a_village_proof_names_the_one_it_replaces_on_its_face(name: str) -> None:
    corrected = renderer().render(replace(face(name), replaces=OLD))
    assert f"本证明代替查验码{OLD}的原证明。" in page_text(corrected)
    assert collisions(letters(corrected)) == []
    assert "代替查验码" not in page_text(page(name)), "one that replaces none says nothing of it"


@every_sheet
def test_a_specimen_says_so_all_over_the_page_and_another_page_does_not(name: str) -> None:
    wide = face(name).layout.width_mm > face(name).layout.height_mm
    assert page_text(page(name, specimen=True)).replace(" ", "").count("样本SPECIMEN演示") == (6 if wide else 4)
    assert "SPECIMEN" not in page_text(page(name)).replace(" ", "")
    assert json.loads(attachment(face(name, specimen=True)))["specimen"] is True


@pytest.mark.parametrize("name", ["food-business-sheet-good-restaurant", "tiered-water-proof-sheet-good-zhou"])
def test_the_specimen_mark_is_visible_and_leaves_the_text_readable(name: str) -> None:
    marked, plain = picture(page(name, specimen=True)), picture(page(name))
    change = ImageChops.difference(marked, plain).convert("L").histogram()
    seen = sum(change[8:]) / sum(change)
    assert 0.01 < seen < 0.10
    assert max(step for step, count in enumerate(change) if count) < 80


def picture(pdf: bytes) -> Image.Image:
    """The first page at 72 dpi."""
    image: Image.Image = pypdfium2.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    return image


@pytest.mark.parametrize("example", ["lingnan", "long-scope"])
def test_a3_is_a4_enlarged_but_for_the_lines_under_the_seal(example: str) -> None:
    small, large = (list(printed(f"{LICENCE}-{layout}-good-{example}")) for layout in ("duplicate", "original"))
    for sheet in (small, large):
        for text in ("登记机关云山市市场监督管理局2026年11月24日", "副本" if sheet is small else "正本"):
            start = sheet.index(find(sheet, text)[0])
            del sheet[start : start + len(text)]
    assert [letter.text for letter in small] == [letter.text for letter in large]
    for one, other in zip(small, large, strict=True):
        wanted = (one.left * A3, one.top * A3, one.right * A3, one.bottom * A3)
        assert (other.left, other.top, other.right, other.bottom) == pytest.approx(wanted, abs=0.1)


@every_sheet
def test_a_seal_of_the_widest_kind_would_cover_no_field(name: str) -> None:
    kind, layout, payload = SHEETS[name]
    sheet = printed(name)
    centre, reach = layout.seal, 45 / 2
    for field, text in kind.rows(payload):
        if field.key not in {"valid_from", "valid_to"}:
            for letter in find(sheet, text):
                away = max(centre.x_mm - letter.right, letter.left - centre.x_mm, 0.0)
                above = max(centre.y_mm - letter.bottom, letter.top - centre.y_mm, 0.0)
                assert away**2 + above**2 > (reach - 1) ** 2, (field.key, letter)


@pytest.mark.long
def test_a_long_issuer_stands_on_two_lines_and_runs_into_nothing() -> None:
    """The flaw: a village committee's long name was printed over the QR."""
    issuer = "云山市云岗镇石塘村东坑南洲荔枝园联合社区居民委员会及村民委员会筹备组"
    for type_id, example in ((PROOF, "zhou"), (LICENCE, "long-scope"), ("food-business", "food-hall")):
        sheet = letters(renderer().render(face_of(type_id, good(type_id, example), issuer=issuer, specimen=False)))
        named = find(sheet, issuer)
        assert lines(named) == 2
        assert collisions(sheet) == []
        code = find(sheet, face("tiered-water-proof-sheet-good-zhou").typed_code)
        left, right, foot = code[0].left, code[-1].right, code[0].bottom
        assert [one for one in named if left < one.right and one.left < right and foot - 40 < one.bottom < foot] == []


def test_a_short_issuer_stands_on_one_line() -> None:
    sheet = printed("tiered-water-proof-sheet-good-zhou")
    assert lines(find(sheet, "云山市云岗镇石塘村村民委员会")) == 1
