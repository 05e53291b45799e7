"""The register as the issue walk writes it: `services.Register` on PostgreSQL. Every method is one transaction."""

import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from asyncpg import Record

from certsvc.domain.acts import Act
from certsvc.domain.business import Held
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredDocument
from certsvc.domain.external import EXTERNAL
from certsvc.domain.full_view import SealedDigest
from certsvc.domain.issuing import ActRequest, Draft, Order, Reservation, SealedDocument
from certsvc.domain.life import Event, require_newest
from certsvc.domain.seal import Seal, SealUse
from certsvc.domain.seal_acts import SealState
from certsvc.errors import Conflict, Forbidden, KeyReused, NotFound, SealRefused
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.approvals import CARRY_OUT
from certsvc.store.audit import audit
from certsvc.store.full_view import keep_digest
from certsvc.store.jobs import enqueue
from certsvc.store.lives import events_of, record
from certsvc.store.pool import Connection
from certsvc.store.queries import queries
from certsvc.store.reader import PostgresReader
from certsvc.store.reserving import known_order, reserve
from certsvc.store.rows import to_document, to_ground, to_held, to_reservation
from certsvc.store.seal_refusals import STATES, explained, only_in_village
from certsvc.store.seal_waits import FINISH as FINISH
from certsvc.store.seal_waits import bring_forward_missed, end_wait, note_wait
from certsvc.store.seals import book, enrol

SQL = queries("write")


