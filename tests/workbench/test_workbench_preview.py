"""Looking at types: everything is printed, marked as not valid, and what is wrong is told by file."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from chosen import ALL, chosen, tree_catalog
from demonstration import ROOT
from PIL import Image, ImageColor
from workbench_folder import SCHEMAS, copied

from certsvc.catalog import load_catalog
from certsvc.domain.token import parse_digits
from certsvc.workbench.contact_sheet import MADE_FROM, MOST_BYTES, digest_of, draw_contact_sheet, in_order, tile
from certsvc.workbench.preview import GALLERY, draw_gallery, gallery_digest
from certsvc.workbench.sample import samples

pytestmark = pytest.mark.long

FOOD, WATER, LICENCE = "food-business", "tiered-water-proof", "business-licence-company"
SECONDS = 600
QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
"""All pages take half a minute on two cores that have nothing else to do."""

HOW = "The gallery shows types as they were. Make it again: ./dev preview --gallery"


@pytest.fixture(scope="module")
def all_types(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A preview of all types, and what the command said."""
    folder = tmp_path_factory.mktemp("preview")
    types = [] if ALL else [kind.id for kind in chosen(tree_catalog())]
    command = [sys.executable, "-m", "certsvc", "preview", "--out", str(folder / "out"), "--json", *types]
    environment = {**os.environ, "CERTSVC_HOME": str(folder / "home"), "PYTHONUTF8": "1"}
    return folder / "out", subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


def page_text(pdf: Path) -> str:
    """All text of a file, without spaces."""
    document = pypdfium2.PdfDocument(pdf)
    text = str(document[0].get_textpage().get_text_range())
    document.close()
    return re.sub(r"\s", "", text)


