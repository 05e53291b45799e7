"""Reserving: number, identifier and status-list index are taken together, in the caller's transaction."""

import json
import secrets
from typing import Any

import asyncpg

from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Draft, Order
from certsvc.domain.number import NumberSeries
from certsvc.errors import Conflict, KeyReused, NotFound, StoreError
from certsvc.ids import Ref, certificate_identifier, ref_from_bytes, slot_of_licence
from certsvc.store.audit import audit
from certsvc.store.external import insert_page
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.rows import to_ground_columns
from certsvc.store.seals import require_not_destroyed

SQL = queries("write")
FIRST_VERSION = 1
LIST_SIZE = 1 << 20
DRAWS = 64
"""A list three quarters full still gives an index in 64 draws but once in 10⁸."""


async def known_order(connection: Connection, order: Order, digest: bytes) -> Ref | None:
    """The reference an order was given before.

    Raises:
        KeyReused: it had other content then.
    """
    row = await connection.fetchrow(SQL["find_order"], order.client, order.key)
    if row is None:
        return None
    if row["digest"] != digest:
        raise KeyReused.of(order.key)
    return ref_from_bytes(row["ref"])


async def reserve(connection: Connection, draft: Draft) -> Ref:
    """Reserve for `draft`, or find what the same order reserved before.

    Raises:
        KeyReused, NotFound, Conflict, SealRefused: see `PostgresRegister.reserve`.
    """
    key = draft.ref.slot, draft.ref.to_bytes()
    order = draft.order.client, draft.order.key, draft.order_digest
    if await connection.fetchval(SQL["insert_order"], *order, *key) is None:
        known = await known_order(connection, draft.order, draft.order_digest)
        assert known is not None, "orders are never removed"
        return known
    await require_not_destroyed(connection, draft.seal_id)
    root = await _lock_root(connection, draft)
    await _require_place(connection, draft, root)
    number = await _take_number(connection, draft)
    await _insert(connection, draft, root, number)
    await _insert_holders(connection, draft)
    await insert_page(connection, draft)
    detail = {"type": draft.type_id, "number": number, "version": _version(draft)}
    await audit(connection, draft.reserved_at, draft.order.client, "reserve", draft.ref, detail)
    return draft.ref


def _version(draft: Draft) -> int:
    return FIRST_VERSION if draft.previous is None else draft.previous.version + 1


async def _lock_root(connection: Connection, draft: Draft) -> bytes:
    """The reference the certificate hangs on: the licence of a permit, else its own life; held until the end."""
    if draft.previous is not None:
        life = draft.previous.life
        held: bytes = await connection.fetchval(SQL["lock_root"], life.slot, life.to_bytes())
        return held
    if draft.category is not Category.PERMIT or draft.licence is None:
        return draft.ref.to_bytes()
    slot = slot_of_licence(draft.licence)
    root: bytes | None = await connection.fetchval(SQL["find_licence"], slot, draft.licence)
    if root is None:
        raise NotFound(
            f"{draft.licence} 还没有已签发的营业执照；许可证要先有执照才能签发。",
            f"{draft.licence} has no licence that was issued; a permit needs the licence first.",
        )
    await connection.fetchval(SQL["lock_root"], slot, root)
    return root


async def _require_place(connection: Connection, draft: Draft, root: bytes) -> None:
    """One certificate of a type for one place; the lock on the licence keeps another order from seeing the same."""
    if draft.place is None or draft.category is not Category.PERMIT:
        return
    life = draft.previous.life if draft.previous else draft.ref
    values = draft.type_number, draft.place, life.to_bytes(), draft.term.start
    other = await connection.fetchval(SQL["find_same_place"], draft.ref.slot, root, *values)
    if other is not None:
        code = ref_from_bytes(other).typed_code
        raise Conflict(
            f"这一处（{draft.place}）已有一件有效的同类证照 {code}；续期、变更请在它上面办理。",
            f"There is one of this type for this place ({draft.place}): {code}. Renew or change that one.",
        )


async def _take_number(connection: Connection, draft: Draft) -> str:
    if isinstance(draft.number, NumberSeries):
        return await _next_number(connection, draft, draft.number)
    taken = draft.type_number, draft.number, _version(draft), draft.reserved_at
    if await connection.fetchval(SQL["take_number"], *taken) is not None:
        return draft.number
    if draft.previous is not None:
        raise Conflict(
            f"编号 {draft.number} 已有第 {_version(draft)} 版在办理或已签发；请在最新的一版上办理。",
            f"Version {_version(draft)} of {draft.number} is under way or issued: act on the newest version.",
        )
    raise Conflict(f"编号 {draft.number} 已被占用。", f"The number {draft.number} is taken.")


async def _next_number(connection: Connection, draft: Draft, series: NumberSeries) -> str:
    """The next of the series that nobody took by name; the series is ours until the transaction ends."""
    while True:
        number = series.number(await connection.fetchval(SQL["next_serial"], series.template))
        taken = draft.type_number, number, FIRST_VERSION, draft.reserved_at
        if await connection.fetchval(SQL["take_number"], *taken) is not None:
            return number


async def _insert(connection: Connection, draft: Draft, root: bytes, number: str) -> None:
    version = _version(draft)
    identifier = certificate_identifier(draft.type_code, draft.issuer.uscc, draft.identifier_serial, version)
    first = draft.holders[0]
    head = (
        *(draft.ref.slot, draft.ref.to_bytes(), root, draft.category, draft.type_id, draft.type_version),
        *(draft.type_number, number, version, identifier, draft.public_holder_name, first.code_kind),
        *(draft.subject, draft.issuer.name, draft.issuer.uscc, draft.seal_id, draft.term.start, draft.term.end),
    )
    tail = _tail(draft)
    try:
        for _ in range(DRAWS):
            index = draw_index()
            if await connection.fetchval(SQL["insert_certificate"], *head, draft.list_name, index, *tail) is not None:
                return
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "one_licence_per_business":
            raise
        raise Conflict(
            f"{draft.subject} 已有营业执照。", f"The business {draft.subject} has a licence already."
        ) from None
    raise StoreError(
        f"状态列表 {draft.list_name} 已满。", f"The status list {draft.list_name} has no index left to draw."
    )


def _tail(draft: Draft) -> tuple[Any, ...]:
    life = draft.previous.life if draft.previous else draft.ref
    came_from = draft.previous.identifier if draft.previous else draft.order.previous_identifier
    ground = json.dumps(to_ground_columns(draft.order.ground), ensure_ascii=False)
    public_fields = json.dumps(draft.public_fields, ensure_ascii=False)
    return (
        *(public_fields, draft.sealed_payload, draft.payload_key_id, draft.reserved_at, life.to_bytes()),
        *(draft.order.act, draft.takes_over, draft.place, draft.head_office, came_from, ground, draft.order.layout),
    )


async def _insert_holders(connection: Connection, draft: Draft) -> None:
    for place, holder in enumerate(draft.holders, start=1):
        values = place, holder.name, holder.code_kind, holder.code, holder.code_hash
        await connection.execute(SQL["insert_holder"], draft.ref.slot, draft.ref.to_bytes(), *values)


def draw_index() -> int:
    """An index in a status list, drawn at random so that it tells nothing of order or number."""
    return secrets.randbelow(LIST_SIZE)
