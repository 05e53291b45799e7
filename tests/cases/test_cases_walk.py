"""A whole case with the real issue walk: licence and two permits on one code, each decided by itself."""

import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from case_desk import (
    COUNTER,
    FOOD,
    HEALTH,
    HYGIENE,
    LICENCE,
    MARKET,
    answers,
    at_work,
    code_of,
    do_jobs,
    now,
    part,
    registered,
    states,
    term,
    today,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from walked import Walks

from certsvc.catalog import Catalog
from certsvc.catalog.policy import NeedsApproval
from certsvc.custody.payloads import make_next_key
from certsvc.domain.actor import Actor
from certsvc.domain.approval import ApprovalState
from certsvc.domain.approval import Decision as Said
from certsvc.domain.case import Case, PartAct, PartGround, PartState
from certsvc.domain.states import ConditionKind
from certsvc.errors import ActNotAllowed, Forbidden, InvalidInput, KeyReused, MissingGlyph, NotFound, PayloadInvalid
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.cases.applying import Opening, case_form, correct, open_case, withdraw
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.issue import LOOKS_AGAIN, STAND_IN
from certsvc.issuance.cases.view import list_parts, view_case
from certsvc.issuance.cases.work import CaseWork
from certsvc.issuance.data_keys import move, open_cipher
from certsvc.issuance.prepare import open_payload
from certsvc.store.data_keys import DataKeys
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import open_pool
from certsvc.verify.case import follow_case
from certsvc.verify.report import Verdict
from certsvc.verify.scan import verify_code

pytest_plugins = ["walk_fixtures"]

Story = Callable[[CaseWork, JobQueue], Coroutine[Any, Any, None]]
REFUSAL = PartGround(
    reason="卫生设施不符合规定",
    legal_basis="公共场所卫生管理条例 第四条",
    decision_number="云卫不许〔2026〕7号",
    remedies="收到之日起六十日内可以申请行政复议，六个月内可以提起行政诉讼。",
)
FOLLOWS = PartGround(reason="场所使用证明", legal_basis="云山市容缺受理办法 第五条", due=today() + timedelta(days=20))


def tell(walks: Walks, story: Story) -> None:
    async def told() -> None:
        async with at_work(walks) as (work, jobs):
            await story(work, jobs)

    walks.desk.run(told())


async def opened(work: CaseWork, key: str, *types: str, **changed: Any) -> Case:
    filled = answers(work.issuing.catalog, *(types or (LICENCE, FOOD, HYGIENE))) | changed
    asked = Opening(key=key, types=types or (LICENCE, FOOD, HYGIENE), licence=None, answers=filled)
    return await open_case(work, COUNTER, asked, now())


async def decided(
    work: CaseWork, actor: Actor, case: Case, type_id: str, act: PartAct, key: str = "", **said: Any
) -> Case:
    name = key or f"{case.ref.typed_code} {type_id} {act}"
    return await decide(work, actor, case.ref, type_id, Decision(key=name, act=act, **said), now())


def test_licence_and_permits_on_one_code_one_with_documents_to_follow_and_one_refused(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "whole")
        assert states(case) == dict.fromkeys((LICENCE, FOOD, HYGIENE), "waiting")
        case = await decided(work, MARKET, case, FOOD, PartAct.ACCEPT_WITH_DOCUMENTS, ground=FOLLOWS)
        case = await decided(work, MARKET, case, FOOD, PartAct.GRANT, content=term(5))
        assert await do_jobs(work, jobs) == 1
        assert states(await work.cases.case(case.ref))[FOOD] == "granted", "it waits for the licence"
        case = await decided(work, HEALTH, case, HYGIENE, PartAct.REFUSE, ground=REFUSAL)
        case = await decided(work, MARKET, case, LICENCE, PartAct.GRANT, content=registered(200))
        assert await do_jobs(work, jobs) == 2, "the licence, and what it woke"
        case = await work.cases.case(case.ref)
        assert states(case) == {LICENCE: "issued", FOOD: "issued", HYGIENE: "refused"}
        assert case.finished and case.licence == part(case, LICENCE).certificate
        food = await work.issuing.register.reservation(part(case, FOOD).certificate)  # type: ignore[arg-type]
        payload = open_payload(work.issuing, food)
        assert payload["uscc"] == code_of(200) != STAND_IN
        assert food.licence_ref == case.licence
        assert await work.issuing.register.orderer(food.ref) == MARKET.name
        async with walks.desk.verifying(walks.settings, walks.server.uri("certsvc_public")) as verifying:
            report = await verify_code(verifying, part(case, LICENCE).certificate.typed_code, now())  # type: ignore[union-attr]
            assert report.verdict is Verdict.VALID and report.pending == ()
            assert [one.certificate.type_id for one in report.permits] == [FOOD]
            (condition,) = report.permits[0].certificate.conditions
            assert (condition.kind, condition.due) == (ConditionKind.DOCUMENTS, FOLLOWS.due)
            progress = await follow_case(verifying, case.ref.typed_code, now())
            assert [one.part.state.value for one in progress.parts] == ["issued", "issued", "refused"]
            assert progress.is_finished

    tell(walks, story)


@pytest.mark.long
def test_a_permit_under_a_licence_on_record_knows_the_business_already(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "first the licence", LICENCE)
        await decided(work, MARKET, case, LICENCE, PartAct.GRANT, content=registered(201))
        await do_jobs(work, jobs)
        licence = part(await work.cases.case(case.ref), LICENCE).certificate
        assert licence is not None
        given = await case_form(work, COUNTER, [FOOD, HYGIENE], licence, now())
        assert given.known["business.uscc"] == code_of(201)
        filled = answers(work.issuing.catalog, FOOD, HYGIENE)
        asked = Opening(key="under it", types=[FOOD, HYGIENE], licence=licence, answers=filled)
        with pytest.raises(PayloadInvalid, match=r"business\.name"):
            await open_case(work, COUNTER, Opening(**{**_fields(asked), "answers": {"business.name": "别人"}}), now())
        for name in given.known:
            filled.pop(name, None)
        case = await open_case(work, COUNTER, asked, now())
        assert case.ref.slot == licence.slot and case.licence_type is None
        async with walks.desk.verifying(walks.settings, walks.server.uri("certsvc_public")) as verifying:
            report = await verify_code(verifying, licence.typed_code, now())
            assert [one.part.type_id for one in report.pending] == [FOOD, HYGIENE] and report.permits == ()
            assert report.verdict is Verdict.VALID
        await decided(work, HEALTH, case, HYGIENE, PartAct.GRANT, content=term(4))
        assert await do_jobs(work, jobs) == 1
        assert states(await work.cases.case(case.ref)) == {FOOD: "waiting", HYGIENE: "issued"}

    tell(walks, story)


def _fields(asked: Opening) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in ("key", "types", "licence", "answers", "working_days")}


