"""Seals on record: no act out of order, nobody alone, nobody who audits; and no use that the rules do not allow."""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_up import NOW, PEOPLE, PLACE, SEAL, licence, use
from seal_model import Model
from sealed import TO_ENABLED, applied, ask, execute, put_in_use, refusal, told

from certsvc.domain.seal import Hours, Placement
from certsvc.domain.seal_acts import (
    SEAL_ACTS,
    SealAct,
    SealActRequest,
    SealRules,
    SealRulesRequest,
    SealState,
    rules_of,
)
from certsvc.errors import ActNotAllowed, Conflict, Forbidden, InvalidInput, KeyReused, NotFound, SealRefused
from certsvc.ids import Ref
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER, apply
from certsvc.store.pool import open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["store_fixtures"]

Story = Callable[[PostgresSeals, PostgresRegister], Coroutine[Any, Any, None]]


def run(database: Database, story: Story) -> None:
    """A story over one register and its seals."""

    async def told_in_full() -> None:
        async with open_pool(database.uri) as pool:
            await story(PostgresSeals(pool), PostgresRegister(pool))

    asyncio.run(told_in_full())


@pytest.fixture(scope="module")
def shared(server: EmbeddedServer) -> Database:
    """A database for tests that each have a seal of their own."""
    return fresh_database(server)


# ---- the life of a seal ----


def test_the_database_and_the_table_of_acts_say_the_same(shared: Database) -> None:
    async def rows() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(shared.uri)
        try:
            found: list[asyncpg.Record] = await connection.fetch("select * from seal_act")
            return found
        finally:
            await connection.close()

    held = {
        (row["act"], row["before"], row["after"], *sorted(row["duties"]), row["passes"], row["confirmed"])
        for row in asyncio.run(rows())
    }
    assert held == {
        (act, before, rule.after or before, *sorted(rule.by), rule.passes, rule.confirmed)
        for act, rule in SEAL_ACTS.items()
        for before in rule.before
    }


def test_a_seal_goes_through_its_stages_with_who_when_and_why(shared: Database) -> None:
    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        await put_in_use(seals, applied("whole-life"))
        await seals.act(ask("whole-life", SealAct.SUSPEND, "用"), NOW)
        await seals.act(ask("whole-life", SealAct.HAND_OVER, "管", successor="新"), NOW)
        await seals.act(ask("whole-life", SealAct.RESUME, "管"), NOW)
        await seals.act(ask("whole-life", SealAct.DESTROY, "管", confirmed_by="批"), NOW)
        await seals.act(ask("whole-life", SealAct.DESTROYED, "管"), NOW + timedelta(days=1))
        events = [*await seals.events("whole-life")]
        assert told(events) == [
            ("apply", "applied", "申"),
            ("approve", "approved", "批"),
            ("make", "making", "管"),
            ("made", "made", "管"),
            ("enable", "enabled", "管"),
            ("suspend", "suspended", "用"),
            ("hand_over", "suspended", "管"),
            ("resume", "enabled", "管"),
            ("destroy", "destroying", "管"),
            ("destroyed", "destroyed", "管"),
        ]
        assert {event.reason for event in events} == {"试"}
        assert events[-1].at - events[0].at == timedelta(days=1)
        found = await seals.seal("whole-life", NOW)
        assert (found.state, found.people.keeper, found.people.manager) == (SealState.DESTROYED, "新", "管")
        for act in SealAct:
            request = ask("whole-life", act, "管", key=f"again {act}")
            if act is SealAct.CHANGE_RULES:
                request = with_rules(request, rules_of(SEAL))
            if act is not SealAct.TAKE_OVER:
                assert "destroyed" in (await refusal(seals, request) or "")

    run(shared, story)


def ask_rules(seal_id: str, rules: SealRules, actor: str = "管", second: str | None = "批") -> SealRulesRequest:
    """A request to change the rules."""
    return with_rules(
        ask(seal_id, SealAct.CHANGE_RULES, actor, f"{actor} {second} {rules}", confirmed_by=second), rules
    )


