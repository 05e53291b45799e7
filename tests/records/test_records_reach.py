"""Whose records are whose: of another client's source nothing is told, and one client's sources are kept apart."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from certsvc.domain.actor import Actor
from certsvc.errors import Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.issuance.records.lists import differences, reconcile
from certsvc.issuance.records.reporting import Recording, find_missing, find_records, get_record, put_record

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database
from record_desk import (
    DAY,
    FEEDER,
    FIRE,
    FIRE_TYPE,
    HOUR,
    NOW,
    OTHER,
    at,
    chunks,
    codes,
    listed,
    ndjson,
    play,
    put_form,
    take,
)

pytest_plugins = ["record_fixtures"]

WATER = replace(FIRE, id="water", zh="云山市水务局", en="Yunshan Water")
"""Another source that the same client feeds."""


def test_of_another_clients_lists_nothing_is_told(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await take(desk, ndjson(listed("12"), NOW - DAY), "a")
        applied = await take(desk, ndjson(listed("1"), expect_missing=1), "b")
        for name in ("fire", "nowhere"):
            for work in (
                find_missing(desk, OTHER, name, ""),
                differences(desk, OTHER, name, applied.id, "", 10),
                reconcile(desk, OTHER, name, chunks(ndjson(listed("1"))), "compared", at()),
            ):
                with pytest.raises(NotFound, match=f"There is no source {name}"):
                    await work
        assert [one.id for one in (await find_missing(desk, FEEDER, "fire", ""))[0]] == ["2"]

    play(database, story)


def test_a_key_used_for_one_source_registers_nothing_in_another(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(), "key", NOW)
        with pytest.raises(KeyReused):
            await put_record(desk, FEEDER, "water", "1", put_form(), "key", NOW)
        with pytest.raises(NotFound):
            await get_record(desk, FEEDER, "water", "1", NOW)

    play(database, story, FIRE, WATER)


def test_records_of_all_sources_are_listed_page_by_page_without_missing_any(database: Database) -> None:
    async def story(desk: Recording) -> None:
        for source, record in (("fire", "8"), ("fire", "9"), ("water", "1"), ("water", "2")):
            await put_record(desk, FEEDER, source, record, put_form(), f"{source} {record}", NOW)
        seen, after = list[tuple[str, str]](), ("", "")
        while True:
            page, following = await find_records(desk, FEEDER, source_id=None, subject=None, after=after, limit=1)
            seen += [(one.source_id, one.id) for one in page]
            if following is None:
                break
            after = following
        assert seen == [("fire", "8"), ("fire", "9"), ("water", "1"), ("water", "2")]

    play(database, story, FIRE, WATER)


def test_a_list_takes_no_kind_beyond_the_scope_or_the_source(database: Database) -> None:
    narrow = Actor(name=FEEDER.name, scopes=frozenset({f"record:{FIRE_TYPE}:*:4419", "record:drug-retail"}))

    async def story(desk: Recording) -> None:
        beyond = [*listed("1"), *listed("2", kind="food-business")]
        with pytest.raises(Forbidden):
            await take(desk, ndjson(beyond), "a", who=narrow)
        with pytest.raises(InvalidInput) as caught:
            await take(desk, ndjson([*listed("1"), *listed("2", kind="drug-retail")]), "b", who=narrow)
        assert codes(caught.value.problems) == {("line 3.kind", "not_of_this_source")}
        assert await find_records(desk, FEEDER, source_id="fire", subject=None, after=("", "")) == ([], None)

    play(database, story)


def test_a_source_was_heard_when_it_was_heard_last_whatever_comes_in_late(database: Database) -> None:
    """Two processes: the one that took its time first is done last."""

    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(NOW - DAY), "a", NOW)
        await put_record(desk, FEEDER, "fire", "2", put_form(NOW - DAY), "b", NOW - HOUR)
        assert (await desk.records.source("fire")).heard.last_heard_at == NOW

    play(database, story)
