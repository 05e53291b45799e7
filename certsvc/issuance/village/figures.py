"""Figures: what was asked for, refused and given out, and how long it took, by organ and by kind, late ones first.

An overseer of a city sees its towns, each with all its villages; one of a town, and of a city who opens it, its
villages; whoever else has a duty in an organ sees that organ. Nothing about persons.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member, Organ, OrganDuty, OrganKind, oversees
from certsvc.domain.spreadsheet import MARK, record
from certsvc.domain.village_figures import (
    HALF,
    NINE_TENTHS,
    NOTHING,
    Count,
    Counts,
    Days,
    Late,
    LateRequest,
    Line,
    Measure,
    Scope,
    added,
    city_scope,
    late_first,
    organ_scope,
    town_scope,
)
from certsvc.errors import NotFound
from certsvc.ids import Uscc
from certsvc.issuance.village.handover import organ_for
from certsvc.services import Organs
from certsvc.services.village_figures import VillageFigures

LATEST, AT_ONCE = 20, 25
"""Late requests that are shown; organs of a file that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What somebody looks at: `of` an organ, the scopes that have a line of their own, and all of them together."""

    of: Organ
    lines: Mapping[Scope, Organ]
    whole: Scope

    @property
    def by_town(self) -> bool:
        """Whether a line is a town with all its villages."""
        return self.whole == city_scope(self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is shown: of all together, by organ and by kind, late ones first. `late` are the requests that are late for
    longest, with their organs."""

    view: View
    days: Days
    total: Line
    organs: Sequence[Line]
    kinds: Sequence[Line]
    late: Sequence[tuple[Organ, LateRequest]]


async def figures(
    reader: VillageFigures, organs: Organs, who: Member, days: Days, now: datetime, town: Uscc | None = None
) -> Figures:
    """The figures of a period, and what is late now; of a city's, with `town`, only that town's.

    Raises:
        NotFound: `town` is none that they look after.
    """
    view, today = await _view(organs, who, town), beijing_date(now)
    scopes = [*view.lines]
    lines = _by_organ(view, await reader.counts(scopes, days), await reader.late(scopes, today))
    counts, late = await reader.by_kind([view.whole], days), await reader.late_by_kind([view.whole], today)
    total = _together(lines)
    return Figures(
        view=view,
        days=days,
        total=total,
        organs=[line for line in lines if line.organ != view.of or _gives(line)] or lines,
        kinds=_by_kind(counts, late),
        late=await _latest(reader, organs, view, lines, today) if total.late else (),
    )


async def covered(organs: Organs, who: Member, town: Uscc | None = None) -> Mapping[Uscc, Organ]:
    """Every organ whose figures somebody sees, by its USCC; `town` as with `figures`.

    Raises:
        NotFound: see `figures`.
    """
    of = await _looked_at(organs, who, town)
    found = {of.uscc: of}
    if who.has(OrganDuty.OVERSEER):
        found |= {one.uscc: one for one in await organs.organs() if oversees(of, one)}
    return found


async def figures_as_csv(
    reader: VillageFigures, covers: Mapping[Uscc, Organ], days: Days, today: date, name_of: Callable[[str], str]
) -> AsyncIterator[bytes]:
    """Every organ and kind of a period as CSV in UTF-8 with its mark, a portion of organs at a time."""
    yield (MARK + record(HEAD)).encode()
    codes = sorted(covers, key=lambda code: (covers[code].town or code, covers[code].town is not None, code))
    for start in range(0, len(codes), AT_ONCE):
        portion = [organ_scope(covers[code]) for code in codes[start : start + AT_ONCE]]
        counts = await reader.by_kind(portion, days)
        late = await reader.late_by_kind(portion, today)
        keys = sorted({*counts, *late}, key=lambda key: (portion.index(key[0]), key[1]))
        yield "".join(
            record(_cells(covers, days, key, name_of(key[1]), counts.get(key, NOTHING), late.get(key))) for key in keys
        ).encode()


