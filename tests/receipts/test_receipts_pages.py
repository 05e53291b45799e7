"""The printed receipt, judged by tools we did not write, and by what stands on it."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import pikepdf
import pypdfium2
import pytest
from receipt_flaws import press_of
from receipt_room import PDF, Room, now

from certsvc.domain.receipt import Receipt
from certsvc.domain.states import Status
from certsvc.errors import Unavailable
from certsvc.http.verifier.headline import LOOKS
from certsvc.render.receipt import SHAPES, receipt_pdf

pytest_plugins = ["receipt_fixtures"]
SECONDS = 120


@pytest.fixture(scope="module")
def papers(till: Room, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Receipts as files: of a licence with permits, of a revoked one, of one of which nothing can be told, of many."""
    folder, code = tmp_path_factory.mktemp("papers"), till.licence.ref.typed_code
    found = {"valid": till.receipt(PDF, code=code, purpose="东城支行 开户 2026-1127 𫖯")}
    kept = list(till.shelf.certificates)
    till.shelf.certificates[0] = replace(kept[0], status=Status.REVOKED)
    found["revoked"] = till.receipt(PDF, code=code)
    till.shelf.certificates[:] = [kept[0], *(kept[1:] * 12)]
    found["many"] = till.receipt(PDF, code=code)
    till.shelf.certificates[:] = kept
    till.shelf.down = True
    found["unknown"] = till.receipt(PDF, code=code)
    till.shelf.down = False
    for name, answer in found.items():
        assert answer.status_code == 200, answer.text
        (folder / f"{name}.pdf").write_bytes(answer.content)
    return {name: folder / f"{name}.pdf" for name in found}


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.mark.needs("verapdf")
def test_verapdf_passes_every_receipt_as_pdf_a_3a_and_pdf_ua_1(papers: dict[str, Path]) -> None:
    jars = os.environ["CERTSVC_VERAPDF_JARS"]
    quick = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    done = run("java", *quick, "-cp", f"{jars}{os.pathsep}{jars}/*", "CheckPdf", "3a,ua1", *papers.values())
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    found = {(standard, path): verdict for verdict, standard, path, *_ in lines}
    for path in papers.values():
        for standard in ("3a", "ua1"):
            assert found[standard, str(path)] == "pass", [line for line in lines if line[2] == str(path)]


@pytest.mark.needs("qpdf")
def test_qpdf_finds_nothing_wrong(papers: dict[str, Path]) -> None:
    for path in papers.values():
        done = run("qpdf", "--check", path)
        assert (done.returncode, done.stderr) == (0, ""), path.name


@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_with_our_root_trusts_the_signature_over_the_whole_file(
    papers: dict[str, Path], till: Room, tmp_path: Path
) -> None:
    root = till.settings.anchors / "root.pem"
    for command in (["-N", "--empty-password"], ["-A", "-n", "root", "-t", "C,C,C", "-i", root]):
        assert run("certutil", "-d", f"sql:{tmp_path}", *command).returncode == 0
    for path in papers.values():
        said = [line.strip(" -") for line in run("pdfsig", "-nssdir", f"sql:{tmp_path}", path).stdout.splitlines()]
        assert "Signature Validation: Signature is Valid." in said, said
        assert "Certificate Validation: Certificate is Trusted." in said, said
        assert "Total document signed" in said and "Signature Type: ETSI.CAdES.detached" in said


def text_of(path: Path) -> list[str]:
    """The text of each page, blanks aside."""
    document = pypdfium2.PdfDocument(path)
    return ["".join(page.get_textpage().get_text_range().split()) for page in document]


def test_the_page_says_first_what_it_covers_then_the_facts_the_permits_and_how_to_check_it(
    papers: dict[str, Path],
) -> None:
    text = "".join(text_of(papers["valid"]))
    order = ["查验回执", "样本SPECIMEN", "这份回执只说明", "它不是证照", "当时的结论", "有效", "查了什么", "东城支行"]
    order += [
        "结果",
        "当时登记的内容",
        "何婉仪",
        "当时名下的许可6件",
        "暂扣中",
        "已过期",
        "怎么核对这份回执",
        "yz.example",
    ]
    places, start = [], 0
    for word in order:
        start = text.find(word, start)
        places.append((word, start >= 0))
    assert [word for word, there in places if not there] == []
    assert "Thisreceiptsaysonlywhatwasfound" in text and "Permitsunderitthen" in text