def test_every_good_example_of_every_layout_is_printed_without_a_warning(
    all_types: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, done = all_types
    assert done.returncode == 0, done.stderr
    *sheets, last = (json.loads(line) for line in done.stdout.splitlines())
    wanted = {sample.stem for sample in samples(in_order(chosen(tree_catalog())))}
    assert {Path(sheet["pdf"]).stem for sheet in sheets} == wanted
    assert [sheet for sheet in sheets if sheet["warnings"] or sheet["error"]] == []
    assert (last["sheets"], last["failed"], last["unusable"]) == (len(wanted), 0, 0)
    assert {path.name for path in out.iterdir()} == {
        *(f"{stem}{suffix}" for stem in wanted for suffix in (".pdf", ".png")),
        "index.html",
        "contact-sheet.png",
    }


def test_every_page_says_that_it_is_not_valid_and_its_qr_leads_nowhere(
    all_types: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = all_types
    pages = sorted(out.glob("*.pdf"))
    assert len(pages) > 20
    for pdf in pages:
        text = page_text(pdf)
        assert "预览无效" in text and "PREVIEW" in text and "NOTVALID" in text, pdf.name
        assert "preview.invalid" in text and "SPECIMEN" in text, pdf.name
    with Image.open(out / f"{LICENCE}-v1-original-good-lingnan.png") as picture:
        larger = picture.resize((picture.width * 2, picture.height * 2))
        [found] = zxingcpp.read_barcodes(larger, formats=QR)
    assert found.text.startswith("HTTPS://PREVIEW.INVALID/Q/")
    assert parse_digits(found.text.rpartition("/")[2]).kid == bytes(4)


def test_it_says_how_far_it_is_on_standard_error_only(
    all_types: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = all_types
    steps = [re.search(r"(\d+)/(\d+)", line) for line in done.stderr.splitlines()]
    assert steps and all(steps)
    counts = [int(step[1]) for step in steps if step]
    assert counts == sorted(counts) and counts[-1] == int(steps[-1][2])  # type: ignore[index]


class Links(HTMLParser):
    """What a page refers to, and the elements it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.names += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_the_index_links_to_every_file_and_holds_no_script(
    all_types: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = all_types
    page = (out / "index.html").read_text("utf-8")
    links = Links()
    links.feed(page)
    assert set(links.names) == {path.name for path in out.iterdir()} - {"index.html"}
    assert not {"script", "iframe", "object", "link"} & links.elements
    assert not re.search(r"\son\w+=|javascript:|https?://", page)
    for kind in in_order(chosen(tree_catalog())):
        assert kind.zh in page and kind.id in page


def test_the_contact_sheet_has_a_tile_for_each_type_and_room_to_read_it(
    all_types: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, _ = all_types
    path = out / "contact-sheet.png"
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as sheet:
        assert (sheet.mode, sheet.format) == ("P", "PNG")
        types = len(in_order(chosen(tree_catalog())))
        assert sheet.width * sheet.height > types * 300 * 250
        colours = sheet.convert("RGB").getcolors(1 << 24) or []
    assert ImageColor.getrgb("#b01822") in {colour for _, colour in colours}


def test_one_type_may_be_looked_at_and_a_wrong_one_elsewhere_is_left_out(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD, WATER)
    (bench.schemas / WATER / "policy.toml").write_text("nature = 5", "utf-8")
    done = bench.run("preview", "--out", tmp_path / "one", FOOD, "--json")
    assert done.returncode == 0, done.stderr
    assert {json.loads(line).get("type") for line in done.stdout.splitlines()} == {FOOD, None}
    rest = bench.run("preview", "--out", tmp_path / "all", "--json")
    assert rest.returncode == 1
    said: list[dict[str, Any]] = [json.loads(line) for line in rest.stdout.splitlines()]
    assert [each["type"] for each in said if "problems" in each] == [WATER]
    refused = bench.run("preview", "--out", tmp_path / "none", WATER)
    assert refused.returncode == 2 and "policy.toml:1" in refused.stderr
    assert bench.run("preview", "--out", tmp_path / "none", "no-such-type").returncode == 2


FACES = {
    "an unknown word": ('#permit(dark: rgb("#123456"), colour: red)', "face.typ:2", "catalog_wrong"),
    "an open bracket": ('#permit(dark: rgb("#123456")', "face.typ:2", "catalog_wrong"),
    "a name that nobody knows": ("#permit(flow: itemz)", "face.typ:2", "catalog_wrong"),
    "a picture that is not there": ('#permit(note: image("seal.png"))', "face.typ:2", "catalog_wrong"),
}


@pytest.mark.parametrize("name", FACES)
def test_a_face_that_cannot_be_set_is_told_with_its_line_and_the_others_are_printed(name: str, tmp_path: Path) -> None:
    call, where, code = FACES[name]
    bench = copied(tmp_path, FOOD, WATER)
    (bench.schemas / "published.toml").unlink()
    (bench.schemas / FOOD / "v1/face.typ").write_text(f'#import "/common/v1/permit.typ": permit\n{call}\n', "utf-8")
    done = bench.run("preview", "--out", tmp_path / "out", "--json")
    assert done.returncode == 1
    *sheets, last = (json.loads(line) for line in done.stdout.splitlines())
    failed = [sheet for sheet in sheets if sheet["error"]]
    assert failed and {sheet["type"] for sheet in failed} == {FOOD}
    assert {sheet["error"]["code"] for sheet in failed} == {code}
    assert all(sheet["error"]["field"] == f"{FOOD}/v1/{where}" for sheet in failed)
    assert all(sheet["pdf"] is None for sheet in failed)
    assert "/tmp" not in done.stdout.replace(str(tmp_path), "")
    assert last["sheets"] == len(sheets) - len(failed) > 0
    assert (tmp_path / "out/contact-sheet.png").exists()
    assert "版面不能排版" in (tmp_path / "out/index.html").read_text("utf-8")


def test_a_page_that_is_not_sound_is_a_warning_by_file(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD)
    (bench.schemas / "published.toml").unlink()
    face = bench.schemas / FOOD / "v1/face.typ"
    face.write_text(face.read_text("utf-8") + "#place(top + left, dx: 74mm, dy: 64mm)[叠字]\n", "utf-8")
    done = bench.run("preview", "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "[second_page]" in done.stdout and "good-snack-bar.pdf" in done.stdout


def test_a_text_that_does_not_fit_is_told_by_its_field(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD)
    long = bench.schemas / FOOD / "v1/examples/good-snack-bar.json"
    content = json.loads(long.read_text("utf-8"))
    content["legal_representative"] = "梁𬀀强"
    long.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    sheets = bench.json("preview", "--out", tmp_path / "out")
    [error] = [sheet["error"] for sheet in sheets if sheet.get("error")]
    assert (error["field"], error["code"]) == ("legal_representative", "missing_glyph")


def test_a_type_under_work_can_be_looked_at(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD)
    assert bench.run("new-type", "tea-house", "--zh", "茶馆经营许可证", "--en", "Tea house permit").returncode == 0
    done = bench.run("preview", "--out", tmp_path / "out", "tea-house")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "茶馆经营许可证" in page_text(tmp_path / "out/tea-house-v1-sheet-good-todo-1.pdf")


@pytest.mark.parametrize("arguments", [[], ["--gallery", FOOD], ["--out", "x", "--gallery"]])
def test_it_asks_for_a_folder_or_the_gallery(arguments: list[str], tmp_path: Path) -> None:
    done = copied(tmp_path, FOOD).run("preview", *arguments)
    assert done.returncode == 2 and "--out FOLDER" in done.stderr


def test_a_gallery_carries_the_digest_of_what_it_was_made_from(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD, WATER)
    path = draw_gallery(bench.schemas, (), lambda *_: None)
    with Image.open(path) as picture:
        assert picture.info[MADE_FROM] == gallery_digest(bench.schemas)
    first = path.read_bytes()
    assert draw_gallery(bench.schemas, (), lambda *_: None).read_bytes() == first
    example = min((bench.schemas / FOOD / "v1/examples").glob("good-*.json"))
    example.write_text(example.read_text("utf-8") + "\n", "utf-8")
    with Image.open(path) as picture:
        assert picture.info[MADE_FROM] != gallery_digest(bench.schemas)


def test_the_digest_of_a_gallery_is_of_faces_first_examples_and_shared_parts(tmp_path: Path) -> None:
    bench = copied(tmp_path, FOOD)
    before = gallery_digest(bench.schemas)
    for name, matters in (("policy.toml", False), ("v1/examples/good-snack-bar.json", False)):
        path = bench.schemas / FOOD / name
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")
        assert (gallery_digest(bench.schemas) != before) is matters
    kinds = in_order(load_catalog(bench.schemas))
    (bench.schemas / "common/v1/data.typ").write_text("// changed", "utf-8")
    assert digest_of(bench.schemas, kinds) != before


def test_the_gallery_is_up_to_date() -> None:
    path = SCHEMAS / GALLERY
    assert path.exists(), HOW
    with Image.open(path) as picture:
        assert picture.info.get(MADE_FROM) == gallery_digest(SCHEMAS), HOW
    assert path.stat().st_size <= MOST_BYTES


def test_a_contact_sheet_of_many_noisy_pictures_still_keeps_its_size(tmp_path: Path) -> None:
    noise = Image.effect_noise((760, 538), 90).convert("RGB")
    noise.save(tmp_path / "noise.png")
    kind = tree_catalog().latest(FOOD)
    tiles = [replace(tile(kind, tmp_path / "noise.png"), zh=f"证照{number}" * 9) for number in range(12)]
    draw_contact_sheet([*tiles, tile(kind, None)], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size <= MOST_BYTES
