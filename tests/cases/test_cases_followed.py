"""What a stranger sees: the progress of a case by its code, and of a licence what is applied for under it."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from followed_cases import STATES, part, progress
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import PublicSite, licence_with_permits, make_site

from certsvc.domain.case import PartState
from certsvc.http.public import CASES_PER_MINUTE
from certsvc.ids import new_ref

JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html"}


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


def wrong(code: str) -> str:
    """The code with another check character."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def test_codes_that_no_case_has_are_answered_alike(site: PublicSite) -> None:
    codes = new_ref(None).typed_code, site.shelf.certificates[0].ref.typed_code
    for headers in (JSON, PAGE):
        with asking(site) as client:
            answers = [client.get(f"/P/{code}", headers=headers) for code in codes]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text.replace(code, "…") for answer, code in zip(answers, codes, strict=True)}) == 1
    with asking(site) as client:
        page = client.get(f"/P/{codes[0]}", headers=PAGE).text
    assert "对照受理回执" in page and "请向收件的窗口询问" in page and f'value="{codes[0]}"' in page


@pytest.mark.parametrize("address", ["/P/{}", "/code?code={}"])
def test_a_mistyped_case_code_is_told_so_as_for_certificates(site: PublicSite, address: str) -> None:
    site.shelf.down = True  # it is said before anything is looked up
    typed = wrong(site.shelf.cases[0].ref.typed_code)
    with asking(site) as client:
        page = client.get(address.format(typed), headers=PAGE)
        answer = client.get(address.format(typed), headers=JSON)
        too_short = client.get(address.format("7K3M"), headers=PAGE)
    assert page.status_code == answer.status_code == too_short.status_code == 400
    assert answer.json()["code"] == "wrong_check_character"
    assert "校验位不符" in page.text and f'value="{typed}"' in page.text
    assert "17 位" in too_short.text


def test_the_form_of_the_start_page_leads_to_the_case(site: PublicSite) -> None:
    known = site.shelf.cases[0].ref.typed_code
    with asking(site) as client:
        for typed in (known, known.lower().replace("-", " ")):
            page = client.get("/code", params={"code": typed, "lang": "en"}, headers=PAGE)
            assert (page.status_code, page.url.path, page.url.query) == (200, f"/P/{known}", b"lang=en")
            assert "parts finished" in page.text
        none = client.get("/code", params={"code": new_ref(None).typed_code}, headers=PAGE)
        assert none.status_code == 404 and "没有查到这个查验码" in none.text
        assert client.get(f"/C/{known}", headers=JSON).status_code == 404, "a case is no certificate"


def test_one_address_asks_for_cases_only_so_often_and_by_the_form_no_oftener(
    site: PublicSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certsvc.http.public.time", SimpleNamespace(monotonic=lambda: 0.0))  # a minute that stands
    case, licence = site.shelf.cases[0].ref.typed_code, site.shelf.certificates[0].ref.typed_code
    here, there = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}

    async def story() -> None:
        proxy = httpx.ASGITransport(app=cast(Any, site.app), client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=proxy, base_url="http://yz.example") as client:
            for turn in range(CASES_PER_MINUTE):
                path = f"/P/{case}" if turn % 2 else f"/C/{new_ref(None).typed_code}"
                assert (await client.get(path, headers=PAGE | here)).status_code in (200, 404)
            for path in (f"/P/{case}", f"/P/{new_ref(None).typed_code}", f"/C/{case}"):
                answer = await client.get(path, headers=PAGE | here)
                assert answer.status_code == 429, "what is there and what is not, alike"
                assert 0 < int(answer.headers["retry-after"]) <= 60
            refused = await client.get(f"/P/{case}", headers=JSON | here)
            assert refused.json()["code"] == "too_many_requests"
            certificate = await client.get(f"/C/{licence}", headers=PAGE | here)
            assert certificate.status_code == 200, "what is found at once has no such limit"
            assert (await client.get(f"/P/{case}", headers=PAGE | there)).status_code == 200

    asyncio.run(story())


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
