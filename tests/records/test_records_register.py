"""Records on PostgreSQL: the same answer in any order, twice is one, nobody else's, and no word changes."""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import pytest
from demonstration import NewHome

from certsvc.domain.actor import Actor
from certsvc.domain.record import ReportedState, record_as_of
from certsvc.domain.source import Freshness
from certsvc.errors import CertsvcError, Conflict, Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording, find_records, get_record, put_record, source_health
from certsvc.issuance.records.sources import add_source, change_source, tell_freshness
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.records import PostgresRecordReader

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database, running_server
from record_desk import (
    COMPANY,
    DAY,
    FEEDER,
    FIRE,
    FIRE_TYPE,
    FREE_KIND,
    HOUR,
    NOW,
    OTHER,
    SOLE_TRADER,
    at,
    chunks,
    codes,
    day,
    listed,
    ndjson,
    put_form,
    recording,
)
from test_records_history import CONTENTS, Listing, Message, Put, instant, summary, told

Result = TypeVar("Result")
Story = Callable[[Recording], Awaitable[Result]]


@pytest.fixture(scope="module")
def server(new_home: NewHome) -> Iterator[EmbeddedServer]:
    """A server for this module."""
    with running_server(new_home().path) as server:
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)


def play(database: Database, story: Story[Result], *sources: Any) -> Result:
    """Something done with the use cases, over a database where the fire department is registered."""

    async def run() -> Result:
        async with recording(database, *(sources or (FIRE,))) as desk:
            return await story(desk)

    return asyncio.run(run())


async def sql(database: Database, statement: str, *values: object) -> list[Any]:
    connection = await asyncpg.connect(database.uri)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


def refused(error: type[CertsvcError]) -> Any:
    return pytest.raises(error)


# ---- history ----

MESSAGES: dict[str, list[Message]] = {
    "puts": [Put(0, 0), Put(2, 1), Put(4, 2)],
    "one_instant": [Put(1, 0), Put(1, 2), Put(3, 1)],
    "a_list_between": [Put(0, 0), Listing(2, 0), Put(1, 2)],
    "a_list_that_lacks_it": [Put(0, 0), Listing(2, None), Put(3, 1)],
    "a_list_at_the_same_instant": [Put(2, 0), Listing(2, None), Listing(4, None)],
    "twins_and_a_list": [Put(1, 0), Put(1, 1), Listing(3, 0)],
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_database_gives_the_same_answer_in_any_order(database: Database, name: str) -> None:
    messages = MESSAGES[name]

    async def story(desk: Recording) -> None:
        for number, order in enumerate(itertools.permutations(messages)):
            hours = [one.hour for one in order if isinstance(one, Listing)]
            if hours != sorted(hours):
                continue
            source = replace(FIRE, id=f"fire-{number}", most_missing_percent=100)
            await desk.records.add_source(source, "test")
            for message in order:
                await send(desk, source.id, message)
            for hour in range(5):
                seen = await answer(desk, source.id, hour)
                assert seen == told(messages, hour), (order, hour)
            now = [one for one in await desk.records.records([source.id], None, ("", ""), 9) if one.id == "1"]
            assert [summary(one) for one in now] == [told(messages, 5)], order

    play(database, story)


async def send(desk: Recording, source_id: str, message: Message) -> None:
    """A message about the record `1`; a list also has another one, so that it is never empty."""
    state = None if message.content is None else CONTENTS[message.content].state.value
    key = f"{source_id} {message}"
    if isinstance(message, Put):
        form = put_form(instant(message.hour), state=state)
        await put_record(desk, FEEDER, source_id, "1", form, key, NOW)
        return
    rows = listed(["2"]) + ([] if state is None else listed(["1"], state=state))
    data = ndjson(rows, instant(message.hour))
    await take_snapshot(desk, FEEDER, source_id, chunks(data), key, at())


async def answer(desk: Recording, source_id: str, hour: int) -> "tuple[object, ...] | None":
    versions = await desk.records.versions(source_id, "1")
    found = record_as_of(source_id, "1", versions, instant(hour), NOW)
    return None if found is None else summary(found)


def test_as_of_a_day_and_as_known_then(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW - 9 * DAY), "a", NOW - 9 * DAY)
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW - 5 * DAY, state="revoked"), "b", NOW - DAY)

        async def state(**when: Any) -> str:
            return (await get_record(desk, FEEDER, "fire", "1", NOW, **when)).record.content.state.value

        assert await state() == "revoked"
        assert await state(on=day(-6)) == "valid"
        assert await state(on=day(-5)) == "revoked"
        assert await state(on=day(-5), known_at=NOW - 2 * DAY) == "valid"
        with refused(NotFound):
            await state(on=day(-10))

    play(database, story)


