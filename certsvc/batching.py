"""Composition of the worker's part in batches."""

import asyncio

from structlog.typing import FilteringBoundLogger

from certsvc.issuance.batches.work import BatchWorker, actor_by
from certsvc.issuance.service import Issuing
from certsvc.jobs.batches import do_batches
from certsvc.log import log_unexpected
from certsvc.settings import Settings
from certsvc.store.batch_work import BatchWork
from certsvc.store.clients import PostgresClients
from certsvc.store.manifests import MANIFESTS, FileManifests
from certsvc.store.pool import Pool, open_pool
from certsvc.store.takings import Takings

BEYOND_READERS = 2
"""Rows under way beyond those that readers of PDFs have."""

CONNECTIONS, LONGEST_STEP = 6, 300.0
"""Connections beyond one for each row under way; seconds for a row, or for the manifest of a million rows."""


def open_batches(
    settings: Settings,
    issuing: Issuing,
    clients: PostgresClients,
    pool: Pool,
    takings: Takings,
    log: FilteringBoundLogger,
) -> BatchWorker:
    """What batches are done with. `pool` is theirs alone: a row holds a connection as long as it takes."""

    def unexpected(row: str, error: Exception) -> None:
        log_unexpected(log, error, row=row)

    return BatchWorker(
        work=BatchWork(pool, takings),
        issuing=issuing,
        manifests=FileManifests(settings.home / MANIFESTS),
        actor_of=actor_by(clients.of_name),
        unexpected=unexpected,
    )


async def run_batches(
    settings: Settings, issuing: Issuing, uri: str, takings: Takings, stop: asyncio.Event, log: FilteringBoundLogger
) -> None:
    """Do batches until told to stop."""
    at_once = settings.verify.workers + BEYOND_READERS
    async with open_pool(uri) as pool, open_pool(uri, seconds=LONGEST_STEP, most=at_once + CONNECTIONS) as for_rows:
        worker = open_batches(settings, issuing, PostgresClients(pool), for_rows, takings, log)
        await do_batches(worker, stop, log, at_once=at_once)
