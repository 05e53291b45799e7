"""With the network, then really without it: what the stored page says of every token, never "valid"."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from gallery import PHONE
from offline_room import LISTED, Room, browser, make_ready, open_room, open_token, room, said
from playwright.sync_api import Browser, BrowserContext, Page

from certsvc.domain.status_list import list_name

__all__ = ["browser", "room"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

LISTED_AT = "签发的名单"
ANSWERS = {
    "valid": ("无法判定 没有联网，只看了名单", "真实", "名单写明：有效", "在期限内"),
    "conditional": ("无法判定 没有联网，只看了名单", "真实", "名单写明：有效，附条件", "在期限内"),
    "renewal_pending": ("无法判定 没有联网，只看了名单", "真实", "名单写明：有效，延续审查中", "在期限内"),
    "renewal past its end": ("无法判定 没有联网，只看了名单", "真实", "名单写明：有效，延续审查中", "依法延续"),
    "invalid": ("无效 名单写明已失效", "真实", "名单写明：已失效", "不再适用"),
    "suspended": ("目前无效 名单写明暂扣中", "真实", "名单写明：暂扣中", "在期限内"),
    "superseded": ("无效 名单写明已被新证取代", "真实", "名单写明：已被新证取代", "不再适用"),
    "transferred_out": ("无效 名单写明已迁出", "真实", "名单写明：已迁出", "不再适用"),
    "expired": ("无效 已过期", "真实", "名单写明：有效", "已过期"),
    "no_statement": ("无法判定 没有联网；名单里没有它的状态", "真实", "不知道", "在期限内"),
    "no list": ("无法判定 没有联网，请勿当作有效", "真实", "不知道", "在期限内"),
    "expired, no list": ("无法判定 没有联网，请勿当作有效", "真实", "不知道", "已过期"),
    "foreign": ("无效 不是本系统签发", "不是本系统签发", "没有查", "没有查"),
    "one digit changed": ("无效 不是本系统签发", "不是本系统签发", "没有查", "没有查"),
    "newer key": ("无法判定 没有联网；没有这把密钥", "没能核对", "不知道", "不知道"),
}
"""By token: the headline, and the words of the three answers."""


@pytest.fixture(scope="module")
def away(browser: Browser, room: Room) -> Iterator[Page]:
    """A phone that was here once with the network, and is without it."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    make_ready(page, room, "valid")
    room.gate.off()
    yield page
    context.close()
    room.gate.on()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=PHONE)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_without_network_each_token_gets_its_own_answer(away: Page, room: Room, name: str) -> None:
    open_token(away, room, name)
    assert said(away) == ANSWERS[name]
    assert away.title().startswith(ANSWERS[name][0])
    assert "没有联网" in away.locator(".note.offline").inner_text()


def test_no_headline_without_network_is_that_of_valid(away: Page, room: Room) -> None:
    for name in room.digits:
        open_token(away, room, name)
        assert said(away)[0].split()[0] in ("无法判定", "无效", "目前无效"), name
        assert away.locator(".verdict.ok").count() == 0, name


def test_what_a_list_says_stands_beside_when_it_was_signed_and_what_is_not_known(away: Page, room: Room) -> None:
    open_token(away, room, "valid")
    answer = away.locator("[data-answer=register]").inner_text()
    assert LISTED_AT in answer and "这以后的变化，这里看不到" in answer and "分钟前" in answer
    assert not away.locator("[data-answer=register].ok").count()
    assert "联网再查一次" in away.locator("#rely ~ ul").inner_text()
    unknown = away.locator("#cannot ~ ul li").all_inner_texts()
    assert len(unknown) == 3 and "名单签发以后的变化" in unknown[1]


def test_a_token_that_is_not_ours_shows_nothing_of_what_it_says(away: Page, room: Room) -> None:
    for name in ("foreign", "one digit changed", "newer key"):
        open_token(away, room, name)
        assert "晨光" not in away.locator("main").inner_text(), name
        assert away.locator("#signed").count() == 0, name


def test_what_is_no_token_is_said_to_be_malformed_and_other_pages_need_the_network(away: Page, room: Room) -> None:
    away.goto(f"{room.base}/Q/12?lang=zh")
    away.locator(".summary").wait_for()
    assert away.locator("h1").inner_text() == "二维码内容不合格式"
    for path in ("/", "/C/M5AZ-0000-0000-0000-0", "/trust", "/nothing"):
        away.goto(f"{room.base}{path}?lang=zh")
        away.locator(".summary").wait_for()
        assert away.locator("h1").inner_text() == "现在没有网络", path


def test_a_stored_page_answers_in_the_language_asked_for(away: Page, room: Room) -> None:
    open_token(away, room, "valid", "en")
    assert away.locator("html").get_attribute("lang") == "en"
    assert away.locator("h1").inner_text().split("\n")[0].startswith("Cannot tell")
    assert "Food business permit" in away.locator(".about").inner_text()
    away.click("nav a[hreflang=zh-Hans]")
    away.locator(".answers").wait_for()
    assert said(away) == ANSWERS["valid"] and away.url == room.url("valid")


