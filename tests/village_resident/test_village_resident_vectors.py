"""What was once wrong in the pages for residents, or might be: each by itself, named after the flaw."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from gallery import DESK, browser
from resident_room import CLERK, FORM, VILLAGE, DeskRoom, Hand, Phone, sealed, secret_for

__all__ = ["browser"]
pytest_plugins = ["walk_fixtures", "resident_fixtures"]
A_MINUTE = 60_000
STRANGE = {"nul": "%00", "half_a_character": "%ED%A0%80", "line": "%0d%0aX-Y:1", "long": "9" * 3000, "up": "..%2f.."}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_strange_addresses_are_answered_in_our_own_words(resident_room: DeskRoom, strange: str) -> None:
    phone, clerk = Phone(resident_room), Hand(resident_room, CLERK)
    for path in (
        f"/apply/{strange}/tiered-water-proof/form",
        f"/apply/441900/{strange}/form",
        f"{FORM}?organ={strange}&place={strange}&town={strange}&lang={strange}&size={strange}",
        f"/apply/progress?organ={strange}&name={strange}",
        f"/village/sign-in?next={strange}",
    ):
        assert phone.get(path).status_code < 500, path
    for path in (
        f"requests/{strange}",
        f"requests/{strange}/handing",
        f"figures?town={strange}",
        f"figures?from={strange}",
    ):
        assert clerk.get(f"/village/at/{VILLAGE}/{path}").status_code < 500, path


@pytest.mark.parametrize(
    "strange",
    ["\0", "\u202e" * 9, "9" * 30_000, "=1+1", "{{7*7}}"],
    ids=["nul", "turned", "long", "formula", "template"],
)
def test_strange_text_is_answered_in_our_own_words(resident_room: DeskRoom, strange: str) -> None:
    phone = Phone(resident_room)
    form = phone.form()
    fields: dict[str, Any] = {name: strange for name in form if name not in ("form", "organ")}
    for changed in (
        fields,
        {**form, "contact": strange},
        {**form, "f.applicant": strange},
        {**form, "tell": strange},
        {**form, "form": strange},
        {**form, "f.names": [strange] * 300},
    ):
        answer = phone.post(FORM, changed)
        assert answer.status_code < 500, answer.text[:3000]
    code = phone.asks()
    for path in ("/apply/progress", "/apply/file", "/apply/terminal"):
        for more in (
            {"code": strange},
            {"code": code, "secret": strange, "four": strange, "do": "open", "seen": strange},
        ):
            assert phone.post(path, more).status_code < 500


@contextmanager
def at_the_terminal(browser: Browser, room: DeskRoom, *, script: bool) -> Iterator[Page]:
    """Somebody has fetched their proof at a terminal."""
    code = Phone(room).asks()
    secret = secret_for(room, sealed(room, code))
    context = browser.new_context(viewport=DESK, java_script_enabled=script, base_url=room.base, locale="zh-CN")
    try:
        page = context.new_page()
        page.goto("/apply/terminal")
        page.locator("#code").fill(code)
        page.locator("#secret").fill(secret)
        page.get_by_role("button", name="取证明").click()
        page.get_by_role("heading", name="证明已取到").wait_for()
        yield page
    finally:
        context.close()


@pytest.mark.needs("chromium")
@pytest.mark.long
@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_nobody_goes_back_at_a_terminal_to_what_another_fetched(
    resident_room: DeskRoom, browser: Browser, script: bool
) -> None:
    with at_the_terminal(browser, resident_room, script=script) as page:
        ways = [link.get_attribute("href") for link in page.locator("a[href]").all()]
        assert ways == ["/apply/terminal"], "another address would leave this one, with its form, to go back to"
        if script:
            page.get_by_role("button", name="打开原文件").click()
            page.wait_for_timeout(500)
            assert len(page.context.pages) == 2
        else:
            assert not page.get_by_role("button", name="打开原文件").is_visible(), "nobody would close it"
        page.get_by_role("link", name="结束").click()
        page.locator("#secret").wait_for()
        assert page.context.pages == [page], "the file is closed with it"
        for _ in range(2):
            page.go_back()
            page.reload()
            assert not page.locator("img.proof-page").count()
