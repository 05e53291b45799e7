"""From a result to a receipt and back, clicked through in a real browser, with scripts and without."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typst
from gallery import DESK, NARROW, PHONE, browser
from playwright.sync_api import Browser, Page
from test_browser_pages import SMALL, Heard, opened, overflow, violations

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "receipts"))
from receipt_room import Shelf, served_room

__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Shelf]]:
    """Both roles at one address."""
    with served_room(tmp_path_factory.mktemp("receipts") / "home") as served:
        yield served


def look(page: Page, heard: Heard) -> None:
    """What holds for every page at any size."""
    assert violations(page) == []
    assert page.evaluate(SMALL) == []
    assert overflow(page) <= 0
    assert heard.complaints == [] and len(heard.hosts) == 1
    assert page.locator("h1").count() == 1
    page.set_viewport_size(NARROW)
    assert overflow(page) <= 0 and page.evaluate(SMALL) == []
    page.set_viewport_size(PHONE)


def kept(page: Page, button: str, folder: Path) -> Path:
    """The file that a button of the page gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": PHONE},
        {"viewport": PHONE, "java_script_enabled": False},
        {"viewport": DESK, "color_scheme": "dark"},
    ],
    ids=["phone", "without scripts", "desk in the dark"],
)
def test_one_click_leads_to_a_receipt_and_dropped_on_the_page_it_is_genuine(
    browser: Browser, room: tuple[str, Shelf], tmp_path: Path, options: dict[str, Any]
) -> None:
    base, shelf = room
    code, scripts = shelf.certificates[0].ref.typed_code, options.get("java_script_enabled", True)
    with opened(browser, accept_downloads=True, **options) as (page, heard):
        page.goto(f"{base}/C/{code}?lang=zh")
        page.get_by_label("用途或案号").fill("东城支行 2026-1127")
        page.get_by_role("button", name="出具回执", exact=True).click()
        assert page.locator("h1").inner_text() == "查验回执"
        assert "只说明" in page.locator(".note").first.inner_text()
        if scripts:
            look(page, heard)
        pdf, jws = kept(page, "下载 PDF", tmp_path), kept(page, "下载 JWS", tmp_path)
        assert pdf.suffix == ".pdf" and pdf.read_bytes().startswith(b"%PDF-1.7") and jws.suffix == ".jws"
        for path in (pdf, jws):
            page.goto(f"{base}/?lang=zh")
            page.set_input_files("#pdf", path)
            page.get_by_role("button", name="核对文件").click()
            assert page.locator("h1").inner_text().startswith("回执真实")
            assert "东城支行 2026-1127" in page.locator("main").inner_text()
            if scripts:
                look(page, heard)
        page.get_by_role("link", name="查现在的状态").click()
        assert page.url.startswith(f"{base}/C/{code}") and page.locator("h1").inner_text() == "有效"


def test_a_file_is_checked_and_its_receipt_made_in_one_step_or_with_the_file_once_more(
    browser: Browser, room: tuple[str, Shelf], tmp_path: Path
) -> None:
    base, _ = room
    path = tmp_path / "paper.pdf"
    path.write_bytes(plain_pdf())
    with opened(browser, viewport=PHONE, accept_downloads=True) as (page, heard):
        page.goto(f"{base}/?lang=zh")
        page.set_input_files("#pdf", path)
        page.get_by_role("button", name="核对并出具回执").click()
        assert page.locator("h1").inner_text() == "查验回执"
        assert "没有电子印章" in page.locator("main").inner_text()
        look(page, heard)
        page.goto(f"{base}/?lang=zh")
        page.set_input_files("#pdf", path)
        page.get_by_role("button", name="核对文件").click()
        assert "无效" in page.locator("h1").inner_text()
        page.set_input_files("#again-file", path)
        assert kept(page, "直接下载 PDF", tmp_path).read_bytes().startswith(b"%PDF-1.7")


def test_a_record_is_pasted_and_an_altered_one_is_not_genuine(browser: Browser, room: tuple[str, Shelf]) -> None:
    base, shelf = room
    with opened(browser, viewport=DESK) as (page, heard):
        page.goto(f"{base}/C/{shelf.certificates[1].ref.typed_code}?lang=en")
        page.get_by_role("button", name="Make a receipt", exact=True).click()
        jws = page.locator("input[name=receipt]").input_value()
        for text, said in ((jws, "Receipt genuine"), (jws[:-9] + "AAAAAAAA" + jws[-1], "Not valid")):
            page.goto(f"{base}/?lang=en")
            page.get_by_role("link", name="Check a receipt").click()
            look(page, heard)
            page.get_by_label("JWS").fill(text)
            page.get_by_role("button", name="Check the receipt").click()
            assert page.locator("h1").inner_text().startswith(said)
            look(page, heard)


def test_a_receipt_in_print_has_no_controls(browser: Browser, room: tuple[str, Shelf]) -> None:
    base, shelf = room
    with opened(browser, viewport=DESK) as (page, _):
        page.goto(f"{base}/C/{shelf.certificates[0].ref.typed_code}?lang=zh")
        page.get_by_role("button", name="出具回执", exact=True).click()
        page.emulate_media(media="print")
        assert page.locator(":is(button, input, nav, summary):visible").count() == 0


def plain_pdf() -> bytes:
    """A PDF that nobody sealed."""
    pdf = typst.compile(b"= A page")
    assert isinstance(pdf, bytes)
    return pdf
