"""A sitting on record: what was seen and confirmed is done at once; what changed meanwhile is left out; and nobody
agrees past it, whatever way is tried."""

import asyncio
import hashlib
import sys
from collections.abc import Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from sitting_people import agreed_of, confirm, look, sit, sitting, wait_for
from village_people import (
    APPROVER,
    CLERK,
    NOW,
    SECOND,
    account_of,
    act,
    approved,
    confirmation_of,
    member,
    submitted,
)
from village_room import Village

from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import Turn
from certsvc.domain.sitting import Agreed, digest_of_said, said_of
from certsvc.errors import ActNotAllowed, KeyReused
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["village_fixtures"]

EVENT = """insert into proof_request_event (request_id, version, act, state, account, person, at, confirmation)
    select id, version + 1, 'approve', 'x', $2, $3, $4, $5 from proof_request where id = $1"""
DECISION = """with decided as (
    insert into approval_decision (approval_id, person, client, approves, at)
    select approval_id, $3, $2, true, $4 from proof_request where id = $1 returning approval_id)
  update approval set state = 'approved', decided_at = $4 where id = (select approval_id from decided)"""
JOBS = "select count(*) from job where kind = 'approval' and key = any($1::text[])"
UNDER = "select count(distinct confirmation) from proof_request_event where request_id = any($1::text[])"
SAID = "insert into proof_confirmation (confirmation, account, key, what, at) values ($1, $2, $3, $4, $5)"
USE = "update account_confirmation set used_at = $2 where id = $1"


async def refused(work: Awaitable[Any], *kind: type[Exception]) -> str:
    with pytest.raises(kind) as met:
        await work
    return str(met.value)


