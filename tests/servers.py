"""PostgreSQL as a fixture: one server of each version for all tests of a process. Its databases go with their module.

What begins and ends it runs in a thread of its own: beside a browser, pytest's own has a loop that runs already.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from demonstration import NewHome

from certsvc.store.embedded import EmbeddedServer

sys.path.insert(0, str(Path(__file__).resolve().parent / "store"))
from embedded_fixture import drop_databases, running_server

Lend = Callable[[Path | None], AbstractContextManager[EmbeddedServer]]
"""Lends the server with these programs (None for the wheel's); what was made on it meanwhile is dropped."""


@pytest.fixture(scope="session")
def lend(new_home: NewHome) -> Iterator[Lend]:
    """The servers, each begun when it is first asked for."""
    begun: dict[Path | None, tuple[AbstractContextManager[EmbeddedServer], EmbeddedServer]] = {}
    with ThreadPoolExecutor(1) as thread:

        @contextmanager
        def lent(programs: Path | None) -> Iterator[EmbeddedServer]:
            if programs not in begun:
                running = running_server(new_home().path, programs)
                begun[programs] = running, thread.submit(running.__enter__).result()
            server = begun[programs][1]
            yield server
            thread.submit(drop_databases, server).result()

        yield lent
        for running, _ in begun.values():
            thread.submit(running.__exit__, None, None, None).result()


@pytest.fixture(scope="module")
def embedded_server(lend: Lend) -> Iterator[EmbeddedServer]:
    """The embedded one, for the fresh databases of a module."""
    with lend(None) as server:
        yield server
