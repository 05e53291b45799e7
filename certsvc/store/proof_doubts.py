"""What requests for proofs with a legal doubt need, and what was found: the database holds it before submitting."""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed, DoubtRecord
from certsvc.errors import KeyReused
from certsvc.store.audit import audit
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.village_refusals import explained_village

SQL = queries("proof_doubts")


async def put_needs(connection: Connection, request_id: str, needs: Sequence[DoubtNeed]) -> None:
    """In the transaction that opens a request: what it needs, if anything."""
    if needs:
        await connection.execute(SQL["need"], request_id, list(needs))


async def needs_in(connection: Connection, request_id: str) -> tuple[DoubtNeed, ...]:
    """What it needed when it was opened."""
    return tuple(DoubtNeed(need) for need in await connection.fetchval(SQL["needs"], request_id) or ())


async def checks_in(connection: Connection, request_id: str) -> Sequence[DoubtCheck]:
    """What was found, about who is named now."""
    rows = await connection.fetch(SQL["checks"], request_id)
    return [
        DoubtCheck(
            need=DoubtNeed(row["need"]),
            said=row["said"],
            version=row["version"],
            account=row["account"],
            person=row["person"],
            at=row["at"],
        )
        for row in rows
    ]


async def recorded_in(connection: Connection, record: DoubtRecord) -> bool:
    """Whether this was put on record before.

    Raises:
        KeyReused: the key was used with other content.
    """
    known = await connection.fetchval(SQL["recorded"], record.request_id, record.key)
    if known is not None and known != record.digest:
        raise KeyReused.of(record.key)
    return known is not None


async def record_in_once(connection: Connection, record: DoubtRecord, now: datetime) -> None:
    """Put on record what was found, once.

    Raises:
        KeyReused: the key was used with other content.
        ChangedMeanwhile, ActNotAllowed, Forbidden: see `services.ProofRequests.record_doubt`.
    """
    await connection.execute(SQL["lock"], record.request_id)
    if await recorded_in(connection, record):
        return
    head = record.request_id, record.key, record.digest, record.seen
    with explained_village():
        await connection.execute(SQL["record"], *head, record.need, record.said, record.account, record.person, now)
    detail = {"request": record.request_id, "need": str(record.need)}
    await audit(connection, now, record.person, "proof_check_doubt", None, detail)