def test_a_record_that_moves_to_another_business_leaves_the_first(database: Database) -> None:
    async def story(desk: Recording) -> None:
        for number, subject in enumerate((COMPANY, SOLE_TRADER)):
            form = put_form(NOW - (9 - number) * HOUR, subject=subject)
            await put_record(desk, FEEDER, "fire", "1", form, subject, NOW)
        async with open_pool(database.public_uri, read_only=True) as pool:
            reader = PostgresRecordReader(pool)
            found = {one: [record for _, record in await reader.elsewhere(one)] for one in (COMPANY, SOLE_TRADER)}
        assert found[COMPANY] == [None]
        assert [one.content.subject for one in found[SOLE_TRADER] if one] == [SOLE_TRADER]

    play(database, story)


# ---- sent twice ----


def test_the_same_request_twice_is_one_and_its_key_takes_nothing_else(database: Database) -> None:
    async def story(desk: Recording) -> None:
        for _ in range(2):
            found = await put_record(desk, FEEDER, "fire", "1", put_form(), "key", NOW)
            assert found.versions == 1
        assert (await put_record(desk, FEEDER, "fire", "1", put_form(), "another key", NOW)).versions == 1
        for record_id, form in (("1", put_form(state="revoked")), ("2", put_form())):
            with refused(KeyReused):
                await put_record(desk, FEEDER, "fire", record_id, form, "key", NOW)
        assert (await get_record(desk, FEEDER, "fire", "1", NOW)).record.content.state is ReportedState.VALID

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from audit where action = 'put_record'")) == [(1,)]


def test_many_that_send_at_once_leave_one_history(database: Database) -> None:
    async def story(desk: Recording) -> None:
        forms = [put_form(NOW - hour * HOUR, state="valid" if hour % 2 else "suspended") for hour in range(8)]
        await asyncio.gather(
            *(put_record(desk, FEEDER, "fire", "1", form, f"{n}", NOW) for n, form in enumerate(forms * 2))
        )
        found = await get_record(desk, FEEDER, "fire", "1", NOW)
        assert (found.versions, found.record.content.state.value) == (8, "suspended")

    play(database, story)


# ---- whose ----


def test_another_clients_source_does_not_exist(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(), "key", NOW)
        for name in ("fire", "nowhere"):
            for work in (
                put_record(desk, OTHER, name, "1", put_form(), "other", NOW),
                get_record(desk, OTHER, name, "1", NOW),
                find_records(desk, OTHER, source_id=name, subject=None, after=("", "")),
                source_health(desk, OTHER, name, NOW),
                take_snapshot(desk, OTHER, name, chunks(ndjson(listed("1"))), "list", at()),
            ):
                with refused(NotFound) as caught:
                    await work
                assert str(caught.value) in (f"There is no source {name}.", f"The source {name} has no record 1.")
        assert await find_records(desk, OTHER, source_id=None, subject=None, after=("", "")) == ([], None)

    play(database, story)


def test_only_kinds_in_scope_and_in_the_source_are_taken(database: Database) -> None:
    async def story(desk: Recording) -> None:
        narrow = Actor(name=FEEDER.name, scopes=frozenset({f"record:{FIRE_TYPE}:*:4419", "record:drug-retail"}))
        await put_record(desk, narrow, "fire", "1", put_form(), "a", NOW)
        with refused(Forbidden):
            await put_record(desk, narrow, "fire", "2", put_form(kind="food-business"), "b", NOW)
        with refused(InvalidInput) as caught:
            await put_record(desk, narrow, "fire", "2", put_form(kind="drug-retail"), "c", NOW)
        assert codes(caught.value.problems) == {("kind", "not_of_this_source")}
        abroad = Actor(name=FEEDER.name, scopes=frozenset({f"record:{FIRE_TYPE}:*:4420"}))
        with refused(Forbidden):
            await put_record(desk, abroad, "fire", "1", put_form(), "d", NOW)
        with refused(NotFound):
            await get_record(desk, abroad, "fire", "1", NOW)

    play(database, story)


# ---- what is taken ----


