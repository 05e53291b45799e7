"""Every state that a stranger can meet, with its word, its shape, its age and its source; and the filter, which
hides no trouble without saying so."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import LINGNAN, TODAY, PublicSite, catalog, certificate, decided, licence_with_permits, make_site

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import IN_FORCE, Condition, ConditionKind, Status
from certsvc.ids import new_ref

Client = TestClient[Litestar]
Make = Callable[[], RegisteredCertificate]


def food(first: int = -300, last: int = 900, **changes: Any) -> RegisteredCertificate:
    """A permit by itself, from one day to another, counted from today."""
    start, end = (str(TODAY + timedelta(days=days)) for days in (first, last))
    made = certificate("food-business", "good-restaurant", number="JY1", valid_from=start, valid_to=end, uscc=LINGNAN)
    return replace(made, **changes)


def company(status: Status = Status.VALID, act: str | None = None, **said: Any) -> RegisteredCertificate:
    change = decided(act, **said) if act else None
    return certificate("business-licence-company", "good-lingnan", status=status, change=change)


def on_condition(status: Status, kind: ConditionKind, due: int | None, **more: Any) -> RegisteredCertificate:
    day = None if due is None else TODAY + timedelta(days=due)
    found = (Condition(kind=kind, since=TODAY - timedelta(days=30), due=day, basis="行政许可法第五十条"),)
    return replace(company(status), conditions=found, **more)


@dataclass(frozen=True)
class Row:
    """A row of the table: the words of the block, the shape, the colour family, and what else must be on the page."""

    make: Make
    word: str
    qualifier: str
    icon: str
    block: str
    said: tuple[str, ...] = ()


def expiring(days: int) -> RegisteredCertificate:
    return replace(company(), term=replace(company().term, end=TODAY + timedelta(days=days)))


C, S = ConditionKind, Status
TABLE = {
    "valid": Row(company, "有效", "", "tick", "ok", ("登记簿，3 分钟前确认",)),
    "near its end": Row(lambda: expiring(60), "有效", "", "tick", "ok", ("还有 60 天到期",)),
    "renewal pending": Row(
        lambda: replace(
            on_condition(S.RENEWAL_PENDING, C.RENEWAL_PENDING, None),
            term=replace(company().term, end=TODAY - timedelta(days=3)),
        ),
        *("有效", "延续审查中", "tick", "ok"),
        ("受理了延续申请", "依法延续"),
    ),
    "dormant": Row(
        lambda: on_condition(S.DORMANT, C.DORMANT, 40),
        "有效",
        "歇业中",
        "tick",
        "ok",
        ("歇业中，至", "确认现在是否营业"),
    ),
    "recheck due": Row(
        lambda: on_condition(S.RECHECK_DUE, C.RECHECK_DUE, -9), "有效", "应当复核", "tick", "ok", ("这不是过期",)
    ),
    "issued on commitment": Row(
        lambda: on_condition(S.CONDITIONAL, C.COMMITMENT, 9), "有效", "按告知承诺颁发", "tick", "ok", ("以前核查",)
    ),
    "commitment not checked": Row(
        lambda: on_condition(S.CONDITIONAL, C.COMMITMENT, -9),
        *("有效", "按告知承诺颁发", "tick", "ok"),
        ("还没有核查结果",),
    ),
    "documents to follow": Row(
        lambda: on_condition(S.CONDITIONAL, C.DOCUMENTS, 9), "有效", "容缺颁发", "tick", "ok", ("补齐材料",)
    ),
    "suspended": Row(
        lambda: company(S.SUSPENDED, "suspend", reason="原因甲", decision_number="云文罚〔2026〕31号"),
        *("目前无效", "暂扣中", "pause", "hold"),
        ("不会自动恢复", "原因甲", "云文罚〔2026〕31号"),
    ),
    "revoked": Row(lambda: company(S.REVOKED, "revoke", reason="原因乙"), "无效", "已吊销", "stop", "bad", ("原因乙",)),
    "rescinded": Row(
        lambda: company(S.RESCINDED, "rescind", retroactive=True), "无效", "已撤销", "stop", "bad", ("溯及", "决定书")
    ),
    "withdrawn": Row(lambda: company(S.WITHDRAWN, "withdraw"), "无效", "已撤回", "stop", "bad", ("决定书",)),
    "closing due": Row(lambda: company(S.CLOSING_DUE, "require_closing"), "无效", "应当注销", "closed", "bad"),
    "closed": Row(lambda: company(S.CLOSED, "close"), "无效", "已注销", "closed", "bad", ("不要采用",)),
    "expired": Row(lambda: expiring(-1), "无效", "已过期", "calendar", "bad", ("已过期", "出示新证")),
    "not yet in force": Row(
        lambda: replace(company(), term=replace(company().term, start=TODAY + timedelta(days=1))),
        *("无效", "尚未生效", "clock", "hold"),
        ("起生效",),
    ),
    "superseded": Row(
        lambda: replace(company(S.SUPERSEDED), successor=new_ref(None)),
        "无效",
        "已被新证取代",
        "arrow",
        "bad",
        ("打开新证",),
    ),
    "transferred out": Row(
        lambda: company(S.TRANSFERRED_OUT, "transfer_out", successor="远山市市场监督管理局"),
        *("无效", "已迁出", "arrow", "bad"),
        ("向迁入地", "远山市市场监督管理局"),
    ),
    "past its limit": Row(
        lambda: replace(company(), status_age_s=72 * 3600),
        *("无法判定", "请勿当作有效", "unsure", "unk"),
        ("超过时限", "不能说明现在"),
    ),
}


@pytest.fixture
def site(tmp_path: Path) -> PublicSite:
    return make_site(tmp_path)


@pytest.fixture
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as client:
        yield client


def block_of(page: str) -> tuple[str, str, str, str]:
    """Word, qualifier, shape and colour family of the block."""
    section = page.split('<section class="verdict ')[1].split("</section>")[0]
    heading = re.search(r'<h1 id="verdict">(.*?)(?: <small>(.*?)</small>)?</h1>', section)
    icon = re.search(r'href="#i-(\w+)"', section)
    assert heading and icon
    return heading[1], heading[2] or "", icon[1], section.split('"')[0]


@pytest.mark.parametrize("name", TABLE)
def test_every_state_of_the_table_has_its_word_shape_and_reason(client: Client, site: PublicSite, name: str) -> None:
    row = TABLE[name]
    one = row.make()
    site.shelf.certificates.append(one)
    page = client.get(f"/C/{one.ref.typed_code}?lang=zh").text
    assert block_of(page) == (row.word, row.qualifier, row.icon, row.block)
    plain = re.sub(r"<[^>]+>", "", page)
    for said in (*row.said, "确认"):
        assert said in plain, said


def test_every_state_of_the_register_is_in_the_table() -> None:
    assert {row.make().status for row in TABLE.values()} == set(Status) - {Status.UNKNOWN}
    assert {c.kind for row in TABLE.values() for c in row.make().conditions} == set(ConditionKind)


def test_a_permit_goes_with_its_licence_by_the_rule_that_is_shown(client: Client, site: PublicSite) -> None:
    expected = {
        S.REVOKED: ("无效", "随执照终止", "stop", "bad"),
        S.SUSPENDED: ("目前无效", "执照不能使用", "pause", "hold"),
    }
    for status, block in expected.items():
        root = company(status, "act")
        permit = replace(food(), licence_ref=root.ref, ref=new_ref(None))
        site.shelf.certificates += [root, permit]
        page = client.get(f"/C/{permit.ref.typed_code}?lang=zh").text
        assert block_of(page) == block
        assert "依据" in page and "所属的营业执照" in page


@pytest.mark.parametrize(
    ("failing", "block"),
    [
        ({"signature": "altered"}, ("无效", "文件被改动", "stop", "bad")),
        ({"signer": "not_our_anchor"}, ("无效", "不是本系统签发", "stop", "bad")),
    ],
)
def test_states_of_a_file(
    client: Client, site: PublicSite, failing: dict[str, str], block: tuple[str, str, str, str]
) -> None:
    one = company()
    site.shelf.certificates.append(one)
    assert block_of(upload(client, site.sealed(one, failing))) == block


def test_a_file_that_is_sealed_and_not_registered_cannot_be_told(client: Client, site: PublicSite) -> None:
    one = company()
    site.shelf.certificates.append(one)
    assert block_of(upload(client, site.sealed(one))) == ("无法判定", "有印章，没有登记", "unsure", "unk")
    sealed = site.sealed(one)
    site.shelf.documents[hashlib.sha256(sealed).digest()] = one.ref
    assert block_of(upload(client, sealed))[0] == "有效"


def upload(client: Client, content: bytes) -> str:
    answer = client.post(
        "/verify?lang=zh", files={"file": ("a.pdf", content, "application/pdf")}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 200
    return answer.text


def test_a_register_that_does_not_answer_is_not_valid(client: Client, site: PublicSite) -> None:
    one = company()
    site.shelf.certificates.append(one)
    site.shelf.down = True
    answer = client.get(f"/Q/{site.digits(one)}?lang=zh")
    assert answer.status_code == 503
    assert block_of(answer.text) == ("无法判定", "请勿当作有效", "unsure", "unk")


@pytest.mark.parametrize("type_id", ["business-licence-company", "food-business", "fire-safety-check", "drug-retail"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_each_type_has_a_limit_and_one_second_past_it_nothing_is_known(
    client: Client, site: PublicSite, type_id: str, beyond: int
) -> None:
    limit = int(catalog().latest(type_id).status_max_age.total_seconds())
    example = next(path.stem for path in (catalog().latest(type_id).folder / "examples").glob("good-*.json"))
    one = certificate(type_id, example, number="1", status_age_s=limit + beyond)
    site.shelf.certificates.append(one)
    answer = client.get(f"/C/{one.ref.typed_code}", headers={"Accept": "application/json"}).json()
    assert (answer["register"]["status"] == "unknown") is bool(beyond)
    assert not beyond or answer["verdict"] == "undetermined"


def test_every_line_has_a_verdict_of_its_own_and_its_age(tmp_path: Path) -> None:
    shelf = licence_with_permits()
    with TestClient(make_site(tmp_path, shelf).app) as client:
        page = client.get(f"/C/{shelf[0].ref.typed_code}?lang=zh").text
    assert block_of(page)[:2] == ("有效", ""), "a permit's trouble is its own line"
    lines = page.split('<ul class="rows">')[1:]
    found = [line for part in lines for line in part.split("</ul>")[0].split("<li ")[1:]]
    assert len(found) == len(shelf) - 1
    assert all('class="tag"' in line and "状态确认于" in line for line in found)


# ---- the filter ----


def shown(client: Client, shelf: list[RegisteredCertificate], query: str) -> str:
    return client.get(f"/C/{shelf[0].ref.typed_code}?lang=zh{query}").text


@pytest.fixture
def gathered(tmp_path: Path) -> Iterator[tuple[Client, list[RegisteredCertificate]]]:
    shelf = list(licence_with_permits())
    with TestClient(make_site(tmp_path, shelf).app) as client:
        yield client, shelf


def test_the_filter_hides_trouble_only_with_a_sentence_that_counts_it(
    gathered: tuple[Client, list[RegisteredCertificate]],
) -> None:
    everything, active = shown(*gathered, ""), shown(*gathered, "&show=active")
    in_trouble = ["新出发粤云零字第00456号", "粤卫公证字〔2022〕第1900A00123号"]
    for number in in_trouble:
        assert number in everything and number not in active
    assert "有 3 件需要注意的没有列出" in active and "没有列出" not in everything
    for word in ("1 件暂扣中", "1 件已过期", "1 件无法判定"):
        assert word in active.split("没有列出")[1]
    assert "名下 6 件许可中有 3 件需要注意" in active, "the notice under the verdict counts them all the same"
    assert block_of(active) == block_of(everything)


def test_the_filter_is_a_link_and_keeps_the_language(gathered: tuple[Client, list[RegisteredCertificate]]) -> None:
    client, shelf = gathered
    path = f"/C/{shelf[0].ref.typed_code}"
    page = shown(client, shelf, "&show=active")
    links = re.findall(rf'href="({path}\?[^"]*show=[^"]*)"([^>]*)', page)
    chosen = {link.replace("&amp;", "&"): "aria-current" in rest for link, rest in links if "none" not in rest}
    assert chosen[f"{path}?lang=zh&show=active#permits"] and not chosen[f"{path}?lang=zh&show=all#permits"]


def test_the_machines_answer_knows_no_filter(gathered: tuple[Client, list[RegisteredCertificate]]) -> None:
    client, shelf = gathered
    answer = client.get(f"/C/{shelf[0].ref.typed_code}?show=active", headers={"Accept": "application/json"}).json()
    assert len(answer["permits"]) == len(shelf) - 1


def test_where_nothing_is_in_trouble_there_is_nothing_to_filter(client: Client, site: PublicSite) -> None:
    one = company()
    fine = replace(food(), licence_ref=one.ref)
    site.shelf.certificates += [one, fine]
    assert "show=active" not in client.get(f"/C/{one.ref.typed_code}").text
    assert fine.status in IN_FORCE
