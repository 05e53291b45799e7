"""Reporting a problem in a real browser: with and without script, by keyboard, on a phone, in the dark, printed."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from gallery import DESK, NARROW, PHONE, Gallery, browser
from playwright.sync_api import Browser, Page
from report_counter import ReportCounter, serve_reports
from test_browser_pages import check, opened, overflow, violations

__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

WORDS = "页面上的经营场所是旧地址，\n店去年就搬走了。"
SMALL = """() => [...document.querySelectorAll('textarea, select, label.pick')]
  .map(e => e.getBoundingClientRect()).filter(box => box.height < 24 || box.width < 24).length"""


@pytest.fixture(scope="module")
def counter() -> Iterator[ReportCounter]:
    with serve_reports() as served:
        yield served


def whole(page: Page, heard: Any, counter: ReportCounter) -> None:
    """What holds for every page, here and on the narrowest phone."""
    check(page, heard, cast(Gallery, counter))
    assert page.evaluate(SMALL) == 0
    page.set_viewport_size(NARROW)
    assert overflow(page) <= 0


def to_the_form(page: Page, counter: ReportCounter, lang: str = "zh") -> None:
    """From the result of a licence, as a reader comes."""
    licence = counter.site.shelf.certificates[0]
    page.goto(f"{counter.base}/Q/{counter.site.digits(licence)}?lang={lang}")
    page.click("a[href^='/reports/new']")


def send(page: Page) -> str:
    """Fill in the form and send it; the number of the report."""
    page.check("#kind-1")
    page.fill("#words", WORDS)
    page.fill("#contact", "139 0000 0000")
    page.click("form[action^='/reports'] button")
    page.wait_for_url("**/reports/R-*")
    return page.url.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": PHONE, "java_script_enabled": False},
        {"viewport": PHONE},
        {"viewport": DESK, "color_scheme": "dark"},
    ],
    ids=["phone without script", "phone", "desk in the dark"],
)
def test_a_report_goes_from_the_result_to_its_number(
    browser: Browser, counter: ReportCounter, options: dict[str, Any]
) -> None:
    with opened(browser, **options) as (page, heard):
        to_the_form(page, counter)
        shown = page.locator("#checked ~ .facts").inner_text()
        assert "云山市岭南鲜生商贸有限公司" in shown and "有效" in shown and "登记簿现在" in shown
        assert page.locator("input[name=by]").get_attribute("value") == "qr"
        number = send(page)
        assert page.locator("h1").inner_text() == "报告已收到"
        assert (
            number in page.inner_text("main") and "店去年" not in page.content() and "0000 0000" not in page.content()
        )
        if options.get("java_script_enabled", True):
            whole(page, heard, counter)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_form_and_errors_are_accessible_and_nothing_typed_is_lost(
    browser: Browser, counter: ReportCounter, lang: str
) -> None:
    with opened(browser, viewport=PHONE) as (page, heard):
        to_the_form(page, counter, lang)
        whole(page, heard, counter)
        page.set_viewport_size(PHONE)
        page.evaluate(
            "document.querySelectorAll('[required], [maxlength]').forEach("
            "e => { e.required = false; e.removeAttribute('maxlength') })"
        )
        page.fill("#words", "字" * 501)
        page.fill("#contact", "139 0000 0000")
        page.select_option("#department", "fire")
        page.click("form[action^='/reports'] button")
        assert page.title().startswith("错误：" if lang == "zh" else "Error: ")
        assert page.locator("[role=alert] li").count() == 2
        assert page.input_value("#words") == "字" * 501 and page.input_value("#contact") == "139 0000 0000"
        assert page.input_value("#department") == "fire"
        assert page.locator("#words").get_attribute("aria-invalid") == "true"
        whole(page, heard, counter)
        page.click("[role=alert] a >> nth=0")
        assert page.evaluate("document.activeElement.id") in ("kind-1", "words")


def test_the_form_is_filled_in_and_sent_by_keyboard_alone(browser: Browser, counter: ReportCounter) -> None:
    with opened(browser, viewport=DESK) as (page, _):
        page.goto(f"{counter.base}/reports/new?lang=zh")
        page.focus("#kind-1")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.type("permit")
        for _ in range(3):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/reports/R-*")
        assert "许可缺少" in page.inner_text("main")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_number_page_says_what_was_answered_and_what_is_late(
    browser: Browser, counter: ReportCounter, lang: str
) -> None:
    with opened(browser, viewport=DESK, color_scheme="dark") as (page, heard):
        to_the_form(page, counter, lang)
        number = send(page)
        counter.late(number)
        page.reload()
        assert ("已超过期限" if lang == "zh" else "Overdue") in page.inner_text("main")
        assert ("国务院" if lang == "zh" else "not published yet") in page.inner_text("main")
        whole(page, heard, counter)
        counter.answered(number)
        page.set_viewport_size(PHONE)
        page.reload()
        assert page.locator("h1").inner_text() == ("已更正" if lang == "zh" else "Corrected")
        assert "请以更正后的页面为准。" in page.inner_text("main")
        whole(page, heard, counter)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tables_are_read_on_a_desk_and_scrolled_on_a_phone(
    browser: Browser, counter: ReportCounter, scheme: str
) -> None:
    with opened(browser, viewport=DESK, color_scheme=cast(Any, scheme)) as (page, heard):
        page.goto(f"{counter.base}/reports?lang=zh")
        assert page.locator("tbody tr").count() == 5
        assert "3" in page.locator("tbody tr >> nth=0").inner_text()
        whole(page, heard, counter)
        page.goto(f"{counter.base}/reports?number=R-7K3M9-Q2DHX-F46T0&lang=en")
        assert page.title().startswith("Error: ")
        whole(page, heard, counter)


def test_a_report_is_printed_with_its_number_and_without_controls(browser: Browser, counter: ReportCounter) -> None:
    with opened(browser, viewport=DESK) as (page, _):
        to_the_form(page, counter)
        number = send(page)
        page.emulate_media(media="print")
        assert number in page.inner_text("main")
        assert page.locator(":is(button, input, textarea, nav):visible").count() == 0
        assert violations(page, {"runOnly": {"type": "rule", "values": ["color-contrast"]}}) == []
