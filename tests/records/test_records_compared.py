"""A list that is compared with the register: every difference, and nothing changed."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certsvc.domain.snapshot import Compared, DifferenceKind
from certsvc.domain.source import Freshness
from certsvc.errors import NotFound
from certsvc.issuance.records.lists import differences, reconcile
from certsvc.issuance.records.reporting import Recording, put_record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database
from record_desk import DAY, FEEDER, FIRE, HOUR, NOW, at, chunks, listed, ndjson, play, put_form, said, sql, take

pytest_plugins = ["record_fixtures"]

LATER = NOW + HOUR


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

    play(database, story)


def test_differences_of_a_list_whose_rows_are_gone_are_not_made_up(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12"), NOW - DAY), "a", NOW - DAY)
        (first,) = await desk.snapshots.last("fire", 1)
        assert (await differences(desk, FEEDER, "fire", first.id, "", 9)).differences == []
        await take(desk, ndjson(listed("12")), "b")
        with pytest.raises(NotFound, match="kept until the next"):
            await differences(desk, FEEDER, "fire", first.id, "", 9)

    play(database, story)


def test_a_list_that_is_only_compared_confirms_nothing(database: Database) -> None:
    changes_only = replace(FIRE, complete_every=None)

    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW - 9 * DAY), "a", NOW - 9 * DAY)
        before = await desk.records.source("fire")
        found = await reconcile(desk, FEEDER, "fire", chunks(ndjson(listed("1", state="revoked"))), "r", at())
        assert found.differs == 1
        after = await desk.records.source("fire")
        assert after.heard.last_heard_at == before.heard.last_heard_at == NOW - 9 * DAY
        assert after.confirmed_at(NOW - 9 * DAY) == NOW - 9 * DAY, "it said that the permit is revoked"
        assert after.freshness(NOW) is Freshness.SILENT

    play(database, story, changes_only)


def test_a_contradicted_record_that_a_list_lacks_is_counted_once(database: Database) -> None:
    async def story(desk: Recording) -> None:
        for name, word in (("a", "valid"), ("b", "revoked")):
            await put_record(desk, FEEDER, "fire", "1", put_form(state=word), name, NOW)
        found = await reconcile(desk, FEEDER, "fire", chunks(ndjson([])), "r", at())
        assert (found.only_here, found.differs, [one.kind.value for one in found.differences]) == (1, 0, ["only_here"])

    play(database, story)
