"""Sittings over the made-up requests of village_people: seen, confirmed, done."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from village_people import APPROVER, NOW, account_of, confirmation_of, submitted

from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.sitting import Agreed, Became, Sitting, agreeing_to, digest_of_said
from certsvc.store.proof_requests import PostgresProofRequests

__all__ = ["APPROVER", "NOW", "account_of"]


def agreed_of(*requests: ProofRequest) -> tuple[Agreed, ...]:
    """Agreeing to these, as they are here."""
    return tuple(Agreed(one.id, one.version, agreeing_to(one)) for one in requests)


async def wait_for(requests: PostgresProofRequests, key: str, count: int) -> list[ProofRequest]:
    """So many requests that wait for approval."""
    return [await submitted(requests, f"{key} {number}") for number in range(count)]


async def confirm(
    requests: PostgresProofRequests, agreed: Sequence[Agreed], name: str = APPROVER, at: datetime = NOW
) -> str:
    """Somebody confirms this, past the sign-in."""
    async with requests._pool.transaction() as connection:
        return await confirmation_of(connection, account_of(name), digest_of_said(agreed), at)


async def look(requests: PostgresProofRequests, agreed: Sequence[Agreed], name: str = APPROVER) -> None:
    """Somebody has looked at all of it."""
    for one in agreed:
        await requests.see(account_of(name), one.request_id, one.seen, NOW)


def sitting(agreed: Sequence[Agreed], key: str, confirmation: str, name: str = APPROVER) -> Sitting:
    """A sitting of somebody."""
    return Sitting(account=account_of(name), person=name, agreed=tuple(agreed), key=key, confirmation=confirmation)


async def sit(
    requests: PostgresProofRequests, agreed: Sequence[Agreed], key: str, name: str = APPROVER
) -> Sequence[Became]:
    """Look, confirm, do; what came of each, in the order of ids."""
    await look(requests, agreed, name)
    await requests.agree(sitting(agreed, key, await confirm(requests, agreed, name), name), NOW)
    became = await requests.became(account_of(name), key=key)
    assert became is not None
    return sorted(became[1], key=lambda one: one.agreed)
