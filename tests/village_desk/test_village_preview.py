"""The page as it will be says that it is not valid wherever one looks at it, and nothing in it passes for ours."""

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from chosen import tree_catalog
from village_people import PROOF, VILLAGE

from certsvc.domain.certificate import Category, Issuer
from certsvc.domain.preview import PreviewForm, ToPreview
from certsvc.errors import PayloadInvalid, UnreadableFile
from certsvc.render.preview_pool import Previewer

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
WORDS = "预览　未用印　不得使用"
PROOFS = sorted({kind.id for kind in tree_catalog() if kind.category is Category.PROOF})
Draw = Callable[..., bytes]


@pytest.fixture(scope="module")
def draw() -> Iterator[Draw]:
    """Draws a payload of a type."""
    with asyncio.Runner() as runner:
        previews = runner.run(Previewer(SCHEMAS, "https://yz.example").__aenter__())

        def drawn(
            type_id: str, payload: dict[str, Any], form: PreviewForm = PreviewForm.PDF, replaces: str | None = None
        ) -> bytes:
            issuer, on = Issuer(name="云山市云岗镇石塘村村民委员会", uscc=VILLAGE), date(2026, 11, 24)
            asked = ToPreview(type_id=type_id, payload=payload, issuer=issuer, on=on, form=form, replaces=replaces)
            return runner.run(previews.draw(asked))

        yield drawn
        runner.run(previews.__aexit__(None, None, None))


def good(type_id: str = PROOF) -> dict[str, Any]:
    """A good payload."""
    path = min((SCHEMAS / type_id / "v2" / "examples").glob("good-*.json"), key=lambda one: one.stat().st_size)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_no_part_of_the_sheet_passes_for_a_proof(draw: Draw) -> None:
    pdf = draw(PROOF, good())
    page = pypdfium2.PdfDocument(pdf)[0]
    text = page.get_textpage()
    width, height = page.get_size()
    assert "周桂芳" in text.get_text_range() and "兹证明" in text.get_text_range()
    for top in range(4):
        part = text.get_text_bounded(0, height * (3 - top) / 4, width, height * (4 - top) / 4)
        assert "不得使用" in part, f"quarter {top} from above"
    picture = Image.open(io.BytesIO(draw(PROOF, good(), PreviewForm.PNG)))
    assert zxingcpp.read_barcodes(picture) == [] == zxingcpp.read_barcodes(page.render(scale=3).to_pil())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        (attached,) = opened.attachments.values()
        assert json.loads(attached.get_file().read_bytes())["valid"] is False
        assert "/AcroForm" not in opened.Root


def test_the_page_of_a_correction_names_the_proof_that_it_will_replace(draw: Draw) -> None:
    old = "KKHJ-7AF9-TZDW-3JXX-N"
    text = pypdfium2.PdfDocument(draw(PROOF, good(), replaces=old))[0].get_textpage().get_text_range()
    assert f"代替查验码{old}的原证明" in re.sub(r"\s", "", text)


@pytest.mark.long
@pytest.mark.parametrize("type_id", PROOFS)
def test_every_proof_is_drawn_from_an_empty_draft_to_a_good_one(draw: Draw, type_id: str) -> None:
    payload = good(type_id)
    for kept in range(0, len(payload) + 1, 3):
        assert draw(type_id, dict([*payload.items()][:kept])).startswith(b"%PDF"), kept
    spoilt = dict(zip(payload, ("<b>", -1, [], None, True, ["x", 2]), strict=False))
    assert draw(type_id, {**payload, **spoilt}).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("field", "value"), [("applicant", "周桂芳😀"), ("water_address", "很长的地址" * 900)], ids=["emoji", "too long"]
)
def test_what_cannot_be_drawn_names_the_field_and_the_next_draft_is_drawn(draw: Draw, field: str, value: str) -> None:
    with pytest.raises((PayloadInvalid, UnreadableFile)) as met:
        draw(PROOF, {**good(), field: value})
    if isinstance(met.value, PayloadInvalid):
        assert [problem.field for problem in met.value.problems] == [field]
    assert draw(PROOF, good()).startswith(b"%PDF")
