"""Notices: what others are told, written in the transaction of what happened, and then given a place in the feed.

Ids are not in the order of committing, and transactions may be under way for minutes. So a notice gets its position
when it is committed, from one who has the end of the feed locked: whoever has read up to a position misses nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.domain.notice import Notice
from certsvc.domain.scope import READ
from certsvc.errors import InvalidInput, NotFound
from certsvc.ids import Ref
from certsvc.store.jobs import enqueue
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.webhook_rows import to_notice

SQL = queries("notices")
WEBHOOK = "webhook"
"""The kind of job that delivers what is due to one web-hook, by its id."""

AT_ONCE = 500
"""Positions given in one transaction."""

WINDOW, MOST_WINDOWS = 1000, 10
"""How much of the feed is looked through in one answer, for who may know little of it."""


@dataclass(frozen=True, slots=True)
class PartPlace:
    """Which part of a case: of what type, and in which area (GB/T 2260) it is decided."""

    type_id: str
    area: str


async def tell(
    connection: Connection,
    at: datetime,
    kind: str,
    data: Mapping[str, Any],
    *,
    client: str | None = None,
    ref: Ref | None = None,
    part: PartPlace | None = None,
    action: str = READ,
) -> None:
    """Tell others, in the caller's transaction: the client named, and all who may read the certificate `ref` (or do
    `action` there), or decide such a `part` of a case.

    `kind` is two words joined by a dot: `batch.finished`. `data` goes out as JSON (at most 16 KiB of it) and holds
    nothing about persons; with a `ref`, the certificate's `code`, `type` and `number` go out beside it.

    Raises:
        NotFound: nothing was reserved under `ref`.
    """
    if part is not None:
        await connection.execute(SQL["tell_of_part"], at, kind, client, _json(data), part.type_id, part.area)
        return
    if ref is None:
        await connection.execute(SQL["tell"], at, kind, client, _json(data))
        return
    values = at, kind, client, _json(data), ref.slot, ref.to_bytes(), action
    if await connection.fetchval(SQL["tell_of_certificate"], *values) is None:
        raise NotFound(
            f"登记簿中没有 {ref.typed_code}，没有可以通知的内容。",
            f"{ref.typed_code} is not on record: there is nothing to tell of it.",
        )


class PostgresNotices:
    """`telling.parts.Notices`. Needs the database role that owns the tables; may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def settle(self, now: datetime) -> int:
        """Give what is committed its positions, and make the deliveries to web-hooks with them; how many there were.

        Deliveries are not made in the transaction of what happened: that would hold up sealing for every web-hook
        there is. The notice is, and each position is given once, together with its deliveries."""
        settled = 0
        while await self._is_any_new():
            async with self._pool.transaction() as connection:
                count = await _settle(connection, now)
            settled += count
            if count < AT_ONCE:
                break
        return settled

    async def read(
        self, client: str, scopes: Iterable[str], after: int, kinds: Iterable[str] | None, limit: int, now: datetime
    ) -> tuple[Sequence[Notice], int]:
        """What a client may know, in order, from after a position; and the position to go on from.

        Raises:
            InvalidInput: the feed has not come so far: it was given before the register was restored.
        """
        end = await self.end(now)
        if after > end:
            raise InvalidInput(
                "after 超出了现有通知的末尾：登记簿可能恢复过备份。请从 0 或 latest 重新开始。",
                "`after` lies beyond the end of the feed: the register may have been restored. Begin at 0 or `latest`.",
            )
        wanted = None if kinds is None else sorted(kinds)
        for _ in range(MOST_WINDOWS):
            until = min(after + WINDOW, end)
            async with self._pool.connection() as connection:
                rows = await connection.fetch(SQL["read"], after, until, client, sorted(scopes), wanted, limit)
            if rows:
                return [to_notice(row) for row in rows], rows[-1]["position"] if len(rows) == limit else until
            after = until
            if after == end:
                break
        return [], after

    async def end(self, now: datetime) -> int:
        """The last position, with all that is committed by now."""
        await self.settle(now)
        async with self._pool.connection() as connection:
            position: int = await connection.fetchval(SQL["end_of_feed"])
        return position

    async def _is_any_new(self) -> bool:
        async with self._pool.connection() as connection:
            found: bool = await connection.fetchval(SQL["is_any_new"])
            return found


async def _settle(connection: Connection, now: datetime) -> int:
    end: int = await connection.fetchval(SQL["lock_end"])
    given = await connection.execute(SQL["give_positions"], end, AT_ONCE)
    count = int(given.rpartition(" ")[2])
    if count:
        await connection.execute(SQL["move_end"], end + count)
        for row in await connection.fetch(SQL["fan_out"], end, end + count, now):
            await enqueue(connection, WEBHOOK, row["webhook_id"], now)
    return count


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)
