"""The seal in a real browser: its keeper opens it with a passkey, and it passes with a handover, on a phone and a desk,
with scripts and without."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from app_served import app_served, free_port, quietly
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import PASSWORD
from gallery import DESK, NARROW, PHONE, browser
from seal_managed import managed_by_town
from seal_pages_room import APPROVER, CITY, CLERK, NEW, OF_CITY, OF_TOWN, SEAL, TOWN, VILLAGE, WATER, SealPages, now
from test_browser_pages import SMALL, Heard, opened, overflow, violations
from test_village_accounts_browser import complaints, device

from certsvc.domain.calendar import beijing_date
from certsvc.domain.seal_authorisation import NotAuthorised
from certsvc.http.lifespan import Opened
from certsvc.ids import Uscc
from certsvc.issuance.village.authorising import standings
from certsvc.store.pool import open_pool
from certsvc.store.seal_authorisations import PostgresSealAuthorisations

__all__ = ["browser"]
pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
SCROLLED = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length"
"""Tables that are wider than their place."""

OPERATOR = {"zh": "由系统管理员登记", "hant": "由系統管理員登記", "en": "the operator puts that on record"}
"""Who puts on record what the seal's manager hands over, where the page does not do it."""

SIZES = [
    pytest.param({"viewport": PHONE}, id="phone"),
    pytest.param({"viewport": DESK}, id="desk"),
    pytest.param({"viewport": PHONE, "java_script_enabled": False}, id="phone without script"),
    pytest.param({"viewport": DESK, "java_script_enabled": False}, id="desk without script"),
]


@pytest.fixture(scope="module")
def seal_base(seal_pages: SealPages) -> Iterator[str]:
    """Where the pages are, of a village whose seal the overseer of the town manages."""
    managed_by_town(seal_pages)
    base = f"http://localhost:{(port := free_port())}"

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        async with open_pool(seal_pages.room.database.uri) as pool:
            yield seal_pages.app(seal_pages.room.village_at(base, pool), pool)

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield base


def at(base: str, path: str, organ: Uscc = VILLAGE, lang: str = "zh") -> str:
    """A page of an organ."""
    return f"{base}/village/at/{organ}{path}{'&' if '?' in path else '?'}lang={lang}"


def enter(page: Page, base: str, name: str) -> None:
    """Sign in by password."""
    page.goto(f"{base}/village/sign-in?next=/village/account")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("form[aria-labelledby=by-password] button")


def with_passkey(page: Page, base: str, name: str) -> None:
    """Sign in, and add the passkey of this browser's device."""
    device(page)
    enter(page, base, name)
    page.fill("#passkey-name", "我的手机")
    page.fill("#passkey-password", PASSWORD)
    page.click("form[data-passkey=create] button")
    page.wait_for_url("**/village/account?done=passkeys*")


def looked_at(page: Page, heard: Heard, name: str, *, scripts: bool = True) -> None:
    """What holds of each page; and a picture of it, where a folder for them is named."""
    size = page.viewport_size
    assert size is not None
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}-{size['width']}{'' if scripts else '-plain'}.png", full_page=True)
    assert page.locator("h1").count() == 1 and overflow(page) <= 0, name
    assert page.evaluate(SMALL) == [] and complaints(heard) == [], name
    if scripts:
        assert violations(page) == [], name
    page.set_viewport_size(NARROW)
    assert overflow(page) <= 0, name
    page.set_viewport_size(size)


def keeper_of(pages: SealPages) -> str:
    """Who keeps the seal now."""
    found = pages.room.run(pages.organs.keeper(VILLAGE))
    assert found is not None
    return found


@pytest.mark.parametrize("options", SIZES[:2])
def test_village_its_keeper_opens_the_seal_with_a_passkey(
    browser: Browser, seal_pages: SealPages, seal_base: str, options: dict[str, Any]
) -> None:
    keeper, authorisations = keeper_of(seal_pages), PostgresSealAuthorisations(seal_pages.room.pool)
    before = seal_pages.room.run(standings(authorisations, SEAL, now()))
    with opened(browser, locale="zh-CN", **options) as (page, heard):
        with_passkey(page, seal_base, keeper)
        page.goto(at(seal_base, "/seal"))
        looked_at(page, heard, "seal")
        page.click("main a.button.main")
        page.fill("#quota", "many")
        page.click("main form button")
        looked_at(page, heard, "seal-form-wrong")
        page.check(f"input[value={WATER}]")
        page.fill("#quota", "5")
        page.fill("#daily_quota", "2")
        looked_at(page, heard, "seal-form")
        page.click("main form button")
        looked_at(page, heard, "seal-confirm")
        page.click("form[data-passkey=get] button[type=button]")
        page.wait_for_url("**/seal?*done=opened*")
        assert "印章已授权使用" in page.locator("main").inner_text()
        looked_at(page, heard, "seal-opened")
    after = seal_pages.room.run(standings(authorisations, SEAL, now()))
    (new,) = [one for one in after if one.authorisation.id not in {each.authorisation.id for each in before}]
    assert (new.refusal, new.left, new.left_today, new.authorisation.keeper) == (None, 5, 2, keeper)
    (row,) = seal_pages.room.rows("select method from account_confirmation order by at desc limit 1")
    assert row["method"] == "passkey"


