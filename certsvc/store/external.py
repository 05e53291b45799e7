"""`services.ExternalFiles` on PostgreSQL: pages that clients laid out themselves, and what is drawn on them."""

import json
from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.issuing import Draft
from certsvc.errors import NotFound
from certsvc.ids import Ref
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.uploads import lock_upload

SQL = queries("external")


class PostgresExternalFiles:
    """Files by who sent them. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(
        self, client: str, sha256: bytes, size: int, pages: Sequence[tuple[float, float]], now: datetime
    ) -> None:
        """Put on record that a client has sent a file, whose pages have these sizes, before it is kept; again, it is
        kept from then on."""
        async with self._pool.transaction() as connection:
            await lock_upload(connection, sha256)
            await connection.execute(SQL["keep_file"], client, sha256, size, json.dumps([*map(list, pages)]), now)

    async def require(self, client: str, sha256: bytes, previous: Ref | None = None) -> None:
        """See that a client has sent a file, or that a version of the certificate `previous` was made from it.

        Raises:
            NotFound: neither, whoever else may have sent it.
        """
        known = (None, None) if previous is None else (previous.slot, previous.to_bytes())
        async with self._pool.connection() as connection:
            if not await connection.fetchval(SQL["may_use_file"], client, sha256, *known):
                raise _not_sent(sha256)


async def insert_page(connection: Connection, draft: Draft) -> None:
    """The page of a certificate that is laid out elsewhere, in the transaction that reserves it.

    Raises:
        NotFound: who ordered it never sent the file.
    """
    file = draft.order.file
    if file is None:
        return
    await connection.execute(SQL["use_file"], draft.order.client, file.sha256)
    previous = draft.previous.ref if draft.previous else draft.ref
    known = previous.slot, previous.to_bytes()
    if not await connection.fetchval(SQL["may_use_file"], draft.order.client, file.sha256, *known):
        raise _not_sent(file.sha256)
    spot = (None, None) if file.seal is None else (file.seal.x_mm, file.seal.y_mm)
    place = file.page, file.x_mm, file.y_mm, file.module_mm, *spot
    own = draft.ref.slot, draft.ref.to_bytes(), file.sha256
    await connection.execute(SQL["insert_external_page"], *own, *place)


def _not_sent(sha256: bytes) -> NotFound:
    return NotFound(
        f"没有文件 {sha256.hex()}：没有收到过，或久未使用已经删去。请先上传（/v1/external-files）。",
        f"The file {sha256.hex()} was never sent, or was not used for so long that it is gone: send it first "
        "(/v1/external-files).",
    )
