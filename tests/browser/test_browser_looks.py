"""Looks and access beyond size and colour: large text, strong contrast, traditional Chinese, landmarks, chat apps."""

from itertools import pairwise
from typing import Literal

import pytest
from gallery import DESK, NARROW, PHONE, Gallery, browser, gallery
from playwright.sync_api import Browser, Page
from test_browser_pages import CONTRAST, opened, overflow, violations, visit

from certsvc.http.language import CODES

__all__ = ["browser", "gallery"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

KINDS = ("home", "licence", "proof", "revoked", "stale", "mistyped", "accessibility", "problem")
LARGE_TEXT = "document.documentElement.style.fontSize = '200%'"
CLIPPED = """() => [...document.querySelectorAll('main *, header *, footer *')]
  .filter(e => e.checkVisibility() && e.childElementCount === 0 && e.textContent.trim())
  .filter(e => !e.closest('.vh, .sprite, .scroll, option'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)
  .filter(e => !e.classList.contains('skip')).map(e => e.outerHTML.slice(0, 120))"""
OVERLAPPING = """() => {
  const controls = [...document.querySelectorAll('main :is(a, button, input:not([type=hidden]))')];
  const boxes = controls.filter(e => e.checkVisibility()).map(e => [e, e.getBoundingClientRect()]);
  const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.flatMap(([one, a]) => boxes.filter(([other, b]) => one !== other && !one.contains(other)
    && !other.contains(one) && over(a, b)).map(([other]) => [one, other].map(e => e.outerHTML.slice(0, 80)).join()));
}"""


def unbroken(page: Page) -> None:
    """Nothing stands outside the window, and no control over another."""
    assert overflow(page) <= 0
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("kind", KINDS)
def test_in_traditional_chinese_on_the_smallest_phone(browser: Browser, gallery: Gallery, kind: str) -> None:
    with opened(browser, viewport=NARROW) as (page, heard):
        visit(page, gallery, kind, "hant")
        unbroken(page)
        assert violations(page) == [] and heard.complaints == []
        assert page.locator("html").get_attribute("lang") == "zh-Hant"


@pytest.mark.parametrize("lang", CODES)
@pytest.mark.parametrize("kind", ["home", "licence", "proof", "mistyped"])
def test_with_text_at_twice_its_size_nothing_is_cut_off(
    browser: Browser, gallery: Gallery, kind: str, lang: str
) -> None:
    for viewport in (PHONE, DESK):
        with opened(browser, viewport=viewport) as (page, _):
            visit(page, gallery, kind, lang)
            page.evaluate(LARGE_TEXT)
            unbroken(page)


def test_at_twice_the_zoom_a_desk_is_read_like_a_phone(browser: Browser, gallery: Gallery) -> None:
    half = {"width": DESK["width"] // 2, "height": DESK["height"] // 2}
    for kind in KINDS:
        with opened(browser, viewport=half, device_scale_factor=2) as (page, _):
            visit(page, gallery, kind, "en")
            unbroken(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_more_contrast_lines_and_second_text_are_stronger(
    browser: Browser, gallery: Gallery, scheme: Literal["light", "dark"]
) -> None:
    colour = "getComputedStyle(document.documentElement).getPropertyValue('--line')"
    with opened(browser, viewport=PHONE, color_scheme=scheme) as (page, _):
        visit(page, gallery, "licence")
        usual = page.evaluate(colour)
    with opened(browser, viewport=PHONE, color_scheme=scheme, contrast="more") as (page, _):
        visit(page, gallery, "licence")
        assert page.evaluate(colour) != usual and violations(page, CONTRAST) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_reader_finds_its_way_by_landmarks_and_headings(browser: Browser, gallery: Gallery, kind: str) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        visit(page, gallery, kind)
        for landmark in ("banner", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1, landmark
        levels = [
            int(tag[1])
            for tag in page.locator(":is(h1, h2, h3, h4):visible").evaluate_all("all => all.map(e => e.tagName)")
        ]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels)), levels
        assert page.locator("nav").first.get_attribute("aria-label")
        names = page.locator("main :is(input, button, select, textarea):visible").evaluate_all(
            "all => all.filter(e => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map(e => e.outerHTML)"
        )
        assert names == []


def test_a_verdict_is_read_in_one_piece_before_anything_else(browser: Browser, gallery: Gallery) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        visit(page, gallery, "revoked")
        read = page.locator("main").aria_snapshot()
        order = ['heading "无效 已吊销"', "真伪", "登记状态", "期限", "怎么办", "与手中的证照逐项核对"]
        places = [read.index(text) for text in order]
        assert places == sorted(places)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_who_reads_inside_a_chat_app_is_told_the_way_out(browser: Browser, gallery: Gallery) -> None:
    chat = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36 MicroMessenger/8.0.50"
    with opened(browser, viewport=NARROW, user_agent=chat) as (page, _):
        for lang, way in (("zh", "在浏览器打开"), ("hant", "在瀏覽器開啟"), ("en", "Open in browser")):
            visit(page, gallery, "home", lang)
            assert way in page.locator("#file").inner_text() and page.locator("#typed").is_visible()
            unbroken(page)
    with opened(browser, viewport=NARROW) as (page, _):
        visit(page, gallery, "home")
        assert "在浏览器打开" not in page.locator("main").inner_text()


def test_the_host_stands_on_top_of_every_page_in_large_letters(browser: Browser, gallery: Gallery) -> None:
    with opened(browser, viewport=NARROW) as (page, _):
        for kind in KINDS:
            visit(page, gallery, kind)
            host = page.locator(".host b")
            assert host.inner_text() == gallery.base.partition("//")[2]
            size: float = host.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
            box = host.bounding_box()
            assert size >= 20 and box is not None and box["y"] < 100