def test_nothing_that_was_looked_at_is_stored_and_nothing_that_asked_not_to_be(away: Page, room: Room) -> None:
    open_token(away, room, "valid")
    stored = away.evaluate(
        """async () => {
          const all = [];
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) {
              const found = await cache.match(request);
              all.push([request.url, found.headers.get('Cache-Control') ?? '', await found.text()]);
            }
          }
          return all;
        }"""
    )
    digits, code = room.digits["valid"], away.locator("[data-put=fact_code]").inner_text()
    assert len(stored) > 20
    for url, kept_as, text in stored:
        assert "no-store" not in kept_as, url
        assert not any(secret in url + text for secret in (digits, code, "晨光")), url
    assert away.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert away.evaluate("indexedDB.databases().then(all => all.length)") == 0


# ---- with the network it is never the device that answers ----


def test_with_the_network_the_register_answers_also_where_it_is_down(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    page.goto(room.url("licence"))
    assert page.locator("h1").inner_text() == "有效"
    room.site.shelf.down = True
    page.goto(room.url("licence"))
    room.site.shelf.down = False
    assert page.locator("h1").inner_text().startswith("无法判定")
    assert page.locator(".offline").count() == 0 and page.locator("#verdict-word").count() == 0


def test_a_verdict_seen_with_the_network_is_not_shown_without_it(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    make_ready(page, room)
    page.goto(room.url("licence"))
    assert page.locator("h1").inner_text() == "有效"
    room.gate.off()
    open_token(page, room, "licence")
    assert said(page)[:3] == ("无法判定 没有联网，请勿当作有效", "真实", "不知道")
    room.gate.on()
    page.click(".verdict [data-ask]")
    page.wait_for_function("() => document.querySelector('h1').textContent === '有效'")


def test_a_network_that_does_not_answer_is_waited_for_and_then_the_device_answers(
    context: BrowserContext, room: Room
) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    room.gate.stalled()
    open_token(page, room, "valid")
    assert said(page) == ANSWERS["valid"]
    room.gate.on()


def test_when_the_network_is_back_the_page_says_so(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    room.gate.off()
    open_token(page, room, "valid")
    assert not page.locator("#back").is_visible()
    room.gate.on()
    page.evaluate("dispatchEvent(new Event('online'))")
    assert page.locator("#back").is_visible()


# ---- ages, and who signed ----


@pytest.mark.parametrize(
    ("days", "said_of_list", "said_of_token"),
    [
        (2, "已过时限，不能说明现在", "没有被改动"),
        (8, "已过时限，不能说明现在", "密钥已超过时限"),
        (-1, "请核对设备的时钟", "没有被改动"),
    ],
)
def test_a_list_out_of_its_time_says_nothing_of_now(
    context: BrowserContext, room: Room, days: int, said_of_list: str, said_of_token: str
) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    room.gate.off()
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=days))
    open_token(page, room, "valid")
    assert said(page)[:3] == ("无法判定 没有联网，请勿当作有效", "真实", "不知道")
    assert said_of_list in page.locator("[data-answer=register]").inner_text()
    assert said_of_token in page.locator("[data-answer=document]").inner_text()
    assert "不能当作有效" in page.locator("#rely ~ ul").inner_text()
    room.gate.on()


def test_a_list_in_its_term_says_nothing_once_the_keys_are_past_theirs(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        own.publish_keys(exp=int(datetime.now(UTC).timestamp()) + 3600)
        make_ready(page, own, "valid")
        own.gate.off()
        page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=2))
        open_token(page, own, "valid")
        assert said(page)[:3] == ("无法判定 没有联网，请勿当作有效", "真实", "不知道")
        assert "密钥已过时限" in page.locator("[data-answer=register]").inner_text()
        context.close()


def test_a_device_that_was_never_here_with_keys_checks_nothing(browser: Browser) -> None:
    with open_room() as own:
        (own.trust / "trust" / "verifier.json").unlink()
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.goto(f"{own.base}/?lang=zh")
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page)[:3] == ("无法判定 没有联网，请勿当作有效", "没能核对", "不知道")
        context.close()


def test_keys_and_lists_signed_by_somebody_else_are_not_taken(browser: Browser) -> None:
    with open_room() as own, open_room() as stranger:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        make_ready(page, own, "valid")
        name = list_name(LISTED, datetime.now(UTC))
        for path in ("trust/verifier.json", f"status/{name}.jwt"):
            (own.trust / path).write_bytes((stranger.trust / path).read_bytes())
        page.goto(f"{own.base}/offline?lang=zh")
        page.locator("#manage").wait_for()
        page.click("#refresh")
        page.wait_for_function("() => document.querySelector('#done').textContent !== ''")
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page) == ANSWERS["valid"]
        context.close()
