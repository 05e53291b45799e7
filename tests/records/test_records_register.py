"""Records on PostgreSQL: the same answer in any order, twice is one, and no word changes."""

import asyncio
import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certsvc.domain.record import ReportedState, record_as_of
from certsvc.errors import KeyReused, NotFound
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording, get_record, put_record
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.records import PostgresRecordReader

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from record_desk import (
    COMPANY,
    DAY,
    FEEDER,
    FIRE,
    HOUR,
    NOW,
    SOLE_TRADER,
    at,
    chunks,
    day,
    listed,
    ndjson,
    play,
    put_form,
    sql,
)
from test_records_history import CONTENTS, Listing, Message, Put, instant, summary, told

pytest_plugins = ["record_fixtures"]


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
        with pytest.raises(NotFound):
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


def test_the_same_request_twice_is_one_and_its_key_takes_nothing_else(database: Database) -> None:
    async def story(desk: Recording) -> None:
        for _ in range(2):
            found = await put_record(desk, FEEDER, "fire", "1", put_form(), "key", NOW)
            assert found.versions == 1
        assert (await put_record(desk, FEEDER, "fire", "1", put_form(), "another key", NOW)).versions == 1
        for record_id, form in (("1", put_form(state="revoked")), ("2", put_form())):
            with pytest.raises(KeyReused):
                await put_record(desk, FEEDER, "fire", record_id, form, "key", NOW)
        assert (await get_record(desk, FEEDER, "fire", "1", NOW)).record.content.state is ReportedState.VALID

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from audit where action = 'put_record'")) == [(1,)]


@pytest.mark.long
def test_many_that_send_at_once_leave_one_history(database: Database) -> None:
    async def story(desk: Recording) -> None:
        forms = [put_form(NOW - hour * HOUR, state="valid" if hour % 2 else "suspended") for hour in range(8)]
        await asyncio.gather(
            *(put_record(desk, FEEDER, "fire", "1", form, f"{n}", NOW) for n, form in enumerate(forms * 2))
        )
        found = await get_record(desk, FEEDER, "fire", "1", NOW)
        assert (found.versions, found.record.content.state.value) == (8, "suspended")

    play(database, story)


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
def filled(embedded_server: EmbeddedServer) -> Database:
    """A database with one record, for tests that are refused and so change nothing."""
    database = fresh_database(embedded_server)

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
