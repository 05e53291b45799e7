"""The resident's pages in a real browser: accessible in every language, on a small phone and in large print; a slip's
QR that opens them; a terminal that prints what verifies, and forgets."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_evidence"))
from evidence_files import photo
from gallery import DESK, NARROW, PHONE, browser
from resident_room import CLERK, FORM, FOUR, PASSWORD, TYPED, VILLAGE, DeskRoom, Phone, page_of, sealed, secret_for
from walked import Walks

from certsvc.domain.evidence import MOST_FILE
from certsvc.domain.proof_request import ProofRequest
from certsvc.http.language import CODES
from certsvc.ids import ProgressCode
from certsvc.verify.pixels import read_pages

__all__ = ["browser"]
pytest_plugins = ["walk_fixtures", "resident_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = {"runOnly": {"type": "tag", "values": TAGS}, "rules": {"target-size": {"enabled": True}}}
A_MINUTE = 60_000
TOO_LARGE = b"%PDF-1.7" + bytes(MOST_FILE)
FROM_A_PHONE = photo(size=(4000, 3000), quality=100) + bytes(MOST_FILE)


@pytest.fixture(scope="module")
def collected(resident_room: DeskRoom) -> tuple[ProgressCode, ProofRequest, str]:
    """A sealed proof with its code and the number that was handed over."""
    code = Phone(resident_room).asks()
    request = sealed(resident_room, code)
    return code, request, secret_for(resident_room, request)


@contextmanager
def opened(browser: Browser, room: DeskRoom, viewport: ViewportSize, *, script: bool = True) -> Iterator[Page]:
    """A page of its own."""
    context = browser.new_context(
        viewport=viewport, java_script_enabled=script, service_workers="block", base_url=room.base, locale="zh-CN"
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def require_sound(page: Page, where: str) -> None:
    """Accessible, and no wider than the window."""
    found = Axe().run(page, options=AXE).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == [], where
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0, where


def filled_in(page: Page) -> None:
    """The form with what a resident types."""
    for name, value in TYPED.items():
        if name.startswith("f.") and isinstance(value, str):
            page.locator(f'[name="{name}"]').first.fill(value)
    for number, text in enumerate(TYPED["f.names"]):
        page.locator('[name="f.names"]').nth(number).fill(text)
    page.locator("#contact").fill(TYPED["contact"])
    page.locator("#agree").check()


def test_the_way_from_form_to_slip_to_progress_on_a_small_phone(resident_room: DeskRoom, browser: Browser) -> None:
    with opened(browser, resident_room, NARROW) as page:
        page.goto(f"{FORM}?place=石塘")
        page.get_by_role("link", name="石塘村").click()
        filled_in(page)
        page.get_by_role("button", name="提交申请").last.click()
        require_sound(page, "form with an error")
        page.get_by_role("link", name="敏感个人信息要单独同意").click()
        page.locator("#agree_sensitive").check()
        page.get_by_role("button", name="提交申请").last.click()
        require_sound(page, "slip")
        code = "-".join(page.locator(".big.code i").all_inner_texts())
        page.goto(f"/apply/progress#{code}")
        assert page.locator("#code").input_value() == code and "#" not in page.url
        page.get_by_role("button", name="查一查").click()
        require_sound(page, "progress")
        page.locator("#four-open").fill(FOUR)
        page.get_by_role("button", name="看或者添加附件").click()
        page.locator("#file").set_input_files({"name": "合同.pdf", "mimeType": "application/pdf", "buffer": TOO_LARGE})
        page.get_by_role("button", name="添加", exact=True).click()
        assert "合同.pdf 超过 8 MB" in page.locator("[data-wrong]").inner_text(), "before it is sent over a slow line"
        require_sound(page, "too large")
        page.locator("#file").set_input_files({"name": "水费单.jpg", "mimeType": "image/jpeg", "buffer": FROM_A_PHONE})
        with page.expect_request("**/evidence/add*") as sent:
            page.get_by_role("button", name="添加", exact=True).click()
        assert len(sent.value.post_data_buffer or b"") < MOST_FILE < len(FROM_A_PHONE), "a photo is made smaller"
        page.locator(".note.ok").wait_for()
        assert page.evaluate("document.querySelector('.evidence img').naturalWidth") > 0, "the policy lets it be seen"
        require_sound(page, "evidence")
        page.get_by_role("button", name="返回修改申请").click()
        require_sound(page, "change")
        assert page.locator('[name="f.applicant"]').input_value() == TYPED["f.applicant"]


@pytest.mark.parametrize("path", [FORM, f"{FORM}?organ={VILLAGE}", "/apply/progress", "/apply/file", "/apply/terminal"])
def test_every_page_is_accessible_in_every_language_and_in_large_print(
    resident_room: DeskRoom, browser: Browser, path: str
) -> None:
    for viewport, size in ((PHONE, ""), (NARROW, "&size=large"), (DESK, "")):
        with opened(browser, resident_room, viewport) as page:
            for lang in CODES:
                page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}{size}")
                require_sound(page, f"{lang} {size} {viewport}")


def test_a_terminal_prints_what_verifies_and_forgets_by_itself(
    resident_room: DeskRoom, walks: Walks, collected: tuple[ProgressCode, ProofRequest, str], browser: Browser
) -> None:
    code, _, secret = collected
    with opened(browser, resident_room, DESK) as page:
        page.clock.install()
        page.goto("/apply/terminal")
        page.locator("#code").fill(code)
        page.clock.run_for(A_MINUTE + 2_000)
        page.wait_for_function("document.querySelector('#code').value === ''")
        page.locator("#code").fill(code)
        page.locator("#secret").fill(secret)
        page.get_by_role("button", name="取证明").click()
        page.get_by_role("heading", name="证明已取到").wait_for()
        require_sound(page, "ready")
        paper = page.pdf(prefer_css_page_size=True)
        assert len(pypdfium2.PdfDocument(paper)) == 1, "one sheet, and nothing of the page around it"
        (digits,) = read_pages(paper)
        with ThreadPoolExecutor(1) as thread:  # in this one, playwright's loop runs
            assert thread.submit(walks.scan, digits).result().verdict == "valid"
        page.clock.run_for(A_MINUTE + 2_000)
        page.locator("#secret").wait_for()
        assert page.locator("#code").input_value() == "" and not page.locator("img").count()


def test_without_a_script_a_terminal_forgets_and_the_clerk_hands_out(
    resident_room: DeskRoom, collected: tuple[ProgressCode, ProofRequest, str], browser: Browser
) -> None:
    code, request, _ = collected
    with opened(browser, resident_room, DESK, script=False) as page:
        page.goto("/village/sign-in")
        page.locator("[name=name]").fill(CLERK)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form .button.main").first.click()
        page.goto(f"{page_of(request)}/handing")
        page.get_by_label("申请人本人").check()
        page.get_by_label("当面核对身份证件").check()
        page.get_by_role("button", name="生成取件码").click()
        secret = " ".join(page.locator(".big.code i").all_inner_texts())
        page.goto("/apply/terminal")
        page.locator("#code").fill(code)
        page.locator("#secret").fill(secret)
        page.get_by_role("button", name="取证明").click()
        assert page.locator("img.proof-page").count() == 1
        assert page.locator("noscript meta, meta[http-equiv=refresh]").count() == 1, "after a minute, by itself"
        page.get_by_role("link", name="结束").click()
        assert page.locator("#code").input_value() == ""
