"""Seals on record: `services.SealRegister` on PostgreSQL, and what the issue walk needs of it."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from certsvc.domain.calendar import beijing_date, start_of_day
from certsvc.domain.seal import Seal, SealPeople, SealUse, no_seal
from certsvc.domain.seal_acts import (
    BookedUse,
    RegisteredSeal,
    SealAct,
    SealActRequest,
    SealEvent,
    SealRulesRequest,
    SealState,
)
from certsvc.errors import Conflict, InvalidInput, KeyReused, SealRefused
from certsvc.ids import Ref
from certsvc.store.audit import audit
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.seal_refusals import STATES, explained
from certsvc.store.seal_rows import (
    design_columns,
    rule_columns,
    rules_as_json,
    to_booked_use,
    to_registered_seal,
    to_seal,
    to_seal_event,
)
from certsvc.store.seal_waits import bring_forward

SQL = queries("seals")
CEREMONY = "ceremony"
"""The actor in the audit where no person or system is named."""

AT_A_CEREMONY = "密钥仪式 key ceremony"
MOST_USES = 1000


class PostgresSeals:
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def apply(self, seal: Seal, request: SealActRequest, now: datetime) -> SealEvent:
        """Put a seal that is applied for on record; the same request again gives the same event.

        Raises:
            Conflict: there is a seal of this id.
            KeyReused: the key of the request was used with other content.
            Forbidden: the people named are not different people, or somebody else applies.
        """
        asked = [replace(request, client="", key=""), design_columns(seal.design), rule_columns(seal), seal.people]
        digest = _digest([*asked, seal.owner, seal.owner_uscc, seal.rank, *[True] * seal.needs_authorisation])
        async with self._pool.transaction() as connection:
            with explained(seal.id, request.act):
                inserted = await connection.fetchval(SQL["apply_for_seal"], *_columns(seal, _people(seal), now))
                known = await _known_event(connection, request, digest)
                if known is not None:
                    return known
                if inserted is None:
                    raise Conflict(f"已有印章 {seal.id}。", f"There is a seal {seal.id} already.")
                return await _record(connection, request, digest, now)

    async def act(self, request: SealActRequest, now: datetime) -> SealEvent:
        """Put an act on record; the same request again gives the same event. What waits for a seal that is enabled then
        is tried again at once.

        Raises:
            NotFound: there is no such seal.
            ActNotAllowed, Forbidden, InvalidInput: see `seal_refusals.explained`.
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            return await act_within(connection, request, now)

    async def seal(self, seal_id: str, now: datetime) -> RegisteredSeal:
        """A seal as it stands.

        Raises:
            NotFound: there is none of this id.
        """
        found = await self._seals(seal_id, now)
        if not found:
            raise no_seal(seal_id)
        return found[0]

    async def seals(self, now: datetime) -> Sequence[RegisteredSeal]:
        """Every seal as it stands, by id."""
        return await self._seals(None, now)

    async def with_keys(self) -> Sequence[Seal]:
        """Every seal that has a key, be it enabled now or not, by id."""
        async with self._pool.connection() as connection:
            return [to_seal(row) for row in await connection.fetch(SQL["seals_with_keys"])]

    async def unfinished(self) -> Sequence[str]:
        """The ids of the seals whose key is still to be made or destroyed."""
        async with self._pool.connection() as connection:
            return [row["id"] for row in await connection.fetch(SQL["unfinished_seals"])]

    async def events(self, seal_id: str) -> Sequence[SealEvent]:
        """The life of a seal, in the order of recording."""
        async with self._pool.connection() as connection:
            return [to_seal_event(row) for row in await connection.fetch(SQL["seal_events"], seal_id)]

    async def uses(self, seal_id: str, before: int | None, limit: int) -> Sequence[BookedUse]:
        """Uses of a seal, newest first; with `before` those older than that use. At most 1,000 at once."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["seal_uses"], seal_id, before, min(limit, MOST_USES))
        return [to_booked_use(row) for row in rows]

    async def _seals(self, seal_id: str | None, now: datetime) -> list[RegisteredSeal]:
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["seals"], seal_id, start_of_day(beijing_date(now)))
        return [to_registered_seal(row) for row in rows]


async def act_within(connection: Connection, request: SealActRequest, now: datetime) -> SealEvent:
    """`PostgresSeals.act` as part of a transaction in which more is done.

    Raises:
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see there.
    """
    digest = _digest([replace(request, client="", key="")])
    with explained(request.seal_id, request.act):
        if await connection.fetchval(SQL["lock_seal"], request.seal_id) is None:
            raise no_seal(request.seal_id)
        known = await _known_event(connection, request, digest)
        if known is not None:
            return known
        event = await _record(connection, request, digest, now)
    if event.state is SealState.ENABLED:
        await bring_forward(connection, request.seal_id, now)
    return event


async def enrol(connection: Connection, seal: Seal, now: datetime) -> None:
    """Put a seal of a ceremony on record, enabled, with the acts of the people its plan names; one that is there is
    left as it is, its rules of use too: they change by an act (`certsvc seal rules`).

    Raises:
        Conflict: a seal of this id is on record with another owner or picture.
        InvalidInput: it is new, and the plan does not name its people.
        Forbidden: they are not different people.
    """
    with explained(seal.id):
        state, is_new = await _enrolled_state(connection, seal, now)
        if state is None:
            raise Conflict(
                f"印章 {seal.id} 已登记，单位或图样与此不同。",
                f"The seal {seal.id} is on record with another owner or picture.",
            )
        if state == SealState.NEW:
            await _enable(connection, seal.id, _people(seal), now)
    if is_new:
        types = sorted(seal.certificate_types)
        await audit(connection, now, CEREMONY, "enrol_seal", None, {"seal": seal.id, "types": types})


async def book(connection: Connection, ref: Ref, use: SealUse, actor: str, now: datetime) -> int | None:
    """Record the intent to use a seal; the number of this use in the whole register, None if `ref` is not on record.

    Raises:
        SealRefused: the seal is not enabled, its rules do not allow this use, or its manager or auditor is to use it.
        InvalidInput: the name of who uses it has characters that cannot be seen.
    """
    place = use.place.page, use.place.x_mm, use.place.y_mm
    who = " ".join(unicodedata.normalize("NFKC", actor).split())
    values = ref.slot, ref.to_bytes(), use.seal_id, use.layout, who, now, use.digest, *place
    with explained(use.seal_id):
        booked: int | None = await connection.fetchval(SQL["book_seal_use"], *values)
    if booked is not None:
        detail = {"use": booked, "seal": use.seal_id, "layout": use.layout}
        await audit(connection, now, actor, "use_seal", ref, detail)
    return booked


async def require_not_destroyed(connection: Connection, seal_id: str) -> None:
    """See that nothing is reserved for a seal that will never be used again.

    Raises:
        SealRefused: it is destroyed, or being destroyed.
    """
    state = await connection.fetchval(SQL["seal_state"], seal_id)
    if state in (SealState.DESTROYING, SealState.DESTROYED):
        zh, en = STATES[SealState(state)]
        words = f"印章 {seal_id} {zh}，不能再用。", f"The seal {seal_id} is {en} and is never used again."
        raise SealRefused(*words, reason="not_enabled", seal_id=seal_id)


def _people(seal: Seal) -> SealPeople:
    if seal.people is None:
        raise InvalidInput(
            f"印章 {seal.id} 没有写明申请人、批准人、管理人、保管人和监督人。",
            f"The seal {seal.id} does not name its applicant, approver, manager, keeper and auditor.",
        )
    return seal.people


async def _enrolled_state(connection: Connection, seal: Seal, now: datetime) -> tuple[str | None, bool]:
    """How far the seal has come, None if there is another of its id; and whether it is new."""
    if await connection.fetchval(SQL["seal_state"], seal.id) is None:
        new: str | None = await connection.fetchval(SQL["apply_for_seal"], *_columns(seal, _people(seal), now))
        if new is not None:  # else another process was faster
            return new, True
    design, _ = design_columns(seal.design)
    known: str | None = await connection.fetchval(SQL["enrolled_seal"], seal.id, seal.owner, seal.owner_uscc, design)
    return known, False


async def _enable(connection: Connection, seal_id: str, people: SealPeople, now: datetime) -> None:
    acts = {
        SealAct.APPLY: people.applicant,
        SealAct.APPROVE: people.approver or "",
        **dict.fromkeys((SealAct.MAKE, SealAct.MADE, SealAct.ENABLE), people.manager),
    }
    for act, actor in acts.items():
        request = SealActRequest(
            client=CEREMONY, key=f"{seal_id}:{act}", seal_id=seal_id, act=act, actor=actor, reason=AT_A_CEREMONY
        )
        await _insert_event(connection, request, _digest([request]), now)


async def _known_event(connection: Connection, request: SealActRequest, digest: bytes) -> SealEvent | None:
    row = await connection.fetchrow(SQL["find_seal_event"], request.client, request.key)
    if row is None:
        return None
    if (row["seal_id"], row["digest"]) != (request.seal_id, digest):
        raise KeyReused.of(request.key)
    return to_seal_event(row)


async def _record(connection: Connection, request: SealActRequest, digest: bytes, now: datetime) -> SealEvent:
    event = to_seal_event(await _insert_event(connection, request, digest, now))
    detail = {"seal": request.seal_id, "event": event.id}
    await audit(connection, now, request.actor, f"seal_{request.act}", None, detail)
    return event


async def _insert_event(connection: Connection, request: SealActRequest, digest: bytes, now: datetime) -> Record:
    who = request.actor, now, request.reason, request.successor, request.confirmed_by, request.certificate
    rules = rules_as_json(request.rules) if isinstance(request, SealRulesRequest) else None
    values = request.seal_id, request.act, *who, request.client, request.key, digest, rules
    row = await connection.fetchrow(SQL["insert_seal_event"], *values)
    if row is None:
        raise KeyReused.of(request.key)
    return row


def _columns(seal: Seal, people: SealPeople, now: datetime) -> tuple[Any, ...]:
    duties = people.applicant, people.manager, people.keeper, people.auditor
    design = design_columns(seal.design)
    rules = *rule_columns(seal), *duties, seal.needs_authorisation
    return seal.id, seal.owner, seal.owner_uscc, *design, seal.rank, now, *rules


def _digest(content: list[Any]) -> bytes:
    """SHA-256 of what is asked: the same key with another digest is another request."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).digest()
