"""Who may report what: nobody into another's source, nothing out of scope, and what is doubtful with a warning."""

import asyncio
import sys
from pathlib import Path

import pytest

from certsvc.domain.actor import Actor
from certsvc.errors import Forbidden, InvalidInput, NotFound
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording, find_records, get_record, put_record, source_health

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database
from record_desk import (
    FEEDER,
    FIRE_TYPE,
    FREE_KIND,
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
    sql,
)

pytest_plugins = ["record_fixtures"]


def test_another_clients_source_does_not_exist(database: Database) -> None:
    async def story(desk: Recording) -> None:
        await put_record(desk, FEEDER, "fire", "1", put_form(), "key", NOW)
        for name in ("fire", "nowhere"):
            for work in (
                put_record(desk, OTHER, name, "1", put_form(), "other", NOW),
                get_record(desk, OTHER, name, "1", NOW),
                find_records(desk, OTHER, source_id=name, subject=None, after=("", "")),
                source_health(desk, OTHER, name),
                take_snapshot(desk, OTHER, name, chunks(ndjson(listed("1"))), "list", at()),
            ):
                with pytest.raises(NotFound) as caught:
                    await work
                assert str(caught.value) in (f"There is no source {name}.", f"The source {name} has no record 1.")
        assert await find_records(desk, OTHER, source_id=None, subject=None, after=("", "")) == ([], None)

    play(database, story)


def test_only_kinds_in_scope_and_in_the_source_are_taken(database: Database) -> None:
    async def story(desk: Recording) -> None:
        narrow = Actor(name=FEEDER.name, scopes=frozenset({f"record:{FIRE_TYPE}:*:4419", "record:drug-retail"}))
        await put_record(desk, narrow, "fire", "1", put_form(), "a", NOW)
        with pytest.raises(Forbidden):
            await put_record(desk, narrow, "fire", "2", put_form(kind="food-business"), "b", NOW)
        with pytest.raises(InvalidInput) as caught:
            await put_record(desk, narrow, "fire", "2", put_form(kind="drug-retail"), "c", NOW)
        assert codes(caught.value.problems) == {("kind", "not_of_this_source")}
        abroad = Actor(name=FEEDER.name, scopes=frozenset({f"record:{FIRE_TYPE}:*:4420"}))
        with pytest.raises(Forbidden):
            await put_record(desk, abroad, "fire", "1", put_form(), "d", NOW)
        with pytest.raises(NotFound):
            await get_record(desk, abroad, "fire", "1", NOW)

    play(database, story)


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
            with pytest.raises(InvalidInput) as caught:
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


@pytest.mark.parametrize("person", ["11010519491231002X", "110105194912310021", "11010519491231002x"])
def test_a_persons_number_is_no_business_and_is_not_kept(database: Database, person: str) -> None:
    async def story(desk: Recording) -> None:
        for form in (put_form(subject=person), put_form(subject=person, kind=FREE_KIND, kind_name="取水许可证")):
            with pytest.raises(InvalidInput) as caught:
                await put_record(desk, FEEDER, "fire", "1", form, "key", NOW)
            assert codes(caught.value.problems) == {("subject", "personal_number")}
            assert person not in caught.value.zh + caught.value.en

    play(database, story)
    assert asyncio.run(sql(database, "select count(*) from record_version")) == [(0,)]