class PostgresRegister(PostgresReader):
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    async def enrol_seals(self, seals: Sequence[Seal], now: datetime) -> None:
        """Put the seals of a ceremony on record, enabled by the people they name; one that is there stays as it is.

        Raises:
            Conflict, InvalidInput, Forbidden: see `seals.enrol`.
        """
        async with self._pool.transaction() as connection:
            for seal in seals:
                await enrol(connection, seal, now)

    async def find_order(self, order: Order, digest: bytes) -> Ref | None:
        """The reference already reserved for this order.

        Raises:
            KeyReused: the order of this name had other content.
        """
        async with self._pool.connection() as connection:
            return await known_order(connection, order, digest)

    async def reserve(self, draft: Draft, *, hand_over: bool = False) -> Reservation:
        """Take number, identifier and status-list index and commit the intent; the same order gets the same row. With
        `hand_over` a worker is to finish it, and is told so in the same transaction.

        Raises:
            KeyReused: the order of this name had other content.
            NotFound: the licence a permit is tied to is not on record, or not issued yet.
            Conflict: the number is taken, or the business has a licence already.
            SealRefused: the seal it is to stand under is destroyed.
            StoreError: the status list is full.
        """
        async with self._pool.transaction() as connection:
            reserved = await _reservation(connection, await reserve(connection, draft))
            if hand_over and reserved.issued_at is None:
                await enqueue(connection, FINISH, finish_key(reserved.ref), draft.reserved_at)
            return reserved

    async def rehearse(self, draft: Draft) -> Reservation:
        """What `reserve` would give now, by the very rules of the database; nothing goes on record.

        Raises:
            see `reserve`.
        """
        async with self._pool.transaction() as connection:
            trial = connection.transaction()
            await trial.start()
            found = await _reservation(connection, await reserve(connection, draft))
            await trial.rollback()
            return found

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

    async def hand_over(self, now: datetime) -> None:
        """Put what is unfinished into the queue, but for what was reserved within the last minute or waits there as an
        approval: somebody is at it. What waited for a seal that was resumed or opened since is due now."""
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["hand_over"], FINISH, now, CARRY_OUT)
            await bring_forward_missed(connection, now)

    async def orderer(self, ref: Ref) -> str:
        """In whose name it was ordered.

        Raises:
            NotFound: nothing was reserved under this reference.
        """
        async with self._pool.connection() as connection:
            name: str | None = await connection.fetchval(SQL["orderer"], ref.slot, ref.to_bytes())
        if name is None:
            raise _nothing(ref)
        return name

    async def require_may_use(self, name: str, seal_ids: Sequence[str], *, in_village: bool = False) -> None:
        """See that somebody neither manages nor audits any of these seals: who does may not order what they seal.

        Raises:
            Forbidden: they do.
            SealRefused: one is opened beforehand, for what people of its village approved, and this is none of that.
        """
        async with self._pool.connection() as connection:
            opened = None if in_village else await connection.fetchval(SQL["opened_beforehand"], list(seal_ids))
            theirs = await connection.fetchrow(SQL["seal_of_theirs"], list(seal_ids), _one_spelling(name))
        if theirs is not None:
            zh, en = ("监督", "audits") if theirs["audits"] else ("管理", "manages")
            raise Forbidden(
                f"{name} 是印章 {theirs['id']} 的{zh}人，不能用印：请由别人办理。",
                f"{name} {en} the seal {theirs['id']} and may not use it. Somebody else has to.",
            )
        if opened is not None:
            raise only_in_village(opened)

    async def require_seal_uses(self, ref: Ref, uses: Sequence[SealUse], actor: str, now: datetime) -> None:
        """See that all these uses could be booked now, before the first is: tried under the very rules of the database
        and taken back.

        Raises:
            NotFound: nothing was reserved under this reference.
            SealRefused: a seal is not enabled, or its rules do not allow a use.
        """
        async with self._pool.transaction() as connection:
            trial = connection.transaction()
            await trial.start()
            await connection.execute(SQL["lock_quotas"], [use.seal_id for use in uses])
            for use in uses:
                await _try_use(connection, ref, use, actor, now)
            await trial.rollback()

    async def book_seal_use(self, ref: Ref, use: SealUse, actor: str, now: datetime, program: str | None = None) -> int:
        """Record the intent to use a seal, with what it will sign, before the key is used; the number of this use in
        the whole register. The audit names the `program` that finishes what the actor ordered.

        Raises:
            NotFound: nothing was reserved under this reference.
            SealRefused: the seal is not enabled, or its rules do not allow this use.
        """
        async with self._pool.transaction() as connection:
            booked = await book(connection, ref, use, actor, now)
            if booked is None:
                raise _nothing(ref)
            if program is not None:
                await audit(connection, now, program, "finish_order", ref, {"use": booked, "for": actor})
            return booked

    async def note_wait(self, ref: Ref, reason: str, seal_id: str | None, asked_at: datetime) -> None:
        """Keep why a reservation cannot be sealed, as was seen after `asked_at`."""
        async with self._pool.transaction() as connection:
            await note_wait(connection, ref, reason, seal_id, asked_at)

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

    async def publish(
        self,
        ref: Ref,
        documents: Sequence[SealedDocument],
        actor: str,
        now: datetime,
        full_view: SealedDigest | None = None,
    ) -> None:
        """Issue: documents, the hash of what opens a full view, event, status periods, log leaf, notice, audit. Once
        issued, nothing more is done.

        The state begins on the printed day of issue, which is the day of the reservation. Seals are locked before
        certificates, as a booking does.

        Raises:
            NotFound: nothing was reserved under this reference.
            Conflict: no token was kept, or there is no document.
            SealRefused: a seal was suspended or destroyed after its use was booked.
        """
        async with self._pool.transaction() as connection:
            used = await connection.fetch(SQL["lock_seals_used"], ref.slot, ref.to_bytes())
            life = await _lock_life(connection, ref)
            row = await connection.fetchrow(SQL["lock_certificate"], ref.slot, ref.to_bytes())
            if row is None or row["issued_at"] is not None:
                return
            if row["token"] is None or not (documents or row["layout"] == EXTERNAL):
                raise Conflict(
                    f"{ref.typed_code} 没有二维码内容或没有盖章文件，不能签发。",
                    f"{ref.typed_code} has no token or no sealed file and cannot be issued.",
                )
            _require_enabled(used)
            for document in documents:
                values = document.sha256, ref.slot, ref.to_bytes(), document.layout, document.size, now
                await connection.execute(SQL["insert_document"], *values)
            if full_view is not None:
                await keep_digest(connection, ref, full_view)
            await connection.execute(SQL["set_issued"], ref.slot, ref.to_bytes(), now)
            await end_wait(connection, ref)
            event = _made(row, life, ref, actor, now)
            await record(connection, event, [document.sha256 for document in documents])

    async def documents(self, ref: Ref) -> Sequence[RegisteredDocument]:
        """The sealed files of one certificate, in the order of their layouts; none before it is issued."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["documents"], ref.slot, ref.to_bytes())
        return [to_document(row) for row in rows]

    async def find_act(self, ref: Ref, client: str, key: str, digest: bytes) -> Event | None:
        """The event that a request to act on a certificate has made.

        Raises:
            NotFound: nothing was reserved under this reference.
            KeyReused: the request of this name had other content, or was for another certificate.
        """
        async with self._pool.connection() as connection:
            known = await connection.fetchrow(SQL["find_act"], client, key)
            if known is None:
                return None
            return await _known_act(connection, await _life_of(connection, ref), key, digest, known)

    async def act(self, request: ActRequest) -> Event:
        """Put an act on the life of a certificate on record; the same request again gives the same event.

        It takes effect on its day, past or future, in the order of days with what is on record already. What was known
        before stays on record.

        Raises:
            NotFound: no certificate with this reference has been issued.
            ActNotAllowed: the act is not allowed from the state of that day.
            ChangedMeanwhile: the newest event is another than the one expected.
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            life = await _lock_life(connection, request.event.ref)
            await _require_issued(connection, life)
            known = await connection.fetchrow(SQL["find_act"], request.client, request.key)
            if known is not None:
                return await _known_act(connection, life, request.key, request.digest, known)
            if request.expects is not None:
                require_newest(await events_of(connection, life), request.expects)
            event = await record(connection, replace(request.event, ref=life))
            values = request.client, request.key, request.digest, life.slot, life.to_bytes(), event.id
            if await connection.fetchval(SQL["insert_act"], *values) is None:
                raise KeyReused.of(request.key)
            return event

    async def events(self, ref: Ref) -> Sequence[Event]:
        """Everything on record of the life that a certificate belongs to, in the order of recording.

        Raises:
            NotFound: nothing was reserved under this reference.
        """
        async with self._pool.connection() as connection:
            return await events_of(connection, await _life_of(connection, ref))

    async def newest_version(self, ref: Ref) -> Reservation:
        """The newest version that was issued of the life that a certificate belongs to.

        Raises:
            NotFound: none was.
        """
        async with self._pool.connection() as connection:
            life = await _life_of(connection, ref)
            versions = await connection.fetch(SQL["versions"], life.slot, life.to_bytes())
            if not versions:
                raise _nothing(ref)
            return await _reservation(connection, ref_from_bytes(versions[-1]["ref"]))

    async def note_view(self, ref: Ref, actor: str, why: str, now: datetime) -> None:
        """Put on record that somebody viewed the whole content of a certificate, and why."""
        async with self._pool.transaction() as connection:
            await audit(connection, now, actor, "view", ref, {"why": why})

    async def held_by(self, code: str, code_hash: bytes | None, on: date, known_at: datetime) -> Sequence[Held]:
        """Every version of what a holder has, and of its branches' licences, each with its state on `on`."""
        async with self._pool.connection() as connection:
            return [to_held(row) for row in await connection.fetch(SQL["held_by"], code, code_hash, on, known_at)]


