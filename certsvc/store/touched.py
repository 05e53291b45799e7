"""What a compromised key touched: read in the order of references and of ids, so that millions need no memory."""

from collections.abc import AsyncIterator

from certsvc.domain.compromise import Reach, Touched, TouchedRequest
from certsvc.domain.document_seal import State
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


async def touched_requests(pool: Pool, reach: Reach) -> AsyncIterator[TouchedRequest]:
    """Every document of a department within reach, and every digest; of a token key none.

    Raises:
        RegisterUnavailable: the database does not answer.
    """
    last, asked = "", (reach.seal_id, reach.since, reach.until, BATCH)
    while not reach.tokens:
        async with pool.connection() as connection:
            rows = await connection.fetch(SQL["requests_by_seal"], last, *asked)
        for row in rows:
            yield TouchedRequest(
                id=row["id"],
                client=row["client"],
                done=row["state"] == State.DONE,
                is_document=row["source"] is not None,
                sealed=row["sealed"],
                digests=tuple(row["digests"] or ()),
            )
        if len(rows) < BATCH:
            return
        last = rows[-1]["id"]
