"""A whole day in a village, in a real browser: applied for on a phone, filled in, returned, corrected, approved,
sealed, fetched, verified by its QR, cancelled; an auditor who sees all of it and can write nothing; and what is refused
on the way."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest
from day_room import APPROVER, AT, CLERK, ITEM, Day, Seat, scanned
from day_steps import (
    CODE,
    SHOWN,
    applied,
    approved_in_a_sitting,
    audited,
    cancelled,
    corrected,
    fetched,
    filled_and_submitted,
    handed_out,
    returned,
    verdict,
    with_passkey,
)
from demonstration import Home
from playwright.sync_api import APIResponse

from certsvc.demo.people import SEAL_ID, VILLAGE
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["day_fixtures"]
pytestmark = [pytest.mark.needs("chromium"), pytest.mark.long]
MANAGER = "黄卫东"


@pytest.mark.long(seconds=35)
def test_from_a_residents_phone_to_a_sealed_proof_and_its_end(village_day: Day) -> None:
    day = village_day
    with day.seat() as resident, day.seat(CLERK) as clerk, day.seat(APPROVER) as approver:
        code = applied(resident)
        with_passkey(clerk)
        filled_and_submitted(clerk)
        returned(approver)
        corrected(clerk)
        with_passkey(approver, again=False)
        approved_in_a_sitting(approver)
        one = clerk.request(SHOWN)
        day.waited(clerk, one, "已用印")
        clerk.looks_right("request-sealed")
        pdf = fetched(resident, code, handed_out(clerk, one))
        address = scanned(pdf, day.base)
        assert "有效" in verdict(resident, address)
        cancelled(clerk, approver, one)
        day.waited(resident, address, "已撤销")
        assert verdict(resident, address).startswith("无效")
        resident.looks_right("scan-cancelled")
        assert [*clerk.heard.complaints, *approver.heard.complaints, *resident.heard.complaints] == []
    audited(day, one)


def test_nobody_approves_their_own_request_by_page_by_forged_form_or_past_the_program(
    village_day: Day, village_day_home: Home
) -> None:
    with village_day.seat(CLERK) as clerk:
        one = clerk.request("房屋改造申请证明")
        clerk.go(one)
        assert clerk.page.locator("form[action*='/decide']").count() == 0
        assert clerk.go(f"{AT}/sitting") == 403
        assert clerk.page.locator("form[data-passkey=get]").count() == 0
        id_ = one.rpartition("/")[2]
        for path in (f"{one}/decide", f"{AT}/sitting"):
            assert forged(clerk, path, do="mark", id=id_).status == 403, path
        clerk.go(one)
        assert "等审批" in clerk.reads(), "it waits as it did"
    refused = past_the_program(
        village_day_home,
        "insert into approval_decision (approval_id, person, client, approves, at) "
        "select approval_id, $1, 'psql', true, now() from proof_request where id = $2",
        CLERK.name,
        id_,
    )
    assert refused == "nobody approves what they asked for themselves"


def test_a_seal_suspended_after_the_approval_waits_says_so_and_seals_when_it_is_resumed(
    village_day: Day, village_day_home: Home
) -> None:
    with village_day.seat(APPROVER) as approver:
        one = approver.request("房屋改造申请证明")
        approver.go(one)
        seal(village_day_home, "suspend")
        approver.page.fill("#confirm-password", APPROVER.password)
        approver.page.fill("#confirm-code", village_day.codes.next(APPROVER))
        approver.page.click("form[data-passkey=get] button.main")
        approver.page.wait_for_load_state()
        village_day.waited(approver, one, "停用了")
        assert "等用印" in approver.reads()
        approver.looks_right("waits-for-seal")
        seal(village_day_home, "resume")
        village_day.waited(approver, one, "已用印")


def seal(home: Home, act: str) -> None:
    """The manager of the seal acts on it, on the command line."""
    (done,) = home.json("seal", act, SEAL_ID, "--by", MANAGER, "--reason", "年度检查")
    assert done["state"] == {"suspend": "suspended", "resume": "enabled"}[act], done


def forged(seat: Seat, path: str, **more: str) -> APIResponse:
    """What a form of ours is answered that the page did not show, with the token of the session."""
    seat.go("/village/account")
    token = seat.page.locator("input[name=form_token]").first.input_value()
    said = {"opinion": "agree", "seen": "4", "key": "forged-key-of-a-form", "passkey": ""}
    fields: dict[str, str | float | bool] = {"form_token": token, **said, **more}
    origin = {"Origin": seat.day.base, "Sec-Fetch-Site": "same-origin"}
    return seat.page.request.post(f"{seat.day.base}{path}", form=fields, headers=origin)


def past_the_program(home: Home, statement: str, *values: object) -> str:
    """What the database says to the owner of its tables; nothing if it lets it pass."""

    async def done() -> str:
        connection = await asyncpg.connect(EmbeddedServer(home.path).uri("certsvc"))
        try:
            await connection.execute(statement, *values)
        except asyncpg.PostgresError as error:
            return str(error)
        finally:
            await connection.close()
        return ""

    with ThreadPoolExecutor(1) as another:  # the browser's loop runs in this thread
        return another.submit(lambda: asyncio.run(done())).result()


def test_a_line_that_drops_in_the_middle_of_a_form_loses_nothing(village_day: Day) -> None:
    with village_day.seat(CLERK) as clerk:
        one = clerk.request("供水、供电报装证明")
        clerk.go(f"{one}/form")
        field = clerk.page.locator("main textarea").first
        clerk.page.context.set_offline(True)
        field.fill("断线前后都在的话")
        clerk.page.locator("[data-status]").wait_for()
        clerk.looks_right("line-dropped")
        assert field.input_value() == "断线前后都在的话"
        clerk.page.context.set_offline(False)
        clerk.page.locator("button[name=then][value='']").last.click()
        clerk.page.wait_for_load_state()
        clerk.go(f"{one}/form")
        assert clerk.page.locator("main textarea").first.input_value() == "断线前后都在的话"


STRANGE = {"markup": "<script>alert(1)</script>周", "emoji": "周小明😀", "rare": "李小𠮷", "hidden": "周\u202e明"}


@pytest.mark.parametrize("name", STRANGE.values(), ids=STRANGE)
def test_a_strange_name_is_kept_as_it_was_typed_and_seals_nothing(village_day: Day, name: str) -> None:
    with village_day.seat(script=False) as resident:
        resident.go(f"/apply/441900/{ITEM}/form?organ={VILLAGE}")
        resident.page.fill("#f-applicant", name)
        resident.page.fill("#f-applicant_id", CODE)
        resident.page.get_by_role("button", name="提交申请").last.click()
        resident.page.wait_for_load_state()
        assert resident.page.input_value("#f-applicant") == name
        assert resident.page.locator(".summary[role=alert]").count() == 1
        assert resident.heard.complaints == [] and "<script>alert" not in resident.page.content()


def test_another_places_request_by_its_address_is_not_there(village_day: Day) -> None:
    with village_day.seat(CLERK) as clerk:
        one = clerk.request("迁葬证明")
        assert clerk.go(one) == 200
        for other in ("54441900ME0034D529", "11441900007335014X", "54441900ME00"):
            assert clerk.go(one.replace(VILLAGE, other)) == 404
        assert clerk.go(one[:-4] + "aaaa") == 404
