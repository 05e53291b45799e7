"""What a case says of persons goes some time after the case has ended; what happened stays."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from case_desk import COUNTER, FOOD, HYGIENE, MARKET, answers, at_work, now
from made_up_cases import AREA, GROUNDS, NOW, asked, correction, opening
from made_up_cases import FOOD as PERMIT
from made_up_cases import LICENCE as MADE_UP

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import death_noticed, die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database
from walked import Walks

from certsvc.domain.case import PartAct
from certsvc.errors import ActNotAllowed, KeyReused
from certsvc.ids import Ref
from certsvc.issuance.cases.applying import Opening, open_case, withdraw
from certsvc.issuance.cases.view import view_case
from certsvc.store import cases as cases_module
from certsvc.store.cases import PostgresCases
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

pytest_plugins = ["store_fixtures", "walk_fixtures"]

DAY = timedelta(days=1)
LEFT = "select count(*) from case_content where sealed is not null or key_id is not null"
FACTS = [f"select to_jsonb({table}) from {table} order by slot, ref, id" for table in ("case_event",)] + [
    "select to_jsonb(c) from application_case c order by ref",
    "select to_jsonb(p) from case_part p order by ref, place",
]


async def rows(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What the database holds, or does."""
    connection = await asyncpg.connect(database.uri)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def ended(cases: PostgresCases, name: str, at: datetime) -> Ref:
    """A case that was returned, corrected, granted in part, and ended at a time."""
    ref = (await cases.open(opening(name, MADE_UP, PERMIT), at - 9 * DAY)).ref
    await cases.act(asked(ref, PartAct.RETURN, PERMIT), "an officer", at - 8 * DAY)
    await cases.correct(correction(ref, f"{name} correction"), "counter", at - 7 * DAY)
    await cases.act(asked(ref, PartAct.REFUSE, MADE_UP), "an officer", at)
    return ref


def tell(database: Database, story: Callable[[PostgresCases], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_pool(database.uri) as pool:
            await story(PostgresCases(pool, AREA))

    asyncio.run(run())


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)


def test_answers_are_erased_once_the_case_has_ended_long_enough_and_the_facts_stay(database: Database) -> None:
    async def story(cases: PostgresCases) -> None:
        long_ago, lately = await ended(cases, "long ago", NOW - 3 * DAY), await ended(cases, "lately", NOW - DAY)
        open_still = (await cases.open(opening("open still"), NOW - 99 * DAY)).ref
        facts = [await rows(database, statement) for statement in FACTS]
        assert await cases.erase_contents(NOW - 2 * DAY, NOW) == 2
        assert await cases.content(long_ago, None) is None
        assert await cases.erased_at(long_ago) == NOW
        for kept in (lately, open_still):
            assert await cases.content(kept, None) is not None
            assert await cases.erased_at(kept) is None
        assert [await rows(database, statement) for statement in FACTS] == facts
        assert await cases.erase_contents(NOW - 2 * DAY, NOW + DAY) == 0, "again it does nothing"
        assert await cases.erased_at(long_ago) == NOW
        audited = await rows(database, "select detail::text from audit where action = 'erase_case_contents'")
        assert [json.loads(detail)["contents"] for (detail,) in audited] == [2]

    tell(database, story)


def test_a_request_of_an_erased_case_sent_again_is_still_known(database: Database) -> None:
    async def story(cases: PostgresCases) -> None:
        ref = await ended(cases, "case", NOW - 3 * DAY)
        await cases.erase_contents(NOW, NOW)
        assert (await cases.open(opening("case", MADE_UP, PERMIT), NOW)).ref == ref
        assert await cases.corrected_before(ref, "counter", "case correction", correction(ref).digest)
        with pytest.raises(KeyReused):
            await cases.correct(correction(ref, "case correction", "other"), "counter", NOW)
        with pytest.raises(ActNotAllowed):
            await cases.act(asked(ref, PartAct.GRANT, PERMIT, ground=GROUNDS.get(PartAct.GRANT)), "an officer", NOW)

    tell(database, story)


@pytest.mark.parametrize(
    "statement",
    [
        "update case_content set sealed = null, key_id = null, erased_at = now() where ref = $1",
        "update case_content set sealed = null where ref = $1 or true",
        "update case_content set erased_at = now() where ref = $1 or true",
        "update case_content set sealed = '\\x00', key_id = 'data-1', erased_at = null where erased_at is not null "
        "and ref <> $1",
        "update case_content set erased_at = now() where erased_at is not null and ref <> $1",
        "delete from case_content where ref <> $1",
    ],
)
def test_whoever_asks_nothing_is_erased_early_or_by_half_or_comes_back(database: Database, statement: str) -> None:
    async def story(cases: PostgresCases) -> None:
        await ended(cases, "erased", NOW - 3 * DAY)
        await cases.erase_contents(NOW, NOW)
        pending = (await cases.open(opening("pending"), NOW)).ref
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError)):
            await rows(database, statement, pending.to_bytes())

    tell(database, story)


