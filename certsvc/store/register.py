"""The register as the issue walk writes it: `services.Register` on PostgreSQL. Every method is one transaction."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import asyncpg

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Status
from certsvc.domain.issuing import Draft, Order, Reservation, SealedDocument, StatusEvent
from certsvc.domain.seal import Seal
from certsvc.errors import Conflict, KeyReused, NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.leaf import leaf_of
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.reader import PostgresReader
from certsvc.store.reserve import reserve
from certsvc.store.rows import ISSUE, to_reservation

SQL = queries("write")


class PostgresRegister(PostgresReader):
    """Reads and writes; needs the database role that owns the tables."""

    async def enrol_seals(self, seals: Sequence[Seal], now: datetime) -> None:
        """Put seals on record; one that is there gets its present certificate types.

        Raises:
            Conflict: a seal of this id is on record with another owner or picture.
        """
        async with self._pool.transaction() as connection:
            for seal in seals:
                design = json.dumps(asdict(seal.design), ensure_ascii=False, sort_keys=True)
                types = sorted(seal.certificate_types)
                values = seal.id, seal.owner, seal.owner_uscc, design, types, now
                if await connection.fetchval(SQL["enrol_seal"], *values) is None:
                    raise Conflict(
                        f"印章 {seal.id} 已登记为别的单位或别的图样。",
                        f"The seal {seal.id} is on record with another owner or picture.",
                    )
                await _audit(connection, now, "ceremony", "enrol_seal", None, {"seal": seal.id, "types": types})

    async def find_order(self, order: Order, digest: bytes) -> Ref | None:
        """The reference already reserved for this order.

        Raises:
            KeyReused: the order of this name had other content.
        """
        async with self._pool.connection() as connection:
            return await known_order(connection, order, digest)

    async def reserve(self, draft: Draft) -> Reservation:
        """Take number, identifier and status-list index and commit the intent; the same order gets the same row.

        Raises:
            KeyReused: the order of this name had other content.
            NotFound: the licence a permit is tied to is not on record, or not issued yet.
            Conflict: the number is taken, or the business has a licence already.
        """
        async with self._pool.transaction() as connection:
            return to_reservation(await _one(connection, await reserve(connection, draft)))

    async def reservation(self, ref: Ref) -> Reservation:
        """The reservation by its reference.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            return to_reservation(await _one(connection, ref))
