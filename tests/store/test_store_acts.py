"""Acts on the register: the same one once, many at once in one order, and nothing half done by who was killed."""

import asyncio
import os
import signal
from dataclasses import replace
from datetime import timedelta

import pytest
from dying import FORK, die_before_statement
from embedded_fixture import Database, open_register
from lived import DAY, SECOND, Business, next_version, request, set_up, unfinished
from made_up import NOW, SEAL, TODAY, licence

from certsvc.domain.acts import Act
from certsvc.domain.issuing import ActRequest
from certsvc.domain.life import Event
from certsvc.errors import ActNotAllowed, KeyReused, NotFound

pytest_plugins = ["store_fixtures"]

MINUTE = timedelta(minutes=1)
PERMITS = 20

# ---- once and only once ----


def test_the_same_request_twice_is_one_event_and_a_key_has_one_content(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            business = await set_up(register, 1, NOW, 2)
            first, second, third = business.lives
            asked = request(first.ref, Act.SUSPEND, TODAY, NOW + MINUTE, key="one")
            event = await register.act(asked)
            again = replace(asked, event=replace(asked.event, recorded_at=NOW + DAY))
            assert await register.act(again) == event == (await register.events(first.ref))[-1]
            for other in (
                request(first.ref, Act.REVOKE, TODAY, NOW + MINUTE, key="one"),
                request(second.ref, Act.SUSPEND, TODAY, NOW + MINUTE, key="one"),
                replace(asked, event=replace(asked.event, ref=third.ref)),
            ):
                with pytest.raises(KeyReused):
                    await register.act(other)
            assert [len(await register.events(one.ref)) for one in business.lives] == [2, 1, 1]
            elsewhere = replace(request(second.ref, Act.SUSPEND, TODAY, NOW + MINUTE, key="one"), client="another")
            assert (await register.act(elsewhere)).act is Act.SUSPEND
        assert await unfinished(database) == 0

    asyncio.run(story())


@pytest.mark.long
def test_one_key_for_two_certificates_at_once_is_used_once(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            business = await set_up(register, 1, NOW, 8)
            asked = [request(one.ref, Act.SUSPEND, TODAY, NOW + MINUTE, key="one") for one in business.lives]
            answers = await asyncio.gather(*map(register.act, asked), return_exceptions=True)
            assert sorted(type(answer).__name__ for answer in answers) == ["Event", *["KeyReused"] * 8]
        assert await unfinished(database) == 0

    asyncio.run(story())


def test_what_is_not_issued_is_not_acted_on(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            reserved = await register.reserve(licence())
            with pytest.raises(NotFound):
                await register.act(request(reserved.ref, Act.SUSPEND, TODAY, NOW))

    asyncio.run(story())


@pytest.mark.long
def test_what_may_be_struck(database: Database) -> None:
    """What stands on record of this life, but no issue: not what was struck already, and not what is another's."""

    async def story() -> None:
        async with open_register(database) as (register, _):
            business = await set_up(register, 1, NOW, 1)
            first, other = business.lives
            await next_version(register, first, Act.CHANGE, TODAY, NOW + SECOND)

            async def strike(number: int | None, key: str) -> int:
                asked = request(first.ref, Act.STRIKE, TODAY, NOW + MINUTE, strikes=number, key=key)
                return (await register.act(asked)).id

            suspended = (await register.act(request(first.ref, Act.SUSPEND, TODAY, NOW + MINUTE))).id
            elsewhere = (await register.act(request(other.ref, Act.SUSPEND, TODAY, NOW + MINUTE))).id
            for never in (first.entries[0].number, first.entries[1].number, elsewhere, 10**9, None):
                with pytest.raises(ActNotAllowed):
                    await strike(never, f"never {never}")
            struck = await strike(suspended, "once")
            with pytest.raises(ActNotAllowed):
                await strike(suspended, "twice")
            await strike(struck, "restored")
            with pytest.raises(ActNotAllowed):
                await strike(struck, "not again")
            await strike(suspended, "and struck anew")
            assert len(await register.events(first.ref)) == 6

    asyncio.run(story())


# ---- many at once ----


MIXED = [Act.SUSPEND, Act.RESUME, Act.GO_DORMANT, Act.ACCEPT_RENEWAL, Act.REVOKE, Act.CLOSE, Act.RECHECK]


@pytest.mark.long
@pytest.mark.parametrize(
    ("acts", "days"), [([Act.SUSPEND] * 10, 1), ([*MIXED, *MIXED[:3]], 4)], ids=["ten the same", "ten different"]
)
def test_ten_at_once_leave_one_history(database: Database, acts: list[Act], days: int) -> None:
    """Each is even sent twice."""

    async def story() -> None:
        async with open_register(database) as (register, reader):
            business = await set_up(register, 1, NOW, PERMITS)
            ref = business.lives[0].ref
            asked = [
                request(ref, act, TODAY + n % days * DAY, NOW + n * SECOND, due=TODAY + 9 * DAY, key=f"{n}")
                for n, act in enumerate(acts)
            ]
            answers = await asyncio.gather(*map(register.act, asked * 2), return_exceptions=True)
            done = {answer for answer in answers if isinstance(answer, Event)}
            assert {type(answer) for answer in answers} <= {Event, ActNotAllowed}
            events = await register.events(ref)
            assert {event.id for event in done} == {event.id for event in events[1:]}
            assert days > 1 or len(done) == 1
            business.lives[0].relearn(events)
            for n in range(-1, 14):
                for instant in {event.recorded_at for event in events}:
                    await business.check(reader, ref, TODAY + n * DAY, instant)
        assert await unfinished(database) == 0

    asyncio.run(story())


@pytest.mark.long
def test_acts_and_versions_at_once_leave_one_history(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            business = await set_up(register, 1, NOW, 1)
            first = business.lives[0]
            acts = [Act.ACCEPT_RENEWAL, Act.GO_DORMANT, Act.SUSPEND, Act.RESUME, Act.REFUSE_RENEWAL] * 2
            answers = await asyncio.gather(
                next_version(register, first, Act.CHANGE, TODAY, NOW + SECOND),
                *(
                    register.act(request(first.ref, act, TODAY, NOW + n * SECOND, due=TODAY, key=f"{n}"))
                    for n, act in enumerate(acts)
                ),
                return_exceptions=True,
            )
            assert {type(answer) for answer in answers} <= {Event, ActNotAllowed, type(None)}
            events = await register.events(first.ref)
            assert len([event for event in events if event.version]) == 2
            business.lives[0].relearn(events)
            for instant in {event.recorded_at for event in events}:
                for version, _ in first.versions:
                    await business.check(reader, version, TODAY, instant)
        assert await unfinished(database) == 0

    asyncio.run(story())


# ---- killed ----


def run_and_die(database: Database, asked: ActRequest, number: int) -> bool:
    """Act in a child that dies before its `number`-th statement; whether it came to the end instead."""

    def story() -> None:
        async def act() -> None:
            async with open_register(database) as (register, _):
                die_before_statement(number)
                await register.act(asked)

        asyncio.run(act())
        os._exit(0)

    child = FORK.Process(target=story)
    child.start()
    child.join(30)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode == 0


@pytest.mark.long
def test_killed_before_any_statement_an_act_is_done_wholly_or_not_at_all(database: Database) -> None:
    """A revocation of a licence that was renewed: it changes what is told of both versions."""

    async def begin() -> Business:
        async with open_register(database) as (register, _):
            business = await set_up(register, 1, NOW, 2)
            await next_version(register, business.lives[0], Act.RENEW, TODAY + 9 * DAY, NOW + SECOND)
            return business

    async def see() -> bool:
        """Whether it was done; if it was not, it is as if it had never been asked for."""
        lived = business.lives[0]
        async with open_register(database) as (register, reader):
            lived.relearn(await register.events(lived.ref))
            for version, _ in lived.versions:
                for day in (TODAY, TODAY + 3 * DAY, TODAY + 9 * DAY):
                    await business.check(reader, version, day, NOW + DAY)
        assert await unfinished(database) == 0
        return len(lived.entries) == 3

    async def again(asked: ActRequest) -> int:
        async with open_register(database) as (register, _):
            return (await register.act(asked)).id

    business = asyncio.run(begin())
    asked = request(business.lives[0].ref, Act.REVOKE, TODAY + 3 * DAY, NOW + MINUTE, key="killed")
    done: list[bool] = []
    while not run_and_die(database, asked, len(done) + 1):
        done.append(asyncio.run(see()))
    assert done == sorted(done) and done.count(False) > 12
    assert asyncio.run(see())
    assert asyncio.run(again(asked)) == asyncio.run(again(asked)) == business.lives[0].entries[-1].number
    assert asyncio.run(see()) and len(business.lives[0].entries) == 3
