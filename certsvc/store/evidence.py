"""Evidence of requests: `services.EvidenceRegister` on PostgreSQL, which adds and removes it in the act's transaction.

Pictures lie in the database, not among the sealed files: what is erased with its request, in one transaction, cannot be
left over in a folder, and a backup has both or neither.
"""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from certsvc.domain.evidence import MOST_PAGES, EvidenceKind, KeptEvidence, NewEvidence, SealedPart
from certsvc.domain.proof_request import ProofActRequest, ProofRequest
from certsvc.errors import NotFound
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import record_in, request_in
from certsvc.store.queries import queries
from certsvc.store.village_refusals import explained_village

SQL = queries("evidence")


class PostgresEvidence:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def attach(self, act: ProofActRequest, new: NewEvidence, now: datetime) -> ProofRequest:
        """Add evidence to a request; the same again is done once.

        Raises:
            ActNotAllowed: the request is not with its clerk, or has as much as it may have.
            ChangedMeanwhile, Forbidden, KeyReused, NotFound: see `services.ProofRequests`.
        """
        async with self._pool.transaction() as connection:
            if await record_in(connection, act, now):
                head = new.id, act.request_id, act.seen + 1, new.kind, len(new.pictures) - 1
                with explained_village():
                    await connection.execute(SQL["add"], *head, new.name.sealed, new.name.key_id)
                    for page, part in enumerate(new.pictures):
                        await connection.execute(SQL["add_page"], new.id, page, part.sealed, part.key_id)
            return await request_in(connection, act.request_id)

    async def detach(self, act: ProofActRequest, evidence_id: str, now: datetime) -> ProofRequest:
        """Remove evidence of a request, with its pictures; the same again is done once.

        Raises:
            NotFound: it is none of this request, or removed already.
            ActNotAllowed, ChangedMeanwhile, Forbidden, KeyReused: see `attach`.
        """
        async with self._pool.transaction() as connection:
            if await record_in(connection, act, now):
                with explained_village():
                    gone = await connection.fetchval(SQL["remove"], evidence_id, act.request_id, act.seen + 1)
                if gone is None:
                    raise no_evidence()
            return await request_in(connection, act.request_id)

    async def of_request(self, request_id: str) -> Sequence[KeptEvidence]:
        """The evidence that a request has now, in the order in which it came."""
        async with self._pool.connection() as connection:
            return [_kept(row) for row in await connection.fetch(SQL["of_request"], request_id)]

    async def page(self, request_id: str, evidence_id: str, page: int) -> SealedPart:
        """One picture of it, 0 is the small one.

        Raises:
            NotFound: there is none of this number, or the evidence is none of this request.
        """
        if page not in range(MOST_PAGES + 1):
            raise no_evidence()
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["page"], request_id, evidence_id, page)
        if row is None:
            raise no_evidence()
        return SealedPart(row["sealed"], row["key_id"])


def no_evidence() -> NotFound:
    """No such evidence, or none of this request: said alike."""
    return NotFound("没有这个附件，或者已经删去。", "There is no such attachment, or it was removed.")


def _kept(row: Record) -> KeptEvidence:
    return KeptEvidence(
        **{name: row[name] for name in ("id", "request_id", "version", "pages", "person", "at")},
        kind=EvidenceKind(row["kind"]),
        name=SealedPart(row["sealed"], row["key_id"]),
    )
