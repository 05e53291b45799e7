"""The register and its cases, over a database of a test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, open_register
from made_up_cases import AREA

from certsvc.domain.case import Case
from certsvc.store.cases import PostgresCases
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister


@dataclass(frozen=True, slots=True)
class Office:
    """The register and its cases, as their owner and as the public role."""

    register: PostgresRegister
    reader: PostgresReader
    cases: PostgresCases
    database: Database

    async def rows(self, statement: str, *values: object) -> Sequence[asyncpg.Record]:
        """What the database holds, or does."""
        connection = await asyncpg.connect(self.database.uri)
        try:
            found: Sequence[asyncpg.Record] = await connection.fetch(statement, *values)
            return found
        finally:
            await connection.close()

    async def told(self) -> list[tuple[str, str]]:
        """The kinds of notices about cases, and to whom."""
        rows = await self.rows("select kind, client from notice where kind like 'case.%' order by id")
        return [(row["kind"], row["client"]) for row in rows]

    async def jobs(self) -> list[str]:
        """The keys of the parts to be issued."""
        rows = await self.rows("select key from job where kind = 'issue_part' order by id")
        return [row["key"] for row in rows]


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Office]:
    """The office over a database."""
    async with open_register(database) as (register, reader), open_pool(database.uri) as pool:
        yield Office(register, reader, PostgresCases(pool, AREA), database)


def tell(database: Database, story: Any) -> None:
    async def run() -> None:
        async with opened(database) as office:
            await story(office)

    asyncio.run(run())


def states(case: Case) -> dict[str, str]:
    return {part.type_id: part.state.value for part in case.parts}
