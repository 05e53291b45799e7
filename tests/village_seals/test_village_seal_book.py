"""The seal-use book: numbers without gaps, failures shown as such, page by page and as a table."""

import asyncio
import csv
import io
from datetime import timedelta
from itertools import pairwise

import asyncpg
import pytest
from village_seal_room import (
    APPROVER,
    HANDLER,
    KEEPER,
    SEAL_ID,
    TYPE,
    Database,
    Room,
    now,
    run,
    terms,
    today,
    use,
)

from certsvc.domain.calendar import BEIJING
from certsvc.domain.seal_book import MOST_LINES, Period, UseOutcome
from certsvc.errors import InvalidInput, SealRefused
from certsvc.issuance.village.seal_book import book_as_csv, page_of_book

pytest_plugins = ["store_fixtures"]
DAY = timedelta(days=1)
NUMBERED_TWICE = """insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm,
    authorisation_id, keeper, approver, book_number)
  select slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm, authorisation_id, keeper, approver, 5
  from seal_use limit 1"""


def test_village_a_use_of_which_nothing_was_published_stands_in_the_book_as_that(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open(terms(10))
        lost, found = await room.approved(), await room.approved()
        for ref in (lost, found, found):
            await room.book_use(ref)
        await room.publish(found)
        told = [(line.number, line.ref, line.outcome, line.copies) for line in await room.lines()]
        assert told == [
            (1, lost, UseOutcome.NOT_PUBLISHED, 0),
            (2, found, UseOutcome.SEALED_AGAIN, 0),
            (3, found, UseOutcome.SEALED, 1),
        ]

    run(database, story)


def test_village_numbers_of_the_book_have_no_gap_though_uses_are_refused_and_taken_back(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open(terms(40))
        refs = [await room.approved() for _ in range(4)]
        refused = await room.reserved("by nobody")
        for _ in range(3):
            for ref in refs:
                await room.register.require_seal_uses(ref, [use(SEAL_ID)], HANDLER, now())
            with pytest.raises(SealRefused):
                await room.book_use(refused)
            await asyncio.gather(*(room.book_use(ref) for ref in refs))
        lines = await room.lines()
        assert [line.number for line in lines] == list(range(1, 13))
        assert all(one.at <= other.at + timedelta(seconds=2) for one, other in pairwise(lines))
        await room.direct("alter table seal_use disable trigger guard_seal_use")
        with pytest.raises(asyncpg.UniqueViolationError):
            await room.direct(NUMBERED_TWICE)

    run(database, story)


def test_village_the_book_is_read_page_by_page_by_period_and_by_type(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open(terms(10))
        for _ in range(7):
            await room.book_use(await room.approved())
        pages, before = [], None
        while page := await page_of_book(room.book, SEAL_ID, before, 3):
            pages.append([line.number for line in page])
            before = page[-1].number
        assert pages == [[7, 6, 5], [4, 3, 2], [1]]
        counts = [
            len(await page_of_book(room.book, SEAL_ID, None, MOST_LINES, period, type_id))
            for period, type_id in (
                (Period(first=today()), None),
                (Period(last=today()), TYPE),
                (Period(first=today(), last=today()), "food-permit"),
                (Period(first=today() + DAY), None),
                (Period(last=today() - DAY), None),
            )
        ]
        assert counts == [7, 7, 0, 0, 0]
        with pytest.raises(InvalidInput, match="ends before it begins"):
            await page_of_book(room.book, SEAL_ID, None, 3, Period(first=today(), last=today() - DAY))

    run(database, story)


def test_village_the_book_as_a_table_names_three_persons_and_masks_the_holder(database: Database) -> None:
    async def story(room: Room) -> None:
        await room.open(terms(10))
        refs = [await room.approved() for _ in range(5)]
        for ref in refs:
            await room.book_use(ref)
        await room.publish(refs[0])
        portions = [part async for part in book_as_csv(room.book, SEAL_ID, lambda *_: "=水费证明", portion=2)]
        assert len(portions) == 4
        text = b"".join(portions).decode("utf-8")
        assert text.startswith("\ufeff") and "王五" not in text
        head, *rows = csv.reader(io.StringIO(text[1:]))
        assert head == ["用印号", "时间", "事项", "证明编号", "代码", "份数", "保管人", "审批人", "经办人", "结果"]
        (line, *_) = await room.lines()
        moment = f"{line.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        persons = [KEEPER, APPROVER, HANDLER]
        assert rows[0] == [
            *("0001", moment, "'=水费证明（王*）", line.certificate, refs[0].typed_code, "1"),
            *(*persons, "已用印"),
        ]
        assert [row[0] for row in rows] == ["0001", "0002", "0003", "0004", "0005"]
        assert rows[1][5] == "0" and "没有发出文件" in rows[1][9]

    run(database, story)
