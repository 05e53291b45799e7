"""What is approved and cannot be sealed says why and since when, and is tried again once something has changed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from village_seal_room import HANDLER, SEAL_ID, Database, Room, ask, now, run, use

from certsvc.domain.seal_acts import SealAct
from certsvc.domain.seal_authorisation import NotAuthorised
from certsvc.errors import SealRefused
from certsvc.http.language import load_languages
from certsvc.ids import Ref
from certsvc.issuance.village.authorising import waiting_for
from certsvc.store.approvals import CARRY_OUT
from certsvc.store.register import FINISH, finish_key

pytest_plugins = ["store_fixtures"]

ROOT = Path(__file__).resolve().parents[2]
LATER = timedelta(minutes=8)


async def refused(room: Room, ref: Ref) -> str:
    """Try to use the seal as the walk does, and keep why it cannot be."""
    asked_at = now()
    with pytest.raises(SealRefused) as caught:
        await room.register.require_seal_uses(ref, [use(SEAL_ID)], HANDLER, asked_at)
    await room.register.note_wait(ref, caught.value.reason, caught.value.seal_id, asked_at)
    await room.direct("update job set due_at = $1, failures = 7", now() + LATER)
    return caught.value.reason


async def due(room: Room) -> list[tuple[str, bool]]:
    """The jobs, and whether each is due."""
    return [
        (row["kind"], row["due_at"] <= now()) for row in await room.direct("select kind, due_at from job order by kind")
    ]


async def approval_of(room: Room, ref: Ref) -> str:
    """What it was approved under."""
    (row,) = await room.direct("select key from issue_order where ref = $1", ref.to_bytes())
    return str(row["key"])


def test_village_a_wait_has_a_reason_and_a_beginning_and_ends_when_it_is_issued(database: Database) -> None:
    async def story(room: Room) -> None:
        ref = await room.approved()
        approval_id = await approval_of(room, ref)
        assert await waiting_for(room.waits, approval_id) is None
        began = now()
        assert await refused(room, ref) == NotAuthorised.NONE
        assert await refused(room, ref) == NotAuthorised.NONE
        wait = await waiting_for(room.waits, approval_id)
        assert wait is not None and (wait.reason, wait.seal_id) == (NotAuthorised.NONE, SEAL_ID)
        assert began <= wait.since < began + timedelta(seconds=30) and wait.typed_code == ref.typed_code
        first: datetime = wait.since
        await room.seals.act(ask(SEAL_ID, SealAct.SUSPEND, "用"), now())
        assert await refused(room, ref) == "not_enabled"
        (changed,) = await room.waits.under(SEAL_ID, 10)
        assert changed.reason == "not_enabled" and changed.since > first
        await room.seals.act(ask(SEAL_ID, SealAct.RESUME, "管"), now())
        await room.open()
        await room.book_use(ref)
        await room.publish(ref)
        assert await waiting_for(room.waits, approval_id) is None
        await room.register.note_wait(ref, "not_enabled", SEAL_ID, now())
        assert list(await room.waits.under(SEAL_ID, 10)) == []

    run(database, story)


@pytest.mark.parametrize("what", ["opened", "resumed"])
def test_village_what_waits_is_due_at_once_when_its_seal_is_opened_or_resumed(database: Database, what: str) -> None:
    async def story(room: Room) -> None:
        ref, other = await room.approved(), await room.approved()
        if what == "resumed":
            await room.seals.act(ask(SEAL_ID, SealAct.SUSPEND, "用"), now())
        await refused(room, ref)
        assert await due(room) == [(CARRY_OUT, False)] * 2
        if what == "resumed":
            await room.seals.act(ask(SEAL_ID, SealAct.RESUME, "管"), now())
        else:
            await room.open()
        rows = await room.direct("select key from job where due_at <= now() + interval '1 second'")
        assert [row["key"] for row in rows] == [await approval_of(room, ref)] != [await approval_of(room, other)]

    run(database, story)


def test_village_what_was_under_way_when_its_seal_was_opened_is_brought_forward_by_the_rounds(
    database: Database,
) -> None:
    async def story(room: Room) -> None:
        ref = await room.approved()
        await refused(room, ref)
        await room.register.hand_over(now())
        assert await due(room) == [(CARRY_OUT, False)]
        await room.open()
        await room.direct("update job set due_at = $1", now() + LATER)
        await room.register.hand_over(now())
        assert await due(room) == [(CARRY_OUT, True)]
        await room.direct("update job set due_at = $1", now() + LATER)
        await room.direct("update seal_wait set asked_at = asked_at + interval '2 minutes'")
        await room.register.hand_over(now())
        assert await due(room) == [(CARRY_OUT, False)]

    run(database, story)


def test_village_what_was_approved_is_in_the_queue_once(database: Database) -> None:
    """Two jobs for one proof would seal it twice."""

    async def story(room: Room) -> None:
        ref, unapproved = await room.approved(), await room.reserved("by a system")
        await room.register.hand_over(now() + timedelta(minutes=2))
        rows = await room.direct("select kind, key from job order by kind")
        assert [(row["kind"], row["key"]) for row in rows] == [
            (CARRY_OUT, await approval_of(room, ref)),
            (FINISH, finish_key(unapproved)),
        ]

    run(database, story)


@pytest.mark.parametrize("code", ["zh", "hant", "en"])
def test_village_every_reason_that_a_use_is_not_authorised_is_said_to_who_waits(code: str) -> None:
    # the flaw: of a keeper who had left, the desk said that the system would try again by itself
    waits = load_languages(ROOT / "verifier_web" / "words")[code].words["desk"]["waits"]
    assert {*NotAuthorised} - {*waits} == set()
