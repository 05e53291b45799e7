"""What happens beside the pages of the desk: drafts of somebody, what an approver says, what the worker does."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desk_room import DeskRoom, somebody
from village_people import APPROVER, CLERK, CONSENT, NOTES, PROOF, VILLAGE, act, confirmed, in_term

from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import ProofRequest
from certsvc.issuance.village.deciding import decide, decide_cancel
from certsvc.issuance.village.drafts import Opening, open_at_counter, save_draft
from certsvc.issuance.village.work import Said, VillageWork
from certsvc.store.proof_requests import PostgresProofRequests

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
AT = f"/village/at/{VILLAGE}"


def payload(type_id: str = PROOF, **changes: Any) -> dict[str, Any]:
    """A good payload."""
    path = min((SCHEMAS / type_id / "v2" / "examples").glob("good-*.json"), key=lambda one: one.stat().st_size)
    return in_term(json.loads(path.read_text("utf-8"))) | changes


def draft(room: DeskRoom, key: str, type_id: str = PROOF, name: str = CLERK, **changes: Any) -> str:
    """The address of a draft of somebody."""

    async def story(work: VillageWork) -> str:
        said = Said(payload=payload(type_id, **changes), contact="本人来办", notes=NOTES, consent=CONSENT)
        asked = Opening(key=key, type_id=type_id, said=said)
        who = await somebody(work, name, VILLAGE)
        return (await open_at_counter(work, who, asked, datetime.now(UTC))).request.id

    return f"{AT}/requests/{room.tell(story)}"


def id_of(page: str) -> str:
    """The id in the address of a request."""
    return page.rpartition("/")[2]


def saved(room: DeskRoom, page: str, name: str = CLERK, **changes: Any) -> None:
    """Somebody saves a draft."""

    async def story(work: VillageWork) -> None:
        known = await work.requests.request(id_of(page))
        who, said = await somebody(work, name, VILLAGE), Said(payload=payload(**changes), contact="改过", notes=NOTES)
        await save_draft(work, who, known.id, said, known.version, f"saved {known.version}", datetime.now(UTC))

    room.tell(story)


def decided(room: DeskRoom, page: str, done: ProofAct, reason: str | None = None, *, carried_out: bool = True) -> None:
    """An approver says something, and the worker does what was approved, if it gets to it."""

    async def story(work: VillageWork) -> None:
        known, who, now = (
            await work.requests.request(id_of(page)),
            await somebody(work, APPROVER, VILLAGE),
            datetime.now(UTC),
        )
        key, agrees = f"{done} {known.version}", done in (ProofAct.APPROVE, ProofAct.CONFIRM_CANCEL)
        sure = await _sure(work, known, done, now) if agrees else None
        say = decide if done in (ProofAct.APPROVE, ProofAct.RETURN) else decide_cancel
        await say(work, who, known.id, agrees, reason, known.version, key, now, sure)

    room.tell(story)
    if carried_out and done in (ProofAct.APPROVE, ProofAct.CONFIRM_CANCEL):
        room.seal(id_of(page))


async def _sure(work: VillageWork, known: ProofRequest, done: ProofAct, now: datetime) -> str:
    assert isinstance(work.requests, PostgresProofRequests)
    return await confirmed(work.requests, act(known, done, APPROVER), now)
