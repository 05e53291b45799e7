"""Stories over one register and its seals."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from embedded_fixture import Database
from made_up import NOW, licence
from sealed import applied, put_in_use

from certsvc.ids import Ref
from certsvc.store.pool import open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

Story = Callable[[PostgresSeals, PostgresRegister], Coroutine[Any, Any, None]]


def run(database: Database, story: Story) -> None:
    """A story over one register and its seals."""

    async def told_in_full() -> None:
        async with open_pool(database.uri) as pool:
            await story(PostgresSeals(pool), PostgresRegister(pool))

    asyncio.run(told_in_full())


async def ready(seals: PostgresSeals, register: PostgresRegister, since: datetime = NOW, **rules: object) -> Ref:
    """A licence reserved under a seal that is enabled with these rules."""
    await put_in_use(seals, applied("amr", **rules), since)
    return (await register.reserve(licence())).ref
