"""Nobody of the village acts as the resident, and nothing typed inside is published: each named after the flaw."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from desk_stories import AT, decided, draft
from resident_room import (
    CLERK,
    CODE,
    FOUR,
    GROUND,
    DeskRoom,
    Hand,
    Phone,
    cancelled,
    code_on,
    corrected,
    hidden,
    page_of,
    sealed,
    submitted,
)
from village_people import APPROVER, AUDITOR, SECOND

from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_ground import GROUND_WORDS
from certsvc.domain.proof_request import hash_of_code
from certsvc.errors import Queued
from certsvc.http.language import Language, load_languages
from certsvc.http.verifier.notes import ground_said
from certsvc.ids import ProgressCode
from certsvc.issuance.village.work import VillageWork

pytest_plugins = ["walk_fixtures", "resident_fixtures"]
pytestmark = pytest.mark.long
PROGRESS = "/apply/progress"
WORDS = Path(__file__).resolve().parents[2] / "verifier_web" / "words"
STATE = "update seal set state = '{}' where id = 'village-shitang'"


@pytest.fixture(scope="module")
def languages() -> dict[str, Language]:
    """The words of the pages."""
    return load_languages(WORDS)


def page_with(room: DeskRoom, code: ProgressCode) -> str:
    """The page in the console of the request with this code."""

    async def story(work: VillageWork) -> str:
        return page_of(await work.requests.of_code(hash_of_code(code)))

    return room.tell(story)


def past_the_rules(room: DeskRoom, state: str) -> None:
    """The village's seal is in another state, whoever says so."""
    for statement in (
        "alter table seal disable trigger user",
        STATE.format(state),
        "alter table seal enable trigger user",
    ):
        room.rows(statement)


@pytest.mark.parametrize("name", [CLERK, APPROVER, SECOND, AUDITOR])
def test_village_nobody_of_the_village_is_shown_the_code_of_an_online_request(
    resident_room: DeskRoom, name: str
) -> None:
    code = Phone(resident_room).asks()
    page, hand = page_with(resident_room, code), Hand(resident_room, name)
    shown = [hand.get(f"{page}{each}") for each in ("", "/form", "/preview", "/evidence", "/handing", "/telling")]
    slip = hand.get(f"{page}/slip")
    assert slip.status_code == 403 and "只有申请人自己有" in slip.text
    for answer in (*shown, slip, hand.get(AT), hand.get(f"{AT}?lang=en")):
        assert not CODE.search(answer.text) and code.replace("-", "") not in answer.text.replace("-", ""), answer.url
    assert name != CLERK or "只有申请人自己有，这里不显示" in shown[0].text
    assert "/slip" not in shown[0].text


@pytest.mark.parametrize("name", [APPROVER, AUDITOR])
def test_village_only_a_clerk_has_the_code_of_what_was_asked_for_at_the_counter(
    resident_room: DeskRoom, name: str
) -> None:
    page = draft(resident_room, f"slip {name}")
    assert CODE.search(Hand(resident_room, CLERK).get(f"{page}/slip").text)
    other = Hand(resident_room, name)
    assert other.get(f"{page}/slip").status_code == 403
    assert not CODE.search(other.get(page).text) and "/slip" not in other.get(page).text


def test_village_with_the_code_of_the_counter_one_follows_and_changes_nothing(resident_room: DeskRoom) -> None:
    phone, page = Phone(resident_room), draft(resident_room, "counter code")
    code = code_on(Hand(resident_room, CLERK).get(f"{page}/slip").text)
    shown = phone.post(PROGRESS, {"code": code}).text
    assert "到柜台" in shown and "经办人在办" in shown
    assert 'name="four"' not in shown and 'name="do"' not in shown, "no way that leads nowhere"
    before = resident_room.rows("select version from proof_request where id = $1", page.rpartition("/")[2])
    for done in ("open", "save", "withdraw"):
        asked = {"code": code, "four": FOUR, "do": done, "seen": "1", "sure": "yes", "f.applicant": "司徒健"}
        refused = phone.post(PROGRESS, asked)
        assert refused.status_code == 403 and "柜台" in refused.text, done
    assert phone.post("/apply/evidence", {"code": code, "four": FOUR}).status_code == 403
    assert resident_room.rows("select version from proof_request where id = $1", page.rpartition("/")[2]) == before


