"""The book as pages, on paper and as a table: all of it, newest first, masked, and of one's own organ only."""

import csv
import io
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from seal_pages_room import AUDITOR, CLERK, OF_TOWN, OTHER, SEAL, STRANGER, TOWN, WATER, Hand, SealPages, now
from village_seal_room import use

from certsvc.domain.calendar import beijing_date
from certsvc.http.village import book

pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
LINES, FAILED = 7, 3


@pytest.fixture(scope="module")
def booked(seal_pages: SealPages) -> SealPages:
    """The village with seven uses of its seal, of which the third came to nothing."""

    async def story() -> None:
        await seal_pages.open(seal_pages.terms(50))
        room = seal_pages.seals()
        for number in range(1, LINES + 1):
            ref = await seal_pages.approved("欧阳**")
            await room.register.book_seal_use(ref, use(SEAL), CLERK, now(), "worker")
            if number != FAILED:
                await room.publish(ref)

    seal_pages.room.run(story())
    return seal_pages


def numbers(text: str) -> list[int]:
    """The numbers in a table of the book."""
    return [int(one) for one in re.findall(r'<th scope="row" class="n">(\d+)</th>', text)]


def test_village_the_book_is_read_newest_first_and_whole(booked: SealPages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "A_PAGE", 3)
    app, month = booked.app(), f"{beijing_date(now()):%Y-%m}"

    async def story() -> None:
        hand = await Hand.entered(booked, app, AUDITOR)
        pages, path = [], "/book"
        while path:
            page = await hand.get(path)
            pages.append(numbers(page.text))
            more = re.search(r'href="[^"]*(/book\?before=\d+)"', page.text)
            path = more[1] if more else ""
        assert pages == [[7, 6, 5], [4, 3, 2], [1]]
        for query, found in (
            (f"?month={month}&kind={WATER}", [7, 6, 5]),
            (f"?month={month}&kind=marital-relation-proof", []),
            ("?month=2020-02", []),
        ):
            assert numbers((await hand.get("/book" + query)).text) == found
        wrong = await hand.get("/book?month=spring")
        assert wrong.status_code == 400 and 'value="spring"' in wrong.text and 'href="#month"' in wrong.text
        paper = await hand.get(f"/book?month={month}&print=1")
        assert numbers(paper.text) == [*range(1, LINES + 1)] and "book." in paper.text
        assert f"共 {LINES} 次，其中没有办成 1 次" in paper.text and "欧阳**" in paper.text

    booked.room.run(story())


def test_village_the_table_says_the_same_and_strangers_get_nothing(booked: SealPages) -> None:
    app = booked.app()

    async def story() -> None:
        hand = await Hand.entered(booked, app, AUDITOR)
        answer = await hand.get("/book.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert head[0] == "用印号" and [int(row[0]) for row in rows] == [*range(1, LINES + 1)]
        assert [row[0] for row in rows if row[-1].startswith("未成")] == [f"{FAILED:04}"]
        assert {row[2] for row in rows} == {"阶梯水费办理证明（欧阳**）"}
        assert (await hand.get("/book.csv?month=spring")).status_code == 404
        stranger = await Hand.entered(booked, app, STRANGER)
        assert [(await stranger.get(path)).status_code for path in ("/book", "/book.csv")] == [404, 404]
        assert (await stranger.get("/book", OTHER)).status_code == 200  # theirs, which has no seal
        assert (await stranger.get("/book.csv", OTHER)).status_code == 404
        overseer = await Hand.entered(booked, app, OF_TOWN)
        assert (await overseer.get("/book", TOWN)).status_code == 404

    booked.room.run(story())
