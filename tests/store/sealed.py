"""Made-up seals on record."""

from dataclasses import replace
from datetime import datetime

import asyncpg
from made_up import NOW, PEOPLE, SEAL

from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealEvent
from certsvc.errors import ActNotAllowed, Forbidden, InvalidInput
from certsvc.store.seals import PostgresSeals

REFUSALS = (ActNotAllowed, Forbidden, InvalidInput)
TO_ENABLED = {
    SealAct.APPROVE: "批",
    SealAct.MAKE: "管",
    SealAct.MADE: "管",
    SealAct.ENABLE: "管",
}


def applied(seal_id: str, **rules: object) -> Seal:
    """A seal that is applied for, with the people of `made_up.SEAL`."""
    return replace(SEAL, id=seal_id, people=replace(PEOPLE, approver=None), **rules)  # type: ignore[arg-type]


def ask(
    seal_id: str,
    act: SealAct,
    actor: str,
    key: str = "",
    *,
    successor: str | None = None,
    confirmed_by: str | None = None,
) -> SealActRequest:
    """A request; without a key it has one of its own kind."""
    name = key or f"{act} {actor} {successor} {confirmed_by}"
    return SealActRequest(
        client="test",
        key=f"{seal_id} {name}",
        seal_id=seal_id,
        act=act,
        actor=actor,
        reason="试",
        successor=successor,
        confirmed_by=confirmed_by,
    )


async def put_in_use(seals: PostgresSeals, seal: Seal, now: datetime = NOW) -> None:
    """Through all stages up to enabled."""
    await seals.apply(seal, ask(seal.id, SealAct.APPLY, "申"), now)
    for act, actor in TO_ENABLED.items():
        await seals.act(ask(seal.id, act, actor), now)


async def refusal(seals: PostgresSeals, request: SealActRequest) -> str | None:
    """What an act is answered when it is refused."""
    try:
        await seals.act(request, NOW)
    except REFUSALS as error:
        return f"{error.zh} {error.en}"
    return None


async def execute(uri: str, statement: str, *values: object) -> None:
    """As the owner of the tables, past our own code."""
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


def told(events: list[SealEvent]) -> list[tuple[str, str, str]]:
    """Act, state and person of each event."""
    return [(event.act.value, event.state.value, event.actor) for event in events]