@pytest.mark.one_server
@pytest.mark.long
def test_killed_before_any_statement_the_next_try_erases_the_rest(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases_module, "ERASED_AT_ONCE", 2)
    database = fresh_database(server)

    async def fill(number: int) -> None:
        async with open_pool(database.uri) as pool:
            for one in range(3):
                await ended(PostgresCases(pool, AREA), f"{number} {one}", NOW - 3 * DAY)

    async def erase(number: int | None) -> int:
        async with open_pool(database.uri) as pool:
            if number is not None:
                die_before_statement(number)
            return await PostgresCases(pool, AREA).erase_contents(NOW, NOW)

    async def run(number: int) -> None:
        await erase(number)

    number, whole, seen = 0, False, set()
    while not whole:
        number += 1
        asyncio.run(fill(number))
        whole = ran_to_the_end(lambda number=number: asyncio.run(run(number)))  # type: ignore[misc]
        asyncio.run(death_noticed(database.uri))
        ((left,),) = asyncio.run(rows(database, LEFT))
        seen.add(left)
        audited = "select coalesce(sum((detail ->> 'contents')::integer), 0) from audit where action like 'erase_case%'"
        ((told,),) = asyncio.run(rows(database, audited))
        assert told == 6 * number - left, "what is erased is audited, and nothing else is"
        assert asyncio.run(erase(None)) == left
        assert asyncio.run(rows(database, LEFT)) == [(0,)]
    assert number > 8 and {6, 4, 2, 0} == seen


def test_workers_that_erase_at_once_erase_each_content_once(database: Database) -> None:
    async def story(cases: PostgresCases) -> None:
        for one in range(8):
            await ended(cases, f"{one}", NOW - 3 * DAY)
        counts = await asyncio.gather(*(cases.erase_contents(NOW, NOW) for _ in range(4)))
        assert sum(counts) == 16

    tell(database, story)


def test_who_opened_an_erased_case_is_told_that_it_was_and_when(walks: Walks) -> None:
    async def story() -> None:
        async with at_work(walks) as (work, _):
            filled = answers(work.issuing.catalog, "business-licence-company", FOOD, HYGIENE)
            types = ["business-licence-company", FOOD, HYGIENE]
            case = await open_case(work, COUNTER, Opening(key="e", types=types, licence=None, answers=filled), now())
            await withdraw(work, COUNTER, case.ref, types[0], "不办了", "w", now())
            before = await view_case(work, COUNTER, case.ref)
            assert before.erased_at is None and before.answers == filled and before.payloads
            later = now() + DAY
            await work.cases.erase_contents(later, later)
            for actor in (COUNTER, MARKET):
                after = await view_case(work, actor, case.ref)
                assert (after.answers, dict(after.payloads), after.erased_at) == (None, {}, later)
            assert [event.act.value for event in after.events][-1] in ("withdraw", "end")

    walks.desk.run(story())
