"""Issuing a part that was granted: a worker's job, by the normal path, in the name of who granted it.

Killed anywhere it is begun again and comes to the same certificate: the order's key is the part's, its content was put
on record with the grant, and what the licence adds is the licence's first version, which does not change.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.catalog.merged_form import business_facts
from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.approval import ApprovalState
from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.case import Case, Part, PartAct, PartEvent, PartState
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.life import Ground
from certsvc.ids import Ref, Uscc, organisation_check_character, parse_typed_code, uscc_check_character
from certsvc.issuance.acts import Acting, act
from certsvc.issuance.approvals import ask_to_issue, needed
from certsvc.issuance.cases.work import CaseWork, content_of
from certsvc.issuance.issue import issue
from certsvc.issuance.prepare import open_payload

LOOKS_AGAIN = timedelta(minutes=1)
"""When a part that waits for approval is looked at again."""


def _stand_in() -> Uscc:
    first16 = "91000000MA000000"
    first17 = first16 + organisation_check_character(first16[8:])
    return Uscc(first17 + uscc_check_character(first17))


STAND_IN = _stand_in()
"""Stands in for the code of a business that is not registered yet: of no area, so that no business ever has it."""


async def issue_part(work: CaseWork, key: str, now: datetime) -> datetime | None:
    """Do the job `store.cases.part_key`: issue a part, attach the condition that documents follow, put on record that
    it is issued. A part that waits for its licence is left alone: the licence's issue makes another job of it.
    One that persons must approve is put before them, and looked at again.

    Raises:
        see `issue` and `act`: it is tried again later.
    """
    code, type_id = key.split("/")[:2]
    case = await work.cases.case(parse_typed_code(code))
    part = case.part(type_id)
    if part is None or part.state is not PartState.GRANTED or case.waits_for_licence(type_id):
        return None
    events = [event for event in await work.cases.events(case.ref) if event.type_id == type_id]
    granted = next(event for event in reversed(events) if event.act is PartAct.GRANT)
    kind = work.issuing.catalog.latest(type_id)
    payload = await content_of(work, case.ref, type_id) or {}
    if case.licence_type is not None:
        payload = {**payload, **await licence_facts(work, case, kind)}
    order, issuer = granted_order(case, part, granted.actor, payload)
    if needed(kind, Act.ISSUE):
        ref = await _approved(work, case, part, granted, order, issuer, now)
    else:
        ref = (await issue(work.issuing, issuer, order, now)).ref
    if ref is None:
        return now + LOOKS_AGAIN
    if part.documents_due is not None:
        accepted = next(event for event in reversed(events) if event.act is PartAct.ACCEPT_WITH_DOCUMENTS)
        await _attach(work, case, accepted, await work.issuing.register.reservation(ref), part.documents_due)
    await work.cases.issued(case.ref, type_id, ref, work.issuing.clock())
    return None


async def _approved(
    work: CaseWork, case: Case, part: Part, granted: PartEvent, order: Order, issuer: Actor, now: datetime
) -> Ref | None:
    """What was issued once those who must approve it did; nothing while they have not. What they return is taken up
    again by the department, and its next grant is another request."""
    asked = replace(order, key=f"{order.key}/{granted.id}")
    found = await work.approvals.of_request(asked.client, asked.key)
    if found is None:
        found = await ask_to_issue(work.issuing, work.approvals, issuer, asked, now)
    if found.state is ApprovalState.DONE and found.result is not None:
        return parse_typed_code(str(found.result["code"]))
    if found.state not in (ApprovalState.WAITING, ApprovalState.APPROVED):
        said = "；".join(one.reason for one in found.decisions if one.reason)
        deadline = weekdays_after(beijing_date(now), part.working_days)
        await work.cases.reopen(case.ref, granted, said or f"没有批准（{found.state}）", deadline, now)
    return None


def granted_order(case: Case, part: Part, name: str, payload: Mapping[str, Any]) -> tuple[Order, Actor]:
    """The order for a part, and in whose name: to grant a permit is to have it issued, so the right to decide is
    enough."""
    order = Order(client=name, key=f"case/{case.ref.typed_code}/{part.type_id}", type_id=part.type_id, payload=payload)
    return order, Actor(name=name, scopes=frozenset({f"{Act.ISSUE}:{part.type_id}"}))


async def licence_facts(work: CaseWork, case: Case, kind: CertificateType) -> dict[str, Any]:
    """What a permit says of its business, as the licence says it: by the first version of a licence of this case, by
    the newest of one that was there. Nothing while there is none, and for the licence itself."""
    if case.licence is None or kind.id == case.licence_type:
        return {}
    register = work.issuing.register
    first = case.licence_type is not None
    held = await (register.reservation(case.licence) if first else register.newest_version(case.licence))
    licence = work.issuing.catalog.version(held.type_id, held.type_version)
    said = open_payload(work.issuing, held)
    facts = {fact: said[key] for key, fact in business_facts(licence).items() if key in said}
    return {key: facts[fact] for key, fact in business_facts(kind).items() if fact in facts}


async def _attach(work: CaseWork, case: Case, accepted: PartEvent, made: Reservation, due: date) -> None:
    """The certificate says from its first day on that documents are to follow, and by when."""
    type_id, ground, day = accepted.type_id, accepted.ground, beijing_date(made.reserved_at)
    asked = Acting(
        client=accepted.actor,
        key=f"case/{case.ref.typed_code}/{type_id}/documents",
        act=Act.ATTACH_CONDITION,
        ref=made.ref,
        effective=day,
        ground=Ground(
            reason_code="documents",
            reason=ground.reason,
            legal_basis=ground.legal_basis,
            due=max(due, day),
        ),
    )
    actor = Actor(name=accepted.actor, scopes=frozenset({f"{Act.ATTACH_CONDITION}:{type_id}"}))
    await act(work.issuing.register, work.issuing.catalog, actor, asked, work.issuing.clock())
