"""Requests that wait for persons: `services.Approvals` on PostgreSQL, which counts and keeps people apart itself."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from certsvc.domain.acts import Act
from certsvc.domain.approval import Approval, ApprovalState, Decision, ToApprove
from certsvc.domain.scope import Scope
from certsvc.errors import Conflict, Forbidden, KeyReused, NotFound
from certsvc.ids import ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.jobs import enqueue
from certsvc.store.notices import tell
from certsvc.store.plan import plan_each
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("approvals")
CARRY_OUT = "approval"
"""The job of doing what was approved."""


class PostgresApprovals:
    """Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, asked: ToApprove) -> Approval:
        """Put a request on record; the same again is the same.

        Raises:
            KeyReused: the key was used with other content.
        """
        async with self._pool.transaction() as connection:
            return await ask_in(connection, asked)

    async def approval(self, approval_id: str) -> Approval:
        """A request as it stands.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            return await _approval(connection, approval_id)

    async def note_view(self, asked: ToApprove, person: str, now: datetime) -> None:
        """Put on record that somebody else than who asked has seen the whole of a request."""
        async with self._pool.transaction() as connection:
            await audit(connection, now, person, "view_request", asked.ref, {"approval": asked.id})

    async def of_request(self, client: str, key: str) -> Approval | None:
        """What a client asked for under a key, as it stands."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["by_key"], client, key)
            return None if row is None else await _approval(connection, row["id"])

    async def decide(self, approval_id: str, client: str, decision: Decision) -> Approval:
        """What a person said; said again, nothing. With the last that was needed, it is to be carried out.

        Raises:
            NotFound: there is no such request.
            Conflict: it is decided, or the person said something else before; or it is to be approved, and whoever
                asked for it was cut off since.
            Forbidden: the person asked for it.
        """
        async with self._pool.transaction() as connection:
            return await decide_in(connection, approval_id, client, decision)

    async def withdraw(self, approval_id: str, by: str, now: datetime) -> Approval:
        """Whoever asked wants it no more; done again, nothing.

        Raises:
            NotFound: there is no such request.
            Conflict: it is decided.
        """
        async with self._pool.transaction() as connection:
            return await withdraw_in(connection, approval_id, by, now)

    async def finish(self, approval_id: str, state: ApprovalState, result: Mapping[str, Any], now: datetime) -> None:
        """What came of what was approved."""
        async with self._pool.transaction() as connection:
            found = await _locked(connection, approval_id)
            if found.state is not ApprovalState.APPROVED:
                return
            await connection.execute(SQL["move"], approval_id, state, now, json.dumps(result, ensure_ascii=False))
            await _tell(connection, await _approval(connection, approval_id), state.value, now)

    async def seen(
        self,
        client: str,
        reach: Sequence[Scope],
        state: ApprovalState,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[Approval]:
        """What a client asked for, and what lies within the reach of scopes, oldest first."""
        values = client, [str(scope) for scope in reach], state, *(after or (None, None)), limit
        async with self._pool.transaction() as connection:
            await plan_each(connection)
            rows = await connection.fetch(SQL["seen"], *values)
            return await _approvals(connection, rows)


async def ask_in(connection: Connection, asked: ToApprove) -> Approval:
    """`PostgresApprovals.ask`, in the caller's transaction."""
    where = (asked.ref.slot, asked.ref.to_bytes()) if asked.ref else (None, None)
    values = asked.id, asked.client, asked.key, asked.digest, asked.act, asked.type_id, list(asked.seals)
    rest = asked.area, *where, asked.sealed_request, asked.payload_key_id, asked.needed, asked.asked_at
    approval_id = await connection.fetchval(SQL["ask"], *values, *rest)
    if approval_id is None:
        return await _known(connection, asked)
    await audit(connection, asked.asked_at, asked.client, "ask_approval", asked.ref, {"approval": asked.id})
    await _tell(connection, await _approval(connection, asked.id), "asked", asked.asked_at)
    return await _approval(connection, asked.id)


async def decide_in(connection: Connection, approval_id: str, client: str, decision: Decision) -> Approval:
    """`PostgresApprovals.decide`, in the caller's transaction."""
    found = await _locked(connection, approval_id)
    said = next((one for one in found.decisions if one.person == decision.person), None)
    if said is not None and (said.approves, said.reason) == (decision.approves, decision.reason):
        return found
    _require_open(found, decision)
    if decision.approves and await connection.fetchval(SQL["is_cut_off"], found.asked.client):
        raise _cut_off(found)
    values = approval_id, decision.person, client, decision.approves, decision.reason, decision.at
    await connection.execute(SQL["decide"], *values)
    word = "approve" if decision.approves else "return"
    await audit(connection, decision.at, decision.person, word, found.asked.ref, {"approval": approval_id})
    await _follow(connection, found, decision)
    return await _approval(connection, approval_id)


async def withdraw_in(connection: Connection, approval_id: str, by: str, now: datetime) -> Approval:
    """`PostgresApprovals.withdraw`, in the caller's transaction."""
    found = await _locked(connection, approval_id)
    if found.state is ApprovalState.WITHDRAWN:
        return found
    if found.state is not ApprovalState.WAITING:
        raise _decided(found)
    await connection.execute(SQL["move"], approval_id, ApprovalState.WITHDRAWN, now, None)
    await audit(connection, now, by, "withdraw_request", found.asked.ref, {"approval": approval_id})
    return await _approval(connection, approval_id)


async def _known(connection: Connection, asked: ToApprove) -> Approval:
    row = await connection.fetchrow(SQL["by_key"], asked.client, asked.key)
    if row is None or row["digest"] != asked.digest:
        raise KeyReused.of(asked.key)
    return await _approval(connection, row["id"])


async def _follow(connection: Connection, found: Approval, decision: Decision) -> None:
    asked = found.asked
    if not decision.approves:
        await connection.execute(SQL["move"], asked.id, ApprovalState.RETURNED, decision.at, None)
        await _tell(connection, await _approval(connection, asked.id), "returned", decision.at)
    elif 1 + sum(one.approves for one in found.decisions) >= asked.needed:
        await connection.execute(SQL["move"], asked.id, ApprovalState.APPROVED, decision.at, None)
        await enqueue(connection, CARRY_OUT, asked.id, decision.at)


def _require_open(found: Approval, decision: Decision) -> None:
    if found.state is not ApprovalState.WAITING or any(one.person == decision.person for one in found.decisions):
        raise _decided(found)
    if found.asked.client == decision.person:
        raise Forbidden("自己申请的，不能自己批准。", "Nobody approves what they asked for themselves.")


def _decided(found: Approval) -> Conflict:
    return Conflict(
        f"{found.asked.id} 已处理（{found.state}），不能再改。",
        f"{found.asked.id} is decided already ({found.state}) and does not change any more.",
    )


def _cut_off(found: Approval) -> Conflict:
    asked = found.asked
    return Conflict(
        f"{asked.client} 提出 {asked.id} 以后已被停用，不能批准，只能退回（approves: false）。",
        f"{asked.client} was cut off since it asked for {asked.id}: it cannot be approved, only returned.",
    )


async def _tell(connection: Connection, found: Approval, word: str, at: datetime) -> None:
    asked = found.asked
    data: dict[str, Any] = {
        "approval": asked.id,
        "act": asked.act.value,
        "type": asked.type_id,
        "state": found.state.value,
    }
    data |= {"result": found.result} if found.result else {}
    await tell(connection, at, f"approval.{word}", data, client=asked.client)


async def _locked(connection: Connection, approval_id: str) -> Approval:
    row = await connection.fetchrow(SQL["lock"], approval_id)
    if row is None:
        raise _nothing(approval_id)
    return (await _approvals(connection, [row]))[0]


async def _approval(connection: Connection, approval_id: str) -> Approval:
    row = await connection.fetchrow(SQL["approval"], approval_id)
    if row is None:
        raise _nothing(approval_id)
    return (await _approvals(connection, [row]))[0]


async def _approvals(connection: Connection, rows: Sequence[Record]) -> list[Approval]:
    said: defaultdict[str, list[Decision]] = defaultdict(list)
    for row in await connection.fetch(SQL["decisions"], [row["id"] for row in rows]):
        values = {name: row[name] for name in ("person", "approves", "reason", "at")}
        said[row["approval_id"]].append(Decision(**values))
    return [_to_approval(row, tuple(said[row["id"]])) for row in rows]


def _to_approval(row: Record, decisions: tuple[Decision, ...]) -> Approval:
    same = "id client key digest type_id area sealed_request payload_key_id needed asked_at".split()
    asked = ToApprove(
        **{name: row[name] for name in same},
        act=Act(row["act"]),
        seals=tuple(row["seals"]),
        ref=ref_from_bytes(row["ref"]) if row["ref"] else None,
    )
    return Approval(
        asked=asked,
        state=ApprovalState(row["state"]),
        decided_at=row["decided_at"],
        decisions=decisions,
        result=json.loads(row["result"]) if row["result"] else None,
    )


def _nothing(approval_id: str) -> NotFound:
    return NotFound(f"没有待批事项 {approval_id[:100]}。", f"There is no request {approval_id[:100]} to approve.")
