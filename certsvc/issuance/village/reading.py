"""Reading: what waits for somebody, one request with all that an approver has to see, and a resident's progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from certsvc.domain.approval import Approval
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_request import Difference, Progress, ProofEvent, ProofRequest, Turn, differences, hash_of_code
from certsvc.errors import Forbidden, NotFound, Problem
from certsvc.ids import ProgressCode
from certsvc.issuance.approvals import open_request
from certsvc.issuance.village.drafts import problems_of
from certsvc.issuance.village.work import READS, Content, VillageWork, open_content, visible

MOST_LISTED = 100
WITH_CLERK = frozenset({ProofState.DRAFT, ProofState.RETURNED})


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and where it goes on."""

    items: Sequence[ProofRequest]
    next: tuple[date, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """A request whole. `payload` is what is, or would be, sealed: once it was submitted that of its round. `problems`
    are those of a draft; `since_round` is what changed since the round before, `since_last` since the newest proof of
    this kind for the same holder (None: there is none, or it is erased)."""

    request: ProofRequest
    content: Content
    payload: Mapping[str, Any]
    events: Sequence[ProofEvent]
    problems: Sequence[Problem]
    approval: Approval | None
    cancellation: Approval | None
    since_round: tuple[Difference, ...] | None
    since_last: tuple[Difference, ...] | None


async def inbox(
    work: VillageWork, who: Member, *, mine: bool, after: tuple[date, str] | None = None, limit: int = 20
) -> Page:
    """Open requests of one's organ: those that wait for oneself, or all the others. What is late comes first.

    Raises:
        Forbidden: an overseer has none.
    """
    if not who.duties & READS:
        raise Forbidden("督导人查看统计，不查看申请。", "Overseers see figures, not requests.")
    most = min(max(limit, 1), MOST_LISTED)
    found = await work.requests.inbox(who, list(Turn), mine, after, most + 1)
    items = found[:most]
    last = items[-1] if len(found) > most else None
    return Page(items, None if last is None else (last.due or date.max, last.id))


async def view(work: VillageWork, who: Member, request_id: str, now: datetime) -> ProofView:
    """A request of one's organ; that somebody else than its clerk reads it goes on record first.

    Raises:
        NotFound: there is none in this organ, or what it said is erased.
    """
    request = await visible(work, who, request_id)
    if request.handler != who.account:
        await work.requests.note_view(request_id, who.name, now)
    content = open_content(work, request)
    rounds = await work.requests.rounds(request_id, 2)
    is_open = request.state in WITH_CLERK
    payload = content.payload if is_open or not rounds else await _payload_of(work, rounds[0])
    before = rounds[0] if is_open and rounds else rounds[1] if len(rounds) > 1 else None
    last = await work.requests.last_of_holder(request) if request.holder_hash else None
    return ProofView(
        request=request,
        content=content,
        payload=payload or {},
        events=await work.requests.events(request_id),
        problems=problems_of(work, request.type_id, content.payload) if is_open else (),
        approval=await _approval(work, request.approval_id),
        cancellation=await _approval(work, request.cancel_approval_id),
        since_round=await _since(work, before, payload),
        since_last=await _since(work, last, payload),
    )


async def progress(work: VillageWork, code: ProgressCode) -> Progress:
    """How far a request has come, for who has its code: nothing about persons.

    Raises:
        NotFound: the code is no request's.
    """
    return await work.requests.progress(hash_of_code(code))


async def _approval(work: VillageWork, approval_id: str | None) -> Approval | None:
    return None if approval_id is None else await work.approvals.approval(approval_id)


async def _since(
    work: VillageWork, approval_id: str | None, payload: Mapping[str, Any] | None
) -> tuple[Difference, ...] | None:
    before = None if approval_id is None else await _payload_of(work, approval_id)
    return None if before is None or payload is None else differences(before, payload)


async def _payload_of(work: VillageWork, approval_id: str) -> Mapping[str, Any] | None:
    asked = (await work.approvals.approval(approval_id)).asked
    try:
        return open_request(work.issuing, asked).payload
    except NotFound:
        return None
