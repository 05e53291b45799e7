"""Cases killed on their way: a request goes on record whole or not at all, and a grant is issued once, whoever dies."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from case_desk import COUNTER, FOOD, LICENCE, MARKET, answers, at_work, do_jobs, now, part, registered, term, today
from made_up_cases import AREA, HYGIENE, NOW, asked, correction, issued_licence, opening
from made_up_cases import LICENCE as MADE_UP

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from chosen import some
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database, open_register
from walked import CHILD_SECONDS, Walks

from certsvc.domain.acts import Act
from certsvc.domain.case import PartAct, PartGround, PartState
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.cases.applying import Opening, open_case
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.settings import Settings
from certsvc.store.cases import PostgresCases
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

pytestmark = pytest.mark.long

pytest_plugins = ["store_fixtures", "walk_fixtures"]

WHOLE = {
    "a part that was not received": "select count(*) from case_part where state = 'new'",
    "a case without parts": "select count(*) from application_case c "
    "where 3 <> (select count(*) from case_part p where p.ref = c.ref)",
    "a case without answers": "select count(*) from application_case c "
    "where not exists (select from case_content n where n.ref = c.ref and n.type_id is null)",
    "a grant that nobody issues": "select count(*) from case_event e where act = 'grant' "
    "and not exists (select from job where kind = 'issue_part' and split_part(key, '/', 3) = e.id::text)",
    "an act that nobody was told of": "select (select count(*) from case_event) "
    "- (select count(*) from notice where action = 'decide')",
    "a licence that the case does not know": "select count(*) from application_case c "
    "join case_part p using (slot, ref) "
    "where p.type_id = c.licence_type and p.state = 'issued' and c.licence_ref is distinct from p.certificate_ref",
}


def counts(database: Database) -> dict[str, int]:
    async def story() -> dict[str, int]:
        connection = await asyncpg.connect(database.uri)
        try:
            return {name: await connection.fetchval(statement) for name, statement in WHOLE.items()}
        finally:
            await connection.close()

    return asyncio.run(story())


async def walk_on(cases: PostgresCases, name: str, licence: Ref) -> None:
    """A whole case, beginning wherever an earlier try of the same requests came to."""
    ref = (await cases.open(opening(name), NOW)).ref
    await cases.act(asked(ref, PartAct.RETURN, HYGIENE), "an officer", NOW)
    await cases.correct(correction(ref, f"{name} correction"), "counter", NOW)
    await cases.act(asked(ref, PartAct.GRANT, "food-permit"), "an officer", NOW)
    await cases.act(asked(ref, PartAct.GRANT, MADE_UP), "an officer", NOW)
    await cases.issued(ref, MADE_UP, licence, NOW)


@pytest.mark.long(seconds=25)
@pytest.mark.one_server
def test_killed_before_any_statement_the_next_try_finishes_the_same_case(server: EmbeddedServer) -> None:
    database = fresh_database(server)

    async def begin() -> Ref:
        async with open_register(database) as (register, _):
            return await issued_licence(register)

    licence = asyncio.run(begin())

    async def run(name: str, number: int | None) -> None:
        async with open_pool(database.uri) as pool:
            if number is not None:
                die_before_statement(number)
            await walk_on(PostgresCases(pool, AREA), name, licence)

    number, ended = 0, False
    while not ended:
        number += 1
        name = f"case {number}"
        ended = ran_to_the_end(lambda name=name, number=number: asyncio.run(run(name, number)))  # type: ignore[misc]
        assert counts(database) == dict.fromkeys(WHOLE, 0), number
        asyncio.run(run(name, None))
        assert counts(database) == dict.fromkeys(WHOLE, 0), number
    assert number > 40


CHILDREN = multiprocessing.get_context("forkserver")
STEPS = ["linted", "reserved", "token_kept", "use_booked", "sealed", "stored", "published"]


async def _issue(settings: Settings, uri: str, deadly: str) -> None:
    from desk import Desk

    class Server:
        def uri(self, role: str) -> str:
            return uri

    def dying(arrow: str, detail: Mapping[str, Any]) -> None:
        if arrow == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    desk = await asyncio.to_thread(Desk)
    walks = Walks(settings, Server(), desk)  # type: ignore[arg-type]
    async with at_work(walks, dying) as (work, jobs):
        await do_jobs(work, jobs)


def _issue_and_die(settings: Settings, uri: str, deadly: str) -> None:
    asyncio.run(_issue(settings, uri, deadly))


@pytest.mark.long(seconds=5)
@pytest.mark.parametrize("deadly", some(STEPS))
def test_a_worker_killed_between_decision_and_issue_is_followed_by_another(walks: Walks, deadly: str) -> None:
    serial = 400 + STEPS.index(deadly)
    follows = PartGround(reason="场所使用证明", legal_basis="容缺受理办法", due=today())

    async def grant() -> str:
        async with at_work(walks) as (work, _):
            counter_asks = Opening(
                key=f"killed {deadly}",
                types=(LICENCE, FOOD),
                licence=None,
                answers=answers(work.issuing.catalog, LICENCE, FOOD),
            )
            case = await open_case(work, COUNTER, counter_asks, now())
            for type_id, act, said in (
                (FOOD, PartAct.ACCEPT_WITH_DOCUMENTS, {"ground": follows}),
                (FOOD, PartAct.GRANT, {"content": term(5)}),
                (LICENCE, PartAct.GRANT, {"content": registered(serial)}),
            ):
                decision = Decision(key=f"{deadly} {type_id} {act}", act=act, **said)
                await decide(work, MARKET, case.ref, type_id, decision, now())
            return case.ref.typed_code

    async def follow(code: str) -> None:
        async with at_work(walks) as (work, jobs):
            await do_jobs(work, jobs)
            case = await work.cases.case(parse_typed_code(code))
            assert {one.state for one in case.parts} == {PartState.ISSUED}
            food = part(case, FOOD).certificate
            assert food is not None
            acts = [event.act for event in await work.issuing.register.events(food)]
            assert acts == [Act.ISSUE, Act.ATTACH_CONDITION]

    code = walks.desk.run(grant())
    child = CHILDREN.Process(target=_issue_and_die, args=(walks.settings, walks.uri, deadly))
    child.start()
    child.join(CHILD_SECONDS)
    assert child.exitcode == -signal.SIGKILL
    walks.desk.run(follow(code))
    made: Sequence[Any] = walks.rows(
        "select p.type_id, c.number from case_part p join certificate c on c.ref = p.certificate_ref where p.ref = $1",
        parse_typed_code(code).to_bytes(),
    )
    assert len(made) == 2
    orders = walks.rows("select key from issue_order where key like $1", f"case/{code}/%")
    assert len(orders) == 2, "no order was doubled"
    assert walks.rows("select ref from certificate where issued_at is null") == []