def test_every_page_of_a_long_receipt_names_it_and_says_that_it_is_of_that_moment(papers: dict[str, Path]) -> None:
    pages = text_of(papers["many"])
    assert len(pages) > 4
    for number, page in enumerate(pages, 1):
        assert f"{number}/{len(pages)}" in page and "Ofthatmomentonly" in page


def test_a_receipt_of_what_cannot_be_told_has_no_word_of_validity(papers: dict[str, Path]) -> None:
    text = "".join(text_of(papers["unknown"]))
    assert "无法判定" in text and "请勿当作有效" in text
    assert "有效" not in text.replace("请勿当作有效", "").replace("有效期", "")
    assert "无效" in "".join(text_of(papers["revoked"])) and "已吊销" in "".join(text_of(papers["revoked"]))


@pytest.mark.long
def test_a_character_that_no_font_has_is_marked_in_print_and_stays_in_the_record(
    papers: dict[str, Path], till: Room
) -> None:
    text = "".join(text_of(papers["valid"]))
    said = till.verify(papers["valid"].read_bytes()).json()["receipt"]["content"]
    assert "\U0002b5af" in said["purpose"]
    assert "〓处是字库里没有的字" in text or "\U0002b5af" in text


def test_the_seal_is_in_the_tree_of_parents_also_of_a_page_with_heads_of_tables(papers: dict[str, Path]) -> None:
    with pikepdf.open(papers["valid"]) as document:
        tree = document.Root.StructTreeRoot
        (field,) = document.Root.AcroForm.Fields
        parents = list(tree.ParentTree.Nums)
        assert int(field.StructParent) in map(int, parents[::2])
        assert parents[1::2][int(field.StructParent)].S == "/Form"
        assert all(isinstance(name, pikepdf.String) for name in list(tree.IDTree.Names)[::2])


def test_the_same_receipt_gives_the_same_page(till: Room) -> None:
    said, jws = till.made(code=till.licence.ref.typed_code)
    receipt = msgspec.convert(said, Receipt)
    assert receipt_pdf(receipt, jws) == receipt_pdf(receipt, jws)
    assert receipt_pdf(receipt, jws) != receipt_pdf(msgspec.structs.replace(receipt, id="0" * 32), jws)


def test_pages_that_cannot_be_set_are_said_and_the_next_are_set(till: Room) -> None:
    said, jws = till.made(code=till.licence.ref.typed_code)
    receipt, pages = msgspec.convert(said, Receipt), till.receipting.pages
    with pytest.raises(Unavailable):
        till.runner.run(pages.set(msgspec.structs.replace(receipt, made_at="no day"), jws))
    assert till.runner.run(pages.set(receipt, jws)) == receipt_pdf(receipt, jws)


def test_the_record_attached_is_the_one_that_was_handed_out(till: Room) -> None:
    said, jws = till.made(code=till.licence.ref.typed_code)
    receipt = msgspec.convert(said, Receipt)
    pdf = press_of(till).seal(receipt_pdf(receipt, jws), receipt, jws, now())
    document = pypdfium2.PdfDocument(pdf)
    assert document.count_attachments() == 1
    attached = document.get_attachment(0)
    assert (attached.get_name(), bytes(attached.get_data()).decode()) == ("receipt.jws", jws)


def test_every_headline_has_its_shape_in_print_and_it_is_that_of_the_pages(till: Room) -> None:
    page = (till.settings.web / "pages" / "icons.html").read_text("utf-8")
    assert {look.icon for look in LOOKS.values()} <= set(SHAPES)
    assert [name for name, path in SHAPES.items() if path not in page] == []
