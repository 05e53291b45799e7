"""The audit: who did what, when, in the caller's transaction."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from certsvc.ids import Ref
from certsvc.store.pool import Connection
from certsvc.store.queries import queries

SQL = queries("write")


async def audit(
    connection: Connection, at: datetime, actor: str, action: str, ref: Ref | None, detail: Mapping[str, Any]
) -> None:
    """One line of the audit: who did what, when. `detail` holds nothing about persons."""
    slot, raw = (None, None) if ref is None else (ref.slot, ref.to_bytes())
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True)
    await connection.execute(SQL["insert_audit"], at, actor, action, slot, raw, text)
