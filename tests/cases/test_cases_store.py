"""Cases on PostgreSQL: the table of acts, who acts once, and what the database never lets happen."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from case_office import Office, states, tell
from made_up_cases import (
    AREA,
    FOLLOWS,
    FOOD,
    HYGIENE,
    LATER,
    LICENCE,
    NOW,
    asked,
    correction,
    issued_licence,
    issued_permit,
    opening,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database

from certsvc.domain.case import DECISIONS, PART_ACTS, PartAct, PartState
from certsvc.errors import ActNotAllowed, CertsvcError, KeyReused, NotFound, StoreError
from certsvc.ids import new_ref
from certsvc.store.cases import PostgresCases
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

pytest_plugins = ["store_fixtures"]


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Database:
    """One database for all: every test opens cases of its own."""
    return fresh_database(server)


def test_the_database_holds_the_table_of_acts(database: Database) -> None:
    async def story(office: Office) -> None:
        held = {tuple(row) for row in await office.rows("select act, before, after, side from case_act")}
        assert held == {
            (act.value, before.value, rule.after.value, rule.by.value)
            for act, rule in PART_ACTS.items()
            for before in rule.before
        }

    tell(database, story)


def test_a_case_opened_twice_is_one_and_its_parts_are_received(database: Database) -> None:
    async def story(office: Office) -> None:
        case = await office.cases.open(opening("twice"), NOW)
        again = await office.cases.open(replace(opening("twice"), ref=new_ref(None)), NOW + timedelta(hours=1))
        assert again == case
        assert states(case) == dict.fromkeys((LICENCE, FOOD, HYGIENE), "waiting")
        assert {part.deadline for part in case.parts} == {LATER}
        assert not case.finished and case.licence is None
        with pytest.raises(KeyReused):
            await office.cases.open(opening("twice", content="other"), NOW)
        with pytest.raises(NotFound):
            await office.cases.case(new_ref(None))

    tell(database, story)


def test_a_part_goes_its_own_way_and_a_refusal_touches_no_other(database: Database) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening("own way"), NOW)).ref
        await office.cases.act(asked(ref, PartAct.ACCEPT, LICENCE), "an officer", NOW)
        await office.cases.act(asked(ref, PartAct.REFUSE, HYGIENE), "an officer", NOW)
        case = await office.cases.act(asked(ref, PartAct.GRANT, LICENCE), "an officer", NOW)
        assert states(case) == {LICENCE: "granted", FOOD: "waiting", HYGIENE: "refused"}
        assert case.part(HYGIENE).deadline is None  # type: ignore[union-attr]
        (job,) = await office.jobs()
        assert job.startswith(f"{ref.typed_code}/{LICENCE}/")
        events = await office.cases.events(ref)
        assert [event.act.value for event in events][3:] == ["accept", "refuse", "grant"]
        assert events[4].ground.remedies is not None

    tell(database, story)


@pytest.mark.parametrize("act", sorted(DECISIONS - {PartAct.RETURN}))
def test_what_is_decided_is_not_decided_again(database: Database, act: PartAct) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening(f"again {act}"), NOW)).ref
        await office.cases.act(asked(ref, PartAct.REFUSE, FOOD), "an officer", NOW)
        with pytest.raises(ActNotAllowed, match="refused"):
            await office.cases.act(asked(ref, act, FOOD, f"again {act}"), "an officer", NOW)

    tell(database, story)


def test_the_same_decision_twice_is_one_and_another_under_its_key_is_refused(database: Database) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening("same decision"), NOW)).ref
        request = asked(ref, PartAct.GRANT, FOOD, "decision 1")
        first = await office.cases.act(request, "an officer", NOW)
        assert await office.cases.act(request, "an officer", NOW + timedelta(days=1)) == first
        assert await office.cases.decided_before(request) == first
        assert len([event for event in await office.cases.events(ref) if event.act is PartAct.GRANT]) == 1
        with pytest.raises(KeyReused):
            await office.cases.act(asked(ref, PartAct.REFUSE, FOOD, "decision 1"), "an officer", NOW)
        other = (await office.cases.open(opening("same decision elsewhere"), NOW)).ref
        with pytest.raises(KeyReused):
            await office.cases.act(replace(request, ref=other), "an officer", NOW)

    tell(database, story)


@pytest.mark.long
def test_of_two_who_decide_at_once_one_is_told_what_the_other_did(database: Database) -> None:
    async def story(office: Office) -> None:
        for turn in range(10):
            ref = (await office.cases.open(opening(f"at once {turn}"), NOW)).ref
            both = [asked(ref, act, FOOD, f"{act} {turn}") for act in (PartAct.GRANT, PartAct.REFUSE)]
            done = await asyncio.gather(
                *(office.cases.act(one, "an officer", NOW) for one in both), return_exceptions=True
            )
            assert sorted(type(one).__name__ for one in done) == ["ActNotAllowed", "Case"]
            events = [event.act for event in await office.cases.events(ref) if event.act in DECISIONS]
            assert len(events) == 1

    tell(database, story)


def test_returned_parts_come_back_with_the_correction_and_time_runs_anew(database: Database) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening("returned"), NOW)).ref
        with pytest.raises(ActNotAllowed, match="No part is returned"):
            await office.cases.correct(correction(ref, "too early"), "counter", NOW)
        for type_id in (FOOD, HYGIENE):
            case = await office.cases.act(asked(ref, PartAct.RETURN, type_id), "an officer", NOW)
        assert {part.deadline for part in case.parts if part.state is PartState.RETURNED} == {None}
        case = await office.cases.correct(correction(ref, "returned"), "counter", NOW)
        assert states(case) == dict.fromkeys((LICENCE, FOOD, HYGIENE), "waiting")
        assert case.part(FOOD).deadline == LATER + timedelta(days=7)  # type: ignore[union-attr]
        assert await office.cases.correct(correction(ref, "returned"), "counter", NOW) == case
        assert await office.cases.corrected_before(ref, "counter", "returned", correction(ref).digest)
        content = await office.cases.content(ref, None)
        assert content is not None and content.sealed == b"\x00 corrected"
        with pytest.raises(KeyReused):
            await office.cases.correct(correction(ref, "returned", "other"), "counter", NOW)

    tell(database, story)


def test_a_part_returned_while_a_correction_was_on_its_way_is_not_resubmitted_by_it(database: Database) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening("on its way"), NOW)).ref
        for type_id in (FOOD, HYGIENE):
            await office.cases.act(asked(ref, PartAct.RETURN, type_id), "an officer", NOW)
        of_food = replace(correction(ref, "on its way"), deadlines={FOOD: LATER})
        case = await office.cases.correct(of_food, "counter", NOW)
        assert states(case) == {LICENCE: "waiting", FOOD: "waiting", HYGIENE: "returned"}
        with pytest.raises(ActNotAllowed, match="No part is returned"):
            await office.cases.correct(replace(of_food, key="on its way 2"), "counter", NOW)

    tell(database, story)


def test_documents_that_follow_have_a_day_until_they_are_there(database: Database) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening("follow"), NOW)).ref
        case = await office.cases.act(asked(ref, PartAct.ACCEPT_WITH_DOCUMENTS, FOOD), "an officer", NOW)
        assert case.part(FOOD).documents_due == FOLLOWS.due  # type: ignore[union-attr]
        case = await office.cases.act(asked(ref, PartAct.ACCEPT, FOOD), "an officer", NOW)
        assert case.part(FOOD).documents_due is None  # type: ignore[union-attr]

    tell(database, story)


def test_a_licence_refused_or_withdrawn_ends_what_would_hang_on_it(database: Database) -> None:
    async def story(office: Office) -> None:
        for act in (PartAct.REFUSE, PartAct.WITHDRAW):
            ref = (await office.cases.open(opening(f"ends {act}"), NOW)).ref
            await office.cases.act(asked(ref, PartAct.GRANT, FOOD), "an officer", NOW)
            case = await office.cases.act(asked(ref, act, LICENCE), "an officer", NOW)
            assert states(case) == {LICENCE: PART_ACTS[act].after.value, FOOD: "ended", HYGIENE: "ended"}
            assert case.finished
        assert (await office.told())[-4:] == [
            ("case.part_decided", "counter"),
            ("case.part_decided", "counter"),
            ("case.part_decided", "counter"),
            ("case.finished", "counter"),
        ]

    tell(database, story)


@pytest.mark.long
def test_a_permit_is_on_record_as_issued_only_under_the_licence_of_its_case(server: EmbeddedServer) -> None:
    async def story(office: Office) -> None:
        ref = (await office.cases.open(opening(), NOW)).ref
        for type_id in (LICENCE, FOOD):
            await office.cases.act(asked(ref, PartAct.GRANT, type_id), "an officer", NOW)
        licence = await issued_licence(office.register)
        food = await issued_permit(office.register)
        for type_id, wrong in ((FOOD, food), (FOOD, licence), (LICENCE, food), (HYGIENE, food)):
            with pytest.raises(ActNotAllowed):
                await office.cases.issued(ref, type_id, wrong, NOW)
        case = await office.cases.issued(ref, LICENCE, licence, NOW)
        assert case.licence == licence
        assert f"{ref.typed_code}/{FOOD}/licence" in await office.jobs(), "the licence wakes what waited for it"
        case = await office.cases.issued(ref, FOOD, food, NOW)
        assert case.part(FOOD).certificate == food  # type: ignore[union-attr]
        assert await office.cases.issued(ref, FOOD, food, NOW) == case
        await office.cases.act(asked(ref, PartAct.REFUSE, HYGIENE), "an officer", NOW)
        assert [kind for kind, _ in await office.told()][-2:] == ["case.part_decided", "case.finished"]

    tell(fresh_database(server), story)


ADDED = """insert into case_event (slot, ref, type_id, act, state, actor, at, reason, legal_basis, due)
    select slot, ref, type_id, $1, 'new', 'x', now(), $2, $2, $3 from case_part limit 1"""


@pytest.mark.parametrize(
    "statement",
    [
        "update case_part set state = 'granted'",
        "update case_part set deadline = deadline + 1000",
        "delete from case_part",
        "update case_event set reason = 'another'",
        "delete from case_event",
        "truncate case_event cascade",
        "update application_case set opened_by = 'another'",
        "delete from application_case",
        "update case_content set at = now()",
        "delete from case_content",
        "insert into case_part (slot, ref, type_id, place, working_days, state, changed_at) "
        "select slot, ref, 'more', 9, 1, 'granted', now() from application_case limit 1",
        ADDED.replace("$1", "'return'").replace("$2", "null").replace("$3", "null"),
        ADDED.replace("$1", "'refuse'").replace("$2", "'because'").replace("$3", "null"),
        ADDED.replace("$1", "'accept_with_documents'").replace("$2", "'because'").replace("$3", "null"),
        ADDED.replace("$1", "'resubmit'").replace("$2", "null").replace("$3", "null"),
        ADDED.replace("$1", "'issue'").replace("$2", "null").replace("$3", "null"),
    ],
)
def test_the_database_refuses_what_no_act_says(database: Database, statement: str) -> None:
    async def story(office: Office) -> None:
        await office.cases.open(opening(f"direct {statement}"[:200]), NOW)
        with pytest.raises(asyncpg.PostgresError) as refused:
            await office.rows(statement)
        assert refused.value.sqlstate in ("23001", "23514", "CS001"), refused.value

    tell(database, story)


def test_the_error_of_a_lost_register_is_ours() -> None:
    async def story() -> None:
        async with open_pool("postgresql://certsvc@/certsvc?host=/nowhere") as pool:
            with pytest.raises(CertsvcError) as lost:
                await PostgresCases(pool, AREA).case(new_ref(None))
            assert not isinstance(lost.value, StoreError)

    asyncio.run(story())


def test_a_grant_that_was_taken_up_again_and_decided_anew_is_not_taken_up_again_by_a_late_job(
    database: Database,
) -> None:
    async def story(office: Office) -> None:
        ref, cases = (await office.cases.open(opening("late job", FOOD), NOW)).ref, office.cases
        await cases.act(asked(ref, PartAct.GRANT, FOOD, "late job 1"), "an officer", NOW)
        first = (await cases.events(ref))[-1]
        assert first.act is PartAct.GRANT
        for _ in range(2):
            assert states(await cases.reopen(ref, first, "资料不符", LATER, NOW)) == {FOOD: "accepted"}
        await cases.act(asked(ref, PartAct.GRANT, FOOD, "late job 2"), "an officer", NOW)
        assert states(await cases.reopen(ref, first, "资料不符", LATER, NOW)) == {FOOD: "granted"}
        assert [event.act.value for event in await cases.events(ref)] == ["open", "grant", "reopen", "grant"]

    tell(database, story)
