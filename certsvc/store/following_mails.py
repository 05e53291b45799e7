"""What is to be told to followers, and the mails that tell it: `telling.following_parts.Following` on PostgreSQL.

Notices are looked through in the order of committing, once; the work is that of the changes and of those told. That a
term ends is no notice: it is looked for once a day, among what is followed alone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from asyncpg import Record

from certsvc.domain.following import (
    COUNTED_FOR,
    GIVEN_UP_AFTER,
    KEPT_AFTER_END,
    MAIL,
    MOST_BROKEN_OFF,
    MOST_CHANGES,
    MOST_REFUSALS,
    Came,
    Change,
    Mail,
    MailKind,
)
from certsvc.domain.states import ENDED_BY_TERM
from certsvc.errors import InvalidIdentifier
from certsvc.ids import Ref, parse_typed_code, ref_from_bytes
from certsvc.store.jobs import enqueue
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("following")
AT_ONCE, MAILS_AT_ONCE = 500, 50
"""Notices, and mails, in one transaction."""


class PostgresFollowing:
    """Needs the database role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def spread(self, now: datetime) -> int:
        """Put down what followers are to be told of the notices since the last time; how many notices there were."""
        seen = 0
        while True:
            async with self._pool.connection() as connection:
                end = await connection.fetchval(SQL["end_of_notices"]) or 0
            async with self._pool.transaction() as connection:
                after: int = await connection.fetchval(SQL["lock_following_end"])
                until = min(end, after + AT_ONCE)
                if until <= after:
                    return seen
                parts = await _parts(connection, after, until)
                await connection.execute(SQL["spread"], after, until, now, *parts)
                await connection.execute(SQL["move_following_end"], until)
                seen += until - after

    async def spread_terms(self, today: date, now: datetime) -> None:
        """Put down which terms have ended since the last time, for those who follow by then. `today` is Beijing's."""
        async with self._pool.transaction() as connection:
            since = await connection.fetchval(SQL["lock_terms_end"])
            if since is not None and since >= today:
                return
            if since is not None:
                await connection.execute(SQL["spread_terms"], since, today, now, list(ENDED_BY_TERM))
            await connection.execute(SQL["move_terms_end"], today)

    async def make_mails(self, now: datetime) -> int:
        """A mail for each follower who may be told now, with all that waits; how many."""
        made = 0
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["due_followers"], now, MAILS_AT_ONCE)
                for row in rows:
                    made += await _make_mail(connection, row["id"], now)
            if len(rows) < MAILS_AT_ONCE:
                return made

    async def queue(self, now: datetime) -> None:
        """Give every new mail to a worker."""
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["queue_mails"], now, MAILS_AT_ONCE)
                for row in rows:
                    await enqueue(connection, MAIL, str(row["id"]), now)
            if len(rows) < MAILS_AT_ONCE:
                return

    async def expiring(self, before: datetime, limit: int) -> Sequence[Mail]:
        """Who is to be asked whether to go on."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["expiring"], before, limit)
        return [_mail(0, row["id"], MailKind.REMIND, row, before) for row in rows]

    async def remind(self, follower: str, sealed: bytes, key_id: str, confirm_hash: bytes, now: datetime) -> None:
        """A follower is asked whether to go on, once, with a fresh secret."""
        async with self._pool.transaction() as connection:
            done = await connection.execute(SQL["remind"], follower, now, sealed, key_id, confirm_hash)
            if done.endswith(" 1"):
                await connection.execute(SQL["insert_mail"], follower, MailKind.REMIND, now)

    async def begin(self, mail_id: int, now: datetime) -> Mail | None:
        """Put on record that a mail is about to be sent. None when it is not to be: it ended, its follower did, it is
        too old, or it was broken off twice and may have arrived."""
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["begin_mail"], mail_id, now)
            if row is None:
                return None
            follower = await connection.fetchrow(SQL["mail_follower"], row["follower_id"])
            kind = MailKind(row["kind"])
            why = _not_sent(row, follower, kind, now)
            if why is not None or follower is None:
                await connection.execute(SQL["end_mail"], mail_id, now, why)
                return None
            changes = tuple(_change(one) for one in json.loads(row["changes"] or "[]"))
        return _mail(mail_id, row["follower_id"], kind, follower, row["made_at"], changes)

    async def put_off(self, mail_id: int) -> None:
        """It was certainly not sent."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["put_off_mail"], mail_id)

    async def end(self, mail: Mail, came: Came, now: datetime) -> None:
        """What came of a mail; what an address refuses for good is counted."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["end_mail"], mail.id, now, came)
            if came is Came.REFUSED:
                await connection.execute(SQL["note_refused"], mail.follower, now, MOST_REFUSALS)
            elif came is Came.SENT:
                await connection.execute(SQL["note_taken"], mail.follower)

    async def tidy(self, now: datetime) -> None:
        """End what came to its end; forget what ended 30 days ago."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["expire"], now)
            await connection.execute(SQL["purge_followers"], now - KEPT_AFTER_END)
            await connection.execute(SQL["purge_mails"], now - KEPT_AFTER_END)
            await connection.execute(SQL["purge_requests"], now - 2 * COUNTED_FOR)


async def _make_mail(connection: Connection, follower: str, now: datetime) -> int:
    """One mail with what waits; the rest of very much is told a day later."""
    rows = await connection.fetch(SQL["take_changes"], follower, MOST_CHANGES)
    if rows:
        found = [json.loads(row["change"]) for row in sorted(rows, key=lambda row: row["id"])]
        changes = json.dumps(found, ensure_ascii=False)
        await connection.execute(SQL["mail_changes"], follower, changes, now)
    await connection.execute(SQL["told"], follower, now)
    return bool(rows)


async def _parts(connection: Connection, after: int, until: int) -> tuple[list[Any], ...]:
    """What became of parts of cases, as columns; the cases by their references."""
    found = []
    for row in await connection.fetch(SQL["case_notices"], after, until):
        try:
            ref = parse_typed_code(row["code"] or "")
        except InvalidIdentifier:  # a notice of another shape tells nothing here
            continue
        found.append((row["position"], row["at"], ref.slot, ref.to_bytes(), row["type_id"], row["state"]))
    return tuple(list(column) for column in zip(*found, strict=True)) if found else ([], [], [], [], [], [])


def _not_sent(row: Record, follower: Record | None, kind: MailKind, now: datetime) -> Came | None:
    """Why a mail is not sent any more, if it is not."""
    if follower is None or (kind is MailKind.CONFIRM and follower["confirmed_at"] is not None):
        return Came.NOT_WANTED
    if row["broken_off"] >= MOST_BROKEN_OFF or now - row["made_at"] > GIVEN_UP_AFTER:
        return Came.GIVEN_UP
    return None


def _mail(
    mail_id: int,
    follower: str,
    kind: MailKind,
    row: Record,
    made_at: datetime,
    changes: tuple[Change, ...] = (),
) -> Mail:
    return Mail(
        id=mail_id,
        kind=kind,
        follower=follower,
        licence=ref_from_bytes(row["ref"]),
        licence_type=row["type_id"],
        language=row["language"],
        sealed=row["sealed"],
        key_id=row["key_id"],
        made_at=made_at,
        expires_at=row["expires_at"],
        changes=changes,
    )


def _change(one: Mapping[str, str]) -> Change:
    code = one.get("code")
    named = {name: one.get(name) for name in ("before", "act", "effective")}
    ref: Ref | None = ref_from_bytes(bytes.fromhex(code)) if code else None
    return Change(
        type_id=one.get("type_id", ""), after=one.get("after", ""), code=ref.typed_code if ref else None, **named
    )