def test_of_five_one_changed_meanwhile_is_left_out_and_said(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        five = await wait_for(requests, "five", 5)
        agreed = agreed_of(*five)
        await look(requests, agreed)
        back = act(five[2], ProofAct.RETURN, SECOND, reason="人数不符")
        await requests.decide(back, False, NOW)
        became = {one.agreed.request_id: one for one in await sit(requests, agreed, "five")}
        out = became.pop(five[2].id)
        assert (out.is_done, out.act, out.person, out.at) == (False, ProofAct.RETURN, SECOND, NOW)
        assert all(one.is_done and one.person == APPROVER for one in became.values())
        states = [(await requests.request(one.id)).state for one in five]
        assert states.count(ProofState.APPROVED) == 4 and states[2] is ProofState.RETURNED
        async with pool.connection() as connection:
            assert await connection.fetchval(JOBS, [one.approval_id for one in five]) == 4, "and is carried out"
            assert await connection.fetchval(UNDER, [one.id for one in five]) == 1, "one confirmation for all"

    village.tell(story)


def test_sent_twice_it_is_done_once_and_a_key_means_one_thing(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        one, two = await wait_for(requests, "twice", 2)
        agreed = agreed_of(one)
        await look(requests, agreed)
        said = sitting(agreed, "twice", await confirm(requests, agreed))
        await requests.agree(said, NOW)
        await requests.agree(said, NOW + timedelta(minutes=9))
        assert [event.act for event in await requests.events(one.id)].count(ProofAct.APPROVE) == 1
        await look(requests, agreed_of(two))
        other = sitting(agreed_of(two), "twice", await confirm(requests, agreed_of(two)))
        await refused(requests.agree(other, NOW), KeyReused)
        spent = sitting(agreed_of(two), "again", said.confirmation)
        await refused(requests.agree(spent, NOW), ActNotAllowed)
        assert (await requests.request(two.id)).state is ProofState.SUBMITTED

    village.tell(story)


@pytest.mark.parametrize("flaw", ["of another", "of another version", "too old", "of fewer", "of more"])
def test_a_confirmation_is_good_for_exactly_what_was_confirmed_by_who_confirmed_it(village: Village, flaw: str) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        one, two = await wait_for(requests, flaw, 2)
        agreed, confirmed, name, at = agreed_of(one), agreed_of(one), APPROVER, NOW
        await look(requests, agreed_of(one, two))
        match flaw:
            case "of another":
                name = SECOND
            case "of another version":
                confirmed = (Agreed(one.id, one.version - 1, ProofAct.APPROVE),)
            case "too old":
                at = NOW - timedelta(minutes=5, seconds=1)
            case "of fewer":
                agreed = agreed_of(one, two)
            case "of more":
                confirmed = agreed_of(one, two)
        sure = await confirm(requests, confirmed, name, at)
        await refused(requests.agree(sitting(agreed, flaw, sure), NOW), ActNotAllowed)
        for each in (one, two):
            assert (await requests.request(each.id)).state is ProofState.SUBMITTED

    village.tell(story)


def test_what_was_not_looked_at_is_left_out_and_no_mark_is_made_at_it(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        seen, unseen = await wait_for(requests, "unseen", 2)
        await look(requests, agreed_of(seen))
        await requests.mark(account_of(APPROVER), seen.id, seen.version, NOW)
        await refused(requests.mark(account_of(APPROVER), unseen.id, unseen.version, NOW), ActNotAllowed)
        await refused(requests.mark(account_of(SECOND), seen.id, seen.version, NOW), ActNotAllowed)
        await refused(requests.mark(account_of(APPROVER), seen.id, seen.version + 1, NOW), ActNotAllowed)
        assert await requests.seen(account_of(APPROVER), [seen.id, unseen.id]) == {seen.id: NOW}
        both = agreed_of(seen, unseen)
        await requests.agree(sitting(both, "unseen", await confirm(requests, both)), NOW)
        assert (await requests.request(seen.id)).state is ProofState.APPROVED
        assert (await requests.request(unseen.id)).state is ProofState.SUBMITTED

    village.tell(story)


def test_a_mark_at_what_was_changed_since_is_none(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "changed since")
        await look(requests, agreed_of(request))
        await requests.mark(account_of(APPROVER), request.id, request.version, NOW)
        await requests.decide(act(request, ProofAct.RETURN, SECOND, reason="x"), False, NOW)
        assert await requests.seen(account_of(APPROVER), [request.id]) == {}

    village.tell(story)


def test_two_sittings_over_the_same_requests_end_and_each_is_approved_once(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        waiting = await wait_for(requests, "at once", 6)
        orders = agreed_of(*waiting), agreed_of(*reversed(waiting))
        said = zip((APPROVER, SECOND), orders, strict=True)
        both = await asyncio.gather(*(sit(requests, agreed, "at once", name) for name, agreed in said))
        for one, other in zip(*both, strict=True):
            assert one.agreed == other.agreed and one.is_done != other.is_done
            assert (one.act, one.person) == (other.act, other.person), "who was late is told who decided what"

    village.tell(story)


def test_who_had_a_hand_in_one_of_them_does_the_others(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        own, other = await submitted(requests, "own", SECOND), await submitted(requests, "not own")
        became = {
            one.agreed.request_id: one.is_done for one in await sit(requests, agreed_of(own, other), "mixed", SECOND)
        }
        assert became == {own.id: False, other.id: True}
        clerk = await submitted(requests, "by a clerk")
        assert not (await sit(requests, agreed_of(clerk), "by a clerk", CLERK))[0].is_done

    village.tell(story)


def test_direct_sql_agrees_to_nothing_that_was_not_seen_and_confirmed(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> tuple[str, int, str, str, str]:
        request, other = await wait_for(requests, "direct", 2)
        agreed = agreed_of(request)
        async with pool.transaction() as connection:
            of_other = await confirmation_of(connection, account_of(APPROVER), digest_of_said(agreed_of(other)))
            sure = await confirmation_of(connection, account_of(APPROVER), digest_of_said(agreed))
        return request.id, request.version, sure, of_other, said_of(agreed_of(other))

    request_id, version, sure, of_other, what_of_other = village.tell(story)
    who = account_of(APPROVER), APPROVER, NOW
    assert village.refused(DECISION, request_id, "x", APPROVER, NOW).startswith("the request of a village")
    what = said_of([Agreed(request_id, version, ProofAct.APPROVE)])

    def with_decision(confirmation: str | None, event_at: Any = NOW) -> str:
        """The decision and the event together, as one statement each in one transaction."""

        async def both(_: PostgresProofRequests, pool: Pool) -> None:
            async with pool.transaction() as connection:
                await connection.execute(DECISION, request_id, "x", APPROVER, NOW)
                await connection.execute(EVENT, request_id, *who[:2], event_at, confirmation)

        with pytest.raises(Exception, match=r"not_confirmed|not_seen") as met:
            village.tell(both)
        return str(met.value)

    assert "not_confirmed" in with_decision(None)
    assert village.refused(SAID, sure, account_of(APPROVER), "unused", what, NOW) == "not_confirmed"
    village.sql(USE, sure, NOW)
    village.sql(USE, of_other, NOW)
    assert village.refused(SAID, sure, account_of(SECOND), "another's", what, NOW) == "not_confirmed"
    assert village.refused(SAID, of_other, account_of(APPROVER), "another", what, NOW) == "not_confirmed"
    assert (
        village.refused(SAID, sure, account_of(APPROVER), "later", what, NOW + timedelta(seconds=1)) == "not_confirmed"
    )
    village.sql(SAID, of_other, account_of(APPROVER), "of another", what_of_other, NOW)
    assert "not_confirmed" in with_decision(of_other), "they confirmed another request"
    village.sql(SAID, sure, account_of(APPROVER), "direct", what, NOW)
    assert "not_seen" in with_decision(sure)
    village.sql(
        "insert into proof_seen (account, request_id, version, seen_at) values ($1, $2, $3, $4)",
        account_of(SECOND),
        request_id,
        version,
        NOW,
    )
    assert "not_seen" in with_decision(sure), "somebody else has seen it"
    seen = "insert into proof_seen (account, request_id, version, seen_at) values ($1, $2, $3, $4)"
    village.sql(seen, account_of(APPROVER), request_id, version - 1, NOW)
    assert "not_seen" in with_decision(sure), "they have seen the version before"
    village.sql(
        "insert into proof_seen (account, request_id, version, seen_at) values ($1, $2, $3, $4)",
        account_of(APPROVER),
        request_id,
        version,
        NOW,
    )
    assert "not_confirmed" in with_decision(sure, NOW + timedelta(minutes=6)), "a confirmation is of its moment"
    for statement in (
        "update proof_confirmation set what = what || 'x' where confirmation = $1",
        "delete from proof_confirmation where confirmation = $1",
    ):
        assert village.refused(statement, sure)
    for flaw in ("version = version + 5", "seen_at = seen_at - interval '1 day'"):
        changed = village.refused(f"update proof_seen set {flaw} where request_id = $1", request_id)
        assert changed == "what was seen was seen", flaw
    assert village.refused("delete from proof_seen where request_id = $1", request_id)
    returned = EVENT.replace("'approve'", "'return'")
    assert village.refused(returned, request_id, *who, sure), "a return is confirmed by nothing"


def test_what_waits_to_be_cancelled_comes_to_those_who_may_agree(village: Village) -> None:
    """That a proof is cancelled is asked for in the walk; here only that nothing else is taken for it."""

    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        done = await approved(requests, "not cancelling")
        who = await member(pool, APPROVER)
        assert done.id not in [one.id for one in await requests.cancelling(who, 20)]
        waiting = await submitted(requests, "waits for approval")
        listed = await requests.inbox(who, [Turn.APPROVER], True, None, 200)
        assert waiting.id in [one.id for one in listed] and done.id not in [one.id for one in listed]

    village.tell(story)


def test_how_often_the_same_holder_was_given_the_same(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await submitted(requests, "counted")
        assert request.holder_hash == hashlib.sha256(b"holder").digest()
        assert await requests.same_of_holder(request, NOW - timedelta(days=365)) == 0, "approved is not given yet"

    village.tell(story)
