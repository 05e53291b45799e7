"""What is wrong is refused before anybody signs: each test is named after the flaw that a hostile reader found."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_sitting"))
from desk_room import DeskRoom, Hand, somebody
from desk_stories import AT, decided, id_of, payload
from sitting_people import agreed_of
from sitting_room import now, request_of, waiting
from village_people import APPROVER, CLERK, CONSENT, NOTES, PROOF, SECOND, VILLAGE, act, confirmed

from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.life import Event, not_allowed
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_doubt import DoubtNeed
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import IdentityCheck, ProofRequest
from certsvc.domain.states import STATES
from certsvc.errors import ActNotAllowed
from certsvc.ids import new_ref, parse_typed_code
from certsvc.issuance.village.checking import AutomaticCheck, Finding, automatic_checks
from certsvc.issuance.village.deciding import certificate_of, decide, submit
from certsvc.issuance.village.doubts import record_doubt
from certsvc.issuance.village.drafts import (
    Opening,
    open_at_counter,
    open_online,
    record_identity,
    save_by_code,
    save_draft,
)
from certsvc.issuance.village.reading import ProofView, view
from certsvc.issuance.village.sitting import mark, require_sitting
from certsvc.issuance.village.work import Said, VillageWork
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["walk_fixtures", "desk_fixtures"]
pytestmark = pytest.mark.long

COUPLE = "marital-relation-proof"
DAY = timedelta(days=1)
ASK_RECEIVER = """insert into proof_receiver (request_id, number, key, receiver, name, account, at)
  select id, 1, 'k', 'hall', '云岗镇服务大厅', handler, now() from proof_request where id = $1"""


def today() -> date:
    return beijing_date(now())


def identified(
    room: DeskRoom, key: str, changes: Mapping[str, Any] = {}, *, type_id: str = PROOF, notes: str | None = NOTES
) -> str:
    """The address of a draft in which everything is said but what the test leaves out."""

    async def story(work: VillageWork) -> str:
        who = await somebody(work, CLERK, VILLAGE)
        said = Said(payload=payload(type_id, **changes), notes=notes, consent=CONSENT)
        one = (await open_at_counter(work, who, Opening(key=key, type_id=type_id, said=said), now())).request
        await record_identity(work, who, one.id, IdentityCheck.IN_PERSON, one.version, "seen", now())
        return one.id

    return f"{AT}/requests/{room.tell(story)}"


def field(page: str, key: str) -> str:
    """What the form says is wrong with a field."""
    return page.partition(f'id="f-{key}-error"')[2].partition("</p>")[0]


# ---- the term ----


def test_village_a_term_that_is_over_reaches_no_approver(desk_room: DeskRoom) -> None:
    over = {"valid_from": "2026-01-01", "valid_to": (today() - DAY).isoformat()}
    one, hand = identified(desk_room, "over", over), Hand(desk_room, CLERK)
    assert "还有 1 处要改" in hand.get(one).text
    for query, is_said in (("?saved=1", True), ("?check=1", True), ("", False)):
        assert ("已经过了" in field(hand.get(f"{one}/form{query}").text, "valid_to")) == is_said, query
    refused = hand.act(one, "submit")
    assert refused.status_code == 422 and f'href="{one}/form#f-valid_to"' in refused.text
    assert "有效期至 20" in refused.text and "请改成今天或以后的日期" in refused.text
    assert request_of(desk_room, id_of(one)).state is ProofState.DRAFT
    last = identified(desk_room, "last day", {**over, "valid_to": today().isoformat()})
    assert hand.act(last, "submit").status_code == 303, "the last day is a day of it"


def test_village_a_term_that_ended_while_it_waited_is_not_approved(desk_room: DeskRoom) -> None:
    one = id_of(identified(desk_room, "ends today", {"valid_to": today().isoformat()}))

    async def story(work: VillageWork) -> None:
        assert isinstance(work.requests, PostgresProofRequests)
        clerk, who, tomorrow = (
            await somebody(work, CLERK, VILLAGE),
            await somebody(work, APPROVER, VILLAGE),
            now() + DAY,
        )
        known = await work.requests.request(one)
        known = await submit(work, clerk, one, known.version, "submit", now())
        (agreed,) = agreed_of(known)
        sure = await confirmed(work.requests, act(known, ProofAct.APPROVE, APPROVER), tomorrow)
        await mark(work, who, agreed, now())
        for refused in (
            mark(work, who, agreed, tomorrow),
            require_sitting(work, who, [agreed], tomorrow),
            decide(work, who, one, True, None, known.version, "yes", tomorrow, sure),
        ):
            with pytest.raises(ActNotAllowed) as met:
                await refused
            assert "已经过了" in met.value.zh and "请退回经办人修改" in met.value.zh
        (content, *_) = await checks(work, who.name, await view(work, who, one, tomorrow), tomorrow)
        assert (content.finding, [each.field for each in content.values["problems"]]) == (Finding.BAD, ["valid_to"])
        assert (await decide(work, who, one, False, "期限已过", known.version, "no", tomorrow)).state == "returned"

    desk_room.tell(story)


def test_village_a_term_that_ends_before_it_begins_is_refused(desk_room: DeskRoom) -> None:
    turned = {"valid_from": (today() + 9 * DAY).isoformat(), "valid_to": (today() + 3 * DAY).isoformat()}
    one, hand = identified(desk_room, "turned", turned), Hand(desk_room, CLERK)
    assert "不能早于起始日" in field(hand.get(f"{one}/form?saved=1").text, "valid_to")
    refused = hand.act(one, "submit")
    assert refused.status_code == 422 and "不能早于起始日" in refused.text


async def checks(work: VillageWork, name: str, found: ProofView, at: datetime) -> list[AutomaticCheck]:
    """What is checked for somebody, of a seal that nobody has to open."""
    authorisations: Any = None
    return await automatic_checks(work, authorisations, await somebody(work, name, VILLAGE), found, at)


# ---- who was seen ----


@pytest.mark.parametrize(
    ("type_id", "changes"),
    [
        (PROOF, {"applicant": "周小民"}),
        (COUPLE, {"wife": "何秀音"}),
        (COUPLE, {"wife_id": "440524188001010014"}),
    ],
    ids=["name", "name of the second", "number of the second"],
)
def test_village_the_identity_check_does_not_stand_for_another_name(
    desk_room: DeskRoom, type_id: str, changes: Mapping[str, str]
) -> None:
    one = id_of(identified(desk_room, f"named {[*changes]}", type_id=type_id))

    async def story(work: VillageWork) -> None:
        who, known = await somebody(work, CLERK, VILLAGE), await work.requests.request(one)
        if type_id == COUPLE:
            for need in (DoubtNeed.LEGAL_REVIEW, DoubtNeed.RECEIVER_ACCEPTS):
                await record_doubt(work, who, one, need, "查过", known.version, f"{need}", now())
        same = await save(work, known, payload(type_id))
        assert (same.identity, same.consent) == (IdentityCheck.IN_PERSON, CONSENT), "of the same it stands"
        assert len((await view(work, who, one, now())).doubts) == (2 if type_id == COUPLE else 0)
        other = await save(work, same, payload(type_id, **changes))
        assert (other.identity, other.consent, other.holder_hash) == (None, None, same.holder_hash)
        assert (await view(work, who, one, now())).doubts == []
        with pytest.raises(ActNotAllowed, match="Nobody has recorded how it was seen"):
            await submit(work, who, one, other.version, "submit", now())
        agreed = await save(work, other, payload(type_id), consent=True)
        assert (agreed.identity, agreed.consent) == (None, CONSENT), "what they agree to comes with them"

    desk_room.tell(story)


async def save(work: VillageWork, known: ProofRequest, said: Mapping[str, Any], consent: bool = False) -> ProofRequest:
    """The clerk saves this."""
    draft = Said(payload=said, notes=NOTES, consent=CONSENT if consent else None)
    who, key = await somebody(work, CLERK, VILLAGE), f"saved {known.version}"
    return await save_draft(work, who, known.id, draft, known.version, key, now())


def test_village_a_resident_who_names_another_was_not_seen(desk_room: DeskRoom) -> None:
    async def story(work: VillageWork) -> None:
        said, who = Said(payload=payload(), consent=CONSENT), await somebody(work, CLERK, VILLAGE)
        made = await open_online(work, VILLAGE, Opening(key="r" * 20, type_id=PROOF, said=said), now())
        seen = await record_identity(work, who, made.request.id, IdentityCheck.OPENID, 1, "seen", now())
        assert seen.identity is IdentityCheck.OPENID
        other = Said(payload=payload(applicant="别人"), consent=CONSENT)
        named = await save_by_code(work, made.code, other, seen.version, "other", now())
        assert (named.identity, named.consent) == (None, CONSENT)

    desk_room.tell(story)


def test_village_what_was_saved_before_this_was_reckoned_is_compared_as_well(desk_room: DeskRoom) -> None:
    """Of a draft of before nothing is kept but what it says, and that is all there is to compare."""
    one = id_of(identified(desk_room, "of before"))

    async def story(work: VillageWork) -> None:
        known, cipher = await work.requests.request(one), work.issuing.cipher
        context = b"proof request " + one.encode()
        content = msgspec.json.decode(cipher.decrypt(known.sealed or b"", context, known.key_id or ""))
        del content["named_since"]
        assert isinstance(work.requests, PostgresProofRequests)
        async with work.requests._pool.transaction() as connection:
            sealed = cipher.encrypt(msgspec.json.encode(content), context)
            await connection.execute("update proof_request set sealed = $2 where id = $1", one, sealed)
        same = await save(work, known, payload())
        assert same.identity is IdentityCheck.IN_PERSON
        assert (await save(work, same, payload(applicant="周小民"))).identity is None

    desk_room.tell(story)


# ---- how it was looked into ----


@pytest.mark.parametrize("notes", [None, "核实方式：入户走访", "看过，属实", "核实方式：入户走访\n "])
def test_village_nothing_is_submitted_that_nobody_looked_into(desk_room: DeskRoom, notes: str | None) -> None:
    one, hand = identified(desk_room, f"not looked {notes}", notes=notes), Hand(desk_room, CLERK)
    page = hand.get(one).text
    assert f'下一步：<a href="{one}/form#way-1">写明怎样核实的和核实经过</a>' in page
    refused = hand.act(one, "submit")
    assert refused.status_code == 409 and "还没有写明怎样核实的和核实经过" in refused.text
    assert request_of(desk_room, id_of(one)).state is ProofState.DRAFT


def test_village_what_was_submitted_without_it_is_marked_for_the_approver(desk_room: DeskRoom) -> None:
    (one,) = waiting(desk_room, "looked into")

    async def story(work: VillageWork) -> None:
        found = await view(work, await somebody(work, APPROVER, VILLAGE), one, now())
        bare = replace(found, content=msgspec.structs.replace(found.content, notes=None))
        said = [(await checks(work, APPROVER, each, now()))[1].finding for each in (found, bare)]
        assert said == [Finding.GOOD, Finding.BAD]

    desk_room.tell(story)


# ---- one's own ----


def test_village_nobody_approves_a_proof_for_themselves_unwarned(desk_room: DeskRoom) -> None:
    async def keeper(work: VillageWork) -> str:
        found = await work.requests.seal_of(VILLAGE)
        assert found is not None
        return found[1]

    said = {
        APPROVER: "请不要审批，请另一名审批人办理",
        CLERK: "如果是同一个人，请退回，换一人经办",
        desk_room.tell(keeper): "如果是同一个人，请退回，换一人经办",
        SECOND: "持有人与您、经手过这件的人和印章保管人都没有同名的",
    }
    for name, words in said.items():
        one = identified(desk_room, f"own {name}", {"applicant": name})
        assert Hand(desk_room, CLERK).act(one, "submit").status_code == 303, name
        assert words in Hand(desk_room, APPROVER).get(one).text, name
    assert "If that is you, do not approve" in Hand(desk_room, SECOND).get(f"{one}?lang=en").text


def test_village_the_second_spouse_is_a_holder_too(desk_room: DeskRoom) -> None:
    one = id_of(identified(desk_room, "own wife", {"wife": APPROVER}, type_id=COUPLE))

    async def story(work: VillageWork) -> None:
        found = await view(work, await somebody(work, APPROVER, VILLAGE), one, now())
        own = (await checks(work, APPROVER, found, now()))[2]
        assert (own.finding, own.said, own.values) == (Finding.HEED, "own_yours", {"name": APPROVER})
        empty = await checks(work, APPROVER, replace(found, payload={}), now())
        assert empty[2].finding is Finding.UNKNOWN

    desk_room.tell(story)


# ---- words ----


def test_village_a_refusal_names_fields_as_people_do(desk_room: DeskRoom) -> None:
    wrong = {"phone": "x", "valid_from": "y", "applicant_id": "440524188001010015", "names": ["周桂芳", "\u202e"]}
    one, hand = identified(desk_room, "machine words", wrong), Hand(desk_room, CLERK)
    for language, words in (("zh", "公民身份号码、"), ("hant", "公民身份号码、"), ("en", "ID number, ")):
        said = hand.post(f"{one}/submit?lang={language}", **hand.hidden(one)).text
        summary = said.partition('class="summary"')[2].partition("</p>")[0].partition(">")[2]
        assert words in summary and ("Telephone" if language == "en" else "联系电话") in summary, summary
        assert [key for key in wrong if re.search(rf"\b{key}\b", summary)] == [], summary


@pytest.mark.parametrize("status", [*STATES])
def test_village_a_state_is_said_in_words(status: Any) -> None:
    event = Event(ref=new_ref(), act=Act.RESCIND, effective=date(2026, 11, 27), recorded_at=now(), actor="x")
    error = not_allowed("wrong_state", event, status)
    assert f"当日的状态是“{STATES[status].zh}”" in error.zh and f"“{STATES[status].en}”" in error.en
    assert not error.zh.replace("2026-11-27", "").isascii() and status.value not in error.zh


def test_village_a_forged_address_gets_the_way_out_of_the_catalogue(desk_room: DeskRoom) -> None:
    hand = Hand(desk_room, CLERK)
    for item, words in (("death-proof", "居民死亡医学证明"), ("made-up-proof", "目录里没有“made-up-proof”")):
        answer = hand.post(f"{AT}/new/{item}", **hand.hidden(f"{AT}/new?item={PROOF}"))
        assert answer.status_code == 422 and words in answer.text and "证照类型" not in answer.text, answer.text
        assert answer.text.count("当面读给") == hand.get(f"{AT}/new?item=death-proof").text.count("当面读给")


# ---- who is told ----


@pytest.mark.long
def test_village_a_correction_says_one_thing_of_who_is_told(desk_room: DeskRoom) -> None:
    one, hand = f"{AT}/requests/{waiting(desk_room, 'told')[0]}", Hand(desk_room, CLERK)
    desk_room.rows(ASK_RECEIVER, id_of(one))
    decided(desk_room, one, ProofAct.APPROVE)
    assert "告知已开具" in hand.get(one).text

    async def correct(work: VillageWork) -> str:
        who, known = await somebody(work, CLERK, VILLAGE), await work.requests.request(id_of(one))
        asked = Opening(
            key="corrects",
            type_id=PROOF,
            said=Said(payload=payload(account="4419-0000077"), notes=NOTES, consent=CONSENT),
            corrects=parse_typed_code(await certificate_of(work, known)),
            correction="户号写错",
            ground=CorrectionGround.CLERICAL,
        )
        made = (await open_at_counter(work, who, asked, now())).request
        await record_identity(work, who, made.id, IdentityCheck.IN_PERSON, made.version, "seen", now())
        return f"{AT}/requests/{made.id}"

    two = desk_room.tell(correct)
    assert hand.act(two, "submit").status_code == 303
    decided(desk_room, two, ProofAct.APPROVE)
    page = hand.get(two).text
    assert "告知已更正" in page and "原证明告知过的单位，更正时自动告知" in page
    assert "没有同意告知" not in page
