"""What accounts can show: passwords, one-time codes, passkeys; and the challenges that passkeys sign."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from certsvc.domain.account import (
    CHALLENGE_FOR,
    MOST_PASSKEYS,
    Account,
    AccountId,
    Challenge,
    Credentials,
    Passkey,
    SealedTotp,
    SignedIn,
)
from certsvc.errors import Conflict, NotSignedIn
from certsvc.store.accounts import SQL, account_of, credentials_of, note
from certsvc.store.pool import Connection, Pool


class PostgresCredentials:
    """`services.AccountCredentials`; needs the role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def credentials(self, account: AccountId) -> Credentials | None:
        """See `services.AccountCredentials.credentials`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["account_of_id"], account)
        return credentials_of(row) if row is not None and row["disabled_at"] is None else None

    async def set_password(self, signed: SignedIn, kept_hash: str, now: datetime) -> None:
        """See `services.AccountCredentials.set_password`."""
        async with self._pool.transaction() as connection:
            account = await _lock(connection, signed)
            await connection.execute(SQL["set_password"], account.id, kept_hash, False, now)
            await connection.execute(SQL["end_other_sessions"], account.id, signed.session, now, "password")
            await note(connection, account, "password_set", now)

    async def begin_totp(self, totp: SealedTotp, now: datetime) -> None:
        """See `services.AccountCredentials.begin_totp`."""
        async with self._pool.transaction() as connection:
            await connection.fetchval(SQL["lock_account"], totp.account)
            await connection.execute(SQL["delete_totp"], totp.account, False)
            await connection.execute(SQL["insert_totp"], totp.id, totp.account, totp.sealed, totp.key_id, now)

    async def pending_totp(self, account: AccountId) -> SealedTotp | None:
        """See `services.AccountCredentials.pending_totp`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["pending_totp"], account)
        if row is None:
            return None
        return SealedTotp(
            id=row["totp"], account=account, sealed=row["sealed"], key_id=row["key_id"], last_step=row["last_step"]
        )

    async def confirm_totp(self, signed: SignedIn, totp: str, step: int, now: datetime) -> bool:
        """See `services.AccountCredentials.confirm_totp`."""
        async with self._pool.transaction() as connection:
            account = await _lock(connection, signed)
            await connection.execute(SQL["delete_totp"], account.id, True)
            confirmed = await connection.fetchval(SQL["confirm_totp"], totp, now, step)
            if confirmed is None:
                raise _changed()
            await note(connection, account, "totp_set", now)
        return True

    async def passkeys(self, account: AccountId) -> Sequence[Passkey]:
        """See `services.AccountCredentials.passkeys`."""
        async with self._pool.connection() as connection:
            return [_passkey(row) for row in await connection.fetch(SQL["passkeys"], account)]

    async def passkey(self, passkey_id: bytes) -> Passkey | None:
        """See `services.AccountCredentials.passkey`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["passkey"], passkey_id)
        return None if row is None else _passkey(row)

    async def add_passkey(self, signed: SignedIn, passkey: Passkey, now: datetime) -> None:
        """See `services.AccountCredentials.add_passkey`."""
        values = passkey.id, passkey.account, passkey.name, passkey.credential, passkey.sign_count, now
        async with self._pool.transaction() as connection:
            account = await _lock(connection, signed)
            if len(await connection.fetch(SQL["passkeys"], account.id)) >= MOST_PASSKEYS:
                raise Conflict(
                    f"通行密钥最多 {MOST_PASSKEYS} 个，请先删去不用的。",
                    f"There are {MOST_PASSKEYS} passkeys at most: remove one that is not used.",
                )
            if await connection.fetchval(SQL["insert_passkey"], *values) is None:
                raise Conflict("这个通行密钥已经登记过。", "This passkey is on record already.")
            await note(connection, account, "passkey_added", now, detail=passkey.name)

    async def remove_passkey(self, signed: SignedIn, passkey_id: bytes, now: datetime) -> bool:
        """See `services.AccountCredentials.remove_passkey`."""
        async with self._pool.transaction() as connection:
            account = await _lock(connection, signed)
            name = await connection.fetchval(SQL["delete_passkey"], passkey_id, account.id)
            if name is not None:
                await note(connection, account, "passkey_removed", now, detail=name)
        return name is not None

    async def make_challenge(self, challenge: bytes, what: Challenge, now: datetime) -> None:
        """See `services.AccountCredentials.make_challenge`. Those that are too old go."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["delete_challenges"], now)
            values = challenge, what.purpose, what.account, what.digest, now + CHALLENGE_FOR
            await connection.execute(SQL["insert_challenge"], *values)

    async def use_challenge(self, challenge: bytes, purpose: str, now: datetime) -> Challenge | None:
        """See `services.AccountCredentials.use_challenge`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["use_challenge"], challenge, purpose, now)
        if row is None:
            return None
        account = None if row["account"] is None else AccountId(row["account"])
        return Challenge(purpose=purpose, account=account, digest=row["digest"])


async def _lock(connection: Connection, signed: SignedIn) -> Account:
    """The account of a session, for one change at a time."""
    if await connection.fetchrow(SQL["lock_account"], signed.account) is None:
        raise NotSignedIn("/village/sign-in")
    return await account_of(connection, signed.account)


def _passkey(row: asyncpg.Record) -> Passkey:
    return Passkey(
        id=row["id"],
        account=AccountId(row["account"]),
        name=row["name"],
        credential=row["credential"],
        sign_count=row["sign_count"],
        added_at=row["added_at"],
        used_at=row["used_at"],
    )


def _changed() -> Conflict:
    return Conflict(
        "动态码的设置在此期间已重新开始，请用新的二维码再设一次。",
        "Setting up one-time codes was begun again meanwhile: use the new QR code.",
    )
