"""Looking for certificates on record, within the reach of who asks."""

from collections.abc import Sequence

from asyncpg import Record

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer
from certsvc.domain.search import Found, Search
from certsvc.domain.states import Status
from certsvc.ids import Uscc, ref_from_bytes
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("search")


class PostgresSearch:
    """`services.CertificateSearch`. It may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def search(self, asked: Search) -> Sequence[Found]:
        """What is found, in the order of reservation, at most `asked.limit`."""
        after = (asked.after[0], asked.after[1].to_bytes()) if asked.after else (None, None)
        values = (
            [scope.type_id for scope in asked.reach],
            [scope.seal_id for scope in asked.reach],
            [scope.area for scope in asked.reach],
            asked.on,
            asked.type_id,
            asked.number,
            asked.subject,
            asked.holder_code,
            asked.holder_hash,
            asked.licence.to_bytes() if asked.licence else None,
            asked.status,
            asked.issued_since,
            *after,
            asked.limit,
            asked.issued_until,
        )
        async with self._pool.connection() as connection:
            return [_to_found(row) for row in await connection.fetch(SQL["search"], *values)]


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
