"""A list that is wrong, breaks off, or whose taker is killed, holds wholly or not at all."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from certsvc.domain.actor import Actor
from certsvc.domain.snapshot import ListedRecord, SnapshotState
from certsvc.errors import Forbidden, InvalidInput, MessageTooLarge
from certsvc.issuance.records.content import content_of
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording
from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database
from record_desk import (
    DAY,
    FEEDER,
    FREE_KIND,
    NOW,
    at,
    catalog,
    listed,
    ndjson,
    play,
    put_form,
    recording,
    said,
    sql,
    take,
)

pytestmark = pytest.mark.long

pytest_plugins = ["record_fixtures"]


def state(database: Database) -> list[Any]:
    """All that holds: records, their versions, and when the source was heard."""
    statements = (
        "select source_ref, fields ->> 'state', observed_at, missing_since from record order by 1",
        "select source_ref, observed_at, fields ->> 'state' from record_version order by 1, 2",
        "select last_heard_at, last_complete_at, complete_as_of from source",
        "select kind, data::jsonb from notice order by id",
    )
    return [asyncio.run(sql(database, statement)) for statement in statements]


BROKEN = {
    "no_end": ndjson(listed("12")).rsplit(b"\n", 1)[0],
    "cut_in_a_line": ndjson(listed("12"))[:-30],
    "wrong_count": ndjson(listed("12"), count=3),
    "twice": ndjson(listed("121")),
    "no_begin": b"\n".join(ndjson(listed("12")).split(b"\n")[1:]),
    "nothing": b"",
    "after_the_end": ndjson(listed("12")) + b"\n" + ndjson(listed("3")),
    "a_row_that_is_wrong": ndjson([*listed("12"), {"id": "3", **said(term={"start": "x"})}]),
    "a_row_of_another_kind": ndjson([*listed("12"), *listed("3", kind="drug-retail")]),
    "no_json": ndjson(listed("12")).replace(b'"kind"', b'"kind', 1),
    "a_list_of_the_future": ndjson(listed("12"), NOW + DAY),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_list_that_is_wrong_or_breaks_off_changes_nothing(database: Database, name: str) -> None:
    before: list[Any] = []

    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("1234"), NOW - DAY), "a", NOW - DAY)
        before.extend(await asyncio.to_thread(state, database))
        with pytest.raises(InvalidInput) as caught:
            await take(desk, BROKEN[name], "b")
        assert caught.value.zh
        last = (await desk.snapshots.last("fire", 1))[0]
        assert last.state is SnapshotState.REFUSED or name in ("no_begin", "nothing", "a_list_of_the_future")

    play(database, story)
    assert state(database) == before


def test_every_wrong_line_is_named_up_to_a_hundred(database: Database) -> None:
    async def story(desk: Recording) -> None:
        rows = [{"id": f"{n}", **said(state=None)} for n in range(150)]
        with pytest.raises(InvalidInput) as caught:
            await take(desk, ndjson([*listed("x"), *rows]), "a")
        problems = caught.value.problems
        assert len(problems) == 100
        assert (problems[0].field, problems[0].code) == ("line 3.state", "one_state")

    play(database, story)


def test_limits_of_a_line_and_a_stream(database: Database) -> None:
    async def story(desk: Recording) -> None:
        with pytest.raises(MessageTooLarge):
            await take(desk, b'{"begin"' + b" " * 200_000, "a")
        with pytest.raises(MessageTooLarge):
            await take(desk, ndjson(listed("1")).replace(b'"id"', b" " * 200_000 + b'"id"'), "b")

    play(database, story)


def test_a_kind_out_of_scope_refuses_the_whole_list(database: Database) -> None:
    async def story(desk: Recording) -> None:
        narrow = Actor(name=FEEDER.name, scopes=frozenset({"record:fire-safety-check"}))
        rows = [*listed("1"), *listed("2", kind=FREE_KIND, kind_name="取水许可证")]
        with pytest.raises(Forbidden):
            await take(desk, ndjson(rows), "a", who=narrow)
        await take(desk, ndjson(rows), "b")

    play(database, story)


def test_a_client_that_stops_in_the_middle_leaves_nothing_that_holds(database: Database) -> None:
    async def stopping() -> AsyncIterator[bytes]:
        yield ndjson(listed(f"{n}" for n in range(3000)))[:600_000]
        raise ConnectionResetError

    async def story(desk: Recording) -> None:
        with pytest.raises(ConnectionResetError):
            await take_snapshot(desk, FEEDER, "fire", stopping(), "a", at())
        assert (await desk.snapshots.last("fire", 1))[0].state is SnapshotState.BEGUN
        assert await desk.records.records(["fire"], None, ("", ""), 9) == []
        await take(desk, ndjson(listed("12")), "a")

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from record")) == [(2,)]


def test_what_was_left_by_a_list_that_broke_off_is_dropped(database: Database) -> None:
    async def leave(desk: Recording) -> None:
        number = await desk.snapshots.begin("fire", "fire-system", "a", NOW - DAY, NOW - DAY)
        row = ListedRecord(id="9", content=content_of(catalog(), put_form()))
        await desk.snapshots.add(number, [row])
        await take(desk, ndjson(listed("12")), "b")

    play(database, leave)
    assert asyncio.run(sql(database, "select source_ref from record_snapshot_row order by 1")) == [("1",), ("2",)]


def test_killed_before_any_statement_a_list_holds_wholly_or_not_at_all(embedded_server: EmbeddedServer) -> None:
    data = ndjson([*listed("234"), *listed("5", state="revoked")], NOW)
    number, ended, seen = 0, False, set()
    while not ended:
        number += 1
        database = fresh_database(embedded_server)

        async def before(desk: Recording) -> None:
            await take(desk, ndjson(listed("12345"), NOW - DAY), "first", NOW - DAY)

        play(database, before)
        untouched = state(database)
        ended = run_and_die(database, data, number)
        after = state(database)
        seen.add("untouched" if after == untouched else "whole")

        async def again(desk: Recording) -> None:
            await take(desk, data, "second")

        play(database, again)
        whole = state(database)
        assert after in (untouched, whole), number
        assert [row[:2] for row in whole[0]] == [(one, "revoked" if one == "5" else "valid") for one in "12345"]
        assert [row[0] for row in whole[0] if row[3]] == ["1"]
        assert [kind for kind, _ in whole[3]] == ["record.missing"]
    assert number > 15 and seen == {"untouched", "whole"}


def run_and_die(database: Database, data: bytes, number: int) -> bool:
    """Take a list in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def run() -> None:
            async with recording(database) as desk:
                die_before_statement(number)
                await take(desk, data, "second")

        asyncio.run(run())

    return ran_to_the_end(story)
