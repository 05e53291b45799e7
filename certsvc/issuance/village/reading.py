"""Reading: what waits for somebody, one request with all that an approver has to see, and a resident's progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from certsvc.domain.approval import Approval
from certsvc.domain.calendar import beijing_date
from certsvc.domain.number import as_printed
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed
from certsvc.domain.proof_life import ProofLife
from certsvc.domain.proof_request import (
    Difference,
    Origin,
    Progress,
    ProofEvent,
    ProofRequest,
    Turn,
    differences,
    hash_of_code,
)
from certsvc.errors import Forbidden, InvalidIdentifier, NotFound, Problem, WrongCheckCharacter
from certsvc.ids import ProgressCode, parse_progress_code
from certsvc.issuance.approvals import open_request
from certsvc.issuance.village.deciding import HANDLER
from certsvc.issuance.village.doubts import found_of, needs_of
from certsvc.issuance.village.drafts import problems_of
from certsvc.issuance.village.lives import life_of
from certsvc.issuance.village.work import READS, Content, VillageWork, kind_of, open_content, visible

MOST_LISTED = 100
WITH_CLERK = frozenset({ProofState.DRAFT, ProofState.RETURNED})


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and where it goes on."""

    items: Sequence[ProofRequest]
    next: tuple[date, str] | None


