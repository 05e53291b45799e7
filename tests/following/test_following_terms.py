"""That a term ends is recorded nowhere, and who follows is told of it all the same: once, the day after, if it ends
anything."""

from datetime import datetime

import pytest
from following_room import (
    ADDRESS,
    DAY,
    HOUR,
    START,
    Box,
    Database,
    Room,
    secret_in,
    text_of,
    told,
)
from gathered_room import FOOD, LICENCE, of_type
from lived import Lived, begin, next_version
from made_up import SOLE_TRADER, licence, permit

from certsvc.domain.acts import Act
from certsvc.domain.calendar import BEIJING

pytest_plugins = ["store_fixtures"]
LAST_DAY = "2026-03-05"
MORNING = datetime(2026, 3, 6, 8, 0, tzinfo=BEIJING)


async def ending(room: Room, key: str, last: str = LAST_DAY) -> Lived:
    """A permit whose term ends on a day."""
    return await begin(room.register, of_type(permit(key), FOOD, "2026-01-01", last), room.now - DAY)


async def days(room: Room, until: datetime) -> None:
    """Time passes, never beyond `until`, and the worker tidies up and sends."""
    while room.now + 6 * HOUR <= until:
        room.now += 6 * HOUR
        await room.mail_room.tidy(room.now)
        await room.work()


def test_a_term_that_ends_is_told_once_the_day_after_with_the_link_to_what_it_was(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        over = await ending(room, "over")
        await room.follow(main)
        await days(room, datetime(2026, 3, 5, 23, 0, tzinfo=BEIJING))
        assert room.box.take() == [], "on its last day it is in force"
        await days(room, MORNING)
        (message,) = room.box.take()
        said = text_of(message)
        assert "食品经营许可证：有效期已满，最后一天是 2026年3月5日" in said and said.count("\n- ") == 1
        assert f"https://yz.example/C/{over.ref.typed_code}?lang=zh" in said
        await days(room, MORNING + 3 * DAY)
        await room.mail_room.following.spread_terms(MORNING.date(), room.now)
        await room.work(days=2)
        assert room.box.take() == []

    told(database, story)


@pytest.mark.long
def test_what_its_term_does_not_end_is_not_told(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        suspended, renewing, renewed = [await ending(room, key) for key in ("suspended", "renewing", "renewed")]
        await room.act(suspended, Act.SUSPEND)
        await room.act(renewing, Act.ACCEPT_RENEWAL)
        await next_version(room.register, renewed, Act.CHANGE, START.date(), room.now)
        await room.work()
        await room.follow(main)
        await days(room, MORNING + DAY)
        (message,) = room.box.take()
        assert text_of(message).count("\n- ") == 1, "of the new sheet of the third alone"
        assert renewed.versions[-1][0].typed_code in text_of(message)

    told(database, story)


@pytest.mark.long
def test_the_licence_itself_and_one_that_is_in_force_with_a_condition_end_by_their_term_too(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.business()
        made = of_type(licence("other", SOLE_TRADER), LICENCE, "2026-01-01", LAST_DAY)
        other = await begin(room.register, made, room.now - DAY)
        await room.act(other, Act.GO_DORMANT, due=START.date() + 60 * DAY)
        await room.work()
        await room.follow(other)
        await days(room, MORNING)
        (message,) = room.box.take()
        assert "有效期已满，最后一天是 2026年3月5日" in text_of(message) and other.ref.typed_code in text_of(message)

    told(database, story)


@pytest.mark.long
def test_who_follows_later_and_who_confirmed_nothing_is_not_told_of_a_term_that_was_over(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        await ending(room, "over")
        await room.mail_room.tidy(room.now)
        await room.desk.ask(main.ref, "asked@bank.example", "zh", room.now)
        room.now = MORNING
        await room.desk.ask(main.ref, ADDRESS, "zh", room.now)
        await room.work()
        asked = {message["To"]: message for message in room.box.take()}
        await room.desk.confirm(secret_in(asked[ADDRESS], "confirm"), room.now)
        await days(room, MORNING + DAY)
        assert room.box.take() == []

    told(database, story)


@pytest.mark.long
def test_nobody_is_told_of_terms_that_ended_before_anybody_looked(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        await ending(room, "over")
        await room.follow(main)
        room.now = MORNING
        await days(room, MORNING + DAY)
        assert room.box.take() == []
        assert isinstance(room.mailer, Box)

    told(database, story)
