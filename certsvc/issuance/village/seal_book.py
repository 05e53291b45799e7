"""The seal-use book of a village: page by page, and a whole period as a table, in portions."""

from collections.abc import AsyncIterator, Callable, Sequence

from certsvc.domain.seal_book import (
    EVER,
    MOST_LINES,
    MOST_PRINTED,
    PORTION,
    BookLine,
    Period,
    csv_head,
    csv_lines,
    require_period,
)
from certsvc.services import SealBook

NameOf = Callable[[str, int], str]
"""The name of a certificate type, by its id and version."""


async def page_of_book(
    book: SealBook,
    seal_id: str,
    before: int | None,
    limit: int,
    period: Period = EVER,
    type_id: str | None = None,
) -> Sequence[BookLine]:
    """The newest lines below the number `before`, at most 200.

    Raises:
        InvalidInput: the period ends before it begins.
    """
    require_period(period)
    return await book.newest(seal_id, before, max(1, min(limit, MOST_LINES)), period, type_id)


async def book_as_csv(
    book: SealBook,
    seal_id: str,
    name_of: NameOf,
    period: Period = EVER,
    portion: int = PORTION,
    type_id: str | None = None,
) -> AsyncIterator[bytes]:
    """A whole period as CSV, perhaps of one type, the oldest first, holders masked: UTF-8 with its mark, a portion of
    lines at a time. Lines never change place, so what is booked meanwhile only comes at the end.

    Raises:
        InvalidInput: the period ends before it begins.
    """
    require_period(period)
    yield csv_head()
    after = 0
    while lines := await book.oldest(seal_id, after, portion, period, type_id):
        yield csv_lines(lines, name_of)
        after = lines[-1].number


async def whole_period(
    book: SealBook, seal_id: str, period: Period, type_id: str | None = None, most: int = MOST_PRINTED
) -> Sequence[BookLine]:
    """A period from the first line to the last, as it is printed; at most `most` lines, the oldest of it.

    Raises:
        InvalidInput: the period ends before it begins.
    """
    require_period(period)
    found: list[BookLine] = []
    while len(found) < most:
        after = found[-1].number if found else 0
        lines = await book.oldest(seal_id, after, min(PORTION, most - len(found)), period, type_id)
        found.extend(lines)
        if not lines:
            break
    return found
