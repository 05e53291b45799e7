"""What a stranger sees: the page of a case by its code, and of a licence what is applied for under it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
from gallery import DESK, NARROW, PHONE, Gallery, browser, gallery
from playwright.sync_api import Browser, Page
from public_site import NOW, TODAY, PublicSite, licence_with_permits, make_site
from test_browser_pages import check, opened, overflow

from certsvc.domain.case import PartState, PendingPart, Progress
from certsvc.ids import new_ref

__all__ = ["browser", "gallery"]
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html"}
STATES = [
    ("business-licence-company", PartState.ISSUED, None),
    ("food-business", PartState.ACCEPTED_WITH_DOCUMENTS, 6),
    ("public-place-hygiene", PartState.ACCEPTED, -2),
    ("drug-retail", PartState.RETURNED, None),
    ("fire-safety-check", PartState.WAITING, 12),
    ("publications-retail", PartState.GRANTED, None),
    ("hotel-special-trade", PartState.REFUSED, None),
    ("tobacco-retail", PartState.WITHDRAWN, None),
    ("entertainment-venue", PartState.ENDED, None),
]


def part(type_id: str, state: PartState, days: int | None, **more: Any) -> PendingPart:
    """A part whose time ends in so many days."""
    deadline = None if days is None else TODAY + timedelta(days=days)
    return PendingPart(type_id=type_id, state=state, deadline=deadline, **more)


def progress(site: PublicSite) -> Progress:
    """A case with a part in every state."""
    licence = site.shelf.certificates[0]
    parts = [part(*said) for said in STATES]
    parts[0] = part(*STATES[0], certificate=licence.ref)
    parts[1] = part(*STATES[1], documents_due=TODAY + timedelta(days=20))
    return Progress(ref=new_ref(None), applicant="云*******公司", opened_at=NOW - timedelta(days=9), parts=tuple(parts))


@contextmanager
def asking(site: PublicSite) -> Iterator[TestClient[Any]]:
    with TestClient(site.app) as client:
        yield client


@pytest.fixture
def site(tmp_path: Path) -> PublicSite:
    """A site with a licence, and a case."""
    made = make_site(tmp_path, licence_with_permits())
    made.shelf.cases.append(progress(made))
    return made


def test_a_case_is_followed_by_its_code_as_a_page_and_as_json(site: PublicSite) -> None:
    case = site.shelf.cases[0]
    with asking(site) as client:
        answer = client.get(f"/P/{case.ref.typed_code}", headers=JSON)
        page = client.get(f"/P/{case.ref.typed_code}", headers=PAGE)
    told = answer.json()
    assert answer.status_code == page.status_code == 200
    assert [one["state"] for one in told["parts"]] == [state.value for _, state, _ in STATES]
    assert told["parts"][0]["typed_code"] == site.shelf.certificates[0].ref.typed_code
    assert [one["late"] for one in told["parts"]] == [days is not None and days < 0 for *_, days in STATES]
    assert not told["finished"]
    assert "9 项中 4 项已办结" in page.text and "食品经营许可证" in page.text and "已经超过" in page.text


def test_a_code_that_is_unknown_or_wrong_is_answered_alike(site: PublicSite) -> None:
    known = site.shelf.cases[0].ref.typed_code
    wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    certificate = site.shelf.certificates[0].ref.typed_code
    codes = new_ref(None).typed_code, wrong, certificate, "0000-0000-0000-0000-0"
    for headers in (JSON, PAGE):
        with asking(site) as client:
            answers = [client.get(f"/P/{code}", headers=headers) for code in codes]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text.replace(code, "…") for answer, code in zip(answers, codes, strict=True)}) == 1
    with asking(site) as client:
        assert client.get(f"/C/{known}", headers=JSON).status_code == 404, "a case is no certificate"


def test_a_register_that_cannot_be_asked_is_no_answer(site: PublicSite) -> None:
    site.shelf.down = True
    with asking(site) as client:
        assert client.get(f"/P/{site.shelf.cases[0].ref.typed_code}", headers=JSON).status_code == 503


def test_what_is_applied_for_under_a_licence_has_a_heading_of_its_own_and_no_tick(site: PublicSite) -> None:
    licence = site.shelf.certificates[0]
    pending = part("drug-retail", PartState.ACCEPTED, 4), part("tobacco-retail", PartState.GRANTED, None)
    site.shelf.pending[licence.ref] = pending
    with asking(site) as client:
        told = client.get(f"/C/{licence.ref.typed_code}", headers=JSON).json()
        page = client.get(f"/C/{licence.ref.typed_code}", headers=PAGE).text
    assert [(one["type"], one["state"]) for one in told["pending"]] == [
        ("drug-retail", "accepted"),
        ("tobacco-retail", "granted"),
    ]
    assert len(told["permits"]) == 6 and told["verdict"] == "valid"
    listed, _, rest = page.partition('<h2 id="pending">')
    said = rest.partition("</section>")[0]
    assert said.startswith("办理中 2 项") and "审查中" in said
    assert "#i-tick" not in said and "有效" not in said and "<a " not in said and "不用做什么" not in said
    assert "名下的许可 6 件" in listed


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_in_a_browser(browser: Browser, gallery: Gallery, lang: str, scheme: Any) -> None:
    case, licence = progress(gallery.site), gallery.site.shelf.certificates[0]
    gallery.site.shelf.cases.append(case)
    gallery.site.shelf.pending[licence.ref] = case.parts[1:6]
    gallery.pages["case"] = f"/P/{case.ref.typed_code}"
    for kind in ("case", "licence"):
        with opened(browser, viewport=PHONE, color_scheme=scheme) as (page, heard):
            page.goto(gallery.url(kind, lang))
            check(page, heard, gallery)
            picture(page, f"{kind}-{lang}-{scheme}-phone")
            page.set_viewport_size(NARROW)
            assert overflow(page) <= 0
            page.set_viewport_size(DESK)
            assert overflow(page) <= 0
            picture(page, f"{kind}-{lang}-{scheme}-desk")


@pytest.mark.needs("chromium")
def test_the_page_of_a_case_needs_no_script(browser: Browser, gallery: Gallery) -> None:
    case = progress(gallery.site)
    gallery.site.shelf.cases.append(case)
    with opened(browser, viewport=PHONE, java_script_enabled=False) as (page, _):
        page.goto(f"{gallery.base}/P/{case.ref.typed_code}?lang=zh")
        assert page.locator(".rows > li").count() == len(STATES)
        assert page.locator(".rows .tag .i").count() == len(STATES), "a shape beside every word"
        assert not page.locator(".stale").is_visible()


def picture(page: Page, name: str) -> None:
    """A screenshot for who wants to look: CERTSVC_TEST_PICTURES names the folder."""
    import os

    if folder := os.environ.get("CERTSVC_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
