"""One case of the demonstration (一照通行): of two permits asked for under a licence one is issued, the other is still
under review, so that the licence's page shows both."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from certsvc.catalog import CertificateType
from certsvc.catalog.load import examples
from certsvc.catalog.merged_form import merge_forms
from certsvc.demo.orders import from_day
from certsvc.domain.actor import Actor
from certsvc.domain.case import PartAct
from certsvc.domain.issuing import Reservation
from certsvc.domain.scope import CASE, DECIDE, READ
from certsvc.errors import Conflict
from certsvc.ids import Ref
from certsvc.issuance.cases.applying import Opening, open_case
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.issue import issue_part
from certsvc.issuance.cases.work import CaseWork
from certsvc.issuance.service import Issuing
from certsvc.jobs.queue import do_one
from certsvc.log import open_log
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.cases import ISSUE_PART, PostgresCases, part_key
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import Pool

GRANTED, UNDER_REVIEW = ("medical-device-business", "good-lens-shop"), ("sewage-discharge", "good-restaurant")
"""Type and example of each part; both examples are of the first licence that the demonstration issues."""

KEY = "demonstration"


@dataclass(frozen=True, slots=True)
class DemoCase:
    """The case, and the permit that was issued of it."""

    ref: Ref
    permit: Reservation


async def demo_case(issuing: Issuing, pool: Pool, name: str, licence: Ref, day: date) -> DemoCase | None:
    """Open and decide the case in the name of a client, once, and issue what is granted from `day` on. Nothing where
    somebody acted on the licence before there was a case.

    Raises:
        see `open_case`, `decide` and `issue_part`.
    """
    cases = PostgresCases(pool, issuing.area)
    work = CaseWork(issuing=issuing, cases=cases, approvals=PostgresApprovals(pool))
    actor = Actor(name=name, scopes=frozenset({f"{CASE}:*", f"{DECIDE}:*", f"{READ}:*"}))
    try:
        ref = await _opened(work, actor, licence, day)
    except Conflict:
        return None
    (granted, _), (reviewed, _) = GRANTED, UNDER_REVIEW
    now = issuing.clock()
    await decide(work, actor, ref, reviewed, Decision(key=f"{KEY} accept", act=PartAct.ACCEPT), now)
    term = _term(issuing.catalog.latest(granted), day)
    await decide(work, actor, ref, granted, Decision(key=f"{KEY} grant", act=PartAct.GRANT, content=term), now)
    await _issue(work, pool, ref)
    part = (await cases.case(ref)).part(granted)
    assert part is not None
    assert part.certificate is not None, "granted now or before, and then issued"
    return DemoCase(ref, await issuing.register.reservation(part.certificate))


async def _opened(work: CaseWork, actor: Actor, licence: Ref, day: date) -> Ref:
    """The case, opened now or before."""
    types = [type_id for type_id, _ in (GRANTED, UNDER_REVIEW)]
    kinds = [work.issuing.catalog.latest(type_id) for type_id in types]
    form = merge_forms(kinds)
    filled = form.join({kind.id: _payload(kind, day) for kind in kinds})
    answers = {field.name: filled[field.name] for field in form.fields if field.name in filled and not field.later}
    asked = Opening(key=KEY, types=types, licence=licence, answers=answers)
    return (await open_case(work, actor, asked, work.issuing.clock())).ref


def _payload(kind: CertificateType, day: date) -> dict[str, object]:
    wanted = dict((GRANTED, UNDER_REVIEW))[kind.id]
    (payload,) = (payload for path, payload in examples(kind, "good") if path.stem == wanted)
    return dict(from_day(kind, payload, day))


def _term(kind: CertificateType, day: date) -> dict[str, object]:
    """What the department sets."""
    term, payload = kind.definition.term, _payload(kind, day)
    return {name: payload[name] for name in (term.start, term.end) if name in payload}


async def _issue(work: CaseWork, pool: Pool, ref: Ref) -> None:
    """What was granted is issued here and now, for no worker runs yet; its job finds that done."""
    await issue_part(work, part_key(ref, GRANTED[0], KEY), work.issuing.clock())
    jobs, handlers = JobQueue(pool), {ISSUE_PART: partial(issue_part, work)}
    while await do_one(jobs, handlers, work.issuing.clock, open_log()):
        pass