def finish_key(ref: Ref) -> str:
    """The key of the job that finishes a reservation."""
    return ref.to_bytes().hex()


async def _reservation(connection: Connection, ref: Ref) -> Reservation:
    row = await connection.fetchrow(SQL["reservation"], ref.slot, ref.to_bytes())
    if row is None:
        raise _nothing(ref)
    return to_reservation(row)


def _one_spelling(name: str) -> str:
    """A name as `book` puts it on record."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


async def _try_use(connection: Connection, ref: Ref, use: SealUse, actor: str, now: datetime) -> None:
    number = -1 - secrets.randbits(62)  # none that a use has or will have, and none that another process tries
    place = use.place.page, use.place.x_mm, use.place.y_mm
    values = number, ref.slot, ref.to_bytes(), use.seal_id, use.layout, _one_spelling(actor), now, use.digest, *place
    with explained(use.seal_id):
        if await connection.fetchval(SQL["try_seal_use"], *values) is None:
            raise _nothing(ref)


def _require_enabled(seals: Sequence[Record]) -> None:
    for seal in seals:
        if seal["state"] != SealState.ENABLED:
            zh, en = STATES[SealState(seal["state"])]
            raise SealRefused(
                f"印章 {seal['id']} 在用印之后{zh}，盖好的文件不登记。",
                f"The seal {seal['id']} is {en} since its use was booked: what it sealed is not put on record.",
                reason="not_enabled",
                seal_id=seal["id"],
            )


async def _life_of(connection: Connection, ref: Ref) -> Ref:
    raw = await connection.fetchval(SQL["life_of"], ref.slot, ref.to_bytes())
    if raw is None:
        raise _nothing(ref)
    return ref_from_bytes(raw)


async def _lock_life(connection: Connection, ref: Ref) -> Ref:
    life = await _life_of(connection, ref)
    await connection.fetchval(SQL["lock_life"], life.slot, life.to_bytes())
    return life


async def _known_act(connection: Connection, life: Ref, key: str, digest: bytes, known: Record) -> Event:
    events = await events_of(connection, life)
    event = next((event for event in events if event.id == known["event_id"]), None)
    if event is None or known["digest"] != digest:
        raise KeyReused.of(key)
    return event


async def _require_issued(connection: Connection, life: Ref) -> None:
    if not await connection.fetch(SQL["versions"], life.slot, life.to_bytes()):
        raise _nothing(life)


def _made(row: Record, life: Ref, version: Ref, actor: str, now: datetime) -> Event:
    """The event that begins a version, as its order gave it."""
    return Event(
        ref=life,
        act=Act(row["act"]),
        effective=row["takes_over"],
        recorded_at=now,
        actor=actor,
        ground=to_ground(row["ground"]),
        version=version,
        begins=beijing_date(row["reserved_at"]),
    )


def _nothing(ref: Ref) -> NotFound:
    return NotFound(
        f"登记簿中没有 {ref.typed_code}，或它还没有走到这一步。",
        f"{ref.typed_code} is not on record, or has not come that far.",
    )
