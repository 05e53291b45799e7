"""Which of several lists and keys a phone keeps, and when it has them anew."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from gallery import PHONE
from offline_room import Room, browser, make_ready, open_room, open_token, room, said, wait_for_kept, wait_until
from playwright.sync_api import Browser, Page

__all__ = ["browser", "room"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]


def test_an_older_list_never_takes_the_place_of_a_newer_one(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        own.publish_list(made=10, valid=1)
        make_ready(page, own, "valid")
        own.publish_list(made=3600)
        page.goto(f"{own.base}/offline?lang=zh")
        page.locator("#manage").wait_for()
        page.click("#refresh")
        page.wait_for_function("() => document.querySelector('#done').textContent === '已更新。'")
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page)[0] == "无效 名单写明已失效"
        context.close()


def test_of_two_lists_of_nearly_one_moment_the_later_change_counts(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        own.publish_list(made=100, sequence=7)
        make_ready(page, own, "valid")
        own.publish_list(made=110, sequence=8, valid=1)
        refresh(page, own, "已更新。")
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page)[0] == "无效 名单写明已失效"
        context.close()


def test_lists_are_had_on_while_the_keys_published_now_are_signed_by_a_key_that_is_not_known_here(
    browser: Browser,
) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        own.publish_keys(iat=int(datetime.now(UTC).timestamp()) - 2 * 3600)
        own.publish_list(made=3600)
        make_ready(page, own, "valid")
        own.list_key = ec.generate_private_key(ec.SECP256R1())
        own.publish_keys()
        own.publish_list(made=1, valid=1)
        refresh(page, own, "没有更新成")
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page)[0] == "无效 名单写明已失效"
        context.close()


def test_of_many_lists_the_oldest_are_had_first_and_all_of_them_in_time(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        make_ready(page, own)
        names = [own.publish_list(kind, made=3600 + kind) for kind in range(201, 216)]
        page.goto(f"{own.base}/offline?lang=zh")
        base = str(page.locator("script[src*='/offline/']").get_attribute("src")).removesuffix("keeping.js")
        page.evaluate(KEEP, [base, names])
        for kind in range(201, 216):
            own.publish_list(kind, made=1)
        ages = [page.evaluate(REFRESHED, base) for _ in range(2)]
        assert [sum(age < 600 for age in found) for found in ages] == [12, 15]
        context.close()


KEEP = """async ([base, names]) => {
  const store = await import(base + 'store.js');
  for (const name of names) await store.keepList(name, Date.now() / 1000);
  await store.choose(names);
}"""
REFRESHED = """async base => {
  const store = await import(base + 'store.js'), now = Date.now() / 1000;
  await store.refresh(now);
  return (await store.allLists()).map(({issuedAt}) => now - issuedAt);
}"""


def refresh(page: Page, own: Room, answer: str) -> None:
    """Have everything kept brought up to date, and wait for this answer."""
    page.goto(f"{own.base}/offline?lang=zh")
    page.locator("#manage").wait_for()
    page.click("#refresh")
    page.wait_for_function("said => document.querySelector('#done').textContent.startsWith(said)", arg=answer)


def test_a_worker_that_takes_over_keeps_nobody_waiting_for_keys_and_lists(browser: Browser) -> None:
    with open_room() as own:
        served = own.site.app

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/trust/verifier.json":
                await asyncio.sleep(60)
            await served(scope, receive, send)

        own.site = replace(own.site, app=slow)  # type: ignore[arg-type]
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.goto(f"{own.base}/?lang=zh")
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'", timeout=8000)
        page.goto(own.url("licence"), timeout=8000)
        assert page.locator("h1").inner_text() == "有效"
        context.close()


def test_a_change_in_the_list_is_had_at_the_next_look_with_the_network(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        own.publish_list(made=3600)
        make_ready(page, own, "valid")
        own.publish_list(made=1, valid=1)
        make_ready(page, own, "valid")
        wait_until(
            page,
            """async path => {
              const kept = await (await (await caches.open('facts-1')).match(path)).text();
              const {iat} = JSON.parse(atob(kept.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
              return Date.now() / 1000 - iat < 600;
            }""",
            f"/status/{own.list_of('valid')}",
        )
        own.gate.off()
        open_token(page, own, "valid")
        assert said(page)[0] == "无效 名单写明已失效"
        context.close()


def test_the_list_of_the_very_first_page_is_kept_too(browser: Browser, room: Room) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    room.gate.on()
    page.goto(room.url("valid"))
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    wait_for_kept(page, "/trust/verifier.json", f"/status/{room.list_of('valid')}")
    context.close()
