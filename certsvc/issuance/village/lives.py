"""What became of sealed proofs, and what may be done with them now: the register is asked, for others act on them."""

from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_life import ProofLife, being_corrected, require_cancellable, require_usable
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import ActNotAllowed, Conflict
from certsvc.ids import Ref
from certsvc.issuance.village.work import VillageWork

WAS_SEALED = frozenset({ProofState.SEALED, ProofState.CANCELLED})
CANCELLING = frozenset({ProofAct.ASK_CANCEL, ProofAct.CONFIRM_CANCEL})


async def life_of(work: VillageWork, request: ProofRequest, now: datetime) -> ProofLife | None:
    """What became of the proof of a request; None where it is not sealed."""
    if request.state not in WAS_SEALED:
        return None
    return (await work.requests.lives([request.id], beijing_date(now))).get(request.id)


async def require_in_use(work: VillageWork, request: ProofRequest, now: datetime) -> None:
    """Refuse what is done with a proof in force only: to print it, to hand it out, to fetch it.

    Raises:
        ActNotAllowed: it is not sealed, or not in force any more; with what became of it.
    """
    life = await life_of(work, request, now)
    if life is None:
        raise ActNotAllowed("还没有盖章。", "It is not sealed yet.")
    require_usable(life)


async def require_correctable(work: VillageWork, ref: Ref, now: datetime) -> None:
    """Refuse to open the correction of a proof that is not the newest of its number and in force, is being corrected,
    or is asked to be cancelled.

    Raises:
        ActNotAllowed, Conflict: it is one of these.
    """
    life = await work.requests.life(ref, beijing_date(now))
    if life is None:
        return
    require_usable(life)
    if life.correction is not None:
        raise being_corrected(life.correction)
    if life.is_cancelling:
        raise Conflict("已有撤销申请在办。", "Somebody has asked to cancel it already.")


async def require_alive(work: VillageWork, request: ProofRequest, act: ProofAct, now: datetime) -> None:
    """Refuse what would be done to a proof that is not what it was: to cancel an old one would end the new one, and
    what corrects an old one could not be sealed. What only stops is never refused.

    Raises:
        ActNotAllowed: there is a newer one, it is not in force, or another request is correcting it.
    """
    life = await life_of(work, request, now) if act in CANCELLING else None
    if life is not None:
        require_cancellable(life)
    elif act in (ProofAct.SUBMIT, ProofAct.APPROVE):
        life = await work.requests.life(request.corrects, beijing_date(now)) if request.corrects else None
        if life is not None:
            require_usable(life)
    if life is not None and life.correction is not None and life.correction != request.id:
        raise being_corrected(life.correction)
