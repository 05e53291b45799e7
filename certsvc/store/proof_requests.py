"""Requests for proofs: `services.ProofRequests` on PostgreSQL, which holds every act against its own table of them.

Who acts locks the request first and its approval then, so that both always say the same.
"""

from collections.abc import Sequence
from datetime import date, datetime

from asyncpg import Record

from certsvc.domain.approval import Approval, Decision, ToApprove
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import (
    RESIDENT,
    SERVICE,
    NewProofRequest,
    Progress,
    ProofActRequest,
    ProofContent,
    ProofEvent,
    ProofRequest,
    Turn,
    stale,
)
from certsvc.domain.receiver import ReceiverChoice
from certsvc.domain.sitting import Agreed, Sitting, agreeing, sitting_of_one
from certsvc.errors import ActNotAllowed, ChangedMeanwhile, Conflict, Forbidden, KeyReused, NotFound
from certsvc.ids import Uscc
from certsvc.store.approvals import PostgresApprovals, ask_in, decide_in, withdraw_in
from certsvc.store.audit import audit
from certsvc.store.handing import choose_in
from certsvc.store.pool import Connection, Pool
from certsvc.store.proof_desk import ClerksDesk
from certsvc.store.proof_doubts import put_needs
from certsvc.store.proof_lives import PostgresProofLives
from certsvc.store.proof_rows import to_event, to_progress, to_request
from certsvc.store.queries import queries
from certsvc.store.sittings import PostgresSittings, confirm_in
from certsvc.store.village_refusals import explained_village

SQL = queries("proof_requests")
BEFORE_ALL = (date.min, "")
AT_ONCE = 200
"""So many requests lapse, or are erased, in one transaction."""

CANCELLING = frozenset({ProofAct.CONFIRM_CANCEL, ProofAct.REFUSE_CANCEL})
LEFT_OUT = (ActNotAllowed, ChangedMeanwhile, Conflict, Forbidden, NotFound)
"""Why a request of a sitting cannot be done that was looked at, while the others are."""