TIMES = (
    (Measure.APPROVAL, "提交到批准"),
    (Measure.SEALING, "批准到用印"),
    (Measure.WHOLE, "受理到用印"),
)
SHARES: tuple[tuple[Fraction, str], ...] = ((HALF, "一半少于"), (NINE_TENTHS, "九成少于"))
HEAD = (
    *("开始日期", "结束日期", "镇街", "单位", "统一社会信用代码", "事项", "事项编号", "现在逾期"),
    *("申请", "不予开具", "退回", "用印", "其中逾期用印", "撤回", "撤销"),
    *(f"{zh}：{share}（秒）" for _, zh in TIMES for _, share in SHARES),
)


def _cells(
    covers: Mapping[Uscc, Organ], days: Days, key: tuple[Scope, str], name: str, counts: Counts, late: Late | None
) -> list[str]:
    organ = covers[Uscc(key[0])]
    town = covers.get(organ.town) if organ.town else None
    took = [counts.took(measure, share) for measure, _ in TIMES for share, _ in SHARES]
    return [
        *(days.first.isoformat(), days.last.isoformat(), town.name if town else "", organ.name, organ.uscc),
        *(name, key[1], str(late.number if late else 0), *(str(counts.of(count)) for count in Count)),
        *("" if one is None else "超过 90 天" if one.below is None else str(one.below) for one in took),
    ]


async def _looked_at(organs: Organs, who: Member, town: Uscc | None) -> Organ:
    if town is None:
        return who.organ
    found = await organ_for(organs, who, town)
    if found.kind is not OrganKind.TOWN:
        raise NotFound(f"{found.name}不是镇街。", f"{found.name} is no town.")
    return found


async def _view(organs: Organs, who: Member, town: Uscc | None) -> View:
    of = await _looked_at(organs, who, town)
    every = (of, *await organs.under(of)) if who.has(OrganDuty.OVERSEER) else (of,)
    if len(every) == 1:
        return View(of=of, lines={organ_scope(of): of}, whole=organ_scope(of))
    if of.kind is OrganKind.CITY:
        return View(of=of, lines={town_scope(one): one for one in every}, whole=city_scope(of))
    return View(of=of, lines={organ_scope(one): one for one in every}, whole=town_scope(of))


async def _latest(
    reader: VillageFigures, organs: Organs, view: View, lines: Sequence[Line], today: date
) -> list[tuple[Organ, LateRequest]]:
    if view.by_town:
        found = await reader.latest_in_city(view.whole, today, LATEST)
        named = await organs.some({one.organ for one in found})
    else:
        found = await reader.latest(_latest_organs(lines), today, LATEST)
        named = {organ.uscc: organ for organ in view.lines.values()}
    return [(named[one.organ], one) for one in found]


def _by_organ(view: View, counts: Mapping[Scope, Counts], late: Mapping[Scope, Late]) -> list[Line]:
    lines = (_line(counts.get(scope, NOTHING), late.get(scope), organ=organ) for scope, organ in view.lines.items())
    return sorted(lines, key=late_first)


def _by_kind(counts: Mapping[tuple[Scope, str], Counts], late: Mapping[tuple[Scope, str], Late]) -> list[Line]:
    """Of one scope."""
    lines = (_line(counts.get(key, NOTHING), late.get(key), kind=key[1]) for key in {**counts, **late})
    return sorted((line for line in lines if line.late or any(line.counts.numbers)), key=late_first)


def _line(counts: Counts, late: Late | None, organ: Organ | None = None, kind: str = "") -> Line:
    number, oldest = (late.number, late.oldest) if late else (0, None)
    return Line(counts=counts, organ=organ, kind=kind, late=number, oldest=oldest)


def _together(lines: Sequence[Line]) -> Line:
    oldest = min((line.oldest for line in lines if line.oldest), default=None)
    late = sum(line.late for line in lines)
    return Line(counts=added(line.counts for line in lines), late=late, oldest=oldest)


def _gives(line: Line) -> bool:
    """A town among its villages, and a city among its towns, stand in the table only where they give out proofs."""
    return line.late > 0 or any(line.counts.numbers)


def _latest_organs(lines: Sequence[Line]) -> list[Uscc]:
    """The requests that are late for longest are all in those organs whose own latest is."""
    late = sorted((line for line in lines if line.oldest), key=lambda line: line.oldest or date.max)
    return [line.organ.uscc for line in late[:LATEST] if line.organ]
