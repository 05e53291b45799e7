"""The clerk's desk in a browser: from a draft to a sealed proof, corrected and cancelled; and who may do what."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import PASSWORD
from desk_room import DeskRoom, Hand
from desk_stories import AT, decided, draft, id_of, saved
from gallery import DESK, PHONE, browser
from test_browser_pages import opened, overflow, violations
from village_people import APPROVER, AUDITOR, CLERK, OTHER, SECOND, STRANGER, account_of

from certsvc.domain.proof_acts import ProofAct
from certsvc.errors import Queued

__all__ = ["browser"]
pytest_plugins = ["desk_fixtures"]
DOUBTFUL = "marital-relation-proof"
REVOKE_ALL = """insert into seal_authorisation_end (authorisation_id, why, ended_by, ended_at)
  select id, 'revoked', keeper, now() from seal_authorisation"""


def text_of(html: str) -> str:
    """What a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@contextmanager
def at_desk(browser: Browser, room: DeskRoom, name: str = CLERK, lang: str = "zh", **options: object) -> Iterator[Page]:
    """Somebody who has signed in, in a browser."""
    with opened(browser, **{"viewport": DESK, "java_script_enabled": False, "locale": "zh-CN", **options}) as (page, _):
        page.goto(f"{room.base}/village/sign-in?lang={lang}")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.click("form[aria-labelledby=by-password] button")
        yield page


def bind_seal(room: DeskRoom, needs: str) -> None:
    """Whether the village's seal waits for its keeper's authorisation; past the rules, which know no way back."""
    for statement in (
        "alter table seal disable trigger user",
        f"update seal set needs_authorisation = {needs} where id = 'village-shitang'",
        "alter table seal enable trigger user",
    ):
        room.rows(statement)


