"""“不予开具，已告知去处”: a proof that is not given out was asked for at the counter, and the clerk said where to go.

Looking at `/apply` is no refusal: only a clerk's own word counts, and it says nothing about who asked.
"""

from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_item import Answer, Unknown
from certsvc.domain.proof_refusal import ProofRefusal, standing_of, words_asked
from certsvc.errors import Forbidden, NotFound
from certsvc.issuance.village.work import VillageWork, digest_of
from certsvc.services.village_figures import ProofRefusals


async def record_refusal(
    work: VillageWork,
    refusals: ProofRefusals,
    who: Member,
    item_id: str | None,
    asked: str,
    key: str,
    now: datetime,
) -> ProofRefusal:
    """A clerk has told who asked that a proof is not given out, and where to go instead.

    `item_id` is the item of the catalogue, None where no catalogue has it; `asked` are the words that were said (kept
    only then). `key` is that of the form: sent again it is one refusal.

    Raises:
        Forbidden: who says so is no clerk.
        NotFound: there is no such item where the organ is, today.
        InvalidInput: the proof is given out, or the words are empty or too long.
        KeyReused: the key was used for another refusal.
    """
    if not who.has(OrganDuty.CLERK):
        raise Forbidden(
            f"{who.name} 在{who.organ.name}不是经办人，不能登记不予开具。",
            f"{who.name} is no clerk in {who.organ.name}, and puts no refusal on record.",
        )
    answer = _answer(work, who, item_id, asked, now)
    refusal = ProofRefusal(
        organ=who.organ.uscc,
        key=key,
        digest=digest_of("refuse", item_id, asked),
        standing=standing_of(answer),
        item=None if isinstance(answer, Unknown) else answer.id,
        words=words_asked(asked) if isinstance(answer, Unknown) else None,
        account=who.account,
        person=who.name,
    )
    await refusals.record(refusal, now)
    return refusal


def _answer(work: VillageWork, who: Member, item_id: str | None, asked: str, now: datetime) -> Answer:
    """What the catalogue says today: of the item, or of the words where they are all there is."""
    held = work.proofs.held(who.organ.area, beijing_date(now))
    if item_id is None:
        return held.asked(words_asked(asked))
    found = held.items.get(item_id)
    if found is None:
        raise NotFound(f"目录里没有事项 {item_id[:60]}。", f"No catalogue here has {item_id[:60]}.")
    return found
