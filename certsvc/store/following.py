"""Who follows a licence by mail, as the desk asks for it: `telling.following_parts.Followers` on PostgreSQL."""

from datetime import datetime

from asyncpg import Record

from certsvc.domain.following import (
    CONFIRM_WITHIN,
    COUNTED_FOR,
    MOST_BY_ADDRESS,
    MOST_BY_LICENCE,
    MOST_FOLLOWED,
    Asked,
    Followed,
    MailKind,
    expiry_after,
)
from certsvc.errors import NotFound, TooManyRequests
from certsvc.ids import ref_from_bytes
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL = queries("following")
HOUR_S = 3600


class PostgresFollowers:
    """The database role `certsvc_desk` is enough: it reads no address and no mail."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(self, asked: Asked, now: datetime) -> bool:
        """Put a request on record, with the mail that confirms it; an earlier one that was not confirmed gives way.
        False when no mail goes out: the address had its share of the day, or follows already.

        Raises:
            NotFound: no licence has this reference.
            TooManyRequests: about this licence too much was asked today.
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.transaction() as connection:
            root = await connection.fetchval(SQL["licence_of"], asked.licence.slot, asked.licence.to_bytes())
            if root is None:
                raise NotFound("没有这张执照。", "There is no such licence.")
            if not await _admit(connection, asked, root, now):
                return False
            known = await connection.fetchrow(SQL["following_now"], asked.address_hash, asked.licence.slot, root)
            this_one = known is not None and known["this_one"]
            if known is not None and (known["many"] >= MOST_FOLLOWED or (this_one and known["confirmed_at"])):
                return False
            if known is not None and this_one:
                await connection.execute(SQL["drop_unconfirmed"], known["id"], now)
            await _insert(connection, asked, root, now)
        return True

    async def asked_with(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        """Whose one-time secret this is, as long as it is good."""
        async with self._pool.connection() as connection:
            return _followed(await connection.fetchrow(SQL["by_confirm"], confirm_hash, now))

    async def confirm(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        """Following begins or goes on, for 13 months; the secret is used up."""
        async with self._pool.transaction() as connection:
            return _followed(await connection.fetchrow(SQL["confirm"], confirm_hash, now, expiry_after(now)))

    async def stopped_with(self, stop_hash: bytes) -> Followed | None:
        """Whose secret to stop this is."""
        async with self._pool.connection() as connection:
            return _followed(await connection.fetchrow(SQL["by_stop"], stop_hash))

    async def stop(self, stop_hash: bytes, now: datetime) -> None:
        """Following ends, and the address goes."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["stop"], stop_hash, now)


async def _admit(connection: Connection, asked: Asked, root: bytes, now: datetime) -> bool:
    """Whether a mail may go out; it is counted then. Of the address nothing is said, of the licence it is no secret."""
    await connection.fetchval(SQL["lock_address"], asked.address_hash)
    where = asked.address_hash, asked.licence.slot, root
    counts = await connection.fetchrow(SQL["count_requests"], *where, now - COUNTED_FOR)
    assert counts is not None, "an aggregate has one row"
    if counts["by_licence"] >= MOST_BY_LICENCE:
        raise TooManyRequests(
            "今天申请订阅这张执照的太多了，请明天再试，或使用订阅源。",
            "Too many asked to follow this licence today: try tomorrow, or use the feed.",
            retry_after=HOUR_S,
        )
    if counts["by_address"] >= MOST_BY_ADDRESS:
        return False
    await connection.execute(SQL["note_request"], asked.licence.slot, root, asked.address_hash, now)
    return True


async def _insert(connection: Connection, asked: Asked, root: bytes, now: datetime) -> None:
    values = asked.id, asked.licence.slot, root, asked.address_hash, asked.sealed, asked.key_id, asked.language, now
    until = now + CONFIRM_WITHIN
    await connection.execute(SQL["insert_follower"], *values, asked.confirm_hash, until, asked.stop_hash)
    await connection.execute(SQL["insert_mail"], asked.id, MailKind.CONFIRM, now)


def _followed(row: Record | None) -> Followed | None:
    if row is None:
        return None
    return Followed(
        licence=ref_from_bytes(row["ref"]),
        language=row["language"],
        is_confirmed=row["confirmed_at"] is not None,
        is_ended=row["ended_at"] is not None,
        expires_at=row["expires_at"],
    )
