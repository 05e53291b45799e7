"""Evidence with a real browser: one file without script, several with it, large photos made smaller on the way."""

import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from app_served import app_served, free_port, quietly
from evidence_files import pdf, photo
from evidence_room import APPROVER, CLERK, PASSWORD, EvidenceRoom
from gallery import DESK, NARROW, PHONE, browser
from playwright.sync_api import Browser, FilePayload, Page
from test_browser_pages import opened, overflow, violations

from certsvc.domain.proof_request import ProofRequest
from certsvc.http.lifespan import Opened
from certsvc.issuance.village.evidence import evidence_of
from certsvc.render.evidence_pool import EvidencePictures
from certsvc.store.pool import open_pool

__all__ = ["browser"]
pytest_plugins = ["account_fixtures", "evidence_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


@pytest.fixture(scope="module")
def evidence_base(evidence_room: EvidenceRoom) -> Iterator[str]:
    """Where the pages are served, with connections and a process of their own."""
    port = free_port()
    base = f"http://localhost:{port}"

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        async with open_pool(evidence_room.room.database.uri) as pool, EvidencePictures() as drawer:
            signing = evidence_room.room.village_at(base, pool)
            yield evidence_room.app_of(signing, evidence_room.work_over(pool), drawer)

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield base


def at_evidence(page: Page, base: str, request: ProofRequest, name: str = CLERK, lang: str = "zh") -> None:
    """Sign in, and open the page."""
    address = f"/village/at/{request.organ}/requests/{request.id}/evidence"
    page.goto(f"{base}/village/sign-in?next={address}&lang={lang}")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("form[aria-labelledby=by-password] button")
    page.wait_for_url(f"{base}{address}*")


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/evidence-{name}.png", full_page=True)


def payload(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    """A file as a person chooses it."""
    return FilePayload(name=name, mimeType=kind, buffer=content)


def kept(room: EvidenceRoom, request: ProofRequest) -> list[tuple[str, int]]:
    """Names and pages of what is on record."""
    return [(one.name, one.pages) for one in room.room.run(evidence_of(room.work, request))]


def test_one_file_after_the_other_without_script(
    browser: Browser, evidence_room: EvidenceRoom, evidence_base: str
) -> None:
    request = evidence_room.opened("without script")
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        at_evidence(page, evidence_base, request)
        shot(page, "empty-360")
        page.set_input_files("#file", [payload("坏.jpg", b"no photo")])
        page.fill("#evidence-name", "户口簿首页")
        page.click("form[data-evidence] button.main")
        assert page.locator(".summary[role=alert]").is_visible() and page.input_value("#evidence-name") == "户口簿首页"
        shot(page, "refused-360")
        page.set_input_files("#file", [payload("IMG_2.jpg", photo(size=(900, 1200)))])
        page.click("form[data-evidence] button.main")
        assert page.locator(".note.ok").is_visible() and overflow(page) <= 0
        page.set_input_files("#file", [payload("水费单.pdf", pdf(2), "application/pdf")])
        page.click("form[data-evidence] button.main")
        assert kept(evidence_room, request) == [("户口簿首页", 1), ("水费单", 2)]
        shot(page, "two-360")
        page.click(".evidence li:last-child a")
        assert page.locator(".evidence-page img").count() == 2
        shot(page, "one-360")
        page.go_back()
        page.click(".evidence li:first-child button")
        assert kept(evidence_room, request) == [("水费单", 2)]


def test_several_at_once_with_script_and_a_line_that_breaks(
    browser: Browser, evidence_room: EvidenceRoom, evidence_base: str
) -> None:
    request = evidence_room.opened("with script")
    large = photo(size=(5000, 3500), quality=100, colour="#3b7ac2")
    with opened(browser, viewport=DESK) as (page, heard):
        at_evidence(page, evidence_base, request)
        sizes: list[int] = []
        page.on(
            "request", lambda sent: sizes.append(len(sent.post_data_buffer or b"")) if sent.method == "POST" else None
        )
        files = [
            payload("水表照片.jpg", large),
            payload("缴费单.pdf", pdf(3), "application/pdf"),
            payload("门牌.png", photo("PNG"), "image/png"),
        ]
        page.set_input_files("#file", files)
        page.locator("[data-chosen] canvas").first.wait_for()
        page.locator("[data-chosen] li").nth(2).wait_for()
        shot(page, "chosen-1280")
        assert violations(page) == []
        page.route("**/evidence*", lambda route: route.abort() if len(sizes) == 2 else route.continue_())
        page.click("form[data-evidence] button.main")
        page.locator("[data-wrong]").wait_for()
        assert "网络断了" in page.locator("[data-wrong]").inner_text()
        assert kept(evidence_room, request) == [("水表照片", 1)]
        shot(page, "broken-1280")
        page.click("form[data-evidence] button.main")
        page.locator(".note.ok").wait_for()
        assert kept(evidence_room, request) == [("水表照片", 1), ("缴费单", 3), ("门牌", 1)]
        assert sizes[0] < len(large), "it was made smaller"
        assert overflow(page) <= 0 and violations(page) == []
        shot(page, "three-1280")
    complaints = [each for each in heard.complaints if not re.search("ERR_FAILED|sw.js|40[34]", each)]
    assert complaints == []
    with opened(browser, viewport=NARROW, color_scheme="dark") as (page, _):
        at_evidence(page, evidence_base, request, APPROVER, "en")
        assert page.locator("form[data-evidence]").count() == 0 and page.locator(".evidence img").count() == 3
        assert overflow(page) <= 0 and violations(page) == []
        shot(page, "approver-320")
