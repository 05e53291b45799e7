"""The demonstration's village, served with its worker, and the browsers of its people."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from gallery import DESK, PHONE
from test_browser_pages import Heard, overflow, violations
from test_village_accounts_browser import device

from certsvc.access.totp import SECONDS, code_at
from certsvc.demo.people import APPROVER, CLERK, PEOPLE, VILLAGE, Person
from certsvc.domain.organ import OrganDuty
from certsvc.verify.pixels import read_pages

AUDITOR = next(one for one in PEOPLE if one.duty is OrganDuty.AUDITOR)
AT = f"/village/at/{VILLAGE}"
ITEM = "tiered-water-proof"
AGAIN, LONGEST = 0.5, 60.0
__all__ = ["APPROVER", "AUDITOR", "CLERK"]


@dataclass
class Codes:
    """One-time codes, none given twice: a code is good once, one step before or after its own."""

    given: dict[str, int] = field(default_factory=dict)

    def next(self, person: Person) -> str:
        """A code that is good now, and a little longer; waits for one if need be."""
        step = max(self.given.get(person.name, 0) + 1, _now())
        while step > _now() + 1:
            time.sleep(AGAIN)
        self.given[person.name] = step
        return code_at(person.secret, step)


@dataclass
class Seat:
    """Somebody's browser, at work in the village."""

    day: "Day"
    person: Person | None
    page: Page
    heard: Heard

    def go(self, path: str) -> int:
        """Open a page; its status."""
        answer = self.page.goto(f"{self.day.base}{path}{'&' if '?' in path else '?'}lang=zh")
        assert answer is not None
        return answer.status

    def reads(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def request(self, of: str) -> str:
        """The address of the newest open request of a masked name, from the inbox."""
        self.go(AT)
        link = self.page.locator("li", has_text=of).first.locator("a").first
        found = link.get_attribute("href")
        assert found is not None
        return found.partition("?")[0]

    def confirm(self) -> None:
        """Confirm an act with the passkey of this browser."""
        with self.page.expect_navigation():
            self.page.locator("form[data-passkey=get] button[type=button]").click()

    def looks_right(self, name: str) -> None:
        """Nothing is wider than the window, nobody is shut out, and a picture is taken where a folder is named."""
        if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
            self.page.screenshot(path=f"{folder}/day-{name}.png", full_page=True)
        assert overflow(self.page) <= 0, name
        found = violations(self.page)
        assert found == [], (name, found)


@dataclass
class Day:
    """Where it is served, and who works there."""

    base: str
    browser: Browser
    codes: Codes = field(default_factory=Codes)

    @contextmanager
    def seat(self, person: Person | None = None, *, script: bool = True) -> Iterator[Seat]:
        """A browser of its own: a resident's on a phone, or that of somebody who has signed in, with a device that
        keeps passkeys."""
        size = DESK if person else PHONE
        context = self.browser.new_context(viewport=size, java_script_enabled=script, accept_downloads=True)
        try:
            context.set_default_timeout(LONGEST * 1000)
            page, heard = context.new_page(), Heard()
            heard.listen(page)
            if person and script:
                device(page)
            seat = Seat(self, person, page, heard)
            if person:
                self.enter(seat, person)
            yield seat
        finally:
            context.close()

    def enter(self, seat: Seat, person: Person) -> None:
        """Sign in by password and code."""
        seat.go("/village/sign-in?next=/village")
        seat.page.fill("#name", person.name)
        seat.page.fill("#password", person.password)
        seat.page.fill("#code", self.codes.next(person))
        seat.page.click("form[aria-labelledby=by-password] button")
        seat.page.wait_for_url(f"**{AT}**")

    def waited(self, seat: Seat, path: str, words: str) -> None:
        """Open a page again until it says something; the worker is at work meanwhile."""
        deadline = time.monotonic() + LONGEST
        while True:
            seat.go(path)
            if words in seat.page.locator("main").inner_text():
                return
            assert time.monotonic() < deadline, seat.reads()
            time.sleep(AGAIN)


def scanned(pdf: bytes, base: str) -> str:
    """The address in the QR of a printed page, as the picture of it shows it, at the host of this test."""
    (digits,) = read_pages(pdf)
    return f"/Q/{digits}"


def _now() -> int:
    return int(datetime.now(UTC).timestamp()) // SECONDS