@dataclass(frozen=True, slots=True)
class EndedPage:
    """A part of the list of what has ended, and where it goes on."""

    items: Sequence[ProofRequest]
    next: tuple[datetime, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """A request whole. `payload` is what is, or would be, sealed: once it was submitted that of its round. `problems`
    are those of a draft; `since_round` is what changed since the round before, `since_last` since the newest proof of
    this kind for the same holder (None: there is none, or it is erased). `needs` is what a doubt in law asks for, and
    `doubts` what is on record of it. `life` is what became of the proof once it was sealed."""

    request: ProofRequest
    content: Content
    payload: Mapping[str, Any]
    events: Sequence[ProofEvent]
    problems: Sequence[Problem]
    approval: Approval | None
    cancellation: Approval | None
    since_round: tuple[Difference, ...] | None
    since_last: tuple[Difference, ...] | None
    needs: tuple[DoubtNeed, ...] = ()
    doubts: Sequence[DoubtCheck] = ()
    life: ProofLife | None = None


async def inbox(
    work: VillageWork, who: Member, *, mine: bool, after: tuple[date, str] | None = None, limit: int = 20
) -> Page:
    """Open requests of one's organ: those that wait for oneself, or all the others. What is late comes first. What a
    clerk had who is none any more waits for every clerk.

    Raises:
        Forbidden: an overseer has none.
    """
    _require_reader(who)
    most = min(max(limit, 1), MOST_LISTED)
    found = await work.requests.inbox(who, list(Turn), mine, after, most + 1)
    items = found[:most]
    last = items[-1] if len(found) > most else None
    return Page(items, None if last is None else (last.due or date.max, last.id))


async def view(work: VillageWork, who: Member, request_id: str, now: datetime, *, is_whole: bool = True) -> ProofView:
    """A request of one's organ; that somebody else than its clerk reads it goes on record first. Where they are shown
    the whole of it they may agree to this version; a page that shows a part (`is_whole` false) is no look at it.

    Raises:
        NotFound: there is none in this organ, or what it said is erased.
    """
    request = await visible(work, who, request_id)
    if request.handler != who.account:
        await work.requests.note_view(request_id, who.name, now)
        if is_whole:
            await work.requests.see(who.account, request_id, request.version, now)
    content = open_content(work, request)
    rounds = await work.requests.rounds(request_id, 2)
    is_open = request.state in WITH_CLERK
    payload = await standing_payload(work, request, content, rounds)
    before = rounds[0] if is_open and rounds else rounds[1] if len(rounds) > 1 else None
    last = await work.requests.last_of_holder(request) if request.holder_hash else None
    return ProofView(
        request=request,
        content=content,
        payload=payload or {},
        events=await work.requests.events(request_id),
        problems=_left(work, request, content, now) if is_open else (),
        approval=await _approval(work, request.approval_id),
        cancellation=await _approval(work, request.cancel_approval_id),
        since_round=await _since(work, before, payload),
        since_last=await _since(work, last, payload),
        needs=await needs_of(work, who.organ, request, now),
        doubts=await found_of(work, request, content),
        life=await life_of(work, request, now),
    )


def _left(work: VillageWork, request: ProofRequest, content: Content, now: datetime) -> list[Problem]:
    """What is left for the clerk to mend: who handles it is filled in by submitting it."""
    found = problems_of(work, request.type_id, content.payload, beijing_date(now))
    return [each for each in found if each.field != HANDLER]


async def standing_payload(
    work: VillageWork, request: ProofRequest, content: Content, rounds: Sequence[str]
) -> Mapping[str, Any] | None:
    """What is, or would be, sealed of a request: the draft while it is with a clerk, with the name of whoever has it in
    hand, then that of its newest round."""
    if request.state not in WITH_CLERK and rounds:
        return await _payload_of(work, rounds[0])
    fields = kind_of(work, request.type_id).definition.fields
    if request.handler_name is None or all(field.key != HANDLER for field in fields):
        return content.payload
    return {**content.payload, HANDLER: request.handler_name}


async def ended(
    work: VillageWork, who: Member, *, before: tuple[datetime, str] | None = None, limit: int = 20
) -> EndedPage:
    """Requests of one's organ that nobody has to do anything about any more, the newest first.

    Raises:
        Forbidden: an overseer has none.
    """
    _require_reader(who)
    most = min(max(limit, 1), MOST_LISTED)
    found = await work.requests.ended(who.organ.uscc, before, most + 1)
    items = found[:most]
    last = items[-1] if len(found) > most else None
    return EndedPage(items, None if last is None else (last.changed_at, last.id))


def _require_reader(who: Member) -> None:
    if not who.duties & READS:
        raise Forbidden("督导人查看统计，不查看申请。", "Overseers see figures, not requests.")


async def find(work: VillageWork, who: Member, typed: str) -> ProofRequest:
    """The request of one's organ that has a code of progress, or whose proof has a printed number. Names are not
    looked for: they lie encrypted.

    Raises:
        Forbidden: an overseer has none.
        WrongCheckCharacter: the code is mistyped.
        NotFound: there is none here; what is another organ's is said alike.
    """
    _require_reader(who)
    try:
        found = await _found(work, who, typed)
    except NotFound:
        raise _nothing_here() from None
    if found.organ != who.organ.uscc:
        raise _nothing_here()
    return found


async def _found(work: VillageWork, who: Member, typed: str) -> ProofRequest:
    try:
        code = parse_progress_code(typed)
    except WrongCheckCharacter:
        raise
    except InvalidIdentifier:
        return await work.requests.of_number(who.organ.uscc, as_printed(typed))
    return await work.requests.of_code(hash_of_code(code))


def _nothing_here() -> NotFound:
    return NotFound(
        "本单位没有这个查询码或证明编号的申请，请对照再输一次。",
        "No request here has this code or number: compare it and type it again.",
    )


async def progress(work: VillageWork, code: ProgressCode, now: datetime) -> Progress:
    """How far a request has come, and what became of its proof, for who has its code: nothing about persons.

    Raises:
        NotFound: the code is no request's.
    """
    found = await work.requests.progress(hash_of_code(code))
    return replace(found, life=await work.requests.life_of_code(hash_of_code(code), beijing_date(now)))


def code_for(who: Member, request: ProofRequest, content: Content) -> str:
    """The code of a request made at the counter, for a clerk to hand over: with it one only follows it. That of one
    made online is its resident's alone, for with it and what the request says one acts in their name; then ""."""
    return content.code if request.origin is Origin.COUNTER and who.has(OrganDuty.CLERK) else ""


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
