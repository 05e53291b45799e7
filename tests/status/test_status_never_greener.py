"""Who reads a list is never better off than who asks the register: over every state, and over lives drawn at random."""

import asyncio
import random
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from listed import (
    DAY,
    MINUTE,
    NOW,
    Act,
    Database,
    Lived,
    Room,
    begin,
    catalog,
    licence,
    open_room,
    permit,
    request,
)
from lived import next_version

from certsvc.domain.calendar import Term, TermState, beijing_date, start_of_day
from certsvc.domain.effects import STOPS, Effect
from certsvc.domain.states import Status
from certsvc.domain.status_list import AS_STATUS, HOLDS, OWN, ListedState, listed_state
from certsvc.errors import CertsvcError
from certsvc.verify.gather import make_report
from certsvc.verify.report import Outcome, Soundness, Verdict, conclude

pytest_plugins = ["status_fixtures"]

TODAY = beijing_date(NOW)
EFFECTS: tuple[Effect | None, ...] = (*Effect, None)
TERMS = (TermState.NOT_YET, TermState.IN_FORCE, TermState.NONE, TermState.OVER)


def outcome(effect: Effect | None) -> Outcome:
    """What a scan makes of the licence above."""
    if effect is None:
        return Outcome.UNKNOWN
    return Outcome.FAILED if effect in STOPS else Outcome.PASSED


def told_by_a_token(term: TermState) -> TermState:
    """A token has no first day."""
    return TermState.IN_FORCE if term is TermState.NOT_YET else term


@pytest.mark.parametrize(("status", "term", "effect"), list(product(Status, TERMS, EFFECTS)))
def test_no_state_reads_better_from_a_list(status: Status, term: TermState, effect: Effect | None) -> None:
    online = conclude(Soundness.SOUND, status, term, outcome(effect))
    state = listed_state(status, term, effect)
    offline = conclude(Soundness.SOUND, AS_STATUS[state], told_by_a_token(term))
    assert offline is not Verdict.VALID or online is Verdict.VALID
    assert online is not Verdict.VALID or offline is Verdict.VALID
    if offline is Verdict.NOT_VALID:
        assert online is Verdict.NOT_VALID


def test_every_state_of_the_register_has_a_value_and_only_those_in_force_hold() -> None:
    assert set(OWN) == set(Status) and set(AS_STATUS) == set(ListedState)
    holds = {status for status, state in OWN.items() if state in HOLDS}
    assert holds == {
        Status.VALID,
        Status.RENEWAL_PENDING,
        Status.RECHECK_DUE,
        Status.CONDITIONAL,
        Status.DORMANT,
    }


ACTS = [
    act for act in Act if act.value not in ("issue", "transfer_in", "renew", "change", "reissue", "correct", "strike")
]
CODES = ("commitment", "documents")


async def something(room: Room, lived: Lived, drawn: random.Random, number: int) -> None:
    """An act, or a next version, that may be refused."""
    now = NOW + number * MINUTE
    day = TODAY + drawn.randrange(-1, 5) * DAY
    try:
        if drawn.random() < 0.2:
            await next_version(room.register, lived, drawn.choice((Act.CHANGE, Act.REISSUE)), max(day, TODAY), now)
            return
        act = drawn.choice(ACTS)
        due = day + drawn.randrange(1, 4) * DAY if drawn.random() < 0.5 else None
        await room.register.act(request(lived.ref, act, day, now, due=due, code=drawn.choice(CODES)))
    except CertsvcError:
        return


async def require_same(room: Room, lives: list[Lived], day: date) -> set[Verdict]:
    """Compare what a scan finds with what a list says, for every version of every life."""
    seen = set()
    now = start_of_day(day + DAY) - MINUTE
    await room.work.keep(now)
    for lived in lives:
        for ref, _ in lived.versions:
            gathered = await room.reader.gather(ref, day, now)
            online = make_report(catalog(), "qr", Soundness.SOUND, (), gathered, now)
            offline = conclude(Soundness.SOUND, AS_STATUS[await room.entry(ref)], told_by_a_token(online.term))
            if online.verdict is not offline:
                assert online.term is TermState.NOT_YET and offline is Verdict.UNDETERMINED, (ref, online.status)
            seen.add(offline)
    return seen


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_lives_drawn_at_random_read_the_same_from_the_lists_day_by_day(
    database: Database, tmp_path: Path, seed: int
) -> None:
    drawn = random.Random(seed)

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            lives = [root]
            for n in range(5):
                term = Term(TODAY + (n % 3 - 1) * DAY, TODAY + (n % 4) * DAY)
                lives.append(await begin(room.register, permit(f"permit {n}", term=term), NOW))
            seen = set[Verdict]()
            for number in range(40):
                weights = [3, *[2] * (len(lives) - 1)]
                await something(room, drawn.choices(lives, weights)[0], drawn, number)
                if number % 8 == 0:
                    seen |= await require_same(room, lives, TODAY)
            for days in range(8):
                seen |= await require_same(room, lives, TODAY + days * DAY)
            assert Verdict.NOT_VALID in seen and Verdict.VALID in seen

    asyncio.run(story())
