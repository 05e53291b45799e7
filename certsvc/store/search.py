"""Looking for certificates on record, within the reach of who asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asyncpg import Record

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer
from certsvc.domain.search import Found, HolderSearch, Search
from certsvc.domain.states import Status
from certsvc.ids import Uscc, ref_from_bytes
from certsvc.store.plan import plan_each
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("search")


class PostgresSearch:
    """`services.CertificateSearch`. It may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def search(self, asked: Search) -> Sequence[Found]:
        """What is found, in the order of reservation, at most `asked.limit`."""
        return await self._found(SQL["search"], values(asked))

    async def held_by(self, asked: HolderSearch) -> Sequence[Found]:
        """What a holder has, in the order of reservation, at most `asked.limit`."""
        return await self._found(SQL["held_by"], values_of_holder(asked))

    async def _found(self, query: str, sought: tuple[Any, ...]) -> Sequence[Found]:
        async with self._pool.transaction() as connection:
            await plan_each(connection)
            return [_to_found(row) for row in await connection.fetch(query, *sought)]


def values(asked: Search) -> tuple[Any, ...]:
    """What the query `search` is asked with."""
    return (
        [str(scope) for scope in asked.reach],
        asked.on,
        asked.type_id,
        asked.number,
        asked.subject,
        asked.licence.to_bytes() if asked.licence else None,
        asked.status,
        asked.issued_since,
        *_after(asked),
        asked.issued_until,
        asked.limit,
    )


def values_of_holder(asked: HolderSearch) -> tuple[Any, ...]:
    """What the query `held_by` is asked with."""
    scopes = [str(scope) for scope in asked.reach]
    return scopes, asked.on, asked.code, asked.code_hash, *_after(asked), asked.limit


def _after(asked: Search | HolderSearch) -> tuple[datetime | None, bytes | None]:
    return (asked.after[0], asked.after[1].to_bytes()) if asked.after else (None, None)


def _to_found(row: Record) -> Found:
    return Found(
        ref=ref_from_bytes(row["ref"]),
        type_id=row["type_id"],
        number=row["number"],
        version=row["version"],
        holder_name=row["holder_name"],
        subject=row["subject"],
        issuer=Issuer(name=row["issuer_name"], uscc=Uscc(row["issuer_uscc"])),
        term=Term(row["valid_from"], row["valid_to"]),
        reserved_at=row["reserved_at"],
        issued_at=row["issued_at"],
        status=Status(row["status"]) if row["status"] else None,
    )
