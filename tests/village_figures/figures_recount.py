"""The figures once more, from the histories themselves: what every scope must say."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from figures_people import History
from figures_room import Land

from certsvc.domain.village_figures import (
    BOUNDS,
    HALF,
    NINE_TENTHS,
    NOTHING,
    Count,
    Counts,
    Days,
    Late,
    Measure,
    Scope,
    city_scope,
    organ_scope,
    town_scope,
)

ACTS = {"open": 0, "return": 2, "seal": 3, "withdraw": 5, "cancel": 6}
OPEN = ("draft", "submitted", "returned", "approved")


def day(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()


def recounted(some: Iterable[History], days: Days) -> tuple[Counter[str], dict[Measure, list[float]]]:
    """The same, from the histories themselves."""
    counts: Counter[str] = Counter()
    took: dict[Measure, list[float]] = {measure: [] for measure in Measure}
    for one in some:
        since: dict[str, datetime] = {}
        for act, at in one.events:
            if days.first <= day(at) <= days.last:
                if act in ACTS:
                    counts[Count(ACTS[act]).name] += 1
                if act == "seal" and day(at) > one.due:
                    counts["ISSUED_LATE"] += 1
                if act == "approve":
                    took[Measure.APPROVAL].append((at - since["submit"]).total_seconds())
                if act == "seal":
                    took[Measure.SEALING].append((at - since["approve"]).total_seconds())
                    took[Measure.WHOLE].append((at - one.events[0][1]).total_seconds())
            since[act] = at
    return counts, took


def late_ones(some: Iterable[History], today: date) -> list[History]:
    """Open and past their last day, from the histories themselves."""
    return [one for one in some if one.state in OPEN and one.due < today]


def agree_on_late(found: Late | None, some: Sequence[History]) -> None:
    dues = [one.due for one in some]
    assert found == (Late(number=len(dues), oldest=min(dues)) if dues else None)


async def twice_at_once(land: Land) -> None:
    """Two workers add up what there is."""
    await asyncio.gather(*(land.figures.fold(datetime.now(UTC)) for _ in range(2)))


def agree(found: Counts, some: Sequence[History], days: Days) -> None:
    counts, took = recounted(some, days)
    assert {count.name: found.of(count) for count in Count} == {count.name: counts[count.name] for count in Count}
    for measure, seconds in took.items():
        for share in (HALF, NINE_TENTHS):
            said = found.took(measure, share)
            assert (said is None) == (not seconds)
            if said is not None and said.below is not None:
                below = [each for each in seconds if each < said.below]
                assert len(below) >= share * len(seconds), "what is said is true"
                smaller = max((bound for bound in BOUNDS if bound < said.below), default=0)
                assert sum(each < smaller for each in seconds) < share * len(seconds), "and no round bound is nearer"


def scopes_of(land: Land) -> dict[Scope, set[str]]:
    """Whose acts are counted together, from the organs themselves."""
    found: dict[Scope, set[str]] = {}
    for organ in land.made.all:
        for scope in (organ_scope(organ), town_scope(organ), city_scope(organ)):
            found.setdefault(scope, set()).add(organ.uscc)
    return found


def recount(land: Land, some: Sequence[History], days: Days) -> None:
    """Every scope counts what the histories of its organs say, by kind and all together, and what of it is late."""
    scopes, kinds = scopes_of(land), {one.kind for one in some}
    run, figures = land.room.run, land.figures
    counts, by_kind = run(figures.counts([*scopes], days)), run(figures.by_kind([*scopes], days))
    late, late_by_kind = run(figures.late([*scopes], days.last)), run(figures.late_by_kind([*scopes], days.last))
    assert {kind for _, kind in by_kind} <= kinds
    for scope, organs in scopes.items():
        its = [one for one in some if one.organ in organs]
        agree(counts.get(scope, NOTHING), its, days)
        agree_on_late(late.get(scope), late_ones(its, days.last))
        for kind in kinds:
            of_kind = [one for one in its if one.kind == kind]
            agree(by_kind.get((scope, kind), NOTHING), of_kind, days)
            agree_on_late(late_by_kind.get((scope, kind)), late_ones(of_kind, days.last))
