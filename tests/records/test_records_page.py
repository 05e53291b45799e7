"""The page of a licence: records from elsewhere stand apart, say by whom and how old, and are never greener."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from chosen import some
from litestar.testing import TestClient

from certsvc.domain.record import ForeignRecord, ReportedState
from certsvc.domain.source import Heard, Source, SourceHealth
from certsvc.errors import RegisterUnavailable
from certsvc.issuance.records.content import content_of
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import put_record
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.records import PostgresRecordReader

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from embedded_fixture import Database, fresh_database
from public_site import NOW, catalog, certificate, licence_with_permits, make_site
from record_desk import COMPANY, DAY, FEEDER, FIRE, FREE_KIND, HOUR, chunks, listed, ndjson, put_form, recording

JSON = {"Accept": "application/json"}
Answer = Sequence[tuple[SourceHealth, ForeignRecord | None]]


@dataclass
class Elsewhere:
    """`services.RecordReader` over a list; `down` makes it one that cannot be asked."""

    found: Answer = ()
    down: bool = False
    asked: list[str] = field(default_factory=list)

    async def elsewhere(self, subject: str) -> Answer:
        self.asked.append(subject)
        if self.down:
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return self.found


def health(hours: float | None, source: Source = FIRE, *, lists: float | None = 1) -> SourceHealth:
    """A source that was heard so many hours ago, and listed all it has `lists` hours ago."""
    heard = None if hours is None else NOW - hours * HOUR
    listed_at = None if lists is None or hours is None else NOW - lists * HOUR
    return SourceHealth(
        source=source, heard=Heard(last_heard_at=heard, last_complete_at=listed_at, complete_as_of=listed_at)
    )


def record(hours: float = 1, *, missing: bool = False, contradicted: bool = False, **changes: Any) -> ForeignRecord:
    """A record as it was so many hours ago."""
    return ForeignRecord(
        source_id=FIRE.id,
        id="1",
        content=content_of(catalog(), put_form(NOW, **changes)),
        observed_at=NOW - hours * HOUR,
        received_at=NOW - hours * HOUR,
        missing_since=NOW - HOUR if missing else None,
        contradicted=contradicted,
    )


def seen(tmp_path: Path, elsewhere: Elsewhere, lang: str = "zh", which: int = 0) -> tuple[str, dict[str, Any]]:
    """The page of a licence, and the same as JSON."""
    shelf = licence_with_permits()
    site = make_site(tmp_path, shelf, records=elsewhere)
    path = f"/C/{shelf[which].ref.typed_code}"
    with TestClient(site.app) as client:
        page = client.get(f"{path}?lang={lang}")
        answer: dict[str, Any] = client.get(path, headers=JSON).json()
    assert page.status_code == 200
    return page.text, answer


def section(page: str) -> str:
    """The part of the page that is about records from elsewhere."""
    return page.split('aria-labelledby="elsewhere"')[1].split("</section>")[0]


def test_a_record_from_elsewhere_is_shown_with_source_and_age_and_no_tick(tmp_path: Path) -> None:
    page, answer = seen(tmp_path, Elsewhere([(health(3), record())]))
    shown = section(page)
    for words in (
        "其他部门报来的许可 1 件",
        "报为有效",
        "云消安检字〔2023〕第0187号",
        "云山市消防救援支队报送，1 小时前还是这样。",
        "最后一次答复 3 小时前",
        "完整清单截至 1 小时前",
        "按时",
    ):
        assert words in shown
    assert "i-tick" not in shown and 'class="ok"' not in shown
    one = answer["elsewhere"]["records"][0]
    assert (one["reported_state"], one["doubt"], one["source"]) == ("valid", None, "fire")
    assert "verdict" not in one and one["national_state"] == {"code": "01", "description": None}


@pytest.mark.long
def test_records_from_elsewhere_change_nothing_of_the_verdict(tmp_path: Path) -> None:
    without = seen(tmp_path, Elsewhere())[1]
    with_one = seen(tmp_path, Elsewhere([(health(3), record(state="revoked"))]))[1]
    same = ("verdict", "document", "term", "checks")
    assert [without[name] for name in same] == [with_one[name] for name in same]


@pytest.mark.long
@pytest.mark.parametrize(
    ("elsewhere", "doubt", "words"),
    [
        ((health(1), record(missing=True)), "missing", "没有这件许可"),
        ((health(1), record(contradicted=True)), "contradicted", "互相矛盾"),
        ((health(73), record(1)), "silent", "很久没有答复"),
        ((health(1, lists=25), record(25)), "too_old", "已超过时限"),
        ((health(1, lists=145), record(1)), "silent", "很久没有答复"),
        ((health(None), record(1)), "silent", "从未答复"),
        (
            (health(1), record(state=None, national_state={"code": "99", "description": "在办"})),
            "no_word",
            "报来的状态是“在办”",
        ),
    ],
)
def test_what_is_stale_missing_or_in_doubt_is_unknown(
    tmp_path: Path, elsewhere: tuple[SourceHealth, ForeignRecord], doubt: str, words: str
) -> None:
    page, answer = seen(tmp_path, Elsewhere([elsewhere]))
    one = answer["elsewhere"]["records"][0]
    assert (one["reported_state"], one["doubt"]) == ("unknown", doubt)
    assert one["national_state"]["code"] == "99"
    shown = section(page)
    assert "状态不明" in shown and words in shown and "报为" not in shown


@pytest.mark.long
def test_one_line_says_which_departments_are_late(tmp_path: Path) -> None:
    health_office = replace(FIRE, id="health", zh="云山市卫生健康局", en="Yunshan Health", complete_every=None)
    late = health(26)
    page, answer = seen(tmp_path, Elsewhere([(late, None), (health(2, health_office, lists=None), None)]))
    shown = section(page)
    assert "其他部门没有报来这家企业的许可" in shown
    assert "最后一次答复 26 小时前" in shown and "迟报" in shown and "只报变更" in shown
    assert "会报来的 2 个部门中，1 个按时答复。" in shown
    assert "没有按时答复：云山市消防救援支队（最后一次答复 26 小时前）。" in shown
    assert [one["freshness"] for one in answer["elsewhere"]["sources"]] == ["late", "fresh"]
    english = section(seen(tmp_path, Elsewhere([(late, None)]), "en")[0])
    assert "Departments that answered in time: 0 of 1." in english
    assert "Not heard in time: Yunshan Fire and Rescue (last answered 26 hours ago)." in english


@pytest.mark.long
def test_a_source_that_is_heard_but_sends_no_list_is_late_by_its_list(tmp_path: Path) -> None:
    shown = section(seen(tmp_path, Elsewhere([(health(1, lists=50), None)]))[0])
    assert "会报来的 1 个部门中，0 个按时答复。" in shown
    assert "没有按时答复：云山市消防救援支队（完整清单截至 " in shown
    never = section(seen(tmp_path, Elsewhere([(health(None), None)]))[0])
    assert "没有按时答复：云山市消防救援支队（从未答复）。" in never


def test_records_that_cannot_be_asked_are_unknown_and_never_none(tmp_path: Path) -> None:
    page, answer = seen(tmp_path, Elsewhere(down=True))
    shown = section(page)
    assert "现在查不了" in shown and "不知道这家企业还有没有别的许可" in shown
    assert "没有报来" not in shown
    assert answer["elsewhere"] == {"answered": False, "sources": [], "records": []}
    assert answer["verdict"] == "valid"


def test_only_a_licence_has_records_from_elsewhere(tmp_path: Path) -> None:
    elsewhere = Elsewhere([(health(3), record())])
    page, answer = seen(tmp_path, elsewhere, which=1)
    assert (answer["elsewhere"], elsewhere.asked) == (None, [])
    assert "elsewhere" not in page


def test_without_any_source_nothing_is_said(tmp_path: Path) -> None:
    page, answer = seen(tmp_path, Elsewhere())
    assert 'aria-labelledby="elsewhere"' not in page
    assert answer["elsewhere"] == {"answered": True, "sources": [], "records": []}


@pytest.mark.long
@pytest.mark.parametrize("state", [one for one in ReportedState if one is not ReportedState.UNKNOWN])
@pytest.mark.parametrize("lang", some(["zh", "en"]))
def test_every_reported_state_has_words_and_no_tick(tmp_path: Path, state: ReportedState, lang: str) -> None:
    shown = section(seen(tmp_path, Elsewhere([(health(1), record(state=state))]), lang)[0])
    assert "i-tick" not in shown and "i-unsure" not in shown
    missing = section(seen(tmp_path, Elsewhere([(health(1), record(state=state, missing=True))]), lang)[0])
    assert "i-unsure" in missing


def test_a_permit_reported_valid_past_its_term_is_over(tmp_path: Path) -> None:
    term = {"start": "2020-01-01", "end": str((NOW - 9 * DAY).date())}
    shown = section(seen(tmp_path, Elsewhere([(health(1), record(term=term))]))[0])
    assert "已过期" in shown and "报为" not in shown


def test_warnings_of_wrong_check_characters_are_shown(tmp_path: Path) -> None:
    doubtful = record(issuer={"name": "某局", "uscc": "11441900007330010E"})
    shown = section(seen(tmp_path, Elsewhere([(health(1), doubtful)]))[0])
    assert "存疑。 颁发机构：统一社会信用代码的校验位不符" in shown


def test_nothing_a_source_sends_is_taken_for_html(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    one = record(kind=FREE_KIND, kind_name=evil, number=evil, holder_name=evil, issuer={"name": evil, "uscc": COMPANY})
    page, _ = seen(tmp_path, Elsewhere([(health(1), one)]))
    assert "alert(1)" in section(page) and evil not in page


# ---- from the database to the page ----


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    """A database where a fire department has reported, and listed all it has 26 hours ago."""
    database = fresh_database(embedded_server)
    abroad = replace(FIRE, id="abroad", zh="远山市消防", area="4420", client="abroad")

    async def fill() -> None:
        async with recording(database, FIRE, abroad) as desk:
            then = NOW - 26 * HOUR
            rows = [*listed("1"), *listed("2", kind=FREE_KIND, kind_name="取水许可证", number="取水2023-8")]
            data = ndjson(rows, then)
            await take_snapshot(desk, FEEDER, "fire", chunks(data), "list", lambda: then)
            other = put_form(then, subject="92441900MA52DEF10X")
            await put_record(desk, FEEDER, "fire", "3", other, "other", then)

    asyncio.run(fill())
    return database


class Asking:
    """`services.RecordReader` as the public role, connecting anew for each question."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    async def elsewhere(self, subject: str) -> Answer:
        async with open_pool(self._uri, read_only=True) as pool:
            return await PostgresRecordReader(pool).elsewhere(subject)


