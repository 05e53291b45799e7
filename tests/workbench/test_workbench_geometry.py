"""The geometry of pages: every good example of every type is sound, and each flaw that a face can have is found."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from chosen import chosen, tree_catalog
from workbench_folder import SCHEMAS, copied

from certsvc.catalog import CertificateType, load_catalog
from certsvc.errors import Problem
from certsvc.render.face import Face
from certsvc.render.pages import Renderer
from certsvc.workbench.geometry import border, find_qr, page_problems
from certsvc.workbench.page import Page, read_page
from certsvc.workbench.sample import Sample, sample_face, samples, signatures

SAMPLES = {sample.stem: sample for sample in samples(chosen(tree_catalog()))}
JOINT = "joint-completion-acceptance"
FOOD, WATER, LICENCE = "food-business", "tiered-water-proof", "business-licence-company"


@cache
def renderer() -> Renderer:
    """One with warm compilers."""
    return Renderer(SCHEMAS)


def face_of(sample: Sample) -> Face:
    """The face of a sample without any mark."""
    return replace(sample_face(sample, sample.kind), specimen=False)


@cache
def page_of(stem: str) -> Page:
    """The page of a sample."""
    return read_page(renderer().render(face_of(SAMPLES[stem])))


@pytest.mark.parametrize("stem", SAMPLES)
def test_every_good_example_prints_on_a_sound_page(stem: str) -> None:
    sample = SAMPLES[stem]
    page = page_of(stem)
    assert page_problems(page, signatures(face_of(sample))) == []
    assert (page.width, page.height) == pytest.approx((sample.layout.width_mm, sample.layout.height_mm), abs=0.01)
    assert not any(letter.artifact for letter in page.letters), "a text that is no content would not be judged"
    assert border(page).left > 5 and border(page).width > 0.8 * page.width
    symbol = find_qr(page)
    assert symbol is not None and symbol.step >= 0.4


def test_letters_are_read_whole_and_where_they_stand() -> None:
    stem = next(stem for stem in SAMPLES if stem.startswith(f"{FOOD}-v1-sheet-good-food-hall"))
    page = page_of(stem)
    said = "".join(letter.text for letter in page.letters)
    for text in ("食品经营许可证", "欧阳㛃𬱖", "龘麤", "2029年02月28日"):
        assert text in said
    title = [letter for letter in page.letters if letter.run.startswith("食品经营许可证")]
    assert len(title) == 7 and 90 < title[0].box.left < title[-1].box.right < 207


FACE = """#import "/common/v1/permit.typ": permit
#set page(foreground: {more})
#permit(dark: rgb("#1f5a4c"), pale: rgb("#a9cabf"), faint: rgb("#e4efeb"), flow: "items")
"""
FLAWS: Mapping[str, tuple[str, str, str]] = {
    "a text over another": ("place(top + left, dx: 74mm, dy: 64mm)[叠字]", "texts_overlap", "叠字"),
    "a text over another by a little": ("place(top + left, dx: 76mm, dy: 61.5mm)[叠字]", "texts_overlap", "叠字"),
    "a text past the border": ("place(top + left, dx: 100mm, dy: 194mm)[边外]", "past_border", "边外"),
    "a text past the border at the side": ("place(top + left, dx: 272mm, dy: 110mm)[伸出边]", "past_border", "伸出边"),
    "a line past the border": (
        "place(top + left, dx: 200mm, dy: 120mm, line(length: 85mm))",
        "past_border",
        "(200, 120) – (285, 120)",
    ),
    "a text off the page": ("place(top + left, dx: 290mm, dy: 120mm)[纸外文字]", "off_page", "纸外文字"),
    "a drawing off the page": (
        "place(top + left, dx: 290mm, dy: 120mm, rect(width: 30mm, height: 9mm, fill: red))",
        "off_page",
        "path",
    ),
    "a text under the seal": ("place(top + left, dx: 250mm, dy: 150mm)[压印]", "under_seal", "压印"),
    "a text under the edge of the seal": ("place(top + left, dx: 271mm, dy: 166mm)[边]", "under_seal", "边"),
    "the issuer's name again under the seal": (
        "place(top + left, dx: 240mm, dy: 144.5mm, text(size: 7pt)[云山市市场监督管理局])",
        "under_seal",
        "云山市市场监督管理局",
    ),
    "a drawing under the seal": (
        "place(top + left, dx: 250mm, dy: 150mm, rect(width: 9mm, height: 9mm, fill: red))",
        "under_seal",
        "path",
    ),
    "a text beside the QR": ("place(top + left, dx: 234.6mm, dy: 75mm, text(size: 8pt)[近])", "in_quiet_zone", "近"),
    "a line beside the QR": (
        "place(top + left, dx: 236.8mm, dy: 60mm, line(length: 40mm, angle: 90deg))",
        "in_quiet_zone",
        "path",
    ),
    "a text over the QR": ("place(top + left, dx: 250mm, dy: 75mm)[盖]", "in_quiet_zone", "盖"),
}


def flawed(folder: Path, face: str) -> list[Problem]:
    """What is found on the page of a food permit with another face."""
    bench = copied(folder, FOOD, LICENCE)
    (bench.schemas / "published.toml").unlink()
    (bench.schemas / FOOD / "v1/face.typ").write_text(face, "utf-8")
    kind: CertificateType = load_catalog(bench.schemas).latest(FOOD)
    sample = next(sample for sample in samples([kind]) if sample.example == "good-snack-bar")
    shown = face_of(sample)
    return page_problems(read_page(Renderer(bench.schemas).render(shown)), signatures(shown))


@pytest.mark.long
def test_every_seal_of_a_joint_document_is_looked_under() -> None:
    kind = tree_catalog().latest(JOINT)
    for sample in samples([kind]):
        face = face_of(sample)
        data = renderer().render(face)
        assert len(signatures(face)) == 3
        assert page_problems(read_page(data), signatures(face)) == []
    moved = replace(face.layout, further_seals=(face.layout.seal, replace(face.layout.seal, y_mm=100.0)))
    found = page_problems(read_page(data), signatures(replace(face, layout=moved)))
    assert {problem.code for problem in found} == {"under_seal"}


@pytest.mark.long
@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_of_a_face_is_found_and_named(name: str, tmp_path: Path) -> None:
    more, code, what = FLAWS[name]
    problems = flawed(tmp_path, FACE.format(more=more))
    assert {problem.code for problem in problems} == {code}
    assert any(what in problem.field for problem in problems)
    assert all(problem.field in problem.zh and problem.field in problem.en for problem in problems)


def test_the_same_face_without_a_flaw_is_sound(tmp_path: Path) -> None:
    assert flawed(tmp_path, FACE.format(more="none")) == []


def test_a_page_without_a_qr_is_told(tmp_path: Path) -> None:
    face = '#import "/common/v1/sheet.typ": *\n#show: body => sheet([], body)\n#v(20mm)#h(20mm)#heading(data.title)\n'
    assert [problem.code for problem in flawed(tmp_path, face)] == ["no_qr"]


def test_a_second_page_is_told(tmp_path: Path) -> None:
    face = FACE.format(more="none") + "#place(top + left, dx: 74mm, dy: 64mm)[叠字]\n"
    assert [problem.code for problem in flawed(tmp_path, face)] == ["second_page"]
