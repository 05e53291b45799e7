"""Clients on record: `services.ClientRegister` on PostgreSQL, and the acts of whoever registers them."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import asyncpg
from asyncpg import Record

from certsvc.domain.client import (
    Client,
    ClientAct,
    ClientEvent,
    ClientId,
    ClientKey,
    ClientKind,
    ClientState,
    RegisteredClient,
    parse_scopes,
    rotation,
)
from certsvc.errors import ActNotAllowed, Conflict, InvalidInput, NotFound
from certsvc.store.audit import audit
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("clients")
PAST = timedelta(minutes=10)
"""How long a used assertion is kept beyond its end: machines' clocks may be so far apart."""


class PostgresClients:
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def client(self, client_id: ClientId) -> RegisteredClient | None:
        """A client with its keys, as it stands now."""
        async with self._pool.connection() as connection:
            return await _find(connection, client_id)

    async def use_assertion(self, client_id: ClientId, jti: bytes, expires_at: datetime) -> bool:
        """Put on record that an assertion was used; False when it was before, or is at this moment by another."""
        async with self._pool.connection() as connection:
            return await connection.fetchval(SQL["use_assertion"], client_id, jti, expires_at) is not None

    async def purge(self, now: datetime) -> None:
        """Forget the assertions that are long past; a chore."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["purge_assertions"], now - PAST)

    async def clients(self) -> Sequence[RegisteredClient]:
        """Every client, by name."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["clients"])
        return [_registered(list(group)) for _, group in itertools.groupby(rows, key=lambda row: row["id"])]

    async def require(self, client_id: ClientId) -> RegisteredClient:
        """As `client`.

        Raises:
            NotFound: there is none of this id.
        """
        found = await self.client(client_id)
        if found is None:
            raise _no_client(client_id)
        return found

    async def of_name(self, name: str) -> RegisteredClient | None:
        """The client that acts under a name."""
        async with self._pool.connection() as connection:
            return await _of_name(connection, name)

    async def events(self, client_id: ClientId) -> Sequence[ClientEvent]:
        """What was done to a client, in the order of recording."""
        async with self._pool.connection() as connection:
            return [_event(row) for row in await connection.fetch(SQL["client_events"], client_id)]

    async def register(
        self, client: Client, keys: Sequence[ClientKey], by: str, reason: str | None
    ) -> RegisteredClient:
        """Put a client on record with its keys. Where there is the same already, under whatever id, that is the one.

        Raises:
            Conflict: the name is another client's; or one of the keys is, or was.
            InvalidInput: a system is to have the name of a person; or a name is not in one spelling.
        """
        async with self._pool.transaction() as connection:
            with _explained(client.name):
                columns = client.id, client.name, client.kind, client.organisation, sorted(client.scopes)
                inserted = await connection.fetchval(SQL["insert_client"], *columns, client.registered_at)
                if inserted is None:
                    return _require_same(await _of_name(connection, client.name), client, keys)
                act = ClientEvent(
                    act=ClientAct.REGISTER, actor=by, at=client.registered_at, reason=reason, scopes=client.scopes
                )
                await _record(connection, client.id, act, keys)
            return await _again(connection, client.id)

    async def rotate(
        self,
        client_id: ClientId,
        given: Sequence[ClientKey],
        overlap: timedelta,
        by: str,
        reason: str | None,
        now: datetime,
    ) -> RegisteredClient:
        """Have the keys `given` follow those on record, which end after the overlap (`domain.client.rotation`). Asked
        again with the same keys, it changes nothing.

        Raises:
            NotFound: there is no such client.
            ActNotAllowed: it is cut off.
            Conflict: one of the keys is another client's, or was.
            InvalidInput: see `rotation`.
        """
        async with self._pool.transaction() as connection:
            found = await _lock(connection, client_id)
            changed = rotation(found.keys, given, now, overlap)
            if changed.added or changed.ended:
                act = ClientEvent(act=ClientAct.ROTATE, actor=by, at=now, reason=reason)
                with _explained(found.client.name):
                    await _record(connection, client_id, act, changed.added, changed.ended)
            return await _again(connection, client_id)

    async def rescope(
        self, client_id: ClientId, scopes: Sequence[str], by: str, reason: str | None, now: datetime
    ) -> RegisteredClient:
        """Give a client these scopes and no others; they hold at once, for tokens that it has, too.

        Raises:
            NotFound: there is no such client.
            ActNotAllowed: it is cut off.
            InvalidInput: see `domain.client.parse_scopes`.
        """
        async with self._pool.transaction() as connection:
            client = (await _lock(connection, client_id)).client
            wanted = parse_scopes(scopes, client.kind)
            if wanted != client.scopes:
                act = ClientEvent(act=ClientAct.RESCOPE, actor=by, at=now, reason=reason, scopes=wanted)
                await _record(connection, client_id, act)
            return await _again(connection, client_id)

    async def cut_off(self, client_id: ClientId, by: str, reason: str, now: datetime) -> RegisteredClient:
        """Cut a client off for ever, at once; a second time changes nothing.

        Raises:
            NotFound: there is no such client.
        """
        async with self._pool.transaction() as connection:
            found = await _lock(connection, client_id, even_cut_off=True)
            if found.client.state is ClientState.ACTIVE:
                act = ClientEvent(act=ClientAct.CUT_OFF, actor=by, at=now, reason=reason)
                await _record(connection, client_id, act)
            return await _again(connection, client_id)


