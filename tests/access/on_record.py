"""Clients on a real database: made with keys of their own, registered, and looked at past our code."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from embedded_fixture import Database
from signing import ISSUER, SECRET, as_json, compact

from certsvc.access.jwks import jwks_of, parse_jwks
from certsvc.access.service import Access
from certsvc.access.tokens import Tokens
from certsvc.domain.client import (
    Client,
    ClientId,
    ClientKey,
    ClientKind,
    ClientState,
    RegisteredClient,
    new_client_id,
)
from certsvc.store.clients import PostgresClients
from certsvc.store.pool import open_pool

NOW = datetime.now(UTC).replace(microsecond=0)
WEEK, NONE = timedelta(days=7), timedelta(0)
SCOPES = frozenset({"issue:food-business", "read:*"})
Result = TypeVar("Result")


class Keyed:
    """A key pair and what is on record of it."""

    def __init__(self, kid: str | None = None) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        (key,) = parse_jwks(jwks_of(self.private.public_key()).encode(), NOW)
        self.key: ClientKey = replace(key, kid=kid, jwk=key.jwk.replace(key.kid, kid)) if kid else key

    def assertion(self, client_id: ClientId, jti: str | None = None, now: datetime = NOW) -> str:
        """A good assertion."""

        def sign(data: bytes) -> bytes:
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "jti": jti or secrets.token_hex(8)}
        head = {"alg": "ES256", "kid": self.key.kid}
        return compact(as_json(head), as_json({**claims, "exp": int(now.timestamp()) + 60}), sign)


def named(name: str | None = None, **changes: Any) -> Client:
    """A client to be registered."""
    client = Client(
        id=new_client_id(),
        name=name or f"system-{secrets.token_hex(4)}",
        kind=ClientKind.SYSTEM,
        scopes=SCOPES,
        organisation="云山市市场监督管理局",
        state=ClientState.ACTIVE,
        registered_at=NOW,
    )
    return replace(client, **changes)


def on(database: Database, work: Callable[[PostgresClients], Awaitable[Result]]) -> Result:
    """Do something with the clients on record."""

    async def story() -> Result:
        async with open_pool(database.uri) as pool:
            return await work(PostgresClients(pool))

    return asyncio.run(story())


def registered(database: Database, client: Client, *keys: Keyed) -> RegisteredClient:
    """A client put on record."""
    return on(database, lambda clients: clients.register(client, [each.key for each in keys], "登记员", "试用"))


def fetch(database: Database, query: str, *values: object) -> list[asyncpg.Record]:
    """Rows, as the database has them."""

    async def story() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database.uri)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    return asyncio.run(story())


def access(clients: PostgresClients) -> Access:
    """Access over what is on record."""
    return Access(clients=clients, tokens=Tokens(ISSUER, SECRET))
