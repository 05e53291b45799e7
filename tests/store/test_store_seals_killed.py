"""Killed at every statement of an act on a seal: the act is done whole or not at all, and the next try does it once."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database
from made_up import NOW
from sealed import applied, ask, told

from certsvc.domain.seal_acts import SealAct, SealEvent
from certsvc.store.pool import open_pool
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["store_fixtures"]

HALF = """select count(*) from seal s where
  s.state is distinct from (select e.state from seal_event e where e.seal_id = s.id order by e.id desc limit 1)
  or (select count(*) from seal_event e where e.seal_id = s.id)
    <> (select count(*) from audit a where a.detail ->> 'seal' = s.id)"""


async def go_on(seals: PostgresSeals, seal_id: str) -> list[SealEvent]:
    """Apply and approve, beginning wherever an earlier try came to."""
    await seals.apply(applied(seal_id), ask(seal_id, SealAct.APPLY, "申"), NOW)
    await seals.act(ask(seal_id, SealAct.APPROVE, "批"), NOW + timedelta(minutes=1))
    return [*await seals.events(seal_id)]


@pytest.mark.long
def test_killed_before_any_statement_the_next_try_does_the_same_acts_once(database: Database) -> None:
    def dying(seal_id: str, number: int) -> bool:
        async def story() -> None:
            async with open_pool(database.uri) as pool:
                die_before_statement(number)
                await go_on(PostgresSeals(pool), seal_id)

        return ran_to_the_end(lambda: asyncio.run(story()))

    async def finish(seal_id: str) -> list[SealEvent]:
        async with open_pool(database.uri) as pool:
            return await go_on(PostgresSeals(pool), seal_id)

    async def half() -> int:
        connection = await asyncpg.connect(database.uri)
        try:
            count: int = await connection.fetchval(HALF)
            return count
        finally:
            await connection.close()

    number, ended = 0, False
    while not ended:
        number += 1
        ended = dying(f"seal-{number}", number)
        assert asyncio.run(half()) == 0
        events = asyncio.run(finish(f"seal-{number}"))
        assert told(events) == [("apply", "applied", "申"), ("approve", "approved", "批")]
        assert asyncio.run(half()) == 0
    assert number > 12