def test_village_the_resident_of_an_online_request_still_changes_and_takes_back(resident_room: DeskRoom) -> None:
    shown = Phone(resident_room).post(PROGRESS, {"code": Phone(resident_room).asks()}).text
    assert 'name="do" value="open"' in shown and 'name="do" value="withdraw"' in shown
    assert "在柜台办的" not in shown


def test_village_code_and_collection_number_do_not_lie_on_one_sheet(resident_room: DeskRoom) -> None:
    code = Phone(resident_room).asks()
    page, hand = f"{page_of(sealed(resident_room, code))}/handing", Hand(resident_room, CLERK)
    sheet = hand.post(page, **{**hidden(hand.get(page).text), "to": "applicant", "seen": "in_person"}).text
    assert re.search(r"<i>\d{4}</i><i>\d{4}</i>", sheet)
    assert (
        not CODE.search(sheet)
        and 'class="qr"' not in sheet
        and "<svg" not in sheet.partition('class="box ticket"')[2].partition("</section>")[0]
    )


def test_village_what_is_typed_of_a_cancellation_is_not_published(resident_room: DeskRoom) -> None:
    request = sealed(resident_room, Phone(resident_room).asks())
    page, clerk = page_of(request), Hand(resident_room, CLERK)
    asked = {"reason_code": "not_qualified", "reason": "司徒健已迁出", "decision_number": "石塘村撤〔2026〕7号"}
    basis = re.search(r'<option value="([^"]*厅字〔2022〕28号[^"]*)"', clerk.get(page).text)
    assert basis, "what the type names is to be chosen"
    for wrong in (
        {"reason_code": "司徒健"},
        {"legal_basis": "司徒健的来信"},
        {"decision_number": "司徒健撤〔2026〕7号"},
        {"decision_number": "石塘村撤〔2026〕7号司徒健"},
    ):
        refused = clerk.act(page, "cancel", **{**asked, "legal_basis": basis[1], **wrong})
        assert refused.status_code == 400, wrong
    assert clerk.act(page, "cancel", **asked, legal_basis=basis[1]).status_code == 303
    approver = Hand(resident_room, APPROVER).get(page).text
    assert "司徒健已迁出" in approver and "不符合开具条件" in approver, "who decides reads both"
    decided(resident_room, page, ProofAct.CONFIRM_CANCEL)
    (event,) = resident_room.rows("select * from event where act = 'rescind' order by id desc limit 1")
    assert event["reason"] == "不符合开具条件" and event["decision_number"] == "石塘村撤〔2026〕7号"
    assert event["legal_basis"] == basis[1] and not any("司徒健" in str(value) for value in event.values())
    assert not resident_room.rows("select from notice where data::text like '%司徒健%'")
    assert "司徒健已迁出" in clerk.get(page).text, "who may read the request reads what was typed"


def test_village_what_is_typed_of_a_correction_is_not_published(resident_room: DeskRoom) -> None:
    request = sealed(resident_room, Phone(resident_room).asks(tell="made-up-hall"))
    page, clerk = page_of(request), Hand(resident_room, CLERK)
    refused = clerk.act(page, "correct", reason="司徒健说户号错了")
    assert refused.status_code == 400 and "请选一项" in refused.text and "司徒健说户号错了" in refused.text
    opened = clerk.act(page, "correct", reason="司徒健说户号错了", ground="clerical")
    assert opened.status_code == 303
    mended = opened.headers["location"].removesuffix("/form")
    assert "司徒健说户号错了" in clerk.get(mended).text
    clerk.act(mended, "withdraw", reason="另开")
    new = corrected(resident_room, request, reason="司徒健说户号错了")
    (event,) = resident_room.rows("select * from event where act = 'correct' order by id desc limit 1")
    assert event["reason"] == GROUND_WORDS["correct"]["clerical"]
    assert not any("司徒健" in str(value) for value in event.values())
    notice = clerk.get(f"{page_of(new)}/telling?lang=en").text
    assert "A character, number or date was wrong or left out" in notice and "司徒健" not in notice


