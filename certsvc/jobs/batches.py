"""The worker's part in batches: some rows at once, and beside them whatever brings a batch on."""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from certsvc.errors import CertsvcError
from certsvc.issuance.batches.end import tend
from certsvc.issuance.batches.work import BatchWorker
from certsvc.log import log_unexpected

LOOKS_AGAIN = 1.0
"""Seconds after which is looked again where there was nothing to do."""

RESTS = 2.0
"""Seconds to leave alone what met trouble."""


async def do_batches(worker: BatchWorker, stop: asyncio.Event, log: FilteringBoundLogger, *, at_once: int) -> None:
    """Do batches, `at_once` rows at a time, until told to stop; what is then under way is left as if killed.

    Some rows more than there are readers of PDFs keep those and this process busy, and with them two processors: of a
    row's work a third is done here, nearly two in readers, where the lint and our own output are checked.
    """

    async def bring_on() -> bool:
        return await tend(worker)

    tasks = [asyncio.create_task(_keep_doing(worker.do_one, log)) for _ in range(at_once)]
    tasks.append(asyncio.create_task(_keep_doing(bring_on, log)))
    try:
        await stop.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_doing(step: Callable[[], Awaitable[bool]], log: FilteringBoundLogger) -> None:
    while True:
        try:
            did = await step()
        except CertsvcError as error:
            log.warning("batches_troubled", error=error.code)
            await asyncio.sleep(RESTS)
        except Exception as error:
            log_unexpected(log, error, chore="batches")
            await asyncio.sleep(RESTS)
        else:
            await asyncio.sleep(0 if did else LOOKS_AGAIN)
