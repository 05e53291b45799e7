"""The full view of a proof in a real browser: with and without script, on a phone and a desk, in every language."""

from collections.abc import Iterator
from typing import Any

import pytest
from full_view_served import CHARACTERS, Served, serve
from gallery import DESK, NARROW, PHONE, browser
from playwright.sync_api import Browser, Page
from test_browser_pages import opened, overflow, violations

__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


@pytest.fixture
def served() -> Iterator[Served]:
    """Anew for each test: one address may try ten times a minute."""
    with serve() as found:
        yield found


def fill(page: Page, served: Served, code: str, lang: str, characters: str = CHARACTERS) -> None:
    """Open a result and send the form below it."""
    served.views.tries.clear()
    page.goto(f"{served.base}/C/{code}?lang={lang}")
    page.fill("#full-characters", characters.lower())
    page.fill("#full-office", "云岗镇供水公司")
    page.fill("#full-purpose", "办理阶梯水费")
    page.click("#full button")


@pytest.mark.parametrize(
    ("lang", "options"),
    [
        ("zh", {"viewport": PHONE, "java_script_enabled": False}),
        ("zh", {"viewport": NARROW}),
        ("hant", {"viewport": PHONE, "color_scheme": "dark"}),
        ("en", {"viewport": DESK}),
    ],
    ids=["without script", "narrow", "dark", "desk"],
)
def test_who_types_the_characters_sees_the_proof(
    browser: Browser, served: Served, lang: str, options: dict[str, Any]
) -> None:
    with opened(browser, **options) as (page, heard):
        fill(page, served, served.proof, lang)
        assert page.url.endswith(f"/C/{served.proof}/full?lang={lang}")
        assert "周桂芳" in page.locator("#whole ~ .facts").inner_text()
        assert page.locator("h1").count() == 1 and page.locator(".verdict.ok").is_visible()
        assert overflow(page) <= 0 and heard.complaints == []
        if options.get("java_script_enabled", True):
            assert violations(page) == []
        page.emulate_media(media="print")
        assert page.locator("#whole ~ .facts").is_visible() and page.locator(".button:visible").count() == 0


def test_after_a_mistake_the_form_has_what_was_typed_but_the_characters(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE) as (page, heard):
        fill(page, served, served.proof, "zh", "000000")
        assert page.title().startswith("错误：") and violations(page) == [] and heard.complaints == []
        assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
        assert page.input_value("#full-office") == "云岗镇供水公司" and page.input_value("#full-characters") == ""
        page.fill("#full-characters", CHARACTERS)
        page.keyboard.press("Enter")
        page.locator("#whole").wait_for()


def test_who_tried_five_times_is_told_when_to_come_again(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        fill(page, served, served.proof, "zh", "000000")
        for _ in range(5):
            page.fill("#full-characters", "000000")
            page.click("#full button")
        assert "60 分钟" in page.locator("[role=alert]").inner_text() and page.locator("#full").count() == 0
        assert violations(page) == [] and overflow(page) <= 0


def test_a_proof_that_was_withdrawn_says_so_first(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        fill(page, served, served.withdrawn, "zh")
        assert page.locator("h1").inner_text().split()[0] == "无效"
        verdict, whole = page.locator(".verdict.bad").bounding_box(), page.locator("#whole").bounding_box()
        assert verdict is not None and whole is not None and verdict["y"] < whole["y"]


def test_the_page_is_not_in_the_history_once_it_is_left(browser: Browser, served: Served) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        fill(page, served, served.proof, "zh")
        page.click("main .button")
        answer = page.reload()
        assert answer is not None and "周桂芳" not in answer.text()
        got = page.goto(f"{served.base}/C/{served.proof}/full")
        assert got is not None and page.url.endswith(f"/C/{served.proof}#full") and "周桂芳" not in got.text()
