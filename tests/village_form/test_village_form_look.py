"""Every proof's form in a real browser: filled in from good examples, on a phone and on a desk, in three languages."""

import json
import os
import sys
from pathlib import Path

import pytest
from form_room import AT, CLERK, PASSWORD, FormRoom, good, proof_kinds

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, NARROW, browser
from playwright.sync_api import Browser, Page
from test_browser_pages import opened, overflow, violations

from certsvc.catalog import CertificateType
from certsvc.catalog.entry import entry_form

__all__ = ["browser"]
pytest_plugins = ["account_fixtures", "form_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


def enter(page: Page, base: str, name: str = CLERK) -> None:
    """Sign in."""
    page.goto(f"{base}/village/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("form[aria-labelledby=by-password] button")


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.long(seconds=7)
@pytest.mark.parametrize("kind", proof_kinds(), ids=lambda kind: str(kind.id))
def test_every_form_fits_a_phone_and_a_desk(
    browser: Browser, form_room: FormRoom, form_base: str, kind: CertificateType
) -> None:
    clerk = form_room.clerk()
    id_ = clerk.begin(kind.id)
    longest = max(good(kind), key=lambda path: path.stat().st_size)
    typed = entry_form(kind).of_clerk.typed(json.loads(longest.read_text("utf-8")))
    clerk.send(id_, {f"f.{key}": texts for key, texts in typed.items()})
    for viewport, lang in ((NARROW, "zh"), (DESK, "en"), (DESK, "zh")):
        with opened(browser, viewport=viewport) as (page, _):
            enter(page, form_base)
            page.goto(f"{form_base}{AT}/requests/{id_}/form?check=1&lang={lang}")
            shot(page, f"{kind.id}-{lang}-{viewport['width']}")
            assert overflow(page) <= 0
            assert violations(page) == []
