"""Files and photos in a real browser: what changed side by side, signatures of others; readable by everybody."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from chosen import some
from gallery import DESK, NARROW, PHONE, browser
from playwright.sync_api import Browser, Page, Response
from test_browser_pages import SMALL, opened, overflow, violations

sys.path.append(str(Path(__file__).resolve().parents[1] / "changed"))
from changed_served import Served, serve_changed

__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
SHOWN = ["name", "painted", "moved", "tail", "scan", "older", "recognised", "foreign", "photo", "two", "host"]
SAID = {
    "name": ("无效", "不是本系统签发"),
    "painted": ("无效", "文件被改动"),
    "moved": ("无效", "文件被改动"),
    "tail": ("无效", "文件被改动"),
    "scan": ("无法判定", "只是扫描件"),
    "older": ("无效", "旧版本"),
    "recognised": ("印章真实", "认可的外地机构"),
    "foreign": ("无效", "不是本系统签发"),
    "photo": ("有效", ""),
    "two": ("无法判定", "照片里不止一件"),
    "host": ("无效", "二维码指向别的网站"),
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve_changed() as found:
        yield found


def bring(page: Page, served: Served, name: str, lang: str = "zh") -> None:
    """Send a file by the form on the start page."""
    page.goto(f"{served.base}/?lang={lang}")
    file = {"name": f"{name}.pdf", "mimeType": "application/octet-stream", "buffer": served.files[name]}
    page.set_input_files("#pdf", file)  # type: ignore[arg-type]
    page.click("#file button")


@pytest.mark.parametrize("name", some(SHOWN))
def test_each_answer_is_accessible_on_a_phone(browser: Browser, served: Served, name: str) -> None:
    with opened(browser, viewport=PHONE) as (page, heard):
        bring(page, served, name)
        word, qualifier = SAID[name]
        said = page.locator("h1").inner_text()
        assert said.startswith(word) and qualifier in said
        assert violations(page) == []
        assert page.evaluate(SMALL) == []
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0
        assert heard.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_changed_stands_side_by_side_on_a_desk(
    browser: Browser, served: Served, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, viewport=DESK, color_scheme=scheme) as (page, heard):
        bring(page, served, "name", "en")
        assert violations(page) == []
        left, right = (page.locator(".side-by-side figure").nth(place).bounding_box() for place in (0, 1))
        assert left is not None and right is not None
        assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
        drawn = page.locator(".page-picture image").evaluate_all(
            "all => Promise.all(all.map(async e => { const i = new Image(); i.src = e.href.baseVal;"
            " await i.decode(); return i.naturalWidth; }))"
        )
        assert drawn == [1200, 1200]
        assert page.locator(".mark.was").count() == page.locator(".mark:not(.was)").count() == 1
        assert page.locator(".differences tbody tr").count() == 1
        assert heard.complaints == [] and heard.hosts == {served.base.partition("://")[2]}


def test_without_scripts_the_same_is_there(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        bring(page, served, "moved")
        assert page.locator(".side-by-side svg").count() == 2
        assert page.locator(".differences mark").count() >= 1


def test_only_a_page_with_pictures_of_its_own_may_hold_them(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        policies: dict[str, str] = {}

        def heard(answer: Response) -> None:
            policies[answer.request.method] = answer.headers.get("content-security-policy", "")

        page.on("response", heard)
        bring(page, served, "tail")
        page.wait_for_selector("h1")
        assert "data:" not in policies["POST"]
        bring(page, served, "moved")
        page.wait_for_selector(".side-by-side")
        assert "img-src 'self' data:;" in policies["POST"]


@pytest.mark.parametrize("name", ["heic", "nothing"])
def test_a_photo_that_cannot_be_used_gets_a_kind_sentence(browser: Browser, served: Served, name: str) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        bring(page, served, name)
        assert violations(page) == []
        assert ("HEIC" if name == "heic" else "二维码") in page.locator("main").inner_text()


def test_a_printed_comparison_is_black_on_white_and_keeps_its_boxes(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=DESK) as (page, _):
        bring(page, served, "name")
        page.emulate_media(media="print")
        assert page.locator(".page-picture").first.is_visible()
        assert page.locator(".mark").first.evaluate("e => getComputedStyle(e).strokeDasharray") != "none"
