"""A row that ends its worker's process each time fails with a reason, and the rest of the batch goes on."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import batched
import pytest
from batched import WORKERS, Batches, Parts, food, payloads, states, wanted

from certsvc.domain.batch import Batch, BatchMove, BatchState, OnWrong, RowState
from certsvc.domain.job import MOST_IN_VAIN
from certsvc.issuance.batches import end, work
from certsvc.issuance.batches.checks import require_sound
from certsvc.issuance.issue import issue
from certsvc.issuance.service import silent_walk
from certsvc.settings import Settings

pytestmark = pytest.mark.long

pytest_plugins = ["batch_fixtures"]


def _doomed(settings: Settings, uri: str, deadly: int, diary: str) -> None:
    """A worker whose process ends when it does, or checks, the row of this line."""

    def note(key: str) -> None:
        with Path(diary).open("a", encoding="utf-8") as file:
            file.write(f"{key.rpartition('/')[2]}\n")
        if key.endswith(f"/{deadly}"):
            os.kill(os.getpid(), signal.SIGKILL)

    async def deadly_issue(issuing: Any, actor: Any, order: Any, now: Any) -> Any:
        note(order.key)
        return await issue(issuing, actor, order, now)

    async def deadly_check(issuing: Any, checking: Any, content: Any, key: str, now: Any, *, rehearsed: bool) -> None:
        if rehearsed:
            note(key)
        await require_sound(issuing, checking, content, key, now, rehearsed=rehearsed)

    work.issue, end.require_sound = deadly_issue, deadly_check  # type: ignore[attr-defined]
    batched.complain = lambda row, error: None
    asyncio.run(batched._work_on(settings, uri, silent_walk, 3))


def worked(batches: Batches, diary: Path, deadly: int) -> list[list[str]]:
    """Workers one after the other until one brings everything to its end; which rows each began."""
    lives: list[list[str]] = []
    while True:
        diary.write_text("", encoding="utf-8")
        process = WORKERS.Process(target=_doomed, args=(batches.settings, batches.uri, deadly, str(diary)))
        process.start()
        process.join(120)
        lives.append(diary.read_text("utf-8").split())
        if process.exitcode == 0:
            return lives
        assert process.exitcode == -signal.SIGKILL and len(lives) <= MOST_IN_VAIN


def shown(batches: Batches, batch: Batch) -> Any:
    async def story(parts: Parts) -> Any:
        return await parts.office.batches.batch(batch.id), await parts.rows(batch)

    return batches.run(story)


@pytest.mark.long(seconds=25)
def test_a_row_that_ends_its_worker_fails_with_a_reason_and_the_others_are_done_once(
    batches: Batches, tmp_path: Path
) -> None:
    async def send(parts: Parts) -> Batch:
        return await parts.send(wanted("deadly"), payloads(*(food(9000 + number) for number in range(5))))

    batch = batches.run(send)
    lives = worked(batches, tmp_path / "diary", 2)
    assert [life.count("2") for life in lives] == [1] * MOST_IN_VAIN + [0]
    found, rows = shown(batches, batch)
    assert (found.state, states(rows)) == (BatchState.FINISHED, ["done", "failed", "done", "done", "done"])
    assert rows[1].error.code == "worker_crashed"
    assert "3" in rows[1].error.zh and "look into the log" in rows[1].error.en
    uses = batches.fetch(
        "select count(*) from batch_row r join seal_use u using (slot, ref) where r.batch = $1 group by r.line",
        batch.number,
    )
    assert uses == [(1,)] * 4
    assert batches.fetch("select from taking") == []

    async def again(parts: Parts) -> Batch:
        await parts.move(batch, BatchMove.RETRY)
        return await parts.work(batch)

    tried = batches.run(again)
    assert (tried.state, tried.counts[RowState.DONE]) == (BatchState.FINISHED, 5)


@pytest.mark.long(seconds=25)
def test_a_row_whose_check_ends_the_worker_is_wrong_with_a_reason_and_the_others_are_checked(
    batches: Batches, tmp_path: Path
) -> None:
    async def send(parts: Parts) -> Batch:
        asked = wanted("deadly check", dry_run=True, sample=100, on_wrong=OnWrong.SKIP)
        return await parts.send(asked, payloads(*(food(9100 + number) for number in range(4))))

    batch = batches.run(send)
    lives = worked(batches, tmp_path / "diary", 3)
    assert len(lives) == MOST_IN_VAIN + 1
    found, rows = shown(batches, batch)
    assert (found.state, states(rows)) == (BatchState.CHECKED, ["ready", "ready", "wrong", "ready"])
    assert rows[2].error.code == "worker_crashed"
    assert batches.fetch("select from taking") == []


@pytest.mark.parametrize("deadly", [1])
def test_a_batch_cancelled_while_a_row_is_suspected_leaves_no_suspicion(
    batches: Batches, tmp_path: Path, deadly: int
) -> None:
    async def send(parts: Parts) -> Batch:
        return await parts.send(wanted("deadly and cancelled"), payloads(food(9200), food(9201)))

    batch = batches.run(send)
    process = WORKERS.Process(target=_doomed, args=(batches.settings, batches.uri, deadly, str(tmp_path / "diary")))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert batches.fetch("select from taking") != []

    async def cancel(parts: Parts) -> Batch:
        await parts.move(batch, BatchMove.CANCEL)
        return await parts.work(batch)

    assert batches.run(cancel).state is BatchState.CANCELLED
    assert batches.fetch("select from taking") == []


def test_a_row_that_takes_too_long_is_broken_off_on_record_and_put_off(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []

    async def endless(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(work, "issue", endless)
    monkeypatch.setattr(work, "LONGEST", 0.05)

    async def story(parts: Parts) -> Any:
        worker = replace(parts.worker, unexpected=lambda row, error: told.append((row, type(error).__name__)))
        parts = Parts(parts.office, worker)
        batch = await parts.work(await parts.send(wanted("endless"), payloads(food(9300))))
        return batch, await parts.rows(batch)

    batch, (row,) = batches.run(story)
    assert (batch.state, row.state, row.tries, row.error.code) == (BatchState.RUNNING, RowState.READY, 1, "internal")
    assert told == [(f"{batch.id}/1", "TimeoutError")]
    assert batches.fetch("select from taking") == []
