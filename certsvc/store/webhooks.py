"""Web-hooks as their owners have them: `telling.parts.WebHooks` on PostgreSQL. Another client's do not exist."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from asyncpg import Record

from certsvc.domain.webhook import (
    OVERLAP,
    Attempt,
    Delivery,
    DeliveryState,
    DisabledWhy,
    HookRequest,
    HookState,
    SealedSecret,
    WebHook,
)
from certsvc.errors import Conflict, KeyReused, NotFound
from certsvc.store.audit import audit
from certsvc.store.jobs import enqueue
from certsvc.store.notices import WEBHOOK
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.webhook_rows import to_attempt, to_delivery, to_hook

SQL = queries("webhooks")
MOST_HOOKS = 20
MOST_ATTEMPTS = 11
"""Attempts shown of one delivery."""

MOST_REPLAYED = 100_000


class PostgresWebHooks:
    """Every method is one transaction; needs the database role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, hook: WebHook, request: HookRequest) -> WebHook:
        """Put a web-hook on record; the same request gets the same one.

        Raises:
            KeyReused: the key of the request was used for other content.
            Conflict: the client has as many as it may.
        """
        async with self._pool.transaction() as connection:
            await connection.fetchval(SQL["lock_client"], hook.client)
            if (known := await _known(connection, request)) is not None:
                return known
            if await connection.fetchval(SQL["count"], hook.client) >= MOST_HOOKS:
                raise Conflict(f"最多 {MOST_HOOKS} 个回调。", f"A client has at most {MOST_HOOKS} web-hooks.")
            secret = hook.secret.sealed, hook.secret.key_id
            await connection.execute(
                SQL["insert"], hook.id, hook.client, hook.url, _as_list(hook.kinds), hook.made_at, *secret
            )
            await _done(connection, request, hook.id)
            detail = {"webhook": hook.id, "host": _host(hook.url)}
            await audit(connection, hook.made_at, hook.client, "add_webhook", None, detail)
            return hook

    async def hook(self, client: str, hook_id: str) -> WebHook:
        """A web-hook of a client.

        Raises:
            NotFound: it has none of this id.
        """
        async with self._pool.connection() as connection:
            return _found(await connection.fetchrow(SQL["find"], client, hook_id), hook_id)

    async def hooks(self, client: str) -> Sequence[WebHook]:
        """The web-hooks of a client, oldest first."""
        async with self._pool.connection() as connection:
            return [to_hook(row) for row in await connection.fetch(SQL["list"], client)]

    async def change(
        self, client: str, hook_id: str, url: str, kinds: frozenset[str] | None, state: HookState, now: datetime
    ) -> WebHook:
        """Another address, other kinds, another state. What is disabled gets no more; what is active begins afresh.

        Raises:
            NotFound: see `hook`.
        """
        async with self._pool.transaction() as connection:
            hook = _found(await connection.fetchrow(SQL["lock"], client, hook_id), hook_id)
            why = (hook.disabled_why or DisabledWhy.OWNER) if state is HookState.DISABLED else None
            afresh = url != hook.url or (state is HookState.ACTIVE and hook.state is not HookState.ACTIVE)
            await connection.execute(SQL["change"], hook_id, url, _as_list(kinds), state, why, afresh)
            if state is HookState.DISABLED:
                await connection.execute(SQL["give_up"], hook_id, now)
            detail = {"webhook": hook_id, "host": _host(url), "state": state.value}
            await audit(connection, now, client, "change_webhook", None, detail)
            return _found(await connection.fetchrow(SQL["find"], client, hook_id), hook_id)

    async def rotate(
        self, client: str, hook_id: str, secret: SealedSecret, request: HookRequest, now: datetime
    ) -> WebHook:
        """Another secret, beside which the one it had signs for a while; the same request does it once.

        Raises:
            NotFound: see `hook`.
            KeyReused: the key of the request was used for other content.
        """
        async with self._pool.transaction() as connection:
            _found(await connection.fetchrow(SQL["lock"], client, hook_id), hook_id)
            if (known := await _known(connection, request)) is not None:
                return known
            await connection.execute(SQL["rotate"], hook_id, secret.sealed, secret.key_id, now + OVERLAP)
            await _done(connection, request, hook_id)
            await audit(connection, now, client, "rotate_webhook_secret", None, {"webhook": hook_id})
            return _found(await connection.fetchrow(SQL["find"], client, hook_id), hook_id)

    async def remove(self, client: str, hook_id: str, now: datetime) -> None:
        """It is no more; removed again, nothing happens.

        Raises:
            NotFound: see `hook`.
        """
        async with self._pool.transaction() as connection:
            _found(await connection.fetchrow(SQL["lock"], client, hook_id), hook_id)
            await connection.execute(SQL["give_up"], hook_id, now)
            await connection.execute(SQL["remove"], hook_id)
            await audit(connection, now, client, "remove_webhook", None, {"webhook": hook_id})

    async def ping(self, client: str, hook_id: str, now: datetime) -> Delivery:
        """Send a message that tells nothing.

        Raises:
            NotFound: see `hook`.
            Conflict: nothing is sent there now.
        """
        async with self._pool.transaction() as connection:
            await _lock_active(connection, client, hook_id)
            delivery_id = await connection.fetchval(SQL["ping"], hook_id, now)
            await _wake(connection, hook_id, now)
            return _delivery(await connection.fetchrow(SQL["delivery"], hook_id, delivery_id), delivery_id)

    async def replay(self, client: str, hook_id: str, delivery_id: int, now: datetime) -> Delivery:
        """Begin a delivery anew, under the same `webhook-id`; one that is on its way stays as it is.

        Raises:
            NotFound: see `hook`; or there is no such delivery.
            Conflict: nothing is sent there now.
        """
        async with self._pool.transaction() as connection:
            await _lock_active(connection, client, hook_id)
            await connection.execute(SQL["replay"], hook_id, delivery_id, now)
            await _wake(connection, hook_id, now)
            return _delivery(await connection.fetchrow(SQL["delivery"], hook_id, delivery_id), delivery_id)

    async def replay_since(self, client: str, hook_id: str, since: datetime, now: datetime) -> int:
        """Send everything again that happened since then and that its owner may know; how many deliveries begin.

        Raises:
            NotFound: see `hook`.
            Conflict: nothing is sent there now; or it is more than is sent again at once.
        """
        async with self._pool.transaction() as connection:
            await _lock_active(connection, client, hook_id)
            values = hook_id, client, since, now, MOST_REPLAYED + 1
            begun: int = await connection.fetchval(SQL["replay_since"], *values)
            if begun > MOST_REPLAYED:
                raise Conflict(
                    f"此后的通知超过 {MOST_REPLAYED} 条：请改读 /v1/events。",
                    f"There are more than {MOST_REPLAYED} notices since: read /v1/events instead.",
                )
            await _wake(connection, hook_id, now)
            detail = {"webhook": hook_id, "since": since.isoformat(), "deliveries": begun}
            await audit(connection, now, client, "replay_webhook", None, detail)
            return begun

    async def deliveries(
        self, client: str, hook_id: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Deliveries, newest first; with `before` those older than that one.

        Raises:
            NotFound: see `hook`.
        """
        async with self._pool.connection() as connection:
            _found(await connection.fetchrow(SQL["find"], client, hook_id), hook_id)
            rows = await connection.fetch(SQL["deliveries"], hook_id, state, before, limit)
        return [to_delivery(row) for row in rows]

    async def delivery(self, client: str, hook_id: str, delivery_id: int) -> Delivery:
        """One delivery.

        Raises:
            NotFound: see `hook`; or there is no such delivery.
        """
        async with self._pool.connection() as connection:
            _found(await connection.fetchrow(SQL["find"], client, hook_id), hook_id)
            return _delivery(await connection.fetchrow(SQL["delivery"], hook_id, delivery_id), delivery_id)

    async def attempts(self, delivery_ids: Sequence[int]) -> Sequence[Attempt]:
        """The last attempts of deliveries that were found to be somebody's."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["attempts"], list(delivery_ids), MOST_ATTEMPTS)
        return [to_attempt(row) for row in rows]


async def _known(connection: Connection, request: HookRequest) -> WebHook | None:
    row = await connection.fetchrow(SQL["find_request"], request.client, request.key)
    if row is None:
        return None
    if row["digest"] != request.digest:
        raise KeyReused.of(request.key)
    return _found(await connection.fetchrow(SQL["find"], request.client, row["webhook_id"]), row["webhook_id"])


async def _done(connection: Connection, request: HookRequest, hook_id: str) -> None:
    await connection.execute(SQL["insert_request"], request.client, request.key, request.digest, hook_id)


async def _lock_active(connection: Connection, client: str, hook_id: str) -> None:
    hook = _found(await connection.fetchrow(SQL["lock"], client, hook_id), hook_id)
    if hook.state is HookState.DISABLED:
        raise Conflict(
            "这个回调已停用：请先用 PATCH 把 state 改为 active。",
            "This web-hook is disabled: make its state active first, by PATCH.",
        )


async def _wake(connection: Connection, hook_id: str, now: datetime) -> None:
    """A worker is told; a receiver that is left alone after failures is tried at once, as its owner asks for it."""
    await connection.execute(SQL["rest_no_more"], hook_id, now)
    await enqueue(connection, WEBHOOK, hook_id, now)


def _found(row: Record | None, hook_id: str) -> WebHook:
    if row is None:
        raise NotFound(f"没有回调 {hook_id}。", f"There is no web-hook {hook_id}.")
    return to_hook(row)


def _delivery(row: Record | None, delivery_id: int) -> Delivery:
    if row is None:
        raise NotFound(f"没有投递 {delivery_id}。", f"There is no delivery {delivery_id}.")
    return to_delivery(row)


def _host(url: str) -> str:
    """What the audit says of an address: in path and query some receivers have a password."""
    return urlsplit(url).netloc


def _as_list(kinds: frozenset[str] | None) -> list[str] | None:
    return None if kinds is None else sorted(kinds)