class PostgresProofRequests(ClerksDesk, PostgresSittings, PostgresProofLives):
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    async def open(self, new: NewProofRequest, act: ProofActRequest, now: datetime) -> ProofRequest:
        """Put a request on record with its first draft; the same again is the same.

        Raises:
            KeyReused: the key was used with other content.
            Forbidden: who opens it is no clerk of the organ.
            NotFound: there is no such certificate to correct.
        """
        by = act.account or RESIDENT
        corrects = (new.corrects.slot, new.corrects.to_bytes()) if new.corrects else (None, None)
        content = new.content.shown, new.content.holder_hash, new.content.sealed, new.content.key_id
        head = new.id, new.organ, new.type_id, new.origin, by, act.key, act.digest, now, new.code_hash, new.due
        async with self._pool.transaction() as connection:
            with explained_village():
                if await connection.fetchval(SQL["open"], *head, *corrects, *content) is None:
                    known = await connection.fetchrow(SQL["opened"], by, act.key)
                    return await request_in(connection, _same(known, act, "id"))
                await put_needs(connection, new.id, new.needs)
                await _record(connection, act, now)
                if new.tells is not None:
                    await choose_in(connection, new.tells)
            return await request_in(connection, new.id)

    async def request(self, request_id: str) -> ProofRequest:
        """A request as it stands.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            return await request_in(connection, request_id)

    async def of_code(self, code_hash: bytes) -> ProofRequest:
        """The request that is followed by a code.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            found = await connection.fetchval(SQL["of_code"], code_hash)
            if found is None:
                raise _no_code()
            return await request_in(connection, found)

    async def of_number(self, organ: Uscc, number: str) -> ProofRequest:
        """The newest request of an organ whose proof has a printed number.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            found = await connection.fetchval(SQL["of_number"], organ, number)
            if found is None:
                raise no_request(number)
            return await request_in(connection, found)

    async def progress(self, code_hash: bytes) -> Progress:
        """What may be said to who has the code.

        Raises:
            NotFound: it is no request's.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["progress"], code_hash)
        if row is None:
            raise _no_code()
        return to_progress(row)

    async def acted_before(self, act: ProofActRequest) -> bool:
        """Whether this was done before.

        Raises:
            KeyReused: the key was used with other content.
        """
        async with self._pool.connection() as connection:
            return await _acted(connection, act)

    async def events(self, request_id: str) -> Sequence[ProofEvent]:
        """Everything that happened to a request, in order."""
        async with self._pool.connection() as connection:
            return [to_event(row) for row in await connection.fetch(SQL["events"], request_id)]

    async def makers(self, request_id: str) -> frozenset[str]:
        """The accounts that had a hand in it, and never approve it."""
        async with self._pool.connection() as connection:
            return frozenset(row["account"] for row in await connection.fetch(SQL["makers"], request_id))

    async def note_view(self, request_id: str, person: str, now: datetime) -> None:
        """Put on record that somebody else than its clerk has read the whole of it."""
        async with self._pool.transaction() as connection:
            await audit(connection, now, person, "view_proof_request", None, {"request": request_id})

    async def act(
        self, act: ProofActRequest, content: ProofContent | None, now: datetime, tells: ReceiverChoice | None = None
    ) -> ProofRequest:
        """Put an act on record, with new content and whom the resident wants told where that is said; a submitted
        request that is withdrawn is taken from those who approve, in the same transaction.

        Raises:
            ChangedMeanwhile, ActNotAllowed, Forbidden, KeyReused, NotFound: see `services.ProofRequests`.
        """
        async with self._pool.transaction() as connection:
            known = await _lock(connection, act.request_id)
            if not await _acted(connection, act):
                _require_seen(known, act)
                with explained_village():
                    if act.act is ProofAct.WITHDRAW and known["state"] == ProofState.SUBMITTED:
                        await withdraw_in(connection, known["approval_id"], act.person, now)
                    await _record(connection, act, now)
                    if content is not None:
                        if content.is_of_others:
                            await connection.execute(SQL["others"], act.request_id)
                        values = content.sealed, content.key_id, content.shown, content.holder_hash
                        await connection.execute(SQL["content"], act.request_id, *values)
                    if tells is not None:
                        await choose_in(connection, tells)
            return await request_in(connection, act.request_id)

    def asking(self, act: ProofActRequest, now: datetime) -> PostgresApprovals:
        """Approvals that put what they are asked on record together with this act, or not at all."""
        return _Asking(self._pool, act, now)

    async def decide(
        self, act: ProofActRequest, approves: bool, now: datetime, confirmation: str | None = None
    ) -> ProofRequest:
        """What an approver said: the approval and the request change in one transaction; the same again is done once.
        Agreeing uses up the confirmation of this and nothing else.

        Raises:
            Conflict: the approval is decided.
            ChangedMeanwhile, ActNotAllowed, Forbidden, KeyReused, NotFound: see `services.ProofRequests`.
        """
        async with self._pool.transaction() as connection:
            known = await _lock(connection, act.request_id)
            if not await _acted(connection, act):
                _require_seen(known, act)
                if approves:
                    await confirm_in(connection, sitting_of_one(act, confirmation), now)
                await _decide(connection, known, act, approves, now, confirmation)
            return await request_in(connection, act.request_id)

    async def agree(self, sitting: Sitting, now: datetime) -> None:
        """Use up the confirmation of a sitting and do what it is for, in one transaction; what cannot be done any more
        is left out.

        Raises:
            ActNotAllowed: see `store.accounts.use_confirmation`.
            KeyReused: the key was used for something else.
        """
        async with self._pool.transaction() as connection:
            if not await confirm_in(connection, sitting, now):
                return
            for one in sorted(sitting.agreed):  # in one order, so that two sittings never wait for each other
                try:
                    async with connection.transaction():
                        await self._agree(connection, sitting, one, now)
                except LEFT_OUT:
                    continue

    async def _agree(self, connection: Connection, sitting: Sitting, one: Agreed, now: datetime) -> None:
        act = agreeing(sitting, one)
        known = await _lock(connection, one.request_id)
        _require_seen(known, act)
        await _decide(connection, known, act, True, now, sitting.confirmation)

    async def rounds(self, request_id: str, limit: int) -> Sequence[str]:
        """The approvals that it was put before, the newest first."""
        async with self._pool.connection() as connection:
            return [row["approval_id"] for row in await connection.fetch(SQL["rounds"], request_id, limit)]

    async def last_of_holder(self, request: ProofRequest) -> str | None:
        """The approval of the newest certificate of the same type for the same holder, in this organ."""
        values = request.organ, request.type_id, request.holder_hash, request.id
        async with self._pool.connection() as connection:
            found: str | None = await connection.fetchval(SQL["last_of_holder"], *values)
        return found

    async def inbox(
        self, member: Member, turns: Sequence[Turn], mine: bool, after: tuple[date, str] | None, limit: int
    ) -> Sequence[ProofRequest]:
        """Open requests that wait for somebody, or the others; what is due first comes first. Without content."""
        duties = member.has(OrganDuty.CLERK), member.has(OrganDuty.APPROVER)
        page = *(after or BEFORE_ALL), limit
        values = member.organ.uscc, list(turns), member.account, *page, *duties, mine, member.on
        async with self._pool.connection() as connection:
            return [to_request(row) for row in await connection.fetch(SQL["inbox"], *values)]

    async def lapse(self, untouched_since: datetime, reason: str, now: datetime) -> int:
        """Withdraw drafts that nobody touched since a time, a portion in each transaction; how many."""
        lapsed = 0
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["lapsed"], untouched_since, AT_ONCE)
                for row in rows:
                    head = row["id"], row["version"] + 1, ProofAct.WITHDRAW, None, SERVICE, now, reason
                    await connection.execute(SQL["act"], *head, *[None] * 7)
            lapsed += len(rows)
            if len(rows) < AT_ONCE:
                return lapsed

    async def erase(self, ended_before: datetime, now: datetime) -> int:
        """Erase what requests say that ended before a time, and with it what was put before those who approve, a
        portion in each transaction; how many. What happened stays, and a proof keeps its own content as long as its
        type says."""
        erased = 0
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["erase"], ended_before, now, AT_ONCE)
                if rows:
                    await connection.execute(SQL["erase_rounds"], [row["id"] for row in rows])
                    detail = {"requests": len(rows), "ended_before": ended_before.isoformat()}
                    await audit(connection, now, SERVICE, "erase_proof_requests", None, detail)
            erased += len(rows)
            if len(rows) < AT_ONCE:
                return erased


