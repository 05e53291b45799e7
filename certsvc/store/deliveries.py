"""What is on its way to web-hooks, as the worker has it: `telling.parts.Deliveries` on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from certsvc.domain.webhook import (
    GONE,
    PATIENCE,
    Answer,
    Begun,
    Delivery,
    DeliveryState,
    DisabledWhy,
    HookState,
    WebHook,
    next_attempt,
    rest,
)
from certsvc.store.jobs import enqueue
from certsvc.store.notices import WEBHOOK, tell
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.webhook_rows import to_delivery, to_hook

SQL = queries("deliveries")
KEPT = timedelta(days=30)
"""How long it can be looked up how a delivery fared."""

TIDIED_AT_ONCE = 1000
SENT_TO = frozenset({HookState.ACTIVE, HookState.PAUSED})


class PostgresDeliveries:
    """Every method is one transaction; needs the database role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def hook(self, hook_id: str, now: datetime) -> WebHook | None:
        """A web-hook that something may be sent to now. One whose owner may not be told any more is disabled."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["hook"], hook_id)
            if row is None:
                return None
            if not row["owner_may"]:
                await _disable(connection, to_hook(row), DisabledWhy.NOT_ALLOWED, now)
                return None
            hook = to_hook(row)
            return None if hook.rests_until is not None and hook.rests_until > now else hook

    async def due(self, hook: WebHook, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due to it, for longest first. What its owner may not know any more goes no further."""
        async with self._pool.transaction() as connection:
            rows = await connection.fetch(SQL["due"], hook.id, now, limit)
            for row in rows:
                if not row["owner_may"]:
                    await connection.execute(SQL["end_delivery"], row["id"], DeliveryState.FAILED, now)
            return [to_delivery(row) for row in rows if row["owner_may"]]

    async def is_any_due(self, hook_id: str, now: datetime) -> bool:
        """Whether there is more."""
        async with self._pool.connection() as connection:
            found: bool = await connection.fetchval(SQL["is_any_due"], hook_id, now)
            return found

    async def begin(self, delivery: Delivery, now: datetime) -> Begun | None:
        """Put an attempt on record before it is made; None when the delivery is not on its way any more."""
        async with self._pool.transaction() as connection:
            number = await connection.fetchval(SQL["begin"], delivery.id)
            if number is None:
                return None
            await connection.execute(SQL["insert_attempt"], delivery.id, number, now)
            return Begun(delivery=delivery, number=number)

    async def end(self, begun: Begun, answer: Answer, draw: float, now: datetime) -> None:
        """What came of an attempt: it arrived, is tried again, or was tried for the last time; and what that says of
        the receiver. `draw` is for `next_attempt`."""
        delivery = begun.delivery
        async with self._pool.transaction() as connection:
            hook = await connection.fetchrow(SQL["lock"], delivery.hook_id)
            values = _milliseconds(answer.took), answer.status, answer.trouble, answer.beginning or None
            await connection.execute(SQL["end_attempt"], delivery.id, begun.number, *values)
            if answer.arrived:
                await connection.execute(SQL["end_delivery"], delivery.id, DeliveryState.DELIVERED, now)
                await connection.execute(SQL["recovered"], delivery.hook_id)
                return
            again = next_attempt(delivery.tries + 1, now, draw, answer.retry_after)
            if again is None:
                await connection.execute(SQL["end_delivery"], delivery.id, DeliveryState.FAILED, now)
            else:
                await connection.execute(SQL["put_off"], delivery.id, again)
            if hook is not None and hook["state"] in SENT_TO:
                await _failed(connection, to_hook(hook), answer, now)

    async def wake(self, now: datetime) -> None:
        """See that a worker is told of every web-hook that something is due to."""
        async with self._pool.transaction() as connection:
            for row in await connection.fetch(SQL["hooks_with_due"], now, WEBHOOK):
                await enqueue(connection, WEBHOOK, row["id"], now)

    async def tidy(self, now: datetime) -> None:
        """Forget deliveries that ended long ago."""
        while True:
            async with self._pool.transaction() as connection:
                if await connection.fetchval(SQL["tidy"], now - KEPT, TIDIED_AT_ONCE) < TIDIED_AT_ONCE:
                    return


async def _failed(connection: Connection, hook: WebHook, answer: Answer, now: datetime) -> None:
    since = hook.failing_since or now
    if answer.status == GONE:
        await _disable(connection, hook, DisabledWhy.GONE, now)
    elif now - since >= PATIENCE:
        await _disable(connection, hook, DisabledWhy.FAILED, now)
    else:
        rests_until = rest(hook.failures + 1, now, answer.retry_after)
        await connection.execute(SQL["failing"], hook.id, hook.failures + 1, since, rests_until)


async def _disable(connection: Connection, hook: WebHook, why: DisabledWhy, now: datetime) -> None:
    """No more is sent there, and its owner is told: in the feed, and by other web-hooks."""
    await connection.execute(SQL["disable"], hook.id, why)
    given_up = await connection.fetchval(SQL["give_up"], hook.id, now)
    said = {"webhook": hook.id, "why": why.value, "undelivered": given_up}
    await tell(connection, now, "webhook.disabled", said, client=hook.client)


def _milliseconds(took: timedelta) -> int:
    return min(int(took / timedelta(milliseconds=1)), 600_000)
