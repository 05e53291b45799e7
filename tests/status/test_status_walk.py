"""From the register to the reader: issued, suspended, ended with its licence, at the turn of a day."""

import asyncio
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from listed import (
    DAY,
    LICENCES,
    MINUTE,
    NOW,
    PERMITS,
    SECOND,
    Act,
    Database,
    Room,
    begin,
    company_code,
    licence,
    open_room,
    permit,
    request,
)

from certsvc.domain.calendar import Term, beijing_date, start_of_day
from certsvc.verify.report import Verdict

pytest_plugins = ["status_fixtures"]

TODAY = beijing_date(NOW)


async def keep(room: Room, now: datetime) -> None:
    """One pass of the worker."""
    await room.work.keep(now)


def test_a_certificate_is_in_its_list_once_it_is_issued_and_not_before(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            reserved = await room.register.reserve(licence())
            await keep(room, NOW)
            assert room.data(LICENCES) is None
            assert (await room.offline(reserved.ref, NOW)).verdict is Verdict.UNDETERMINED
            first = await begin(room.register, licence(company_code(2)), NOW)
            await keep(room, NOW + SECOND)
            report = await room.offline(first.ref, NOW + SECOND)
            assert (report.verdict, report.age_s) == (Verdict.VALID, 0)
            assert await room.state(reserved.ref, NOW + SECOND) == "no_statement"

    asyncio.run(story())


@pytest.mark.long
def test_a_suspension_is_published_at_once_and_its_end_within_a_minute(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await begin(room.register, licence(), NOW)
            food = await begin(room.register, permit(), NOW)
            await keep(room, NOW + MINUTE)
            await room.register.act(request(food.ref, Act.SUSPEND, TODAY, NOW + MINUTE))
            await keep(room, NOW + MINUTE + SECOND)
            report = await room.offline(food.ref, NOW + MINUTE + SECOND)
            assert (await room.state(food.ref, NOW + MINUTE + SECOND), report.verdict) == (
                "suspended",
                Verdict.NOT_VALID,
            )
            await room.register.act(request(food.ref, Act.RESUME, TODAY, NOW + MINUTE + 2 * SECOND))
            await keep(room, NOW + MINUTE + 3 * SECOND)
            assert await room.state(food.ref, NOW + MINUTE + 3 * SECOND) == "suspended"
            await keep(room, NOW + 2 * MINUTE)
            assert await room.state(food.ref, NOW + 2 * MINUTE) == "valid"

    asyncio.run(story())


@pytest.mark.long
def test_what_becomes_of_a_licence_is_in_the_lists_of_its_permits(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            food = [await begin(room.register, permit(f"permit {n}"), NOW) for n in range(3)]
            await keep(room, NOW + SECOND)
            now = NOW + MINUTE
            for act, expected in ((Act.SUSPEND, "suspended"), (Act.RESUME, "valid"), (Act.REVOKE, "invalid")):
                now += MINUTE
                await room.register.act(request(root.ref, act, TODAY, now))
                await keep(room, now)
                assert [await room.state(one.ref, now) for one in (root, *food)] == [expected] * 4, act

    asyncio.run(story())


def test_a_permit_whose_licence_now_says_otherwise_is_conditional(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await begin(room.register, licence(), NOW)
            moved = permit(public_fields={"name": "云山市晨光食品有限公司", "residence": "石塘镇二号"})
            food = await begin(room.register, moved, NOW)
            await keep(room, NOW + SECOND)
            report = await room.offline(food.ref, NOW + SECOND)
            assert (await room.state(food.ref, NOW + SECOND), report.verdict) == ("conditional", Verdict.VALID)

    asyncio.run(story())


def test_at_midnight_in_china_a_dated_state_begins_and_not_a_second_before(database: Database, tmp_path: Path) -> None:
    tomorrow = TODAY + DAY
    midnight = start_of_day(tomorrow)

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            food = await begin(room.register, permit(), NOW)
            await room.register.act(request(root.ref, Act.REVOKE, tomorrow, NOW + MINUTE))
            for now, expected in ((midnight - SECOND, "valid"), (midnight, "invalid")):
                await keep(room, now)
                assert [await room.state(one.ref, now) for one in (root, food)] == [expected] * 2

    asyncio.run(story())


@pytest.mark.long
def test_a_term_that_begins_later_says_nothing_before(database: Database, tmp_path: Path) -> None:
    first = TODAY + 3 * DAY

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await begin(room.register, licence(), NOW)
            await begin(room.register, permit("beside"), NOW)
            food = await begin(room.register, permit(term=Term(first, date(2031, 11, 23))), NOW)
            midnight = start_of_day(first)
            for now, expected in (
                (NOW + SECOND, "no_statement"),
                (midnight - SECOND, "no_statement"),
                (midnight + 29 * SECOND, "valid"),
            ):
                await keep(room, now)
                assert await room.state(food.ref, now) == expected

    asyncio.run(story())


@pytest.mark.long
def test_days_that_nobody_worked_are_made_up_for(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            food = await begin(room.register, permit(), NOW)
            await room.register.act(request(root.ref, Act.SUSPEND, TODAY + 2 * DAY, NOW + MINUTE))
            await room.register.act(request(food.ref, Act.REVOKE, TODAY + 3 * DAY, NOW + MINUTE))
            await keep(room, NOW + MINUTE)
            later = NOW + 7 * DAY
            await keep(room, later)
            assert [await room.entry(one.ref) for one in (root, food)] == [2, 1]

    asyncio.run(story())


def test_an_act_struck_out_before_its_day_never_happens(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            event = await room.register.act(request(root.ref, Act.REVOKE, TODAY + DAY, NOW + MINUTE))
            await keep(room, NOW + MINUTE)
            await room.register.act(request(root.ref, Act.STRIKE, TODAY, NOW + 2 * MINUTE, strikes=event.id))
            await keep(room, NOW + 2 * MINUTE)
            await keep(room, NOW + 2 * DAY)
            assert await room.entry(root.ref) == 0

    asyncio.run(story())


def test_a_list_is_published_under_its_name_and_named_in_the_index(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await begin(room.register, licence(), NOW)
            await begin(room.register, permit(), NOW)
            await keep(room, NOW + SECOND)
            index = json.loads((tmp_path / "status" / "index.json").read_bytes())
            assert index["status_lists"] == [
                f"https://yz.yunshan.example/status/{name}" for name in (LICENCES, PERMITS)
            ]
            made, ends = int((NOW + SECOND).timestamp()), int((NOW + SECOND + timedelta(hours=24)).timestamp())
            assert [(one["name"], one["iat"], one["exp"]) for one in index["lists"]] == [
                (LICENCES, made, ends),
                (PERMITS, made, ends),
            ]

    asyncio.run(story())
