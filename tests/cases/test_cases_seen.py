"""What is seen of cases: lists of parts, and what strangers may know."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from case_office import Office, tell
from embedded_fixture import Database, fresh_database
from made_up_cases import FOOD, HYGIENE, LICENCE, NOW, TODAY, asked, correction, issued_licence, issued_permit, opening

from certsvc.domain.case import PartAct, PartState
from certsvc.domain.case_requests import ListedPart, PartsAsked
from certsvc.ids import Ref, new_ref
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["store_fixtures"]


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Database:
    """One database for all: every test opens cases of its own."""
    return fresh_database(server)


def test_a_list_of_parts_that_nobody_has_to_decide_goes_on_past_its_first_page(database: Database) -> None:
    async def story(office: Office) -> None:
        wanted = set()
        for number in range(5):
            ref = (await office.cases.open(opening(f"decided {number}", FOOD, client="pager"), NOW)).ref
            await office.cases.act(asked(ref, PartAct.REFUSE, FOOD), "an officer", NOW)
            wanted.add(ref)
        for types, opened_by in (((FOOD,), "nobody"), ((), "pager")):
            seen: list[ListedPart] = []
            while True:
                place = seen[-1].place if seen else None
                page = PartsAsked(types=types, opened_by=opened_by, state=PartState.REFUSED, after=place, limit=2)
                found = await office.cases.parts(page)
                seen += found
                if len(found) < 2:
                    break
            refs = [one.case.ref for one in seen]
            assert wanted <= set(refs) and len(set(refs)) == len(refs)

    tell(database, story)


def test_a_stranger_sees_of_a_licence_what_is_pending_and_of_a_case_no_reasons(server: EmbeddedServer) -> None:
    async def story(office: Office) -> None:
        licence = await issued_licence(office.register)
        ref = (await office.cases.open(opening(held=licence), NOW)).ref
        await office.cases.act(asked(ref, PartAct.RETURN, FOOD), "an officer", NOW)
        gathered = await office.reader.gather(licence, TODAY, NOW)
        assert gathered is not None
        assert [(one.type_id, one.state.value) for one in gathered.pending] == [
            (FOOD, "returned"),
            (HYGIENE, "waiting"),
        ]
        assert gathered.permits == ()
        await office.cases.act(asked(ref, PartAct.REFUSE, HYGIENE), "an officer", NOW + timedelta(hours=2))
        before = await office.reader.gather(licence, TODAY, NOW + timedelta(hours=1))
        after = await office.reader.gather(licence, TODAY, NOW + timedelta(hours=3))
        assert before is not None and after is not None
        assert [one.type_id for one in before.pending] == [one.type_id for one in after.pending] == [FOOD]
        await office.cases.correct(correction(ref, "seen"), "counter", NOW + timedelta(hours=4))
        for hours, shown in ((3, []), (5, ["waiting"])):
            seen = await office.reader.gather(licence, TODAY, NOW + timedelta(hours=hours))
            assert seen is not None
            assert [one.state.value for one in seen.pending] == shown, "what was so then, not what is so since"
        await office.cases.act(asked(ref, PartAct.RETURN, FOOD, "again"), "an officer", NOW + timedelta(hours=6))
        food = await issued_permit(office.register)
        of_permit = await office.reader.gather(food, TODAY, NOW + timedelta(hours=3))
        assert of_permit is not None and of_permit.pending == ()
        progress = await office.reader.progress(ref)
        assert progress is not None
        assert [one.state.value for one in progress.parts] == ["returned", "refused"]
        assert await office.reader.progress(new_ref(None)) is None
        assert await office.reader.progress(licence) is None, "a certificate is no case"

    tell(fresh_database(server), story)


def test_the_public_role_reads_two_views_and_nothing_else_of_cases(database: Database) -> None:
    async def story(office: Office) -> None:
        connection = await asyncpg.connect(database.public_uri)
        try:
            for table in ("application_case", "case_part", "case_event", "case_content"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select * from {table}")
            columns = await connection.fetch(
                "select column_name from information_schema.columns where table_name like 'public_case%'"
            )
        finally:
            await connection.close()
        hidden = {"opened_by", "key", "digest", "reason", "actor", "sealed"}
        assert not hidden & {row["column_name"] for row in columns}

    tell(database, story)


def test_late_parts_come_first_and_a_list_goes_on_where_it_stopped(server: EmbeddedServer) -> None:
    async def story(office: Office) -> None:
        refs: dict[Ref, int] = {}
        for days in (9, -3, 5, 0):
            deadline = TODAY + timedelta(days=days)
            case = await office.cases.open(opening(f"due {days}", LICENCE, FOOD, deadline=deadline), NOW)
            refs[case.ref] = days
        returned = next(ref for ref, days in refs.items() if days == 5)
        await office.cases.act(asked(returned, PartAct.RETURN, FOOD), "an officer", NOW)
        all_food = PartsAsked(types=(FOOD,), opened_by="desk")
        listed = await office.cases.parts(all_food)
        assert [refs[one.case.ref] for one in listed] == [-3, 0, 9, 5], "what nobody has to decide comes last"
        first = await office.cases.parts(replace(all_food, limit=2))
        rest = await office.cases.parts(replace(all_food, after=first[-1].place))
        assert [*first, *rest] == listed
        due = await office.cases.parts(replace(all_food, due_before=TODAY))
        assert [refs[one.case.ref] for one in due] == [-3]
        mine = await office.cases.parts(PartsAsked(types=(), opened_by="counter", type_id=LICENCE))
        assert len(mine) == 4 and {one.part.type_id for one in mine} == {LICENCE}
        assert await office.cases.parts(PartsAsked(types=(), opened_by="desk")) == []
        assert len(await office.cases.parts(replace(all_food, state=PartState.RETURNED))) == 1

    tell(fresh_database(server), story)
