"""A village's seal is used only as its keeper opened it: by our own code, and past it."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import asyncpg
import pytest
from village_seal_room import (
    APPROVER,
    HANDLER,
    KEEPER,
    OTHER_TYPE,
    SEAL_ID,
    STOPPED_CLOCK,
    TYPE,
    Database,
    Room,
    ask,
    now,
    run,
    terms,
    today,
    use,
)

from certsvc.domain.seal_acts import SealAct, SealRulesRequest, rules_of
from certsvc.domain.seal_authorisation import AuthorisationRequest, NotAuthorised, SealAuthorisation, Terms, Used, holds
from certsvc.errors import ActNotAllowed, Forbidden, InvalidInput, KeyReused, NotFound, SealRefused
from certsvc.issuance.village.authorising import authorise, given_before, revoke, standings

pytest_plugins = ["store_fixtures"]

USE = """insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm,
    authorisation_id, keeper, approver, book_number)
  select slot, ref, $2, 'a4', $3, $4, sha256('x'), 1, 150, 250, $5, $6, $7, $8 from certificate where ref = $1
  returning *"""
GIVE = """insert into seal_authorisation (id, seal_id, keeper, certificate_types, quota, daily_quota, first_day,
    last_day, confirmation, given_at, client, key, digest)
  values ($1::text, $2, $3::text, $4, $5, $6, $7, $8, $9, $10, $3, $1, $11)"""
USE_UP = "update account_confirmation set used_at = $2 where id = $1"
END = "insert into seal_authorisation_end (authorisation_id, why, ended_by, ended_at) values ($1, $2, $3, $4)"
DAY = timedelta(days=1)


async def reason(room: Room, **changed: str) -> str:
    """Why a proof that is approved cannot be sealed now."""
    ref = await room.approved(**changed)
    with pytest.raises(SealRefused) as caught:
        await room.book_use(ref, changed.get("handler", HANDLER))
    with pytest.raises(asyncpg.PostgresError) as past_our_code:
        await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), None, None, None, None)
    assert past_our_code.value.args[0] == caught.value.reason
    assert caught.value.seal_id == SEAL_ID and "{" not in caught.value.zh + caught.value.en
    return caught.value.reason


def test_village_a_use_is_booked_under_keeper_approver_and_handler(database: Database) -> None:
    async def story(room: Room) -> None:
        given = await room.open()
        await room.book_use(await room.approved())
        (line,) = await room.lines()
        assert (line.keeper, line.approver, line.handler) == (KEEPER, APPROVER, HANDLER)
        assert (line.number, line.authorisation_id) == (1, given.id)
        (found,) = await standings(room.authorisations, SEAL_ID, now())
        assert (found.used, found.left, found.left_today, found.refusal) == (Used(in_all=1, on_day=1), 4, 4, None)

    run(database, story)


def test_village_the_keeper_may_handle_and_nobody_else_takes_two_of_the_three_parts(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open()
        ref = await room.approved(handler=KEEPER)
        await room.book_use(ref, KEEPER)
        assert await reason(room, approver=KEEPER) == "approved_by_keeper"
        assert await reason(room, approver="审") == "auditor"
        unapproved = await room.reserved("by nobody")
        with pytest.raises(SealRefused, match="approval comes first"):
            await room.book_use(unapproved)
        waiting = await room.reserved(await room.approval())
        with pytest.raises(SealRefused, match="approval comes first"):
            await room.book_use(waiting)
        other = await room.approved(approver="甲")
        with pytest.raises(SealRefused, match="甲 handles this"):
            await room.book_use(other, "甲")
        assert len(await room.lines()) == 1

    run(database, story)


def test_village_nothing_is_sealed_without_an_authorisation_that_holds(database: Database) -> None:
    async def story(room: Room) -> None:
        assert await reason(room) == NotAuthorised.NONE
        await room.open(terms(certificate_types=frozenset({OTHER_TYPE})))
        assert await reason(room) == NotAuthorised.NOT_OF_KIND
        await room.open(terms(first_day=today() + DAY))
        assert await reason(room) == NotAuthorised.NOT_BEGUN
        await room.open(terms(1))
        await room.book_use(await room.approved())
        assert await reason(room) == NotAuthorised.USED_UP
        daily = await room.open(terms(2, daily_quota=1))
        await room.book_use(await room.approved())
        assert await reason(room) == NotAuthorised.USED_UP_TODAY
        await revoke(room.authorisations, SEAL_ID, daily.id, KEEPER, "停用", now())
        again = await revoke(room.authorisations, SEAL_ID, daily.id, KEEPER, "停用", now())
        assert again.ended is not None and again.ended.by == KEEPER
        assert await reason(room) == NotAuthorised.USED_UP
        assert [line.number for line in await room.lines()] == [1, 2]

    run(database, story)


def test_village_an_authorisation_is_revoked_at_once_and_only_by_the_keeper(database: Database) -> None:
    async def story(room: Room) -> None:
        given = await room.open()
        ref = await room.approved()
        with pytest.raises(Forbidden, match="Only its keeper"):
            await revoke(room.authorisations, SEAL_ID, given.id, "管", "停", now())
        with pytest.raises(asyncpg.PostgresError, match="not_the_keeper"):
            await room.direct(END, given.id, "revoked", "管", now())
        with pytest.raises(NotFound):
            await revoke(room.authorisations, SEAL_ID, "sa-nothing", KEEPER, "停", now())
        with pytest.raises(InvalidInput, match="Say why"):
            await revoke(room.authorisations, SEAL_ID, given.id, KEEPER, " ", now())
        await room.register.require_seal_uses(ref, [use(SEAL_ID)], HANDLER, now())
        await revoke(room.authorisations, SEAL_ID, given.id, KEEPER, "停", now())
        with pytest.raises(SealRefused, match="has revoked"):
            await room.register.require_seal_uses(ref, [use(SEAL_ID)], HANDLER, now())
        assert await reason(room) == NotAuthorised.REVOKED
        for statement in ("update seal_authorisation_end set why = 'revoked'", "delete from seal_authorisation_end"):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await room.direct(statement)

    run(database, story)


def test_village_a_handover_ends_what_the_keeper_of_before_opened_for_ever(database: Database) -> None:
    async def story(room: Room) -> None:
        given = await room.open()
        ref = await room.approved()
        with pytest.raises(asyncpg.RestrictViolationError, match="only when the seal is handed over"):
            await room.direct(END, given.id, "handed_over", "管", now())
        await room.seals.act(ask(SEAL_ID, SealAct.HAND_OVER, "管", successor="新"), now())
        assert await reason(room) == NotAuthorised.HANDED_OVER
        with pytest.raises(Forbidden):
            await room.open()
        await room.seals.act(ask(SEAL_ID, SealAct.HAND_OVER, "管", "back", successor=KEEPER), now())
        assert await reason(room) == NotAuthorised.HANDED_OVER
        with pytest.raises(asyncpg.PostgresError, match="authorisation_handed_over"):
            await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), given.id, KEEPER, APPROVER, 1)
        assert await standings(room.authorisations, SEAL_ID, now()) == []
        (ended,) = await standings(room.authorisations, SEAL_ID, now(), ever=True)
        assert ended.refusal is NotAuthorised.HANDED_OVER and ended.left_today == 0
        fresh = await room.open()
        await room.book_use(ref)
        assert (await room.lines())[-1].authorisation_id == fresh.id

    run(database, story)


@pytest.mark.long
def test_village_the_last_of_a_quota_is_used_once_however_many_try(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open(terms(2))
        refs = [await room.approved() for _ in range(6)]
        answers = await asyncio.gather(*(room.book_use(ref) for ref in refs), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, SealRefused)]
        assert [one.reason for one in refused] == [NotAuthorised.USED_UP] * 4
        await room.open(terms(1))
        statements = [room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), None, None, None, None) for ref in refs]
        told = await asyncio.gather(*statements, return_exceptions=True)
        assert sum(isinstance(one, list) for one in told) == 1
        assert [line.number for line in await room.lines()] == [1, 2, 3]

    run(database, story)


def test_village_what_a_use_claims_of_its_persons_and_its_number_does_not_count(database: Database) -> None:
    async def story(room: Room) -> None:
        given = await room.open()
        ref = await room.approved()
        (row,) = await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), given.id, "甲", "乙", 77)
        assert (row["keeper"], row["approver"], row["book_number"]) == (KEEPER, APPROVER, 1)
        for claimed in (now() - timedelta(hours=1), now() + timedelta(hours=1)):
            with pytest.raises(asyncpg.PostgresError, match="wrong_time"):
                await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, claimed, None, None, None, None)
        with pytest.raises(asyncpg.PostgresError, match="no_authorisation"):
            await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), "sa-none", None, None, None)
        for statement in ("update seal_use set book_number = 2", "delete from seal_use", "truncate seal_use"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await room.direct(statement)

    run(database, story)


def test_village_the_last_day_ends_at_midnight_in_beijing(database: Database) -> None:
    async def story(room: Room) -> None:
        given = await room.open(terms(days=1))
        last = given.terms.last_day
        refs = [await room.approved() for _ in range(2)]
        before, after = (datetime.fromisoformat(f"{last}T23:59:59+08:00"), midnight(last + DAY))
        await room.direct(STOPPED_CLOCK.format(at=before.isoformat()))
        await room.book_use(refs[0], at=before)
        await room.direct(STOPPED_CLOCK.format(at=after.isoformat()))
        with pytest.raises(SealRefused, match=f"lasted until {last}") as caught:
            await room.book_use(refs[1], at=after)
        assert caught.value.reason == NotAuthorised.OVER
        assert len(await room.lines()) == 1

    run(database, story)


def midnight(day: date) -> datetime:
    """00:00 in Beijing."""
    return datetime.fromisoformat(f"{day}T00:00:00+08:00")


@pytest.mark.long
def test_village_only_the_keeper_opens_a_seal_and_only_so_far(database: Database) -> None:
    async def story(room: Room) -> None:
        for wrong in (
            terms(0),
            terms(10_001),
            terms(days=31),
            terms(days=0),
            terms(first_day=today() - DAY, last_day=today()),
            terms(first_day=today() + 31 * DAY, last_day=today() + 31 * DAY),
            terms(daily_quota=0),
            terms(certificate_types=frozenset()),
        ):
            with pytest.raises(InvalidInput) as caught:
                await authorise(room.authorisations, await room.asked(wrong), now())
            assert len(caught.value.problems) == 1
            with pytest.raises(asyncpg.CheckViolationError):
                await give(room, wrong)
        for somebody in ("管", "批", HANDLER):
            with pytest.raises(Forbidden, match="Only its keeper"):
                await authorise(room.authorisations, await room.asked(keeper=somebody), now())
            with pytest.raises(asyncpg.PostgresError, match="not_the_keeper"):
                await give(room, terms(), somebody)
        foreign = terms(certificate_types=frozenset({TYPE, "marital-relation-proof"}))
        with pytest.raises(InvalidInput, match="is bound to"):
            await authorise(room.authorisations, await room.asked(foreign), now())
        with pytest.raises(NotFound):
            await authorise(room.authorisations, replace(await room.asked(), seal_id="nowhere"), now())
        late = await room.asked(terms(first_day=today() + DAY))
        with pytest.raises(ActNotAllowed, match="older than 5 minutes"):
            await room.authorisations.authorise(late, now() + timedelta(hours=1))
        assert await standings(room.authorisations, SEAL_ID, now(), ever=True) == []

    run(database, story)


async def give(room: Room, of: Terms, keeper: str = KEEPER) -> None:
    """Past our own code."""
    request = await room.asked(of, keeper)
    await room.direct(USE_UP, request.confirmation.id, request.confirmation.at)
    await give_for(room, request, request.confirmation.at, keeper)


async def give_for(room: Room, request: AuthorisationRequest, at: datetime, keeper: str = KEEPER) -> None:
    """Past our own code, under a confirmation."""
    of = request.terms
    values = sorted(of.certificate_types), of.quota, of.daily_quota, of.first_day, of.last_day
    await room.direct(GIVE, "sa-direct", SEAL_ID, keeper, *values, request.confirmation.id, at, of.digest(SEAL_ID))


def test_village_the_database_opens_a_seal_only_by_a_confirmation_of_these_terms(database: Database) -> None:
    async def story(room: Room) -> None:
        for request, uses in (
            (await room.asked(), False),
            (await room.asked(confirmed=terms(9).digest(SEAL_ID)), True),
            (await room.asked(confirmed=terms().digest("another")), True),
            (await room.asked(keeper=APPROVER), True),
        ):
            made = request.confirmation
            if uses:
                await room.direct(USE_UP, made.id, made.at)
            with pytest.raises(asyncpg.PostgresError, match="opening_not_confirmed"):
                await give_for(room, request, made.at)
        wrong = await room.asked(confirmed=terms(9).digest(SEAL_ID))
        with pytest.raises(ActNotAllowed, match="look again"):
            await room.authorisations.authorise(wrong, now())
        request = await room.asked()
        with pytest.raises(ActNotAllowed, match="look again"):
            await room.authorisations.authorise(request, now() + timedelta(minutes=6))
        await room.direct(USE_UP, request.confirmation.id, request.confirmation.at)
        with pytest.raises(asyncpg.PostgresError, match="opening_not_confirmed"):
            await give_for(room, replace(request, terms=terms(6)), request.confirmation.at)
        await give_for(room, request, request.confirmation.at)
        (found,) = await standings(room.authorisations, SEAL_ID, now())
        assert found.authorisation.id == "sa-direct"

    run(database, story)


def test_village_a_request_is_done_once_and_a_confirmation_opens_one_thing(database: Database) -> None:
    async def story(room: Room) -> None:
        request = await room.asked(key="one")
        account, digest = request.confirmation.account, request.terms.digest(SEAL_ID)
        assert await room.authorisations.given(account, "one", digest) is None
        first = await authorise(room.authorisations, request, now())
        assert await authorise(room.authorisations, request, now()) == first
        with pytest.raises(KeyReused):
            await authorise(room.authorisations, replace(request, terms=terms(9)), now())
        assert await given_before(room.authorisations, account, "one", SEAL_ID, request.terms) == first
        with pytest.raises(KeyReused):
            await given_before(room.authorisations, account, "one", SEAL_ID, terms(9))
        with pytest.raises(ActNotAllowed, match="was used"):
            await authorise(room.authorisations, replace(request, key="two"), now())
        for statement in ("update seal_authorisation set quota = 9", "delete from seal_authorisation"):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await room.direct(statement)

    run(database, story)


def test_village_a_seal_that_needs_authorisation_needs_it_for_ever(database: Database) -> None:
    async def story(room: Room) -> None:
        with pytest.raises(ActNotAllowed, match="needs no authorisation"):
            await room.open()
        ref = await room.reserved("by nobody")
        await room.book_use(ref)
        with pytest.raises(asyncpg.RestrictViolationError, match="only the uses of a seal that needs it"):
            await room.direct(USE, ref.to_bytes(), SEAL_ID, HANDLER, now(), None, KEEPER, None, None)
        rules = rules_of((await room.seals.seal(SEAL_ID, now())).seal)
        for key, needs in (("on", True), ("off", False)):
            change = SealRulesRequest(
                client="test",
                key=key,
                seal_id=SEAL_ID,
                act=SealAct.CHANGE_RULES,
                actor="管",
                reason="试",
                confirmed_by="批",
                rules=replace(rules, needs_authorisation=needs),
            )
            if needs:
                await room.seals.act(change, now())
            else:
                with pytest.raises(ActNotAllowed, match="never taken back"):
                    await room.seals.act(change, now())
        await room.open()
        await room.book_use(await room.approved())
        assert [(line.number, line.keeper) for line in await room.lines()] == [(1, None), (2, KEEPER)]

    run(database, story, needs=False)


@pytest.mark.long
def test_village_rules_in_words_and_in_the_database_agree(database: Database) -> None:
    async def story(room: Room) -> None:
        given = [await room.open(terms(2, days=2)), await room.open(terms(3, days=3, daily_quota=1))]
        revoked = await room.open()
        await revoke(room.authorisations, SEAL_ID, revoked.id, KEEPER, "停", now())
        seen: set[str | None] = set()
        for booked in range(4):
            found = await standings(room.authorisations, SEAL_ID, now(), ever=True)
            for one in found:
                seen |= await compared(room, one.authorisation, one.used)
            if booked < 3:
                await room.book_use(await room.approved())
        assert {one.id for one in given} <= {one.authorisation.id for one in found}
        assert seen == {None, *NotAuthorised} - {
            NotAuthorised.NONE,
            NotAuthorised.HANDED_OVER,
            NotAuthorised.KEEPER_LEFT,
        }

    run(database, story)


async def compared(room: Room, one: SealAuthorisation, used: Used) -> set[str | None]:
    """What both say of an authorisation, on the days around it."""
    said = set()
    for day in (today() + DAY * number for number in range(-1, 4)):
        for type_id in (TYPE, OTHER_TYPE):
            told = replace(used, on_day=used.on_day if day == today() else 0)
            ours = holds(one, type_id, day, told)
            asking = "select why_not_authorised(a, $2, $3, $4) from seal_authorisation a where id = $1"
            (row,) = await room.direct(asking, one.id, KEEPER, type_id, day)
            assert row[0] == ours
            said.add(ours)
    return {None if word is None else NotAuthorised(word) for word in said}
