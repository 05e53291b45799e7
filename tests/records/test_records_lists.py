"""Lists of all that a source has: what is new, different or missing; sent twice, too late, or too short."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from certsvc.domain.snapshot import ListedRecord, Measured, SnapshotState
from certsvc.errors import Conflict, KeyReused, TooMuchMissing
from certsvc.issuance.records.content import content_of
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording, find_missing, put_record, source_health

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database
from record_desk import DAY, FEEDER, FIRE, HOUR, NOW, at, catalog, chunks, listed, ndjson, play, put_form, sql, take

pytest_plugins = ["record_fixtures"]

LATER = NOW + HOUR


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
        health = await source_health(desk, FEEDER, "fire")
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


@pytest.mark.long
def test_a_large_list_goes_through_in_portions(database: Database) -> None:
    async def story(desk: Recording) -> None:
        ids = [f"{n:05}" for n in range(2500)]
        found = await take(desk, ndjson(listed(ids)), "a")
        assert found.measured.added == 2500
        again = await take(desk, ndjson(listed(ids[:-10]), LATER), "b", LATER)
        assert (again.measured.same, again.measured.missing) == (2490, 10)

    play(database, story)


def test_a_key_used_for_one_source_applies_nothing_to_another(database: Database) -> None:
    twin = replace(FIRE, id="fire-two")

    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12")), "key")
        with pytest.raises(KeyReused):
            await take_snapshot(desk, FEEDER, "fire-two", chunks(ndjson(listed("12"))), "key", at())

    play(database, story, FIRE, twin)


def test_a_list_that_took_so_long_that_its_rows_were_dropped_is_not_applied_by_half(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("123"), NOW - DAY), "first", NOW - DAY)
        ends: dict[str, Callable[[int], Awaitable[object]]] = {
            "apply": lambda number: desk.snapshots.apply(number, b"\0" * 32, 2, 9, NOW),
            "compare": lambda number: desk.snapshots.compare(number, 2, NOW),
        }
        for end in ends:
            slow = await desk.snapshots.begin("fire", FEEDER.name, end, NOW - 7 * HOUR, NOW - 7 * HOUR)
            one, two = (ListedRecord(id=name, content=content_of(catalog(), put_form())) for name in "12")
            await desk.snapshots.add(slow, [one])
            await desk.snapshots.begin("fire", FEEDER.name, "other", NOW, NOW)
            await desk.snapshots.add(slow, [two])
            with pytest.raises(Conflict, match="send it again"):
                await ends[end](slow)
        assert await find_missing(desk, FEEDER, "fire", "") == ([], None)

    play(database, story)
