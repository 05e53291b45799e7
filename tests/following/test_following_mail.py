"""Following a licence by mail: confirmed first, told once, bundled by day, ended by one click; and bombing nobody."""

import asyncio
import re

import asyncpg
import pytest
from following_room import ADDRESS, DAY, START, Box, Database, Room, desk_uri, secret_in, text_of, told

from certsvc.domain.acts import Act
from certsvc.domain.following import MOST_BY_ADDRESS, MOST_BY_LICENCE
from certsvc.errors import InvalidInput, NotFound, StoreError, TooManyRequests
from certsvc.ids import new_ref
from certsvc.store.notices import PartPlace, tell
from certsvc.telling.following_parts import MailNotTaken, MailRefused

pytest_plugins = ["store_fixtures"]


def test_nobody_is_told_before_the_address_is_confirmed(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.desk.ask(main.ref, ADDRESS, "zh", room.now)
        await room.work()
        (message,) = room.box.take()
        assert "请确认" in message["Subject"] and message["To"] == ADDRESS
        await room.act(food, Act.SUSPEND)
        await room.work(hours=1)
        assert room.box.take() == []
        secret = secret_in(message, "confirm")
        assert not (await room.desk.asked_with(secret, room.now)).is_confirmed, "opening the link does nothing"
        assert (await room.desk.confirm(secret, room.now)).is_confirmed
        await room.work()
        assert room.box.take() == [], "what happened before is not told"

    told(database, story)


@pytest.mark.long
def test_a_secret_confirms_once_and_for_a_day(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        for address, later in (("a@b.example", 23.9), ("c@d.example", 24.1)):
            await room.desk.ask(main.ref, address, "zh", room.now)
            await room.work()
            secret = secret_in(room.box.take()[0], "confirm")
            room.now += DAY / 24 * later
            if later < 24:
                await room.desk.confirm(secret, room.now)
            with pytest.raises(NotFound):
                await room.desk.confirm(secret, room.now)
            with pytest.raises(NotFound):
                await room.desk.asked_with(secret, room.now)
        for wrong in ("", "x", "A" * 32, "ä" * 32, "A" * 33):
            with pytest.raises((NotFound, InvalidInput)):
                await room.desk.confirm(wrong, room.now)

    told(database, story)


@pytest.mark.long
def test_a_change_is_told_once_with_both_states_and_nothing_personal(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        await room.act(food, Act.SUSPEND)
        await room.work(minutes=1)
        (message,) = room.box.take()
        text = text_of(message)
        assert re.search(r"食品经营许可证：有效 → 暂扣中（暂扣，2026年\d+月\d+日 起）", text)
        assert f"https://yz.example/C/{food.ref.typed_code}?lang=zh" in text
        assert f"https://yz.example/C/{main.ref.typed_code}?lang=zh" in text
        for private in ("经办人", "复核人", "原因", "晨光", "云市监决"):
            assert private not in message.as_string() + text
        await room.work(hours=30)
        assert room.box.take() == []

    told(database, story)


@pytest.mark.long
def test_the_licence_itself_counts_and_another_business_does_not(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        other = await room.other_business()
        await room.follow(main, language="en")
        await room.act(other, Act.SUSPEND)
        await room.work(minutes=1)
        assert room.box.take() == []
        await room.act(main, Act.GO_DORMANT, due=(room.now + 90 * DAY).date())
        await room.work(minutes=1)
        (message,) = room.box.take()
        assert "Valid -> Dormant (Dormancy declared" in text_of(message)
        assert message["Content-Language"] == "en"

    told(database, story)


@pytest.mark.long
def test_changes_of_one_day_come_in_one_more_mail_a_day_later(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        for number, act in enumerate((Act.SUSPEND, Act.RESUME, Act.SUSPEND)):
            await room.act(food, act)
            await room.work(hours=1)
            assert len(room.box.take()) == (number == 0)
        await room.work(hours=20)
        assert room.box.take() == []
        await room.work(hours=2)
        (message,) = room.box.take()
        assert text_of(message).count("→") == 2 and "2 项变化" in message["Subject"]
        await room.work(hours=48)
        assert room.box.take() == []

    told(database, story)


@pytest.mark.long
def test_what_is_applied_for_under_the_licence_is_told_and_its_issue_once(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        await room.follow(main)
        case = new_ref(main.ref.slot)
        async with room.pool.transaction() as connection:
            await connection.execute(
                "insert into application_case (slot, ref, opened_by, key, digest, opened_at, applicant, licence_slot,"
                " licence_ref) values ($1, $2, 'counter', 'k', sha256('x'), $3, '云*', $4, $5)",
                *(case.slot, case.to_bytes(), room.now, main.ref.slot, main.ref.to_bytes()),
            )
            for kind, said in (
                ("case.part_opened", {}),
                ("case.part_decided", {"state": "granted", "act": "grant"}),
                ("case.part_decided", {"state": "issued", "act": "issue"}),
            ):
                about = {"case": case.typed_code, "type": "drug-retail", **said}
                await tell(connection, room.now, kind, about, part=PartPlace("drug-retail", "441900"))
        await room.work(minutes=1)
        (message,) = room.box.take()
        text = text_of(message)
        assert "申请中的药品经营许可证（零售）：待受理" in text or "：待受理" in text
        assert "已准予，待发证" in text and text.count("- ") == 2

    told(database, story)


@pytest.mark.long
def test_one_click_ends_it_and_the_address_goes_at_once(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        await room.act(food, Act.SUSPEND)
        await room.work(minutes=1)
        (message,) = room.box.take()
        stop = secret_in(message, "stop")
        assert message["List-Unsubscribe"] == f"<https://yz.example/follow/stop/{stop}?lang=zh>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        await room.act(food, Act.RESUME)
        await room.work(hours=1)
        assert not (await room.desk.stopped_with(stop)).is_ended, "opening the link does nothing"
        for _ in range(2):
            await room.desk.stop(stop, room.now)
        assert await room.fetch("select sealed, key_id, due_at, ended_why from follower") == [
            (None, None, None, "stopped")
        ]
        await room.work(hours=30)
        assert room.box.take() == []
        assert (await room.desk.stopped_with(stop)).is_ended
        await room.mail_room.tidy(room.now + 31 * DAY)
        assert await room.fetch("select id from follower") == []

    told(database, story)


@pytest.mark.long
def test_no_address_lies_in_the_database_in_clear(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        await room.act(food, Act.SUSPEND)
        await room.work()
        tables = ("follower", "follow_request", "followed_change", "following_mail", "job", "notice", "audit")
        for table in tables:
            rows = await room.fetch(f"select to_jsonb(t)::text from {table} t")
            text = " ".join(row[0] for row in rows).lower()
            assert "bank.example" not in text and ADDRESS.lower().encode().hex() not in text

    told(database, story)


@pytest.mark.long
def test_a_victims_mailbox_gets_few_mails_however_often_somebody_asks(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        other = await room.other_business()
        for number in range(10):
            lived, spelt = (main, other)[number % 2], (ADDRESS, ADDRESS.upper().replace("BANK.EXAMPLE", "bank.example"))
            await room.desk.ask(lived.ref, spelt[number % 2], "zh", room.now)
        await room.work()
        assert len(room.box.take()) <= MOST_BY_ADDRESS
        assert (await room.fetch("select count(*) from follow_request"))[0][0] == MOST_BY_ADDRESS
        room.now += DAY + DAY / 24
        await room.desk.ask(main.ref, ADDRESS, "zh", room.now)
        await room.work()
        assert len(room.box.take()) == 1

    told(database, story)


@pytest.mark.long
def test_asking_at_once_from_many_sides_gets_no_more(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        await asyncio.gather(*(room.desk.ask(main.ref, ADDRESS, "zh", room.now) for _ in range(12)))
        await room.work()
        assert len(room.box.take()) == 1, "each newer request takes the place of the one before"
        assert (await room.fetch("select count(*) from follow_request"))[0][0] == MOST_BY_ADDRESS

    told(database, story)


def test_about_one_licence_so_many_may_ask_in_a_day(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        for number in range(MOST_BY_LICENCE):
            await room.desk.ask(main.ref, f"a{number}@b.example", "zh", room.now)
        with pytest.raises(TooManyRequests):
            await room.desk.ask(main.ref, "one.more@b.example", "zh", room.now)
        other = await room.other_business()
        await room.desk.ask(other.ref, "one.more@b.example", "zh", room.now)

    told(database, story)


@pytest.mark.long
def test_who_follows_already_gets_no_second_mail_and_only_licences_are_followed(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        await room.desk.ask(main.ref, ADDRESS.lower(), "en", room.now)
        await room.work()
        assert room.box.take() == []
        for ref in (food.ref, new_ref(None)):
            with pytest.raises(NotFound):
                await room.desk.ask(ref, ADDRESS, "zh", room.now)

    told(database, story)


@pytest.mark.long
def test_before_it_ends_it_asks_and_then_goes_on_or_ends(database: Database) -> None:
    async def story(room: Room) -> None:
        main, _ = await room.business()
        await room.follow(main, "goes.on@b.example")
        await room.follow(main, "ends@b.example")
        room.now += 340 * DAY
        await room.mail_room.tidy(room.now)
        await room.work()
        assert room.box.take() == []
        room.now += 30 * DAY
        for _ in range(2):
            await room.mail_room.tidy(room.now)
            await room.work()
        asked = {str(one["To"]): one for one in room.box.take()}
        assert set(asked) == {"goes.on@b.example", "ends@b.example"}, "each once"
        message = asked["goes.on@b.example"]
        assert "继续关注" in text_of(message) and "2027年4月1日" in text_of(message)
        followed = await room.desk.confirm(secret_in(message, "confirm"), room.now)
        assert followed.is_confirmed and followed.expires_at > room.now + 390 * DAY
        room.now += 31 * DAY
        await room.mail_room.tidy(room.now)
        ended = await room.fetch("select ended_why, sealed is null from follower")
        assert set(ended) == {(None, False), ("expired", True)}

    told(database, story)


@pytest.mark.long
def test_an_address_that_is_refused_for_good_is_written_to_no_more(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        room.box.fails = MailRefused("550")
        await room.desk.ask(main.ref, "nobody@b.example", "zh", room.now)
        await room.work()
        assert await room.fetch("select ended_why from follower") == [("refused",)], "it was never confirmed"
        room.box.fails = None
        await room.follow(main)
        room.box.fails = MailRefused("550")
        for number in range(4):
            await room.act(food, (Act.SUSPEND, Act.RESUME)[number % 2])
            await room.work(hours=25)
            ended = await room.fetch("select ended_why from follower where confirmed_at is not null")
            assert ended == [("refused" if number >= 2 else None,)]

    told(database, story)


@pytest.mark.long
def test_a_mail_that_is_not_taken_is_tried_again_and_given_up_after_two_days(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        room.box.fails = MailNotTaken("451")
        await room.act(food, Act.SUSPEND)
        await room.work(minutes=1)
        room.box.fails = None
        await room.work(minutes=6)
        assert len(room.box.take()) == 1
        room.box.fails = MailNotTaken("451")
        await room.act(food, Act.RESUME)
        await room.work(hours=25)
        for _ in range(6):
            await room.work(hours=10)
        room.box.fails = None
        await room.work(hours=1)
        assert room.box.take() == []
        assert (await room.fetch("select came from following_mail order by id desc limit 1"))[0][0] == "given_up"
        assert await room.fetch("select 1 from job where kind = 'following_mail'") == []

    told(database, story)


@pytest.mark.long
def test_what_lies_under_a_lost_key_is_given_up_and_stops_nobody_else(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        await room.follow(main)
        room.cipher.lost = True
        await room.act(food, Act.SUSPEND)
        await room.work(minutes=1)
        assert room.box.take() == []
        assert (await room.fetch("select came from following_mail order by id desc limit 1"))[0][0] == "given_up"

    told(database, story)


@pytest.mark.long
def test_followers_are_told_by_every_worker_together_once(database: Database) -> None:
    async def story(room: Room) -> None:
        main, food = await room.business()
        for number in range(5):
            await room.follow(main, f"a{number}@b.example")
        await room.act(food, Act.SUSPEND)
        await asyncio.gather(*(room.work() for _ in range(4)))
        await room.work()
        to = sorted(str(one["To"]) for one in room.box.take())
        assert to == [f"a{number}@b.example" for number in range(5)]

    told(database, story)


def test_the_desk_reads_no_address_no_mail_and_nothing_else(database: Database) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(desk_uri(database))
        try:
            for statement in (
                "select sealed from follower",
                "select * from following_mail",
                "select * from followed_change",
                "update follower set address_hash = sha256('x')",
                "update follower set stop_hash = sha256('x')",
                "delete from follower",
                "delete from follow_request",
                "update following_end set position = 0",
                "select * from job",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(story())


def test_the_public_role_sees_no_follower(database: Database) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(database.public_uri)
        try:
            for table in ("follower", "follow_request", "following_mail", "followed_change"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"select 1 from {table}")
        finally:
            await connection.close()

    asyncio.run(story())


@pytest.mark.long
def test_the_cursor_over_notices_never_goes_back(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.business()
        await room.work()
        with pytest.raises(StoreError):
            async with room.pool.connection() as connection:
                await connection.execute("update following_end set position = 0")
        assert isinstance(room.mailer, Box) and room.now == START

    told(database, story)
