"""The pages of the past and of what is to come, in a real browser: another day, the history, the filter, following."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gallery import DESK, NARROW, PHONE, Gallery, browser, gallery
from playwright.sync_api import Browser, Page
from public_site import NOW, ROOT, TODAY
from test_browser_pages import check, opened, overflow

from certsvc.domain.calendar import Term
from certsvc.domain.case import PartState
from certsvc.domain.following import Asked, Followed
from certsvc.domain.history import FeedEvent, History, NamedLicence, PublicEvent, VersionOnRecord
from certsvc.http.desk.following import following_routes
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.ids import Ref, Uscc
from certsvc.telling.following import FollowDesk

__all__ = ["browser", "gallery"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
DAY = timedelta(days=1)


@dataclass
class Histories:
    """`services.HistoryReader` of the one licence in the gallery."""

    ref: Ref

    async def history(self, ref: Ref) -> History | None:
        return History(
            life=self.ref,
            events=(
                event(1, "issue", "valid", 900, 900, version=self.ref),
                event(
                    2, "suspend", "suspended", 300, 290, reason="销售侵权出版物", decision_number="云文罚〔2026〕31号"
                ),
                event(3, "strike", "valid", 280, 280, strikes=2, reason="登记对象有误"),
                event(4, "go_dormant", "dormant", 90, 90, reason="自主歇业", due=TODAY + 30 * DAY),
            ),
            versions=(
                VersionOnRecord(
                    ref=self.ref,
                    version=1,
                    issued_at=NOW - 900 * DAY,
                    term=Term(TODAY - 900 * DAY),
                    since=TODAY - 900 * DAY,
                ),
            ),
        )

    async def feed(self, ref: Ref) -> Sequence[FeedEvent]:
        return (FeedEvent(type_id="food-business", at=NOW, part=PartState.ACCEPTED),)

    async def by_number(self, uscc: Uscc, on: date) -> NamedLicence | None:
        return NamedLicence(ref=self.ref, names=("云山市岭南鲜生商贸有限公司",))


def event(number: int, act: str, status: str, effective: int, recorded: int, **more: Any) -> PublicEvent:
    """An entry so many days ago."""
    return PublicEvent(
        id=number,
        act=act,
        status=status,
        effective=TODAY - effective * DAY,
        recorded_at=NOW - recorded * DAY,
        **more,
    )


@pytest.fixture(scope="module")
def pages(gallery: Gallery) -> Gallery:
    """The gallery, with a past."""
    licence = gallery.site.shelf.certificates[0]
    code, number = licence.ref.typed_code, licence.subject
    histories(gallery, Histories(licence.ref))
    gallery.pages |= {
        "then": f"/C/{code}?as_of={TODAY - 400 * DAY}",
        "known then": f"/C/{code}?as_of={TODAY - 400 * DAY}&known_at={TODAY - 390 * DAY}",
        "to come": f"/C/{code}?as_of={TODAY + 400 * DAY}",
        "before": f"/C/{code}?as_of=1999-01-01",
        "history": f"/C/{code}/history",
        "active": f"/C/{code}?show=active",
        "number": f"/number?uscc={number}&name=云山",
    }
    return gallery


def histories(gallery: Gallery, reader: Histories) -> None:
    """Put a past behind the routes of a site that has none."""
    for route in gallery.site.app.routes:
        for handler in getattr(route, "route_handlers", ()):
            owner = getattr(handler.fn, "__self__", None)
            verifying = getattr(owner, "_verifying", None)
            if owner is not None and verifying is not None and verifying.histories is None:
                owner._verifying = replace(verifying, histories=reader)


KINDS = ["then", "known then", "to come", "before", "history", "active", "number"]


def address(gallery: Gallery, kind: str, lang: str) -> str:
    path = gallery.pages[kind]
    return f"{gallery.base}{path}{'&' if '?' in path else '?'}lang={lang}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("lang", "scheme"), [("zh", "light"), ("en", "dark")])
def test_on_a_phone_a_narrow_one_and_a_desk(
    browser: Browser, pages: Gallery, kind: str, lang: str, scheme: Any
) -> None:
    with opened(browser, viewport=PHONE, color_scheme=scheme) as (page, heard):
        page.goto(address(pages, kind, lang))
        check(page, heard, pages)
        picture(page, f"{kind}-{lang}-{scheme}-phone")
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0
        page.set_viewport_size(DESK)
        check(page, heard, pages)
        picture(page, f"{kind}-{lang}-{scheme}-desk")


def test_the_day_is_asked_and_the_way_back_found_without_script(browser: Browser, pages: Gallery) -> None:
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        page.goto(f"{pages.base}{pages.pages['then'].partition('?')[0]}?lang=zh")
        page.fill("#asof", str(TODAY - 10 * DAY))
        page.click(".asof button")
        assert "as_of=" in page.url and "lang=zh" in page.url
        assert page.locator("h1").inner_text() == "当日有效"
        page.get_by_role("link", name="看今天的状态").click()
        assert page.locator("h1").inner_text() == "有效"


def test_the_filter_works_without_script_and_says_what_it_hides(browser: Browser, pages: Gallery) -> None:
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        page.goto(f"{pages.base}{pages.pages['then'].partition('?')[0]}?lang=zh")
        count = page.locator("#permits ~ .rows > li").count()
        page.locator(".choose a").nth(1).click()
        hidden = count - page.locator("#permits ~ .rows > li").count()
        assert hidden > 0 and f"有 {hidden} 件需要注意的没有列出" in page.locator("#attention").inner_text()
        assert page.locator(".choose a[aria-current]").count() == 1


def picture(page: Page, name: str) -> None:
    """A screenshot for who wants to look: CERTSVC_TEST_PICTURES names the folder."""

    if folder := os.environ.get("CERTSVC_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name.replace(' ', '-')}.png", full_page=True)


class NobodyYet:
    """`following_parts.Followers` before anybody asked, in which every secret is good."""

    def __init__(self, licence: Ref) -> None:
        self._followed = Followed(
            licence=licence, language="zh", is_confirmed=False, is_ended=False, expires_at=NOW + 395 * DAY
        )

    async def ask(self, asked: Asked, now: datetime) -> bool:
        return True

    async def asked_with(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        return self._followed

    async def confirm(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        return self._followed

    async def stopped_with(self, stop_hash: bytes) -> Followed | None:
        return self._followed

    async def stop(self, stop_hash: bytes, now: datetime) -> None:
        return None


@pytest.fixture(scope="module")
def followed(pages: Gallery) -> Gallery:
    """The gallery, with the desk's routes for following."""
    licence = pages.site.shelf.certificates[0].ref
    site = Site("localhost", pages.base, ROOT / "verifier_web", Path("/nowhere"), True)

    async def cipher() -> None:
        return None

    desk = SimpleNamespace(
        register=pages.site.shelf,
        site=site,
        pages=Pages(site),
        following=FollowDesk(followers=NobodyYet(licence), cipher=cipher, offers_mail=True),
    )
    for handler in following_routes(cast(Any, desk)):
        pages.site.app.register(handler)
    secret = "s" * 32
    pages.pages |= {
        "follow": f"/C/{licence.typed_code}/follow",
        "confirm": f"/follow/confirm/{secret}",
        "stop": f"/follow/stop/{secret}",
        "gone": "/follow/stop/x",
    }
    return pages


@pytest.mark.parametrize("kind", ["follow", "confirm", "stop", "gone"])
@pytest.mark.parametrize(("lang", "scheme"), [("zh", "light"), ("en", "dark")])
def test_following_on_a_phone_a_narrow_one_and_a_desk(
    browser: Browser, followed: Gallery, kind: str, lang: str, scheme: Any
) -> None:
    with opened(browser, viewport=PHONE, color_scheme=scheme) as (page, heard):
        page.goto(address(followed, kind, lang))
        check(page, heard, followed)
        picture(page, f"{kind}-{lang}-{scheme}-phone")
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0
        page.set_viewport_size(DESK)
        check(page, heard, followed)


def test_a_mistyped_address_is_said_where_it_is(browser: Browser, followed: Gallery) -> None:
    with opened(browser, viewport=PHONE) as (page, _):
        page.goto(address(followed, "follow", "zh"))
        page.locator("form").first.evaluate("form => form.noValidate = true")
        page.fill("#email", "nobody")
        page.click("button.main")
        assert page.title().startswith("错误：")
        assert page.locator("#email").input_value() == "nobody"
        assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
