"""Three languages, chosen by the reader; and whatever comes from outside is text, never markup."""

import hashlib
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT, PublicSite, certificate, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.errors import SettingsError
from certsvc.http.language import CODES, choose_language, load_languages

Client = TestClient[Litestar]
SCRIPT = '"><script>alert(1)</script>&'


@pytest.fixture(scope="module")
def shelf() -> list[RegisteredCertificate]:
    return list(licence_with_permits())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shelf: list[RegisteredCertificate]) -> PublicSite:
    return make_site(tmp_path_factory.mktemp("public"), shelf)


@pytest.fixture(scope="module")
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        (None, "", "zh"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr,en;q=0.5", "en"),
        (None, "fr", "zh"),
        (None, "*", "zh"),
        (None, "en;q=0", "zh"),
        (None, "zh;q=0.2, en;q=0.7", "en"),
        (None, "nonsense;;q=x,\x00", "zh"),
        (None, "zh-TW,zh;q=0.9,en;q=0.8", "hant"),
        (None, "zh-HK", "hant"),
        (None, "zh-Hant-CN", "hant"),
        (None, "zh-MO;q=0.5,fr", "hant"),
        (None, "zh-Hans-HK", "zh"),
        (None, "zh-SG,zh-TW;q=0.9", "zh"),
        (None, "zh-TW;q=0", "zh"),
        ("hant", "en", "hant"),
        ("en", "zh", "en"),
        ("zh", "en", "zh"),
        ("fr", "en", "en"),
        ("", "en", "en"),
    ],
)
def test_chinese_unless_asked_for_or_accepted_otherwise(asked: str | None, accepted: str, chosen: str) -> None:
    assert choose_language(asked, accepted) == chosen


def test_the_page_says_its_language_to_reader_and_machine(client: Client) -> None:
    for query, header, tag in (
        ("", "", "zh-Hans"),
        ("", "en", "en"),
        ("?lang=en", "zh", "en"),
        ("?lang=zh", "en", "zh-Hans"),
        ("?lang=hant", "en", "zh-Hant"),
        ("", "zh-TW", "zh-Hant"),
    ):
        answer = client.get(f"/{query}", headers={"Accept-Language": header})
        assert answer.headers["content-language"] == tag
        assert f'<html lang="{tag}">' in answer.text


def test_a_language_asked_for_is_kept_by_links_and_forms(client: Client, shelf: list[RegisteredCertificate]) -> None:
    page = client.get(f"/C/{shelf[0].ref.typed_code}?lang=en").text
    links = set(re.findall(r'href="(/[^"]*)"', page)) - set(re.findall(r'href="(/static[^"]*)"', page))
    others = {link for link in links if "lang=zh" in link or "lang=hant" in link}
    assert others == {f"/C/{shelf[0].ref.typed_code}?lang={code}" for code in ("zh", "hant")}
    asked = [link.partition("?")[2].partition("#")[0].split("&amp;") for link in links - others]
    assert all("lang=en" in query for query in asked)
    assert 'name="lang" value="en"' in page and 'action="/verify?lang=en"' in page


def test_the_other_language_leads_to_the_same_answer(client: Client) -> None:
    assert 'href="/C/X?lang=en"' in client.get("/C/X").text
    assert 'href="/code?code=X&amp;lang=en"' in client.get("/code?code=X").text


def test_an_address_that_begins_with_two_slashes_makes_no_link_to_another_host(client: Client) -> None:
    page = client.get("http://testserver.local//other.example/%22x?lang=en").text
    assert "//other.example" not in page and 'href="/other.example/%22x?lang=zh"' in page


def test_an_english_page_carries_the_chinese_labels_to_find_them_on_the_paper(
    client: Client, shelf: list[RegisteredCertificate]
) -> None:
    page = client.get(f"/C/{shelf[0].ref.typed_code}?lang=en").text
    for label in ("统一社会信用代码", "名称", "法定代表人", "营业执照", "查验码", "食品经营许可证"):
        assert re.search(rf'lang="zh-Hans">{label}<', page), label
    assert '<span lang="zh-Hans">云山市岭南鲜生商贸有限公司</span>' in page


def test_problems_speak_the_language_asked_for_and_list_both(client: Client) -> None:
    zh = client.get("/C/X", headers={"Accept": "application/json"})
    en = client.get("/C/X", headers={"Accept": "application/json", "Accept-Language": "en"})
    assert (zh.headers["content-language"], en.headers["content-language"]) == ("zh-Hans", "en")
    assert zh.json()["title"] == "标识不合规则" and en.json()["title"] == "The identifier is malformed"
    assert zh.json()["detail"] != en.json()["detail"]


# ---- ages and dates ----


