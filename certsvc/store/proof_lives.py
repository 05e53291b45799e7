"""What became of proofs after they were sealed, on PostgreSQL: the register is asked, and not their requests."""

from collections.abc import Mapping, Sequence
from datetime import date

from asyncpg import Record

from certsvc.domain.acts import Act, Organ
from certsvc.domain.proof_life import ProofLife
from certsvc.domain.proof_request import RESIDENT
from certsvc.domain.states import Status
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("proof_lives")


class PostgresProofLives:
    """A part of `PostgresProofRequests`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def lives(self, requests: Sequence[str], day: date) -> Mapping[str, ProofLife]:
        """What became of the proofs of these requests, as far as they were issued."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["lives"], list(requests), day)
        return {row["request_id"]: _life(row, day) for row in rows}

    async def life(self, ref: Ref, day: date) -> ProofLife | None:
        """What became of a proof; None where it was not issued."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["life"], ref.slot, ref.to_bytes(), day)
        return None if row is None else _life(row, day)

    async def life_of_code(self, code_hash: bytes, day: date) -> ProofLife | None:
        """What became of the proof of the request with a code; None where it is not sealed."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["life_of_code"], code_hash, day)
        return None if row is None else _life(row, day)

    async def was_opened(self, account: str | None, key: str) -> bool:
        """Whether somebody, or with None a resident, sent a request under this key before."""
        async with self._pool.connection() as connection:
            return bool(await connection.fetchval(SQL["was_opened"], account or RESIDENT, key))


def _life(row: Record, day: date) -> ProofLife:
    return ProofLife(
        ref=ref_from_bytes(row["ref"]),
        day=day,
        status=Status(row["status"]),
        since=row["since"],
        organ=Organ(row["organ"]) if row["organ"] else None,
        end=row["term_end"],
        newest=ref_from_bytes(row["newest_ref"]),
        made=Act(row["newest_act"]),
        newer=row["newest_request"] if row["newest_ref"] != row["ref"] else None,
        correction=row["correction"],
        is_cancelling=row["cancelling"],
    )
