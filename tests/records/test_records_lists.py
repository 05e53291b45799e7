"""Lists of all that a source has: applied wholly or not at all, killed anywhere, sent twice, and compared."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from demonstration import NewHome

from certsvc.domain.actor import Actor
from certsvc.domain.snapshot import Compared, DifferenceKind, ListedRecord, Measured, SnapshotState
from certsvc.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    KeyReused,
    MessageTooLarge,
    NotFound,
    TooMuchMissing,
)
from certsvc.issuance.records.content import content_of
from certsvc.issuance.records.lists import differences, reconcile, take_snapshot
from certsvc.issuance.records.reporting import Recording, find_missing, put_record, source_health
from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database, running_server
from record_desk import (
    DAY,
    FEEDER,
    FIRE,
    FREE_KIND,
    HOUR,
    NOW,
    at,
    catalog,
    chunks,
    listed,
    ndjson,
    put_form,
    recording,
    said,
)
from test_records_register import play, sql

LATER = NOW + HOUR


@pytest.fixture(scope="module")
def server(new_home: NewHome) -> Iterator[EmbeddedServer]:
    """A server for this module."""
    with running_server(new_home().path) as server:
        yield server


@pytest.fixture
def database(server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(server)


async def take(desk: Recording, data: bytes, key: str, when: Any = NOW, who: Actor = FEEDER) -> Any:
    """A list that comes in."""
    return await take_snapshot(desk, who, "fire", chunks(data), key, at(when))


def state(database: Database) -> list[Any]:
    """All that holds: records, their versions, and when the source was heard."""
    statements = (
        "select source_ref, fields ->> 'state', observed_at, missing_since from record order by 1",
        "select source_ref, observed_at, fields ->> 'state' from record_version order by 1, 2",
        "select last_heard_at, last_complete_at, complete_as_of from source",
        "select kind, data::jsonb from notice order by id",
    )
    return [asyncio.run(sql(database, statement)) for statement in statements]


def test_a_list_records_what_is_new_or_different_and_marks_what_it_lacks(database: Database) -> None:
    async def story(desk: Recording) -> None:
        first = await take(desk, ndjson(listed("12345"), NOW - DAY), "a")
        assert first.measured == Measured(added=5, changed=0, same=0, returned=0, missing=0, present=0)
        rows = [*listed("123"), *listed("4", state="suspended"), *listed("6")]
        second = await take(desk, ndjson(rows), "b")
        assert second.measured == Measured(added=1, changed=1, same=3, returned=0, missing=1, present=5)
        missing, following = await find_missing(desk, FEEDER, "fire", "")
        assert ([one.id for one in missing], following) == (["5"], None)
        assert (missing[0].missing_since, missing[0].content.state.value) == (NOW, "valid")
        third = await take(desk, ndjson([*rows, *listed("5")], LATER), "c", LATER)
        assert third.measured == Measured(added=0, changed=0, same=5, returned=1, missing=0, present=5)
        assert await find_missing(desk, FEEDER, "fire", "") == ([], None)
        health = await source_health(desk, FEEDER, "fire", LATER)
        assert (health.records, health.missing) == (6, 0)
        assert [one.state for one in health.snapshots] == [SnapshotState.APPLIED] * 3

    play(database, story)
    notices = asyncio.run(sql(database, "select kind, data::jsonb from notice"))
    assert notices == [
        ("record.missing", '{"source": "fire", "missing": 1, "records": ["5"], "snapshot": 2}'),
    ]


def test_missing_records_are_listed_page_by_page(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("1234567"), NOW - DAY), "a")
        await take(desk, ndjson(listed("7"), expect_missing=6), "b")
        seen, after = [], ""
        while True:
            page, following = await find_missing(desk, FEEDER, "fire", after, 4)
            seen += [one.id for one in page]
            if following is None:
                break
            after = following
        assert seen == list("123456")

    play(database, story)


# ---- what breaks off changes nothing ----

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


# ---- killed ----


def test_killed_before_any_statement_a_list_holds_wholly_or_not_at_all(server: EmbeddedServer) -> None:
    data = ndjson([*listed("234"), *listed("5", state="revoked")], NOW)
    number, ended, seen = 0, False, set()
    while not ended:
        number += 1
        database = fresh_database(server)

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


# ---- sent twice, in the wrong order, too short ----


def test_the_same_list_twice_is_one_and_its_key_takes_no_other(database: Database) -> None:
    async def story(desk: Recording) -> None:
        first = await take(desk, ndjson(listed("12")), "key")
        assert await take(desk, ndjson(listed("12")), "key", LATER) == first
        with pytest.raises(KeyReused):
            await take(desk, ndjson(listed("123")), "key")

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from record_snapshot where state = 'applied'")) == [(1,)]


def test_the_same_list_sent_twice_at_once_is_applied_once(database: Database) -> None:
    async def story(desk: Recording) -> None:
        both = await asyncio.gather(*(take(desk, ndjson(listed("12")), "key") for _ in range(2)))
        assert both[0].id == both[1].id

    play(database, story)


def test_a_list_that_speaks_of_a_time_before_the_last_is_refused(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12")), "a")
        for when in (NOW, NOW - HOUR):
            with pytest.raises(Conflict):
                await take(desk, ndjson(listed("1"), when, expect_missing=9), f"{when}")
        assert await find_missing(desk, FEEDER, "fire", "") == ([], None)

    play(database, story)


@pytest.mark.parametrize(("kept", "refused"), [("12345678", False), ("1234567", True), ("x", True)])
def test_a_list_that_lacks_more_than_the_limit_is_refused_unless_expected(
    database: Database, kept: str, refused: bool
) -> None:
    lacking = len("1234567890") - len(kept.strip("x"))

    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("1234567890"), NOW - DAY), "a")
        if refused:
            for expected in (0, lacking - 1):
                with pytest.raises(TooMuchMissing) as caught:
                    await take(desk, ndjson(listed(kept), expect_missing=expected), "b")
                assert f"expect_missing: {lacking}" in caught.value.zh
            assert await find_missing(desk, FEEDER, "fire", "") == ([], None)
            assert (await desk.snapshots.last("fire", 1))[0].refused == "too_much_missing"
        await take(desk, ndjson(listed(kept), expect_missing=lacking if refused else 0), "c")
        assert len((await find_missing(desk, FEEDER, "fire", ""))[0]) == lacking

    play(database, story)


def test_what_is_missing_already_does_not_count_again(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12345"), NOW - DAY), "a")
        for number, kept in enumerate(("1234", "1234", "1234")):
            then = NOW + number * HOUR
            found = await take(desk, ndjson(listed(kept), then), f"{number}", then)
            assert found.measured.missing == (1 if number == 0 else 0)
        assert (await find_missing(desk, FEEDER, "fire", ""))[0][0].missing_since == NOW

    play(database, story)


def test_a_change_that_is_newer_than_the_list_stays_on_top(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW - DAY), "a", NOW)
        await put_record(desk, FEEDER, "fire", "2", put_form(NOW - DAY), "b", NOW)
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW, state="revoked"), "c", NOW)
        await take(desk, ndjson(listed("1"), NOW - HOUR, expect_missing=1), "d")
        found = {one.id: one for one in await desk.records.records(["fire"], None, ("", ""), 9)}
        assert found["1"].known_state.value == "revoked"
        assert found["2"].missing_since == NOW - HOUR

    play(database, story)


# ---- compare ----


def test_comparing_lists_every_difference_and_changes_nothing(database: Database) -> None:
    async def story(desk: Recording) -> Compared:
        await take(desk, ndjson(listed("12345"), NOW - DAY), "a")
        digest = (await desk.records.versions("fire", "1"))[0].digest.hex()
        rows: list[dict[str, Any]] = [
            {"id": "1", "digest": digest},
            {"id": "2", "digest": "00" * 32},
            {"id": "3", "state": "suspended", "term": {"start": "2023-05-01"}},
            {"id": "4", "national_state": {"code": "01"}, "number": said()["number"]},
            *listed("6"),
            {"id": "7", **said(holder_name="别人")},
        ]
        found = await reconcile(desk, FEEDER, "fire", chunks(ndjson(rows)), "b", at())
        assert (found.only_here, found.only_there, found.differs, found.same) == (1, 2, 2, 2)
        return found

    found = play(database, story)
    assert [(one.id, one.kind, one.fields) for one in found.differences] == [
        ("2", DifferenceKind.DIFFERS, ("content",)),
        ("3", DifferenceKind.DIFFERS, ("state",)),
        ("5", DifferenceKind.ONLY_HERE, ()),
        ("6", DifferenceKind.ONLY_THERE, ()),
        ("7", DifferenceKind.ONLY_THERE, ()),
    ]
    assert asyncio.run(sql(database, "select count(*) from record_version")) == [(5,)]


def test_whole_rows_are_compared_field_by_field_as_they_would_be_kept(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12"), NOW - DAY), "a")
        rows = [*listed("1", holder_name="别人", state="closed"), *listed("2")]
        found = await reconcile(desk, FEEDER, "fire", chunks(ndjson(rows)), "b", at())
        assert [(one.id, one.fields) for one in found.differences] == [("1", ("holder_name", "state"))]

    play(database, story)


def test_an_applied_list_differs_by_what_came_since_page_by_page(database: Database) -> None:
    async def story(desk: Recording) -> None:
        taken = await take(desk, ndjson(listed("12345")), "a")
        for one in "135":
            await put_record(desk, FEEDER, "fire", one, put_form(LATER, state="revoked"), one, LATER)
        first = await differences(desk, FEEDER, "fire", taken.id, "", 2)
        assert ([one.id for one in first.differences], first.following, first.differs) == (["1", "3"], "3", 3)
        second = await differences(desk, FEEDER, "fire", taken.id, "3", 2)
        assert ([one.id for one in second.differences], second.following) == (["5"], None)
        other = replace(FIRE, id="other")
        await desk.records.add_source(other, "test")
        for source, number in (("fire", 999), ("other", taken.id)):
            with pytest.raises(NotFound):
                await differences(desk, FEEDER, source, number, "", 2)

    play(database, story)


def test_a_missing_record_is_only_there_when_a_list_to_compare_has_it(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12"), NOW - DAY), "a")
        await take(desk, ndjson(listed("1"), expect_missing=1), "b")
        found = await reconcile(desk, FEEDER, "fire", chunks(ndjson([{"id": "1"}, {"id": "2"}], LATER)), "c", at(LATER))
        assert [(one.id, one.kind) for one in found.differences] == [("2", DifferenceKind.ONLY_THERE)]
        assert (await desk.records.source("fire")).heard.last_heard_at == LATER

    play(database, story)


def test_a_large_list_goes_through_in_portions(database: Database) -> None:
    async def story(desk: Recording) -> None:
        ids = [f"{n:05}" for n in range(2500)]
        found = await take(desk, ndjson(listed(ids)), "a")
        assert found.measured.added == 2500
        again = await take(desk, ndjson(listed(ids[:-10]), LATER), "b", LATER)
        assert (again.measured.same, again.measured.missing) == (2490, 10)

    play(database, story)
