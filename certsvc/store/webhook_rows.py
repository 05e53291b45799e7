"""Rows to web-hooks, deliveries and attempts."""

import json
from datetime import timedelta

from asyncpg import Record

from certsvc.domain.notice import Notice
from certsvc.domain.webhook import (
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    DisabledWhy,
    HookState,
    SealedSecret,
    Trouble,
    WebHook,
)
from certsvc.store.rows import ref_or_none


def to_notice(row: Record, column: str = "id") -> Notice:
    """A row with the columns of a notice, whose id is in `column`."""
    return Notice(
        id=row[column],
        position=row["position"],
        at=row["at"],
        kind=row["kind"],
        data=json.loads(row["data"]),
        ref=ref_or_none(row["ref"]),
    )


def to_hook(row: Record) -> WebHook:
    """A row of `webhook` that is not removed."""
    old = row["old_sealed_secret"]
    return WebHook(
        id=row["id"],
        client=row["client"],
        url=row["url"],
        kinds=None if row["kinds"] is None else frozenset(row["kinds"]),
        state=HookState(row["state"]),
        made_at=row["made_at"],
        secret=SealedSecret(sealed=row["sealed_secret"], key_id=row["secret_key_id"]),
        old_secret=None if old is None else SealedSecret(sealed=old, key_id=row["old_secret_key_id"]),
        old_secret_until=row["old_secret_until"],
        disabled_why=DisabledWhy(row["disabled_why"]) if row["disabled_why"] else None,
        failing_since=row["failing_since"],
        failures=row["failures"],
        rests_until=row["rests_until"],
    )


def to_delivery(row: Record) -> Delivery:
    """A row of `webhook_delivery` with its notice beside it."""
    notice = None if row["notice_id"] is None else to_notice(row, "notice_id")
    return Delivery(
        id=row["id"],
        hook_id=row["webhook_id"],
        notice=notice,
        state=DeliveryState(row["state"]),
        made_at=row["made_at"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        tries=row["tries"],
        ended_at=row["ended_at"],
    )


def to_attempt(row: Record) -> Attempt:
    """A row of `webhook_attempt`."""
    answer = None
    if row["took_ms"] is not None:
        answer = Answer(
            took=timedelta(milliseconds=row["took_ms"]),
            status=row["status"],
            trouble=Trouble(row["trouble"]) if row["trouble"] else None,
            beginning=row["answer"] or "",
        )
    return Attempt(delivery_id=row["delivery_id"], number=row["number"], begun_at=row["begun_at"], answer=answer)
