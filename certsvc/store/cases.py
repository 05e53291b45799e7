"""Cases on record: `services.Cases` on PostgreSQL. Every method is one transaction and safe to repeat.

Who acts on a part locks the case first, so that no part misses that the licence was issued, or that it never will be.
"""

from collections.abc import Sequence
from datetime import date, datetime

from certsvc.domain.case import PENDING, Case, PartAct, PartEvent, PartGround, PartState
from certsvc.domain.case_requests import (
    CaseOpening,
    Correction,
    ListedPart,
    ListPlace,
    PartRequest,
    PartsAsked,
    SealedContent,
)
from certsvc.errors import ActNotAllowed
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.case_acts import (
    NO_REQUEST,
    SERVICE,
    about,
    case_of,
    end_the_rest,
    events_of_case,
    finished_case,
    insert_content,
    locked,
    no_case,
    record_act,
    same_request,
    tell_part,
)
from certsvc.store.case_rows import to_listed
from certsvc.store.jobs import enqueue
from certsvc.store.notices import PartPlace, tell
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL = queries("cases")
ISSUE_PART = "issue_part"
"""The job of issuing a part that was granted; its key is `part_key`."""

LATE_AT_ONCE = 200
"""Of so many late parts is told in one transaction."""

ERASED_AT_ONCE = 500
"""So many contents are erased in one transaction."""

BEFORE_ALL = (date.min, -1, b"", "")


def part_key(ref: Ref, type_id: str, cause: str) -> str:
    """The key of the job that issues a part. Another cause is another job: one that is just ending does not swallow
    it."""
    return f"{ref.typed_code}/{type_id}/{cause}"


