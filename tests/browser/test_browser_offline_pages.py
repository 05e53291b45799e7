"""The pages of verifying without network: accessible, scanning where that can be done, keeping what was chosen; and the
worker comes, is replaced and goes without anybody noticing."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from gallery import DESK, NARROW, PHONE
from offline_room import Room, browser, make_ready, open_room, room, wait_for_kept, wait_until
from playwright.sync_api import Browser, BrowserContext, Page
from public_site import make_site
from test_browser_pages import SMALL, Heard, overflow, violations

__all__ = ["browser", "room"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

DETECTOR = """
  globalThis.BarcodeDetector = class {
    static getSupportedFormats() { return Promise.resolve(['qr_code']); }
    async detect() { return globalThis.seen ? [{rawValue: globalThis.seen}] : []; }
  };
"""
CAMERA = """
  navigator.mediaDevices.getUserMedia = async () => document.createElement('canvas').captureStream();
"""
SLOW_SHELF = """
  const keys = Cache.prototype.keys;
  const later = () => new Promise(done => setTimeout(done, 300));
  Cache.prototype.keys = async function () { await later(); return keys.call(this); };
"""
NO_CAMERA = """
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };
"""


@pytest.fixture
def context(browser: Browser, room: Room) -> Iterator[BrowserContext]:
    room.gate.on()
    opened = browser.new_context(viewport=PHONE)
    yield opened
    opened.close()


def open_scan(context: BrowserContext, room: Room, *scripts: str) -> Page:
    """The page that scans, in a browser that has what the scripts give it."""
    page = context.new_page()
    for script in scripts:
        page.add_init_script(script)
    page.goto(f"{room.base}/scan?lang=zh")
    page.wait_for_function(
        "() => document.querySelector('#state').textContent || !document.querySelector('#start').hidden"
    )
    return page


# ---- accessible ----


@pytest.mark.parametrize(
    ("lang", "scheme", "size"), [("zh", "light", PHONE), ("en", "dark", DESK), ("hant", "light", PHONE)]
)
def test_every_page_without_network_is_accessible(
    browser: Browser, room: Room, lang: str, scheme: Literal["light", "dark"], size: Any
) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page, heard = context.new_page(), Heard()
    make_ready(page, room, "valid")
    room.gate.off()
    heard.listen(page)
    tokens = ("valid", "invalid", "suspended", "no list", "foreign")
    for address in (*(room.url(name, lang) for name in tokens), *(f"{room.base}{path}?lang={lang}" for path in PATHS)):
        page.goto(address)
        page.locator("h1").wait_for()
        page.wait_for_timeout(300)
        assert violations(page) == [], address
        assert page.evaluate(SMALL) == [], address
        assert page.locator("h1").count() == 1
        page.set_viewport_size(NARROW)
        assert overflow(page) <= 0, address
        page.set_viewport_size(size)
    assert [one for one in heard.complaints if "ERR_CONNECTION_REFUSED" not in one] == []
    room.gate.on()
    context.close()


PATHS = ("/", "/Q/12", "/scan", "/offline")


def test_without_javascript_the_pages_explain_and_offer_what_works(browser: Browser, room: Room) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.base}/scan?lang=zh")
    assert page.locator("#start").is_hidden() and page.locator("#photo").is_hidden()
    assert page.locator("#code button").is_visible() and page.locator("#file").is_visible()
    assert "可以用下面的办法" in page.locator("#state").inner_text()
    page.goto(f"{room.base}/offline?lang=zh")
    assert page.locator("#manage").is_hidden() and "允许本站使用脚本" in page.locator("#ready").inner_text()
    context.close()


# ---- scanning ----


def test_a_camera_that_sees_a_code_leads_to_its_answer(context: BrowserContext, room: Room) -> None:
    page = open_scan(context, room, DETECTOR, CAMERA)
    assert page.locator("#start").is_visible() and page.locator("#view").is_hidden()
    page.click("#start")
    page.locator("#view").wait_for()
    page.evaluate("text => { globalThis.seen = text; }", f"HTTP://{room.base[7:].upper()}/Q/{room.digits['licence']}")
    page.wait_for_url("**/Q/*")
    assert page.locator("h1").inner_text() == "有效"


def test_a_code_of_another_host_is_not_followed_and_the_host_is_named(context: BrowserContext, room: Room) -> None:
    page = open_scan(context, room, DETECTOR, CAMERA)
    page.click("#start")
    page.locator("#view").wait_for()
    for text, said in (
        (f"HTTPS://YZ.EVIL.EXAMPLE/Q/{room.digits['licence']}", "yz.evil.example"),
        ("http://www.gsxt.gov.cn/index.html?uniscid=1", "www.gsxt.gov.cn"),
        ("javascript:alert(1)", "不是本系统的查验二维码"),
        (f"{room.base}/Q/12", "不是本系统的查验二维码"),
        ("just text", "不是本系统的查验二维码"),
    ):
        page.evaluate("text => { globalThis.seen = text; }", text)
        page.wait_for_function("said => document.querySelector('#state').textContent.includes(said)", arg=said)
        assert page.url.endswith("/scan?lang=zh")
    page.click("#stop")
    assert page.locator("#view").is_hidden() and page.locator("#start").is_visible()


def test_without_permission_or_detector_there_is_no_dead_button_and_the_other_ways_are_there(
    context: BrowserContext, room: Room
) -> None:
    page = open_scan(context, room)
    assert "不会识别二维码" in page.locator("#state").inner_text()
    assert page.locator(".camera button:visible, .camera input:visible").count() == 0
    page = open_scan(context, room, DETECTOR, NO_CAMERA)
    page.click("#start")
    page.wait_for_function("() => document.querySelector('#state').textContent.includes('没有使用摄像头的权限')")
    assert page.locator(".camera button:visible").count() == 0
    assert page.locator("#picture").is_visible() and page.locator("#code button").is_visible()


def test_a_photo_is_read_on_the_device_also_without_network(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    room.gate.off()
    page.add_init_script(DETECTOR)
    page.add_init_script("globalThis.createImageBitmap = async () => ({close() {}});")
    page.goto(f"{room.base}/scan?lang=zh")
    page.locator("#picture").wait_for()
    page.evaluate("text => { globalThis.seen = text; }", f"{room.base}/Q/{room.digits['invalid']}")
    page.set_input_files("#picture", {"name": "a.png", "mimeType": "image/png", "buffer": b"picture"})
    page.locator(".answers").wait_for()
    assert page.locator("h1").inner_text().startswith("无效")
    room.gate.on()


def test_only_the_page_that_scans_may_ask_for_the_camera(context: BrowserContext, room: Room) -> None:
    page, allowed = context.new_page(), "document.featurePolicy.allowsFeature('camera')"
    for path, may in (("/scan", True), ("/", False), ("/offline", False), (f"/Q/{room.digits['licence']}", False)):
        page.goto(f"{room.base}{path}")
        assert page.evaluate(allowed) is may, path
    make_ready(page, room)
    room.gate.off()
    page.goto(f"{room.base}/scan")
    assert page.evaluate(allowed) is True
    room.gate.on()


# ---- what is kept ----


def test_a_list_is_chosen_kept_dropped_and_everything_deleted(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    make_ready(page, room)
    page.add_init_script(SLOW_SHELF)  # what is said to be kept is shown by then
    page.goto(f"{room.base}/offline?lang=zh")
    page.locator("#manage").wait_for()
    name = room.list_of("valid")
    page.select_option("#kind", name.split("-")[0])
    page.select_option("#quarter", name.split("-")[1])
    page.click("#choose button")
    page.wait_for_function("() => document.querySelector('#done').textContent === '已存下。'")
    assert page.locator("#lists li").count() == 1
    assert page.locator("#lists h4").inner_text().startswith("食品经营许可证")
    page.select_option("#kind", "1")
    page.click("#choose button")
    page.wait_for_function("() => document.querySelector('#done').textContent.startsWith('那个季度没有签发过')")
    room.gate.off()
    page.click("#choose button")
    page.wait_for_function("() => document.querySelector('#done').textContent.startsWith('没有更新成')")
    room.gate.on()
    page.click("#lists button")
    page.wait_for_function("() => !document.querySelector('#lists li')")
    page.click("#forget")
    page.wait_for_function("() => document.querySelector('#done').textContent === '已全部删除。'")
    assert page.evaluate("caches.open('facts-1').then(c => c.keys()).then(k => k.length)") == 0


def test_what_can_be_tapped_does_not_move_while_the_page_finds_what_is_kept(
    context: BrowserContext, room: Room
) -> None:
    page = context.new_page()
    make_ready(page, room, "valid")
    page.add_init_script(SLOW_SHELF)
    page.goto(f"{room.base}/offline?lang=zh")
    page.locator("#refresh").wait_for()
    before = page.locator("#refresh").bounding_box()
    page.wait_for_timeout(1000)
    assert page.locator("#lists li").count() >= 1 and page.locator("#refresh").bounding_box() == before


def test_the_site_can_be_installed(context: BrowserContext, room: Room) -> None:
    page = context.new_page()
    page.goto(f"{room.base}/offline?lang=en")
    devtools = context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == [] and manifest["url"].endswith("/app.webmanifest?lang=en")
    said = json.loads(manifest["data"])
    assert (said["scope"], said["display"], said["start_url"]) == ("/", "minimal-ui", "/scan?lang=en")
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )


# ---- the worker's life ----


def test_a_new_version_takes_over_and_the_old_one_goes(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        make_ready(page, own, "valid")
        names = "caches.keys().then(all => all.filter(name => name.startsWith('shell-')))"
        (before,) = page.evaluate(names)
        own.site = make_site(own.trust, host=f"localhost:{own.gate.port}", demonstration=False)
        page.goto(f"{own.base}/?lang=zh")
        wait_until(page, f"before => {names}.then(all => all.length === 1 && all[0] !== before)", before)
        own.gate.off()
        page.goto(own.url("valid"))
        page.locator(".answers").wait_for()
        assert page.locator(".demo").count() == 0
        context.close()


def test_switched_off_it_drops_everything_stored_and_the_site_goes_on(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        make_ready(page, own, "valid")
        own.site = make_site(own.trust, host=f"localhost:{own.gate.port}", works_offline=False)
        page.goto(f"{own.base}/?lang=zh")
        wait_until(
            page,
            """async () => !(await caches.keys()).length
              && (await navigator.serviceWorker.getRegistrations()).every(one => one.active?.state !== 'activated')""",
        )
        page.goto(f"{own.base}/?lang=zh")
        assert page.locator("h1").inner_text() == "查验电子证照"
        context.close()


def test_a_worker_that_cannot_store_everything_is_not_taken(browser: Browser) -> None:
    with open_room() as own:
        context = browser.new_context(viewport=PHONE)
        page = context.new_page()
        page.route("**/offline?lang=en", lambda route: route.abort())
        context.route("**/offline?lang=en", lambda route: route.abort())
        page.goto(f"{own.base}/?lang=zh")
        page.wait_for_timeout(1500)
        assert page.evaluate("navigator.serviceWorker.controller") is None
        page.goto(f"{own.base}/?lang=zh")
        assert page.locator("h1").inner_text() == "查验电子证照"
        context.close()


def test_the_first_page_waits_for_nothing_of_this(context: BrowserContext, room: Room) -> None:
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url.removeprefix(room.base)))
    page.goto(f"{room.base}/?lang=zh", wait_until="load")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({name}) => name)")
    assert not [one for one in loaded if "/offline/" in one or "webmanifest" in one]
    wait_for_kept(page, "/trust/verifier.json")
