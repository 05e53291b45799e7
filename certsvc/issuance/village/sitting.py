"""A sitting of an approver: what waits for them, marks at what they agree to, and one confirmation for all of it.

The confirmation is used up in one transaction with all that it is for. Killed before its end, nothing of it is done,
the marks are still there, and the same is confirmed again; sent twice, it is done once. What somebody changed or
decided meanwhile is left out, and the others are done.
"""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.account import Confirmation
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import Turn, require_another, require_member, require_seen, require_state
from certsvc.domain.sitting import (
    MOST_IN_SITTING,
    Agreed,
    Became,
    Sitting,
    Waiting,
    digest_of_said,
    not_confirmed,
)
from certsvc.errors import Forbidden
from certsvc.issuance.village.deciding import require_wish
from certsvc.issuance.village.lives import require_alive
from certsvc.issuance.village.terms import require_round_in_term
from certsvc.issuance.village.work import VillageWork, visible


async def waiting(work: VillageWork, who: Member, limit: int = MOST_IN_SITTING) -> list[Waiting]:
    """What waits for an approver: first what is to be cancelled, for somebody may rely on it; then what is due first.

    Raises:
        Forbidden: they are no approver.
    """
    if not who.has(OrganDuty.APPROVER):
        raise Forbidden(f"{who.name} 在{who.organ.name}不是审批人。", f"{who.name} does not approve in this organ.")
    found = [*await work.requests.cancelling(who, limit)]
    found += await work.requests.inbox(who, [Turn.APPROVER], True, None, limit)
    seen = await work.requests.seen(who.account, [one.id for one in found[:limit]])
    return [Waiting(one, one.id in seen, seen.get(one.id)) for one in found[:limit]]


async def mark(work: VillageWork, who: Member, one: Agreed, now: datetime | None) -> None:
    """Mark a request as agreed to, in the version that was seen; or, with None, take that back. It decides nothing.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who marks is no approver, or had a hand in it.
        ChangedMeanwhile: it is another version.
        ActNotAllowed: it does not wait for them, was not looked at, or its term is over.
    """
    await visible(work, who, one.request_id)
    require_member(who, one.act)
    if now is not None:
        await require_may_agree(work, who, one, now)
    await work.requests.mark(who.account, one.request_id, one.seen, now)


async def agree(
    work: VillageWork, who: Member, agreed: Sequence[Agreed], confirmation: Confirmation, key: str, now: datetime
) -> Sequence[Became]:
    """Do all that an approver agrees to, by one confirmation; `key` is that of the form. What came of each.

    Raises:
        InvalidInput: it is nothing, or more than a sitting has.
        NotFound: one of them is no request of this organ.
        Forbidden: they are no approver.
        ActNotAllowed: the confirmation is another's, for something else, used, or older than five minutes; or see
            `require_sitting`.
        KeyReused: the key was used for something else.
    """
    require_member(who, ProofAct.APPROVE)
    await require_sitting(work, who, agreed, now)
    if confirmation.account != who.account or confirmation.digest != digest_of_said(agreed):
        raise not_confirmed()
    sitting = Sitting(account=who.account, person=who.name, agreed=tuple(agreed), key=key, confirmation=confirmation.id)
    await work.requests.agree(sitting, now)
    became = await work.requests.became(who.account, key=key)
    return became[1] if became else ()


async def require_sitting(work: VillageWork, who: Member, agreed: Sequence[Agreed], now: datetime) -> None:
    """Refuse a sitting as a whole, before it is confirmed, that has a request of another organ in it, or one that was
    seen and is over by now: which a day that has begun meanwhile does, and nobody's act.

    Raises:
        NotFound: one of them is no request of this organ.
        ActNotAllowed: the term of one is over.
    """
    for one in agreed:
        request = await visible(work, who, one.request_id)
        if one.act is ProofAct.APPROVE and request.version == one.seen:
            await require_round_in_term(work, request, now)


async def require_may_agree(work: VillageWork, who: Member, one: Agreed, now: datetime) -> None:
    """Refuse what somebody cannot agree to, before they are asked to confirm it.

    Raises:
        NotFound, Forbidden, ChangedMeanwhile, ActNotAllowed: see `mark`.
    """
    request = await visible(work, who, one.request_id)
    require_member(who, one.act)
    require_seen(request, one.seen)
    require_state(request, one.act)
    if one.act is ProofAct.CONFIRM_CANCEL:
        await require_wish(work, who, request)
    else:
        await require_round_in_term(work, request, now)
    await require_alive(work, request, one.act, now)
    require_another(await work.requests.makers(one.request_id), who)