@pytest.mark.long
def test_the_page_from_the_database_shows_what_is_fresh_late_and_unknown(tmp_path: Path, database: Database) -> None:
    licence = certificate("business-licence-company", "good-lingnan")
    site = make_site(tmp_path, [licence], records=Asking(database.public_uri))
    with TestClient(site.app) as client:
        path = f"/C/{licence.ref.typed_code}"
        answer = client.get(path, headers=JSON).json()["elsewhere"]
        shown = section(client.get(path).text)
    assert [one["id"] for one in answer["sources"]] == ["fire"]
    assert answer["sources"][0]["freshness"] == "late"
    states = {one["type"]: (one["reported_state"], one["doubt"]) for one in answer["records"]}
    assert states == {"fire-safety-check": ("unknown", "too_old"), FREE_KIND: ("valid", None)}
    assert "其他部门报来的许可 2 件" in shown and "取水许可证" in shown and "最后一次答复 26 小时前" in shown


def test_a_database_that_is_down_is_said_on_the_page(tmp_path: Path) -> None:
    licence = certificate("business-licence-company", "good-lingnan")
    site = make_site(tmp_path, [licence], records=Asking("postgresql://certsvc_public@/certsvc?host=/nowhere"))
    with TestClient(site.app) as client:
        assert "现在查不了" in section(client.get(f"/C/{licence.ref.typed_code}").text)
