"""`…/figures`: what was asked for, refused and given out in a period, how long it took, and what is late now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Organ, OrganKind
from certsvc.domain.village_figures import (
    DAY,
    HALF,
    HOUR,
    MINUTE,
    NINE_TENTHS,
    NO_CATALOGUE,
    Count,
    Days,
    LateRequest,
    Line,
    Measure,
    Took,
    month_before,
    month_of,
    require_days,
)
from certsvc.errors import InvalidInput, NotFound, Problem
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.ids import Uscc, parse_uscc
from certsvc.issuance.village.figures import Figures, covered, figures, figures_as_csv
from certsvc.issuance.village.work import READS
from certsvc.services.village_figures import VillageFigures

CSV = "text/csv"
ON_A_PAGE, BARS, LONGEST_NAME = 100, 10, 26
"""Rows of a table; bars of a picture, and the width of their names in halves of a Chinese character."""

UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table in words: `late` open past their last day, since `oldest`; `cells` are the other columns."""

    name: str
    href: str
    late: int
    oldest: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a picture: `share` is its length in per cent of the longest."""

    name: str
    whole_name: str
    said: str
    share: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Bars with what they show, as its title and in a sentence."""

    title: str
    said: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class LateRow:
    """A late request in words; a link for those who may open it."""

    organ: str
    kind: str
    href: str
    due: str
    days: int
    turn: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for; `problems` say what is wrong with the days typed, and then it is this month."""

    days: Days
    town: Uscc | None
    typed: tuple[str, str]
    problems: Sequence[Problem]
    page: int

    def query(self, **more: str) -> str:
        """The same, as the query of an address."""
        asked = {"from": self.days.first.isoformat(), "to": self.days.last.isoformat()}
        if self.town:
            asked["town"] = self.town
        return urlencode(asked | more)


def figures_routes(console: Console, reader: VillageFigures) -> list[HTTPRouteHandler]:
    """`…/figures`, `…/figures.csv`."""
    pages = _FiguresPages(console, reader)
    return [
        route(f"{AT}/figures", "village_figures", pages.figures),
        route(f"{AT}/figures.csv", "village_figures_csv", pages.table),
    ]


class _FiguresPages:
    """What the routes do."""

    def __init__(self, console: Console, reader: VillageFigures) -> None:
        self._console, self._reader, self._organs = console, reader, console.work.organs

    async def figures(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """The page; days that cannot be are said at their field, and this month is shown."""
        now = datetime.now(UTC)
        today, at = beijing_date(now), await self._console.at(request, organ, now)
        chosen = _chosen(request.query_params, today)
        found = await figures(self._reader, self._organs, at.member, chosen.days, now, chosen.town)
        words = Words(self._console.pages.language(request), self._name_of(request, at, today))
        keep = {"lang": words.language.code} if request.query_params.get("lang") == words.language.code else {}
        return self._console.page(
            request,
            at,
            "village_figures.html",
            400 if chosen.problems else 200,
            here="figures",
            chosen=chosen,
            periods=_periods(chosen, today, keep),
            csv=at.address(f"/figures.csv?{chosen.query(**keep)}"),
            show=words.whole(found, chosen, at, today, keep),
            errors=[(one.field, words.language.pick(one.zh, one.en)) for one in chosen.problems],
            picks=keep,
        )

    async def table(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """The same by organ and kind, as a file."""
        now = datetime.now(UTC)
        today, at = beijing_date(now), await self._console.at(request, organ, now)
        chosen = _chosen(request.query_params, today)
        if chosen.problems:
            raise InvalidInput(chosen.problems[0].zh, chosen.problems[0].en, problems=chosen.problems)
        covers = await covered(self._organs, at.member, chosen.town)
        pieces = figures_as_csv(self._reader, covers, chosen.days, today, self._name_of(request, at, today))
        name = f"figures-{chosen.days.first}-{chosen.days.last}.csv"
        return Stream(pieces, media_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    def _name_of(self, request: Asked, at: At, today: date) -> Callable[[str], str]:
        """The names of kinds: as the organ's own catalogue has them, else as their type has, else their id."""
        work, language = self._console.work, self._console.pages.language(request)
        items = work.proofs.held(at.member.organ.area, today).items

        def name_of(kind: str) -> str:
            if kind == NO_CATALOGUE:
                return str(language.words["village_figures"]["no_catalogue"])
            if kind in items:
                return language.pick(items[kind].name.zh, items[kind].name.en)
            try:
                known = work.issuing.catalog.latest(kind)
            except NotFound:
                return kind
            return language.pick(known.zh, known.en)

        return name_of


