"""Figures in a real browser: without script, on a phone, in print, in every language."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from app_served import app_served, free_port, quietly
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from account_room import PASSWORD, Room
from figures_people import histories, region
from figures_room import CLERK, OF_CITY, Land
from gallery import DESK, NARROW, PHONE, browser
from test_browser_pages import opened, overflow, violations
from test_village_accounts_browser import complaints

from certsvc.http.lifespan import Opened
from certsvc.store.pool import open_pool

__all__ = ["browser"]
pytest_plugins = ["account_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


@pytest.fixture(scope="module")
def served(account_room: Room) -> Iterator[tuple[Land, str]]:
    """A busy city, and the address of its pages."""
    land = Land(account_room, region(4, 6))
    land.write(histories(land.made, 400, seed=5, until=datetime.now(UTC)))
    for item, asked, key in (
        ("no-criminal-record-proof", "无犯罪", "1"),
        ("no-criminal-record-proof", "无犯罪", "2"),
        (None, "我家的猫", "3"),
    ):
        land.refuse(CLERK, item, asked, key)
    port = free_port()
    base = f"http://localhost:{port}"

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        async with open_pool(account_room.database.uri) as pool:
            yield land.app(account_room.village_at(base, pool), pool)

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield land, base


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("name", "lang", "options"),
    [
        (OF_CITY, "zh", {"viewport": PHONE, "java_script_enabled": False}),
        (OF_CITY, "zh", {"viewport": DESK}),
        (CLERK, "hant", {"viewport": NARROW, "color_scheme": "dark"}),
        (OF_CITY, "en", {"viewport": DESK}),
    ],
    ids=["phone without script", "desk", "narrow dark", "english"],
)
def test_figures_are_read_on_any_screen_and_a_town_is_opened(
    browser: Browser, served: tuple[Land, str], name: str, lang: str, options: dict[str, Any]
) -> None:
    land, base = served
    organ = land.city if name == OF_CITY else land.village
    with opened(browser, **options) as (page, heard):
        page.goto(f"{base}/village/sign-in?next={land.at(organ)}&lang={lang}")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("form[aria-labelledby=by-password] button")
        page.goto(f"{base}{land.at(organ)}?lang={lang}")
        page.fill("#from", "2026-09-01")
        page.fill("#to", "2026-11-26")
        page.click("form[aria-labelledby=period] button")
        assert page.input_value("#from") == "2026-09-01" and f"lang={lang}" in page.url
        assert page.locator(".note").first.is_visible() and page.locator("figure svg rect").count() > 2
        assert overflow(page) <= 0
        kind = f"figures-{lang}-{options['viewport']['width']}"
        shot(page, kind)
        if options.get("java_script_enabled", True):
            assert violations(page) == []
        if name == OF_CITY:
            town = page.locator("#by-organ + .scroll tbody th a").first
            called = town.inner_text()
            town.click()
            assert called in page.locator("h1").inner_text() and overflow(page) <= 0
            shot(page, f"{kind}-town")
        assert complaints(heard) == []
        if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
            page.pdf(path=f"{folder}/{kind}.pdf", prefer_css_page_size=True)
