"""Was it in force on that day? From the database to the page, by what is known now and by what was known then."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from gathered_room import Anew, Past, at
from litestar import Litestar
from litestar.testing import TestClient

from certsvc.domain.calendar import beijing_date
from certsvc.verify.as_of import parse_question

pytest_plugins = ["gathered_fixtures"]

JSON = {"Accept": "application/json"}
Client = TestClient[Litestar]


def asked(client: Client, lived: Any, day: str, known_at: str = "", which: int = 0) -> dict[str, Any]:
    """The answer about one version on a day."""
    code = lived.versions[which][0].typed_code
    answer = client.get(f"/C/{code}", params={"as_of": day, "known_at": known_at}, headers=JSON)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def page(client: Client, lived: Any, day: str, lang: str = "zh", **more: str) -> str:
    """The same as a page."""
    code = lived.versions[0][0].typed_code
    answer = client.get(f"/C/{code}", params={"as_of": day, "lang": lang, **more}, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("day", "status", "verdict"),
    [
        ("2025-05-31", "valid", "valid"),
        ("2025-06-01", "suspended", "not_valid"),
        ("2025-06-30", "suspended", "not_valid"),
        ("2025-07-01", "valid", "valid"),
    ],
)
def test_a_suspension_is_there_on_its_days_and_on_no_other(
    client: Client, past: Past, day: str, status: str, verdict: str
) -> None:
    answer = asked(client, past.pharmacy, day)
    assert (answer["register"]["status"], answer["verdict"]) == (status, verdict)
    assert answer["as_of"]["date"] == day


def test_an_entry_that_was_struck_out_never_was_but_was_known_meanwhile(client: Client, past: Past) -> None:
    assert asked(client, past.pharmacy, "2025-08-02")["verdict"] == "valid"
    then = asked(client, past.pharmacy, "2025-08-02", "2025-08-02")
    assert (then["verdict"], then["register"]["status"]) == ("not_valid", "suspended")
    assert asked(client, past.pharmacy, "2025-08-02", "2025-08-04")["verdict"] == "valid"


def test_what_the_register_said_then_is_told_where_it_differs_and_only_there(client: Client, past: Past) -> None:
    differing = asked(client, past.shop, "2025-09-15")
    assert (differing["verdict"], differing["register"]["status"]) == ("not_valid", "revoked")
    then = differing["as_of"]["known_then"]
    assert (then["certificate"]["verdict"], then["certificate"]["status"]) == ("valid", "valid")
    assert asked(client, past.shop, "2025-09-20")["as_of"]["known_then"] is None
    assert asked(client, past.shop, "2025-09-15", "2025-09-15")["verdict"] == "valid"
    shown = page(client, past.shop, "2025-09-15")
    assert "当时的登记与现在的不同" in shown and "后来才登记的" in shown
    link = re.search(r'href="(/C/[^"]*known_at=[^"]*)"', shown)
    assert link is not None
    followed = client.get(link[1].replace("&amp;", "&"), headers=JSON).json()
    assert (followed["verdict"], followed["as_of"]["known_at"]) == ("valid", "2025-09-15T15:59:59+00:00")
    assert "当时的登记与现在的不同" not in page(client, past.shop, "2025-09-20")


def test_the_laws_deemed_renewal_held_on_the_days_between_term_and_decision(client: Client, past: Past) -> None:
    assert asked(client, past.food, "2026-03-09")["term"] == "in_force"
    for day in ("2026-03-10", "2026-05-09"):
        answer = asked(client, past.food, day)
        assert (answer["verdict"], answer["register"]["status"], answer["term"]) == ("valid", "renewal_pending", "over")
    old = asked(client, past.food, "2026-05-10")
    assert (old["verdict"], old["register"]["status"]) == ("not_valid", "superseded")
    assert old["as_of"]["version_in_force"] == past.food.versions[1][0].typed_code
    assert asked(client, past.food, "2026-05-10", which=1)["verdict"] == "valid"


def test_the_sheet_of_today_leads_to_that_of_the_day(client: Client, past: Past) -> None:
    answer = asked(client, past.food, "2025-12-01", which=1)
    assert answer["verdict"] == "not_valid"
    assert answer["certificate"]["typed_code"] == past.food.versions[1][0].typed_code
    assert answer["as_of"]["version_in_force"] == past.food.versions[0][0].typed_code
    shown = client.get(f"/C/{past.food.versions[1][0].typed_code}?as_of=2025-12-01").text
    assert "看当日的版本" in shown and f"/C/{past.food.versions[0][0].typed_code}?as_of=2025-12-01" in shown


def test_the_licences_rule_acts_on_the_permit_on_that_day(client: Client, past: Past) -> None:
    before, after = asked(client, past.shop_food, "2025-09-09"), asked(client, past.shop_food, "2025-09-10")
    assert (before["verdict"], after["verdict"]) == ("valid", "not_valid")
    assert after["register"]["status"] == "valid", "the permit's own state is as it was"
    assert after["certificate"]["licence_effects"][0]["effect"] in ("ends", "must_close")
    gathered = asked(client, past.shop, "2025-09-10")["permits"]
    assert [one["verdict"] for one in gathered] == ["not_valid"]


def test_of_a_day_before_it_was_issued_it_is_said_that_it_was_not(client: Client, past: Past) -> None:
    answer = asked(client, past.licence, "2024-12-31")
    assert answer["verdict"] == "not_valid"
    assert ("status", "failed", "not_issued_then") in {
        (check["kind"], check["outcome"], check["reason"]) for check in answer["checks"]
    }
    assert answer["permits"] == [] and answer["as_of"]["permits_issued_later"] == 2
    shown = page(client, past.licence, "2024-12-31")
    assert "当日无效" in shown and "当日还没有签发" in shown and "现在名下另有 2 件许可" in shown


def test_of_a_day_before_it_was_there_its_term_is_not_said_to_run(client: Client, past: Past) -> None:
    """The flaw: beside "not issued by that day" stood "in term, no end date" with a tick, by the term it was given
    later."""
    for shown in (
        page(client, past.shop, "2024-12-31", "en"),
        page(client, past.licence, "2025-03-20", "en", known_at="2025-02-28"),
    ):
        answers = shown.split('<dl class="answers">')[1].split("</dl>")[0]
        assert "Had none yet" in answers and "In term" not in answers


def test_what_a_page_lists_leads_on_to_the_same_day(client: Client, past: Past) -> None:
    shown = page(client, past.licence, "2025-06-15", "en")
    assert f"/C/{past.pharmacy.ref.typed_code}?as_of=2025-06-15&amp;lang=en" in shown
    shown = page(client, past.food, "2025-03-20", "en", known_at="2025-03-21")
    assert f"/C/{past.licence.ref.typed_code}?as_of=2025-03-20&amp;known_at=" in shown


def test_permits_that_came_later_are_counted_and_not_listed(client: Client, past: Past) -> None:
    answer = asked(client, past.licence, "2025-03-20")
    assert [one["type"] for one in answer["permits"]] == ["food-business"]
    assert answer["as_of"]["permits_issued_later"] == 1


def test_a_day_that_has_not_come_is_never_valid(client: Client, past: Past) -> None:
    answer = asked(client, past.licence, "2099-01-01")
    assert (answer["verdict"], answer["as_of"]["to_come"]) == ("undetermined", True)
    assert {one["verdict"] for one in answer["permits"]} == {"not_valid"}, "their terms are over by then"
    shown = page(client, past.licence, "2099-01-01")
    assert "还没有到" in shown and "无法判定" in shown and 'class="verdict ok"' not in shown
    asked_before = asked(client, past.licence, "2026-01-05", "2026-01-01")
    assert (asked_before["verdict"], asked_before["as_of"]["to_come"]) == ("undetermined", True)


def test_what_the_register_did_not_know_then_cannot_be_told_by_it(client: Client, past: Past) -> None:
    answer = asked(client, past.licence, "2025-03-20", "2025-02-28")
    assert (answer["verdict"], answer["as_of"]["on_record_then"]) == ("undetermined", False)
    assert answer["permits"] == []
    shown = page(client, past.licence, "2025-03-20", known_at="2025-02-28")
    assert "那时登记簿中还没有" in shown and "当日有效" not in shown


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_page_about_another_day_says_first_that_it_is_not_today(client: Client, past: Past, lang: str) -> None:
    shown = page(client, past.licence, "2025-12-01", lang)
    main = shown.split("<main")[1]
    banner = {"zh": "这不是今天的状态", "en": "This is not today"}[lang]
    assert banner in main.split('id="compare"')[0]
    word = {"zh": "当日有效", "en": "Valid on that day"}[lang]
    assert f'<h1 id="verdict">{word}' in main
    assert 'class="verdict page"' in main, "never in the colour of what is valid now"
    title = re.search(r"<title>(.*?)</title>", shown, re.S)
    assert title is not None and word in title[1] and "2025" in title[1]


def test_today_is_todays_page(client: Client, past: Past) -> None:
    answer = asked(client, past.licence, beijing_date(datetime.now(UTC)).isoformat())
    assert answer["as_of"] is None and answer["verdict"] == "valid"


@pytest.mark.parametrize(
    "query",
    [
        {"as_of": "2025-02-30"},
        {"as_of": "2025-2-3"},
        {"as_of": "20250203"},
        {"as_of": "２０２５-02-03"},
        {"as_of": "x" * 300},
        {"as_of": "2025-03-03", "known_at": "yesterday"},
        {"as_of": "2025-03-03", "known_at": "2099-01-01"},
        {"as_of": "2025-03-03", "known_at": "2025-03-03T25:00"},
        {"as_of": "9999-12-31", "known_at": "0001-01-01T00:00+23:59"},
        {"known_at": "2025-03-03"},
    ],
)
def test_what_is_no_day_is_refused_before_the_register_is_asked(
    client: Client, past: Past, reader: Anew, query: dict[str, str]
) -> None:
    reader.asked.clear()
    answer = client.get(f"/C/{past.licence.ref.typed_code}", params=query, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert reader.asked == []


@pytest.mark.parametrize("day", ["0001-01-01", "1949-10-01", "9999-12-31"])
def test_the_edges_of_the_calendar_break_nothing(client: Client, past: Past, day: str) -> None:
    assert asked(client, past.licence, day)["verdict"] in ("not_valid", "undetermined")
    assert page(client, past.licence, day)


def test_a_moment_is_read_in_beijing_unless_it_says_otherwise() -> None:
    now = at("2026-01-01")
    moments = {
        "2025-09-15": "2025-09-15T15:59:59.999999+00:00",
        "2025-09-15T17:30": "2025-09-15T09:30:00+00:00",
        "2025-09-15 17:30:05": "2025-09-15T09:30:05+00:00",
        "2025-09-15T17:30Z": "2025-09-15T17:30:00+00:00",
        "2025-09-15T17:30+01:00": "2025-09-15T16:30:00+00:00",
    }
    for text, expected in moments.items():
        known_at = parse_question("2025-09-15", text, now).known_at
        assert known_at is not None and known_at.isoformat() == expected
