"""Proofs that were refused at the counter: `services.ProofRefusals` on PostgreSQL."""

from datetime import datetime

from certsvc.domain.proof_refusal import ProofRefusal
from certsvc.errors import KeyReused
from certsvc.store.audit import audit
from certsvc.store.pool import Pool
from certsvc.store.queries import queries
from certsvc.store.village_refusals import explained_village

SQL = queries("village_figures")


class PostgresProofRefusals:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def record(self, refusal: ProofRefusal, now: datetime) -> None:
        """Put a refusal on record; the same again is the same.

        Raises:
            Forbidden: who says so is no clerk of the organ.
            KeyReused: the key was used for another refusal.
        """
        head = refusal.organ, refusal.key, refusal.digest, refusal.standing, refusal.item, refusal.words
        async with self._pool.transaction() as connection:
            with explained_village():
                fresh = await connection.fetchval(SQL["refuse"], *head, refusal.account, refusal.person, now)
            if fresh is None:
                if await connection.fetchval(SQL["refused"], refusal.organ, refusal.key) != refusal.digest:
                    raise KeyReused.of(refusal.key)
                return
            detail = {"organ": refusal.organ, "standing": refusal.standing, "item": refusal.item}
            await audit(connection, now, refusal.person, "refuse_proof", None, detail)
