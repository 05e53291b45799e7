"""Signing in at a provider with a real browser, over HTTP on loopback: there, back, and in."""

import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import CHEAP, PASSWORD, Room
from app_served import app_served, free_port, quietly
from gallery import DESK, PHONE, browser
from openid_provider import CLIENT_ID, SECRET, SUBJECT, MadeUpProvider, served
from playwright.sync_api import Browser, Page
from test_browser_pages import opened, overflow, violations

from certsvc.access.fetching import Fetcher
from certsvc.access.openid_provider import Provider, ProviderTerms
from certsvc.http.lifespan import Opened
from certsvc.http.village.openid import openid_routes
from certsvc.http.village.session import Sessions
from certsvc.signing_in import open_signing_in
from certsvc.store.openid import PostgresOpenId
from certsvc.store.pool import open_pool

__all__ = ["browser"]
pytest_plugins = ["account_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


@pytest.fixture(scope="module")
def openid_made() -> MadeUpProvider:
    """The provider; it is served by who needs it."""
    return MadeUpProvider(issuer=f"http://localhost:{free_port()}/city")


@pytest.fixture(scope="module")
def openid_base(account_room: Room, openid_made: MadeUpProvider) -> Iterator[str]:
    """Where our pages are."""
    port = free_port()
    base = f"http://localhost:{port}"

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        async with open_pool(account_room.database.uri) as pool:
            terms = ProviderTerms(issuer=openid_made.issuer, client_id=CLIENT_ID, secret=lambda: SECRET, name="政务通")
            at = account_room.village_at(base, pool)
            provider = Provider(terms, Fetcher().fetch)
            signing = open_signing_in(pool, account_room.cipher, at.site, at.pages, cost=CHEAP, provider=provider)
            yield account_room.app(signing, openid_routes(signing, Sessions(signing)))

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield base


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/openid-{name}.png", full_page=True)


def test_there_and_back_or_by_password_where_the_provider_is_away(
    browser: Browser, account_room: Room, openid_base: str, openid_made: MadeUpProvider
) -> None:
    account_room.person("林政务")
    account_room.run(
        PostgresOpenId(account_room.pool).link("林政务", openid_made.issuer, SUBJECT, "管理员甲", datetime.now(UTC))
    )
    with opened(browser, viewport=PHONE) as (page, heard):
        page.goto(f"{openid_base}/village/sign-in?next=/village/account&lang=zh")
        page.click("section[aria-labelledby=by-openid] a")
        assert page.locator(".summary[role=alert]").is_visible()
        assert overflow(page) <= 0 and violations(page) == []
        shot(page, "away-360")
        page.fill("#name", "林政务")
        page.fill("#password", PASSWORD)
        page.click("form[aria-labelledby=by-password] button")
        page.wait_for_url(f"{openid_base}/village/account?lang=zh")
    assert [each for each in heard.complaints if not re.search("40[34]|503|sw.js", each)] == []
    with served(openid_made), opened(browser, viewport=DESK, java_script_enabled=False) as (page, _):
        page.goto(f"{openid_base}/village/sign-in?next=/village/account&lang=zh")
        shot(page, "sign-in-1280")
        page.click("section[aria-labelledby=by-openid] a")
        page.wait_for_url(f"{openid_base}/village/account?lang=zh")
        assert "林政务" in page.locator(".who").inner_text() and "统一身份认证" in page.locator("main").inner_text()
        shot(page, "account-1280")
