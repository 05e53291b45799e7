"""What of a case somebody may see: a department its parts whole and of the others the state, whoever opened it all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from certsvc.domain.actor import Actor
from certsvc.domain.case import Case, PartEvent, PartState
from certsvc.domain.case_requests import ListedPart, ListPlace, PartsAsked
from certsvc.ids import Ref
from certsvc.issuance.cases.work import CaseWork, answers_of, content_of, decides, form_of, no_case, opened


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case with what may be seen of it: `payloads` and `events` of the parts that are seen whole, and all the
    `answers` for whoever opened it; no payloads and no answers once they were erased (`erased_at`)."""

    case: Case
    events: tuple[PartEvent, ...]
    payloads: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Any] | None
    erased_at: datetime | None


async def view_case(work: CaseWork, actor: Actor, ref: Ref) -> CaseView:
    """A case as the actor may see it.

    Raises:
        NotFound: there is none, or none of which the actor may decide a part.
    """
    case = await work.cases.case(ref)
    mine = opened(actor, case)
    whole = {part.type_id for part in case.parts if mine or decides(work, actor, part.type_id)}
    if not whole:
        raise no_case(ref)
    answers = await answers_of(work, ref)
    asked = form_of(work, case).split(answers)
    payloads = {type_id: await content_of(work, ref, type_id) or asked[type_id] for type_id in sorted(whole)}
    erased_at = await work.cases.erased_at(ref) if case.finished else None
    return CaseView(
        case=case,
        events=tuple(event for event in await work.cases.events(ref) if event.type_id in whole),
        payloads={} if erased_at else payloads,
        answers=answers if mine and not erased_at else None,
        erased_at=erased_at,
    )


async def list_parts(
    work: CaseWork,
    actor: Actor,
    *,
    type_id: str | None = None,
    state: PartState | None = None,
    due_before: date | None = None,
    after: ListPlace | None = None,
    limit: int = 50,
) -> Sequence[ListedPart]:
    """The parts that are the actor's to decide, and those of cases that the actor opened; what is due first comes
    first, so what is late stands on top."""
    theirs = {kind.id for kind in work.issuing.catalog if decides(work, actor, kind.id)}
    asked = PartsAsked(
        types=tuple(sorted(theirs)),
        opened_by=actor.name,
        type_id=type_id,
        state=state,
        due_before=due_before,
        after=after,
        limit=limit,
    )
    return await work.cases.parts(asked)