def with_rules(request: SealActRequest, rules: SealRules) -> SealRulesRequest:
    """A request that brings rules."""
    return SealRulesRequest(**asdict(request), rules=rules)


NUMBERS = itertools.count()
NAMES = ["applicant", "approver", "manager", "keeper", "auditor", "新", "外"]
LIKELY = {SealAct.APPROVE: "外", SealAct.WITHDRAW: "applicant", SealAct.SUSPEND: "keeper"} | dict.fromkeys(
    (SealAct.REPLACE_MANAGER, SealAct.REPLACE_AUDITOR), "approver"
)
PASSING = (SealAct.HAND_OVER, SealAct.REPLACE_MANAGER, SealAct.REPLACE_AUDITOR, SealAct.REPLACE_APPROVER)
CONFIRMED = {SealAct.DESTROY: "approver", SealAct.CHANGE_RULES: "approver", SealAct.REPLACE_APPROVER: "keeper"}


@st.composite
def steps(draw: st.DrawFn) -> tuple[SealAct, str, str | None, str | None]:
    """An act, who does it, who takes over and who confirms: mostly as it should be, never surely."""
    act = draw(st.sampled_from([act for act in SEAL_ACTS if act is not SealAct.APPLY] + 3 * [*PASSING]))
    actor = draw(st.sampled_from(3 * [LIKELY.get(act, "manager")] + NAMES))
    nobody_mostly = ["外", *12 * [None]]
    successor = draw(st.sampled_from([None, *NAMES] if act in PASSING else nobody_mostly))
    likely = [*3 * [CONFIRMED.get(act)], "approver", "manager", "keeper", "外", None]
    second = draw(st.sampled_from(likely if act in CONFIRMED else nobody_mostly))
    return act, actor, successor, second


ONWARD = [(act, "外" if act is SealAct.APPROVE else "manager", None, None) for act in TO_ENABLED]


@pytest.mark.long
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.generate,))
@given(head=st.sampled_from([0, 1, 2, 3, 4, 4, 4, 4]), tail=st.lists(steps(), min_size=8, max_size=24))
def test_whoever_does_whatever_in_any_order_the_rules_hold(
    shared: Database, head: int, tail: list[tuple[Any, ...]]
) -> None:
    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        model, seal = Model(), applied(f"random-{next(NUMBERS)}")
        await seals.apply(seal, ask(seal.id, SealAct.APPLY, "申"), NOW)
        for place, (act, *who) in enumerate([*ONWARD[:head], *tail]):
            actor, successor, second = (model.people.get(name, name) if name else None for name in who)
            request = ask(seal.id, act, actor or "", key=str(place), successor=successor, confirmed_by=second)
            if act is SealAct.CHANGE_RULES:
                request = with_rules(request, rules_of(replace(seal, daily_quota=place)))
            said = await refusal(seals, request)
            assert (said is None) == model.do(act.value, actor or "", successor, second), (said, act, who, model)
            found = await seals.seal(seal.id, NOW)
            people = {duty: getattr(found.people, duty) for duty in model.people}
            assert (found.state.value, people) == (model.state, model.people)

    run(shared, story)


@pytest.mark.parametrize(
    "people",
    [
        {"manager": "用"},
        {"auditor": "用"},
        {"auditor": "管"},
        {"auditor": "申"},
    ],
    ids=lambda people: " ".join(f"{duty}={name}" for duty, name in people.items()),
)
def test_duties_are_different_people_s_from_the_application_on(shared: Database, people: dict[str, str]) -> None:
    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        seal = applied("one-person")
        seal = replace(seal, people=replace(PEOPLE, approver=None, **people))
        with pytest.raises(Forbidden):
            await seals.apply(seal, ask(seal.id, SealAct.APPLY, "申"), NOW)
        with pytest.raises(NotFound):
            await seals.seal("one-person", NOW)

    run(shared, story)


