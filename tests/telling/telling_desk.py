"""What tests of telling share: clients on record, certificates that something happens to, and a cipher."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from embedded_fixture import Database as Database
from embedded_fixture import fresh_database as fresh_database
from made_up import issue, licence

from certsvc.domain.client import Client, ClientKey, ClientKind, ClientState, new_client_id
from certsvc.domain.notice import Notice
from certsvc.errors import CustodyError
from certsvc.ids import Ref
from certsvc.settings import Webhooks
from certsvc.store.clients import PostgresClients
from certsvc.store.deliveries import PostgresDeliveries
from certsvc.store.notices import PostgresNotices, tell
from certsvc.store.pool import Pool, open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.webhooks import PostgresWebHooks
from certsvc.telling.hooks import HookDesk, Owner

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MARKET, FIRE = "market-system", "fire-system"
ALL = ("notify:*", "read:*")
THIS_MACHINE = Webhooks().allowed(is_demonstration=True)
Result = TypeVar("Result")


class Cipher:
    """`services.PayloadCipher` with a key of its own, which may be lost."""

    key_id = "data-1"
    fingerprints: Mapping[str, bytes] = {}

    def __init__(self) -> None:
        self._key = AESGCM(b"k" * 32)
        self.lost = False

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._key.encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        try:
            if self.lost:
                raise InvalidTag
            return self._key.decrypt(sealed[:12], sealed[12:], context)
        except InvalidTag:
            raise CustodyError("解不开。", "It does not open.") from None

    def look_up(self, text: str) -> bytes:
        raise NotImplementedError


@dataclass(frozen=True)
class Desk:
    """The stores over one database."""

    pool: Pool
    register: PostgresRegister
    notices: PostgresNotices
    hooks: PostgresWebHooks
    deliveries: PostgresDeliveries
    cipher: Cipher

    @property
    def desk(self) -> HookDesk:
        """Where web-hooks are made."""
        return HookDesk(hooks=self.hooks, cipher=self.cipher, networks=THIS_MACHINE)

    async def client(self, name: str, scopes: Iterable[str] = ALL) -> None:
        """Put a client on record, or give it other scopes."""
        clients = PostgresClients(self.pool)
        if (known := await clients.of_name(name)) is not None:
            await clients.rescope(known.client.id, list(scopes), "管", None, NOW)
            return
        client = Client(
            id=new_client_id(),
            name=name,
            kind=ClientKind.SYSTEM,
            scopes=frozenset(scopes),
            organisation=None,
            state=ClientState.ACTIVE,
            registered_at=NOW,
        )
        key = ClientKey(kid="k", thumbprint=secrets.token_bytes(32), jwk='{"kty": "EC"}', not_before=NOW)
        await clients.register(client, [key], "管", None)

    async def cut_off(self, name: str) -> None:
        """Cut a client off."""
        clients = PostgresClients(self.pool)
        known = await clients.of_name(name)
        assert known is not None
        await clients.cut_off(known.client.id, "管", "试", NOW)

    async def licence(self, key: str = "licence") -> Ref:
        """Issue a licence."""
        return await issue(self.register, licence(key))

    async def tell(self, kind: str = "batch.finished", client: str | None = MARKET, **data: Any) -> None:
        """Tell something."""
        async with self.pool.transaction() as connection:
            await tell(connection, NOW, kind, data, client=client)

    async def feed(self, client: str = MARKET, scopes: Iterable[str] = ALL, after: int = 0) -> list[Notice]:
        """All that a client may know."""
        found: list[Notice] = []
        while True:
            items, following = await self.notices.read(client, scopes, after, None, 100, NOW)
            found += items
            if following == after:
                return found
            after = following

    async def hook(self, url: str, client: str = MARKET, kinds: Iterable[str] | None = None, key: str = "") -> str:
        """Make a web-hook; its id."""
        owner = Owner(client=client, key=key or secrets.token_hex(8))
        return (await self.desk.add(owner, url, kinds, NOW)).hook.id

    async def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows as they stand."""
        async with self.pool.connection() as connection:
            return [tuple(row.values()) for row in await connection.fetch(statement, *values)]

    async def execute(self, statement: str, *values: object) -> None:
        """Change what stands."""
        async with self.pool.connection() as connection:
            await connection.execute(statement, *values)


@asynccontextmanager
async def open_desk(uri: str) -> AsyncIterator[Desk]:
    """The stores over a database, with two clients who may know everything."""
    async with open_pool(uri) as pool:
        desk = Desk(
            pool=pool,
            register=PostgresRegister(pool),
            notices=PostgresNotices(pool),
            hooks=PostgresWebHooks(pool),
            deliveries=PostgresDeliveries(pool),
            cipher=Cipher(),
        )
        await desk.client(MARKET)
        await desk.client(FIRE)
        yield desk


def told(database: Database, story: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Run a story over a database."""

    async def run() -> Result:
        async with open_desk(database.uri) as desk:
            return await story(desk)

    return asyncio.run(run())
