"""Batches over a register with the demonstration's keys: sent, worked through, looked at."""

import asyncio
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
from demonstration import ROOT
from desk import Desk
from holders import company_code

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import death_noticed

from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.batch import Batch, BatchMove, BatchRequest, BatchRow, BatchState, Form
from certsvc.errors import RegisterUnavailable
from certsvc.issuance.batches.end import tend
from certsvc.issuance.batches.requests import BatchOffice, conclude, receive, rows
from certsvc.issuance.batches.work import BatchWorker
from certsvc.issuance.issue import issue
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuing import open_issuing
from certsvc.services import Walk
from certsvc.settings import Settings
from certsvc.store.batch_work import BatchWork
from certsvc.store.batches import PostgresBatches
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.manifests import FileManifests
from certsvc.store.pool import open_pool

LICENCE, FOOD = "business-licence-company", "food-business"
SENDER = "market-system"
SCOPES = frozenset(f"{act}:*" for act in Act)
WORKERS = multiprocessing.get_context("forkserver")
WORKERS.set_forkserver_preload(["batched"])
MOST_STEPS = 400
GROUND = {"reason": "查处", "legal_basis": "某法第一条", "decision_number": "云罚〔2026〕1号"}
OFFICER = Actor(name="审批员", scopes=frozenset({"approve:*"}))
OTHER = Actor(name="复核员", scopes=frozenset({"approve:*"}))
PIECE, WORKER_SECONDS = 700, 100


def example(type_id: str, name: str) -> dict[str, Any]:
    """A good example of a type."""
    path = ROOT / "schemas" / type_id / "v1" / "examples" / f"{name}.json"
    payload: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return payload


def licence(serial: int) -> dict[str, Any]:
    """The content of a licence for a company of its own."""
    return {**example(LICENCE, "good-lingnan"), "uscc": company_code(serial)}


def food(place: int) -> dict[str, Any]:
    """The content of a food permit for a place of its own."""
    return {**example(FOOD, "good-snack-bar"), "address": f"云山市云岗镇石塘村东二巷{place}号"}


