"""A handover with the seal: one transaction, in an order that lets keeper and approver change places, done once, by the
seal's manager or approver alone."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from village_people import (
    APPROVER,
    CLERK,
    NOW,
    SECOND,
    TODAY,
    VILLAGE,
    account_of,
    add_accounts,
    arrival,
    handover,
    organ,
)
from village_room import Village, settled_village

from certsvc.domain.organ import Handover, Organ, OrganDuty, OrganKind, version_of
from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.errors import ActNotAllowed, CertsvcError, ChangedMeanwhile, Forbidden, InvalidInput, KeyReused
from certsvc.ids import parse_uscc
from certsvc.issuance.village.handover import hand_over, look_at_handover
from certsvc.store import organs as store
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool, open_pool
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["village_fixtures"]

TOWN = parse_uscc("11441900007335014X")
MANAGES, OVERSEES, NEW = "镇管章", "镇督导", "新人"
SEAL = "village"
PASS = """insert into seal_event (seal_id, act, state, actor, at, reason, successor, client, key, digest)
    values ('village', 'hand_over', '', $1, now(), 'x', $2, 'direct', 'direct', sha256('x'))"""
STANDS = """select (select keeper from seal where id = 'village') || ': ' || string_agg(a.name || ' ' || h.duty, ', '
    order by a.name, h.duty) from appointment h join account a on a.id = h.account
    where h.organ = $1 and h.last_day is null"""
"""Who keeps the seal, and who has which duty."""


def over_the_town(server: EmbeddedServer) -> Village:
    """A village whose town has two overseers, of whom one manages its seal."""
    village = settled_village(server)

    async def settled(organs: PostgresOrgans, pool: Pool) -> None:
        await add_accounts(pool, MANAGES, OVERSEES)
        await organs.put(Organ(uscc=TOWN, kind=OrganKind.TOWN, name="云山市云岗镇人民政府", area="441900"), "x", NOW)
        await organs.put(replace(organ(seal=SEAL), town=TOWN), "x", NOW)
        comes = [arrival(name, OrganDuty.OVERSEER) for name in (MANAGES, OVERSEES)]
        await organs.hand_over(handover(*comes, organ=TOWN), NOW)
        await PostgresSeals(pool).act(on_seal(SealAct.REPLACE_MANAGER, "批", MANAGES), NOW)

    village.organs(settled)
    return village


def on_seal(act: SealAct, actor: str, successor: str) -> SealActRequest:
    return SealActRequest(
        client="t", key=f"{act} {successor}", seal_id=SEAL, act=act, actor=actor, reason="换届", successor=successor
    )


def by_overseer(name: str, *comes: Any, **more: Any) -> Handover:
    """A handover of an overseer of the town."""
    return handover(*comes, by=name, account=account_of(name), **more)


async def those_of(organs: PostgresOrgans, *names: str) -> tuple[str, ...]:
    """The running appointments of persons."""
    held = await organs.appointments(VILLAGE)
    return tuple(one.id for one in held if one.person in names and one.last_day is None)


async def swapped(organs: PostgresOrgans, key: str) -> Handover:
    """Whoever of the two keeps the seal as clerk approves from now on, and the other keeps it."""
    keeper = await organs.keeper(VILLAGE)
    other = {CLERK: APPROVER, APPROVER: CLERK}[keeper or ""]
    comes = arrival(other, OrganDuty.CLERK), arrival(keeper or "", OrganDuty.APPROVER)
    return by_overseer(MANAGES, *comes, goes=await those_of(organs, CLERK, APPROVER), keeper=other, key=key)


@pytest.fixture(scope="module")
def handed_village(village_server: EmbeddedServer) -> Village:
    """The village of tests that are refused, and leave it as it is."""
    return over_the_town(village_server)


def test_village_keeper_and_approver_change_places_in_one_act_and_once(village_server: EmbeddedServer) -> None:
    village = over_the_town(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        asked = await swapped(organs, "swap")
        assert await look_at_handover(organs, asked, NOW) == []
        for _ in range(2):  # sent twice it is done once
            done = await hand_over(organs, asked, NOW)
            assert done.next_step is None
        assert await organs.keeper(VILLAGE) == APPROVER
        duties = {name: (await organs.memberships(account_of(name), TODAY))[0].duties for name in (CLERK, APPROVER)}
        assert duties == {CLERK: {OrganDuty.APPROVER}, APPROVER: {OrganDuty.CLERK}}
        with pytest.raises(KeyReused):
            await hand_over(organs, replace(asked, keeper=None), NOW)
        event = (await PostgresSeals(pool).events(SEAL))[-1]
        assert (event.act, event.actor, event.successor, event.at) == (SealAct.HAND_OVER, MANAGES, APPROVER, NOW)
        assert event.reason == asked.reason

    village.organs(story)
    assert village.sql("select count(*) from seal_event where act = 'hand_over'") == 1
    assert village.sql("select key from seal_event where act = 'hand_over'") == "swap"
    assert village.sql("select detail ->> 'keeper' from audit where action = 'hand_over_duties' order by id desc") == (
        APPROVER
    )


def test_village_the_seal_alone_passes_after_a_handover_of_another_day(village_server: EmbeddedServer) -> None:
    village, election = over_the_town(village_server), TODAY + timedelta(days=1)

    async def story(organs: PostgresOrgans, _: Pool) -> None:
        comes, goes = arrival(NEW, OrganDuty.CLERK), await those_of(organs, CLERK)
        later = by_overseer(MANAGES, comes, goes=goes, day=election, keeper=NEW, key="later")
        assert [one.code for one in await look_at_handover(organs, later, NOW)] == ["another_day"]
        done = await hand_over(organs, replace(later, keeper=None), NOW)
        assert done.next_step is not None and done.next_step.keeper == CLERK
        alone = by_overseer(MANAGES, day=election, keeper=NEW, key="alone")
        assert [one.code for one in await look_at_handover(organs, alone, NOW)] == ["another_day"]
        await hand_over(organs, alone, NOW + timedelta(days=1))
        assert await organs.keeper(VILLAGE) == NEW

    village.organs(story)


Trying = Callable[[PostgresOrgans, Handover], Coroutine[Any, Any, Any]]


async def by_use_case(organs: PostgresOrgans, asked: Handover) -> Any:
    return await hand_over(organs, asked, NOW)


async def by_store(organs: PostgresOrgans, asked: Handover) -> Any:
    return await organs.hand_over(asked, NOW)


@pytest.mark.parametrize("trying", [by_use_case, by_store])
def test_village_an_overseer_who_does_not_manage_the_seal_passes_it_to_nobody(
    handed_village: Village, trying: Trying
) -> None:
    async def story(organs: PostgresOrgans, _: Pool) -> None:
        before = await organs.appointments(VILLAGE)
        asked = by_overseer(OVERSEES, arrival(NEW, OrganDuty.CLERK), keeper=NEW, key="forged")
        with pytest.raises(InvalidInput) as met:
            await trying(organs, asked)
        assert [one.code for one in met.value.problems] == ["not_its_manager"] and MANAGES in met.value.zh
        assert (await organs.appointments(VILLAGE), await organs.keeper(VILLAGE)) == (before, CLERK)

    handed_village.organs(story)


@pytest.mark.parametrize(
    ("by", "comes", "keeper", "met"),
    [
        (OVERSEES, NEW, NEW, "管理人或批准人"),
        (MANAGES, NEW, SECOND, "审批人或监督人"),
        (MANAGES, NEW, "批", "批准人"),
        (MANAGES, NEW, MANAGES, "三个不同的人"),
    ],
)
def test_village_past_the_rules_of_the_domain_the_database_refuses_all_of_it(
    handed_village: Village, monkeypatch: pytest.MonkeyPatch, by: str, comes: str, keeper: str, met: str
) -> None:
    monkeypatch.setattr(store, "handover_problems", lambda *_: [])
    monkeypatch.setattr(store, "_require_accounts", passes)

    async def story(organs: PostgresOrgans, _: Pool) -> None:
        before = await organs.appointments(VILLAGE)
        asked = by_overseer(by, arrival(comes, OrganDuty.CLERK), keeper=keeper, key=f"past {keeper}")
        with pytest.raises(Forbidden) as refused:
            await organs.hand_over(asked, NOW)
        assert met in refused.value.zh
        assert (await organs.appointments(VILLAGE), await organs.keeper(VILLAGE)) == (before, CLERK)

    handed_village.organs(story)
    assert handed_village.sql("select count(*) from handover where key like 'past %'") == 0


async def passes(*_: object) -> None:
    """Says nothing against anybody."""


def test_village_direct_sql_passes_the_seal_for_its_manager_and_to_who_may_keep_it(handed_village: Village) -> None:
    assert "not_the_duty" in handed_village.refused(PASS, OVERSEES, NEW)
    assert "approves_in_organ" in handed_village.refused(PASS, MANAGES, APPROVER)
    assert "three_duties_three_people" in handed_village.refused(PASS, MANAGES, MANAGES)


def test_village_nobody_without_an_account_of_use_is_to_keep_the_seal(village_server: EmbeddedServer) -> None:
    village = over_the_town(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        await organs.hand_over(handover(arrival(NEW, OrganDuty.CLERK), key="new"), NOW)
        async with pool.transaction() as connection:
            await connection.execute("update account set disabled_at = now() where name = $1", NEW)
        asked = by_overseer(MANAGES, keeper=NEW, key="gone")
        with pytest.raises(InvalidInput, match="no account that may sign in"):
            await hand_over(organs, asked, NOW)
        assert await organs.keeper(VILLAGE) == CLERK

    village.organs(story)


def test_village_who_keeps_the_seal_belongs_to_what_was_looked_at(village_server: EmbeddedServer) -> None:
    village = over_the_town(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        await organs.hand_over(handover(arrival(NEW, OrganDuty.CLERK), key="new"), NOW)
        await organs.hand_over(handover(arrival("邻村人", OrganDuty.CLERK), key="other"), NOW)
        seen = version_of(await organs.appointments(VILLAGE), await organs.keeper(VILLAGE))
        asked = by_overseer(MANAGES, keeper=NEW, key="seen", seen=seen)
        await PostgresSeals(pool).act(on_seal(SealAct.HAND_OVER, MANAGES, "邻村人"), NOW)
        with pytest.raises(ChangedMeanwhile):
            await organs.hand_over(asked, NOW)
        assert await organs.keeper(VILLAGE) == "邻村人"

    village.organs(story)


def test_village_of_two_who_hand_over_the_seal_at_once_the_second_knows_of_the_first(
    village_server: EmbeddedServer,
) -> None:
    village = over_the_town(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> list[object]:
        await organs.hand_over(handover(arrival(NEW, OrganDuty.CLERK), key="new"), NOW)
        asked = replace(
            await swapped(organs, "swap"),
            seen=version_of(await organs.appointments(VILLAGE), await organs.keeper(VILLAGE)),
        )
        both = PostgresSeals(pool).act(on_seal(SealAct.HAND_OVER, MANAGES, NEW), NOW), organs.hand_over(asked, NOW)
        return list(await asyncio.gather(*both, return_exceptions=True))

    results = village.organs(story)
    failed = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(one, CertsvcError) for one in failed)
    keeper = village.sql("select keeper from seal where id = 'village'")
    duties = village.sql("select count(*) from handover where key = 'swap'")
    assert (keeper, duties) in ((NEW, 0), (NEW, 1), (APPROVER, 1))
    assert village.sql("select count(*) from seal_event where act = 'hand_over'") == 2 - len(failed)


def test_village_a_destroyed_seal_passes_to_nobody(village_server: EmbeddedServer) -> None:
    village = over_the_town(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        gone = replace(on_seal(SealAct.DESTROY, MANAGES, ""), successor=None, confirmed_by="批")
        await PostgresSeals(pool).act(gone, NOW)
        asked = by_overseer(MANAGES, arrival(NEW, OrganDuty.CLERK), keeper=NEW, key="gone")
        assert [one.code for one in await look_at_handover(organs, asked, NOW)] == ["not_in_hand"]
        with pytest.raises(ActNotAllowed):
            await PostgresSeals(pool).act(asked.passing(SEAL), NOW)

    village.organs(story)


@pytest.mark.long
def test_village_killed_before_any_statement_duties_and_seal_change_together_or_not_at_all(
    village_server: EmbeddedServer,
) -> None:
    village = over_the_town(village_server)

    async def run(key: str, dies_before: int | None) -> None:
        async with open_pool(village.database.uri) as pool:
            organs = PostgresOrgans(pool)
            if dies_before is not None:
                die_before_statement(dies_before)
            await hand_over(organs, asked[key], NOW)

    def stands() -> str:
        return str(village.sql(STANDS, VILLAGE))

    async def prepared(organs: PostgresOrgans, _: Pool) -> None:
        asked[f"try {number}"] = await swapped(organs, f"try {number}")

    asked: dict[str, Handover] = {}
    number, ended = 0, False
    while not ended:
        number += 1
        key, before = f"try {number}", stands()
        village.organs(prepared)
        ended = ran_to_the_end(lambda key=key, number=number: asyncio.run(run(key, number)))  # type: ignore[misc]
        midway = stands()
        asyncio.run(run(key, None))
        after = stands()
        assert after != before and midway in (before, after), number
        assert village.sql("select count(*) from seal_event where act = 'hand_over'") == number
    assert number > 15
