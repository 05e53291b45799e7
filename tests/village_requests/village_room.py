"""One database with a village's people, and stories over it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from village_people import settle

from certsvc.store.embedded import EmbeddedServer
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool, open_pool
from certsvc.store.proof_requests import PostgresProofRequests


class Village:
    """One database with the village's people."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def tell(self, story: Callable[[PostgresProofRequests, Pool], Coroutine[Any, Any, Any]]) -> Any:
        """A story over its requests."""

        async def told() -> Any:
            async with open_pool(self.database.uri) as pool:
                return await story(PostgresProofRequests(pool), pool)

        return asyncio.run(told())

    def organs(self, story: Callable[[PostgresOrgans, Pool], Coroutine[Any, Any, Any]]) -> Any:
        """A story over its people."""

        async def told() -> Any:
            async with open_pool(self.database.uri) as pool:
                return await story(PostgresOrgans(pool), pool)

        return asyncio.run(told())

    def sql(self, statement: str, *values: object) -> Any:
        """Something done directly, as the owner of the tables; the first value it gives."""

        async def done() -> Any:
            connection = await asyncpg.connect(self.database.uri)
            try:
                return await connection.fetchval(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(done())

    def refused(self, statement: str, *values: object) -> str:
        """What the database says to something that it refuses."""
        with pytest.raises(asyncpg.PostgresError) as met:
            self.sql(statement, *values)
        return str(met.value).split("\n")[0]


def settled_village(server: EmbeddedServer) -> Village:
    """A village of its own on a server."""
    village = Village(fresh_database(server))
    village.tell(lambda _, pool: settle(pool))
    return village