def test_what_cannot_be_issued_is_not_granted(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "not granted")
        with pytest.raises(PayloadInvalid) as missing:
            await decided(work, MARKET, case, FOOD, PartAct.GRANT)
        assert {problem.field for problem in missing.value.problems} == {"valid_from", "valid_to"}
        with pytest.raises(PayloadInvalid, match="name"):
            await decided(work, MARKET, case, FOOD, PartAct.GRANT, content={**term(5), "name": "别的公司"})
        with pytest.raises(PayloadInvalid, match="uscc"):
            await decided(work, MARKET, case, FOOD, PartAct.GRANT, content={**term(5), "uscc": code_of(9)})
        content = {**term(5), "supervision": "云山市\U0001f9ff分局"}
        with pytest.raises(MissingGlyph):
            await decided(work, MARKET, case, FOOD, PartAct.GRANT, content=content)
        with pytest.raises(InvalidInput) as unsaid:
            await decided(work, MARKET, case, FOOD, PartAct.REFUSE, ground=PartGround(reason="不行"))
        said = {problem.field for problem in unsaid.value.problems}
        assert said == {"legal_basis", "decision_number", "remedies"}
        assert states(await work.cases.case(case.ref)) == dict.fromkeys((LICENCE, FOOD, HYGIENE), "waiting")
        assert await do_jobs(work, jobs) == 0

    tell(walks, story)