async def _find(connection: Connection, client_id: ClientId) -> RegisteredClient | None:
    rows = await connection.fetch(SQL["client"], client_id)
    return _registered(rows) if rows else None


async def _again(connection: Connection, client_id: ClientId) -> RegisteredClient:
    found = await _find(connection, client_id)
    if found is None:
        raise _no_client(client_id)
    return found


async def _of_name(connection: Connection, name: str) -> RegisteredClient | None:
    client_id = await connection.fetchval(SQL["client_of_name"], name)
    return None if client_id is None else await _find(connection, client_id)


async def _lock(connection: Connection, client_id: ClientId, *, even_cut_off: bool = False) -> RegisteredClient:
    if await connection.fetchval(SQL["lock_client"], client_id) is None:
        raise _no_client(client_id)
    found = await _again(connection, client_id)
    if found.client.state is ClientState.CUT_OFF and not even_cut_off:
        raise ActNotAllowed(
            f"客户端 {client_id} 已停用，不能再变更：请另行登记。",
            f"The client {client_id} was cut off and stays as it is: register another one.",
        )
    return found


async def _record(
    connection: Connection,
    client_id: ClientId,
    act: ClientEvent,
    added: Sequence[ClientKey] = (),
    ended: Mapping[str, datetime] | None = None,
) -> None:
    scopes = None if act.scopes is None else sorted(act.scopes)
    values = client_id, act.act, act.actor, act.at, act.reason, scopes
    event = await connection.fetchval(SQL["insert_client_event"], *values)
    for key in added:
        columns = client_id, key.kid, key.thumbprint, key.jwk, key.not_before, event
        if await connection.fetchval(SQL["insert_client_key"], *columns) is None:
            raise Conflict(
                f"公钥 {key.kid} 已为别的客户端登记，或已停用：每个客户端用自己的密钥，请换一把新的。",
                f"The key {key.kid} is another client's, or was: every client has keys of its own. Make a new one.",
            )
    for kid, end in (ended or {}).items():
        await connection.execute(SQL["end_client_key"], client_id, kid, end, event)
    detail = {"client": client_id, "event": event}
    await audit(connection, act.at, act.actor, f"client_{act.act}", None, detail)


def _require_same(found: RegisteredClient | None, client: Client, keys: Sequence[ClientKey]) -> RegisteredClient:
    if found is None:
        raise Conflict(f"{client.name} 刚被登记。", f"{client.name} was registered this moment.")
    known, vouching = found.client, {(key.kid, key.thumbprint) for key in found.keys if key.not_after is None}
    differing = {
        ("类别", "kind"): known.kind is not client.kind,
        ("单位", "organisation"): known.organisation != client.organisation,
        ("范围（用 client scope 变更）", "scopes (change them with client scope)"): known.scopes != client.scopes,
        ("公钥（用 client rotate 更换）", "keys (change them with client rotate)"): vouching
        != {(key.kid, key.thumbprint) for key in keys},
        ("状态：已停用", "state: it was cut off"): known.state is not ClientState.ACTIVE,
    }
    if wrong := [words for words, differs in differing.items() if differs]:
        raise Conflict(
            f"{client.name} 已登记为 {known.id}，不同的是：{'、'.join(zh for zh, _ in wrong)}。",
            f"{client.name} is registered as {known.id} with other {', '.join(en for _, en in wrong)}.",
        )
    return found


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say what the database refuses in our own words."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "persons_are_no_systems":
            raise InvalidInput(
                f"{name} 是登记在册的人：系统须另取名称。", f"{name} is a person on record: a system has another name."
            ) from None
        if error.constraint_name == "name_has_one_spelling":
            raise InvalidInput(
                "名称中有看不见的，或有另一种写法的字符。",
                "A name has characters that cannot be seen, or that have another spelling.",
            ) from None
        raise


def _registered(rows: Sequence[Record]) -> RegisteredClient:
    first = rows[0]
    client = Client(
        id=ClientId(first["id"]),
        name=first["name"],
        kind=ClientKind(first["kind"]),
        scopes=frozenset(first["scopes"]),
        organisation=first["organisation"],
        state=ClientState(first["state"]),
        registered_at=first["registered_at"],
    )
    return RegisteredClient(client=client, keys=tuple(_key(row) for row in rows))


def _key(row: Record) -> ClientKey:
    return ClientKey(
        kid=row["kid"],
        thumbprint=row["thumbprint"],
        jwk=row["jwk"],
        not_before=row["not_before"],
        not_after=row["not_after"],
    )


def _event(row: Record) -> ClientEvent:
    return ClientEvent(
        act=ClientAct(row["act"]),
        actor=row["actor"],
        at=row["at"],
        reason=row["reason"],
        scopes=None if row["scopes"] is None else frozenset(row["scopes"]),
        added=tuple(row["added"]),
        ended=tuple(row["ended"]),
    )


def _no_client(client_id: str) -> NotFound:
    return NotFound(
        f"没有客户端 {client_id}；certsvc client list 列出全部。",
        f"There is no client {client_id}; certsvc client list shows them all.",
    )
