"""The page of a case, and what a licence's page says is applied for under it, as a browser shows them."""

import sys
from pathlib import Path
from typing import Any

import pytest
from followed_cases import STATES, progress

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, NARROW, PHONE, Gallery, browser, gallery
from playwright.sync_api import Browser, Page
from test_browser_pages import check, opened, overflow

pytestmark = pytest.mark.long

__all__ = ["browser", "gallery"]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_in_a_browser(browser: Browser, gallery: Gallery, lang: str, scheme: Any) -> None:
    case, licence = progress(gallery.site), gallery.site.shelf.certificates[0]
    gallery.site.shelf.cases.append(case)
    gallery.site.shelf.pending[licence.ref] = case.parts[1:6]
    gallery.pages["case"] = f"/P/{case.ref.typed_code}"
    for kind in ("case", "licence"):
        with opened(browser, viewport=PHONE, color_scheme=scheme) as (page, heard):
            page.goto(gallery.url(kind, lang))
            check(page, heard, gallery)
            picture(page, f"{kind}-{lang}-{scheme}-phone")
            page.set_viewport_size(NARROW)
            assert overflow(page) <= 0
            page.set_viewport_size(DESK)
            assert overflow(page) <= 0
            picture(page, f"{kind}-{lang}-{scheme}-desk")


@pytest.mark.needs("chromium")
def test_the_page_of_a_case_needs_no_script(browser: Browser, gallery: Gallery) -> None:
    case = progress(gallery.site)
    gallery.site.shelf.cases.append(case)
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        page.goto(f"{gallery.base}/P/{case.ref.typed_code}?lang=zh")
        assert page.locator(".rows > li").count() == len(STATES)
        assert page.locator(".rows .tag .i").count() == len(STATES), "a shape beside every word"
        assert not page.locator(".stale").is_visible()


def picture(page: Page, name: str) -> None:
    """A screenshot for who wants to look: CERTSVC_TEST_PICTURES names the folder."""
    import os

    if folder := os.environ.get("CERTSVC_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
