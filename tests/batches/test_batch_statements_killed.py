"""Killed before any statement of a batch's whole way, from the check to the manifest: the next worker goes on, and
nothing is lost, there twice or half there."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from batched import Batches, Parts, anybody, complain, food, payloads, wanted
from chosen import ONE_IN

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import death_noticed, die_before_statement, ran_to_the_end

from certsvc.catalog import Catalog
from certsvc.domain.batch import Batch, BatchState, OnWrong, RowState
from certsvc.errors import Conflict
from certsvc.issuance.batches import work as batch_work
from certsvc.issuance.batches.end import tend
from certsvc.issuance.batches.work import BatchWorker
from certsvc.issuance.service import Issuing
from certsvc.services import PayloadCipher
from certsvc.store.batch_work import BatchWork
from certsvc.store.manifests import FileManifests
from certsvc.store.pool import open_pool

pytestmark = pytest.mark.long

pytest_plugins = ["batch_fixtures"]
FEWEST = 40
"""Statements that the way of a batch of two good rows and a wrong one takes, at the least."""

HALF = """select count(*) from batch b where
  b.state is distinct from coalesce(
    (select e.state from batch_event e where e.batch = b.number order by e.id desc limit 1), 'receiving')
  or (b.state = 'finished') <> (b.manifest is not null)
  or (select count(*) from batch_event e where e.batch = b.number)
    <> (select count(*) from audit a where a.detail ->> 'batch' = b.id)
  or (select count(*) from batch_row r where r.batch = b.number) <> 3"""
TOLD = "select kind from notice where data ->> 'batch' = $1"


@dataclass(frozen=True, slots=True)
class Light:
    """What checking needs; in a child that was forked there is no room for more."""

    catalog: Catalog
    cipher: PayloadCipher

    def clock(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


async def refuse(issuing: Any, actor: Any, order: Any, now: Any) -> Any:
    """Stands in for issuing: the place is taken."""
    raise Conflict("这一处已有一件。", "There is one for this place.")


def _run(uri: str, light: Light, home: Path, number: int) -> None:
    asyncio.run(work(uri, light, home, number))


async def work(uri: str, light: Light, folder: Path, deadly: int | None) -> None:
    """Work until nothing is left to be done, or dead before a statement."""
    async with open_pool(uri, seconds=60) as pool:
        worker = BatchWorker(
            work=BatchWork(pool),
            issuing=cast(Issuing, light),
            manifests=FileManifests(folder),
            actor_of=anybody,
            unexpected=complain,
        )
        if deadly is not None:
            die_before_statement(deadly)
        while await tend(worker) or await worker.do_one():
            pass


@pytest.mark.long(seconds=15)
def test_killed_before_any_statement_the_next_worker_goes_on(
    batches: Batches, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(batch_work, "issue", refuse)
    data = payloads(food(1), {**food(2), "category": "小卖部"}, food(3))

    async def parts_of(parts: Parts) -> Light:
        return Light(parts.worker.issuing.catalog, parts.worker.issuing.cipher)

    async def send(parts: Parts, key: str) -> Batch:
        return await parts.send(wanted(key, on_wrong=OnWrong.SKIP), data)

    light = batches.run(parts_of)
    for number in count(1, ONE_IN):
        batch = batches.run(partial(send, key=f"statement {number}"))
        ended = ran_to_the_end(partial(_run, batches.uri, light, tmp_path, number))
        asyncio.run(death_noticed(batches.uri))
        assert batches.fetch(HALF) == [(0,)]
        asyncio.run(work(batches.uri, light, tmp_path, None))
        assert batches.fetch(HALF) == [(0,)]
        assert_finished(batches, batch.id, tmp_path)
        if ended:
            break
    assert number > FEWEST


def assert_finished(batches: Batches, batch_id: str, folder: Path) -> None:
    """Two rows failed once each, one is wrong; one manifest says so, and one notice."""

    async def found(parts: Parts) -> tuple[Batch, Any, Any]:
        batch = await parts.office.batches.batch(batch_id)
        return batch, await parts.rows(batch), await parts.office.batches.events(batch)

    batch, rows, events = batches.run(found)
    assert (batch.state, batch.counts[RowState.FAILED], batch.counts[RowState.WRONG]) == (BatchState.FINISHED, 2, 1)
    assert [row.tries for row in rows] == [1, 0, 1]
    assert [event.move.value for event in events] == ["receive", "pass", "run", "finish"]
    assert len([*FileManifests(folder).lines(batch.manifest or b"")]) == 3
    assert batches.fetch(TOLD, batch_id) == [("batch.finished",)]
