"""The life of a certificate on record: events go in, and the states of every version follow from all of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.life import Event, Period, before, not_allowed, periods, refusal, standing, status_on
from certsvc.domain.states import Condition, Status
from certsvc.errors import ActNotAllowed
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.leaf import leaf_of
from certsvc.store.notices import tell
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.rows import to_conditions, to_event

SQL = queries("write")
DAY = timedelta(days=1)


async def events_of(connection: Connection, life: Ref) -> list[Event]:
    """Everything on record of a life, in the order of recording."""
    return [to_event(row) for row in await connection.fetch(SQL["events"], life.slot, life.to_bytes())]


async def record(connection: Connection, event: Event, documents: Sequence[bytes] = ()) -> Event:
    """Put an event on record, with its log leaf, its notice and its line in the audit, and tell the life anew.

    The caller holds the lock on the life. What was known until now stays on record.

    Raises:
        ActNotAllowed: the act is not allowed from the state it meets on its day.
    """
    events = await events_of(connection, event.ref)
    latest = max((known.recorded_at for known in events), default=event.recorded_at)
    event = replace(event, recorded_at=max(event.recorded_at, latest))  # who came first was known first
    _require_allowed(events, event)
    status = _status_after(events, event)
    event_id = await connection.fetchval(SQL["insert_event"], *_event_values(event, status))
    recorded = replace(event, id=event_id)
    key = event.ref.slot, event.ref.to_bytes()
    leaf = leaf_of(event, status, documents)
    await connection.execute(SQL["insert_leaf"], *key, event_id, leaf.salt, leaf.hash, event.recorded_at)
    await tell(connection, event.recorded_at, f"certificate.{event.act}", _told(recorded, status), ref=event.ref)
    await audit(connection, event.recorded_at, event.actor, event.act, event.ref, {"event": event_id})
    await _tell_anew(connection, event.ref, [*events, recorded], event.recorded_at)
    return recorded


def _told(event: Event, status: Status) -> dict[str, Any]:
    """What others are told of an event: nothing about persons, no reasons."""
    return {
        "event": event.id,
        "act": event.act.value,
        "status": status.value,
        "effective": event.effective.isoformat(),
        "version": event.version.typed_code if event.version else None,
    }


def _require_allowed(events: Sequence[Event], event: Event) -> None:
    met = before(events, event)
    if event.act is Act.STRIKE:
        target = next((known for known in events if known.id == event.strikes), None)
        if target is None or ACTS[target.act].makes is not Makes.NOTHING or target not in standing(events):
            raise ActNotAllowed(
                "要更正的登记不存在、已被更正，或是签发的登记（签发有误的，用撤销）。",
                "There is no such entry to strike, it was struck already, or it is an issue (which is rescinded).",
            )
    elif (code := refusal(event, met)) is not None and ACTS[event.act].makes is not Makes.NEXT:
        raise not_allowed(code, event, met.status)


def _status_after(events: Sequence[Event], event: Event) -> Status:
    last = max((known.id for known in events), default=0)
    return status_on([*events, replace(event, id=last + 1)], event.effective) or Status.VALID


async def _tell_anew(connection: Connection, life: Ref, events: Sequence[Event], at: datetime) -> None:
    for row in await connection.fetch(SQL["versions"], life.slot, life.to_bytes()):
        await _revise(connection, ref_from_bytes(row["ref"]), life, periods(events, ref_from_bytes(row["ref"])), at)


async def _revise(connection: Connection, ref: Ref, life: Ref, told: Iterable[Period], at: datetime) -> None:
    """Only what is told otherwise than before changes on record."""
    key = ref.slot, ref.to_bytes()
    wanted = dict.fromkeys(_said(period) for period in told)
    for row in await connection.fetch(SQL["known_periods"], *key):
        conditions = to_conditions(row["conditions"])
        known = row["status"], row["valid"].lower, row["valid"].upper, conditions, row["event_id"]
        if known in wanted:
            del wanted[known]
        else:
            await connection.execute(SQL["end_period"], *key, row["id"], at)
    for status, start, end, conditions, event_id in wanted:
        values = status, start, end, at, life.to_bytes(), event_id, _conditions_json(conditions)
        await connection.execute(SQL["insert_period"], *key, *values)


def _said(period: Period) -> tuple[str, date, date | None, tuple[Condition, ...], int]:
    """What a period says, as a row says it: its end is the day after."""
    after = None if period.end is None else period.end + DAY
    return period.status.value, period.start, after, period.conditions, period.event.id


def _conditions_json(conditions: Iterable[Condition]) -> str:
    told = [
        {
            "kind": condition.kind.value,
            "since": condition.since.isoformat(),
            "due": condition.due.isoformat() if condition.due else None,
            "basis": condition.basis,
        }
        for condition in conditions
    ]
    return json.dumps(told, ensure_ascii=False)


def _event_values(event: Event, status: Status) -> tuple[Any, ...]:
    ground = event.ground
    return (
        *(event.ref.slot, event.ref.to_bytes(), event.act, status, event.effective, event.recorded_at, event.actor),
        *(event.organ, event.confirmed_by, ground.reason_code, ground.reason, ground.legal_basis),
        *(ground.decision_number, ground.due, ground.successor, event.retroactive, event.strikes),
        event.version.to_bytes() if event.version else None,
    )
