"""Using the verifier: by form without JavaScript, by keyboard, by dropping a file."""

import pytest
from gallery import DESK, PHONE, Gallery, browser, gallery, send
from playwright.sync_api import Browser, Page

__all__ = ["browser", "gallery"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]

DROP = """([name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, {type: 'application/pdf'}));
  for (const kind of ['dragover', 'drop']) {
    document.querySelector('main').dispatchEvent(
      new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
  }
}"""
FOCUSED = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  return [e.outerHTML.slice(0, 90), style.outlineStyle, parseFloat(style.outlineWidth), box.top, box.bottom];
}"""
REACHABLE = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary')]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 90))"""


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_without_javascript_a_code_is_typed_and_a_file_sent(browser: Browser, gallery: Gallery, lang: str) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto(gallery.url("home", lang))
    code = gallery.pages["permit"].removeprefix("/C/")
    page.fill("#typed", code.lower().replace("-", " "))
    page.click("#code button")
    assert page.url == gallery.url("permit", lang) if lang == "en" else page.url.startswith(gallery.base + "/C/")
    assert heading(page) == {"zh": "有效", "en": "Valid"}[lang]
    words = {"valid": ("有效", "Valid"), "changed": ("无效", "Not valid"), "other": ("不是 PDF", "not a PDF")}
    for name, said in words.items():
        send(page, gallery, name, lang)
        assert said[lang == "en"] in heading(page)
    context.close()


def test_a_mistyped_code_keeps_what_was_typed_and_leads_to_the_field(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(gallery.url("mistyped"))
    assert page.title().startswith("错误：")
    assert page.locator(".summary").evaluate("e => document.activeElement === e")
    page.click(".summary a")
    assert page.locator("#typed").evaluate("e => e === document.activeElement || location.hash === '#typed'")
    assert page.input_value("#typed") == gallery.pages["mistyped"].removeprefix("/C/")
    described = str(page.get_attribute("#typed", "aria-describedby")).split()
    assert "校验位不符" in page.locator(f"#{described[-1]}").inner_text()
    page.close()


def test_a_file_dropped_anywhere_lands_in_the_form_and_is_checked(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=DESK)
    page.goto(gallery.url("licence"))
    page.evaluate(DROP, ["dropped.pdf", gallery.files["valid"].decode()])
    assert page.locator("#pdf").evaluate("e => [...e.files].map(f => f.name)") == ["dropped.pdf"]
    assert page.locator("#file button").first.evaluate("e => e === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/verify*")
    assert heading(page) == "有效" and "dropped.pdf" in page.locator(".about").inner_text()
    page.close()


@pytest.mark.parametrize("kind", ["home", "licence", "stale"])
def test_the_keyboard_reaches_all_and_focus_is_always_seen(browser: Browser, gallery: Gallery, kind: str) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(gallery.url(kind))
    wanted, reached = set(page.evaluate(REACHABLE)), set()
    for _ in range(len(wanted) + 8):  # a date has a stop for each of its parts
        page.keyboard.press("Tab")
        html, style, width, top, bottom = page.evaluate(FOCUSED)
        if html.startswith("<body"):
            break
        reached.add(html)
        assert style != "none" and width >= 2, html
        assert bottom > 0 and top < PHONE["height"], html
    assert wanted - reached == set()
    page.close()


def test_the_skip_link_leads_past_the_header(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(gallery.url("licence"))
    page.keyboard.press("Tab")
    skip = page.locator(".skip").bounding_box()
    assert skip is not None and skip["x"] >= 0 and skip["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()


def test_the_other_language_shows_the_same_certificate(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(gallery.url("revoked"))
    page.click("nav a[lang=zh-Hant]")
    assert heading(page).split("\n")[0].startswith("無效") and page.url.endswith("?lang=hant")
    page.click("nav a[lang=en]")
    assert heading(page).split("\n")[0].startswith("Not valid")
    assert page.locator("html").get_attribute("lang") == "en"
    assert "revoked" in heading(page) and page.url.endswith("?lang=en")
    page.close()


def test_undetermined_can_be_asked_again_on_the_spot(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=PHONE)
    with gallery.down():
        page.goto(gallery.url("licence"))
    assert heading(page).startswith("无法判定")
    page.click(".verdict .button")
    assert heading(page) == "有效"
    page.close()


def test_a_permit_leads_to_its_licence_and_back(browser: Browser, gallery: Gallery) -> None:
    page = browser.new_page(viewport=PHONE)
    page.goto(gallery.url("permit"))
    page.click("#licence ~ p a")
    assert "营业执照" in page.locator(".about").inner_text()
    page.click(".rows h4 a >> nth=3")
    assert "许可证" in page.locator(".about").inner_text()
    page.close()
