"""The form in a real browser: what is wrong is said while typing, the draft saves itself, and the line may drop."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from form_room import AT, FormRoom
from test_village_form_look import enter, shot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, browser
from playwright.sync_api import Browser, Page, expect
from test_browser_pages import opened

__all__ = ["browser"]
pytest_plugins = ["account_fixtures", "form_fixtures"]
pytestmark = pytest.mark.needs("chromium")
WATER, RENT, PENSION = "tiered-water-proof", "public-rental-housing-proof", "family-planning-pension-proof"
SAVE = "form[data-entry] > .bar button:last-child"
STATUS = "[data-status]"


@contextmanager
def at_form(browser: Browser, base: str, id_: str, **options: Any) -> Iterator[Page]:
    """The form of a request, opened by its clerk."""
    with opened(browser, viewport=DESK, locale="zh-CN", **options) as (page, heard):
        enter(page, base)
        page.goto(f"{base}{AT}/requests/{id_}/form")
        yield page
        assert [each for each in heard.complaints if "Content Security" in each or "TypeError" in each] == []


def leave(page: Page) -> None:
    """Ask the page to save itself, as it does when another one is looked at."""
    page.evaluate("dispatchEvent(new Event('online'))")


@pytest.mark.long
def test_what_is_wrong_is_said_while_typing_in_the_words_of_the_server(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    id_ = form_room.clerk().begin(RENT)
    with at_form(browser, form_base, id_) as page:
        error = page.locator("#f-applicant_id-error")
        page.locator("#f-applicant_id").press_sequentially("44052418870118035")
        assert error.is_hidden(), "nothing is said while it may still become right"
        page.locator("#f-applicant_id").press_sequentially("7")
        assert error.inner_text() == "公民身份号码：身份号码的校验位不符。"
        assert page.get_attribute("#f-applicant_id", "aria-invalid") == "true"
        page.fill("#f-applicant_id", "440524188701180356")
        assert error.is_hidden()
        page.fill("#f-valid_to", "2020-01-01")
        page.locator("#f-valid_to").blur()
        assert page.inner_text("#f-valid_to-error") == "有效期截止日不能早于起始日。"
        page.fill("#f-household_size", "3")
        page.fill("#f-members-1", "周俊杰")
        page.locator("#f-household_size").blur()
        page.fill("#f-phone", "村口小卖部的电话")
        page.locator("#f-phone").blur()
        assert "只用数字和短横线" in page.inner_text("#f-phone-error")
        page.fill("#f-household_size", "1")
        assert page.locator("#f-household_size-error").is_hidden()
        page.fill("#f-income", "三万")
        page.locator("#f-income").blur()
        assert page.inner_text("#f-income-error") == "家庭年收入（元）应为整数。"
        shot(page, "typing")
        page.fill("#f-applicant_id", "440524188701180357")
        page.click(SAVE)
        page.goto(f"{form_base}{AT}/requests/{id_}/form?check=1")
        assert page.inner_text("#f-applicant_id-error") == "公民身份号码：身份号码的校验位不符。", (
            "the server says the same"
        )
        assert page.input_value("#f-income") == "三万"


@pytest.mark.long
def test_rows_come_and_go_in_place_and_what_is_not_asked_is_put_away(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    clerk = form_room.clerk()
    water, pension = clerk.begin(WATER), clerk.begin(PENSION)
    with at_form(browser, form_base, water) as page:
        for number in range(1, 6):
            if number > 3:
                page.click("button[name=more]")
            page.fill(f"#f-names-{number}", f"周{number}")
        page.click("button[name=less] >> nth=1")
        assert page.locator("#f-names-2").input_value() == "周3"
        assert (
            page.get_attribute("#f-names-4", "aria-label") == "常住人员，第 4 行" or page.locator("#f-names-4").count()
        )
        page.click(SAVE)
        expect(page.locator(".note.ok")).to_be_visible()
        page.goto(f"{form_base}{AT}/requests/{pension}/form")
        certificate = page.locator("[data-key=certificate]")
        assert certificate.is_hidden()
        page.fill("#f-children", "1")
        page.fill("#f-certificate", "石塘独光证字第0087号")
        page.fill("#f-children", "2")
        assert certificate.is_visible(), "what was typed is never put away"
        page.fill("#f-certificate", "")
        assert certificate.is_hidden()
    assert form_room.content(water).payload["names"] == ["周1", "周3", "周4", "周5"]


@pytest.mark.long
def test_a_line_that_drops_mid_form_loses_nothing_and_is_made_up_for(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    id_ = form_room.clerk().begin(WATER)
    with at_form(browser, form_base, id_) as page:
        page.fill("#f-applicant", "周丽芳")
        leave(page)
        expect(page.locator(STATUS)).to_contain_text("已自动保存")
        page.context.set_offline(True)
        page.fill("#f-applicant", "周丽芳（改）")
        expect(page.locator(STATUS)).to_contain_text("网络断了")
        page.click(SAVE)
        assert page.input_value("#f-applicant") == "周丽芳（改）", "the page is not left"
        shot(page, "offline")
        assert form_room.content(id_).payload["applicant"] == "周丽芳"
        page.context.set_offline(False)
        expect(page.locator(STATUS)).to_contain_text("已自动保存")
        assert form_room.content(id_).payload["applicant"] == "周丽芳（改）"
        assert page.evaluate("Object.keys(sessionStorage).length") == 0
        page.click(SAVE)
        expect(page.locator(".note.ok")).to_be_visible()


@pytest.mark.long
def test_an_answer_that_is_lost_is_asked_again_and_saved_once(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    id_ = form_room.clerk().begin(WATER)
    with at_form(browser, form_base, id_) as page:
        lost: list[Any] = []

        def lose(route: Any) -> None:
            if route.request.method == "POST" and not lost:
                lost.append(route.fetch())  # the server has it, and the browser never hears
                route.abort()
            else:
                route.continue_()

        page.route("**/form", lose)
        page.fill("#f-applicant", "周丽芳")
        leave(page)
        expect(page.locator(STATUS)).to_contain_text("网络断了")
        page.fill("#f-account", "4419")
        page.click(SAVE)
        expect(page.locator(".note.ok")).to_be_visible()
    kept = form_room.content(id_).payload
    assert (kept["applicant"], kept["account"], form_room.request(id_).version) == ("周丽芳", "4419", 3)


@pytest.mark.long
def test_a_page_that_is_closed_by_mistake_comes_back_as_it_was_until_one_signs_out(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    id_ = form_room.clerk().begin(WATER)
    with at_form(browser, form_base, id_) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.route("**/form", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        for number, name in enumerate(("周一", "周二", "周三"), 1):
            page.fill(f"#f-names-{number}", name)
        page.click("button[name=more]")
        page.fill("#f-names-4", "周四")
        page.reload()
        expect(page.locator(STATUS)).to_contain_text("已放回表中")
        assert [page.input_value(f"#f-names-{number}") for number in (1, 2, 3, 4)] == ["周一", "周二", "周三", "周四"]
        assert form_room.request(id_).version == 1
        page.click(".who form button")
        page.wait_for_url("**/sign-in*")
        assert page.evaluate("Object.keys(sessionStorage).length") == 0


@pytest.mark.long
def test_signing_in_again_while_typing_loses_nothing_with_script(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    id_ = form_room.clerk().begin(WATER)
    with at_form(browser, form_base, id_) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.fill("#f-applicant", "周丽芳")
        form_room.end_session()
        leave(page)
        expect(page.locator(STATUS)).to_contain_text("登录已过期")
        page.click(SAVE)
        expect(page.locator(".summary")).to_contain_text("登录已过期")
        shot(page, "expired")
        with page.context.expect_page() as popup:
            page.click("a[target=_blank]")
        enter(popup.value, form_base)
        page.click(".summary button")
        assert page.input_value("#f-applicant") == "周丽芳"
        page.click(SAVE)
        expect(page.locator(".note.ok")).to_be_visible()
    assert form_room.content(id_).payload["applicant"] == "周丽芳"


@pytest.mark.long
def test_signing_out_of_any_page_leaves_nothing_that_was_typed_in_the_tab(
    browser: Browser, form_room: FormRoom, form_base: str
) -> None:
    with at_form(browser, form_base, form_room.clerk().begin(WATER)) as page:
        page.context.set_offline(True)
        page.fill("#f-applicant", "周丽芳")
        leave(page)
        expect(page.locator(STATUS)).to_contain_text("网络断了")
        kept = page.evaluate("Object.entries(sessionStorage)")
        assert len(kept) == 1 and "周丽芳" in kept[0][1]
        page.context.set_offline(False)
        expect(page.locator(STATUS)).to_contain_text("已自动保存")
        page.goto(f"{form_base}{AT}/new")
        page.evaluate("([[name, text]]) => { sessionStorage[name] = text; sessionStorage.other = ''; }", kept)
        page.click("form[action*=sign-out] button")
        page.wait_for_url("**/sign-in*")
        assert page.evaluate("Object.keys(sessionStorage)") == ["other"], "what is ours, and no more"
