"""A resident chooses: what is given out, what is not and where to go instead, in every language without a script."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from proof_room import DONGGUAN, TODAY, TOWN, ZHUHAI, proofs

from certsvc.domain.proof_item import Kept
from certsvc.http.application import make_application
from certsvc.http.language import CODES
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.apply import apply_routes
from certsvc.log import open_log

ROOT = Path(__file__).resolve().parents[2]
Client = TestClient[Litestar]


def make_app(folder: Path, areas: Sequence[str]) -> Litestar:
    """An application that has these pages alone."""
    site = Site("yz.example", "https://yz.example", ROOT / "verifier_web", folder, True)
    pages = Pages(site)
    return make_application(apply_routes(pages, proofs(), areas), site, pages, open_log())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    app = make_app(tmp_path_factory.mktemp("trust"), (DONGGUAN, ZHUHAI))
    with TestClient(app) as client:
        yield client


def shown(client: Client, path: str, status: int = 200) -> str:
    """A page, which has no script and asks nobody else."""
    answer = client.get(path)
    assert answer.status_code == status
    assert "<script" not in answer.text and not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    return answer.text


def test_a_place_is_chosen_where_there_are_several_and_not_where_there_is_one(client: Client, tmp_path: Path) -> None:
    page = shown(client, "/apply?lang=zh")
    assert f'href="/apply/{DONGGUAN}?lang=zh"' in page and "珠海市" in page
    with TestClient(make_app(tmp_path, (DONGGUAN,))) as alone:
        assert "村里可以开的 11 项" in shown(alone, "/apply?lang=zh")


def test_the_whole_list_has_a_link_for_each_and_the_way_for_what_is_refused(client: Client) -> None:
    page = shown(client, f"/apply/{DONGGUAN}?lang=zh")
    held = proofs().held(DONGGUAN, TODAY)
    for item in held.items.values():
        assert f'href="/apply/{DONGGUAN}/{item.id}?lang=zh">{item.name.zh}</a>' in page
    for refused in held.forbidden:
        assert refused.route and (refused.route.where is None or refused.route.where.zh in page)
    assert "现已登记 0 项（共 52 项）" in page and "现已登记 0 项（共 23 项）" in page


@pytest.mark.parametrize(
    ("words", "item"), [("水费证明", "tiered-water-proof"), ("無犯罪證明", "no-criminal-record-proof")]
)
def test_a_name_that_residents_say_leads_to_its_page_in_their_language(client: Client, words: str, item: str) -> None:
    for lang in CODES:
        asked = {"name": words, "lang": lang}
        answer = client.get(f"/apply/{DONGGUAN}", params=asked, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/apply/{DONGGUAN}/{item}?lang={lang}")


def test_what_nobody_knows_is_said_with_what_may_be_meant_and_whom_to_ask(client: Client) -> None:
    page = shown(client, f"/apply/{DONGGUAN}?lang=zh&name=水表人口")
    assert "目录里没有" in page and "12345" in page and f"/apply/{DONGGUAN}/tiered-water-proof?lang=zh" in page
    assert 'value="水表人口"' in page, "what was typed stays"
    assert "议事协商" in shown(client, f"/apply/{ZHUHAI}?lang=zh&name=品行证明")


def test_what_is_typed_is_text_and_bounded(client: Client) -> None:
    page = shown(client, f'/apply/{DONGGUAN}?name="><script>x</script>' + "好" * 100)
    assert "&lt;script&gt;" in page and "好" * 60 not in page


def test_a_kept_proof_says_what_to_bring_who_may_ask_how_long_and_for_whom(client: Client) -> None:
    page = shown(client, f"/apply/{DONGGUAN}/tiered-water-proof?lang=zh")
    water = proofs().held(DONGGUAN, TODAY).items["tiered-water-proof"]
    assert isinstance(water, Kept)
    for said in (*water.bring, water.who, water.receiver, water.purpose, water.procedure):
        assert said.zh in page
    assert "有效期最长 2 年" in page and "到村（居）民委员会柜台" in page and "网上申请" in page
    assert all(field.name.zh in page for field in water.proof.fields)
    assert "敏感个人信息" in page and "尚未与主管部门的办事指南逐字核对" in page


def test_a_doubt_in_law_stands_on_the_page_with_its_handling(client: Client) -> None:
    page = shown(client, f"/apply/{DONGGUAN}/marital-relation-proof?lang=zh")
    assert "有条件" in page and "电子签名法" in page and "法律审查" in page


@pytest.mark.parametrize("lang", CODES)
def test_a_town_that_restricts_or_forbids_says_so(client: Client, lang: str) -> None:
    water = shown(client, f"/apply/{TOWN}/tiered-water-proof?lang={lang}")
    limit = proofs().held(TOWN, TODAY).items["tiered-water-proof"].limits[0]  # type: ignore[union-attr]
    assert (limit.en if lang == "en" else limit.zh) in water
    road = shown(client, f"/apply/{TOWN}/road-passage-proof?lang={lang}")
    assert ("representatives" if lang == "en" else "村民代表会议") in road


def test_a_refusal_says_where_to_go_what_to_bring_and_how_long(client: Client) -> None:
    page = shown(client, f"/apply/{DONGGUAN}/no-criminal-record-proof?lang=zh")
    assert "<title>村里不能开：无犯罪记录证明" in page
    for said in ("户籍地或者居住地公安派出所", "居民身份证", "3 个工作日", "民发〔2020〕20号", "不能例外"):
        assert said in page
    assert f'/apply/{DONGGUAN}/no-criminal-record-proof/notice?lang=zh"' in page
    assert page.count("<tr>") == 21, "the whole list with routes"


def test_who_may_need_a_kept_proof_in_truth_is_led_to_it_where_it_is_kept(client: Client) -> None:
    link = "/medical-relief-proof?lang=zh"
    assert f"/apply/{DONGGUAN}{link}" in shown(client, f"/apply/{DONGGUAN}/illness-proof?lang=zh")
    assert link not in shown(client, f"/apply/{ZHUHAI}/illness-proof?lang=zh")


def test_an_unsure_way_is_called_unsure_and_a_sure_one_is_not(client: Client) -> None:
    unsure = "去处尚未逐字核对"
    assert unsure in shown(client, f"/apply/{DONGGUAN}/dog-proof?lang=zh")
    assert unsure not in shown(client, f"/apply/{DONGGUAN}/no-criminal-record-proof?lang=zh")


@pytest.mark.parametrize("lang", CODES)
def test_the_notice_names_nobody_and_has_the_chinese_for_the_counter(client: Client, lang: str) -> None:
    page = shown(client, f"/apply/{DONGGUAN}/kinship-proof/notice?lang={lang}")
    assert "民发〔2020〕20号" in page and "12345" in page and ("_" * 12 in page or "＿" * 12 in page)
    assert ("亲属关系证明”村（居）民委员会不能开" in page) == (lang != "zh")
    assert client.get(f"/apply/{DONGGUAN}/tiered-water-proof/notice").status_code == 404


@pytest.mark.parametrize("lang", CODES)
def test_every_page_of_every_item_is_there_in_every_language(client: Client, lang: str) -> None:
    for area in (DONGGUAN, TOWN, ZHUHAI):
        for item in proofs().held(area, TODAY).items.values():
            page = shown(client, f"/apply/{area}/{item.id}?lang={lang}")
            name = item.name.en if lang == "en" else item.name.zh
            assert name in page and page.count("<h1") == 1
            if lang == "hant":
                assert f'<p class="what"><span lang="zh-Hans">{name}</span></p>' in page
            others = [code for code in CODES if code != lang]
            assert all(f'href="/apply/{area}/{item.id}?lang={code}"' in page for code in others)


@pytest.mark.parametrize(
    "path", ["110105", "44190", "4419001", "x", "441900/no-such-proof", "441900/..%2f", "441900/kinship-proof/x"]
)
def test_what_is_not_offered_is_not_there(client: Client, path: str) -> None:
    shown_as = client.get(f"/apply/{path}")
    assert shown_as.status_code == 404


def test_a_village_of_a_place_that_is_offered_has_its_catalogue(client: Client) -> None:
    assert "东莞市第 2 版" in shown(client, "/apply/441900001002/kinship-proof?lang=zh")
    assert "第 2 版" in shown(client, f"/apply/{TOWN}001/tiered-water-proof?lang=zh")


def test_areas_are_checked_when_the_service_starts(tmp_path: Path) -> None:
    for areas in ((), ("4419",)):
        with pytest.raises(ValueError):
            make_app(tmp_path, areas)


def test_pages_are_small(client: Client) -> None:
    for path in ("", "/marital-relation-proof", "/kinship-proof", "/kinship-proof/notice"):
        for lang in CODES:
            assert len(client.get(f"/apply/{DONGGUAN}{path}?lang={lang}").content) < 24_000
