"""Issue in a child process that is killed on the way, and look at what is left."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from desk import Desk

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation
from certsvc.issuance.issue import issue, resume
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.services import Walk
from certsvc.settings import Settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.verify.file import verify_file
from certsvc.verify.report import Report
from certsvc.verify.scan import verify_scan

CHILDREN = multiprocessing.get_context("forkserver")
"""Children of a process that never rendered: the renderer's threads do not live through a fork."""

CHILDREN.set_forkserver_preload(["walked"])
ACTOR = Actor(name="test", scopes=frozenset({"issue:*"}))
CHILD_SECONDS = 60
UNFINISHED = "select ref, token from certificate where issued_at is null"
USED_TWICE = """select number from certificate group by type_number, number, version having count(*) > 1
    union all select identifier from certificate group by identifier having count(*) > 1
    union all select list_name from certificate group by list_name, list_index having count(*) > 1"""
NUMBERS_OF_NOTHING = """select number.number from number
    left join certificate using (type_number, number, version) where certificate.ref is null"""
USES_OF = "select count(*) from seal_use where ref = $1"
DIGESTS_OF = "select count(distinct digest) from seal_use where ref = $1"
TOKEN_OF = "select token from certificate where ref = $1"


async def _issue(settings: Settings, uri: str, order: Order, walk: Walk) -> Reservation:
    async with open_issuing(settings, uri, walk, datetime.now(UTC)) as issuing:
        return await issue(issuing, ACTOR, order, datetime.now(UTC))


def _issue_and_die(settings: Settings, uri: str, order: Order, step: int) -> None:
    left = iter(range(step - 1))

    def dying(arrow: str, detail: Mapping[str, Any]) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(_issue(settings, uri, order, dying))


def _issue_silently(settings: Settings, uri: str, order: Order) -> None:
    asyncio.run(_issue(settings, uri, order, silent_walk))


@dataclass
class Walks:
    """The walks over one register."""

    settings: Settings
    server: EmbeddedServer
    desk: Desk

    @property
    def uri(self) -> str:
        """As its owner."""
        return self.server.uri("certsvc")

    def issue(self, order: Order, walk: Walk = silent_walk) -> Reservation:
        """Issue in this process."""

        async def run() -> Reservation:
            async with self.desk.issuing(self.settings, self.uri, walk) as issuing:
                return await issue(issuing, ACTOR, order, datetime.now(UTC))

        return self.desk.run(run())

    def resume(self) -> int:
        """Finish what was begun."""

        async def run() -> int:
            async with self.desk.issuing(self.settings, self.uri) as issuing:
                return await resume(issuing, ACTOR)

        return self.desk.run(run())

    def issue_and_die(self, order: Order, step: int) -> None:
        """Issue in a child that kills itself at its `step`-th arrow."""
        child = CHILDREN.Process(target=_issue_and_die, args=(self.settings, self.uri, order, step))
        child.start()
        child.join(CHILD_SECONDS)
        assert child.exitcode == -signal.SIGKILL

    def issue_at_once(self, order: Order, processes: int) -> list[int | None]:
        """Issue the same order in several children at once; their exit codes."""
        children = [
            CHILDREN.Process(target=_issue_silently, args=(self.settings, self.uri, order)) for _ in range(processes)
        ]
        for child in children:
            child.start()
        for child in children:
            child.join(CHILD_SECONDS)
        return [child.exitcode for child in children]

    def arrows(self, order: Order) -> list[str]:
        """The arrows of one walk, in order."""
        passed: list[str] = []
        self.issue(order, lambda arrow, detail: passed.append(str(arrow)))
        return passed

    def rows(self, statement: str, *values: object) -> Sequence[asyncpg.Record]:
        """What the database holds."""
        return asyncio.run(self._fetch(statement, values))

    def scan(self, digits: str) -> Report:
        """The report on a QR, as the public gets it with the read-only role."""
        return self.desk.run(self._verify(verify_scan, [digits]))[0]

    def check(self, files: Sequence[bytes]) -> list[Report]:
        """The reports on sealed files, as the public gets them."""
        return self.desk.run(self._verify(verify_file, files))

    async def _verify(
        self, verify: Callable[..., Coroutine[Any, Any, Report]], things: Sequence[object]
    ) -> list[Report]:
        async with self.desk.verifying(self.settings, self.server.uri("certsvc_public")) as verifying:
            return [await verify(verifying, thing, datetime.now(UTC)) for thing in things]

    async def _fetch(self, statement: str, values: Sequence[object]) -> Sequence[asyncpg.Record]:
        connection = await asyncpg.connect(self.uri)
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *values)
            return rows
        finally:
            await connection.close()