@pytest.mark.long
def test_the_same_decision_sent_again_after_it_was_issued_is_answered_as_it_stands(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "again", LICENCE)
        for _ in range(2):
            await decided(work, MARKET, case, LICENCE, PartAct.GRANT, "grant", content=registered(203))
            await do_jobs(work, jobs)
        found = await decided(work, MARKET, case, LICENCE, PartAct.GRANT, "grant", content=registered(203))
        assert part(found, LICENCE).state is PartState.ISSUED
        with pytest.raises(KeyReused):
            await decided(work, MARKET, case, LICENCE, PartAct.GRANT, "grant", content=registered(204))
        with pytest.raises(ActNotAllowed):
            await decided(work, MARKET, case, LICENCE, PartAct.GRANT, "another grant", content=registered(203))
        again = await opened(work, "again", LICENCE)
        assert again == found

    tell(walks, story)


def test_a_returned_part_is_corrected_by_who_opened_the_case_and_by_nobody_else(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "returned")
        ground = PartGround(reason="经营项目写得不清楚")
        await decided(work, MARKET, case, FOOD, PartAct.RETURN, ground=ground)
        changed = {"food-business.items": ["热食类食品制售"]}
        with pytest.raises(NotFound):
            await correct(work, MARKET, case.ref, changed, "c1", now())
        with pytest.raises(PayloadInvalid, match=r"public-place-hygiene\.items"):
            await correct(work, COUNTER, case.ref, {"public-place-hygiene.items": "沐浴场所"}, "c2", now())
        with pytest.raises(PayloadInvalid, match=r"food-business\.items"):
            await correct(work, COUNTER, case.ref, {"food-business.items": []}, "c3", now())
        found = await correct(work, COUNTER, case.ref, changed, "c4", now())
        assert states(found)[FOOD] == "waiting"
        assert await correct(work, COUNTER, case.ref, changed, "c4", now()) == found
        seen = await view_case(work, MARKET, case.ref)
        assert seen.payloads[FOOD]["items"] == ["热食类食品制售"]
        found = await withdraw(work, COUNTER, case.ref, HYGIENE, "不办了", "w1", now())
        assert states(found)[HYGIENE] == "withdrawn"

    tell(walks, story)


def test_a_department_sees_its_part_whole_and_of_the_others_the_state(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "seen")
        await decided(work, HEALTH, case, HYGIENE, PartAct.REFUSE, ground=REFUSAL)
        health, market, counter = [await view_case(work, one, case.ref) for one in (HEALTH, MARKET, COUNTER)]
        assert set(health.payloads) == {HYGIENE} and health.answers is None
        assert set(market.payloads) == {LICENCE, FOOD}
        assert {event.type_id for event in market.events} == {LICENCE, FOOD}, "not why the other was refused"
        assert states(market.case)[HYGIENE] == "refused"
        assert counter.answers is not None and set(counter.payloads) == {LICENCE, FOOD, HYGIENE}
        nobody = Actor(name="nobody", scopes=frozenset({"decide:drug-retail", "read:*", "case:*"}))
        another_seal = Actor(name="another seal", scopes=frozenset({f"decide:{FOOD}:health"}))
        for wrong in (
            lambda: view_case(work, nobody, case.ref),
            lambda: view_case(work, another_seal, case.ref),
            lambda: decided(work, another_seal, case, FOOD, PartAct.ACCEPT),
            lambda: decided(work, HEALTH, case, FOOD, PartAct.ACCEPT),
        ):
            with pytest.raises(NotFound, match="There is no case"):
                await wrong()
        listed = await list_parts(work, HEALTH, state=PartState.REFUSED)
        assert case.ref in {one.case.ref for one in listed}
        assert {one.part.type_id for one in listed} == {HYGIENE}
        with pytest.raises(Forbidden):
            await open_case(work, HEALTH, Opening(key="x", types=[FOOD], licence=None, answers={}), now())
        with pytest.raises(InvalidInput, match="names the licence"):
            await open_case(work, COUNTER, Opening(key="x", types=[FOOD], licence=None, answers={}), now())

    tell(walks, story)