@pytest.mark.parametrize("options", SIZES)
def test_village_an_overseer_hands_over_with_the_seal(
    browser: Browser, seal_pages: SealPages, seal_base: str, options: dict[str, Any]
) -> None:
    scripts = options.get("java_script_enabled", True)
    left = keeper_of(seal_pages)
    comes = NEW if left == CLERK else CLERK
    with opened(browser, locale="zh-CN", **options) as (page, heard):
        enter(page, seal_base, OF_TOWN)
        page.goto(at(seal_base, f"/people?of={VILLAGE}", TOWN))
        looked_at(page, heard, "people", scripts=scripts)
        page.click("main a.button.main")
        page.locator("label.pick", has_text=left).locator("input").check()
        page.fill("#name0", comes)
        page.select_option("#duty0", "clerk")
        page.fill("#keeper", APPROVER)
        page.fill("#reason", "2026年村委会换届选举")
        page.click("main form button")
        assert "国办发〔2001〕52号" in page.locator("#keeper-wrong").inner_text()
        looked_at(page, heard, "handover-wrong", scripts=scripts)
        page.fill("#keeper", comes)
        looked_at(page, heard, "handover-form", scripts=scripts)
        page.click("main form button")
        assert f"印章由{left}移交给{comes}保管" in page.locator("main").inner_text()
        looked_at(page, heard, "handover-look", scripts=scripts)
        page.click("text=返回修改")
        assert page.input_value("#keeper") == comes and keeper_of(seal_pages) == left
        page.click("main form button")
        page.click("main button.main")
        page.wait_for_url("**/people?*done=seal_handed_over*")
        assert f"印章已移交给{comes}" in page.locator("[role=status]").inner_text()
        page.click("summary")
        looked_at(page, heard, "handover-done", scripts=scripts)
        assert page.evaluate(SCROLLED) == 0
        assert keeper_of(seal_pages) == comes
    given = seal_pages.room.run(standings(PostgresSealAuthorisations(seal_pages.room.pool), SEAL, now(), ever=True))
    assert {one.refusal for one in given} <= {NotAuthorised.HANDED_OVER}


@pytest.mark.parametrize(
    ("lang", "options"),
    [
        ("zh", {"viewport": PHONE, "color_scheme": "dark"}),
        ("hant", {"viewport": DESK}),
        ("en", {"viewport": PHONE}),
    ],
)
def test_village_what_is_left_to_be_done_about_the_seal_is_said(
    browser: Browser, seal_pages: SealPages, seal_base: str, lang: str, options: dict[str, Any]
) -> None:
    left, tomorrow = keeper_of(seal_pages), str(beijing_date(now()) + timedelta(days=1))
    comes = NEW if left == CLERK else CLERK
    for name, organ, days in ((OF_CITY, CITY, [""]), (OF_TOWN, TOWN, ["", tomorrow])):
        with opened(browser, **options) as (page, heard):
            enter(page, seal_base, name)
            for day in days:
                page.goto(at(seal_base, f"/people/handover?of={VILLAGE}", organ, lang))
                assert page.locator("#keeper").count() == (name == OF_TOWN)
                page.locator("label.pick", has_text=left).locator("input").check()
                page.fill("#name0", comes)
                page.select_option("#duty0", "clerk")
                page.fill("#day", day or page.input_value("#day"))
                page.fill("#reason", "2026")
                page.click("main form button")
                looked_at(page, heard, f"next-{lang}-{organ}{'-later' * bool(day)}")
                said = page.locator("main .note.hold").inner_text()
                assert (OPERATOR[lang] in said) == (name == OF_CITY), said
    assert keeper_of(seal_pages) == left
