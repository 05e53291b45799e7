"""Proofs about which the law is in doubt: what the catalogue asks for, and putting on record what was found."""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member, Organ
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed, DoubtRecord, require_doubts
from certsvc.domain.proof_item import Doubt, Kept
from certsvc.domain.proof_request import ProofRequest, require_member, require_seen, require_state
from certsvc.errors import InvalidInput
from certsvc.issuance.village.work import MOST_REASON, Content, VillageWork, digest_of, open_content, visible


def doubt_about(work: VillageWork, organ: Organ, type_id: str, now: datetime) -> Doubt | None:
    """The doubt about a proof where the organ is, and its handling; None: there is none."""
    item = work.proofs.held(organ.area, beijing_date(now)).items.get(type_id)
    return item.doubt if isinstance(item, Kept) else None


def needed_now(work: VillageWork, organ: Organ, type_id: str, now: datetime) -> tuple[DoubtNeed, ...]:
    """What must be on record of a proof that is opened now."""
    doubt = doubt_about(work, organ, type_id, now)
    return () if doubt is None else tuple(DoubtNeed(need) for need in doubt.needs)


async def needs_of(work: VillageWork, organ: Organ, request: ProofRequest, now: datetime) -> tuple[DoubtNeed, ...]:
    """What must be on record of a request: what it needed when it was opened, and what the catalogue asks now."""
    held = await work.requests.needs(request.id)
    return tuple(dict.fromkeys((*held, *needed_now(work, organ, request.type_id, now))))


async def require_doubts_answered(work: VillageWork, organ: Organ, request: ProofRequest, now: datetime) -> None:
    """Refuse what a legal doubt still stands against.

    Raises:
        ActNotAllowed: something is not on record yet.
    """
    needs = await needs_of(work, organ, request, now)
    if needs:
        require_doubts(needs, await found_of(work, request, open_content(work, request)))


async def found_of(work: VillageWork, request: ProofRequest, content: Content) -> Sequence[DoubtCheck]:
    """What was found about those whom a request names now."""
    return [each for each in await work.requests.doubts(request.id) if each.version >= content.named_since]


async def record_doubt(
    work: VillageWork, who: Member, request_id: str, need: DoubtNeed, said: str, seen: int, key: str, now: datetime
) -> Sequence[DoubtCheck]:
    """A clerk puts on record what was found; all that is on record then.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who records it is no clerk.
        InvalidInput: nothing is said, or too much; or the proof does not need it.
        ChangedMeanwhile: it is another version.
        ActNotAllowed: it is with those who approve, or decided.
        KeyReused: the key was used with other content.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.IDENTIFY)
    said = said.strip()
    if not 0 < len(said) <= MOST_REASON:
        raise InvalidInput(
            f"请写明结果，1 至 {MOST_REASON} 字。", f"Say what was found, in 1 to {MOST_REASON} characters."
        )
    if need not in await needs_of(work, who.organ, request, now):
        raise InvalidInput("这项证明不需要这样的审查。", "This proof asks for no such check.")
    record = DoubtRecord(
        request_id=request_id,
        need=need,
        said=said,
        account=who.account,
        person=who.name,
        seen=seen,
        key=key,
        digest=digest_of("doubt", need, said, seen),
    )
    if not await work.requests.doubt_recorded(record):
        require_seen(request, seen)
        require_state(request, ProofAct.IDENTIFY)
        await work.requests.record_doubt(record, now)
    return await found_of(work, request, open_content(work, request))