class _Asking(PostgresApprovals):
    """Asks for an approval and puts the act of asking on record, in one transaction."""

    def __init__(self, pool: Pool, act: ProofActRequest, now: datetime) -> None:
        super().__init__(pool)
        self._act, self._now = act, now

    async def ask(self, asked: ToApprove) -> Approval:
        """See `PostgresApprovals.ask`; and as `PostgresProofRequests.act`."""
        async with self._pool.transaction() as connection:
            _require_seen(await _lock(connection, self._act.request_id), self._act)
            approval = await ask_in(connection, asked)
            with explained_village():
                await _record(connection, self._act, self._now, approval.asked.id)
            return approval


async def _decide(
    connection: Connection, known: Record, act: ProofActRequest, approves: bool, now: datetime, confirmation: str | None
) -> None:
    decision = Decision(person=act.person, approves=approves, reason=act.reason, at=now)
    which = "cancel_approval_id" if act.act in CANCELLING else "approval_id"
    with explained_village():
        await decide_in(connection, known[which] or "", act.account or "", decision)
        await _record(connection, act, now, confirmation=confirmation if approves else None)


async def _record(
    connection: Connection,
    act: ProofActRequest,
    now: datetime,
    approval_id: str | None = None,
    confirmation: str | None = None,
) -> None:
    head = act.request_id, act.seen + 1, act.act, act.account, act.person, now, act.reason, act.identity
    consent = (act.consent.what, act.consent.how) if act.consent else (None, None)
    await connection.execute(SQL["act"], *head, *consent, approval_id, act.key, act.digest, confirmation)
    await audit(connection, now, act.person, f"proof_{act.act}", None, {"request": act.request_id})


async def record_in(connection: Connection, act: ProofActRequest, now: datetime) -> bool:
    """Put an act on record, in a transaction of which it is a part; False where it was before.

    Raises:
        ChangedMeanwhile, ActNotAllowed, Forbidden, KeyReused, NotFound: see `services.ProofRequests`.
    """
    known = await _lock(connection, act.request_id)
    if await _acted(connection, act):
        return False
    _require_seen(known, act)
    with explained_village():
        await _record(connection, act, now)
    return True


async def _acted(connection: Connection, act: ProofActRequest) -> bool:
    known = await connection.fetchrow(SQL["acted"], act.request_id, act.key)
    if known is not None:
        _same(known, act, "version")
    return known is not None


def _same(known: Record | None, act: ProofActRequest, wanted: str) -> str:
    if known is None or known["digest"] != act.digest:
        raise KeyReused.of(act.key)
    return str(known[wanted])


async def _lock(connection: Connection, request_id: str) -> Record:
    row = await connection.fetchrow(SQL["lock"], request_id)
    if row is None:
        raise no_request(request_id)
    return row


def _require_seen(known: Record, act: ProofActRequest) -> None:
    if known["version"] != act.seen:
        raise stale(known["version"], act.seen)


async def request_in(connection: Connection, request_id: str) -> ProofRequest:
    """A request as it stands in a transaction.

    Raises:
        NotFound: there is none.
    """
    row = await connection.fetchrow(SQL["request"], request_id)
    if row is None:
        raise no_request(request_id)
    return to_request(row)


def no_request(request_id: str) -> NotFound:
    """No request of this id, or none for who asks: said alike."""
    return NotFound(f"没有申请 {request_id[:40]}。", f"There is no request {request_id[:40]}.")


def _no_code() -> NotFound:
    return NotFound(
        "没有用这个查询码的申请，请对照记下的再输一次。",
        "No request is followed by this code: compare it with what you wrote down.",
    )
