"""What is checked for an approver when they open a request: only what was really asked, and what could not be asked is
unknown."""

import re
import unicodedata
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from certsvc.domain.calendar import beijing_date
from certsvc.domain.looked_into import is_looked_into
from certsvc.domain.organ import Member
from certsvc.domain.proof_request import KEPT_DAYS
from certsvc.domain.seal_acts import SealState
from certsvc.domain.seal_authorisation import NotAuthorised, Standing, holds
from certsvc.errors import RegisterUnavailable, StoreError
from certsvc.issuance.village.drafts import problems_of
from certsvc.issuance.village.reading import ProofView
from certsvc.issuance.village.work import VillageWork, kind_of
from certsvc.services import SealAuthorisations

LOOKED_BACK = timedelta(days=KEPT_DAYS)
"""As far as anybody can tell: who older requests were for is erased."""


class Finding(StrEnum):
    """What came of a check: good, to be heeded (it may be approved all the same), bad, or nobody knows."""

    GOOD = "good"
    HEED = "heed"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AutomaticCheck:
    """One check: what was looked at, what came of it, which sentence of the words says it, and what stands in that."""

    name: str
    finding: Finding
    said: str
    values: dict[str, Any]


async def automatic_checks(
    work: VillageWork, authorisations: SealAuthorisations, who: Member, view: ProofView, now: datetime
) -> list[AutomaticCheck]:
    """Whether what would be sealed is in form and was looked into, whether its holder is called as somebody who has a
    hand in it, whether the holder has had the same before, and whether the seal is open for it today."""
    return [
        _content(work, view, now),
        _looked(view),
        await _or_unknown("own", _own(work, who, view)),
        await _or_unknown("again", _again(work, view, now)),
        await _or_unknown("seal", _seal(work, authorisations, who, view, now)),
    ]


async def _or_unknown(name: str, check: Awaitable[AutomaticCheck]) -> AutomaticCheck:
    try:
        return await check
    except (RegisterUnavailable, StoreError):
        return AutomaticCheck(name, Finding.UNKNOWN, "not_answered", {})


def _content(work: VillageWork, view: ProofView, now: datetime) -> AutomaticCheck:
    problems = problems_of(work, view.request.type_id, view.payload, beijing_date(now))
    if not problems:
        return AutomaticCheck("content", Finding.GOOD, "content_good", {})
    return AutomaticCheck("content", Finding.BAD, "content_bad", {"problems": problems})


def _looked(view: ProofView) -> AutomaticCheck:
    """What was submitted before this was asked for may lack it."""
    if is_looked_into(view.content.notes):
        return AutomaticCheck("looked", Finding.GOOD, "looked_good", {})
    return AutomaticCheck("looked", Finding.BAD, "looked_bad", {})


async def _own(work: VillageWork, who: Member, view: ProofView) -> AutomaticCheck:
    """A name is nobody's identity, so that holders are called as officials is to be heeded, and refuses nothing."""
    tables = kind_of(work, view.request.type_id).definition
    names = [view.payload.get(each.name) for each in (tables.holder, *tables.further_holders)]
    holders = {_spelt(name): name for name in names if isinstance(name, str)}
    if not holders:
        return AutomaticCheck("own", Finding.UNKNOWN, "own_unknown", {})
    if _spelt(who.name) in holders:
        return AutomaticCheck("own", Finding.HEED, "own_yours", {"name": holders[_spelt(who.name)]})
    seal = await work.requests.seal_of(who.organ.uscc)
    hands = {event.person for event in view.events if event.account} | {check.person for check in view.doubts}
    hands |= {seal[1]} if seal else set()
    same = sorted({holders[_spelt(name)] for name in hands if _spelt(name) in holders})
    if same:
        return AutomaticCheck("own", Finding.HEED, "own_same", {"name": "、".join(same)})
    return AutomaticCheck("own", Finding.GOOD, "own_none", {})


def _spelt(name: str) -> str:
    """A name to compare: in one width, without spaces and dots in it."""
    return re.sub(r"[\s·•・]", "", unicodedata.normalize("NFKC", name)).casefold()


async def _again(work: VillageWork, view: ProofView, now: datetime) -> AutomaticCheck:
    if view.request.holder_hash is None:
        return AutomaticCheck("again", Finding.UNKNOWN, "again_unknown", {})
    count = await work.requests.same_of_holder(view.request, now - LOOKED_BACK)
    if count:
        return AutomaticCheck("again", Finding.HEED, "again_some", {"n": count, "days": KEPT_DAYS})
    return AutomaticCheck("again", Finding.GOOD, "again_none", {"days": KEPT_DAYS})


async def _seal(
    work: VillageWork, authorisations: SealAuthorisations, who: Member, view: ProofView, now: datetime
) -> AutomaticCheck:
    found = await work.requests.seal_of(who.organ.uscc)
    if found is None or who.organ.seal_id is None:
        return AutomaticCheck("seal", Finding.BAD, "seal_missing", {})
    state, keeper, must_be_opened = found
    if state is not SealState.ENABLED:
        return AutomaticCheck("seal", Finding.HEED, "seal_not_enabled", {"keeper": keeper})
    if not must_be_opened:
        return AutomaticCheck("seal", Finding.GOOD, "seal_ready", {"keeper": keeper})
    return _opened(await authorisations.standings(who.organ.seal_id, now), view.request.type_id, keeper, now)


def _opened(standings: Sequence[Standing], type_id: str, keeper: str, now: datetime) -> AutomaticCheck:
    """Whether a keeper opened the seal for this kind of proof today, and how often it may still be used."""
    today = beijing_date(now)
    reasons = [(holds(one.authorisation, type_id, today, one.used), one) for one in standings]
    usable = [one for reason, one in reasons if reason is None]
    if usable:
        left = sum(one.left_today for one in usable)
        last = max(one.authorisation.terms.last_day for one in usable)
        return AutomaticCheck("seal", Finding.GOOD, "seal_open", {"keeper": keeper, "n": left, "day": last})
    spent = any(reason in (NotAuthorised.USED_UP, NotAuthorised.USED_UP_TODAY) for reason, _ in reasons)
    return AutomaticCheck("seal", Finding.HEED, "seal_used_up" if spent else "seal_closed", {"keeper": keeper})
