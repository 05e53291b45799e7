"""The resident's pages in a real browser without script: accessible, readable on a small phone, light, and on paper."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
from app_served import app_served, free_port, quietly
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize
from proof_room import DONGGUAN, TOWN, proofs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, NARROW, PHONE, browser
from weight_room import Weight

from certsvc.http.application import make_application
from certsvc.http.language import CODES
from certsvc.http.pages import Pages
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.http.village.apply import apply_routes
from certsvc.log import open_log

__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = {"runOnly": {"type": "tag", "values": TAGS}, "rules": {"target-size": {"enabled": True}}}
PATHS = {
    "places": "/apply?",
    "choose": f"/apply/{DONGGUAN}?",
    "unknown": f"/apply/{DONGGUAN}?name=水表人口&",
    "kept": f"/apply/{TOWN}/tiered-water-proof?",
    "doubt": f"/apply/{DONGGUAN}/marital-relation-proof?",
    "refused": f"/apply/{DONGGUAN}/no-criminal-record-proof?",
    "villagers": f"/apply/{TOWN}/road-passage-proof?",
    "notice": f"/apply/{DONGGUAN}/kinship-proof/notice?",
}
MOST_BYTES, MOST_REQUESTS = 50_000, 4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """These pages alone at a port of loopback."""
    port = free_port()
    with quietly():
        here = f"localhost:{port}"
        site = Site(here, f"http://{here}", ROOT / "verifier_web", tmp_path_factory.mktemp("trust"), True)
        pages = Pages(site)
        routes = [*apply_routes(pages, proofs(), (DONGGUAN, TOWN)), *shared_routes(site, pages)]
        app = make_application(routes, site, pages, open_log())
    with app_served(app, port):
        yield site.public_url


@contextmanager
def opened(browser: Browser, viewport: ViewportSize, *, script: bool = False) -> Iterator[Page]:
    """A page of its own; axe needs scripts to look, the pages have none."""
    context = browser.new_context(viewport=viewport, java_script_enabled=script, service_workers="block")
    try:
        yield context.new_page()
    finally:
        context.close()


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


@pytest.mark.parametrize("kind", PATHS)
def test_every_page_is_accessible_and_fits_a_small_phone(browser: Browser, base: str, kind: str) -> None:
    for viewport, langs in ((PHONE, CODES), (NARROW, ("en",)), (DESK, ("zh",))):
        with opened(browser, viewport, script=True) as page:
            for lang in langs:
                page.goto(f"{base}{PATHS[kind]}lang={lang}")
                found = Axe().run(page, options=AXE).response["violations"]
                assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], (viewport, lang)
                assert overflow(page) == 0, (viewport, lang)


@pytest.mark.parametrize("kind", PATHS)
def test_every_page_is_at_most_fifty_kilobytes_in_four_requests(browser: Browser, base: str, kind: str) -> None:
    for lang in CODES:
        with opened(browser, PHONE) as page:
            weight = Weight()
            weight.listen(page)
            page.goto(f"{base}{PATHS[kind]}lang={lang}", wait_until="networkidle")
            assert len(weight.bytes) <= MOST_REQUESTS and sum(weight.bytes.values()) <= MOST_BYTES, weight.bytes


def test_a_resident_finds_the_way_by_words_alone_and_without_a_script(browser: Browser, base: str) -> None:
    with opened(browser, PHONE) as page:
        page.goto(f"{base}/apply?lang=zh")
        page.get_by_role("link", name="东莞市", exact=True).click()
        page.get_by_label("您要开什么证明").fill("我要开无犯罪证明")
        page.get_by_role("button", name="查一查").click()
        assert page.get_by_role("heading", level=1).inner_text() == "村里不能开"
        assert page.get_by_text("户籍地或者居住地公安派出所").first.is_visible()
        page.get_by_role("link", name="打印告知单").click()
        assert page.get_by_role("heading", level=1).inner_text() == "不予开具证明告知单"


@pytest.mark.parametrize("lang", CODES)
def test_the_notice_is_one_sheet_of_paper_and_has_no_buttons(browser: Browser, base: str, lang: str) -> None:
    with opened(browser, DESK) as page:
        page.goto(f"{base}{PATHS['notice']}lang={lang}")
        paper = pypdfium2.PdfDocument(BytesIO(page.pdf(prefer_css_page_size=True)))
        text = paper[0].get_textpage().get_text_range()
        assert len(paper) == 1 and "12345" in text and "2020" in text
        page.emulate_media(media="print")
        assert not page.locator(".noprint").first.is_visible()
