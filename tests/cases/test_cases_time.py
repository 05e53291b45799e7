"""Days in cases: for how long a department has time, from when on, and by when documents follow."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest
from case_desk import COUNTER, FOOD, LICENCE, MARKET, answers, at_work, now, part
from walked import Walks

from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.case import Case, Part, PartAct, PartGround
from certsvc.errors import InvalidInput
from certsvc.issuance.cases.applying import Opening, correct, open_case
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.work import CaseWork

pytest_plugins = ["walk_fixtures"]
DAY = timedelta(days=1)


def told(walks: Walks, story: Callable[[CaseWork], Coroutine[Any, Any, None]]) -> None:
    """Tell a story over the register."""

    async def work() -> None:
        async with at_work(walks) as (cases, _):
            await story(cases)

    walks.desk.run(work())


async def opened(work: CaseWork, key: str, at: datetime, **working_days: int) -> Case:
    """A case for a licence and a food permit."""
    filled = answers(work.issuing.catalog, LICENCE, FOOD)
    days = {name.replace("_", "-"): count for name, count in working_days.items()}
    asked = Opening(key=key, types=(LICENCE, FOOD), licence=None, answers=filled, working_days=days)
    return await open_case(work, COUNTER, asked, at)


async def decided(work: CaseWork, case: Case, act: PartAct, at: datetime, **said: Any) -> Part:
    """The food part after a decision."""
    decision = Decision(key=f"{case.ref.typed_code} {act} {at}", act=act, ground=PartGround(**said))
    return part(await decide(work, MARKET, case.ref, FOOD, decision, at), FOOD)


def test_the_time_for_a_decision_runs_anew_from_each_acceptance_and_not_while_it_is_returned(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        at = now()
        case = await opened(work, "time", at)
        days = part(case, FOOD).working_days
        assert days > 0 and part(case, FOOD).deadline == weekdays_after(beijing_date(at), days)
        accepted = await decided(work, case, PartAct.ACCEPT, at + 5 * DAY)
        assert accepted.deadline == weekdays_after(beijing_date(at + 5 * DAY), days)
        assert (await decided(work, case, PartAct.RETURN, at + 6 * DAY, reason="不清楚")).deadline is None
        changed = {"food-business.items": ["热食类食品制售"]}
        resubmitted = await correct(work, COUNTER, case.ref, changed, "time", at + 9 * DAY)
        assert part(resubmitted, FOOD).deadline == weekdays_after(beijing_date(at + 9 * DAY), days)
        assert part(resubmitted, LICENCE).deadline == part(case, LICENCE).deadline

    told(walks, story)


@pytest.mark.long
def test_documents_do_not_follow_by_a_day_that_is_over(walks: Walks) -> None:
    async def story(work: CaseWork) -> None:
        at = now()
        case, today = await opened(work, "documents", at), beijing_date(at)
        said = {"reason": "场所使用证明", "legal_basis": "云山市容缺受理办法 第五条"}
        with pytest.raises(InvalidInput) as refused:
            await decided(work, case, PartAct.ACCEPT_WITH_DOCUMENTS, at, due=today - DAY, **said)
        assert [(one.field, one.code) for one in refused.value.problems] == [("due", "before_today")]
        accepted = await decided(work, case, PartAct.ACCEPT_WITH_DOCUMENTS, at, due=today, **said)
        assert accepted.documents_due == today

    told(walks, story)