class PostgresCases:
    """Reads and writes; needs the database role that owns the tables. Whoever may decide a part in the `area` is told
    of it. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool, area: str) -> None:
        self._pool, self._area = pool, area

    async def open(self, opening: CaseOpening, now: datetime) -> Case:
        """Put a case on record, its parts received; the same request again gives the same case.

        Raises:
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["insert_case"], *_head(opening, now)) is None:
                row = await connection.fetchrow(SQL["opened"], opening.client, opening.key)
                return await case_of(connection, same_request(row, opening.digest, opening.key))
            at = opening.ref.slot, opening.ref.to_bytes()
            for place, part in enumerate(opening.parts, start=1):
                await connection.execute(SQL["insert_part"], *at, part.type_id, place, part.working_days, now)
            content = SealedContent(sealed=opening.sealed, key_id=opening.key_id)
            await insert_content(connection, opening.ref, None, content, NO_REQUEST, now)
            for part in opening.parts:
                await record_act(
                    connection, opening.ref, part.type_id, PartAct.OPEN, opening.client, now, deadline=part.deadline
                )
                said = about(opening.ref, type=part.type_id, deadline=part.deadline.isoformat())
                await tell(connection, now, "case.part_opened", said, part=PartPlace(part.type_id, self._area))
            types = [part.type_id for part in opening.parts]
            await audit(connection, now, opening.client, "open_case", None, about(opening.ref, types=types))
            await tell(connection, now, "case.opened", about(opening.ref, types=types), client=opening.client)
            return await case_of(connection, opening.ref)

    async def opened_before(self, client: str, key: str, digest: bytes) -> Case | None:
        """The case as it stands, when this request to open it was done before.

        Raises:
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.connection() as connection:
            known = await connection.fetchrow(SQL["opened"], client, key)
            return None if known is None else await case_of(connection, same_request(known, digest, key))

    async def case(self, ref: Ref) -> Case:
        """A case as it stands.

        Raises:
            NotFound: there is none of this code.
        """
        async with self._pool.connection() as connection:
            return await case_of(connection, ref)

    async def events(self, ref: Ref) -> Sequence[PartEvent]:
        """Everything that happened to a case, in the order of recording."""
        async with self._pool.connection() as connection:
            return await events_of_case(connection, ref)

    async def content(self, ref: Ref, type_id: str | None) -> SealedContent | None:
        """The newest answers to the form, or what a department set of its part; nothing once it is erased."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["content"], ref.slot, ref.to_bytes(), type_id)
        return None if row is None else SealedContent(sealed=row["sealed"], key_id=row["key_id"])

    async def erased_at(self, ref: Ref) -> datetime | None:
        """When what the case says of persons was erased; nothing while it is kept."""
        async with self._pool.connection() as connection:
            erased: datetime | None = await connection.fetchval(SQL["erased_at"], ref.slot, ref.to_bytes())
            return erased

    async def erase_contents(self, ended_before: datetime, now: datetime) -> int:
        """Erase what cases say of persons that ended before a time, a portion in each transaction; how many contents.
        Cases, parts, events and the digests of requests stay."""
        erased, states = 0, sorted(PENDING)
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["erase_contents"], ended_before, now, states, ERASED_AT_ONCE)
                if rows:
                    detail = {"contents": len(rows), "ended_before": ended_before.isoformat()}
                    await audit(connection, now, SERVICE, "erase_case_contents", None, detail)
            erased += len(rows)
            if len(rows) < ERASED_AT_ONCE:
                return erased

    async def parts(self, asked: PartsAsked) -> Sequence[ListedPart]:
        """Parts by their deadlines: what is late comes first."""
        after = BEFORE_ALL if asked.after is None else _place(asked.after)
        states = PENDING if asked.state is None else {asked.state}
        head = [*asked.types], asked.opened_by, sorted(states), asked.due_before
        values = *head, *after, asked.limit, asked.type_id
        async with self._pool.connection() as connection:
            return [to_listed(row) for row in await connection.fetch(SQL["parts"], *values)]

    async def decided_before(self, request: PartRequest) -> Case | None:
        """The case as it stands, when this request was done before.

        Raises:
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.connection() as connection:
            known = await connection.fetchrow(SQL["find_case_event"], request.client, request.key)
            if known is None:
                return None
            return await case_of(connection, same_request(known, request.digest, request.key, request.ref))

    async def act(self, request: PartRequest, actor: str, now: datetime) -> Case:
        """Put an act on a part on record; the same request again gives the case as it stands. A grant is handed to a
        worker; when the licence of the case is refused or withdrawn, what hangs on it ends too.

        Raises:
            NotFound: there is no such case or part.
            ActNotAllowed: the part is not in a state that allows the act.
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            case = await locked(connection, request.ref)
            known = await connection.fetchrow(SQL["find_case_event"], request.client, request.key)
            if known is not None:
                return await case_of(connection, same_request(known, request.digest, request.key, request.ref))
            if case.part(request.type_id) is None:
                raise no_case(request.ref)
            named = request.client, request.key, request.digest
            event, state = await record_act(
                connection,
                request.ref,
                request.type_id,
                request.act,
                actor,
                now,
                ground=request.ground,
                deadline=request.deadline,
                request=named,
            )
            if request.content is not None:
                await insert_content(connection, request.ref, request.type_id, request.content, NO_REQUEST, now)
            if state is PartState.GRANTED:
                await enqueue(connection, ISSUE_PART, part_key(request.ref, request.type_id, str(event)), now)
            await tell_part(connection, case, request.type_id, request.act, state, now, self._area)
            if request.type_id == case.licence_type and state in (PartState.REFUSED, PartState.WITHDRAWN):
                await end_the_rest(connection, case, now, self._area)
            await audit(connection, now, actor, f"case_{request.act}", None, about(case.ref, type=request.type_id))
            return await finished_case(connection, case.ref, now)

    async def corrected_before(self, ref: Ref, client: str, key: str, digest: bytes) -> bool:
        """Whether this request to correct was done before.

        Raises:
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.connection() as connection:
            known = await connection.fetchrow(SQL["find_content"], client, key)
        return known is not None and same_request(known, digest, key, ref) == ref

    async def correct(self, correction: Correction, actor: str, now: datetime) -> Case:
        """Put corrected answers on record, and resubmit every part that was returned when they were checked and still
        is; the same request again gives the case as it stands.

        Raises:
            NotFound: there is no such case.
            ActNotAllowed: no part is returned.
            KeyReused: the key of the request was used with other content.
        """
        async with self._pool.transaction() as connection:
            case = await locked(connection, correction.ref)
            known = await connection.fetchrow(SQL["find_content"], correction.client, correction.key)
            if known is not None:
                return await case_of(connection, same_request(known, correction.digest, correction.key, correction.ref))
            known_returned = [part for part in case.parts if part.type_id in correction.deadlines]
            returned = [part for part in known_returned if part.state is PartState.RETURNED]
            if not returned:
                raise ActNotAllowed("没有退回补正的部分。", "No part is returned for correction.")
            named = correction.client, correction.key, correction.digest
            content = SealedContent(sealed=correction.sealed, key_id=correction.key_id)
            await insert_content(connection, correction.ref, None, content, named, now)
            for part in returned:
                deadline = correction.deadlines[part.type_id]
                await record_act(
                    connection, correction.ref, part.type_id, PartAct.RESUBMIT, actor, now, deadline=deadline
                )
                told = about(case.ref, type=part.type_id, deadline=deadline.isoformat())
                await tell(connection, now, "case.resubmitted", told, part=PartPlace(part.type_id, self._area))
            await audit(connection, now, actor, "case_correct", None, about(case.ref))
            return await case_of(connection, correction.ref)

    async def issued(self, ref: Ref, type_id: str, certificate: Ref, now: datetime) -> Case:
        """Put on record that a granted part was issued; once. When it is the licence, what was granted under it is
        handed to a worker.

        Raises:
            NotFound: there is no such case or part.
            ActNotAllowed: it is not granted, or there is no such certificate.
        """
        async with self._pool.transaction() as connection:
            case = await locked(connection, ref)
            part = case.part(type_id)
            if part is None:
                raise no_case(ref)
            if part.state is PartState.ISSUED:
                return case
            await record_act(connection, ref, type_id, PartAct.ISSUE, SERVICE, now, certificate=certificate)
            if type_id == case.licence_type:
                for other in case.parts:
                    if other.state is PartState.GRANTED and other.type_id != type_id:
                        await enqueue(connection, ISSUE_PART, part_key(ref, other.type_id, "licence"), now)
            await tell_part(connection, case, type_id, PartAct.ISSUE, PartState.ISSUED, now, self._area, certificate)
            return await finished_case(connection, ref, now)

    async def reopen(self, ref: Ref, granted: PartEvent, reason: str, deadline: date, now: datetime) -> Case:
        """Take up again what was granted and not approved, unless that was done: it is decided anew by `deadline`.

        Raises:
            NotFound: there is no such case.
        """
        async with self._pool.transaction() as connection:
            case = await locked(connection, ref)
            mine = [event for event in await events_of_case(connection, ref) if event.type_id == granted.type_id]
            if mine[-1].id != granted.id:
                return case
            ground = PartGround(reason=reason)
            _, state = await record_act(
                connection, ref, granted.type_id, PartAct.REOPEN, SERVICE, now, ground=ground, deadline=deadline
            )
            await tell_part(connection, case, granted.type_id, PartAct.REOPEN, state, now, self._area)
            return await case_of(connection, ref)

    async def tell_late(self, today: date, now: datetime) -> int:
        """Tell of every part whose last day for the decision is over, once for each such day; of how many."""
        told = 0
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["late_parts"], today, now, LATE_AT_ONCE)
                for row in rows:
                    said = about(ref_from_bytes(row["ref"]), type=row["type_id"], deadline=row["deadline"].isoformat())
                    place = PartPlace(row["type_id"], self._area)
                    await tell(connection, now, "case.part_late", said, client=row["opened_by"], part=place)
            told += len(rows)
            if len(rows) < LATE_AT_ONCE:
                return told


def _head(opening: CaseOpening, now: datetime) -> tuple[object, ...]:
    licence = (None, None) if opening.licence is None else (opening.licence.slot, opening.licence.to_bytes())
    return (
        *(opening.ref.slot, opening.ref.to_bytes(), opening.client, opening.key, opening.digest, now),
        *(opening.applicant, opening.licence_type, *licence),
    )


def _place(place: ListPlace) -> tuple[date, int, bytes, str]:
    return place.due, place.ref.slot, place.ref.to_bytes(), place.type_id
