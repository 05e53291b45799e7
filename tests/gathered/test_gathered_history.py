"""The history of a certificate and the feed of its changes: every entry, both its times, and nothing of who acted."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from gathered_room import Past
from litestar import Litestar
from litestar.testing import TestClient

from certsvc.ids import new_ref

pytest_plugins = ["gathered_fixtures"]

JSON = {"Accept": "application/json"}
Client = TestClient[Litestar]
ATOM = "{http://www.w3.org/2005/Atom}"


def history(client: Client, lived: Any, which: int = 0) -> dict[str, Any]:
    answer = client.get(f"/C/{lived.versions[which][0].typed_code}/history", headers=JSON)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_every_entry_is_there_with_both_its_times_the_newest_first(client: Client, past: Past) -> None:
    found = history(client, past.shop)
    told = [(one["act"], one["status"], one["effective"], one["recorded_at"][:10]) for one in found["events"]]
    assert told == [
        ("revoke", "revoked", "2025-09-10", "2025-09-20"),
        ("issue", "valid", "2025-01-01", "2025-01-01"),
    ]
    assert found["complete"] is True


def test_who_acted_is_in_no_history(client: Client, past: Past) -> None:
    for lived in (past.shop, past.pharmacy, past.food):
        code = lived.ref.typed_code
        for text in (client.get(f"/C/{code}/history", headers=JSON).text, client.get(f"/C/{code}/history").text):
            assert "经办人" not in text and "复核人" not in text and "actor" not in text


def test_an_entry_that_was_taken_back_says_so_and_by_which(client: Client, past: Past) -> None:
    events = history(client, past.pharmacy)["events"]
    strike = next(one for one in events if one["act"] == "strike")
    struck = next(one for one in events if one["id"] == strike["strikes"])
    assert (struck["act"], struck["struck_by"]) == ("suspend", strike["id"])
    assert [one["struck_by"] for one in events if one is not struck] == [None] * (len(events) - 1)
    shown = client.get(f"/C/{past.pharmacy.ref.typed_code}/history?lang=zh").text
    assert shown.count("<s>") == 1 and "后来被更正取消" in shown and "取消了较早的一条记载" in shown


def test_all_versions_have_one_history_and_each_its_days(client: Client, past: Past) -> None:
    old, new = history(client, past.food, 0), history(client, past.food, 1)
    assert old["events"] == new["events"]
    days = [(one["version"], one["holds_from"], one["holds_until"]) for one in new["versions"]]
    assert days == [(1, "2025-03-10", "2026-05-09"), (2, "2026-05-10", None)]
    assert [one["version"] for one in new["events"] if one["act"] in ("issue", "renew")] == [2, 1]


@pytest.mark.parametrize(("lang", "late"), [("zh", "登记晚于生效"), ("en", "Recorded after it took effect")])
def test_what_was_recorded_late_is_said_in_words(client: Client, past: Past, lang: str, late: str) -> None:
    shown = client.get(f"/C/{past.shop.ref.typed_code}/history?lang={lang}").text
    assert shown.count(late) == 1
    assert {"zh": "2025年9月10日", "en": "10 September 2025"}[lang] in shown


def test_a_history_of_nothing_is_not_found_and_a_mistyped_one_says_so(client: Client, past: Past) -> None:
    code = past.shop.ref.typed_code
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert client.get(f"/C/{wrong}/history").status_code == 400
    assert client.get(f"/C/{new_ref(None).typed_code}/history", headers=JSON).status_code == 404


# ---- the feed ----


def entries(text: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(f"{ATOM}entry"))


def text_of(entry: ElementTree.Element, name: str) -> str:
    found = entry.find(f"{ATOM}{name}")
    assert found is not None and found.text
    return found.text


def test_the_feed_of_a_licence_has_its_changes_and_those_of_its_permits(client: Client, past: Past) -> None:
    answer = client.get(f"/C/{past.licence.ref.typed_code}/feed", headers={"Accept-Language": "zh"})
    assert answer.headers["content-type"].startswith("application/atom+xml")
    found = entries(answer.text)
    assert len(found) == 1 + 3 + 5
    when = [text_of(one, "updated") for one in found]
    assert when == sorted(when, reverse=True)
    titles = [text_of(one, "title") for one in found]
    assert titles[0] == "食品经营许可证：延续" and "营业执照：签发" in titles
    assert "经办人" not in answer.text


def test_the_feed_of_a_permit_has_its_own_changes_alone(client: Client, past: Past) -> None:
    assert len(entries(client.get(f"/C/{past.pharmacy.ref.typed_code}/feed").text)) == 5


def test_a_feed_that_did_not_change_is_not_sent_again(client: Client, past: Past) -> None:
    address = f"/C/{past.licence.ref.typed_code}/feed"
    first = client.get(address)
    assert first.headers["cache-control"] == "private, max-age=300"
    for tag in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, headers={"If-None-Match": '"other"'}).content == first.content


def test_entries_keep_their_ids_and_all_are_different(client: Client, past: Past) -> None:
    address = f"/C/{past.licence.ref.typed_code}/feed"
    chinese, english = client.get(address).text, client.get(f"{address}?lang=en").text
    ids = [text_of(one, "id") for one in entries(chinese)]
    assert ids == [text_of(one, "id") for one in entries(english)] and len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"tag:yz\.example,2026:[0-9A-Z-]+/\d+", one) for one in ids)
    of_permit = [text_of(one, "id") for one in entries(client.get(f"/C/{past.pharmacy.ref.typed_code}/feed").text)]
    assert set(of_permit) < set(ids), "in both feeds it is the same entry"