def ndjson(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Lines of JSON."""
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def payloads(*contents: Mapping[str, Any]) -> bytes:
    """A batch that issues these."""
    return ndjson({"key": f"row {number}", "payload": content} for number, content in enumerate(contents, start=1))


async def pieces(data: bytes, size: int = PIECE) -> AsyncIterator[bytes]:
    """An upload as it comes in."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def wanted(key: str, type_id: str = FOOD, act: Act = Act.ISSUE, **more: Any) -> BatchRequest:
    """A request for a batch."""
    return BatchRequest(
        client=SENDER, key=key, act=act, type_id=type_id, form=more.pop("form", Form.NDJSON), scopes=SCOPES, **more
    )


async def anybody(name: str, scopes: frozenset[str]) -> Actor:
    """Whoever sent it may still call."""
    return Actor(name=name, scopes=scopes)


def complain(row: str, error: Exception) -> None:
    """Nothing is unforeseen in a test."""
    raise error


@dataclass(frozen=True, slots=True)
class Parts:
    """What the office has, and what a worker has."""

    office: BatchOffice
    worker: BatchWorker

    async def send(self, request: BatchRequest, data: bytes, size: int = PIECE) -> Batch:
        """Send a batch whole."""
        actor = Actor(name=request.client, scopes=request.scopes)
        now = datetime.now(UTC)
        receipt = await receive(self.office, actor, request, pieces(data, size), now)
        return await conclude(self.office, receipt, request, now)

    async def work(self, batch: Batch) -> Batch:
        """Work until it stands still."""
        for _ in range(MOST_STEPS):
            if not (await tend(self.worker) or await self.worker.do_one()):
                break
        return await self.office.batches.batch(batch.id)

    async def rows(self, batch: Batch) -> Sequence[BatchRow]:
        """All its rows."""
        return await rows(self.office, batch, None, 0, 1000)

    async def move(self, batch: Batch, move: BatchMove) -> Batch:
        """The sender has it go on."""
        return await self.office.batches.move(batch, move, SENDER, datetime.now(UTC))


@asynccontextmanager
async def parts_over(issuing: Issuing, uri: str, settings: Settings, most: int = 16) -> AsyncIterator[Parts]:
    """Office and worker over what issues."""
    async with open_pool(uri, seconds=300, most=most) as pool:
        manifests = FileManifests(settings.home / "manifests")
        worker = BatchWorker(
            work=BatchWork(pool),
            issuing=issuing,
            manifests=manifests,
            actor_of=anybody,
            unexpected=complain,
        )
        yield Parts(BatchOffice(batches=PostgresBatches(pool), issuing=issuing, manifests=manifests), worker)


@dataclass
class Batches:
    """Batches over one register."""

    settings: Settings
    server: EmbeddedServer
    desk: Desk

    @property
    def uri(self) -> str:
        """As its owner."""
        return self.server.uri("certsvc")

    def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds."""

        async def story() -> list[tuple[Any, ...]]:
            connection = await asyncpg.connect(self.uri)
            try:
                return [tuple(row) for row in await connection.fetch(statement, *values)]
            finally:
                await connection.close()

        return asyncio.run(story())

    def run(self, story: Callable[[Parts], Any], walk: Walk = silent_walk, **other: Any) -> Any:
        """Tell a story with office and worker; `other` takes the place of parts of what issues."""

        async def told() -> Any:
            async with self.desk.issuing(self.settings, self.uri, walk) as issuing:
                changed = replace(issuing, **other)
                async with parts_over(changed, self.uri, self.settings) as parts:
                    return await story(parts)

        return self.desk.run(told())

    def begin(self, step: int = 0, at_once: int = 3) -> Any:
        """A worker in a process of its own, which does batches to their end and kills itself at its `step`-th arrow."""
        process = WORKERS.Process(target=_work, args=(self.settings, self.uri, step, at_once))
        process.start()
        return process

    def killed(self, step: int, at_once: int) -> None:
        """Have a worker begin and kill itself at its `step`-th arrow."""
        process = self.begin(step, at_once)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        asyncio.run(death_noticed(self.uri))

    def finished(self, *, workers: int = 1) -> None:
        """Have workers bring everything to its end."""
        processes = [self.begin() for _ in range(workers)]
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0] * workers


def _work(settings: Settings, uri: str, step: int, at_once: int) -> None:
    left = iter(range(step - 1))

    def dying(arrow: str, detail: Mapping[str, Any]) -> None:
        if step and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(_work_on(settings, uri, dying, at_once))


async def _work_on(settings: Settings, uri: str, walk: Walk, at_once: int) -> None:
    async with (
        open_issuing(settings, uri, walk, datetime.now(UTC)) as issuing,
        parts_over(issuing, uri, settings) as parts,
        asyncio.timeout(WORKER_SECONDS),
    ):
        while await _is_left(parts):
            steps: list[Callable[[], Awaitable[bool]]] = [partial(tend, parts.worker), *[parts.worker.do_one] * at_once]
            did = [await _as_far_as_can_be(steps.pop(0)), *await asyncio.gather(*map(_as_far_as_can_be, steps))]
            if not any(did):
                await asyncio.sleep(0.1)


async def _as_far_as_can_be(step: Callable[[], Awaitable[bool]]) -> bool:
    """A busy machine may let a connection wait too long: a worker goes on after that."""
    try:
        return await step()
    except RegisterUnavailable:
        return False


async def _is_left(parts: Parts) -> bool:
    going = {BatchState.CHECKING, BatchState.RUNNING}
    return any(batch.state in going for batch in await parts.office.batches.batches(SENDER, [], None, 100))


def states(rows: Any) -> list[str]:
    """The state of each."""
    return [row.state.value for row in rows]


def code_of(row: BatchRow) -> str:
    """The typed code that a row was given."""
    assert row.ref is not None
    return row.ref.typed_code


async def worked(parts: Parts, request: BatchRequest, data: bytes) -> Batch:
    """Send a batch and work until it stands still."""
    return await parts.work(await parts.send(request, data))


class Failing:
    """Stands in for issuing: fails so often, then issues."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.left = error, times
        self.asked: list[str] = []

    async def __call__(self, issuing: Any, actor: Any, order: Any, now: Any) -> Any:
        self.asked.append(order.key)
        if self.left:
            self.left -= 1
            raise self.error
        return await issue(issuing, actor, order, now)
