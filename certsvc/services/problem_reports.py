"""Reports of problems, as the desk puts them on record and as those who answer have them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.problem_report import (
    Department,
    Figures,
    FollowedReport,
    ProblemReport,
    ReportAnswer,
    ReportState,
    Route,
)
from certsvc.domain.scope import Scope
from certsvc.ids import Ref, ReportNumber


class ReportDesk(Protocol):
    """What the desk may do with reports. Raises `RegisterUnavailable` when it cannot."""

    async def route_of(self, ref: Ref) -> Route | None:
        """Who answers for a certificate that was issued; None when there is none."""

    async def route_of_source(self, source: str) -> Route | None:
        """Who answers for the permits of a source; None when there is no such source."""

    async def departments(self) -> Sequence[Department]:
        """The departments that report permits here, by id."""

    async def of_token(self, token: bytes) -> tuple[ReportNumber, bytes] | None:
        """The report that a form became, by the SHA-256 of its token, and the digest of its content."""

    async def open(self, report: ProblemReport, token: bytes, digest: bytes) -> tuple[ReportNumber, bytes]:
        """Put a report on record; the number and the digest of the one that this form became, be it an earlier one."""

    async def followed(self, number: ReportNumber) -> FollowedReport | None:
        """A report as who has its number may see it."""

    async def figures(self, since: datetime, now: datetime, *, by_kind: bool) -> Sequence[Figures]:
        """How fast answers are, who is late first: by department, or by kind of problem."""


class ReportRegister(Protocol):
    """Reports as those who answer have them. Every method is one transaction and safe to repeat; without `reach` it is
    the operator who asks."""

    async def listed(
        self,
        client: str,
        reach: Sequence[Scope] | None,
        state: ReportState | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[ProblemReport]:
        """Reports to answer, what is due first comes first; without a state those that are not closed."""

    async def report(self, number: ReportNumber, client: str, reach: Sequence[Scope] | None) -> ProblemReport:
        """One report. Raises `NotFound`."""

    async def note_view(self, number: ReportNumber, actor: str, now: datetime) -> None:
        """Put on record that somebody read the words and the contact."""

    async def answer(self, asked: ReportAnswer, now: datetime) -> None:
        """Put on record what who answers did; the same request again does nothing. Raises `Conflict`, `InvalidInput`,
        `KeyReused`, `NotFound`."""

    async def corrections(self, ref: Ref) -> Mapping[int, Sequence[ReportNumber]]:
        """The reports that entries in the life of a certificate answered, by the number of the entry."""

    async def figures(self, since: datetime, now: datetime, *, by_kind: bool) -> Sequence[Figures]:
        """See `ReportDesk.figures`."""
