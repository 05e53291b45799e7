"""The first page is light and still: at most 50 kB and four requests, no blocking script, nothing that moves."""

import re
from urllib.request import Request, urlopen

import pytest
from gallery import DESK, PHONE, Gallery, browser, gallery
from playwright.sync_api import Browser
from weight_room import PERMITS, SHIFTS, Weight, thirty

from certsvc.http.language import CODES

__all__ = ["browser", "gallery"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

MOST_BYTES, MOST_REQUESTS = 50_000, 4


@pytest.mark.parametrize("lang", CODES)
@pytest.mark.parametrize("kind", ["home", "thirty"])
def test_the_first_page_is_at_most_fifty_kilobytes_in_four_requests(
    browser: Browser, gallery: Gallery, kind: str, lang: str
) -> None:
    path = "/" if kind == "home" else thirty(gallery)
    context = browser.new_context(viewport=PHONE, service_workers="block")
    try:
        page, weight = context.new_page(), Weight()
        weight.listen(page)
        page.goto(f"{gallery.base}{path}?lang={lang}", wait_until="networkidle")
        assert kind == "home" or page.locator(".rows > li").count() == PERMITS
        assert len(weight.bytes) <= MOST_REQUESTS, weight.bytes
        assert sum(weight.bytes.values()) <= MOST_BYTES, weight.bytes
    finally:
        context.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("kind", ["home", "thirty", "revoked", "mistyped"])
def test_nothing_moves_while_a_page_loads(browser: Browser, gallery: Gallery, kind: str, viewport: object) -> None:
    path = thirty(gallery) if kind == "thirty" else gallery.pages[kind]
    context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.goto(f"{gallery.base}{path}", wait_until="networkidle")
        page.evaluate(SHIFTS)
        page.wait_for_timeout(300)
        assert page.evaluate("window.moved") == 0
    finally:
        context.close()


def test_no_script_stands_in_the_way_of_the_page(gallery: Gallery) -> None:
    for path in ("/", thirty(gallery), "/nothing"):
        request = Request(f"{gallery.base}{path}", headers={"Accept": "text/html"})
        try:
            html = urlopen(request).read().decode()
        except OSError as error:  # an answer that is no 200 is an exception here
            html = error.read().decode()  # type: ignore[attr-defined]
        for tag in re.findall(r"<script[^>]*>", html):
            assert 'type="module"' in tag and "src=" in tag, tag
        assert "@import" not in html and "onload=" not in html
