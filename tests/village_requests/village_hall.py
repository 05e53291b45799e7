"""The use cases of a village over a copy of the demonstration, with the village's people."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from village_people import (
    APPROVER,
    CLERK,
    CONSENT,
    NOTES,
    PROOF,
    VILLAGE,
    account_of,
    act,
    confirmed,
    in_term,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from walked import Walks

from certsvc.catalog.proofs import load_proofs
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import IdentityCheck, ProofRequest
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.village.deciding import (
    decide,
    submit,
)
from certsvc.issuance.village.drafts import (
    Opening,
    open_at_counter,
    record_identity,
)
from certsvc.issuance.village.work import Said, VillageWork, member
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.evidence import PostgresEvidence
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import open_pool
from certsvc.store.proof_requests import PostgresProofRequests

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / PROOF / "v2" / "examples"


def now() -> datetime:
    return datetime.now(UTC)


def payload(**changes: Any) -> dict[str, Any]:
    """A good payload."""
    path = min(EXAMPLES.glob("good-*.json"), key=lambda one: one.stat().st_size)
    return in_term(json.loads(path.read_text("utf-8"))) | changes


@dataclass(frozen=True)
class Hall:
    """The use cases over one register, and its people."""

    work: VillageWork

    async def who(self, name: str, organ: Any = VILLAGE) -> Member:
        return await member(self.work, account_of(name), organ, now())

    async def ready(self, key: str, **changes: Any) -> ProofRequest:
        """A draft of the clerk, with everything that is needed to submit it."""
        clerk = await self.who(CLERK)
        asked = Opening(key=key, type_id=PROOF, said=Said(payload=payload(**changes), notes=NOTES, consent=CONSENT))
        request = (await open_at_counter(self.work, clerk, asked, now())).request
        return await record_identity(
            self.work, clerk, request.id, IdentityCheck.IN_PERSON, request.version, f"{key} seen", now()
        )

    async def confirms(self, request: ProofRequest, done: ProofAct = ProofAct.APPROVE, name: str = APPROVER) -> str:
        """Somebody has seen a request and confirms that they agree to it."""
        assert isinstance(self.work.requests, PostgresProofRequests)
        return await confirmed(self.work.requests, act(request, done, name), now())

    async def sealed(self, request: ProofRequest) -> ProofRequest:
        """Submitted, approved, and sealed as the worker does it."""
        clerk, approver = await self.who(CLERK), await self.who(APPROVER)
        waiting = await submit(self.work, clerk, request.id, request.version, f"{request.version} submit", now())
        sure = await self.confirms(waiting)
        done = await decide(self.work, approver, request.id, True, None, waiting.version, "approve", now(), sure)
        assert done.approval_id is not None
        await carry_out(self.work.issuing, self.work.approvals, done.approval_id, now())
        return await self.work.requests.request(request.id)


@asynccontextmanager
async def opened_hall(walks: Walks) -> AsyncIterator[Hall]:
    async with walks.desk.issuing(walks.settings, walks.uri) as issuing, open_pool(walks.uri) as pool:
        work = VillageWork(
            issuing=issuing,
            approvals=PostgresApprovals(pool),
            organs=PostgresOrgans(pool),
            requests=PostgresProofRequests(pool),
            evidence=PostgresEvidence(pool),
            proofs=load_proofs(walks.settings.schemas, issuing.catalog),
        )
        yield Hall(work)
