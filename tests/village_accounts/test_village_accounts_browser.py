"""Signing in with a real browser: without script, with a passkey, in every language, on a phone and a desk."""

import base64
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from account_room import PASSWORD, Room, code
from app_served import app_served, free_port, quietly
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, NARROW, PHONE, browser
from test_browser_pages import Heard, opened, overflow, violations

from certsvc.http.lifespan import Opened
from certsvc.store.pool import open_pool

__all__ = ["browser"]
pytest_plugins = ["account_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
WANTED = "后山的水库去年修好了"


@contextmanager
def served(account_room: Room) -> Iterator[str]:
    """The pages on loopback, with connections of their own; the address."""
    port = free_port()
    base = f"http://localhost:{port}"

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        async with open_pool(account_room.database.uri) as pool:
            yield account_room.app(account_room.village_at(base, pool))

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield base


@pytest.fixture(scope="module")
def base(account_room: Room) -> Iterator[str]:
    """Where they are."""
    with served(account_room) as address:
        yield address


def enter(page: Page, base: str, name: str, code: str = "", lang: str = "zh", password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    page.goto(f"{base}/village/sign-in?next=/village/account&lang={lang}")
    page.fill("#name", name)
    page.fill("#password", password)
    page.fill("#code", code)
    page.click("form[aria-labelledby=by-password] button")


def complaints(heard: Heard) -> list[str]:
    """What the browser complains of, but for refusals, and the worker that another role serves."""
    return [each for each in heard.complaints if not re.search("40[34]|sw.js", each)]


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


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
def test_password_and_code_are_enough_in_every_language(
    browser: Browser, account_room: Room, base: str, lang: str, options: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    name = f"林浏览{request.node.callspec.id.replace(' ', '')}"
    account_room.person(name)
    secret = account_room.with_totp(name)
    with opened(browser, **options) as (page, heard):
        enter(page, base, name, "000000", lang)
        assert page.locator(".summary[role=alert]").is_visible() and page.input_value("#name") == name
        assert page.input_value("#password") == ""
        shot(page, f"wrong-{lang}-{options['viewport']['width']}")
        page.fill("#password", PASSWORD)
        page.fill("#code", code(secret, datetime.now(UTC)))
        page.click("form[aria-labelledby=by-password] button")
        assert page.url.startswith(f"{base}/village/account"), page.url
        assert page.locator(".who").inner_text().count(name) == 1
        assert overflow(page) <= 0
        assert complaints(heard) == []
        shot(page, f"account-{lang}-{options['viewport']['width']}")
        if options.get("java_script_enabled", True):
            assert violations(page) == []
            page.click(".who button")
            assert violations(page) == []
        else:
            assert page.locator("form[data-passkey]").count() == 1 and page.locator("form[data-passkey]").is_hidden()
            page.click(".who button")
        assert page.url.startswith(f"{base}/village/sign-in")
        shot(page, f"sign-in-{lang}-{options['viewport']['width']}")


def test_a_person_changes_the_first_password_adds_a_passkey_and_signs_in_with_it(
    browser: Browser, account_room: Room, base: str
) -> None:
    account_room.person("黄新来", is_demonstration=False)
    with opened(browser, viewport=DESK) as (page, heard):
        device(page)
        enter(page, base, "黄新来")
        assert page.url == f"{base}/village/account?lang=zh#password"
        assert page.locator("#totp").count() == 0
        shot(page, "first-password")
        page.fill("#own-password", PASSWORD)
        page.fill("#wanted", WANTED)
        page.fill("#again", WANTED)
        page.click("#password button")
        assert page.locator(".note.ok").is_visible()
        page.fill("#passkey-name", "我的手机")
        page.fill("#passkey-password", "这不是密码但是很长")
        page.click("form[data-passkey=create] button")
        page.locator("form[data-passkey=create] .error").wait_for()
        assert "密码或动态码不对" in page.locator("form[data-passkey=create] .error").inner_text()
        page.fill("#passkey-password", WANTED)
        page.click("form[data-passkey=create] button")
        page.locator("#passkeys summary").wait_for()
        assert "我的手机" in page.locator("#passkeys summary").inner_text()
        shot(page, "passkey-added")
        for _ in range(2):
            page.click(".who button")
            page.click("form[data-passkey=get] button")
            page.wait_for_url(f"{base}/village?lang=zh")
            page.goto(f"{base}/village/account?lang=zh")
            assert "黄新来" in page.locator(".who").inner_text()
        assert complaints(heard) == []
    (row,) = account_room.rows("select sign_count from account_passkey where name = '我的手机'")
    assert row["sign_count"] >= 2


def test_setting_up_codes_by_the_text_of_the_secret(browser: Browser, account_room: Room, base: str) -> None:
    account_room.person("黄动码")
    with opened(browser, viewport=PHONE) as (page, _):
        enter(page, base, "黄动码")
        page.fill("#totp-password", PASSWORD)
        page.click("#totp button")
        text = page.locator("#totp .code").inner_text().replace(" ", "")
        assert page.locator("#totp .qr svg").is_visible() and overflow(page) <= 0 and violations(page) == []
        shot(page, "totp")
        secret = base64.b32decode(text + "=" * (-len(text) % 8))
        page.fill("#totp-first", code(secret, datetime.now(UTC)))
        page.click("#totp button")
        assert page.locator(".note.ok").is_visible() and page.locator("#totp .qr").count() == 0


def device(page: Page) -> None:
    """A device with a verified user, as Chromium simulates one."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
