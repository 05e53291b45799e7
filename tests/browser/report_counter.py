"""The desk's pages about reports over a register in memory, served on loopback beside the verifier they belong to."""

import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app_served import app_served, free_port, quietly

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import MARKET, PublicSite, catalog, licence_with_permits, make_site

from certsvc.domain.problem_report import Department, Figures, FollowedReport, Outcome, ProblemReport, Route
from certsvc.domain.report_deadlines import load_report_deadlines
from certsvc.domain.working_days import load_working_days
from certsvc.http.application import make_application
from certsvc.http.desk.bundle import Desk
from certsvc.http.desk.reports import report_routes
from certsvc.http.pages import Pages
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.ids import Ref, ReportNumber
from certsvc.issuance.problem_reports.taking import Taking
from certsvc.log import open_log

DEPARTMENTS = [
    Department("fire", "云山市消防救援支队", "Yunshan Fire and Rescue"),
    Department("culture", "云山市文化广电旅游体育局", "Yunshan Culture and Tourism"),
]


class Open:
    """`services.PayloadCipher` that hides nothing."""

    key_id = "data-1"

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Nothing is encrypted."""
        return b"0" * 29 + plain


@dataclass
class Shelf:
    """`services.ReportDesk` in memory."""

    reports: dict[str, FollowedReport] = field(default_factory=dict)
    tokens: dict[bytes, tuple[ReportNumber, bytes]] = field(default_factory=dict)
    figures_known: Sequence[Figures] = ()

    async def route_of(self, ref: Ref) -> Route | None:
        return Route(department=MARKET.name, department_uscc=MARKET.uscc, type_id="t", seal_id="s", area="441900")

    async def route_of_source(self, source: str) -> Route | None:
        return next((Route(department=one.zh, client="c") for one in DEPARTMENTS if one.id == source), None)

    async def departments(self) -> Sequence[Department]:
        return DEPARTMENTS

    async def of_token(self, token: bytes) -> tuple[ReportNumber, bytes] | None:
        return self.tokens.get(token)

    async def open(self, report: ProblemReport, token: bytes, digest: bytes) -> tuple[ReportNumber, bytes]:
        self.reports[report.number] = report.followed
        return self.tokens.setdefault(token, (report.number, digest))

    async def followed(self, number: ReportNumber) -> FollowedReport | None:
        return self.reports.get(number)

    async def figures(self, since: datetime, now: datetime, *, by_kind: bool) -> Sequence[Figures]:
        if not by_kind:
            return self.figures_known
        return [replace(one, name=kind) for one, kind in zip(self.figures_known, ("data_wrong", "other"), strict=False)]


@dataclass(frozen=True, slots=True)
class ReportCounter:
    """Where it is served, and what stands behind it."""

    base: str
    site: PublicSite
    shelf: Shelf

    def answered(self, number: str) -> None:
        """A department has taken it up late and answered in two lines."""
        one, now = self.reports(number), datetime.now(UTC)
        self.shelf.reports[number] = replace(
            one,
            opened_at=now - timedelta(days=9),
            contact_due=now - timedelta(days=8),
            answer_due=now - timedelta(days=7),
            contacted_at=now - timedelta(days=7),
            closed_at=now - timedelta(days=1),
            outcome=Outcome.CORRECTED,
            first_said="已联系，正在核对登记档案。",
            said="经营场所录入有误，已更正。\n请以更正后的页面为准。",
        )

    def late(self, number: str) -> None:
        """Nobody has answered, in a year whose holidays are not known."""
        one, now = self.reports(number), datetime.now(UTC)
        self.shelf.reports[number] = replace(
            one,
            opened_at=now - timedelta(days=3),
            contact_due=now - timedelta(days=2),
            answer_due=now - timedelta(days=1),
            calendar_known=False,
        )

    def reports(self, number: str) -> FollowedReport:
        """What is on record of a number."""
        return self.shelf.reports[number]


def made_up_figures(now: datetime) -> list[Figures]:
    """Two departments and the operator."""
    slow = Figures("云山市文化广电旅游体育局", 12, 5, 3, 12, 7, 9, 4, timedelta(hours=9), timedelta(days=6), now)
    none = Figures(None, 1, 1, 0, 0, 0, 0, 0, None, None, now)
    return [
        replace(slow, oldest=now - timedelta(days=20)),
        replace(slow, name=MARKET.name, late=0, pending=1, median_contact=timedelta(minutes=40)),
        none,
    ]


@contextmanager
def serve_reports() -> Iterator[ReportCounter]:
    """Served at a free port of loopback, in a thread of its own."""
    port = free_port()
    shelf, host = Shelf(figures_known=made_up_figures(datetime.now(UTC))), f"localhost:{port}"
    with tempfile.TemporaryDirectory() as trust:
        with quietly():
            site = make_site(Path(trust), licence_with_permits(), host=host)
            app = _both(site, shelf, host, Path(trust))
        with app_served(app, port):
            yield ReportCounter(f"http://{host}", site, shelf)


def _both(site: PublicSite, shelf: Shelf, host: str, trust: Path) -> Any:
    """The desk for its own addresses, the verifier for all others."""

    async def cipher() -> Any:
        return Open()

    own = Site(host, f"http://{host}", Path(__file__).resolve().parents[2] / "verifier_web", trust, True)
    pages = Pages(own)
    taking = Taking(
        reports=shelf,
        register=site.shelf,
        catalog=catalog(),
        cipher=cipher,
        deadlines=load_report_deadlines(load_working_days()),
    )
    desk = cast(Desk, SimpleNamespace(taking=taking, pages=pages, keep_days=30))
    reports = make_application([*report_routes(desk), *shared_routes(own, pages)], own, pages, open_log())

    addresses = itertools.cycle(f"192.0.2.{number}" for number in range(1, 255))

    async def either(scope: Any, receive: Any, send: Any) -> None:
        """Each request from an address of its own: one address sends six reports a minute."""
        if scope["type"] != "http" or not scope["path"].startswith("/reports"):
            await site.app(scope, receive, send)
            return
        known = (b"x-forwarded-for", next(addresses).encode())
        await reports(cast(Any, {**scope, "headers": [*scope["headers"], known]}), receive, send)

    return either
