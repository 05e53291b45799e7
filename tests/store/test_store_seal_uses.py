"""Uses of seals on record: only while enabled, for its types, in its place, its hours and its quota."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database
from made_up import NOW, PLACE, licence, use
from seal_story import ready, run
from sealed import TO_ENABLED, applied, ask, execute, put_in_use

from certsvc.domain.seal import Hours, Placement
from certsvc.domain.seal_acts import SealAct
from certsvc.errors import SealRefused
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["store_fixtures"]


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


@pytest.mark.long
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
