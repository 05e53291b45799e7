"""What happens to a proof after it was sealed, in the village and past it."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_sitting"))
from desk_room import DeskRoom, somebody
from desk_stories import AT, decided, payload
from sitting_room import GROUND, waiting
from village_people import CLERK, CONSENT, NOTES, PROOF, VILLAGE

from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act, Organ
from certsvc.domain.issuing import Order
from certsvc.domain.life import Ground
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import IdentityCheck, ProofRequest
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.acts import Acting, act
from certsvc.issuance.approvals import open_request
from certsvc.issuance.issue import issue
from certsvc.issuance.village.deciding import cancel, certificate_of, submit
from certsvc.issuance.village.drafts import Opening, open_at_counter, record_identity
from certsvc.issuance.village.work import Said, VillageWork


def now() -> datetime:
    return datetime.now(UTC)


def page_of(request: ProofRequest | str) -> str:
    """The address of a request in the console."""
    return f"{AT}/requests/{request if isinstance(request, str) else request.id}"


def sealed(room: DeskRoom, key: str) -> ProofRequest:
    """A proof that two people gave."""
    (one,) = waiting(room, key)
    decided(room, page_of(one), ProofAct.APPROVE)
    return request_of(room, one)


def request_of(room: DeskRoom, request_id: str) -> ProofRequest:
    """A request as it stands."""

    async def story(work: VillageWork) -> ProofRequest:
        return await work.requests.request(request_id)

    return room.tell(story)


async def ref_of(work: VillageWork, request: ProofRequest) -> Ref:
    """The certificate that a request became."""
    return parse_typed_code(await certificate_of(work, request))


async def correcting(work: VillageWork, ref: Ref, key: str) -> ProofRequest:
    """The clerk opens the correction of a proof."""
    said = Said(payload=payload(account="4419-7654321"), notes=NOTES, consent=CONSENT)
    why: dict[str, Any] = {"correction": "户号抄错", "ground": CorrectionGround.CLERICAL}
    asked = Opening(key=key, type_id=PROOF, said=said, corrects=ref, **why)
    return (await open_at_counter(work, await somebody(work, CLERK, VILLAGE), asked, now())).request


def opened(room: DeskRoom, request: ProofRequest, key: str) -> ProofRequest:
    """A correction as a draft."""

    async def story(work: VillageWork) -> ProofRequest:
        return await correcting(work, await ref_of(work, request), key)

    return room.tell(story)


def submitted(room: DeskRoom, request: ProofRequest) -> ProofRequest:
    """A draft before those who approve."""

    async def story(work: VillageWork) -> ProofRequest:
        clerk, how = await somebody(work, CLERK, VILLAGE), IdentityCheck.IN_PERSON
        seen = await record_identity(work, clerk, request.id, how, request.version, f"{request.version} seen", now())
        return await submit(work, clerk, seen.id, seen.version, f"{seen.version} submit", now())

    return room.tell(story)


def corrected(room: DeskRoom, request: ProofRequest, key: str) -> ProofRequest:
    """The next version of a proof, sealed."""
    made = submitted(room, opened(room, request, key))
    decided(room, page_of(made), ProofAct.APPROVE)
    return request_of(room, made.id)


def asks_to_cancel(room: DeskRoom, request: ProofRequest) -> None:
    """The clerk asks that a proof is cancelled."""

    async def story(work: VillageWork) -> None:
        known = await work.requests.request(request.id)
        await cancel(work, await somebody(work, CLERK, VILLAGE), known.id, GROUND, known.version, "wish", now())

    room.tell(story)


def from_elsewhere(room: DeskRoom, request: ProofRequest, done: Act, organ: Organ = Organ.SUPERIOR) -> None:
    """Two people of another organ act on a proof, as `./dev act` does."""

    async def story(work: VillageWork) -> None:
        people = [Actor(name=name, scopes=frozenset({f"{done}:{PROOF}"})) for name in ("镇甲", "镇乙")]
        asked = Acting(
            client="镇甲",
            key=f"{done} {request.id}",
            act=done,
            ref=await ref_of(work, request),
            organ=organ,
            confirmed_by=people[1],
            ground=Ground(reason="查实", reason_code="fraud", legal_basis="依据", decision_number="镇〔2026〕1号")
            if done is Act.RESCIND
            else Ground(reason="查实", legal_basis="依据", decision_number="镇〔2026〕1号"),
        )
        await act(work.issuing.register, work.issuing.catalog, people[0], asked, now())

    room.tell(story)


def reissued(room: DeskRoom, request: ProofRequest) -> Ref:
    """The next version of a proof, made past the village: as after a key was lost."""

    async def story(work: VillageWork) -> Ref:
        ref = await ref_of(work, request)
        order = Order(
            client="镇甲",
            key=f"again {request.id}",
            type_id=PROOF,
            payload=dict(await _payload(work, request)),
            act=Act.REISSUE,
            previous=ref,
            ground=Ground(reason_code="damaged"),
        )
        actor = Actor(name="镇甲", scopes=frozenset({f"{Act.REISSUE}:{PROOF}"}))
        return (await issue(work.issuing, actor, order, now())).ref

    return room.tell(story)


async def _payload(work: VillageWork, request: ProofRequest) -> Mapping[str, Any]:
    approval = await work.approvals.approval(str(request.approval_id))
    return open_request(work.issuing, approval.asked).payload or {}
