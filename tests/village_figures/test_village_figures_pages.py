"""The pages of figures: who sees which organs, what they say, the file, and days that cannot be."""

import csv
import io
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from figures_people import histories
from figures_room import APPROVER, AUDITOR, CLERK, OF_CITY, OF_TOWN, Land

from certsvc.errors import Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.http.village.figures import short_name

pytest_plugins = ["account_fixtures", "figures_fixtures"]
LONG = "?from=2026-09-01&to=2026-12-31"


@pytest.fixture(scope="module")
def busy(figures_land: Land) -> Land:
    """The land with what happened in it, and refusals."""
    figures_land.write(histories(figures_land.made, 150, seed=3, until=datetime.now(UTC)))
    figures_land.refuse(CLERK, "no-criminal-record-proof", "无犯罪记录证明")
    figures_land.refuse(CLERK, None, "我家的猫的证明", key="cat")
    return figures_land


def rows(html: str, section: str) -> list[list[str]]:
    """The cells of a table, without marks."""
    body = html.partition(f'aria-labelledby="{section}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S)]
        for line in body.split("<tr>")[1:]
    ]


def test_each_sees_what_they_look_after_and_nothing_else(busy: Land) -> None:
    villages = [short_name(one) for one in busy.made.villages]
    own = busy.opened(AUDITOR, busy.at(busy.village, "/figures" + LONG))
    assert [row[0] for row in rows(own.text, "by-organ")] == villages[:1]
    of_town = busy.opened(OF_TOWN, busy.at(busy.town, "/figures" + LONG))
    assert {row[0] for row in rows(of_town.text, "by-organ")} == set(villages[:3])
    of_city = busy.opened(OF_CITY, busy.at(busy.city, "/figures" + LONG))
    assert {row[0] for row in rows(of_city.text, "by-organ")} == {one.name for one in busy.made.towns}
    one_town = busy.opened(OF_CITY, busy.at(busy.city, "/figures" + LONG + f"&town={busy.made.towns[1].uscc}"))
    assert {row[0] for row in rows(one_town.text, "by-organ")} == set(villages[3:])
    for name, path in (
        (AUDITOR, busy.at(busy.town)),
        (OF_TOWN, busy.at(busy.village)),
        (OF_TOWN, busy.at(busy.town, f"/figures?town={busy.made.towns[1].uscc}")),
        (OF_TOWN, busy.at(busy.town, f"/figures.csv?town={busy.made.towns[1].uscc}")),
        (CLERK, busy.at(busy.village, f"/figures?town={busy.town.uscc}")),
        (OF_CITY, busy.at(busy.city, "/figures?town=x")),
    ):
        assert busy.opened(name, path).status_code == 404, path


def by_village(land: Land) -> list[list[str]]:
    """The table of villages, of every town of the city."""
    found = []
    for town in land.made.towns:
        page = land.opened(OF_CITY, land.at(land.city, "/figures" + LONG + f"&town={town.uscc}")).text
        found += rows(page, "by-organ")
    return found


def test_late_ones_come_first_and_towns_are_the_sum_of_their_villages(busy: Land) -> None:
    page = busy.opened(OF_CITY, busy.at(busy.city, "/figures" + LONG)).text
    towns, kinds, villages = rows(page, "by-organ"), rows(page, "by-kind"), by_village(busy)
    late = [int(re.match(r"\d*", row[1])[0] or 0) for row in towns]  # type: ignore[index]
    assert late == sorted(late, reverse=True) and late[0] > 0
    for some in (kinds, villages):
        assert [sum(int(row[place]) for row in towns) for place in range(2, 9)] == [
            sum(int(row[place]) for row in some) for place in range(2, 9)
        ]
    assert sum(int(row[2]) for row in kinds) == 152
    assert {row[0] for row in kinds} >= {"目录里没有的", "无犯罪记录证明"}


def test_the_requests_that_are_late_for_longest_are_those_of_all_villages(busy: Land) -> None:
    page = busy.opened(OF_CITY, busy.at(busy.city, "/figures" + LONG)).text
    words = {one.uscc: short_name(one) for one in busy.made.villages}
    late = busy.room.rows("select organ, due from proof_request where turn is not null and due < current_date")
    first = sorted(row["due"].isoformat() for row in late)[:20]
    shown = rows(page, "late-now")
    assert [row[2] for row in shown] == first
    assert {(row[0], row[2]) for row in shown} <= {(words[row["organ"]], row["due"].isoformat()) for row in late}


