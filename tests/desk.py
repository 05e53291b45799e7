"""What tests that issue and verify share because it is slow to start: an event loop, a reader of PDFs, the types."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from chosen import tree_catalog

from certsvc.authorities import open_keys
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuing import join_issuing
from certsvc.services import Walk
from certsvc.settings import Settings
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
Result = TypeVar("Result")


class Desk:
    """The parts of `certsvc.app`, with one reader of PDFs for all tests of a session."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._inspector = Inspector(1)
        self._catalog = tree_catalog()
        self.run(self._inspector.__aenter__())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the shared loop."""
        return self._runner.run(work)

    @asynccontextmanager
    async def issuing(
        self, settings: Settings, uri: str, walk: Walk = silent_walk, now: datetime | None = None
    ) -> AsyncIterator[Issuing]:
        """As `app.issuing`: keys and connections are opened anew."""
        when = now or datetime.now(UTC)
        async with open_pool(uri) as pool:
            keys = open_keys(settings, when)
            yield await join_issuing(settings, self._catalog, keys, pool, self._inspector, walk, when)

    @asynccontextmanager
    async def verifying(self, settings: Settings, uri: str | None) -> AsyncIterator[Verifying]:
        """As `app.verifying`; without `uri` the register is not asked."""
        trust = AnchorFolder(settings.public)
        if uri is None:
            yield Verifying(catalog=self._catalog, trust=trust, register=None, inspector=self._inspector)
            return
        async with open_pool(uri, read_only=True) as pool:
            register = PostgresReader(pool)
            yield Verifying(catalog=self._catalog, trust=trust, register=register, inspector=self._inspector)

    def close(self) -> None:
        """End the reader and the loop."""
        self.run(self._inspector.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """The desk of this session."""
    made = Desk()
    yield made
    made.close()
