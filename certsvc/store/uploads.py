"""Files that clients sent and that nothing was made of: kept for a while, then gone, row and blob."""

from datetime import datetime, timedelta

from certsvc.store.blobs import FileBlobs
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("uploads")


async def lock_upload(connection: Connection, sha256: bytes) -> None:
    """Until the transaction ends nobody else puts this file on record or takes it away."""
    await connection.execute(SQL["lock_upload"], sha256)


class PostgresUploads:
    """Takes away what clients sent and nothing was made of for so long. Needs the role that owns the tables."""

    def __init__(self, pool: Pool, blobs: FileBlobs, kept: timedelta) -> None:
        self._pool, self._blobs, self._kept = pool, blobs, kept

    async def purge(self, now: datetime) -> None:
        """Delete what is no longer kept: each file in a transaction of its own, its blob before the row is gone for
        good. Killed in between, the row is still there and says what is left to do.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        before = now - self._kept
        while True:
            async with self._pool.connection() as connection:
                rows = await connection.fetch(SQL["unused"], before)
            dropped = [await self._drop(row["is_external"], row["client"], row["sha256"], before) for row in rows]
            if not any(dropped):
                return

    async def _drop(self, is_external: bool, client: str, sha256: bytes, before: datetime) -> bool:
        async with self._pool.transaction() as connection:
            await lock_upload(connection, sha256)
            drop = SQL["drop_external_file"] if is_external else SQL["drop_sealing_file"]
            if await connection.fetchval(drop, client, sha256, before) is None:
                return False
            if not await connection.fetchval(SQL["is_needed"], sha256):
                self._blobs.remove(sha256)
            return True