def test_nothing_about_persons_and_words_asked_for_is_shown(busy: Land) -> None:
    for name, organ in ((CLERK, busy.village), (OF_CITY, busy.city)):
        page = busy.opened(name, busy.at(organ, "/figures" + LONG)).text
        page = page.replace(f"<b>{name}</b>", "")
        assert "猫" not in page and not any(one in page for one in (CLERK, APPROVER, OF_CITY))


def test_only_who_may_open_a_late_request_gets_a_link_to_it(busy: Land) -> None:
    page = busy.opened(CLERK, busy.at(busy.village, "/figures" + LONG)).text
    links = re.findall(rf'href="(/village/at/{busy.village.uscc}/requests/v-[a-z2-7]{{20}})"', page)
    assert links
    assert "/requests/" not in busy.opened(OF_TOWN, busy.at(busy.town, "/figures" + LONG)).text


def test_the_file_says_the_same_by_organ_and_kind(busy: Land) -> None:
    answer = busy.opened(OF_CITY, busy.at(busy.city, "/figures.csv" + LONG))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and answer.content.startswith("\ufeff".encode())
    assert "attachment" in answer.headers["content-disposition"]
    head, *lines = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert head[:8] == ["开始日期", "结束日期", "镇街", "单位", "统一社会信用代码", "事项", "事项编号", "现在逾期"]
    for row in by_village(busy):
        organ = next(one for one in busy.made.villages if short_name(one) == row[0])
        its = [line for line in lines if line[4] == organ.uscc]
        assert [str(sum(int(line[place]) for line in its)) for place in range(8, 15)] == row[2:9]
    assert len({(line[4], line[6]) for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("from=2026-02-30&to=2026-03-01", {"from"}),
        ("from=2026-03-02&to=2026-03-01", {"to"}),
        ("from=2999-01-01&to=2999-01-02", {"from"}),
        ("from=1999-01-01&to=2026-01-02", {"from"}),
        ("to=2026-01-02", {"from"}),
        ("from=%3Cb%3E&to=2026-01-01", {"from"}),
    ],
    ids=["no day", "backwards", "to come", "too long", "no beginning", "markup"],
)
def test_days_that_cannot_be_are_said_at_their_field(busy: Land, query: str, fields: set[str]) -> None:
    answer = busy.opened(CLERK, busy.at(busy.village, f"/figures?{query}"))
    assert answer.status_code == 400
    alert = answer.text.partition('role="alert"')[2].partition("</div>")[0]
    assert set(re.findall(r'href="#(\w+)"', alert)) == fields
    for field in fields:
        assert f'id="{field}-wrong"' in answer.text
    assert "<b>" not in answer.text.partition("<form")[2].partition("</form>")[0].replace("<button", "")
    assert busy.opened(CLERK, busy.at(busy.village, f"/figures.csv?{query}")).status_code == 400


def test_a_refusal_is_a_clerks_and_of_what_is_not_given_out(busy: Land) -> None:
    before = busy.room.rows("select from proof_refusal")
    for name in (APPROVER, AUDITOR, OF_TOWN):
        with pytest.raises(Forbidden):
            busy.refuse(name, "no-criminal-record-proof", "x")
    with pytest.raises(InvalidInput, match="given out today"):
        busy.refuse(CLERK, "tiered-water-proof", "x", key="kept")
    with pytest.raises(NotFound):
        busy.refuse(CLERK, "no-such-proof", "x", key="none")
    for words in ("", " ", "长" * 61):
        with pytest.raises(InvalidInput, match="Say in 1 to 60"):
            busy.refuse(CLERK, None, words, key="words")
    with pytest.raises(KeyReused):
        busy.refuse(CLERK, None, "我家的狗的证明", key="cat")
    assert busy.room.rows("select from proof_refusal") == before
    later = datetime.now(UTC) + timedelta(seconds=5)
    busy.refuse(CLERK, None, "我家的猫的证明", key="cat", now=later)
    assert busy.room.rows("select from proof_refusal") == before
