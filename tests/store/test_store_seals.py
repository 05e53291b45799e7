"""Seals on record: no act out of order, nobody alone, nobody who audits; and no use that the rules do not allow."""

import asyncio
import itertools
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_up import NOW, PEOPLE, PLACE, SEAL, licence, use
from seal_model import Model
from seal_story import ready, run
from sealed import TO_ENABLED, applied, ask, execute, put_in_use, refusal, told

from certsvc.domain.seal import Hours
from certsvc.domain.seal_acts import (
    SEAL_ACTS,
    SealAct,
    SealActRequest,
    SealRules,
    SealRulesRequest,
    SealState,
    rules_of,
)
from certsvc.errors import Conflict, Forbidden, InvalidInput, KeyReused, NotFound, SealRefused
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["store_fixtures"]


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


@pytest.mark.long(seconds=15)
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
