"""What a clerk's desk asks of requests for proofs beside their life: what has ended, wishes to cancel, legal doubts."""

from collections.abc import Sequence
from datetime import UTC, datetime

from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed, DoubtRecord
from certsvc.domain.proof_request import ProofRequest
from certsvc.ids import Uscc
from certsvc.store.audit import audit
from certsvc.store.pool import Pool
from certsvc.store.proof_doubts import checks_in, needs_in, record_in_once, recorded_in
from certsvc.store.proof_rows import to_request
from certsvc.store.queries import queries

SQL = queries("proof_requests")
AFTER_ALL = (datetime.max.replace(tzinfo=UTC), "")


class ClerksDesk:
    """A part of `PostgresProofRequests`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def needs(self, request_id: str) -> Sequence[DoubtNeed]:
        """What a legal doubt asked for when it was opened."""
        async with self._pool.connection() as connection:
            return await needs_in(connection, request_id)

    async def doubts(self, request_id: str) -> Sequence[DoubtCheck]:
        """What was found about it, for the holder that it names now."""
        async with self._pool.connection() as connection:
            return await checks_in(connection, request_id)

    async def doubt_recorded(self, record: DoubtRecord) -> bool:
        """Whether this was put on record before.

        Raises:
            KeyReused: the key was used with other content.
        """
        async with self._pool.connection() as connection:
            return await recorded_in(connection, record)

    async def record_doubt(self, record: DoubtRecord, now: datetime) -> None:
        """Put on record what was found about it, once.

        Raises:
            ChangedMeanwhile, ActNotAllowed, Forbidden, KeyReused, NotFound: see `services.ProofRequests`.
        """
        async with self._pool.transaction() as connection:
            await record_in_once(connection, record, now)

    async def ended(self, organ: Uscc, before: tuple[datetime, str] | None, limit: int) -> Sequence[ProofRequest]:
        """Requests of an organ that are nobody's turn any more, the newest first. Without content."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["ended"], organ, *(before or AFTER_ALL), limit)
        return [to_request(row) for row in rows]

    async def note_taken(self, request_id: str, person: str, now: datetime) -> None:
        """Put on record that somebody took the sealed file."""
        async with self._pool.transaction() as connection:
            await audit(connection, now, person, "take_proof_file", None, {"request": request_id})
