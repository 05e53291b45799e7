"""The register as the issue walk writes it: `services.Register` on PostgreSQL. Every method is one transaction."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredDocument, Status
from certsvc.domain.issuing import Draft, Order, Reservation, SealedDocument, StatusEvent
from certsvc.domain.seal import Seal
from certsvc.errors import Conflict, NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.history import audit, record_event
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.reader import PostgresReader
from certsvc.store.reserving import known_order, reserve
from certsvc.store.rows import ISSUE, to_document, to_reservation

SQL = queries("write")
CEREMONY = "ceremony"
"""The actor in the audit where no person or system is named."""


class PostgresRegister(PostgresReader):
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    async def enrol_seals(self, seals: Sequence[Seal], now: datetime) -> None:
        """Put seals on record; one that is there gets its present certificate types.

        Raises:
            Conflict: a seal of this id is on record with another owner or picture.
        """
        async with self._pool.transaction() as connection:
            for seal in seals:
                await _enrol(connection, seal, now)

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
            StoreError: the status list is full.
        """
        async with self._pool.transaction() as connection:
            return await _reservation(connection, await reserve(connection, draft))

    async def reservation(self, ref: Ref) -> Reservation:
        """The reservation by its reference.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            return await _reservation(connection, ref)

    async def unfinished(self) -> Sequence[Ref]:
        """What was reserved and not issued, oldest first."""
        async with self._pool.connection() as connection:
            return [ref_from_bytes(row["ref"]) for row in await connection.fetch(SQL["unfinished"])]

    async def book_seal_use(self, ref: Ref, seal_id: str, layout: str, actor: str, now: datetime) -> int:
        """Record the intent to use the seal, before the key is used; the number of this use in the whole register.

        Raises:
            NotFound: nothing was reserved under this reference and seal.
        """
        async with self._pool.transaction() as connection:
            values = ref.slot, ref.to_bytes(), seal_id, layout, actor, now
            use: int | None = await connection.fetchval(SQL["book_seal_use"], *values)
            if use is None:
                raise _nothing(ref)
            await audit(connection, now, actor, "use_seal", ref, {"use": use, "seal": seal_id, "layout": layout})
            return use

    async def keep_token(self, ref: Ref, token: bytes) -> bytes:
        """Keep the token with the reservation; the one kept first is the one returned, ever.

        Raises:
            NotFound: nothing was reserved under this reference.
        """
        async with self._pool.transaction() as connection:
            kept: bytes | None = await connection.fetchval(SQL["keep_token"], ref.slot, ref.to_bytes(), token)
            if kept is None:
                raise _nothing(ref)
            return kept

    async def publish(self, ref: Ref, documents: Sequence[SealedDocument], actor: str, now: datetime) -> None:
        """Issue: documents, issued event, status period, log leaf, outbox, audit. Once issued, nothing more is done.

        The state begins on the printed day of issue, which is the day of the reservation.

        Raises:
            NotFound: nothing was reserved under this reference.
            Conflict: no token was kept, or there is no document.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_certificate"], ref.slot, ref.to_bytes())
            if row is None:
                raise _nothing(ref)
            if row["issued_at"] is not None:
                return
            if row["token"] is None or not documents:
                raise Conflict(
                    f"{ref.typed_code} 没有二维码内容或没有盖章文件，不能签发。",
                    f"{ref.typed_code} has no token or no sealed file and cannot be issued.",
                )
            for document in documents:
                values = document.sha256, ref.slot, ref.to_bytes(), document.layout, document.size, now
                await connection.execute(SQL["insert_document"], *values)
            await connection.execute(SQL["set_issued"], ref.slot, ref.to_bytes(), now)
            issued = _issued(ref, row["reserved_at"], actor, now)
            await record_event(connection, issued, [document.sha256 for document in documents])

    async def documents(self, ref: Ref) -> Sequence[RegisteredDocument]:
        """The sealed files of one certificate, in the order of their layouts; none before it is issued."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["documents"], ref.slot, ref.to_bytes())
        return [to_document(row) for row in rows]

    async def change_status(self, event: StatusEvent) -> None:
        """Put a change of state on record. The very same event a second time does nothing.

        It rules from its effective day on, past or future, until another one is recorded; a state for a time only is
        two events. What was known before stays on record, so knowledge is recorded in the order of time.

        Raises:
            NotFound: no certificate with this reference has been issued.
            Conflict: something later is on record already, so this cannot have been known first.
        """
        async with self._pool.transaction() as connection:
            key = event.ref.slot, event.ref.to_bytes()
            row = await connection.fetchrow(SQL["lock_certificate"], *key)
            if row is None or row["issued_at"] is None:
                raise _nothing(event.ref)
            if await _is_recorded(connection, event):
                return
            if await connection.fetchval(SQL["last_recorded"], *key) > event.recorded_at:
                raise Conflict(
                    f"{event.ref.typed_code} 已有更晚的记录，不能再补记更早得知的变更。",
                    f"{event.ref.typed_code} has later records: nothing can be recorded as known before them.",
                )
            await record_event(connection, event)


async def _enrol(connection: Connection, seal: Seal, now: datetime) -> None:
    design = json.dumps(asdict(seal.design), ensure_ascii=False, sort_keys=True)
    types = sorted(seal.certificate_types)
    if await connection.fetchval(SQL["enrol_seal"], seal.id, seal.owner, seal.owner_uscc, design, types, now) is None:
        raise Conflict(
            f"印章 {seal.id} 已登记，单位或图样与此不同。",
            f"The seal {seal.id} is on record with another owner or picture.",
        )
    await audit(connection, now, CEREMONY, "enrol_seal", None, {"seal": seal.id, "types": types})


async def _reservation(connection: Connection, ref: Ref) -> Reservation:
    row = await connection.fetchrow(SQL["reservation"], ref.slot, ref.to_bytes())
    if row is None:
        raise _nothing(ref)
    return to_reservation(row)


async def _is_recorded(connection: Connection, event: StatusEvent) -> bool:
    act = event.act, event.status, event.effective, event.recorded_at, event.actor
    ground = event.reason, event.legal_basis, event.decision_number
    known = await connection.fetchval(SQL["find_event"], event.ref.slot, event.ref.to_bytes(), *act, *ground)
    return known is not None


def _issued(ref: Ref, reserved_at: datetime, actor: str, now: datetime) -> StatusEvent:
    effective = beijing_date(reserved_at)
    return StatusEvent(ref=ref, act=ISSUE, status=Status.VALID, effective=effective, recorded_at=now, actor=actor)


def _nothing(ref: Ref) -> NotFound:
    return NotFound(
        f"登记簿中没有 {ref.typed_code}，或它还没有走到这一步。",
        f"{ref.typed_code} is not on record, or has not come that far.",
    )
