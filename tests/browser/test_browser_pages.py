"""Every kind of page in a real browser: accessible, readable on a small phone, and nothing asked of anybody else."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from chosen import some
from gallery import DESK, NARROW, PHONE, Gallery, browser, gallery, send
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, ConsoleMessage, Page

__all__ = ["browser", "gallery"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = {"runOnly": {"type": "tag", "values": TAGS}, "rules": {"target-size": {"enabled": True}}}
KINDS = [
    *("home", "licence", "permit", "proof", "suspended", "revoked", "expired", "not yet", "renewal", "superseded"),
    *("stale", "down", "no record", "foreign", "file changed", "file unregistered", "mistyped", "unknown", "problem"),
    *("conditional", "recheck", "dormant", "closing due", "ended with licence", "trust", "accessibility"),
]
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
SMALL = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), summary')]
  .filter(e => e.checkVisibility() && !e.classList.contains('skip'))
  .filter(e => !(e.tagName === 'A' && [...e.parentElement.childNodes].some(n => n !== e && n.textContent.trim())))
  .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
  .filter(([_, box]) => box.width < 24 || box.height < 24).map(([html, _]) => html)"""


@dataclass
class Heard:
    """What a page asked for and complained about."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._take)

    def _take(self, message: ConsoleMessage) -> None:
        is_its_own_status = message.text.startswith("Failed to load resource") and "/static/" not in str(
            message.location
        )
        if message.type in ("error", "warning") and not is_its_own_status:
            self.complaints.append(message.text)


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[tuple[Page, Heard]]:
    """A page in a context of its own, and what is heard of it."""
    context = browser.new_context(**options)
    try:
        page, heard = context.new_page(), Heard()
        heard.listen(page)
        yield page, heard
    finally:
        context.close()


def visit(page: Page, gallery: Gallery, kind: str, lang: str = "zh") -> None:
    """Bring the page to one kind of answer."""
    if kind.startswith("file "):
        send(page, gallery, kind.removeprefix("file "), lang)
        return
    with gallery.down() if kind == "down" else nullcontext():
        page.goto(gallery.url("licence" if kind == "down" else kind, lang))


def violations(page: Page, options: Mapping[str, Any] = AXE) -> list[str]:
    """What axe finds wrong, each with the first place."""
    found = Axe().run(page, options=dict(options)).response["violations"]
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def check(page: Page, heard: Heard, gallery: Gallery) -> None:
    """What holds for every page at any size."""
    assert violations(page) == []
    assert page.evaluate(SMALL) == []
    assert overflow(page) <= 0
    assert heard.hosts == {urlsplit(gallery.base).netloc}
    assert heard.complaints == []
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("kind", some(KINDS))
def test_on_a_phone_in_chinese(browser: Browser, gallery: Gallery, kind: str) -> None:
    with opened(browser, viewport=PHONE) as (page, heard):
        visit(page, gallery, kind)
        check(page, heard, gallery)
        heading = page.locator("h1").bounding_box()
        assert heading is not None and heading["y"] + heading["height"] <= PHONE["height"] / 2
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0
        assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("kind", some(KINDS))
def test_on_a_desk_in_english_and_in_the_dark(browser: Browser, gallery: Gallery, kind: str) -> None:
    with opened(browser, viewport=DESK, color_scheme="dark") as (page, heard):
        visit(page, gallery, kind, "en")
        check(page, heard, gallery)
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_family_of_colours_has_contrast_in_both_lights(
    browser: Browser, gallery: Gallery, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, viewport=DESK if scheme == "light" else PHONE, color_scheme=scheme) as (page, _):
        for kind in ("licence", "revoked", "suspended", "stale", "mistyped"):
            visit(page, gallery, kind)
            assert violations(page, CONTRAST) == [], kind


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_first_phone_screen_holds_the_verdict_and_the_three_answers(
    browser: Browser, gallery: Gallery, lang: str
) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        for kind in ("licence", "proof", "revoked", "stale", "file changed"):
            visit(page, gallery, kind, lang)
            box = page.locator(".answers").bounding_box()
            assert box is not None and box["y"] + box["height"] <= PHONE["height"], kind


def test_after_the_verdict_come_face_permits_and_what_to_do_in_this_order(browser: Browser, gallery: Gallery) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        visit(page, gallery, "licence")
        order = ("verdict", "compare", "permits", "differs", "again")
        places = [page.locator(f"#{name}").bounding_box() for name in order]
        tops = [box["y"] for box in places if box]
        assert len(tops) == 5 and tops == sorted(tops)
        assert page.locator("main .verdict:first-child").count() == 1


def test_every_permit_shows_issuer_number_term_status_and_age_and_trouble_comes_first(
    browser: Browser, gallery: Gallery
) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        visit(page, gallery, "licence")
        rows = page.locator("#permits ~ .rows > li")
        assert rows.count() == 6
        tags = [rows.nth(place).locator(".tag").inner_text() for place in range(6)]
        assert tags == ["无法判定", "暂扣中", "已过期", "有效", "有效", "有效"]
        for place in range(6):
            labels = rows.nth(place).locator("dl:not(.why) dt").all_inner_texts()
            values = rows.nth(place).locator("dl:not(.why) dd").all_inner_texts()
            assert labels == ["编号", "颁发机构", "有效期", "状态确认于"] and all(values)
        assert "6 件许可中有 3 件需要注意" in page.locator(".note.hold").first.inner_text()


def test_verdicts_are_told_apart_without_any_colour(browser: Browser, gallery: Gallery) -> None:
    words, pictures = set(), []
    with opened(browser, viewport=PHONE, forced_colors="active") as (page, _):
        for kind in ("licence", "revoked", "suspended", "stale"):
            visit(page, gallery, kind)
            words.add(page.locator("h1").inner_text().split()[0])
            shot = page.locator(".said > .i").screenshot()
            pictures.append(Image.open(BytesIO(shot)).convert("L"))
    assert words == {"有效", "无效", "目前无效", "无法判定"}
    for place, one in enumerate(pictures):
        for other in pictures[place + 1 :]:
            assert ImageStat.Stat(ImageChops.difference(one, other)).mean[0] > 15


def test_red_stands_only_for_not_valid(browser: Browser, gallery: Gallery) -> None:
    colours: dict[str, set[str]] = {}
    with opened(browser, viewport=PHONE) as (page, _):
        for kind in ("licence", "proof", "revoked", "suspended", "not yet", "superseded", "stale", "down"):
            visit(page, gallery, kind)
            colour = page.locator(".said").evaluate("e => getComputedStyle(e).backgroundColor")
            colours.setdefault(colour, set()).add(page.locator("h1").inner_text().split()[0])
    families = {frozenset(words) for words in colours.values()}
    assert families == {frozenset(words) for words in (("有效",), ("无法判定",), ("目前无效", "无效"), ("无效",))}
    assert colours["rgb(179, 32, 30)"] == {"无效"}


# ---- print, and time going by ----


def test_a_print_is_black_on_white_without_controls_and_says_it_shows_a_moment(
    browser: Browser, gallery: Gallery
) -> None:
    with opened(browser, viewport=DESK) as (page, _):
        visit(page, gallery, "licence")
        page.emulate_media(media="print")
        assert page.locator(":is(button, input, nav, summary):visible").count() == 0
        assert page.locator(".printonly").is_visible()
        assert page.locator(".said").evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(0, 0, 0, 0)"
        assert page.locator("#permits ~ .rows > li").last.is_visible()
        inks = page.locator("main :visible").evaluate_all("all => all.map(e => getComputedStyle(e).color)")
        assert set(inks) <= {"rgb(0, 0, 0)", "rgb(51, 51, 51)"}


def test_after_ten_minutes_a_page_says_that_it_is_old(browser: Browser, gallery: Gallery) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        page.clock.install()
        visit(page, gallery, "licence")
        assert not page.locator(".stale").is_visible()
        page.clock.fast_forward("11:00")
        assert page.locator(".stale").is_visible()
        assert "再查一次" in page.locator(".stale").inner_text()
