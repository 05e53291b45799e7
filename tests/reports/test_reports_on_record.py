"""Reports on record: killed anywhere nothing is half done, the desk sees none that it was not given, and lists and
figures are read from an index or counted once."""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cases"))
from dying import death_noticed, die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database, open_register
from made_up_cases import issued_licence
from made_up_reports import ANSWER_DUE, CLIENT, CONTACT_DUE, NOW, closing, desk_uri, digest, report, walk_on

from certsvc.domain.problem_report import ProblemKind, Route
from certsvc.domain.scope import parse_scope
from certsvc.errors import InvalidInput, KeyReused
from certsvc.ids import new_report_number
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.history import PostgresHistory
from certsvc.store.pool import open_pool
from certsvc.store.problem_reports import SQL, PostgresReports
from certsvc.store.report_desk import PostgresReportDesk

pytest_plugins = ["store_fixtures"]

HALF_DONE = {
    "a report of which nobody was told": "select count(*) from problem_report where told_opened_at is null",
    "told more often than it happened": "select count(*) from (select data ->> 'report', kind, data ->> 'overdue' "
    "from notice where kind like 'report.%' group by 1, 2, 3 having count(*) > 1) twice",
    "told of and not noted": "select count(*) from problem_report r where told_answer_late_at is null "
    "and exists (select from notice where data ->> 'report' = r.number and data ->> 'overdue' = 'answer')",
    "closed without an answer": "select count(*) from problem_report r where closed_at is not null "
    "and not exists (select from problem_report_event e where e.number = r.number and e.act = 'close')",
    "closed and nobody was told": "select count(*) from problem_report r where closed_at is not null "
    "and not exists (select from notice where data ->> 'report' = r.number and kind = 'report.closed')",
    "words without a key": "select count(*) from problem_report where (sealed is null) <> (key_id is null)",
}


async def rows(uri: str, statement: str, *values: object) -> list[asyncpg.Record]:
    """What a statement finds."""
    connection = await asyncpg.connect(uri)
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return found
    finally:
        await connection.close()


def counts(database: Database, *names: str) -> dict[str, int]:
    async def story() -> dict[str, int]:
        connection = await asyncpg.connect(database.uri)
        try:
            return {name: await connection.fetchval(HALF_DONE[name]) for name in names}
        finally:
            await connection.close()

    return asyncio.run(story())


def use(database: Database, work: Any) -> Any:
    """Do something with the desk and the register of reports."""

    async def story() -> Any:
        async with open_pool(desk_uri(database)) as desk, open_pool(database.uri) as pool:
            return await work(PostgresReportDesk(desk), PostgresReports(pool))

    return asyncio.run(story())


@pytest.mark.one_server
@pytest.mark.long(seconds=25)
def test_killed_before_any_statement_the_next_try_ends_the_same_report(server: EmbeddedServer) -> None:
    database = fresh_database(server)
    later = tuple(name for name in HALF_DONE if name != "a report of which nobody was told")

    async def run(name: str, number: int | None) -> None:
        async with open_pool(desk_uri(database)) as desk, open_pool(database.uri) as pool:
            if number is not None:
                die_before_statement(number)
            await walk_on(PostgresReportDesk(desk), PostgresReports(pool), name)

    number, ended = 0, False
    while not ended:
        number += 1
        name = f"report {number}"
        ended = ran_to_the_end(lambda name=name, number=number: asyncio.run(run(name, number)))  # type: ignore[misc]
        asyncio.run(death_noticed(database.uri))
        assert counts(database, *later) == dict.fromkeys(later, 0), number
        asyncio.run(run(name, None))
        assert counts(database, *HALF_DONE) == dict.fromkeys(HALF_DONE, 0), number
        (made,) = asyncio.run(rows(database.uri, "select count(*) from problem_report"))
        assert made[0] == number, "one form is one report"
    assert number > 25


@pytest.mark.long
@pytest.mark.parametrize(
    "statement",
    [
        "select number from problem_report",
        "select sealed from problem_report",
        "select * from problem_report_event",
        "update problem_report set closed_at = now(), outcome = 'unfounded'",
        "delete from problem_report",
        "insert into problem_report (told_opened_at) values (now())",
        "insert into problem_report_event (number) values ('R-00000-00000-00000')",
        "insert into notice (at, kind, client, data) values (now(), 'report.opened', 'x', '{}')",
        "select * from audit",
        "select sealed_payload from certificate",
        "update data_key set ended_at = now()",
        "select token from problem_report where number = 'R-00000-00000-00000'",
    ],
)
def test_the_desk_cannot_list_change_or_answer_reports(server: EmbeddedServer, statement: str) -> None:
    database = fresh_database(server)
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(rows(desk_uri(database), statement))