def test_foreign_codes_with_a_wrong_check_character_are_kept_with_a_warning(database: Database) -> None:
    async def story(desk: Recording) -> None:
        wrong = "91410100779423456X"
        form = put_form(kind="food-business", subject=wrong, number="JY14419000000014")
        await put_record(desk, FEEDER, "fire", "1", form, "a", NOW)
        found = (await get_record(desk, FEEDER, "fire", "1", NOW)).record.content
        assert found.subject == wrong
        assert codes(found.warnings) == {
            ("subject", "wrong_check_character"),
            ("number", "wrong_check_character"),
        }
        assert all(one.zh and one.en for one in found.warnings)
        illegal = put_form(subject="9144190OMA51ABC088", issuer={"name": "某局", "uscc": "11441900007330010d"})
        await put_record(desk, FEEDER, "fire", "2", illegal, "b", NOW)
        found = (await get_record(desk, FEEDER, "fire", "2", NOW)).record.content
        assert (codes(found.warnings), found.issuer_uscc) == ({("subject", "invalid_identifier")}, "11441900007330010D")

    play(database, story)


def test_what_makes_no_sense_is_refused_by_field(database: Database) -> None:
    wrong = {
        ("state", "one_state"): put_form(national_state={"code": "01"}),
        ("term.end", "before_start"): put_form(term={"start": "2026-01-02", "end": "2026-01-01"}),
        ("kind_name", "required"): put_form(kind=FREE_KIND),
        ("facts", "no_rules"): put_form(kind=FREE_KIND, kind_name="取水许可证", facts={"quota": 5}),
        ("observed_at", "in_the_future"): put_form(NOW + HOUR),
        ("facts", "too_long"): put_form(facts={f"f{n}": "字" * 1000 for n in range(30)}),
    }

    async def story(desk: Recording) -> None:
        for problem, form in wrong.items():
            with refused(InvalidInput) as caught:
                await put_record(desk, FEEDER, "fire", "1", form, "key", NOW)
            assert codes(caught.value.problems) == {problem}

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from record_version")) == [(0,)]


def test_facts_are_kept_as_the_public_may_see_them_and_no_others(database: Database) -> None:
    async def story(desk: Recording) -> None:
        facts = {"address": "云山市南城街道1号", "telephone": "13800000000"}
        form = put_form(
            kind="food-business",
            number="JY14419000000013",
            facts=facts,
            term={"start": "2026-01-01", "end": "9999-12-31"},
        )
        found = (await put_record(desk, FEEDER, "fire", "1", form, "a", NOW)).record.content
        assert dict(found.facts) == {"address": "云山市南城街道1号"}
        assert codes(found.warnings) == {("facts.telephone", "not_public"), ("term.end", "no_fixed_term")}
        assert (found.term.end, found.kind_name) == (None, "食品经营许可证")

    play(database, story)
    kept = asyncio.run(sql(database, "select fields::text || warnings::text from record_version"))
    assert "13800000000" not in kept[0][0]


# ---- freshness ----


def test_a_source_is_late_then_silent_then_heard_again_and_others_are_told_once_each(database: Database) -> None:
    async def story(desk: Recording) -> list[int]:
        new = replace(FIRE, registered_at=NOW)
        await desk.records.add_source(new, "test")
        await put_record(desk, FEEDER, "fire", "1", put_form(), "a", NOW)
        await take_snapshot(desk, FEEDER, "fire", chunks(ndjson(listed("1"))), "l", at())
        hours = (1, 24, 25, 26, 72, 73, 74)
        counts = [await tell_freshness(desk.records, NOW + hour * HOUR) for hour in hours]
        later = NOW + 80 * HOUR
        await put_record(desk, FEEDER, "fire", "1", put_form(later), "b", later)
        counts.append(await tell_freshness(desk.records, later))  # late: its list is 80 hours old, due after 48
        await take_snapshot(desk, FEEDER, "fire", chunks(ndjson(listed("1"), later)), "m", at(later))
        counts += [await tell_freshness(desk.records, later), await tell_freshness(desk.records, later)]
        return counts

    assert play(database, story) == [0, 0, 1, 0, 0, 1, 0, 1, 1, 0]
    notices = asyncio.run(sql(database, "select kind, data::jsonb ->> 'freshness', client from notice order by id"))
    assert notices == [
        ("source.late", "late", "fire-system"),
        ("source.late", "silent", "fire-system"),
        ("source.late", "late", "fire-system"),
        ("source.heard_again", "fresh", "fire-system"),
    ]


def test_a_source_never_heard_is_silent_and_said_to_be_once_its_first_answer_is_due(database: Database) -> None:
    async def story(desk: Recording) -> None:
        assert (await desk.records.source("fire")).freshness(NOW) is Freshness.SILENT
        assert await tell_freshness(desk.records, FIRE.registered_at + FIRE.expected_every) == 0
        assert await tell_freshness(desk.records, FIRE.registered_at + FIRE.expected_every + timedelta(seconds=1)) == 1

    play(database, story)


