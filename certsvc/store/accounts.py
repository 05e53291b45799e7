"""Signing in, on PostgreSQL: tries are counted first, what was shown is used up in the transaction that it is for."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from certsvc.domain.account import (
    CONFIRMED_FOR,
    FORGOTTEN_AFTER,
    FREE_TRIES,
    FREE_TRIES_OF_ADDRESS,
    IDLE,
    LONGEST,
    SEEN_EVERY,
    Account,
    AccountId,
    Confirmation,
    Credentials,
    Method,
    SealedTotp,
    Session,
    SignedIn,
    goes_on,
    locked_until,
    sessions_to_end,
)
from certsvc.errors import ActNotAllowed, NotFound, SignInLocked, SignInRefused
from certsvc.ids import new_opaque_id
from certsvc.services.accounts import Browser, Shown, Try
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries

SQL, OPENID_SQL = queries("accounts"), queries("openid")
KEPT = timedelta(days=31)
"""How long sessions stay on record after they ended by themselves; the trigger keeps them for thirty days."""


async def use_confirmation(
    connection: Connection, confirmation: str, account: AccountId, digest: bytes, now: datetime
) -> None:
    """Use up a confirmation, in the transaction of the act that was confirmed; `digest` is that of the act as it is
    carried out.

    Raises:
        ActNotAllowed: it was used before, is older than five minutes, or is another's or for something else.
    """
    if await connection.fetchval(SQL["use_confirmation"], confirmation, account, digest, now) is None:
        minutes = CONFIRMED_FOR.seconds // 60
        raise ActNotAllowed(
            f"这次确认已经用过、超过 {minutes} 分钟，或者内容在确认以后有变化：请核对后再确认一次。",
            f"This confirmation was used, is older than {minutes} minutes, or what it was for has changed: look again "
            "and confirm once more.",
        )


class PostgresAccounts:
    """`services.Accounts`; needs the role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin_try(self, name: str, unknown: bytes, network: bytes, now: datetime) -> Try:
        """See `services.Accounts.begin_try`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["account_of_name"], name)
        key = unknown if row is None else count_key(AccountId(row["id"]))
        async with self._pool.transaction() as connection:
            await _count(connection, key, network, now)
        found = credentials_of(row) if row is not None and row["disabled_at"] is None else None
        return Try(found=found, key=key, network=network)

    async def failed(self, tried: Try, now: datetime) -> None:
        """See `services.Accounts.failed`."""
        async with self._pool.transaction() as connection:
            locked = await connection.fetchval(SQL["touch_count"], tried.key, now)
            if tried.found is not None:
                act = "locked" if locked is not None else "failed"
                await note(connection, tried.found.account, act, now, network=tried.network)

    async def begin_session(self, shown: Shown, browser: Browser, now: datetime) -> SignedIn:
        """See `services.Accounts.begin_session`."""
        session = new_opaque_id("s")
        async with self._pool.transaction() as connection:
            account = await _use(connection, shown, now)
            if browser.former is not None:
                await connection.execute(SQL["end_session_of_token"], browser.former, now)
            await _make_room(connection, account.id, now)
            values = session, browser.token, account.id, shown.method, browser.agent, now, now + LONGEST
            await connection.execute(SQL["insert_session"], *values)
            await note(connection, account, "signed_in", now, network=shown.network, detail=shown.method)
            row = await connection.fetchrow(SQL["account_of_id"], account.id)
        return SignedIn(
            account=account.id,
            name=account.name,
            session=session,
            method=shown.method,
            must_change=row is not None and row["must_change"],
        )

    async def accept(self, shown: Shown, now: datetime) -> None:
        """See `services.Accounts.accept`."""
        async with self._pool.transaction() as connection:
            await _use(connection, shown, now)

    async def confirm(self, shown: Shown, digest: bytes, now: datetime) -> Confirmation:
        """See `services.Accounts.confirm`."""
        confirmation = new_opaque_id("k")
        async with self._pool.transaction() as connection:
            account = await _use(connection, shown, now)
            await connection.execute(SQL["insert_confirmation"], confirmation, account.id, digest, shown.method, now)
            await note(connection, account, "confirmed", now, network=shown.network, detail=confirmation)
        return Confirmation(
            id=confirmation, account=account.id, name=account.name, digest=digest, method=shown.method, at=now
        )

    async def session(self, token: bytes, now: datetime) -> SignedIn | None:
        """See `services.Accounts.session`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["session"], token, now, IDLE)
            if row is None:
                return None
            if row["seen_at"] <= now - SEEN_EVERY:
                await connection.execute(SQL["see_session"], row["id"], now)
        return SignedIn(
            account=AccountId(row["account"]),
            name=row["name"],
            session=row["id"],
            method=Method(row["method"]),
            must_change=row["must_change"],
        )

    async def sessions(self, account: AccountId, now: datetime) -> Sequence[Session]:
        """See `services.Accounts.sessions`."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["live_sessions"], account, now, IDLE)
        return [_session(row) for row in rows]

    async def end_session(self, account: AccountId, session: str, why: str, now: datetime) -> bool:
        """See `services.Accounts.end_session`."""
        async with self._pool.transaction() as connection:
            ended = await connection.fetchval(SQL["end_session"], account, session, now, why)
            if ended is not None:
                await note(connection, await account_of(connection, account), "session_ended", now, detail=session)
        return ended is not None


class OldSignIns:
    """Takes away what has been kept long enough; a chore."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def purge(self, now: datetime) -> None:
        """Delete old sessions, counts that say nothing any more, and challenges and flows that nobody can use."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["delete_sessions"], now - KEPT)
            await connection.execute(SQL["delete_counts"], now - FORGOTTEN_AFTER)
            await connection.execute(SQL["delete_challenges"], now)
            await connection.execute(OPENID_SQL["delete_flows"], now)


def count_key(account: AccountId) -> bytes:
    """By what failures of an account are counted; SQL computes the same for the list of accounts."""
    return hashlib.sha256(f"account {account}".encode()).digest()


async def note(
    connection: Connection,
    account: Account,
    act: str,
    now: datetime,
    *,
    actor: str | None = None,
    network: bytes | None = None,
    detail: str | None = None,
) -> None:
    """Put on record what happened to an account; by its owner, where no `actor` is named."""
    await connection.execute(SQL["insert_event"], account.id, act, actor or account.name, now, network, detail)


async def account_of(connection: Connection, account: AccountId) -> Account:
    """An account that is there: a session, or what was shown, is of it."""
    row = await connection.fetchrow(SQL["account_of_id"], account)
    if row is None:
        raise NotFound("没有这个账号。", "There is no such account.")
    return credentials_of(row).account


def credentials_of(row: asyncpg.Record) -> Credentials:
    """What an account can show, from its row."""
    account = Account(
        id=AccountId(row["id"]),
        name=row["name"],
        is_demonstration=row["is_demonstration"],
        added_at=row["added_at"],
        disabled_at=row["disabled_at"],
    )
    totp = None
    if row["totp"] is not None:
        totp = SealedTotp(
            id=row["totp"],
            account=account.id,
            sealed=row["sealed"],
            key_id=row["key_id"],
            last_step=row["last_step"],
        )
    return Credentials(account=account, password=row["hash"], must_change=row["must_change"], totp=totp)


async def _count(connection: Connection, key: bytes, network: bytes, now: datetime) -> None:
    """One failure more of an account and of an address, unless one of them has to wait."""
    free = {network: FREE_TRIES_OF_ADDRESS, key: FREE_TRIES}
    for each in sorted(free):
        await connection.execute(SQL["make_count"], each, now)
    rows = await connection.fetch(SQL["lock_counts"], list(free), now - FORGOTTEN_AFTER)
    waits = [row["locked_until"] for row in rows if row["locked_until"] is not None and row["locked_until"] > now]
    if waits:
        raise _locked(max(waits), now)
    for row in rows:
        failures = row["failures"] + 1
        until = locked_until(failures, free[row["key"]], now)
        await connection.execute(SQL["count_failure"], row["key"], failures, now, until)


async def _use(connection: Connection, shown: Shown, now: datetime) -> Account:
    """Use up what was shown; failures before it are forgotten."""
    row = await connection.fetchrow(SQL["lock_account"], shown.account)
    if row is None or not await _is_fresh(connection, shown, now):
        raise SignInRefused(
            "这个动态码或通行密钥刚才已经用过：请等下一个动态码，或再试一次。",
            "This one-time code or passkey was used just now: wait for the next code, or try again.",
        )
    await connection.execute(SQL["forget_failures"], count_key(shown.account), shown.network)
    return await account_of(connection, shown.account)


async def _is_fresh(connection: Connection, shown: Shown, now: datetime) -> bool:
    if shown.totp is not None and await connection.fetchval(SQL["use_totp"], *shown.totp) is None:
        return False
    if shown.passkey is None:
        return True
    passkey, count = shown.passkey
    stored = await connection.fetchval(SQL["lock_passkey"], passkey, shown.account)
    if stored is None or not goes_on(stored, count):
        return False
    await connection.execute(SQL["use_passkey"], passkey, count, now)
    return True


async def _make_room(connection: Connection, account: AccountId, now: datetime) -> None:
    """End the sessions that are too many; the account's row is ours, so that nobody begins another meanwhile."""
    rows = await connection.fetch(SQL["open_sessions"], account, now)
    for each in sessions_to_end([_session(row) for row in rows]):
        await connection.execute(SQL["end_session"], account, each.id, now, "too_many")


def _session(row: asyncpg.Record) -> Session:
    return Session(
        id=row["id"],
        method=Method(row["method"]),
        agent=row["agent"],
        begun_at=row["begun_at"],
        seen_at=row["seen_at"],
        ends_at=row["ends_at"],
    )


def _locked(until: datetime, now: datetime) -> SignInLocked:
    seconds = max(1, round((until - now).total_seconds()))
    minutes = -(-seconds // 60)
    return SignInLocked(
        f"错的次数太多，请过 {minutes} 分钟再试，再错会等得更久。设了通行密钥的，可以用它登录；"
        "着急的，请管理员解锁（./dev accounts unlock）。",
        f"There were too many failures: try again in {minutes} minutes; each further one makes it longer. A passkey "
        "still works, and the operator can unlock the account.",
        retry_after=seconds,
    )
