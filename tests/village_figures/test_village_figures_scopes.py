"""Whose acts are counted together: an organ, a town with its villages, a city; also after a village has moved."""

import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from figures_people import histories
from figures_recount import recount, twice_at_once
from figures_room import Land

from certsvc.domain.organ import Organ
from certsvc.domain.village_figures import Days, city_scope, organ_scope, town_scope
from certsvc.store.migrate import FOLDER

pytest_plugins = ["account_fixtures", "figures_fixtures"]


def test_a_village_that_comes_to_another_town_takes_its_figures_along(figures_land: Land) -> None:
    land, some = figures_land, histories(figures_land.made, 60, seed=4)
    days = Days(date(2026, 9, 1), date(2026, 10, 20))
    land.write(some[:40])
    land.room.run(twice_at_once(land))
    land.write(some[40:])  # not added up yet when the village moves
    for town in (land.made.towns[1].uscc, None, land.made.towns[0].uscc):
        land.move(0, town)
        recount(land, some, days)
    land.room.run(twice_at_once(land))
    recount(land, some, days)


def test_the_database_has_the_same_scopes(figures_land: Land) -> None:
    def said(organ: Organ) -> list[str]:
        return [organ_scope(organ), town_scope(organ), city_scope(organ)]

    rows = figures_land.room.rows("select uscc, proof_scopes(o) as scopes from organ o")
    assert {row["uscc"]: row["scopes"] for row in rows} == {one.uscc: said(one) for one in figures_land.made.all}


def test_the_migration_makes_the_totals_of_towns_and_cities_from_those_of_villages(figures_land: Land) -> None:
    every = "select * from proof_total order by kind, scope, day", "select * from proof_open order by kind, scope, due"
    land = figures_land
    land.write(histories(land.made, 30, seed=6))
    land.room.run(twice_at_once(land))
    before = [land.room.rows(each) for each in every]
    (migration,) = FOLDER.glob("0036_*")
    begins = "delete from proof_total where length(scope) = 6;"
    _, found, rest = migration.read_text("utf-8").partition(begins)
    assert found
    for statement in ("delete from proof_total where length(scope) <> 18", *rest.split(";")[:-1]):
        land.room.rows(statement)
    assert [land.room.rows(each) for each in every] == before and len(before[0]) > 100
