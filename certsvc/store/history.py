"""What happened to a certificate: the event and everything that follows from it, in the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from certsvc.domain.issuing import StatusEvent
from certsvc.ids import Ref
from certsvc.store.leaf import leaf_of
from certsvc.store.pool import Connection
from certsvc.store.queries import queries

SQL = queries("write")


async def record_event(connection: Connection, event: StatusEvent, documents: Sequence[bytes] = ()) -> None:
    """The event, its status period, its log leaf, its line in the outbox and in the audit.

    The act recorded last rules from its effective day on, whatever was recorded before for those days; the days before
    keep their state, and what was known until now stays on record.
    """
    key = event.ref.slot, event.ref.to_bytes()
    ground = event.reason, event.legal_basis, event.decision_number
    act = event.act, event.status, event.effective, event.recorded_at, event.actor
    event_id = await connection.fetchval(SQL["insert_event"], *key, *act, *ground)
    await connection.execute(SQL["close_periods"], *key, event.effective, event.recorded_at)
    period = event.status, event.effective, event.recorded_at, event_id
    await connection.execute(SQL["insert_period"], *key, *period)
    leaf = leaf_of(event, documents)
    await connection.execute(SQL["insert_leaf"], *key, event_id, leaf.salt, leaf.hash, event.recorded_at)
    await connection.execute(SQL["insert_outbox"], *key, event_id, event.recorded_at)
    await audit(connection, event.recorded_at, event.actor, event.act, event.ref, {"event": event_id})


async def audit(
    connection: Connection, at: datetime, actor: str, action: str, ref: Ref | None, detail: Mapping[str, Any]
) -> None:
    """One line of the audit: who did what, when. `detail` holds nothing about persons."""
    slot, raw = (None, None) if ref is None else (ref.slot, ref.to_bytes())
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
    await connection.execute(SQL["insert_audit"], at, actor, action, slot, raw, text)
