"""Answers by idempotency key: `services.Answers` on PostgreSQL."""

import json
from datetime import datetime

from asyncpg import Record

from certsvc.domain.answer import ABANDONED, KEPT, Answer
from certsvc.errors import KeyReused, RequestInProgress
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("answers")


class PostgresAnswers:
    """Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, client: str, key: str, fingerprint: bytes, now: datetime) -> Answer | datetime:
        """The answer kept for this request; or, when it is to be done now, the moment that names this attempt.

        Raises:
            KeyReused: the key was used for another request.
            RequestInProgress: it is being done.
        """
        async with self._pool.transaction() as connection:
            begun: datetime | None = await connection.fetchval(SQL["begin"], client, key, fingerprint, now)
            if begun is not None:
                return begun
            row = await connection.fetchrow(SQL["known"], client, key)
            if row is None:  # forgotten a moment ago
                raise _in_progress(key)
            if row["begun_at"] > now - KEPT:
                if row["fingerprint"] != fingerprint:
                    raise KeyReused.of(key)
                if row["status"] is not None:
                    return _answer(row)
                if row["begun_at"] > now - ABANDONED:
                    raise _in_progress(key)
            return await _take_over(connection, client, key, row["begun_at"], fingerprint, now)

    async def keep(self, client: str, key: str, begun: datetime, answer: Answer) -> None:
        """Keep the answer of an attempt."""
        async with self._pool.transaction() as connection:
            headers = json.dumps(dict(answer.headers))
            await connection.execute(SQL["keep"], client, key, begun, answer.status, headers, answer.body)

    async def forget(self, client: str, key: str, begun: datetime) -> None:
        """The attempt came to nothing that lasts: the request may be sent again at once."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["forget"], client, key, begun)

    async def purge(self, now: datetime) -> None:
        """Delete what is no longer kept."""
        deleted = True
        while deleted:
            async with self._pool.transaction() as connection:
                deleted = bool(await connection.fetch(SQL["purge"], now - KEPT))


async def _take_over(
    connection: Connection, client: str, key: str, before: datetime, fingerprint: bytes, now: datetime
) -> datetime:
    taken: datetime | None = await connection.fetchval(SQL["take_over"], client, key, before, fingerprint, now)
    if taken is None:
        raise _in_progress(key)
    return taken


def _answer(row: Record) -> Answer:
    return Answer(status=row["status"], headers=json.loads(row["headers"]), body=row["body"])


def _in_progress(key: str) -> RequestInProgress:
    return RequestInProgress(
        f"请求 {key} 正在办理，请稍后用同一编号再发一次。",
        f"The request {key} is in progress: send it again with the same key in a moment.",
    )
