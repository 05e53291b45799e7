"""Approving in a real browser: one request, and a sitting, each confirmed once by a passkey."""

import os
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from account_room import PASSWORD
from desk_room import DeskRoom
from gallery import DESK, NARROW, PHONE, browser
from sitting_room import AT, request_of, to_cancel, waiting
from test_browser_pages import opened, overflow, violations
from test_village_accounts_browser import complaints, device
from village_people import SECOND

from certsvc.domain.proof_acts import ProofState

__all__ = ["browser"]
pytest_plugins = ["walk_fixtures", "desk_fixtures"]
pytestmark = pytest.mark.needs("chromium")


def with_passkey(page: Page, room: DeskRoom, name: str = SECOND) -> None:
    """Somebody signs in by password and adds the passkey of this browser's device."""
    device(page)
    page.goto(f"{room.base}/village/sign-in?next=/village/account")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("form[aria-labelledby=by-password] button")
    page.fill("#passkey-name", "我的手机")
    page.fill("#passkey-password", PASSWORD)
    page.click("form[data-passkey=create] button")
    page.wait_for_url("**/village/account?done=passkeys*")


def looked_at(page: Page, name: str) -> None:
    """What holds of each page at any size; and pictures of it, where a folder for them is named."""
    folder = os.environ.get("CERTSVC_TEST_SHOTS")
    for size in (NARROW, PHONE, DESK):
        page.set_viewport_size(size)
        assert overflow(page) <= 0, (name, size)
        if folder:
            page.screenshot(path=f"{folder}/{name}-{size['width']}.png", full_page=True)
    wrong = [each for each in violations(page) if not each.startswith("landmark-unique: ")]
    assert wrong == [], name


@pytest.mark.long
def test_one_request_and_a_sitting_are_confirmed_by_a_passkey(desk_room: DeskRoom, browser: Browser) -> None:
    one, two, three = waiting(desk_room, "browser one", "browser two", "browser three")
    with opened(browser, viewport=PHONE, locale="zh-CN") as (page, heard):
        with_passkey(page, desk_room)
        page.goto(f"{desk_room.base}{AT}/requests/{one}")
        looked_at(page, "approve")
        page.click("form[aria-labelledby=agree] button[type=button]")
        page.wait_for_url("**/sitting?done=*")
        assert "正在用印" in page.locator("main").inner_text()
        desk_room.seal(one)
        page.locator(".tag", has_text="已用印").wait_for()
        looked_at(page, "sealed")
        page.click("text=件等您审批")
        looked_at(page, "sitting")
        for each in (two, three):
            page.click(f"main a[href*='{each}']")
            looked_at(page, "sitting-one")
            page.click("text=看过，同意，下一件")
            page.wait_for_url(lambda url, each=each: each not in url)  # type: ignore[misc]
            page.goto(f"{desk_room.base}{AT}/sitting")
        looked_at(page, "confirm")
        page.click("#confirm button[type=button]")
        page.wait_for_url("**/sitting?done=*")
        assert page.locator("h1").inner_text() == "已同意 2 件"
        assert complaints(heard) == []
    assert {request_of(desk_room, each).state for each in (two, three)} == {ProofState.APPROVED}
    (row,) = desk_room.rows("select count(*) from proof_confirmation where what like '%' || $1 || '%'", two)
    assert row["count"] == 1


@pytest.mark.long
def test_a_cancellation_is_agreed_to_in_the_same_way(desk_room: DeskRoom, browser: Browser) -> None:
    (one,) = waiting(desk_room, "browser cancelled")
    with opened(browser, viewport=PHONE, locale="zh-CN") as (page, heard):
        with_passkey(page, desk_room)
        for state in (ProofState.SEALED, ProofState.CANCELLED):
            page.goto(f"{desk_room.base}{AT}/requests/{one}")
            looked_at(page, f"approve-before-{state}")
            page.click("form[aria-labelledby=agree] button[type=button]")
            page.wait_for_url("**/sitting?done=*")
            desk_room.seal(one)
            assert request_of(desk_room, one).state is state
            if state is ProofState.SEALED:
                to_cancel(desk_room, one)
        page.locator(".tag", has_text="已撤销").wait_for()
        assert complaints(heard) == []