class Words:
    """Puts figures into the words of a language."""

    def __init__(self, language: Language, name_of: Callable[[str], str]) -> None:
        self.language, self._name_of = language, name_of
        self._words: Mapping[str, Any] = language.words["village_figures"]

    def whole(self, found: Figures, chosen: Chosen, at: At, today: date, keep: Mapping[str, str]) -> Mapping[str, Any]:
        """Everything that the page shows of figures."""
        start, by_town = (chosen.page - 1) * ON_A_PAGE, found.view.by_town
        here = at.address(f"/figures?{chosen.query(**keep)}")

        def leads(line: Line) -> str:
            is_town = by_town and line.organ is not None and line.organ.kind is OrganKind.TOWN
            return f"{here}&town={line.organ.uscc}" if is_town and line.organ else ""

        return {
            "total": found.total,
            "count": {count.name.lower(): found.total.counts.of(count) for count in Count},
            "took": self.took_words(found.total, Measure.WHOLE),
            "late_lines": sum(1 for line in found.organs if line.late),
            "oldest": self.language.day(found.total.oldest) if found.total.oldest else "",
            "days": (self.language.day(found.days.first), self.language.day(found.days.last)),
            "organs": [self._row(line, leads(line)) for line in found.organs[start : start + ON_A_PAGE]],
            "kinds": [self._row(line, "") for line in found.kinds],
            "late": [self._late(organ, one, at, today) for organ, one in found.late],
            "pictures": self._pictures(found),
            "by_town": by_town,
            "up": at.address(f"/figures?{chosen.query(town='', **keep)}") if chosen.town else "",
            "of_town": found.view.of.name if chosen.town else "",
            "next": f"{here}&page={chosen.page + 1}" if found.organs[start + ON_A_PAGE :] else "",
        }

    def took_words(self, line: Line, measure: Measure) -> tuple[str, str] | None:
        """How long half of them, and nine tenths of them, took at most."""
        half, most = line.counts.took(measure, HALF), line.counts.took(measure, NINE_TENTHS)
        return None if half is None or most is None else (self._took(half), self._took(most))

    def _took(self, took: Took) -> str:
        if took.below is None:
            return str(self._words["longer"])
        size, unit = next((size, unit) for size, unit in UNITS if took.below >= size)
        number = took.below / size
        return str(self._words[unit if number == 1 else f"{unit}s"]).format(n=f"{number:g}")

    def _row(self, line: Line, href: str) -> Row:
        counts = [str(line.counts.of(count)) for count in Count]
        times = [" / ".join(self.took_words(line, measure) or ("–",)) for measure in Measure]
        oldest = line.oldest.isoformat() if line.oldest else ""
        return Row(self._line_name(line), href, line.late, oldest, [*counts, *times])

    def _line_name(self, line: Line) -> str:
        return short_name(line.organ) if line.organ else self._name_of(line.kind)

    def _late(self, organ: Organ, one: LateRequest, at: At, today: date) -> LateRow:
        opens = one.organ == at.organ and bool(at.member.duties & READS)
        return LateRow(
            organ=short_name(organ),
            kind=self._name_of(one.kind),
            href=at.address(f"/requests/{one.id}") if opens else "",
            due=one.due.isoformat(),
            days=(today - one.due).days,
            turn=str(self._words["turn"][one.turn]),
        )

    def _pictures(self, found: Figures) -> list[Picture]:
        """Who is late (or, where nobody is, who was asked most), and what is refused (or asked for) most."""
        some_late, refused = found.total.late > 0, found.total.counts.of(Count.REFUSED) > 0
        kinds = Count.REFUSED if refused else Count.ASKED
        shown = []
        if len(found.organs) > 1:
            key = "late_by_organ" if some_late else "asked_by_organ"
            numbers = [(line, line.late if some_late else line.counts.of(Count.ASKED)) for line in found.organs]
            shown.append(self._picture(key, numbers))
        key = "refused_by_kind" if refused else "asked_by_kind"
        shown.append(self._picture(key, [(line, line.counts.of(kinds)) for line in found.kinds]))
        return [picture for picture in shown if picture.bars]

    def _picture(self, key: str, numbers: Sequence[tuple[Line, int]]) -> Picture:
        most = sorted((each for each in numbers if each[1]), key=lambda each: -each[1])[:BARS]
        title = str(self._words[key])
        bars = []
        for line, number in most:
            name, said = str(self._line_name(line)), str(self._words["many"]).format(n=number)
            bars.append(Bar(clipped(name), name, said, max(1, 100 * number // most[0][1])))
        listed = str(self._words["semicolon"]).join(f"{bar.whole_name} {bar.said}" for bar in bars)
        return Picture(title, listed, bars)


def short_name(organ: Organ) -> str:
    """A village by the word that stands for it in numbers, as it is called in the town."""
    return organ.number_word if organ.number_word and organ.kind is OrganKind.VILLAGE else organ.name


def clipped(name: str) -> str:
    """A name as long as a picture has room for on a phone."""
    width = 0
    for place, sign in enumerate(name):
        width += 1 if sign.isascii() else 2
        if width > LONGEST_NAME:
            return f"{name[:place].rstrip()}…"
    return name


def _periods(chosen: Chosen, today: date, keep: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """This month and the one before: name of its words, query, whether it is shown."""
    town = {"town": chosen.town} if chosen.town else {}
    found = []
    for name, days in (("this_month", month_of(today)), ("last_month", month_before(today))):
        asked = {"from": days.first.isoformat(), "to": days.last.isoformat()}
        found.append((name, urlencode({**asked, **town, **keep}), days == chosen.days))
    return found


def _chosen(query: Mapping[str, str], today: date) -> Chosen:
    typed = query.get("from", "").strip()[:20], query.get("to", "").strip()[:20]
    days, problems = month_of(today), []
    if any(typed):
        try:
            days = require_days(_day(typed[0], "from"), _day(typed[1], "to") if typed[1] else today, today)
        except InvalidInput as error:
            problems = [*error.problems]
    page = query.get("page", "")
    return Chosen(
        days=days,
        town=_town(query.get("town", "")),
        typed=typed if any(typed) else (days.first.isoformat(), days.last.isoformat()),
        problems=problems,
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 4 and int(page) else 1,
    )


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        zh = "请写成 2026-11-01 这样的日期。"
        en = "Write a day like 2026-11-01."
        raise InvalidInput(zh, en, problems=[Problem(field, "day", zh, en)]) from None


def _town(text: str) -> Uscc | None:
    if not text:
        return None
    try:
        return parse_uscc(text)
    except InvalidInput:
        raise NotFound(f"没有单位 {text[:18]}。", f"There is no organ {text[:18]}.") from None
