"""What a compromised key touched: read in the order of references, so that millions need no memory."""

from collections.abc import AsyncIterator

from certsvc.domain.compromise import Reach, Touched
from certsvc.ids import ref_from_bytes
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("touched")
BATCH = 1000


async def touched(pool: Pool, reach: Reach) -> AsyncIterator[Touched]:
    """Every certificate within reach.

    Raises:
        RegisterUnavailable: the database does not answer.
    """
    last = (-1, b"")
    while True:
        async with pool.connection() as connection:
            if reach.tokens:
                rows = await connection.fetch(SQL["by_token"], *last, reach.since, reach.until, BATCH)
            else:
                rows = await connection.fetch(SQL["by_seal"], *last, reach.seal_id, reach.since, reach.until, BATCH)
        for row in rows:
            yield Touched(
                ref=ref_from_bytes(row["ref"]),
                type_id=row["type_id"],
                number=row["number"],
                version=row["version"],
                issued=row["issued"],
            )
        if len(rows) < BATCH:
            return
        last = (rows[-1]["slot"], rows[-1]["ref"])