def test_village_the_organ_that_is_told_reads_why_a_proof_was_cancelled(resident_room: DeskRoom) -> None:
    request = sealed(resident_room, Phone(resident_room).asks(tell="made-up-hall"))
    cancelled(resident_room, request)
    notice = Hand(resident_room, CLERK).get(f"{page_of(request)}/telling").text
    assert "不符合开具条件" in notice and str(GROUND.reason) not in notice


def test_village_what_is_published_has_words_in_every_language(languages: dict[str, Language]) -> None:
    assert languages["zh"].words["grounds"] == {act: dict(words) for act, words in GROUND_WORDS.items()}
    for act, words in GROUND_WORDS.items():
        for code, zh in words.items():
            said = {name: ground_said(act, code, zh, language) or "" for name, language in languages.items()}
            assert said["zh"] == zh and said["en"].isascii() and said["hant"], said
            assert ground_said(act, code, "局里的原因", languages["en"]) == "局里的原因", (
                "a department answers for its own"
            )


def test_village_while_its_seal_is_suspended_the_resident_is_not_told_of_minutes(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    request = submitted(resident_room, code)
    past_the_rules(resident_room, "suspended")
    try:
        with pytest.raises(Queued):
            decided(resident_room, page_of(request), ProofAct.APPROVE)
        shown = {lang: phone.post(f"{PROGRESS}?lang={lang}", {"code": code}).text for lang in ("zh", "hant", "en")}
    finally:
        past_the_rules(resident_room, "enabled")
    assert "印章现在不能用" in shown["zh"] and "几分钟" not in shown["zh"], shown["zh"][-2000:]
    assert "印章現在不能用" in shown["hant"] and "the seal cannot be used at the moment" in shown["en"]
    assert "黄卫东" not in shown["zh"] and CLERK not in shown["zh"], "no names"


def test_village_an_identity_provider_that_is_not_there_is_no_way_to_check_who_asks(resident_room: DeskRoom) -> None:
    page, clerk = draft(resident_room, "no provider"), Hand(resident_room, CLERK)
    shown = clerk.get(page).text
    assert 'value="in_person"' in shown and 'value="openid"' not in shown
    forged = clerk.act(page, "identity", how="openid")
    assert forged.status_code == 400 and "没有统一身份认证" in forged.text


def test_village_if_it_is_none_of_them_is_not_said_where_nothing_was_suggested(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    nothing, some = (phone.get(f"/apply/441900?name={name}").text for name in ("量子纠缠", "盖房子"))
    assert "都不是的话" not in nothing and "可以这样办" in nothing
    assert "都不是的话" in some and "house-alteration-proof" in some.partition("都不是的话")[0]


@pytest.mark.parametrize("typed", ["危房", "翻建", "盖房子", "蓋房子", "危房改造", "翻建房子"])
def test_village_what_residents_say_for_altering_a_house_finds_it(resident_room: DeskRoom, typed: str) -> None:
    answer = Phone(resident_room).client.get(f"/apply/441900?name={typed}", follow_redirects=True)
    assert answer.status_code == 200
    found = str(answer.url).endswith("/house-alteration-proof")
    assert found or "house-alteration-proof" in answer.text.partition("都不是的话")[0]


@pytest.mark.parametrize("code", ["zh", "hant", "en"])
def test_village_no_official_reads_a_command_of_developers(code: str) -> None:
    for path in sorted((WORDS / code).glob("village_*.toml")):
        assert "./dev" not in path.read_text("utf-8"), path.name
