"""Signing in at a provider, on PostgreSQL: `services.OpenIdRegister`, and links as the operator makes them."""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.account import AccountId
from certsvc.domain.openid import OpenIdFlow, OpenIdLink
from certsvc.errors import Conflict, NotFound
from certsvc.store.account_register import named_account
from certsvc.store.accounts import note
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("openid")


class PostgresOpenId:
    """Needs the role that owns the tables. Every method is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin_flow(self, flow: OpenIdFlow) -> None:
        """See `services.OpenIdRegister.begin_flow`."""
        values = flow.state, flow.browser, flow.nonce, flow.verifier, flow.going, flow.ends_at
        async with self._pool.connection() as connection:
            await connection.execute(SQL["insert_flow"], *values)

    async def take_flow(self, state: bytes, now: datetime) -> OpenIdFlow | None:
        """See `services.OpenIdRegister.take_flow`."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["take_flow"], state)
        if row is None or row["ends_at"] <= now:
            return None
        return OpenIdFlow(state=state, **row)

    async def account_of(self, issuer: str, subject: str) -> AccountId | None:
        """See `services.OpenIdRegister.account_of`."""
        async with self._pool.connection() as connection:
            found = await connection.fetchval(SQL["account_of"], issuer, subject)
        return None if found is None else AccountId(found)

    async def links(self, account: AccountId) -> Sequence[OpenIdLink]:
        """See `services.OpenIdRegister.links`."""
        async with self._pool.connection() as connection:
            return [OpenIdLink(**row) for row in await connection.fetch(SQL["links"], account)]

    async def link(self, name: str, issuer: str, subject: str, by: str, now: datetime) -> OpenIdLink:
        """Put on record that a subject of a provider is the person of this name; the same again changes nothing.

        Raises:
            NotFound: nobody has this name.
            Conflict: the subject is another person's, or the person has another subject there: unlink first.
        """
        async with self._pool.transaction() as connection:
            account = await named_account(connection, name)
            if await connection.fetchval(SQL["link"], issuer, subject, account.id, now) is not None:
                await note(connection, account, "linked", now, actor=by, detail=issuer)
            else:
                rows = await connection.fetch(SQL["linked"], issuer, subject, account.id)
                if any((row["account"], row["subject"]) != (account.id, subject) for row in rows):
                    raise Conflict(
                        f"{name} 在这个提供方已关联另一个身份，或者这个身份已属于别人：一人一个账号，先解除再关联。",
                        f"{name} has another subject at this provider, or the subject is another person's: one person "
                        "has one account. Unlink first.",
                    )
        return OpenIdLink(issuer=issuer, subject=subject, account=account.id, linked_at=now)

    async def unlink(self, name: str, issuer: str, by: str, now: datetime) -> None:
        """Nobody signs in at the provider for the person of this name any more.

        Raises:
            NotFound: nobody has this name, or they are not linked there.
        """
        async with self._pool.transaction() as connection:
            account = await named_account(connection, name)
            if await connection.fetchval(SQL["unlink"], account.id, issuer) is None:
                raise NotFound(f"{name} 没有关联 {issuer}。", f"{name} is not linked at {issuer}.")
            await note(connection, account, "unlinked", now, actor=by, detail=issuer)
