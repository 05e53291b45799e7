"""A case on a copy of the demonstration: counter, departments, and a worker that issues what was granted."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from holders import company_code
from walked import Walks

from certsvc.catalog import Catalog
from certsvc.catalog.load import examples
from certsvc.catalog.merged_form import business_facts, merge_forms
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.case import Case, Part
from certsvc.ids import Uscc
from certsvc.issuance.cases.issue import issue_part
from certsvc.issuance.cases.work import CaseWork
from certsvc.issuance.service import silent_walk
from certsvc.jobs.queue import do_one
from certsvc.log import open_log
from certsvc.services import Walk
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.cases import ISSUE_PART, PostgresCases
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import open_pool

LICENCE, FOOD, HYGIENE = "business-licence-company", "food-business", "public-place-hygiene"
COUNTER = Actor(name="counter-system", scopes=frozenset({"case:*", "read:*"}))
MARKET = Actor(name="market-system", scopes=frozenset({f"decide:{LICENCE}", f"decide:{FOOD}"}))
HEALTH = Actor(name="health-system", scopes=frozenset({f"decide:{HYGIENE}"}))


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def today() -> date:
    """This day in Beijing."""
    return beijing_date(now())


def answers(catalog: Catalog, *types: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """The form for these types, filled in from good examples as a business does that is not registered yet: without its
    code, and without what departments decide."""
    kinds = [catalog.latest(type_id) for type_id in types]
    payloads = {kind.id: dict(next(iter(examples(kind, "good")))[1]) for kind in kinds}
    facts: dict[str, Any] = {}
    for kind in kinds:
        for key, fact in business_facts(kind).items():
            payloads[kind.id][key] = facts.setdefault(fact, payloads[kind.id][key])
    form = merge_forms(kinds)
    later = {field.name for field in form.fields if field.later} | set(without)
    return {name: value for name, value in form.join(payloads).items() if name not in later}


def term(years: int, start: date | None = None) -> dict[str, str]:
    """A term of so many years, as the department sets it."""
    first = start or today()
    return {"valid_from": first.isoformat(), "valid_to": (first + timedelta(days=365 * years - 1)).isoformat()}


def registered(serial: int) -> dict[str, str]:
    """What the registrar sets of a licence: the code and the day."""
    return {"uscc": company_code(serial), "established": today().isoformat()}


def part(case: Case, type_id: str) -> Part:
    """A part that must be there."""
    found = case.part(type_id)
    assert found is not None
    return found


def states(case: Case) -> dict[str, str]:
    """The states of all parts."""
    return {one.type_id: one.state.value for one in case.parts}


@asynccontextmanager
async def at_work(walks: Walks, walk: Walk = silent_walk) -> AsyncIterator[tuple[CaseWork, JobQueue]]:
    """The use cases over a register, and its queue."""
    async with walks.desk.issuing(walks.settings, walks.uri, walk) as issuing, open_pool(walks.uri) as pool:
        cases, approvals = PostgresCases(pool, issuing.area), PostgresApprovals(pool)
        yield CaseWork(issuing=issuing, cases=cases, approvals=approvals), JobQueue(pool)


async def do_jobs(work: CaseWork, jobs: JobQueue, until: timedelta = timedelta()) -> int:
    """Do what is in the queue for cases, as a worker does; how much that was."""
    handlers: Mapping[str, Callable[[str, datetime], Awaitable[datetime | None]]]
    handlers = {ISSUE_PART: partial(issue_part, work)}
    done = 0
    while await do_one(jobs, handlers, lambda: now() + until, open_log()):
        done += 1
    return done


def code_of(serial: int) -> Uscc:
    """The code of a made-up company."""
    return company_code(serial)


def run(story: Awaitable[None]) -> None:
    """Tell a story in a loop of its own."""

    async def told() -> None:
        await story

    asyncio.run(told())
