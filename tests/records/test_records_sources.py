"""How fresh a source is, who is told of it, and who feeds it."""

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from certsvc.domain.source import Freshness
from certsvc.errors import Conflict, InvalidInput, NotFound
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording, get_record, put_record
from certsvc.issuance.records.sources import add_source, change_source, tell_freshness

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database
from record_desk import DAY, FEEDER, FIRE, HOUR, NOW, OTHER, at, chunks, codes, listed, ndjson, play, put_form, sql

pytest_plugins = ["record_fixtures"]


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


def test_a_source_is_registered_once_and_audited(database: Database) -> None:
    async def story(desk: Recording) -> None:
        again = await add_source(desk.records, desk.catalog, replace(FIRE, registered_at=NOW), "op")
        assert again.health.source == FIRE
        with pytest.raises(Conflict):
            await add_source(desk.records, desk.catalog, replace(FIRE, client="other-system"), "op")
        slow = replace(FIRE, id="slow", expected_every=3 * DAY)
        warned = await add_source(desk.records, desk.catalog, slow, "op")
        assert codes(warned.warnings) == {("every", "longer_than_type_allows")}
        wrong = replace(FIRE, id="Fire!", zh=" ", kinds=frozenset({"no type"}), area="44x")
        with pytest.raises(InvalidInput) as caught:
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
        with pytest.raises(NotFound):
            await get_record(desk, FEEDER, "fire", "1", NOW)
        assert (await get_record(desk, OTHER, "fire", "1", NOW)).versions == 1
        with pytest.raises(NotFound):
            await change_source(desk.records, desk.catalog, replace(FIRE, id="nowhere"), "op", NOW)

    play(database, story)
    statement = "select detail -> 'before' ->> 'client', detail -> 'after' ->> 'client' from audit where actor = 'op'"
    assert asyncio.run(sql(database, statement)) == [("fire-system", "other-system")]
