"""Reports of problems: the form, what becomes of it, and how fast answers are. No login, no script, no cookie."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.problem_report import KEPT_UNANSWERED_DAYS, Figures, FollowedReport, parse_said
from certsvc.errors import (
    CertsvcError,
    Forbidden,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    Problem,
    ReportedBefore,
    TooManyRequests,
)
from certsvc.http.desk.bundle import Desk
from certsvc.http.desk.report_form import Filled, asked_form, new_token, sent_form
from certsvc.http.desk.report_views import figure_lines, follow_view, form_view
from certsvc.http.language import CODES
from certsvc.http.negotiation import JSON, wants_page
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.ids import parse_report_number
from certsvc.issuance.problem_reports.taking import LookedUp, follow, look_up, take_report

PATH = "/reports"
SENT_PER_MINUTE, ASKED_PER_MINUTE, SENT_BY_ALL = 6, 60, 300
"""How many reports one address may send, how often it may ask, and how many all together may send, in a minute."""

FIGURES_SINCE, FIGURES_KEPT = timedelta(days=365), timedelta(minutes=1)
"""What the tables look back on; and for how long they are shown as they were counted."""


def report_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """`/reports`: the tables, the form, and each report by its number."""
    reports = _Reports(desk)
    return [
        route(PATH, "report_figures", reports.figures),
        route(PATH + "/new", "report_form", reports.form),
        route(PATH, "report", reports.send, "POST"),
        route(PATH + "/{number:str}", "followed_report", reports.followed),
    ]


@dataclass(frozen=True, slots=True)
class Counted:
    """Both tables, as of when they were counted."""

    at: datetime
    departments: Sequence[Figures]
    kinds: Sequence[Figures]


class _Reports:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, desk: Desk) -> None:
        self._taking, self._pages, self._keep_days = desk.taking, desk.pages, desk.keep_days
        self._sent, self._asked = Buckets(SENT_PER_MINUTE), Buckets(ASKED_PER_MINUTE)
        self._sent_by_all = Buckets(SENT_BY_ALL)
        self._counted: Counted | None = None

    async def form(self, request: Asked) -> Response[bytes]:
        """The form, with what the page before has handed on."""
        filled, now = asked_form(request), datetime.now(UTC)
        try:
            looked, problems = await look_up(self._taking, filled.carried, now), ()
        except InvalidIdentifier as error:
            return await self._shown(request, filled, new_token(), 200, [_at_code(error)])
        return await self._shown(request, filled, new_token(), 200, problems, looked)

    async def send(self, request: Asked) -> Response[Any]:
        """Take a report; the same form sent again is the same report."""
        _refuse_others_pages(request)
        _wait(self._sent, address_of(request.scope), SENT_PER_MINUTE)
        _wait(self._sent_by_all, "all", SENT_BY_ALL)
        filled, token = await sent_form(request)
        try:
            number = await self._taken(filled, token, datetime.now(UTC))
        except (InvalidInput, ReportedBefore) as error:
            if not wants_page(request):
                raise
            again = token if isinstance(error, InvalidInput) else new_token()
            found = error.problems or (Problem("", error.code, error.zh, error.en),)
            return await self._shown(request, filled, again, error.status, found)
        return self._moved_to(request, number)

    async def followed(self, request: Asked, number: FromPath[str]) -> Response[bytes]:
        """How far a report has come."""
        try:
            found = await self._follow(request, number)
        except (InvalidIdentifier, NotFound) as error:
            if not wants_page(request):
                raise
            return await self._tables(request, error.status, number, error)
        now = datetime.now(UTC)
        if not wants_page(request):
            return _json(followed_json(found))
        view = follow_view(found, self._pages.language(request), now)
        return self._pages.page(request, "report.html", report=view)

    async def figures(self, request: Asked) -> Response[Any]:
        """How fast answers are; or, with a number typed, on to that report."""
        typed = request.query_params.get("number", "")
        if typed:
            try:
                return _moved(request, f"{PATH}/{parse_report_number(typed)}")
            except InvalidIdentifier as error:
                if not wants_page(request):
                    raise
                return await self._tables(request, error.status, typed, error)
        if wants_page(request):
            return await self._tables(request, 200, "", None)
        counted = await self._count(datetime.now(UTC))
        tables = {"departments": counted.departments, "kinds": counted.kinds}
        return _json({name: list(map(figures_json, lines)) for name, lines in tables.items()})

    async def _taken(self, filled: Filled, token: str, now: datetime) -> str:
        problems: list[Problem] = []
        carried, looked = filled.carried, LookedUp.nothing()
        try:
            looked = await look_up(self._taking, carried, now)
        except InvalidIdentifier as error:
            problems.append(_at_code(error))
        source = filled["department"]
        if source and source not in {one.id for one in await self._taking.reports.departments()}:
            problems.append(Problem("department", "enum", "请重新选择部门。", "Choose the department again."))
        try:
            said = parse_said(filled["kind"], filled["words"], filled["contact"], source, looked.checked)
        except InvalidInput as error:
            problems = [*error.problems, *problems]
        if problems:
            raise InvalidInput("报告还不完整，请看下面。", "The report is not complete: see below.", problems=problems)
        return await take_report(self._taking, said, carried, token, now)

    async def _shown(
        self,
        request: Asked,
        filled: Filled,
        token: str,
        status: int,
        problems: Sequence[Problem],
        looked: LookedUp | None = None,
    ) -> Response[bytes]:
        """The form as it was filled in: nothing that was typed is lost."""
        if looked is None:
            try:
                looked = await look_up(self._taking, filled.carried, datetime.now(UTC))
            except InvalidIdentifier:
                looked = LookedUp.nothing()
        departments = await self._taking.reports.departments()
        view = form_view(filled, token, looked, departments, self._pages.language(request), problems)
        kept = {"keep_days": self._keep_days, "keep_unanswered_days": KEPT_UNANSWERED_DAYS}
        return self._pages.page(request, "report_form.html", status, form=view, **kept)

    async def _follow(self, request: Asked, number: str) -> FollowedReport:
        parsed = parse_report_number(number)
        _wait(self._asked, address_of(request.scope), ASKED_PER_MINUTE)
        return await follow(self._taking, parsed)

    async def _tables(self, request: Asked, status: int, typed: str, error: CertsvcError | None) -> Response[bytes]:
        counted, language = await self._count(datetime.now(UTC)), self._pages.language(request)
        return self._pages.page(
            request,
            "reports.html",
            status,
            departments=figure_lines(counted.departments, language, by_kind=False, now=counted.at),
            kinds=figure_lines(counted.kinds, language, by_kind=True, now=counted.at),
            number=typed[:100],
            wrong=language.pick(error.zh, error.en) if error else "",
            as_of=language.moment(counted.at),
        )

    async def _count(self, now: datetime) -> Counted:
        if self._counted is None or abs(now - self._counted.at) > FIGURES_KEPT:
            since, reports = now - FIGURES_SINCE, self._taking.reports
            both = await reports.figures(since, now, by_kind=False), await reports.figures(since, now, by_kind=True)
            self._counted = Counted(now, *both)
        return self._counted

    def _moved_to(self, request: Asked, number: str) -> Response[Any]:
        address = f"{PATH}/{number}"
        if wants_page(request):
            return _moved(request, address)
        content = msgspec.json.encode({"number": number, "href": address})
        return Response(content, media_type=JSON, status_code=201, headers={"Location": address})


def _at_code(error: CertsvcError) -> Problem:
    return Problem("code", error.code, error.zh, error.en)


def _refuse_others_pages(request: Asked) -> None:
    """Browsers say where a form was sent from: another site's page does not report in its visitors' names."""
    if request.headers.get("sec-fetch-site", "") == "cross-site":
        raise Forbidden("请从本网站的报告页提交。", "Send the form from the page of this site.")


def _wait(buckets: Buckets, name: str, per_minute: int) -> None:
    wait = math.ceil(buckets.wait(name, time.monotonic()))
    if wait:
        raise TooManyRequests(
            f"每分钟最多 {per_minute} 次，请过 {wait} 秒再试，填写的内容在返回上一页后仍在。",
            f"At most {per_minute} a minute: try again in {wait} seconds. What you typed is on the page before.",
            retry_after=wait,
        )


def _moved(request: Asked, path: str) -> Redirect:
    """To another address, in the language that was asked for."""
    language = request.query_params.get("lang")
    return Redirect(f"{path}?lang={language}" if language in CODES else path, status_code=303)


def followed_json(report: FollowedReport) -> dict[str, Any]:
    """A report as a program gets it: what stands on its page."""
    return {
        "number": report.number,
        "state": report.state,
        "kind": report.kind,
        "opened_at": report.opened_at,
        "certificate": report.ref.typed_code if report.ref else None,
        "department": report.department,
        "contact": {"due": report.contact_due, "at": report.contacted_at, "said": report.first_said},
        "answer": {
            "due": report.answer_due,
            "at": report.closed_at,
            "outcome": report.outcome,
            "said": report.said,
            "forwarded_to": report.forwarded_to,
        },
        "calendar_known": report.calendar_known,
    }


def figures_json(one: Figures) -> dict[str, Any]:
    """A line of a table; medians are in seconds."""
    return {
        "name": one.name,
        "late": one.late,
        "pending": one.pending,
        "reports": one.reports,
        "contact": {"judged": one.contact_judged, "in_time": one.contact_in_time, "median_s": _s(one.median_contact)},
        "answer": {"judged": one.answer_judged, "in_time": one.answer_in_time, "median_s": _s(one.median_answer)},
        "oldest_pending": one.oldest,
    }


def _s(lasting: timedelta | None) -> int | None:
    return None if lasting is None else round(lasting.total_seconds())


def _json(value: Any) -> Response[bytes]:
    return Response(msgspec.json.encode(value), media_type=JSON, status_code=200)
