"""`/docs` in a real browser: everything from this origin, a pasted access token, and an operation tried out."""

import sys
from collections.abc import Iterator

import httpx
import pytest
from demonstration import ROOT
from office_served import Service
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(ROOT / "tests" / "browser"))
from gallery import DESK, browser

pytest_plugins = ["office_service_fixtures"]
__all__ = ["browser"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
SECONDS = 60_000


class Seen:
    """A page, and what it asked for and complained of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.asked, self.complaints = page, list[str](), list[str]()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(url + "/docs")
        page.wait_for_selector(".opblock", timeout=SECONDS)


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    """An access token: had before the browser starts, which has a loop of its own."""
    return service.token()


@pytest.fixture(scope="module")
def docs(service: Service, token: str, browser: Browser) -> Iterator[Seen]:
    """The page, opened."""
    page = browser.new_page(viewport=DESK)
    yield Seen(page, service.url)
    page.close()


def test_it_shows_every_operation_and_asks_no_other_host(service: Service, docs: Seen) -> None:
    contract = httpx.get(service.url + "/openapi.json").json()
    wanted = sum(len(item) for item in contract["paths"].values()) + len(contract["webhooks"])
    assert docs.page.locator(".opblock").count() == wanted
    assert docs.page.title() == "certsvc: the department API"
    assert docs.complaints == []
    assert [url for url in docs.asked if not url.startswith((service.url, "data:"))] == []


def test_an_operation_is_tried_out_with_a_pasted_token(token: str, docs: Seen) -> None:
    page = docs.page
    page.click("button.authorize")
    page.fill(".auth-container input", token)
    page.click(".modal-ux button.authorize")
    page.click(".modal-ux button.btn-done")
    page.click("#operations-Types-read_me .opblock-summary-control")
    page.click("#operations-Types-read_me .try-out__btn")
    page.click("#operations-Types-read_me .execute")
    shown = page.locator("#operations-Types-read_me .live-responses-table .response")
    shown.wait_for(timeout=SECONDS)
    assert shown.locator(".response-col_status").inner_text().split()[0] == "200"
    assert '"department"' in shown.inner_text()
    assert docs.complaints == []


def test_only_this_page_has_a_policy_of_its_own(service: Service) -> None:
    page, contract = (
        httpx.get(service.url + path).headers["content-security-policy"] for path in ("/docs", "/openapi.json")
    )
    assert "script-src 'self'" in page and "unsafe" not in page and "default-src 'none'" in page
    assert "trusted-types worker" in contract and "trusted-types" not in page