def test_the_public_role_sees_nothing_of_reports_but_what_corrected(database: Database) -> None:
    for statement in ("select number from problem_report", "select * from followed_report('R-00000-00000-00000')"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(rows(database.public_uri, statement))
    assert asyncio.run(rows(database.public_uri, "select * from public_correction")) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "change",
    [
        "update problem_report set kind = 'other'",
        "update problem_report set answer_due = answer_due + interval '1 day'",
        "update problem_report set told_opened_at = now()",
        "update problem_report set closed_at = closed_at + interval '1 day'",
        "update problem_report set sealed = 'x', key_id = 'data-1'",
        "delete from problem_report",
        "truncate problem_report cascade",
        "update problem_report_event set said = 'x'",
        "delete from problem_report_event",
    ],
)
def test_nothing_on_record_is_changed_afterwards(server: EmbeddedServer, change: str) -> None:
    database = fresh_database(server)

    async def work(desk: PostgresReportDesk, reports: PostgresReports) -> None:
        await walk_on(desk, reports, "one")

    use(database, work)
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(rows(database.uri, change))


def test_what_is_erased_is_gone_and_its_digest_is_no_hash_of_a_telephone_number(database: Database) -> None:
    async def work(desk: PostgresReportDesk, reports: PostgresReports) -> None:
        await walk_on(desk, reports, "one")

    use(database, work)
    (row,) = asyncio.run(rows(database.uri, "select sealed, key_id, erased_at from problem_report"))
    assert (row["sealed"], row["key_id"]) == (None, None) and row["erased_at"] is not None


@pytest.mark.long
def test_one_key_names_one_answer_and_a_correction_is_of_a_later_event(server: EmbeddedServer) -> None:
    database = fresh_database(server)

    async def begin() -> Any:
        async with open_register(database) as (register, _):
            return await issued_licence(register)

    licence = asyncio.run(begin())

    async def work(desk: PostgresReportDesk, reports: PostgresReports) -> None:
        found = await desk.route_of(licence)
        assert found is not None and found.department == "云山市市场监督管理局" and found.area == "441900"
        one, _ = await desk.open(report(route=found, ref=licence), digest("one"), digest("1"))
        two, _ = await desk.open(report(), digest("two"), digest("2"))
        await reports.answer(closing(one, "a key"), NOW)
        with pytest.raises(KeyReused):
            await reports.answer(closing(two, "a key"), NOW)
        (event,) = await rows(database.uri, "select id, recorded_at from event")
        assert event["recorded_at"] < NOW
        with pytest.raises(InvalidInput):
            await reports.answer(closing(two, "another", licence, event["id"]), NOW)
        early = report(number=new_report_number(), opened_at=event["recorded_at"] - timedelta(minutes=1))
        three, _ = await desk.open(early, digest("three"), digest("3"))
        await reports.answer(closing(three, "third", licence, event["id"]), NOW)
        assert await reports.corrections(licence) == {event["id"]: [three]}
        public = await rows(database.public_uri, "select event_id from public_correction")
        assert [row["event_id"] for row in public] == [event["id"]]
        async with open_pool(database.public_uri, read_only=True) as reading:
            history = await PostgresHistory(reading).history(licence)
        assert history is not None and [entry.after_report for entry in history.events] == [True]

    use(database, work)


def test_figures_are_what_happened_and_the_late_stand_first(database: Database) -> None:
    slow, quick = Route(department="慢部门", client=CLIENT), Route(department="快部门", client=CLIENT)

    async def work(desk: PostgresReportDesk, reports: PostgresReports) -> None:
        made = []
        for place, (route, hours) in enumerate([(quick, 1), (quick, 3), (slow, 200), (slow, None), (Route(), None)]):
            kind = ProblemKind.OTHER if place % 2 else ProblemKind.DATA_WRONG
            one, _ = await desk.open(report(route=route, kind=kind), digest(str(place)), digest("x"))
            made.append(one)
            if hours:
                await reports.answer(closing(one, f"key {place}"), NOW + timedelta(hours=hours))
        now = CONTACT_DUE + timedelta(minutes=1)
        by_department = await desk.figures(NOW, now, by_kind=False)
        assert [one.name for one in by_department] == ["慢部门", None, "快部门"]
        first, operator, last = by_department
        assert (first.reports, first.pending, first.late, first.oldest) == (2, 1, 1, NOW)
        assert (first.answer_judged, first.answer_in_time) == (1, 0)
        assert (last.contact_judged, last.contact_in_time, last.median_answer) == (2, 1, timedelta(hours=2))
        assert (operator.median_contact, operator.late) == (None, 1)
        by_kind = await desk.figures(NOW, now, by_kind=True)
        assert {one.name: one.reports for one in by_kind} == {"data_wrong": 3, "other": 2}
        assert by_kind == await reports.figures(NOW, now, by_kind=True)
        none_since = await desk.figures(ANSWER_DUE, now, by_kind=False)
        assert [one.name for one in none_since] == ["慢部门", None], "what is pending counts however old it is"

    use(database, work)