@pytest.mark.long
def test_nothing_about_persons_lies_open_in_the_database(walks: Walks) -> None:
    name = "上官无名"

    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "persons", **{"business.person": name})
        await decided(work, MARKET, case, FOOD, PartAct.GRANT, content=term(5))
        assert (await view_case(work, COUNTER, case.ref)).payloads[FOOD]["legal_representative"] == name
        await do_jobs(work, jobs)

    tell(walks, story)
    for table in ("application_case", "case_part", "case_event", "case_content", "notice", "audit"):
        rows = walks.rows(f"select row_to_json({table})::text as row from {table}")
        assert not any(name in row["row"] or json.dumps(name)[1:-1] in row["row"] for row in rows)


def needing_approval(work: CaseWork, type_id: str) -> CaseWork:
    """The same, where a person has to approve what is issued of a type."""
    kinds = {(kind.id, kind.version): kind for kind in work.issuing.catalog}
    kind = work.issuing.catalog.latest(type_id)
    approval = NeedsApproval(basis="云山市用印管理办法", certainty="local")
    kinds[type_id, kind.version] = replace(kind, policy=msgspec.structs.replace(kind.policy, approval=approval))
    return replace(work, issuing=replace(work.issuing, catalog=Catalog(work.issuing.catalog.folder, kinds)))


@pytest.mark.long
def test_where_persons_must_approve_a_grant_waits_for_them_and_comes_back_if_they_return_it(walks: Walks) -> None:
    async def story(plain: CaseWork, jobs: JobQueue) -> None:
        await do_jobs(plain, jobs)
        work = needing_approval(plain, LICENCE)
        case = await opened(work, "approved", LICENCE)
        for turn, approves in enumerate((False, True)):
            await decided(work, MARKET, case, LICENCE, PartAct.GRANT, f"turn {turn}", content=registered(210))
            assert await do_jobs(work, jobs) == 1
            (asked,) = await work.approvals.seen(MARKET.name, (), ApprovalState.WAITING, None, 10)
            assert asked.asked.key.startswith(f"case/{case.ref.typed_code}/{LICENCE}/")
            said = Said(person="批准人", approves=approves, reason=None if approves else "资料不符", at=now())
            await work.approvals.decide(asked.asked.id, "a client", said)
            if approves:
                await carry_out(work.issuing, work.approvals, asked.asked.id, now())
            await do_jobs(work, jobs, LOOKS_AGAIN)
            found = part(await work.cases.case(case.ref), LICENCE)
            assert found.state is (PartState.ISSUED if approves else PartState.ACCEPTED)
            assert (found.certificate is not None) is approves
        acts = [event.act.value for event in await work.cases.events(case.ref)]
        assert acts == ["open", "grant", "reopen", "grant", "issue"]
        reopened = (await work.cases.events(case.ref))[2]
        assert reopened.ground.reason == "资料不符" and reopened.deadline is not None

    tell(walks, story)


def test_what_a_case_says_of_persons_moves_to_the_next_data_key(walks: Walks) -> None:
    async def story(work: CaseWork, jobs: JobQueue) -> None:
        case = await opened(work, "rekeyed", LICENCE)
        before = await work.cases.content(case.ref, None)
        secrets = walks.settings.home / "secrets"
        made = make_next_key(secrets, "data")
        async with open_pool(walks.uri) as pool:
            keys = DataKeys(pool)
            cipher = await open_cipher(secrets, keys, now())
            assert sum([count async for count in move(cipher, keys, now(), "test")]) > 0
        after = await work.cases.content(case.ref, None)
        assert before is not None and after is not None
        assert (before.key_id, after.key_id) == ("data-1", made)
        moved = replace(work, issuing=replace(work.issuing, cipher=cipher))
        assert (await view_case(moved, COUNTER, case.ref)).answers == answers(work.issuing.catalog, LICENCE)

    tell(walks, story)
