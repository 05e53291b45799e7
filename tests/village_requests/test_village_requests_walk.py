"""From a resident's request to a sealed proof by two people; corrected, cancelled, and what is refused on the way."""

import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from village_hall import Hall, now, opened_hall, payload
from village_people import (
    APPROVER,
    AUDITOR,
    CLERK,
    CONSENT,
    NOTES,
    OTHER,
    PROOF,
    SECOND,
    STRANGER,
    VILLAGE,
    account_of,
    settle,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from walked import Walks

from certsvc.domain.approval import ApprovalState
from certsvc.domain.calendar import beijing_date
from certsvc.domain.life import Ground
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import Difference, IdentityCheck
from certsvc.errors import (
    ActNotAllowed,
    CertsvcError,
    Forbidden,
    InvalidInput,
    MissingGlyph,
    NotFound,
    PayloadInvalid,
    ProofRefused,
)
from certsvc.ids import parse_typed_code
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.village.deciding import (
    cancel,
    certificate_of,
    decide,
    decide_cancel,
    submit,
    withdraw_by_code,
)
from certsvc.issuance.village.drafts import (
    Opening,
    open_at_counter,
    open_online,
    problems_of,
    record_identity,
    save_by_code,
    save_draft,
)
from certsvc.issuance.village.reading import inbox, progress, view
from certsvc.issuance.village.work import Said, member
from certsvc.store.pool import open_pool

pytest_plugins = ["walk_fixtures"]

GROUND = Ground(
    reason="名单把外村人员列入",
    reason_code="not_qualified",
    legal_basis="厅字〔2022〕28号",
    decision_number="石塘村撤〔2026〕1号",
)


Told = Callable[[Callable[[Hall], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def hall(walks: Walks) -> Told:
    """Tells stories over a copy of the demonstration with a village's people."""

    async def people() -> None:
        async with open_pool(walks.uri) as pool:
            await settle(pool, "village-shitang", beijing_date(now()))

    walks.desk.run(people())

    def tell(story: Callable[[Hall], Coroutine[Any, Any, None]]) -> None:
        async def told() -> None:
            async with opened_hall(walks) as found:
                await story(found)

        walks.desk.run(told())

    return tell


def test_an_online_request_becomes_a_sealed_proof_by_two_people(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, clerk, approver = hall.work, await hall.who(CLERK), await hall.who(APPROVER)
        asked = Opening(key="random", type_id=PROOF, said=Said(payload=payload(phone="x"), consent=CONSENT))
        made = await open_online(work, VILLAGE, asked, now())
        assert await open_online(work, VILLAGE, asked, now()) == made, "sent twice: the same code"
        problems = problems_of(work, PROOF, payload(phone="x"), beijing_date(now()))
        assert [problem.field for problem in problems] == ["phone", "phone"]
        mended = Said(payload=payload(handler="随便写的"), notes=NOTES)
        request = await save_by_code(work, made.code, mended, made.request.version, "mended", now())
        assert request.id in [one.id for one in (await inbox(work, clerk, mine=True)).items]
        with pytest.raises(ActNotAllowed, match="Nobody has recorded"):
            await submit(work, clerk, request.id, request.version, "too early", now())
        request = await record_identity(work, clerk, request.id, IdentityCheck.OPENID, request.version, "seen", now())
        for _ in range(2):
            waiting = await submit(work, clerk, request.id, request.version, "submit", now())
        assert waiting.version == request.version + 1
        seen = await view(work, approver, request.id, now())
        assert (seen.payload["handler"], seen.since_round) == (CLERK, None)
        with pytest.raises(ActNotAllowed, match="confirmation"):
            await decide(work, approver, request.id, True, None, waiting.version, "unconfirmed", now())
        sure = await hall.confirms(waiting)
        for _ in range(2):
            done = await decide(work, approver, request.id, True, None, waiting.version, "yes", now(), sure)
        assert (await progress(work, made.code, now())).state is ProofState.APPROVED
        with pytest.raises(ActNotAllowed):
            await withdraw_by_code(work, made.code, done.version, "too late", now())
        assert done.approval_id is not None
        await carry_out(work.issuing, work.approvals, done.approval_id, now())
        said = await progress(work, made.code, now())
        assert (said.state, said.outcome) == (ProofState.SEALED, ApprovalState.DONE)
        code = await certificate_of(work, await work.requests.request(request.id))
        newest = await work.issuing.register.newest_version(parse_typed_code(code))
        assert (newest.issuer.uscc, newest.seal_id) == (VILLAGE, "village-shitang")
        assert newest.issued_at is not None

    hall(story)


def test_what_is_not_given_out_where_the_organ_is_is_neither_opened_nor_submitted(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        clerk, marital = await hall.who(CLERK), "marital-relation-proof"
        elsewhere = replace(clerk, organ=replace(clerk.organ, area="441200"))
        asked = Opening(key="forbidden here", type_id=marital, said=Said(payload={}, consent=CONSENT))
        with pytest.raises(ProofRefused, match="must not give out") as met:
            await open_at_counter(hall.work, elsewhere, asked, now())
        assert "不能开，依据是" in met.value.zh
        request = (await open_at_counter(hall.work, clerk, asked, now())).request
        how = IdentityCheck.IN_PERSON
        request = await record_identity(hall.work, clerk, request.id, how, request.version, "seen", now())
        with pytest.raises(ProofRefused):
            await submit(hall.work, elsewhere, request.id, request.version, "submit", now())

    hall(story)


@pytest.mark.long
def test_what_was_returned_shows_what_changed(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, clerk, approver = hall.work, await hall.who(CLERK), await hall.who(APPROVER)
        request = await hall.ready("returned", account="4419-0000001")
        waiting = await submit(work, clerk, request.id, request.version, "one", now())
        back = await decide(work, approver, request.id, False, "户号不对", waiting.version, "no", now())
        said = Said(payload=payload(account="4419-0000002"), notes=NOTES)
        saved = await save_draft(work, clerk, request.id, said, back.version, "saved", now())
        again = await submit(work, clerk, request.id, saved.version, "two", now())
        seen = await view(work, approver, request.id, now())
        assert seen.since_round == (Difference("account", "4419-0000001", "4419-0000002"),)
        assert seen.since_last is not None, "the holder has had such a proof before"
        assert Difference("account", payload()["account"], "4419-0000002") in seen.since_last
        assert [event.reason for event in seen.events if event.reason] == ["户号不对"]
        assert again.state is ProofState.SUBMITTED

    hall(story)


def test_the_same_person_does_not_approve_by_any_call(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, second = hall.work, await hall.who(SECOND)
        asked = Opening(key="own", type_id=PROOF, said=Said(payload=payload(), notes=NOTES, consent=CONSENT))
        request = (await open_at_counter(work, second, asked, now())).request
        request = await record_identity(work, second, request.id, IdentityCheck.VISIT, request.version, "seen", now())
        waiting = await submit(work, second, request.id, request.version, "submit", now())
        with pytest.raises(Forbidden, match="had a hand"):
            await decide(work, second, request.id, True, None, waiting.version, "mine", now())
        clerk = await hall.who(CLERK)
        for forged in (
            replace(clerk, duties=second.duties),
            replace(second, account=account_of(APPROVER)),
            replace(second, name=APPROVER),
        ):
            sure = await hall.confirms(waiting)
            with pytest.raises((Forbidden, ActNotAllowed)):
                await decide(work, forged, request.id, True, None, waiting.version, forged.name, now(), sure)
        assert (await work.requests.request(request.id)).state is ProofState.SUBMITTED

    hall(story)


def test_another_village_s_request_does_not_exist(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, stranger = hall.work, await hall.who(STRANGER, OTHER)
        request = await hall.ready("not theirs")
        with pytest.raises(NotFound):
            await member(work, account_of(STRANGER), VILLAGE, now())
        said: set[str] = set()
        for wanted in (request.id, "v-" + "a" * 20):
            with pytest.raises(NotFound) as met:
                await view(work, stranger, wanted, now())
            said.add(str(met.value).replace(wanted, ""))
            for tried in (
                save_draft(work, stranger, wanted, Said(payload={}), request.version, "x", now()),
                submit(work, stranger, wanted, request.version, "x", now()),
                decide(work, stranger, wanted, True, None, request.version, "x", now()),
            ):
                with pytest.raises(NotFound) as met:
                    await tried
                said.add(str(met.value).replace(wanted, ""))
        assert len(said) == 1, "what is not theirs is answered as what is not there"
        assert request.id not in [one.id for one in (await inbox(work, stranger, mine=False)).items]

    hall(story)


@pytest.mark.long
def test_an_auditor_reads_and_writes_nothing(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, auditor = hall.work, await hall.who(AUDITOR)
        request = await hall.ready("audited")
        assert (await view(work, auditor, request.id, now())).payload["applicant"] == payload()["applicant"]
        assert (await inbox(work, auditor, mine=True)).items == []
        for tried in (
            save_draft(work, auditor, request.id, Said(payload={}), request.version, "x", now()),
            submit(work, auditor, request.id, request.version, "x", now()),
            decide(work, auditor, request.id, True, None, request.version, "x", now()),
        ):
            with pytest.raises(Forbidden):
                await tried

    hall(story)


REFUSED: list[tuple[str, Any, type[CertsvcError]]] = [
    ("applicant_id", "440524188001010015", PayloadInvalid),
    ("applicant_id", "440524188001010014 ", PayloadInvalid),
    ("applicant", "周桂芳\u202e", PayloadInvalid),
    ("applicant", "周桂芳😀", MissingGlyph),
    ("applicant", "周\U0002a6d6芳", MissingGlyph),
]


@pytest.mark.long
@pytest.mark.parametrize(("field", "value", "why"), REFUSED)
def test_what_cannot_stand_on_a_proof_is_kept_as_a_draft_and_refused_with_a_reason(
    hall: Told, field: str, value: str, why: type[CertsvcError]
) -> None:
    """An emoji and a character that no font here has cannot be printed, and a proof that shows something else would be
    another proof: it is refused where a person can still mend it."""

    async def story(hall: Hall) -> None:
        work, clerk = hall.work, await hall.who(CLERK)
        request = await hall.ready(f"refused {value}", **{field: value})
        assert (await view(work, clerk, request.id, now())).payload[field] == value, "kept as it was written"
        with pytest.raises(why) as met:
            await submit(work, clerk, request.id, request.version, "submit", now())
        assert met.value.problems or why is MissingGlyph
        assert (await work.requests.request(request.id)).state is ProofState.DRAFT

    hall(story)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["<b>周桂芳</b>", "#emph[周]*桂*_芳_", "周㛃䶮", "阿卜杜拉·买买提", "O’Brien <script>"]
)
def test_markup_and_rare_characters_in_a_name_are_text_and_stay_as_they_are(hall: Told, name: str) -> None:
    """What looks like markup is nothing but characters."""

    async def story(hall: Hall) -> None:
        work = hall.work
        request = await hall.sealed(await hall.ready(f"kept {name}", applicant=name))
        seen = await view(work, await hall.who(APPROVER), request.id, now())
        assert seen.payload["applicant"] == name
        assert request.state is ProofState.SEALED, seen.approval

    hall(story)


@pytest.mark.long
def test_a_mistaken_proof_is_corrected_by_a_version_that_names_the_old(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, clerk = hall.work, await hall.who(CLERK)
        sealed = await hall.sealed(await hall.ready("mistaken", account="4419-0000008"))
        old = parse_typed_code(await certificate_of(work, sealed))
        asked = Opening(
            key="corrects",
            type_id=PROOF,
            said=Said(payload=payload(account="4419-0000009"), notes=NOTES, consent=CONSENT),
            corrects=old,
            correction="户号抄错一位",
            ground=CorrectionGround.CLERICAL,
        )
        request = (await open_at_counter(work, clerk, asked, now())).request
        request = await record_identity(work, clerk, request.id, IdentityCheck.VISIT, request.version, "seen", now())
        corrected = await hall.sealed(request)
        newest = await work.issuing.register.newest_version(old)
        assert (newest.ref.typed_code, newest.version) == (await certificate_of(work, corrected), 2)
        events = await work.issuing.register.events(newest.ref)
        assert (events[-1].act, events[-1].ground.reason) == ("correct", "文字、号码或者日期写错、漏写")
        stranger = await hall.who(STRANGER, OTHER)
        with pytest.raises(NotFound):
            await open_at_counter(work, stranger, asked, now())

    hall(story)


@pytest.mark.long
def test_a_proof_is_cancelled_by_two_with_reason_and_authority(hall: Told) -> None:
    async def story(hall: Hall) -> None:
        work, clerk, approver = hall.work, await hall.who(CLERK), await hall.who(APPROVER)
        sealed = await hall.sealed(await hall.ready("cancelled"))
        without = replace(GROUND, decision_number=None)
        with pytest.raises(InvalidInput):
            await cancel(work, clerk, sealed.id, without, sealed.version, "no authority", now())
        wish = await cancel(work, clerk, sealed.id, GROUND, sealed.version, "wish", now())
        assert (wish.state, wish.version) == (ProofState.SEALED, sealed.version + 1)
        kept = await decide_cancel(work, approver, sealed.id, False, "先核实", wish.version, "no", now())
        wish = await cancel(work, clerk, sealed.id, GROUND, kept.version, "again", now())
        sure = await hall.confirms(wish, ProofAct.CONFIRM_CANCEL)
        agreed = await decide_cancel(work, approver, sealed.id, True, None, wish.version, "yes", now(), sure)
        assert (agreed.state, agreed.cancel_approval_id is not None) == (ProofState.SEALED, True)
        assert agreed.cancel_approval_id is not None
        for _ in range(2):
            await carry_out(work.issuing, work.approvals, agreed.cancel_approval_id, now())
        gone = await work.requests.request(sealed.id)
        assert gone.state is ProofState.CANCELLED
        events = await work.issuing.register.events(parse_typed_code(await certificate_of(work, gone)))
        last = events[-1]
        assert (last.act, last.actor, last.confirmed_by) == ("rescind", CLERK, APPROVER)
        assert last.ground.decision_number == GROUND.decision_number

    hall(story)