def test_a_trickle_of_changes_does_not_hide_that_no_list_came(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take_snapshot(desk, FEEDER, "fire", chunks(ndjson(listed("12"))), "l", at())
        later = NOW + 50 * HOUR
        await put_record(desk, FEEDER, "fire", "1", put_form(later), "a", later)
        health = await desk.records.source("fire")
        assert (health.heard.last_heard_at, health.freshness(later)) == (later, Freshness.LATE)
        changes_only = replace(health, source=replace(FIRE, complete_every=None))
        assert changes_only.freshness(later) is Freshness.FRESH

    play(database, story)


def test_a_list_is_as_old_as_what_it_speaks_of(database: Database) -> None:
    async def story(desk: Recording) -> None:
        old = ndjson(listed("1"), NOW - 3 * DAY)
        await take_snapshot(desk, FEEDER, "fire", chunks(old), "l", at())
        assert (await desk.records.source("fire")).freshness(NOW) is Freshness.LATE

    play(database, story)


# ---- sources ----


def test_a_source_is_registered_once_and_audited(database: Database) -> None:
    async def story(desk: Recording) -> None:
        again = await add_source(desk.records, desk.catalog, replace(FIRE, registered_at=NOW), "op")
        assert again.health.source == FIRE
        with refused(Conflict):
            await add_source(desk.records, desk.catalog, replace(FIRE, client="other-system"), "op")
        slow = replace(FIRE, id="slow", expected_every=3 * DAY)
        warned = await add_source(desk.records, desk.catalog, slow, "op")
        assert codes(warned.warnings) == {("every", "longer_than_type_allows")}
        wrong = replace(FIRE, id="Fire!", zh=" ", kinds=frozenset({"no type"}), area="44x")
        with refused(InvalidInput) as caught:
            await add_source(desk.records, desk.catalog, wrong, "op")
        assert {one.field for one in caught.value.problems} == {"id", "name", "type", "area"}

    play(database, story)
    audited = asyncio.run(sql(database, "select actor, detail ->> 'source' from audit where action = 'add_source'"))
    assert audited == [("test", "fire"), ("op", "slow")]


def test_who_feeds_a_source_changes_by_an_audited_act_and_at_once(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(), "a", NOW)
        passed = replace(FIRE, client=OTHER.name, complete_every=None)
        for _ in range(2):
            changed = await change_source(desk.records, desk.catalog, passed, "op", NOW)
            assert changed.health.source == passed
        with refused(NotFound):
            await get_record(desk, FEEDER, "fire", "1", NOW)
        assert (await get_record(desk, OTHER, "fire", "1", NOW)).versions == 1
        with refused(NotFound):
            await change_source(desk.records, desk.catalog, replace(FIRE, id="nowhere"), "op", NOW)

    play(database, story)
    statement = "select detail -> 'before' ->> 'client', detail -> 'after' ->> 'client' from audit where actor = 'op'"
    assert asyncio.run(sql(database, statement)) == [("fire-system", "other-system")]


# ---- what the database refuses ----


@pytest.mark.parametrize(
    "statement",
    [
        "update record set missing_since = null",
        "insert into record select slot, source_id, 'x', subject, observed_at, received_at, digest, fields, warnings, "
        "missing_since, contradicted from record",
        "delete from record",
        "update record_version set received_at = now()",
        "delete from record_version",
        "update source set organisation = '11441900007330010E'",
        "update source set registered_at = now()",
        "update source set last_heard_at = last_heard_at - interval '1 day'",
        "delete from source",
        "update record_order set digest = digest",
        "truncate record",
        "truncate record_version cascade",
    ],
)
def test_what_was_said_does_not_change_whoever_asks(filled: Database, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        asyncio.run(sql(filled, statement))


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Database:
    """A database with one record, for tests that are refused and so change nothing."""
    database = fresh_database(server)

    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(), "a", NOW)

    play(database, story)
    return database


TABLES = "source record record_version record_order record_snapshot record_snapshot_row".split()


@pytest.mark.parametrize("table", TABLES)
def test_the_public_role_sees_views_and_no_table(filled: Database, table: str) -> None:
    public = replace(filled, uri=filled.public_uri)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(sql(public, f"select from {table}"))
    assert len(asyncio.run(sql(public, "select * from public_record"))) == 1
    columns = asyncio.run(sql(public, "select to_jsonb(s) ? 'client', to_jsonb(s) ? 'told' from public_source s"))
    assert columns == [(False, False)]
