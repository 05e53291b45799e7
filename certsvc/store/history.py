"""Histories as the public may ask for them: `services.HistoryReader` on PostgreSQL."""

from collections.abc import Sequence
from datetime import date

from asyncpg import Record

from certsvc.domain.calendar import Term
from certsvc.domain.case import PartState
from certsvc.domain.history import FeedEvent, History, NamedLicence, PublicEvent, VersionOnRecord
from certsvc.ids import Ref, Uscc, ref_from_bytes, slot_of_licence
from certsvc.store.pool import Pool
from certsvc.store.queries import queries
from certsvc.store.rows import ref_or_none

SQL = queries("history")
MOST_EVENTS, MOST_IN_FEED = 500, 50


class PostgresHistory:
    """Reads only; the database role `certsvc_public` is enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def history(self, ref: Ref) -> History | None:
        """All versions of a certificate and what happened to it; of its events the last 500.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            versions = await connection.fetch(SQL["versions"], ref.slot, ref.to_bytes())
            if not versions:
                return None
            life = ref_from_bytes(versions[0]["life_ref"])
            rows = await connection.fetch(SQL["events"], life.slot, life.to_bytes(), MOST_EVENTS + 1)
        return History(
            life=life,
            events=tuple(_to_event(row) for row in reversed(rows[:MOST_EVENTS])),
            versions=tuple(_to_version(row) for row in versions),
            is_cut=len(rows) > MOST_EVENTS,
        )

    async def feed(self, ref: Ref) -> Sequence[FeedEvent]:
        """The last 50 changes of a licence, of its permits, and of what is applied for under it; of any other
        certificate its own. The newest first; none where nothing was issued under this reference.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            events = await connection.fetch(SQL["feed"], ref.slot, ref.to_bytes(), MOST_IN_FEED)
            parts = await connection.fetch(SQL["feed_parts"], ref.slot, ref.to_bytes(), MOST_IN_FEED)
        found = [
            *(
                FeedEvent(
                    type_id=row["type_id"],
                    at=row["recorded_at"],
                    event=_to_event(row),
                    life=ref_from_bytes(row["life_ref"]),
                )
                for row in events
            ),
            *(FeedEvent(type_id=row["type_id"], at=row["changed_at"], part=PartState(row["state"])) for row in parts),
        ]
        return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_IN_FEED]

    async def by_number(self, uscc: Uscc, on: date) -> NamedLicence | None:
        """The licence of a business, in the sheet that holds on a day.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["by_number"], slot_of_licence(uscc), uscc, on)
        if not rows:
            return None
        return NamedLicence(ref=ref_from_bytes(rows[0]["ref"]), names=tuple(row["holder_name"] for row in rows))


def _to_event(row: Record) -> PublicEvent:
    return PublicEvent(
        id=row["id"],
        act=row["act"],
        status=row["status"],
        effective=row["effective"],
        recorded_at=row["recorded_at"],
        reason_code=row["reason_code"],
        reason=row["reason"],
        legal_basis=row["legal_basis"],
        decision_number=row["decision_number"],
        retroactive=row["retroactive"],
        due=row["due"],
        successor=row["successor"],
        strikes=row["strikes"],
        version=ref_or_none(row["version_ref"]),
        after_report=row["after_report"],
    )


def _to_version(row: Record) -> VersionOnRecord:
    return VersionOnRecord(
        ref=ref_from_bytes(row["ref"]),
        version=row["version"],
        issued_at=row["issued_at"],
        term=Term(row["valid_from"], row["valid_to"]),
        since=row["since"],
        until=row["until"],
    )
