"""The seal-use book 用印登记簿 (国办发〔2001〕52号): matter, copies, keeper, approver and handler of each use."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from certsvc.domain.calendar import BEIJING, start_of_day
from certsvc.domain.spreadsheet import MARK, record
from certsvc.errors import InvalidInput
from certsvc.ids import Ref

MOST_LINES = 200
"""On one page."""

MOST_PRINTED = 3000
"""On paper, at once; a month of a village has some hundred."""

PORTION = 1000
"""Lines written at once of a whole period."""


class UseOutcome(StrEnum):
    """What came of a use that was booked. The words are part of the public interface."""

    SEALED = "sealed"
    NOT_PUBLISHED = "not_published"
    SEALED_AGAIN = "sealed_again"


OUTCOMES = {
    UseOutcome.SEALED: ("已用印", "sealed"),
    UseOutcome.NOT_PUBLISHED: ("未成：已登记用印，没有发出文件", "failed: booked, and nothing was published"),
    UseOutcome.SEALED_AGAIN: ("未成：没有发出文件，已另行用印", "failed: nothing was published, it was sealed again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLine:
    """A line: `number` has no gaps and is in the order of booking; `holder` is masked, as the public may see it.

    Of uses under a seal that needs no authorisation keeper and approver are not booked.
    """

    number: int
    at: datetime
    type_id: str
    type_version: int
    holder: str
    copies: int
    certificate: str
    ref: Ref
    layout: str
    keeper: str | None
    approver: str | None
    handler: str
    authorisation_id: str | None
    outcome: UseOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Beijing days, both included; None: open to that side."""

    first: date | None = None
    last: date | None = None

    @property
    def instants(self) -> tuple[datetime | None, datetime | None]:
        """The first instant of it, and the first after it."""
        begins = None if self.first is None else start_of_day(self.first)
        ends = None if self.last is None else start_of_day(self.last + timedelta(days=1))
        return begins, ends


EVER = Period()


def require_period(period: Period) -> None:
    """See that a period ends no sooner than it begins.

    Raises:
        InvalidInput: it does.
    """
    if period.first is not None and period.last is not None and period.last < period.first:
        raise InvalidInput("止日早于起日。", "The period ends before it begins.")


HEAD = ("用印号", "时间", "事项", "证明编号", "代码", "份数", "保管人", "审批人", "经办人", "结果")


def csv_head() -> bytes:
    """The beginning of the book as CSV in UTF-8: the mark that spreadsheets know, and the head."""
    return (MARK + record(HEAD)).encode()


def csv_lines(lines: Iterable[BookLine], name_of: Callable[[str, int], str]) -> bytes:
    """Lines of the book as CSV; `name_of` gives the name of a type and version."""
    return "".join(record(_cells(line, name_of)) for line in lines).encode()


def _cells(line: BookLine, name_of: Callable[[str, int], str]) -> tuple[str, ...]:
    return (
        f"{line.number:04}",
        f"{line.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
        f"{name_of(line.type_id, line.type_version)}（{line.holder}）",
        line.certificate,
        line.ref.typed_code,
        str(line.copies),
        line.keeper or "",
        line.approver or "",
        line.handler,
        OUTCOMES[line.outcome][0],
    )