# ---- plans ----

FILL = """
set session_replication_role = replica;
insert into problem_report (number, token, digest, opened_at, kind, source, department, client, type_id, seal_id, area,
  slot, ref, contact_due, answer_due, calendar_known, sealed, key_id, contacted_at, closed_at, outcome, told_opened_at,
  told_contact_late_at, told_answer_late_at)
select 'R-' || substr(code, 1, 5) || '-' || substr(code, 6, 5) || '-' || substr(code, 11, 5), sha256(code::bytea),
  sha256(code::bytea), at, 'data_wrong', 'code', 'd' || n % 11, null, 'food-business', 'market', '4419' || 10 + n % 11,
  get_byte(d, 0) * 16 + get_byte(d, 1) / 16, substring(d for 10), at + interval '1 hour', at + interval '3 days', true,
  '\\x00'::bytea || sha256(code::bytea), 'data-1', case when n % 10 > 0 then at + interval '30 minutes' end,
  case when n % 10 > 0 then at + interval '2 days' end, case when n % 10 > 0 then 'unfounded' end, at, at, at
from (select n, timestamptz '2026-01-01' + n * interval '5 minutes' as at, d,
    upper(translate(encode(d, 'hex'), 'abcdef', '012345')) as code
  from generate_series(1, 60000) n, sha256(convert_to('made' || n, 'UTF8')) d) made;
analyze problem_report;
"""


@pytest.fixture(scope="module")
def many(server: EmbeddedServer) -> Database:
    """A database with 60,000 reports, a tenth of them pending."""
    database = fresh_database(server)

    async def fill() -> None:
        connection = await asyncpg.connect(database.super_uri)
        await connection.execute(FILL)
        await connection.close()

    asyncio.run(fill())
    return database


async def explain(database: Database, query: str, *values: object) -> dict[str, Any]:
    """The plan for these values, as the store asks for it."""
    connection = await asyncpg.connect(database.uri)
    try:
        async with connection.transaction():
            await connection.execute("set local plan_cache_mode = force_custom_plan")
            plan = await connection.fetchval("explain (analyze, buffers, format json) " + query, *values)
    finally:
        await connection.close()
    found: dict[str, Any] = json.loads(plan)[0]["Plan"]
    return found


def blocks(plan: dict[str, Any]) -> int:
    """How much of the database a plan touched."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def uses(plan: dict[str, Any]) -> str:
    """The plan as text, to see which indexes it goes by."""
    return json.dumps(plan)


def test_a_page_of_reports_is_read_from_the_index_of_what_is_pending(many: Database) -> None:
    scopes = [str(parse_scope("answer:*:market:4419"))]
    for after in ((None, None), (NOW, "R-00000-00000-00000")):
        plan = asyncio.run(explain(many, SQL["pending"], CLIENT, scopes, *after, 51, None))
        assert "problem_report_pending" in uses(plan) and '"Seq Scan", "Parent' not in uses(plan)
        assert blocks(plan) < 700, uses(plan)
    closed = asyncio.run(explain(many, SQL["closed"], CLIENT, scopes, None, None, 51, "closed"))
    assert "problem_report_closed" in uses(closed) and blocks(closed) < 700


def test_what_is_due_to_be_told_or_erased_is_found_without_looking_at_the_rest(many: Database) -> None:
    for query, index, values in (
        ("untold", "problem_report_untold", (200,)),
        ("late_contacts", "problem_report_contact_late", (NOW, 200)),
        ("late_answers", "problem_report_answer_late", (NOW, 200)),
    ):
        plan = asyncio.run(explain(many, SQL[query], *values))
        assert index in uses(plan) and blocks(plan) < 20, query
    for query, index in (("erase", "problem_report_to_erase"), ("erase_unanswered", "problem_report_pending")):
        plan = asyncio.run(explain(many, SQL[query], NOW - timedelta(days=900), NOW, 200))
        assert index in uses(plan) and blocks(plan) < 40, query


def test_who_follows_a_report_reads_one_row(many: Database) -> None:
    async def story() -> None:
        (row,) = await rows(many.uri, "select number from problem_report limit 1")
        plan = await explain(many, SQL["one"], row["number"], CLIENT, None)
        assert blocks(plan) < 40

    asyncio.run(story())
