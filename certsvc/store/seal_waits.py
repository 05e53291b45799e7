"""What is reserved and cannot be sealed: why and since when it waits, and that it is tried again after a change.

A job that is under way is passed over when others are brought forward, and what it was just refused it would wait out.
So what was refused before its seal changed is brought forward a second time, by the worker's rounds.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import Record

from certsvc.domain.seal_authorisation import SealWait
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.approvals import CARRY_OUT
from certsvc.store.jobs import wake
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("seal_waits")
FINISH = "finish"
"""The job of bringing a reservation to its end."""

MARGIN = timedelta(minutes=1)
"""What was asked so long after a change may not have seen it: its time was taken before it was committed."""


async def note_wait(connection: Connection, ref: Ref, reason: str, seal_id: str | None, asked_at: datetime) -> None:
    """Something cannot be sealed, as was seen after `asked_at`; what is issued meanwhile does not wait."""
    await connection.execute(SQL["note"], ref.slot, ref.to_bytes(), seal_id, reason, asked_at)


async def end_wait(connection: Connection, ref: Ref) -> None:
    """It is issued."""
    await connection.execute(SQL["end"], ref.slot, ref.to_bytes())


async def bring_forward(connection: Connection, seal_id: str, now: datetime) -> None:
    """Have what waits for a seal tried again at once, in the transaction of what changed."""
    if await connection.fetch(SQL["bring_forward"], seal_id, now, FINISH, CARRY_OUT):
        await wake(connection, CARRY_OUT)


async def bring_forward_missed(connection: Connection, now: datetime) -> None:
    """Have tried again what was refused before its seal changed, and was under way then."""
    if await connection.fetch(SQL["bring_forward_missed"], now, MARGIN, FINISH, CARRY_OUT):
        await wake(connection, CARRY_OUT)


class PostgresSealWaits:
    """`services.SealWaits`. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def of_approval(self, approval_id: str) -> SealWait | None:
        """Why what was approved is not sealed yet; None when it does not wait for that."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["of_approval"], approval_id)
        return None if row is None else _to_wait(row)

    async def under(self, seal_id: str, limit: int) -> Sequence[SealWait]:
        """What waits for a seal, for longest first."""
        async with self._pool.connection() as connection:
            return [_to_wait(row) for row in await connection.fetch(SQL["under"], seal_id, limit)]


def _to_wait(row: Record) -> SealWait:
    return SealWait(
        reason=row["reason"],
        since=row["since"],
        seal_id=row["seal_id"],
        typed_code=ref_from_bytes(row["ref"]).typed_code,
        type_id=row["type_id"],
        number=row["number"],
        request_id=row["request_id"],
    )
