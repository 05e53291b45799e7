"""Killed at every arrow inside a batch: no row is lost, none is done twice, and the next worker finds the same work."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from batched import Batches, Parts, food, payloads, wanted
from chosen import some

from certsvc.domain.batch import Batch, BatchState, RowState
from certsvc.errors import RegisterUnavailable
from certsvc.issuance.batches.end import tend
from certsvc.issuance.service import Arrow

pytestmark = pytest.mark.long

pytest_plugins = ["batch_fixtures"]
ROWS = 3
ARROWS = 12
"""Arrows of the walk of one food permit: its sheet is linted, then sealed."""

TWICE = """select key from issue_order where key like $1 || '/%' group by key having count(*) > 1
  union all select number from certificate group by type_number, number, version having count(*) > 1"""
ORDERS = "select key, encode(ref, 'hex') from issue_order where key like $1 || '/%' order by key"
LEFT = "select count(*) from certificate where issued_at is null"
USES = """select r.line, count(u.id), count(distinct u.digest) from batch_row r join seal_use u using (slot, ref)
  where r.batch = $1 group by r.line order by r.line"""
DOCUMENTS = "select count(*) from batch_row r join document d using (slot, ref) where r.batch = $1"
NUMBERS = "select count(*), count(distinct r.number) from batch_row r where r.batch = $1"
OF_NOTHING = """select n.number from number n left join certificate using (type_number, number, version)
  where certificate.ref is null"""


def sent(batches: Batches, key: str, first: int, rows: int = ROWS) -> Batch:
    """A batch that nobody has begun."""

    async def story(parts: Parts) -> Batch:
        return await parts.send(wanted(key), payloads(*(food(first + number) for number in range(rows))))

    batch: Batch = batches.run(story)
    return batch


def shown(batches: Batches, batch: Batch) -> Batch:
    async def story(parts: Parts) -> Batch:
        return await parts.office.batches.batch(batch.id)

    found: Batch = batches.run(story)
    return found


def assert_whole(batches: Batches, batch: Batch, rows: int = ROWS) -> None:
    """Every row is done once, each with its own certificate and file; nothing is left over."""
    found = shown(batches, batch)
    assert (found.state, found.counts[RowState.DONE]) == (BatchState.FINISHED, rows)
    assert batches.fetch(TWICE, batch.id) == []
    assert batches.fetch(LEFT) == [(0,)]
    assert batches.fetch(OF_NOTHING) == []
    assert len(batches.fetch(ORDERS, batch.id)) == rows
    assert batches.fetch(NUMBERS, batch.number) == [(rows, rows)]
    assert batches.fetch(DOCUMENTS, batch.number) == [(rows,)]

    async def manifest(parts: Parts) -> int:
        assert found.manifest is not None
        return len([*parts.worker.manifests.lines(found.manifest)])

    assert batches.run(manifest) == rows


def test_the_walk_of_a_row_has_every_arrow(batches: Batches) -> None:
    batch, passed = sent(batches, "arrows", 10, 1), list[str]()

    async def story(parts: Parts) -> None:
        await parts.work(batch)

    batches.run(story, lambda arrow, detail: passed.append(str(arrow)))
    assert (len(passed), set(passed)) == (ARROWS, {arrow.value for arrow in Arrow})


@pytest.mark.parametrize("step", some(range(ARROWS + 1, 2 * ARROWS + 1)))
def test_a_worker_killed_at_an_arrow_of_the_second_row_loses_and_doubles_nothing(batches: Batches, step: int) -> None:
    batch = sent(batches, f"killed {step}", 100 * step)
    batches.killed(step, at_once=1)
    begun = dict(batches.fetch(ORDERS, batch.id))
    left = shown(batches, batch)
    assert left.counts[RowState.DONE] + left.counts[RowState.READY] == ROWS
    assert left.state is BatchState.RUNNING
    batches.finished()
    assert begun.items() <= dict(batches.fetch(ORDERS, batch.id)).items()
    assert_whole(batches, batch)
    uses = batches.fetch(USES, batch.number)
    assert [line for line, _, _ in uses] == [1, 2, 3]
    assert all(count == digests and count <= 2 for _, count, digests in uses)
    assert sum(count for _, count, _ in uses) <= ROWS + 1


def test_two_workers_at_once_of_which_one_is_killed_do_every_row_once(batches: Batches) -> None:
    batch = sent(batches, "two workers", 5000, 6)
    doomed, other = batches.begin(20), batches.begin()
    doomed.join(60)
    other.join(120)
    assert (doomed.exitcode, other.exitcode) == (-signal.SIGKILL, 0)
    assert_whole(batches, batch, 6)


def test_two_workers_side_by_side_do_every_row_once_with_one_seal_use_each(batches: Batches) -> None:
    batch = sent(batches, "side by side", 6000, 6)
    batches.finished(workers=2)
    assert_whole(batches, batch, 6)
    assert batches.fetch(USES, batch.number) == [(line, 1, 1) for line in range(1, 7)]


@pytest.mark.parametrize("deadly", some([Arrow.SEALED, Arrow.RESERVED, Arrow.PUBLISHED]))
def test_postgresql_killed_and_restarted_under_a_running_batch_loses_nothing(batches: Batches, deadly: Arrow) -> None:
    batch = sent(batches, f"restarted {deadly}", 7000 + 10 * list(Arrow).index(deadly))
    passed: list[str] = []

    def killing(arrow: str, detail: Mapping[str, Any]) -> None:
        passed.append(arrow)
        if arrow == deadly and passed.count(arrow) == 2:
            kill_all_of(int((batches.settings.home / "postgres/data/postmaster.pid").read_text().splitlines()[0]))
            batches.server.start()

    async def story(parts: Parts) -> int:
        troubles = 0
        while True:
            try:
                if not (await tend(parts.worker) or await parts.worker.do_one()):
                    return troubles
            except RegisterUnavailable:
                troubles += 1
                await asyncio.sleep(0.1)

    assert batches.run(story, killing) >= 1
    batches.finished()
    assert_whole(batches, batch)


def kill_all_of(postmaster: int) -> None:
    """The server and every process of its own, which would else answer for a moment longer."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
