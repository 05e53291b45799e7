"""Full views: the hash of what opens a proof, every try before it is known what comes of it, and every view."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from certsvc.domain.full_view import KEPT, PER, SealedDigest, SealedProof, Try, View, Viewer
from certsvc.errors import NoTryLeft
from certsvc.ids import Ref
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("full_view")
LIMIT = "five_tries_an_hour"
MOST_VIEWS = 20


async def keep_digest(connection: Connection, ref: Ref, digest: SealedDigest) -> None:
    """Keep what opens a proof, in the transaction that issues it."""
    await connection.execute(SQL["insert_full_view"], ref.slot, ref.to_bytes(), digest.sealed, digest.key_id)


class PostgresFullViews:
    """`services.FullViews`, as the role of the desk."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, ref: Ref, viewer: Viewer, now: datetime) -> Try | None:
        """See `services.FullViews.begin`.

        Raises:
            NoTryLeft: five tries in an hour; that this one came is on record, once an hour.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["find_proof"], ref.slot, ref.to_bytes())
            if row is None:
                return None
            values = ref.slot, ref.to_bytes(), now, viewer.office, viewer.purpose, viewer.network
            try:
                number = await connection.fetchval(SQL["insert_try"], *values)
            except asyncpg.CheckViolationError as error:
                if error.constraint_name != LIMIT:
                    raise
                await connection.execute(SQL["insert_refusal"], *values)
                again = await connection.fetchval(SQL["next_try_at"], ref.slot, ref.to_bytes())
                raise _no_try(again or now + PER, now) from None
        return Try(number=number, proof=_proof(ref, row))

    async def note_view(self, ref: Ref, number: int, viewer: Viewer, now: datetime) -> None:
        """See `services.FullViews.note_view`."""
        values = ref.slot, ref.to_bytes(), number, now, viewer.office, viewer.purpose, viewer.network
        async with self._pool.connection() as connection:
            await connection.execute(SQL["insert_view"], *values)

    async def views(self, ref: Ref, now: datetime) -> tuple[Sequence[View], int]:
        """See `services.FullViews.views`."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["views"], ref.slot, ref.to_bytes(), MOST_VIEWS)
            failed: int = await connection.fetchval(SQL["failed"], ref.slot, ref.to_bytes(), now)
        return [View(at=row["at"], office=row["office"], purpose=row["purpose"]) for row in rows], failed

    async def known_keys(self) -> Mapping[str, bytes]:
        """The fingerprints of the keys in use, by id."""
        async with self._pool.connection() as connection:
            return {row["id"]: row["fingerprint"] for row in await connection.fetch(SQL["known_keys"])}


class OldFullViews:
    """Takes away what has been kept long enough. Needs the role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def purge(self, now: datetime) -> None:
        """Delete tries and views that are older than `KEPT`; one statement, so that a kill leaves all or none.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            await connection.execute(SQL["purge"], now - KEPT)


def _proof(ref: Ref, row: asyncpg.Record) -> SealedProof:
    return SealedProof(
        ref=ref,
        type_id=row["type_id"],
        type_version=row["type_version"],
        payload=row["sealed_payload"],
        payload_key_id=row["payload_key_id"],
        digest=SealedDigest(sealed=row["sealed_digest"], key_id=row["key_id"]),
    )


def _no_try(again: datetime, now: datetime) -> NoTryLeft:
    seconds = max(1, round((again - now).total_seconds()))
    minutes = -(-seconds // 60)
    return NoTryLeft(
        f"这件证明一小时内已试过 5 次，请过 {minutes} 分钟再试；着急的，打电话问出具证明的村民委员会。",
        f"This proof was tried five times within an hour: try again in {minutes} minutes, or call who issued it.",
        retry_after=seconds,
    )