def test_the_same_request_twice_is_one_event_and_a_key_has_one_content(shared: Database) -> None:
    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        seal = applied("twice")
        request = ask("twice", SealAct.APPLY, "申")
        assert await seals.apply(seal, request, NOW) == await seals.apply(seal, request, NOW + timedelta(days=1))
        with pytest.raises(KeyReused):
            await seals.apply(replace(seal, daily_quota=9), request, NOW)
        with pytest.raises(Conflict, match="twice"):
            await seals.apply(seal, ask("twice", SealAct.APPLY, "申", key="another"), NOW)
        approve = ask("twice", SealAct.APPROVE, "批")
        first = await asyncio.gather(*(seals.act(approve, NOW) for _ in range(4)))
        assert len(set(first)) == 1
        with pytest.raises(KeyReused):
            await seals.act(replace(approve, reason="另"), NOW)
        assert len(await seals.events("twice")) == 2
        await seals.apply(applied("other"), ask("other", SealAct.APPLY, "申"), NOW)
        with pytest.raises(KeyReused):
            await seals.act(replace(approve, seal_id="other"), NOW)
        assert (await seals.seal("other", NOW)).state is SealState.APPLIED

    run(shared, story)


def test_of_many_who_act_at_once_one_does(shared: Database) -> None:
    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        await put_in_use(seals, applied("at-once"))
        asked = [ask("at-once", SealAct.SUSPEND, "用", key=str(place)) for place in range(6)]
        answers = await asyncio.gather(*(seals.act(one, NOW) for one in asked), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == [*["ActNotAllowed"] * 5, "SealEvent"]

    run(shared, story)


def test_nobody_audits_what_they_acted_on_or_used(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await put_in_use(seals, applied("amr"))
        ref = (await register.reserve(licence())).ref
        await register.book_seal_use(ref, use(), "经办", NOW)
        for name in ("管", "申", "经办"):
            request = ask("amr", SealAct.REPLACE_AUDITOR, "批", successor=name)
            with pytest.raises(Forbidden, match="has acted"):
                await seals.act(request, NOW)
        await seals.act(ask("amr", SealAct.REPLACE_AUDITOR, "批", successor="新审"), NOW)
        with pytest.raises(SealRefused, match="新审 audits"):
            await register.book_seal_use(ref, use(), "新审", NOW)
        with pytest.raises(Forbidden, match="审 has audited"):
            await seals.act(ask("amr", SealAct.HAND_OVER, "管", successor="审"), NOW)
        with pytest.raises(Forbidden, match="who approves does not manage"):
            await seals.act(ask("amr", SealAct.REPLACE_MANAGER, "批", successor="批"), NOW)

    run(database, story)


def test_who_manages_does_not_use_and_a_name_has_one_spelling(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register)
        with pytest.raises(SealRefused, match="管 manages"):
            await register.book_seal_use(ref, use(), "\u3000管 ", NOW)
        with pytest.raises(InvalidInput, match="cannot be seen"):
            await register.book_seal_use(ref, use(), "管\u200b", NOW)
        with pytest.raises(InvalidInput, match="cannot be seen"):
            await seals.act(ask("amr", SealAct.HAND_OVER, "管", successor="用\u3000"), NOW)
        with pytest.raises(InvalidInput, match="in the future"):
            await seals.act(ask("amr", SealAct.SUSPEND, "用"), datetime.now(UTC) + timedelta(hours=1))
        assert (await seals.seal("amr", NOW)).uses == 0

    run(database, story)


def test_rules_change_by_an_act_that_is_on_record_with_them(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register)
        await register.book_seal_use(ref, use(), "经办", NOW)
        hours = Hours(opens=480, closes=1200, weekdays_only=True)
        rules = SealRules(certificate_types=frozenset({"business-licence"}), place=PLACE, daily_quota=1, hours=hours)
        event = await seals.act(ask_rules("amr", rules), NOW)
        assert (event.state, event.rules, event.confirmed_by) == (SealState.ENABLED, rules, "批")
        assert event == await seals.act(ask_rules("amr", rules), NOW) == (await seals.events("amr"))[-1]
        assert rules_of((await seals.seal("amr", NOW)).seal) == rules
        with pytest.raises(SealRefused, match="1 uses of today"):
            await register.book_seal_use(ref, use(), "经办", NOW)
        with pytest.raises(Forbidden, match="confirmed by its approver"):
            await seals.act(ask_rules("amr", rules, "用", None), NOW)
        without = replace(rules, place=None, daily_quota=None, hours=None)
        await seals.act(ask_rules("amr", without, "用"), NOW)
        assert rules_of((await seals.seal("amr", NOW)).seal) == without
        await register.book_seal_use(ref, use(), "经办", NOW)

    run(database, story)


def test_past_our_own_code_the_database_keeps_the_same_promises(database: Database) -> None:
    event = (
        "insert into seal_event (seal_id, act, state, actor, at, reason, client, key, digest) "
        f"values ('direct', $1, 'enabled', $2, '{NOW.isoformat()}', 'x', 'x', $1, sha256('x'))"
    )

    async def story(seals: PostgresSeals, _: PostgresRegister) -> None:
        await seals.apply(applied("direct"), ask("direct", SealAct.APPLY, "申"), NOW)
        for act, actor in (("enable", "管"), ("approve", "审"), ("take_over", "管"), ("nothing", "管")):
            with pytest.raises(asyncpg.PostgresError) as caught:
                await execute(database.uri, event, act, actor)
            assert caught.value.sqlstate == "SL001"
        with pytest.raises(asyncpg.CheckViolationError, match="nobody_approves_alone"):
            await execute(database.uri, event, "approve", "申")
        for change in ("state = 'enabled'", "keeper = '外'", "approver = '外'", "owner = '外'", "design = '{}'"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await execute(database.uri, f"update seal set {change} where id = 'direct'")
        with pytest.raises(asyncpg.RestrictViolationError, match="begins with an application"):
            await execute(
                database.uri,
                'insert into seal select (jsonb_populate_record(s, \'{"id": "x", "state": "enabled"}\')).* from seal s',
            )
        await execute(database.uri, event, "approve", "批")
        _first, approved = await seals.events("direct")
        assert approved.state is SealState.APPROVED, "the state is the table's, whatever the row said"

    run(database, story)


# ---- rules of use ----


async def ready(seals: PostgresSeals, register: PostgresRegister, since: datetime = NOW, **rules: object) -> Ref:
    """A licence reserved under a seal that is enabled with these rules."""
    await put_in_use(seals, applied("amr", **rules), since)
    return (await register.reserve(licence())).ref


def at(text: str) -> datetime:
    """An instant of Beijing time."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def test_every_use_is_on_record_with_its_digest(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register)
        numbers = [await register.book_seal_use(ref, use(layout=layout), "经办", NOW) for layout in "abc"]
        found = await seals.uses("amr", None, 2)
        assert [(one.id, one.layout, one.digest) for one in found] == [
            (numbers[2], "c", use(layout="c").digest),
            (numbers[1], "b", use(layout="b").digest),
        ]
        (last,) = await seals.uses("amr", numbers[1], 2)
        assert (last.ref, last.actor, last.place, last.type_id, last.issued) == (
            *(ref, "经办", PLACE, "business-licence", False),
        )
        told_now = await seals.seal("amr", NOW)
        tomorrow = await seals.seal("amr", NOW + timedelta(days=1))
        assert [(one.uses_today, one.uses) for one in (told_now, tomorrow)] == [(3, 3), (0, 3)]
        with pytest.raises(asyncpg.CheckViolationError, match="every_use_names_what_it_seals"):
            await execute(
                database.uri,
                "insert into seal_use (slot, ref, seal_id, layout, actor, intended_at) "
                "select slot, ref, seal_id, layout, actor, intended_at from seal_use limit 1",
            )

    run(database, story)


def test_a_seal_is_used_only_while_it_is_enabled(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await seals.apply(applied("amr"), ask("amr", SealAct.APPLY, "申"), NOW)
        ref = (await register.reserve(licence())).ref
        for act, actor in TO_ENABLED.items():
            with pytest.raises(SealRefused):
                await register.book_seal_use(ref, use(), "经办", NOW)
            await seals.act(ask("amr", act, actor), NOW)
        await register.book_seal_use(ref, use(), "经办", NOW)
        await seals.act(ask("amr", SealAct.SUSPEND, "用"), NOW)
        with pytest.raises(SealRefused, match=r"is suspended.*certsvc seal resume"):
            await register.book_seal_use(ref, use(), "经办", NOW)
        await seals.act(ask("amr", SealAct.RESUME, "管"), NOW)
        await register.book_seal_use(ref, use(), "经办", NOW)
        await seals.act(ask("amr", SealAct.DESTROY, "管", confirmed_by="批"), NOW)
        with pytest.raises(SealRefused, match="being destroyed"):
            await register.book_seal_use(ref, use(), "经办", NOW)
        with pytest.raises(SealRefused, match="never used again"):
            await register.reserve(licence("another"))
        assert (await seals.seal("amr", NOW)).uses == 2

    run(database, story)


def test_a_seal_is_used_only_for_its_types_and_in_its_place(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register, certificate_types=frozenset({"business-licence"}), place=PLACE)
        await register.book_seal_use(ref, use(), "经办", NOW)
        for elsewhere in (replace(PLACE, page=2), replace(PLACE, x_mm=151), Placement(page=1, x_mm=150, y_mm=0)):
            with pytest.raises(SealRefused, match="would stand elsewhere"):
                await register.book_seal_use(ref, use(place=elsewhere), "经办", NOW)
        await register.keep_token(ref, b"token")
        await put_in_use(seals, applied("foods", certificate_types=frozenset({"food-permit"})))
        with pytest.raises(SealRefused, match="not bound to the type business-licence"):
            await register.book_seal_use(ref, use("foods"), "经办", NOW)
        with pytest.raises(SealRefused, match="not on record"):
            await register.book_seal_use(ref, use("nowhere"), "经办", NOW)

    run(database, story)


def test_the_quota_is_of_one_beijing_day_and_counts_every_booking(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register, daily_quota=3)
        late = at("2026-11-25T23:59:59")
        tries = [register.book_seal_use(ref, use(), "经办", late) for _ in range(8)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert [type(answer) for answer in answers].count(SealRefused) == 5
        assert next(str(answer) for answer in answers if isinstance(answer, SealRefused)).endswith("tomorrow.")
        await register.book_seal_use(ref, use(), "经办", late + timedelta(seconds=1))

    run(database, story)


@pytest.mark.parametrize(
    ("moment", "allowed"),
    [
        ("2026-11-19T07:59:59", False),
        ("2026-11-19T08:00:00", True),
        ("2026-11-19T19:59:59", True),
        ("2026-11-19T20:00:00", False),
        ("2026-11-20T12:00:00", True),
        ("2026-11-21T12:00:00", False),
        ("2026-11-22T12:00:00", False),
        ("2026-11-23T07:00:00", False),
        ("2026-11-23T09:00:00", True),
    ],
)
def test_a_seal_is_used_in_its_hours_of_beijing_time(server: EmbeddedServer, moment: str, allowed: bool) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        hours = Hours(opens=480, closes=1200, weekdays_only=True)
        ref = await ready(seals, register, at("2026-11-18T00:00:00"), hours=hours)
        if allowed:
            await register.book_seal_use(ref, use(), "经办", at(moment))
        else:
            with pytest.raises(SealRefused, match="08:00–20:00"):
                await register.book_seal_use(ref, use(), "经办", at(moment))

    run(fresh_database(server), story)


# ---- ceremonies, and registers of before ----


def test_a_ceremony_enables_its_seals_by_the_people_it_names(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await register.enrol_seals([SEAL], NOW)
        await register.enrol_seals([replace(SEAL, people=None, daily_quota=7)], NOW)
        assert told([*await seals.events("amr")]) == [
            ("apply", "applied", "申"),
            ("approve", "approved", "批"),
            ("make", "making", "管"),
            ("made", "made", "管"),
            ("enable", "enabled", "管"),
        ]
        found = await seals.seal("amr", NOW)
        assert rules_of(found.seal) == rules_of(SEAL), "opening the authority changes no rules"
        with pytest.raises(InvalidInput, match="does not name"):
            await register.enrol_seals([replace(SEAL, id="new", people=None)], NOW)
        people = replace(PEOPLE, approver="申")
        with pytest.raises(Forbidden):
            await register.enrol_seals([replace(SEAL, id="new", people=people)], NOW)
        await seals.act(ask("amr", SealAct.SUSPEND, "用"), NOW)
        await register.enrol_seals([SEAL], NOW)
        assert (await seals.seal("amr", NOW)).state is SealState.SUSPENDED, "opening the authority resumes nothing"

    run(database, story)


def test_processes_that_enrol_at_once_enrol_once(database: Database) -> None:
    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        many = [replace(SEAL, id=f"seal-{number}") for number in range(5)]
        await asyncio.gather(*(register.enrol_seals(many, NOW) for _ in range(6)))
        assert [len(await seals.events(seal.id)) for seal in many] == [5] * 5

    run(database, story)


def test_seals_of_an_earlier_register_are_taken_over_and_go_on(server: EmbeddedServer, tmp_path: Path) -> None:
    database = fresh_database(server, empty=True)
    for path in sorted(FOLDER.glob("000[12]_*.sql")):
        shutil.copy(path, tmp_path)

    async def before() -> None:
        connection = await asyncpg.connect(database.uri)
        try:
            await apply(connection, tmp_path)
            await connection.execute(
                "insert into seal values ($1, $2, $3, $4::jsonb, $5, $6)",
                *(SEAL.id, SEAL.owner, SEAL.owner_uscc),
                '{"name": "云山市市场监督管理局", "diameter_mm": 42, "border_mm": 1.2, "centre": "star", '
                '"purpose": null, "code": null}',
                *(["business-licence"], NOW),
            )
            await apply(connection, FOLDER)
        finally:
            await connection.close()

    asyncio.run(before())

    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        await register.enrol_seals([SEAL], NOW)
        now = datetime.now(UTC)
        found = await seals.seal("amr", now)
        assert (found.state, found.seal.design) == (SealState.ENABLED, SEAL.design)
        assert found.seal.certificate_types == {"business-licence"}
        (event,) = await seals.events("amr")
        assert (event.act, event.actor) == (SealAct.TAKE_OVER, "certsvc migrate")
        ref = (await register.reserve(licence())).ref
        await register.book_seal_use(ref, use(), "经办", now)
        approver = found.people.approver or ""
        await seals.act(ask("amr", SealAct.REPLACE_MANAGER, approver, successor="管"), now)
        await seals.act(ask("amr", SealAct.SUSPEND, "管"), now)
        with pytest.raises(ActNotAllowed):
            await seals.act(ask("amr", SealAct.SUSPEND, "管", key="again"), now)

    run(database, story)


def test_uses_of_an_earlier_register_stay_without_a_digest(server: EmbeddedServer, tmp_path: Path) -> None:
    """A use of before has none; the register says so and invents nothing."""
    database = fresh_database(server)

    async def story(seals: PostgresSeals, register: PostgresRegister) -> None:
        ref = await ready(seals, register)
        await register.book_seal_use(ref, use(), "经办", NOW)
        await execute(database.uri, "alter table seal_use drop constraint every_use_names_what_it_seals")
        await execute(
            database.uri,
            "insert into seal_use (slot, ref, seal_id, layout, actor, intended_at) "
            "select slot, ref, seal_id, layout, actor, intended_at - interval '5 minutes' from seal_use",
        )
        old = (await seals.uses("amr", None, 9))[-1]
        assert (old.digest, old.place) == (None, None)

    run(database, story)
