"""Figures: what was asked for, refused and given out, and how long it took, by organ and by kind, late ones first.

An overseer of a town sees its villages, one of a city its towns and villages; whoever else has a duty in an organ sees
that organ. Nothing about persons.
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
    added,
    late_first,
)
from certsvc.errors import NotFound
from certsvc.ids import Uscc
from certsvc.services import Organs
from certsvc.services.village_figures import VillageFigures

LATEST, AT_ONCE = 20, 25
"""Late requests that are shown; organs of a file that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is shown: of all together, by organ, by town where a city asks, and by kind; late ones first. `late` are the
    requests that are late for longest. `covers` are the organs by their USCC."""

    days: Days
    covers: Mapping[Uscc, Organ]
    total: Line
    organs: Sequence[Line]
    towns: Sequence[Line]
    kinds: Sequence[Line]
    late: Sequence[LateRequest]


async def covered(organs: Organs, who: Member, town: Uscc | None = None) -> Mapping[Uscc, Organ]:
    """The organs whose figures somebody sees; of a city's, with `town`, only that town and its villages.

    Raises:
        NotFound: `town` is none that they look after.
    """
    found = {who.organ.uscc: who.organ}
    if who.has(OrganDuty.OVERSEER):
        found |= {one.uscc: one for one in await organs.organs() if oversees(who.organ, one)}
    if town is None:
        return found
    if town not in found or found[town].kind is not OrganKind.TOWN:
        raise NotFound(f"没有单位 {town}。", f"There is no organ {town}.")
    return {uscc: one for uscc, one in found.items() if uscc == town or one.town == town}


async def figures(
    reader: VillageFigures, organs: Organs, who: Member, days: Days, now: datetime, town: Uscc | None = None
) -> Figures:
    """The figures of a period, and what is late now.

    Raises:
        NotFound: see `covered`.
    """
    covers, today = await covered(organs, who, town), beijing_date(now)
    codes, whole_city = [*covers], who.organ.kind is OrganKind.CITY and town is None and len(covers) > 1
    counts, late = await reader.counts(codes, days), await reader.late(codes, today)
    by_kind = await reader.by_kind([*covers.values()], days, of_areas=whole_city)
    late_by_kind = await reader.late_by_kind([*covers.values()], today, of_areas=whole_city)
    lines = _by_organ(covers, counts, late)
    total = _together(lines)
    return Figures(
        days=days,
        covers=covers,
        total=total,
        organs=[line for line in lines if _gives(line)] or lines,
        towns=_by_town(covers, lines) if whole_city else (),
        kinds=_by_kind(by_kind, late_by_kind),
        late=await reader.latest(_latest_organs(lines), today, LATEST) if total.late else (),
    )


async def figures_as_csv(
    reader: VillageFigures, covers: Mapping[Uscc, Organ], days: Days, today: date, name_of: Callable[[str], str]
) -> AsyncIterator[bytes]:
    """Every organ and kind of a period as CSV in UTF-8 with its mark, a portion of organs at a time."""
    yield (MARK + record(HEAD)).encode()
    codes = sorted(covers, key=lambda code: (covers[code].town or code, covers[code].town is not None, code))
    for start in range(0, len(codes), AT_ONCE):
        portion = codes[start : start + AT_ONCE]
        counts = await reader.by_organ_and_kind(portion, days)
        late = await reader.late_by_organ_and_kind(portion, today)
        keys = sorted({*counts, *late}, key=lambda key: (portion.index(Uscc(key[0])), key[1]))
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
    covers: Mapping[Uscc, Organ], days: Days, key: tuple[str, str], name: str, counts: Counts, late: Late | None
) -> list[str]:
    organ = covers[Uscc(key[0])]
    town = covers.get(organ.town) if organ.town else None
    took = [counts.took(measure, share) for measure, _ in TIMES for share, _ in SHARES]
    return [
        *(days.first.isoformat(), days.last.isoformat(), town.name if town else "", organ.name, organ.uscc),
        *(name, key[1], str(late.number if late else 0), *(str(counts.of(count)) for count in Count)),
        *("" if one is None else "超过 90 天" if one.below is None else str(one.below) for one in took),
    ]


def _by_organ(covers: Mapping[Uscc, Organ], counts: Mapping[Uscc, Counts], late: Mapping[Uscc, Late]) -> list[Line]:
    lines = (_line(counts.get(uscc, NOTHING), late.get(uscc), organ=organ) for uscc, organ in covers.items())
    return sorted(lines, key=late_first)


def _by_kind(counts: Mapping[str, Counts], late: Mapping[str, Late]) -> list[Line]:
    lines = (_line(counts.get(kind, NOTHING), late.get(kind), kind=kind) for kind in {**counts, **late})
    return sorted((line for line in lines if line.late or any(line.counts.numbers)), key=late_first)


def _by_town(covers: Mapping[Uscc, Organ], lines: Sequence[Line]) -> list[Line]:
    """What belongs to no town stands for itself."""
    found: dict[Uscc, list[Line]] = {}
    for line in lines:
        assert line.organ is not None
        found.setdefault(line.organ.town or line.organ.uscc, []).append(line)
    towns = (_together(some, covers[uscc]) for uscc, some in found.items() if uscc in covers)
    return sorted((town for town in towns if _gives(town)), key=late_first)


def _line(counts: Counts, late: Late | None, organ: Organ | None = None, kind: str = "") -> Line:
    number, oldest = (late.number, late.oldest) if late else (0, None)
    return Line(counts=counts, organ=organ, kind=kind, late=number, oldest=oldest)


def _together(lines: Sequence[Line], organ: Organ | None = None) -> Line:
    oldest = min((line.oldest for line in lines if line.oldest), default=None)
    late = sum(line.late for line in lines)
    return Line(counts=added(line.counts for line in lines), organ=organ, late=late, oldest=oldest)


def _gives(line: Line) -> bool:
    """Towns and cities stand in the table of organs only where they give out proofs themselves."""
    is_village = line.organ is not None and line.organ.kind is OrganKind.VILLAGE
    return is_village or line.late > 0 or any(line.counts.numbers)


def _latest_organs(lines: Sequence[Line]) -> list[Uscc]:
    """The requests that are late for longest are all in those organs whose own latest is."""
    late = sorted((line for line in lines if line.oldest), key=lambda line: line.oldest or date.max)
    return [line.organ.uscc for line in late[:LATEST] if line.organ]
