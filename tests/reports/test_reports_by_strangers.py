"""A stranger reports a problem: by a form without script or login, once, and follows it by a number that tells
nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from desk import Desk as Loop
from report_room import CONTACT, NUMBER, WORDS, Counter, Form

from certsvc.domain.problem_report import KEPT_UNANSWERED_DAYS
from certsvc.http.desk import reports
from certsvc.ids import new_ref, new_report_number

pytest_plugins = ["report_fixtures"]


def form_address(filing: dict[str, Any]) -> str:
    """Where a result page leads."""
    return f"/reports/new?by=qr&code={filing['code']}&said=valid&at=2026-11-27T02:08:31%2B00:00"


def test_a_report_is_made_by_the_form_and_followed_by_its_number(
    counter: Counter, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.10") as one:
            page = await one.get(form_address(filing))
            assert page.status_code == 200
            assert filing["holder"] in page.text and "结论照您打开的页面所说转述" in page.text
            assert f"办结 30 天后删除；一直没有办结的，期限过后 {KEPT_UNANSWERED_DAYS} 天删除" in page.text
            fields = Form(page.text).fields | {"kind": "data_wrong", "words": WORDS, "contact": CONTACT}
            sent = await one.post("/reports", data=fields)
            assert sent.status_code == 303
            number = sent.headers["location"].removeprefix("/reports/")
            assert NUMBER.fullmatch(number)
            seen = await one.get(sent.headers["location"])
        assert seen.status_code == 200 and number in seen.text and "报告已收到" in seen.text
        assert "云山市市场监督管理局" in seen.text and filing["code"] in seen.text
        for hidden in (WORDS, CONTACT, "13800000000"):
            assert hidden not in seen.text
        found = await counter.followed(number)
        assert (found["state"], found["kind"], found["certificate"]) == ("open", "data_wrong", filing["code"])
        assert WORDS not in str(found) and "13800000000" not in str(found)

    desk.run(story())


def test_a_form_sent_twice_or_by_many_at_once_is_one_report(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        token = "twice-" + "a" * 20
        numbers = await asyncio.gather(*(counter.send(token=token, contact=CONTACT) for _ in range(6)))
        assert len({*numbers, await counter.send(token=token, contact=CONTACT)}) == 1
        other = await counter.post(token=token, words="别的话")
        assert (other.status_code, other.json()["code"]) == (409, "reported_before")

    desk.run(story())


def test_who_goes_back_and_sends_other_words_loses_nothing_and_may_send_again(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.11") as one:
            fields = Form((await one.get("/reports/new")).text).fields | {"kind": "other", "words": "一"}
            first = await one.post("/reports", data=fields)
            again = await one.post("/reports", data=fields | {"words": "二"})
            assert again.status_code == 409 and first.headers["location"].rpartition("/")[2] in again.text
            kept = Form(again.text).fields
            assert (kept["words"], kept["kind"]) == ("二", "other") and kept["token"] != fields["token"]
            second = await one.post("/reports", data=kept)
        assert second.status_code == 303 and second.headers["location"] != first.headers["location"]

    desk.run(story())


def test_what_is_wrong_is_said_above_and_at_the_field_and_nothing_typed_is_lost(
    counter: Counter, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.12") as one:
            fields = Form((await one.get(form_address(filing))).text).fields
            answer = await one.post("/reports", data=fields | {"contact": CONTACT, "words": "字" * 501})
            assert answer.status_code == 400
            for name in ("kind", "words"):
                assert f'id="{name}-error"' in answer.text
            assert 'role="alert"' in answer.text and 'href="#words"' in answer.text and 'href="#kind-1"' in answer.text
            assert answer.text.count("请删去 1 字") == 2
            kept = Form(answer.text).fields
            assert kept == fields | {"contact": CONTACT, "words": "字" * 501}
            mistyped = await one.post(
                "/reports?lang=en", data={**fields, "code": "KKHJ-7AF9-TZDW-3JXX-0", "kind": "other"}
            )
        assert mistyped.status_code == 400 and "check character" in mistyped.text

    desk.run(story())


def test_markup_that_is_typed_stays_text(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        evil = "</textarea><script>alert(1)</script>"
        async with counter.stranger("192.0.2.13") as one:
            fields = Form((await one.get("/reports/new")).text).fields
            answer = await one.post("/reports", data=fields | {"words": evil, "contact": f'"{evil}'})
        assert answer.status_code == 400 and "<script>alert" not in answer.text
        assert Form(answer.text).fields["words"] == evil

    desk.run(story())


@pytest.mark.parametrize("number", [new_report_number(), new_report_number().lower()], ids=["large", "small"])
def test_a_number_that_nobody_was_given_leads_to_the_same_page(counter: Counter, desk: Loop, number: str) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.14") as one:
            answer = await one.get(f"/reports/{number}")
            typed = await one.get("/reports", params={"number": number})
        assert answer.status_code == 404 and "没有这个编号的报告" in answer.text
        assert typed.status_code == 303 and typed.headers["location"] == f"/reports/{number.upper()}"

    desk.run(story())


def test_a_mistyped_number_is_said_before_any_look_up(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        number = await counter.send()
        wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
        async with counter.stranger("192.0.2.15") as one:
            for answer in (await one.get(f"/reports/{wrong}"), await one.get("/reports", params={"number": wrong})):
                assert answer.status_code == 400 and "校验位不符" in answer.text and f'value="{wrong}"' in answer.text

    desk.run(story())


def test_one_address_sends_so_many_reports_a_minute_and_others_go_on(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        sent = [await counter.post("192.0.2.16") for _ in range(7)]
        assert [answer.status_code for answer in sent] == [201] * 6 + [429]
        assert int(sent[-1].headers["retry-after"]) > 0
        assert (await counter.post("192.0.2.17")).status_code == 201
        async with counter.stranger("192.0.2.18") as one:
            asked = [await one.get(f"/reports/{new_report_number()}") for _ in range(61)]
        assert {answer.status_code for answer in asked[:60]} == {404} and asked[60].status_code == 429

    desk.run(story())


def test_another_sites_page_does_not_report_in_its_visitors_names(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.19") as one:
            answer = await one.post("/reports", data={"kind": "other"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403

    desk.run(story())


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"[1]", "application/json", 400),
        (b'{"kind": 1}', "application/json", 400),
        (b'{"words": "' + b"a" * 40_000 + b'"}', "application/json", 413),
        (b"words=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 60, "application/x-www-form-urlencoded", 400),
        (b"x", "multipart/form-data; boundary=x", 415),
        (b"", "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused(counter: Counter, desk: Loop, content: bytes, kind: str, status: int) -> None:
    async def story() -> None:
        async with counter.stranger(f"192.0.2.{100 + len(content) % 100}") as one:
            headers = {"Content-Type": kind, "Accept": "application/json"}
            answer = await one.post("/reports", content=content, headers=headers)
        assert answer.status_code == status, answer.text

    desk.run(story())


def test_what_a_page_hands_on_malformed_is_left_out(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        query = {"by": "x", "said": "genuine", "at": "yesterday", "file": "zz", "qr": "12a", "code": ""}
        async with counter.stranger("192.0.2.20") as one:
            page = await one.get("/reports/new", params=query)
        assert page.status_code == 200 and "您看到的结论" not in page.text

    desk.run(story())


def test_a_form_that_was_handed_a_code_alone_quotes_no_verdict(
    counter: Counter, filing: dict[str, Any], desk: Loop
) -> None:
    async def story() -> None:
        async with counter.stranger("192.0.2.22") as one:
            page = await one.get("/reports/new", params={"code": filing["code"]})
        assert page.status_code == 200 and filing["holder"] in page.text and "您看到的结论" not in page.text

    desk.run(story())


def test_a_code_that_is_not_on_record_is_reported_all_the_same(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        number = await counter.send(kind="looks_forged", code=new_ref(None).typed_code)
        found = await counter.followed(number)
        assert (found["certificate"], found["department"]) == (None, None)
        digits = await counter.send(kind="looks_forged", qr="123456789")
        assert (await counter.followed(digits))["certificate"] is None

    desk.run(story())


@pytest.mark.long
def test_the_tables_say_when_they_were_counted_and_not_when_they_were_shown(
    counter: Counter, desk: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "FIGURES_KEPT", timedelta(days=1))

    async def story() -> None:
        async with counter.stranger("192.0.2.23") as one:
            first = (await one.get("/reports")).text
            await counter.send()
            await asyncio.sleep(1.1)
            assert (await one.get("/reports")).text == first

    desk.run(story())


def test_the_tables_are_there_in_both_languages_and_as_json(counter: Counter, desk: Loop) -> None:
    async def story() -> None:
        await counter.send()
        async with counter.stranger("192.0.2.21") as one:
            page, english = await one.get("/reports"), await one.get("/reports?lang=en")
            data = await one.get("/reports", headers={"Accept": "application/json"})
        assert "按部门" in page.text and "By problem" in english.text
        assert {one["name"] for one in data.json()["kinds"]} >= {"data_wrong"}
        assert WORDS not in page.text + data.text

    desk.run(story())
