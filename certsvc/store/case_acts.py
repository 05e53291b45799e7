"""Acts on the parts of a case, inside a transaction that has locked it."""

from datetime import date, datetime

import asyncpg
from asyncpg import Record

from certsvc.domain.case import PENDING, Case, PartAct, PartEvent, PartGround, PartState
from certsvc.domain.case_requests import SealedContent
from certsvc.errors import KeyReused, NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.case_rows import explained, to_case, to_part, to_part_event
from certsvc.store.notices import PartPlace, tell
from certsvc.store.pool import Connection
from certsvc.store.queries import queries

SQL = queries("cases")
SERVICE = "一照通行 case"
"""The actor where an act follows by itself."""

NO_REQUEST = (None, None, None)
NO_GROUND = PartGround()
WITHOUT_LICENCE = PartGround(reason="营业执照没有登记，依附于它的许可事项终止办理。")


def same_request(known: Record | None, digest: bytes, key: str, ref: Ref | None = None) -> Ref:
    """The case that a request was about when it came before."""
    assert known is not None, "requests are never removed"
    found = ref_from_bytes(known["ref"])
    if known["digest"] != digest or ref not in (None, found):
        raise KeyReused.of(key)
    return found


def no_case(ref: Ref) -> NotFound:
    """There is none of this code, or no such part of it."""
    return NotFound(f"没有申请 {ref.typed_code}。", f"There is no case {ref.typed_code}.")


async def locked(connection: Connection, ref: Ref) -> Case:
    """A case on which nobody else acts meanwhile. Raises `NotFound`."""
    await connection.fetchval(SQL["lock_case"], ref.slot, ref.to_bytes())
    return await case_of(connection, ref)


async def case_of(connection: Connection, ref: Ref) -> Case:
    """A case as it stands. Raises `NotFound`."""
    row = await connection.fetchrow(SQL["case"], ref.slot, ref.to_bytes())
    if row is None:
        raise no_case(ref)
    return to_case(row, [to_part(part) for part in await connection.fetch(SQL["case_parts"], ref.slot, row["ref"])])


async def events_of_case(connection: Connection, ref: Ref) -> list[PartEvent]:
    """Everything that happened to a case, in the order of recording."""
    return [to_part_event(row) for row in await connection.fetch(SQL["case_events"], ref.slot, ref.to_bytes())]


async def record_act(
    connection: Connection,
    ref: Ref,
    type_id: str,
    act: PartAct,
    actor: str,
    now: datetime,
    *,
    ground: PartGround = NO_GROUND,
    deadline: date | None = None,
    certificate: Ref | None = None,
    request: tuple[str | None, str | None, bytes | None] = NO_REQUEST,
) -> tuple[int, PartState]:
    """One act on record: its number, and the state after it."""
    issued = (None, None) if certificate is None else (certificate.slot, certificate.to_bytes())
    said = ground.reason, ground.legal_basis, ground.decision_number, ground.remedies, ground.due
    values = ref.slot, ref.to_bytes(), type_id, act, actor, now, *said, deadline, *issued, *request
    try:
        with explained(type_id, act):
            row = await connection.fetchrow(SQL["insert_case_event"], *values)
    except asyncpg.UniqueViolationError:
        raise KeyReused.of(str(request[1])) from None
    assert row is not None, "an insert returns its row"
    return row["id"], PartState(row["state"])


async def insert_content(
    connection: Connection,
    ref: Ref,
    type_id: str | None,
    content: SealedContent,
    request: tuple[str | None, str | None, bytes | None],
    now: datetime,
) -> None:
    """Answers, or what was granted of a part, under lock."""
    values = ref.slot, ref.to_bytes(), type_id, now, content.sealed, content.key_id, *request
    try:
        await connection.execute(SQL["insert_content"], *values)
    except asyncpg.UniqueViolationError:
        raise KeyReused.of(str(request[1])) from None


async def end_the_rest(connection: Connection, case: Case, now: datetime, area: str) -> None:
    """Without the licence nothing can hang on it."""
    for part in case.parts:
        if part.type_id != case.licence_type and part.state in PENDING:
            _, state = await record_act(
                connection, case.ref, part.type_id, PartAct.END, SERVICE, now, ground=WITHOUT_LICENCE
            )
            await tell_part(connection, case, part.type_id, PartAct.END, state, now, area)


async def tell_part(
    connection: Connection,
    case: Case,
    type_id: str,
    act: PartAct,
    state: PartState,
    now: datetime,
    area: str,
    certificate: Ref | None = None,
) -> None:
    """Tell whoever opened the case, and all who may decide such a part in the area, what became of it."""
    kind = "case.returned" if act is PartAct.RETURN else "case.part_decided"
    code = certificate.typed_code if certificate else None
    told = about(case.ref, type=type_id, act=act.value, state=state.value, certificate=code)
    await tell(connection, now, kind, told, client=case.opened_by, part=PartPlace(type_id, area))


async def finished_case(connection: Connection, ref: Ref, now: datetime) -> Case:
    """The case as it stands; whoever opened it is told when that was the last of its parts."""
    case = await case_of(connection, ref)
    if case.finished:
        await tell(connection, now, "case.finished", about(ref), client=case.opened_by)
    return case


def about(ref: Ref, **more: object) -> dict[str, object]:
    """What others are told: the case, and nothing of persons."""
    return {"case": ref.typed_code, **more}