def test_what_exists_in_simplified_characters_alone_says_so_on_a_page_in_traditional_ones(
    client: Client, shelf: list[RegisteredCertificate]
) -> None:
    page = client.get(f"/C/{shelf[0].ref.typed_code}?lang=hant").text
    assert '<span lang="zh-Hans">营业执照</span>' in page and '<span lang="zh-Hans">法定代表人</span>' in page
    title = page.split("<title>")[1].split("</title>")[0]
    assert "营业执照" in title and "<" not in title
    assert '<span lang="zh-Hans">查验码应为 17 位。</span>' in client.get("/code?code=x&lang=hant").text
    assert '<span lang="zh-Hans">' not in client.get(f"/C/{shelf[0].ref.typed_code}?lang=zh").text


def test_a_problem_for_a_program_is_plain_text_in_every_language(client: Client) -> None:
    answer = client.get("/C/X?lang=hant", headers={"Accept": "application/json"})
    assert answer.json()["detail"] == "查验码应为 17 位。" and answer.headers["content-language"] == "zh-Hans"


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "刚刚", "just now"),
        (59, "刚刚", "just now"),
        (60, "1 分钟前", "1 minute ago"),
        (3599, "59 分钟前", "59 minutes ago"),
        (3600, "1 小时前", "1 hour ago"),
        (26 * 3600, "26 小时前", "26 hours ago"),
        (48 * 3600, "2026年11月23日", "on 23 November 2026"),
    ],
)
def test_an_age_is_said_in_words_and_from_48_hours_as_a_date(seconds: int, zh: str, en: str) -> None:
    languages = load_languages(ROOT / "verifier_web" / "words")
    now = datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert (languages["zh"].age(seconds, now), languages["en"].age(seconds, now)) == (zh, en)


def test_times_are_beijing_times() -> None:
    languages = load_languages(ROOT / "verifier_web" / "words")
    late = datetime(2026, 11, 24, 16, 0, 1, tzinfo=UTC) + timedelta(microseconds=5)
    assert languages["zh"].moment(late) == "2026年11月25日 00:00:01"
    assert languages["en"].moment(late).startswith("25 November 2026")


def test_words_that_stand_in_one_language_only_stop_the_start(tmp_path: Path) -> None:
    both = '[c]\nd = "x"\n'
    for code, text in (("zh", both + '[a]\nb = "x"\n'), ("hant", both + '[a]\nb = "x"\n'), ("en", both)):
        (tmp_path / code).mkdir()
        (tmp_path / code / "a.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"a\.b"):
        load_languages(tmp_path)


def test_words_of_one_table_in_two_files_stop_the_start(tmp_path: Path) -> None:
    for code, name in itertools.product(CODES, ("a", "b")):
        (tmp_path / code).mkdir(exist_ok=True)
        (tmp_path / code / f"{name}.toml").write_text('[a]\nb = "x"\n', "utf-8")
    with pytest.raises(SettingsError, match="another file"):
        load_languages(tmp_path)


# ---- escaping ----


def test_a_file_name_is_text(client: Client, site: PublicSite, shelf: list[RegisteredCertificate]) -> None:
    files = {"file": (SCRIPT[2:] + ".pdf", site.sealed(shelf[1]))}
    page = client.post("/verify", files=files, headers={"Accept": "text/html"}).text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;&amp;.pdf" in page


def test_a_typed_code_is_text(client: Client) -> None:
    for answer in (
        client.get("/code", params={"code": SCRIPT}),
        client.get("/C/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"),
    ):
        assert answer.status_code in (400, 404)
        assert "<script>alert" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in client.get("/code", params={"code": SCRIPT}).text


def test_a_language_that_is_markup_reaches_nothing(client: Client, shelf: list[RegisteredCertificate]) -> None:
    asked = {"code": shelf[0].ref.typed_code, "lang": 'x"><script>\r\nSet-Cookie: a=b'}
    assert "<script>\r\n" not in client.get("/", params=asked).text
    answer = client.get("/code", params=asked, follow_redirects=False)
    assert answer.headers["location"] == f"/C/{shelf[0].ref.typed_code}" and "set-cookie" not in answer.headers


def test_what_the_register_says_is_text(tmp_path: Path) -> None:
    one = certificate(
        "business-licence-company", "good-lingnan", name=f"云山{SCRIPT}公司", scope="{{ 7*7 }}<img src=x>"
    )
    site = make_site(tmp_path, [one])
    data = site.sealed(one)
    site.shelf.documents[hashlib.sha256(data).digest()] = one.ref
    with TestClient(site.app) as client:
        for lang in ("zh", "en"):
            page = client.get(f"/C/{one.ref.typed_code}?lang={lang}").text
            assert "<script>alert" not in page and "<img" not in page and "{{ 7*7 }}" in page
            title = page.split("<title>")[1].split("</title>")[0]
            assert "<" not in title
