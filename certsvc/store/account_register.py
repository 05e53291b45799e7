"""Accounts as whoever looks after them has them: added, listed, given new passwords, unlocked, disabled."""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.account import IDLE, Account, AccountEvent, AccountId, ListedAccount, new_account_id
from certsvc.errors import Conflict, NotFound, SettingsError
from certsvc.store.accounts import SQL, count_key, credentials_of, note
from certsvc.store.pool import Connection, Pool

NOBODY = ""
MOST_EVENTS = 50


class PostgresAccountRegister:
    """Needs the role that owns the tables. Every method is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(
        self, name: str, kept_hash: str, by: str, now: datetime, *, is_demonstration: bool = False
    ) -> Account:
        """Put a person on record with a first password, which is to be changed; that of a demonstration stays.

        Raises:
            Conflict: the name has an account, or is a system's.
        """
        account = Account(id=new_account_id(), name=name, is_demonstration=is_demonstration, added_at=now)
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["system_of_name"], name) is not None:
                raise Conflict(f"{name} 是系统的名称，不能作为人的账号。", f"{name} is the name of a system.")
            if await connection.fetchval(SQL["insert_account"], account.id, name, is_demonstration, now) is None:
                raise Conflict(
                    f"{name} 已有账号。一人一个账号；同名的，请加上区分的字，如“{name}（石塘）”。",
                    f"{name} has an account. One person has one: for another of the same name, add what tells them "
                    "apart.",
                )
            await connection.execute(SQL["set_password"], account.id, kept_hash, not is_demonstration, now)
            await note(connection, account, "added", now, actor=by)
        return account

    async def accounts(self, now: datetime) -> Sequence[ListedAccount]:
        """Every account, by name."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["accounts"], now, IDLE)
        return [
            ListedAccount(
                account=Account(
                    id=AccountId(row["id"]),
                    name=row["name"],
                    is_demonstration=row["is_demonstration"],
                    added_at=row["added_at"],
                    disabled_at=row["disabled_at"],
                ),
                has_totp=row["has_totp"],
                passkeys=row["passkeys"],
                sessions=row["sessions"],
                locked_until=row["locked_until"],
            )
            for row in rows
        ]

    async def events(self, name: str) -> Sequence[AccountEvent]:
        """What happened to an account, the newest first.

        Raises:
            NotFound: nobody has this name.
        """
        async with self._pool.connection() as connection:
            account = await named_account(connection, name)
            rows = await connection.fetch(SQL["events"], account.id, MOST_EVENTS)
        return [AccountEvent(act=row["act"], actor=row["actor"], at=row["at"], detail=row["detail"]) for row in rows]

    async def reset(self, name: str, kept_hash: str, by: str, now: datetime) -> None:
        """Give an account a first password again and nothing else: codes and passkeys go, sessions end, a disabled
        account is open again.

        Raises:
            NotFound: nobody has this name.
        """
        async with self._pool.transaction() as connection:
            account = await named_account(connection, name)
            await connection.execute(SQL["enable_account"], account.id)
            await connection.execute(SQL["set_password"], account.id, kept_hash, not account.is_demonstration, now)
            for is_in_force in (True, False):
                await connection.execute(SQL["delete_totp"], account.id, is_in_force)
            await connection.execute(SQL["delete_passkeys"], account.id)
            await connection.execute(SQL["end_other_sessions"], account.id, NOBODY, now, "reset")
            await connection.execute(SQL["unlock"], count_key(account.id))
            await note(connection, account, "reset", now, actor=by)

    async def disable(self, name: str, by: str, now: datetime) -> None:
        """Let nobody sign in with an account any more, and end its sessions; disabled again, it is disabled.

        Raises:
            NotFound: nobody has this name.
        """
        async with self._pool.transaction() as connection:
            account = await named_account(connection, name)
            if await connection.fetchval(SQL["disable_account"], account.id, now) is not None:
                await connection.execute(SQL["end_other_sessions"], account.id, NOBODY, now, "disabled")
                await note(connection, account, "disabled", now, actor=by)

    async def unlock(self, name: str, by: str, now: datetime) -> None:
        """Forget the failures of an account: it may be tried again at once.

        Raises:
            NotFound: nobody has this name.
        """
        async with self._pool.transaction() as connection:
            account = await named_account(connection, name)
            await connection.execute(SQL["unlock"], count_key(account.id))
            await note(connection, account, "unlocked", now, actor=by)


async def require_no_demonstration_accounts(pool: Pool) -> None:
    """See that no account is there whose password everybody knows; for whoever serves in earnest.

    Raises:
        SettingsError: there are some; they are named.
    """
    async with pool.connection() as connection:
        names = [row["name"] for row in await connection.fetch(SQL["demonstration_accounts"])]
    if names:
        raise SettingsError(
            f"登记簿中有演示账号（{'、'.join(names)}），密码人人知道：正式运行前请逐个停用"
            "（certsvc accounts disable 姓名）。",
            f"There are accounts of a demonstration ({', '.join(names)}), whose passwords everybody knows: disable "
            "each of them (certsvc accounts disable NAME) before serving in earnest.",
        )


async def named_account(connection: Connection, name: str) -> Account:
    """The account of a name, while nobody else changes it.

    Raises:
        NotFound: nobody has this name.
    """
    row = await connection.fetchrow(SQL["account_of_name"], name)
    if row is None:
        raise NotFound(
            f"没有姓名为 {name} 的账号；certsvc accounts list 列出全部。",
            f"Nobody called {name} has an account; certsvc accounts list shows them all.",
        )
    await connection.execute(SQL["lock_any_account"], row["id"])
    return credentials_of(row).account
