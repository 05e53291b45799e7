"""Who has which duty: nobody approves and keeps the seal, who audits does nothing else, and a handover is whole."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from village_people import (
    APPROVER,
    AUDITOR,
    CLERK,
    FIRST,
    NOW,
    SECOND,
    TODAY,
    VILLAGE,
    account_of,
    arrival,
    handover,
    organ,
)
from village_room import Village, settled_village

from certsvc.domain.organ import Appointment, Handover, OrganDuty, handover_problems, version_of
from certsvc.domain.organ_seal import OrganSeal
from certsvc.domain.seal import SealPeople
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealState
from certsvc.errors import CertsvcError, Forbidden, InvalidInput, KeyReused
from certsvc.issuance.village.handover import hand_over
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["village_fixtures"]

APPOINT = """insert into appointment (id, organ, account, duty, first_day, appointed_by, appointed_at)
    values ('d-' || repeat($1, 20), $2, $3, $4, $5, 'x', now())"""


def held(name: str, duty: OrganDuty, id_: str) -> Appointment:
    return Appointment(
        id=id_, organ=VILLAGE, account=account_of(name), person=name, duty=duty, first_day=TODAY - timedelta(days=9)
    )


BEFORE = [held(CLERK, OrganDuty.CLERK, "one"), held(APPROVER, OrganDuty.APPROVER, "two")]
KEPT = OrganSeal(
    id="village",
    state=SealState.ENABLED,
    people=SealPeople(applicant="申", approver="批", manager="管", keeper=CLERK, auditor="审"),
    audits=frozenset({"审", "曾审"}),
)
"""The seal of the village; two have audited it, one after the other."""


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (handover(arrival("新人", OrganDuty.CLERK)), []),
        (handover(arrival(CLERK, OrganDuty.APPROVER)), ["keeps_the_seal"]),
        (handover(arrival(CLERK, OrganDuty.AUDITOR)), ["audits", "keeps_the_seal"]),
        (handover(arrival(APPROVER, OrganDuty.AUDITOR), goes=("two",)), ["two_people"]),
        (handover(arrival(APPROVER, OrganDuty.AUDITOR), arrival("新人", OrganDuty.APPROVER), goes=("two",)), []),
        (handover(arrival(CLERK, OrganDuty.CLERK)), ["twice"]),
        (handover(goes=("three",)), ["unknown"]),
        (handover(arrival("新人", OrganDuty.CLERK), day=TODAY - timedelta(days=1)), ["past"]),
        (handover(), ["nothing"]),
        (handover(arrival("新人", OrganDuty.OVERSEER)), ["no_overseer"]),
    ],
)
def test_a_handover_is_looked_at_as_a_whole(asked: object, codes: list[str]) -> None:
    problems = handover_problems(organ(), BEFORE, KEPT, asked, TODAY)  # type: ignore[arg-type]
    assert [problem.code for problem in problems] == codes


NEWCOMER = arrival("新人", OrganDuty.CLERK)
SWAPPED = arrival(APPROVER, OrganDuty.CLERK), arrival(CLERK, OrganDuty.APPROVER)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (handover(NEWCOMER, keeper="新人", by="管"), []),
        (handover(NEWCOMER, goes=("one",), keeper="新人", by="批"), []),
        (handover(*SWAPPED, goes=("one", "two"), keeper=APPROVER, by="管"), []),
        (handover(keeper="丙", by="管"), ["no_duty"]),
        (handover(NEWCOMER, keeper="新人", by="镇村务办"), ["not_its_manager"]),
        (handover(NEWCOMER, keeper="新人", by=CLERK), ["not_its_manager"]),
        (handover(NEWCOMER, keeper="新人", by="管", day=TODAY + timedelta(days=1)), ["another_day"]),
        (handover(NEWCOMER, keeper=APPROVER, by="管"), ["approves_or_audits"]),
        (handover(arrival("新人", OrganDuty.AUDITOR), keeper="新人", by="管"), ["approves_or_audits"]),
        (handover(NEWCOMER, keeper=CLERK, by="管"), ["keeps_it"]),
        (handover(NEWCOMER, keeper=CLERK, goes=("one",), by="管"), ["keeps_it", "no_duty"]),
        (handover(arrival("管", OrganDuty.CLERK), keeper="管", by="批"), ["other_duty"]),
        (handover(arrival("批", OrganDuty.CLERK), keeper="批", by="管"), ["other_duty"]),
        (handover(arrival("审", OrganDuty.CLERK), keeper="审", by="管"), ["other_duty"]),
        (handover(arrival("曾审", OrganDuty.CLERK), keeper="曾审", by="管"), ["has_audited"]),
    ],
)
def test_village_who_is_to_keep_the_seal_is_looked_at_with_the_rest(asked: Handover, codes: list[str]) -> None:
    problems = handover_problems(organ(), BEFORE, KEPT, asked, TODAY)
    assert [problem.code for problem in problems] == codes
    assert {problem.field for problem in problems} <= {"keeper"} and all(one.zh and one.en for one in problems)


@pytest.mark.parametrize("state", SealState)
def test_village_a_seal_passes_only_while_it_is_in_hand(state: SealState) -> None:
    seal, asked = replace(KEPT, state=state), handover(NEWCOMER, keeper="新人", by="管")
    in_hand = state in (SealState.MADE, SealState.ENABLED, SealState.SUSPENDED)
    found = [problem.code for problem in handover_problems(organ(), BEFORE, seal, asked, TODAY)]
    assert found == ([] if in_hand else ["not_in_hand"])
    assert [seal.may_pass(name) for name in ("管", "批", CLERK, "镇村务办")] == [in_hand, in_hand, False, False]


def test_village_without_a_seal_nobody_keeps_one() -> None:
    asked = handover(NEWCOMER, keeper="新人", by="管")
    assert [one.code for one in handover_problems(organ(), BEFORE, None, asked, TODAY)] == ["no_seal"]


def test_village_what_was_looked_at_is_another_once_somebody_else_keeps_the_seal() -> None:
    seen = {version_of(BEFORE, keeper) for keeper in (None, CLERK, "新人")} | {version_of(BEFORE[:1], CLERK)}
    assert len(seen) == 4


def test_after_an_election_one_act_ends_and_begins_and_names_what_is_left(village_server: EmbeddedServer) -> None:
    village = settled_village(village_server)
    day = TODAY + timedelta(days=3)

    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        goes = tuple(one.id for one in await organs.appointments(VILLAGE) if one.person in (CLERK, APPROVER))
        comes = arrival("新人", OrganDuty.CLERK), arrival(APPROVER, OrganDuty.CLERK)
        asked = handover(*comes, goes=goes, day=day, key="election")
        for _ in range(2):  # sent twice it is done once
            done = await hand_over(organs, asked, NOW)
            assert done.next_step is not None
            assert (done.next_step.seal_id, done.next_step.keeper) == ("village", CLERK)
            assert len(done.appointments) == len(FIRST) + 2
        today = await organs.memberships(account_of(CLERK), day - timedelta(days=1))
        assert [one.duties for one in today] == [frozenset({OrganDuty.CLERK})]
        assert await organs.memberships(account_of(CLERK), day) == []
        (approver,) = await organs.memberships(account_of(APPROVER), day)
        assert approver.duties == {OrganDuty.CLERK}
        with pytest.raises(KeyReused):
            await hand_over(organs, handover(*comes, goes=goes, day=day, key="election", reason="另一次"), NOW)

    village.organs(story)


def test_a_handover_that_breaks_a_rule_does_nothing_at_all(village: Village) -> None:
    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        before = await organs.appointments(VILLAGE)
        goes = tuple(one.id for one in before if one.person == APPROVER)
        asked = handover(arrival(AUDITOR, OrganDuty.APPROVER), goes=goes, key="wrong")
        with pytest.raises(InvalidInput) as met:
            await organs.hand_over(asked, NOW)
        assert [problem.code for problem in met.value.problems] == ["audits"]
        with pytest.raises(InvalidInput):
            await organs.hand_over(handover(arrival("无此人", OrganDuty.CLERK), key="nobody"), NOW)
        assert await organs.appointments(VILLAGE) == before

    village.organs(story)


@pytest.mark.parametrize(
    ("name", "duty", "why"),
    [
        (CLERK, "approver", "keeps_the_seal"),
        (AUDITOR, "clerk", "audits"),
        (SECOND, "auditor", "audits"),
        ("新人", "overseer", "no_overseer"),
        (APPROVER, "approver", "one_duty_once"),
    ],
)
def test_the_database_refuses_it_by_itself(village: Village, name: str, duty: str, why: str) -> None:
    assert why in village.refused(APPOINT, "a", VILLAGE, account_of(name), duty, TODAY)


def test_an_appointment_only_ends_once(village: Village) -> None:
    assert "only ends" in village.refused("update appointment set duty = 'approver' where duty = 'clerk'")
    assert "append-only" in village.refused("delete from appointment")


def test_the_seal_is_never_handed_to_who_approves(village: Village) -> None:
    async def story(organs: PostgresOrgans, pool: Pool) -> None:
        for name in (APPROVER, AUDITOR):
            asked = SealActRequest(
                client="t",
                key=name,
                seal_id="village",
                act=SealAct.HAND_OVER,
                actor="管",
                reason="换届",
                successor=name,
            )
            with pytest.raises(Forbidden, match="approves in the organ"):
                await PostgresSeals(pool).act(asked, NOW)

    village.organs(story)


def test_approving_and_keeping_the_seal_at_once_is_refused_to_one_of_the_two(village_server: EmbeddedServer) -> None:
    village = settled_village(village_server)

    async def story(organs: PostgresOrgans, pool: Pool) -> list[object]:
        asked = SealActRequest(
            client="t", key="k", seal_id="village", act=SealAct.HAND_OVER, actor="管", reason="换届", successor="新人"
        )
        appointed = handover(arrival("新人", OrganDuty.APPROVER), key="both")
        both = PostgresSeals(pool).act(asked, NOW), organs.hand_over(appointed, NOW)
        return list(await asyncio.gather(*both, return_exceptions=True))

    results = village.organs(story)
    assert sum(isinstance(one, CertsvcError) for one in results) == 1