def shot(page: Page, name: str) -> None:
    """A picture, where a folder for them is named."""
    if folder := os.environ.get("CERTSVC_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.long
@pytest.mark.needs("chromium")
def test_a_clerk_takes_a_request_from_its_draft_to_its_end_without_script(
    browser: Browser, desk_room: DeskRoom
) -> None:
    room, draft_page = desk_room, draft(desk_room, "whole")
    with at_desk(browser, room) as page:
        page.goto(f"{room.base}{AT}")
        page.locator(f"a[href='{draft_page}']").click()
        page.click("#submit button")
        assert "还没有记录怎样核验申请人身份" in page.inner_text(".summary[role=alert]")
        assert page.locator("#submit .error").is_visible()
        page.check("#identity [value=in_person]")
        page.click("#identity button")
        assert "当面核验" in page.inner_text("section[aria-labelledby=looked]")
        page.click("#submit button")
        assert page.inner_text(".tag") == "等审批" and page.locator("#submit").count() == 0
        decided(room, draft_page, ProofAct.RETURN, "户号少一位")
        page.goto(f"{room.base}{draft_page}")
        assert "户号少一位" in page.inner_text("section[aria-labelledby=handled]")
        saved(room, draft_page, account="4419-0000009")
        page.goto(f"{room.base}{draft_page}")
        changed = page.locator("[aria-labelledby=since-round]")
        assert changed.locator("del").all_inner_texts()[0] != "4419-0000009"
        assert "4419-0000009" in changed.locator("ins").all_inner_texts()
        shot(page, "returned")
        page.click("#submit button")
        decided(room, draft_page, ProofAct.APPROVE)
        page.goto(f"{room.base}{draft_page}")
        shot(page, "sealed")
        assert page.locator(f"a[href='{draft_page}/file']").count() == 1
        file = page.request.get(f"{room.base}{draft_page}/file")
        assert file.status == 200 and file.body().startswith(b"%PDF") and file.headers["cache-control"] == "no-store"
        page.select_option("#correct-ground", "clerical")
        page.fill("#correct [name=reason]", "户号还是不对")
        page.click("#correct button")
        assert page.url.endswith("/form") and id_of(draft_page) not in page.url
        correcting = page.url.removesuffix("/form")
        page.goto(correcting)
        assert "户号还是不对" in page.inner_text("main") and "4419-0000009" in page.inner_text("main")
        page.click("summary:has-text('撤回申请')")
        page.fill("#withdraw [name=reason]", "不用更正了")
        page.click("#withdraw button")
        assert page.inner_text(".tag") == "已撤回"
        page.goto(f"{room.base}{draft_page}")
        page.click("summary:has-text('申请撤销')")
        page.select_option("#cancel-reason_code", "not_qualified")
        page.fill("#cancel-reason", "名单有外村人员")
        page.select_option("#cancel-legal_basis", index=1)
        page.fill("#cancel-decision_number", "石塘村撤〔2026〕1号")
        page.click("#cancel button")
        assert "等审批人决定" in page.inner_text("main") and page.locator("#cancel").count() == 0
        decided(room, draft_page, ProofAct.CONFIRM_CANCEL)
        page.reload()
        assert page.inner_text(".tag") == "已撤销"
    taken = room.rows("select actor from audit where action = 'take_proof_file'")
    assert [row["actor"] for row in taken] == [CLERK]


@pytest.mark.needs("chromium")
@pytest.mark.long
@pytest.mark.parametrize(
    ("lang", "viewport"),
    [("zh", PHONE), ("hant", DESK), ("en", {"width": 320, "height": 700})],
    ids=["zh", "hant", "en"],
)
def test_every_page_of_the_desk_fits_and_can_be_used_by_all(
    browser: Browser, desk_room: DeskRoom, lang: str, viewport: dict[str, int]
) -> None:
    one = draft(desk_room, f"looks {lang}", DOUBTFUL)
    with at_desk(browser, desk_room, lang=lang, viewport=viewport, java_script_enabled=True) as page:
        for path in (AT, one, f"{one}/slip", f"{one}/preview"):
            page.goto(f"{desk_room.base}{path}?lang={lang}")
            assert overflow(page) <= 0, path
            assert violations(page) == [], path
            shot(page, f"{path.rpartition('/')[2]}-{lang}")


def test_an_auditor_reads_everything_and_has_no_form(desk_room: DeskRoom) -> None:
    one, auditor = draft(desk_room, "audited"), Hand(desk_room, AUDITOR)
    page = auditor.get(one).text
    assert "周桂芳" in page and f'action="{one}' not in page
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert token is not None
    for act in ("identity", "submit", "withdraw", "reopen", "cancel", "correct", "doubt"):
        forged = auditor.post(f"{one}/{act}", form_token=token[1], version="1", key="forged", how="visit", reason="x")
        assert forged.status_code == 403, act
    assert auditor.get(f"{one}/file").status_code == 403
    seen = desk_room.rows("select detail from audit where action = 'view_proof_request' and actor = $1", AUDITOR)
    assert any(id_of(one) in row["detail"] for row in seen), "that somebody else read it is on record"
    (row,) = desk_room.rows("select version, state from proof_request where id = $1", id_of(one))
    assert (row["version"], row["state"]) == (1, "draft")


@pytest.mark.long
def test_a_character_that_no_font_has_is_named_to_the_clerk_by_its_field(desk_room: DeskRoom) -> None:
    said = "申请人：“𪛖”（U+2A6D6）这个字印不出来"
    one, clerk = draft(desk_room, "unprintable", applicant="周𪛖芳"), Hand(desk_room, CLERK)
    seen = {**clerk.hidden(one), "how": "in_person"}
    assert clerk.post(f"{one}/identity", **seen).status_code == 303
    refused = clerk.post(f"{one}/submit", **clerk.hidden(one))
    assert refused.status_code == 422
    preview = clerk.get(f"{one}/preview")
    for page in (refused.text, preview.text):
        assert said.split("：")[1] in text_of(page) and f'{one}/form#f-applicant"' in page
        assert "fonts.extra" not in page and "applicant 中" not in page
    assert said in text_of(refused.text)


def test_what_submitting_fills_in_is_not_listed_as_missing(desk_room: DeskRoom) -> None:
    one, clerk = draft(desk_room, "no handler", handler="", applicant=""), Hand(desk_room, CLERK)
    page = clerk.get(one).text
    assert "form#f-applicant" in page and "form#f-handler" not in page


def test_another_village_s_request_is_not_there(desk_room: DeskRoom) -> None:
    one, stranger = draft(desk_room, "not theirs"), Hand(desk_room, STRANGER)
    theirs = one.replace(AT, f"/village/at/{OTHER}")
    nothing = theirs.replace(id_of(one), "v-" + "a" * 20)
    for page in (one, theirs, nothing):
        for path in ("", "/slip", "/preview", "/preview.png", "/preview.pdf", "/file"):
            assert stranger.get(page + path).status_code == 404, page + path
        fields = {"form_token": stranger.hidden(f"/village/at/{OTHER}")["form_token"], "seen": "1", "key": "x"}
        assert stranger.post(f"{page}/submit", **fields).status_code == 404
    said = [text_of(stranger.get(page).text).replace(id_of(page), "") for page in (theirs, nothing)]
    assert said[0] == said[1]
    assert stranger.get("/village/at/54441900ME0000000X").status_code == 404


@pytest.mark.long
def test_who_comes_second_is_told_what_happened_and_keeps_what_they_wrote(desk_room: DeskRoom) -> None:
    one, first, second = draft(desk_room, "two at once"), Hand(desk_room, CLERK), Hand(desk_room, SECOND)
    stale = second.hidden(one)
    sent = {**first.hidden(one), "how": "visit"}
    assert [first.post(f"{one}/identity", **sent).status_code for _ in range(2)] == [303, 303], "sent twice"
    (row,) = desk_room.rows("select version from proof_request where id = $1", id_of(one))
    assert row["version"] == 2
    late = second.post(f"{one}/withdraw", **{**stale, "reason": "他说不办了"})
    assert late.status_code == 412
    said = text_of(late.text)
    assert "这段时间有人办过" in said and f"上门核验 {CLERK}" in said
    assert "他说不办了</textarea>" in late.text and 'name="seen" value="2"' in late.text
    again = dict(re.findall(r'<input type="hidden" name="(form_token|seen|key)" value="([^"]+)"', late.text))
    assert second.post(f"{one}/withdraw", **{**again, "reason": "他说不办了"}).status_code == 303
    assert second.post(f"{one}/withdraw", **{**again, "reason": "别的原因"}).status_code == 422, "the key was used"


@pytest.mark.long
def test_a_proof_in_doubt_is_submitted_only_with_what_the_law_asks_for_on_record(desk_room: DeskRoom) -> None:
    one, clerk, second = draft(desk_room, "doubtful", DOUBTFUL), Hand(desk_room, CLERK), Hand(desk_room, SECOND)
    assert clerk.act(one, "identity", how="in_person").status_code == 303
    refused = clerk.act(one, "submit")
    assert refused.status_code == 409 and "法律审查、接收单位书面同意" in refused.text
    assert clerk.act(one, "doubt", need="legal_review", said=" ").status_code == 400
    assert clerk.act(one, "doubt", need="paper", said="不要求这个").status_code == 400
    sent = {**second.hidden(one), "need": "legal_review", "said": "镇司法所审查，可以用电子件"}
    assert [second.post(f"{one}/doubt", **sent).status_code for _ in range(2)] == [303, 303]
    assert "还没有记录：接收单位书面同意" in clerk.act(one, "submit").text
    assert clerk.act(one, "doubt", need="receiver_accepts", said="村镇银行来函同意").status_code == 303
    page = text_of(clerk.get(one).text)
    assert "镇司法所审查，可以用电子件" in page and "村镇银行来函同意" in page
    assert clerk.act(one, "submit").status_code == 303
    kept = desk_room.rows("select need, person from proof_doubt_check where request_id = $1 order by at", id_of(one))
    assert [(row["need"], row["person"]) for row in kept] == [("legal_review", SECOND), ("receiver_accepts", CLERK)]
    (row,) = desk_room.rows("select is_maker($1, $2) as made", id_of(one), account_of(SECOND))
    assert row["made"], "who recorded a check never approves"
    assert "要由另一名审批人审批" in text_of(second.get(one).text)
    assert "要由另一名审批人审批" not in text_of(Hand(desk_room, APPROVER).get(one).text)


@pytest.mark.long
def test_what_waits_for_the_seal_says_why_and_whether_anybody_must_act(desk_room: DeskRoom) -> None:
    one, clerk = draft(desk_room, "waits"), Hand(desk_room, CLERK)
    assert clerk.act(one, "identity", how="in_person").status_code == 303
    assert clerk.act(one, "submit").status_code == 303
    bind_seal(desk_room, "true")
    desk_room.rows("alter table seal_authorisation_end disable trigger user")
    desk_room.rows(REVOKE_ALL)
    with pytest.raises(Queued):
        decided(desk_room, one, ProofAct.APPROVE)
    for path in (one, AT):
        assert "印章保管人撤销了授权，重新授权以后会自动用印。 要有人处理。" in text_of(clerk.get(path).text), path
    bind_seal(desk_room, "false")
    desk_room.seal(id_of(one))
    assert "已用印" in text_of(clerk.get(one).text) and "要有人处理" not in text_of(clerk.get(one).text)


@pytest.mark.long
def test_the_inbox_begins_with_what_is_late_and_goes_on_by_a_link(desk_room: DeskRoom) -> None:
    hand, ids = Hand(desk_room, CLERK), [id_of(draft(desk_room, f"listed {n}")) for n in range(2)]
    make = """insert into proof_request (id, organ, type_id, origin, opened_by, key, digest, opened_at, changed_at,
        code_hash, due, shown, sealed, key_id)
      select 'v-' || translate(lpad(n::text, 20, 'a'), '01', 'bc'), organ, type_id, origin, opened_by, 'many ' || n,
        digest, opened_at, changed_at, sha256(n::text::bytea), current_date - 400 + n, '列' || n, sealed, key_id
      from proof_request, generate_series(222, 252) n where id = $1 and n::text !~ '[89]'"""
    desk_room.rows(
        f"""with made as ({make} returning id)
        insert into proof_request_event (request_id, version, act, state, account, person, at)
        select id, 1, 'open', '', $2, $3, now() from made""",
        ids[0],
        account_of(CLERK),
        CLERK,
    )
    first = hand.get(AT).text
    mine = first[: first.index('id="others"')]
    assert mine.index("列222") < mine.index("列223") and mine.count("已过期限") >= 20 and ids[1] not in mine
    (more,) = re.findall(rf'href="({AT}\?mine=[^"]+)"', mine)
    rest = hand.get(more.replace("&amp;", "&")).text
    assert "列252" in rest and "列222" not in rest and ids[1] in rest
    assert hand.get(f"{AT}?mine=2026-11-31~{ids[0]}").status_code == 400
    empty = Hand(desk_room, STRANGER).get(f"/village/at/{OTHER}").text
    assert "现在没有等您办的。" in empty and f'href="/village/at/{OTHER}/new"' in empty
