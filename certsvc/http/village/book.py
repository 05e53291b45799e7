"""`…/book`: the seal-use book 用印登记簿 of an organ: newest first page by page, a month on paper, and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from certsvc.domain.calendar import BEIJING, beijing_date, months_after
from certsvc.domain.organ import DAY
from certsvc.domain.seal_book import EVER, MOST_PRINTED, OUTCOMES, BookLine, Period, UseOutcome
from certsvc.errors import NotFound, Problem
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.typed import typed_month
from certsvc.issuance.village.seal_book import book_as_csv, page_of_book, whole_period
from certsvc.issuance.village.work import READS

CSV = "text/csv"
A_PAGE = 50
LOOKS = {
    UseOutcome.SEALED: ("ok", "tick"),
    UseOutcome.NOT_PUBLISHED: ("bad", "stop"),
    UseOutcome.SEALED_AGAIN: ("old", "arrow"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the book in words; `code` is what the certificate is looked up by."""

    number: str
    at: str
    kind: str
    kind_zh: str | None
    holder: str
    copies: int
    certificate: str
    code: str
    keeper: str
    approver: str
    handler: str
    outcome: str
    look: str
    icon: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address asks for: a month, or all of them; a kind, or all."""

    month: date | None
    kind: str | None
    typed: str
    problem: Problem | None

    @property
    def period(self) -> Period:
        """The days of the month."""
        return EVER if self.month is None else Period(first=self.month, last=months_after(self.month, 1) - DAY)

    def query(self, keep: str, **more: str) -> str:
        """The same, as the query of an address; `keep` is the language that was asked for."""
        asked = {"month": f"{self.month:%Y-%m}"} if self.month else {}
        asked |= {"kind": self.kind} if self.kind else {}
        asked |= more | ({"lang": keep} if keep else {})
        return f"?{urlencode(asked)}" if asked else ""


def book_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/book`, `…/book.csv`."""
    pages = _BookPages(console)
    return [
        route(f"{AT}/book", "village_book", pages.book),
        route(f"{AT}/book.csv", "village_book_csv", pages.table),
    ]


class _BookPages:
    """What the routes do; time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._book = console, console.villages.book

    async def book(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """A page of it; with `?print` the whole month, for paper."""
        now = datetime.now(UTC)
        at = _reader(await self._console.at(request, organ, now))
        chosen, seal_id = _chosen(request), at.member.organ.seal_id
        if "print" in request.query_params:
            return await self._printed(request, at, chosen, now)
        language = self._console.pages.language(request)
        before = _number(request.query_params.get("before", ""))
        lines: Sequence[BookLine] = ()
        if seal_id is not None:
            lines = await page_of_book(self._book, seal_id, before, A_PAGE + 1, chosen.period, chosen.kind)
        shown, keep = lines[:A_PAGE], _keep(request)
        this_month = Chosen(chosen.month or beijing_date(now).replace(day=1), chosen.kind, "", None)
        problem = chosen.problem
        return self._console.page(
            request,
            at,
            "village_book.html",
            400 if problem else 200,
            here="book",
            chosen=chosen,
            problem=language.pick(problem.zh, problem.en) if problem else "",
            rows=[self._row(line, language) for line in shown],
            kinds=await self._kinds(at, now, language),
            is_first=before is None,
            newest=at.address("/book" + chosen.query(keep)),
            next=at.address("/book" + chosen.query(keep, before=str(shown[-1].number))) if lines[A_PAGE:] else "",
            csv=at.address("/book.csv" + chosen.query(keep)),
            paper=at.address("/book" + this_month.query(keep, print="1")),
            paper_month=_month(this_month.month, language),
            keep_lang=keep,
        )

    async def _printed(self, request: Asked, at: At, chosen: Chosen, now: datetime) -> Response[bytes]:
        """A month from its first line to its last."""
        language, seal_id = self._console.pages.language(request), at.member.organ.seal_id
        month = chosen.month or beijing_date(now).replace(day=1)
        chosen = Chosen(month, chosen.kind, "", None)
        lines = [] if seal_id is None else await whole_period(self._book, seal_id, chosen.period, chosen.kind)
        return self._console.page(
            request,
            at,
            "village_book_print.html",
            here="book",
            month=_month(month, language),
            kind=self._title(chosen.kind, None, language)[0] if chosen.kind else "",
            rows=[self._row(line, language) for line in lines],
            failed=sum(line.outcome is not UseOutcome.SEALED for line in lines),
            is_whole=len(lines) < MOST_PRINTED,
            seal_id=seal_id or "",
            made=language.moment(now),
            back=at.address("/book" + chosen.query(_keep(request))),
        )

    async def table(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """The same as CSV, in portions."""
        now = datetime.now(UTC)
        at = _reader(await self._console.at(request, organ, now))
        chosen, seal_id = _chosen(request), at.member.organ.seal_id
        if seal_id is None or chosen.problem is not None:
            raise NotFound("没有这样的用印登记簿。", "There is no such seal-use book.")
        pieces = book_as_csv(self._book, seal_id, self._name_of, chosen.period, type_id=chosen.kind)
        name = f"seal-book-{chosen.month:%Y-%m}.csv" if chosen.month else "seal-book.csv"
        return Stream(pieces, media_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    async def _kinds(self, at: At, now: datetime, language: Language) -> list[tuple[str, str]]:
        if at.member.organ.seal_id is None:
            return []
        seal = await self._console.villages.seals.seal(at.member.organ.seal_id, now)
        return [(one, self._title(one, None, language)[0]) for one in sorted(seal.seal.certificate_types)]

    def _title(self, type_id: str, version: int | None, language: Language) -> tuple[str, str | None]:
        catalog = self._console.work.issuing.catalog
        try:
            kind = catalog.latest(type_id) if version is None else catalog.version(type_id, version)
        except NotFound:
            return type_id, None
        return language.titled(kind.zh, kind.en)

    def _name_of(self, type_id: str, version: int) -> str:
        try:
            return self._console.work.issuing.catalog.version(type_id, version).zh
        except NotFound:
            return type_id

    def _row(self, line: BookLine, language: Language) -> Row:
        title, title_zh = self._title(line.type_id, line.type_version, language)
        look, icon = LOOKS[line.outcome]
        words = language.words["village_book"]["outcomes"][line.outcome.value]
        return Row(
            number=f"{line.number:04}",
            at=f"{line.at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
            kind=title,
            kind_zh=title_zh,
            holder=line.holder,
            copies=line.copies,
            certificate=line.certificate,
            code=line.ref.typed_code,
            keeper=line.keeper or "",
            approver=line.approver or "",
            handler=line.handler,
            outcome=words or language.pick(*OUTCOMES[line.outcome]),
            look=look,
            icon=icon,
        )


def _reader(at: At) -> At:
    if not at.member.duties & READS:
        raise NotFound("没有这个页面。", "There is no such page.")
    return at


def _chosen(request: Asked) -> Chosen:
    typed, problems = request.query_params.get("month", "").strip()[:20], list[Problem]()
    month = typed_month(typed, "month", problems) if typed else None
    kind = request.query_params.get("kind", "")[:100] or None
    return Chosen(month, kind, typed, problems[0] if problems else None)


def _keep(request: Asked) -> str:
    return request.query_params.get("lang", "") if "lang" in request.query_params else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _month(month: date | None, language: Language) -> str:
    if month is None:
        return ""
    if language.is_chinese:
        return f"{month.year}年{month.month}月"
    return language.day(month).partition(" ")[2]
