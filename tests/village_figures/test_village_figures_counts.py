"""Figures are what happened: every act once, whether it is added up yet or not, in any period, by organ and by kind."""

import random
import statistics
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from figures_people import histories, region
from figures_recount import OPEN, day, recount, twice_at_once
from figures_room import CLERK, Land

from certsvc.domain.organ import oversees
from certsvc.domain.village_figures import (
    BOUNDS,
    HALF,
    PLACES,
    Count,
    Days,
    Measure,
    Scope,
    Took,
    between,
    city_scope,
    organ_scope,
)
from certsvc.store import village_figures as store

pytest_plugins = ["account_fixtures", "figures_fixtures"]


def test_figures_are_what_happened_whenever_they_are_added_up(
    figures_land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land, draw = figures_land, random.Random(7)
    monkeypatch.setattr(store, "AT_ONCE", 40)
    everything, written = histories(land.made, 120, seed=1), 0
    for seen in (50, 51, 120):
        land.write(everything[written:seen])
        written = seen
        for _ in range(3):
            first = date(2026, 8, 25) + timedelta(days=draw.randrange(80))
            recount(land, everything[:seen], Days(first, first + timedelta(days=draw.randrange(60))))
            land.room.run(twice_at_once(land))
            assert land.room.rows("select from proof_fact union all select from proof_open where number = 0") == []


def test_late_requests_are_those_past_their_day_that_nobody_has_ended(figures_land: Land) -> None:
    land, today = figures_land, date(2026, 11, 10)
    some = histories(land.made, 40, seed=2)
    land.write(some)
    codes = [organ.uscc for organ in land.made.all]
    every = land.room.rows("select organ, due from proof_request where turn is not null")
    late = sorted(row["due"] for row in every if row["due"] < today)
    latest = land.room.run(land.figures.latest(codes, today, 5))
    assert [one.due for one in latest] == late[:5]
    assert land.room.run(land.figures.latest_in_city(city_scope(land.city), today, 5)) == latest
    assert land.room.run(land.figures.latest_in_city(Scope("4452"), today, 5)) == []
    assert land.room.run(land.figures.latest(codes[:1], today, 5)) == []
    assert land.room.run(land.figures.late([organ_scope(land.city)], today)) == {}


def test_open_requests_are_counted_as_the_table_of_acts_has_it(figures_land: Land) -> None:
    rows = figures_land.room.rows("select act, before, after, proof_step(act) as step from proof_act")
    assert {row["step"] for row in rows} == {-1, 0, 1}
    for row in rows:
        assert (row["after"] in OPEN) - (row["before"] in OPEN) == row["step"], row["act"]
    turns = figures_land.room.rows("select distinct state from proof_request where turn is not null")
    assert {row["state"] for row in turns} == set(OPEN)


def test_a_refusal_counts_as_asked_for_and_refused_once(figures_land: Land) -> None:
    land, now = figures_land, datetime.now(UTC)
    today = Days(day(now), day(now))
    for _ in range(2):
        assert land.refuse(CLERK, None, "无犯罪记录证明").item == "no-criminal-record-proof"
        assert land.refuse(CLERK, None, "我家的猫的证明 44190019900101001X", key="two").words == "我家的猫的证明 …"
        scope = organ_scope(land.village)
        counts = land.room.run(land.figures.by_kind([scope], today))
        for kind in ("no-criminal-record-proof", "-"):
            of_kind = counts[scope, kind]
            assert (of_kind.of(Count.ASKED), of_kind.of(Count.REFUSED)) == (1, 1)
        land.room.run(land.figures.fold(now))
    (kept,) = land.room.rows("select * from proof_refusal where item is not null")
    assert (kept["words"], kept["person"], kept["standing"]) == (None, CLERK, "forbidden")


def test_old_words_of_refusals_go_and_nothing_else_changes(figures_land: Land) -> None:
    land, long_ago = figures_land, datetime.now(UTC) - timedelta(days=91)
    today = land.member(CLERK)
    values = today.organ.uscc, "old", b"x" * 32, "三叔公的证明", today.account, CLERK, long_ago
    put = """insert into proof_refusal (organ, key, digest, standing, words, account, person, at)
        values ($1, $2, $3, 'unknown', $4, $5, $6, $7)"""
    with pytest.raises(asyncpg.PostgresError, match="not_appointed"):  # the clerk was none then
        land.room.rows(put, *values)
    land.room.rows("alter table proof_refusal disable trigger guard_proof_refusal")
    land.room.rows(put, *values)
    land.room.rows("alter table proof_refusal enable trigger guard_proof_refusal")
    land.refuse(CLERK, None, "四叔公的证明", key="young")
    for change in ("person = 'x'", "words = 'x'", "words = null"):
        with pytest.raises(asyncpg.PostgresError, match="only the words go"):
            land.room.rows(f"update proof_refusal set {change} where key = 'young'")
    land.room.run(land.figures.fold(datetime.now(UTC)))
    rows = land.room.rows("select key, words from proof_refusal where standing = 'unknown'")
    kept = {row["key"]: row["words"] for row in rows}
    assert (kept["old"], kept["young"]) == (None, "四叔公的证明")
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        land.room.rows("delete from proof_refusal")


def test_a_town_and_a_city_look_after_their_own() -> None:
    made = region()
    other = replace(made.villages[0], area="445200", town=None)
    assert [one for one in [*made.all, other] if oversees(made.towns[0], one)] == made.villages[:3]
    assert [one for one in [*made.all, other] if oversees(made.city, one)] == [*made.towns, *made.villages]
    assert not any(oversees(made.villages[0], one) for one in made.all)


def test_the_database_has_the_same_bounds_and_places(figures_land: Land) -> None:
    land = figures_land
    for measure in Measure:
        for place, bound in enumerate(BOUNDS):
            just = f"select proof_place({measure.value}, interval '{bound} s') as at, \
                proof_place({measure.value}, interval '{bound} s' - interval '1 us') as before"
            (row,) = land.room.rows(just)
            start = len(Count) + measure * (len(BOUNDS) + 1)
            assert (row["before"], row["at"]) == (start + place + 1, start + place + 2)
    assert PLACES == 97


@pytest.mark.parametrize("seconds", [[], [0.5], [59, 61], [10, 20, 90_000, 9e6], [9e6, 9e6]], ids=str)
def test_half_took_less_is_said_only_where_it_is_true(seconds: list[float]) -> None:
    places = [len(Count) + 1 + sum(bound <= each for bound in BOUNDS) for each in seconds]
    counts = between(None, None, [places])
    half = counts.took(Measure.APPROVAL, HALF)
    if not seconds:
        assert half is None
    else:
        assert half is not None
        median = statistics.median_low(seconds)
        assert half == Took(next((bound for bound in BOUNDS if bound > median), None))
