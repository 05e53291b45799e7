"""A running batch: paused, cancelled, tried again, in trouble, and beside others."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from batched import (
    SENDER,
    Batches,
    Failing,
    Parts,
    anybody,
    food,
    payloads,
    states,
    wanted,
    worked,
)

from certsvc.domain.actor import Actor
from certsvc.domain.batch import Batch, BatchMove, BatchState, RowState
from certsvc.errors import (
    ActNotAllowed,
    CertsvcError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    TimestampUnavailable,
)
from certsvc.issuance.batches import requests as office_work
from certsvc.issuance.batches import work as batch_work
from certsvc.issuance.batches.end import tend
from certsvc.issuance.batches.work import BatchWorker
from certsvc.store import batches as batches_module

pytest_plugins = ["batch_fixtures"]


@pytest.mark.long
def test_paused_between_rows_it_goes_on_where_it_was(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        batch = await parts.send(wanted("paused"), payloads(*(food(700 + number) for number in range(3))))
        while await tend(parts.worker):
            pass
        assert await parts.worker.do_one()
        assert (await parts.move(batch, BatchMove.PAUSE)).state is BatchState.PAUSED
        assert (await parts.move(batch, BatchMove.PAUSE)).state is BatchState.PAUSED
        still = await parts.work(batch)
        assert (still.state, still.counts[RowState.DONE]) == (BatchState.PAUSED, 1)
        await parts.move(batch, BatchMove.RESUME)
        with pytest.raises(ActNotAllowed, match="is running: it cannot try the failed rows"):
            await parts.move(batch, BatchMove.RETRY)
        batch = await parts.work(batch)
        return batch, await parts.office.batches.events(batch)

    batch, events = batches.run(story)
    assert (batch.state, batch.counts[RowState.DONE]) == (BatchState.FINISHED, 3)
    assert [(event.move.value, event.by) for event in events] == [
        ("receive", SENDER),
        ("pass", "worker"),
        ("run", "worker"),
        ("pause", SENDER),
        ("resume", SENDER),
        ("finish", "worker"),
    ]


@pytest.mark.long
def test_what_stands_still_for_a_quarter_of_a_year_is_cancelled_and_what_it_asked_for_forgotten(
    batches: Batches,
) -> None:
    async def story(parts: Parts) -> Batch:
        batch = await parts.send(wanted("standing still"), payloads(food(710)))
        while await tend(parts.worker):
            pass
        await parts.move(batch, BatchMove.PAUSE)
        for days in (89, 91):
            moment = datetime.now(UTC) + timedelta(days=days)
            later = replace(parts.worker.issuing, clock=lambda moment=moment: moment)  # type: ignore[misc]
            assert (await parts.office.batches.batch(batch.id)).state is BatchState.PAUSED
            while await tend(replace(parts.worker, issuing=later)):
                pass
        return await parts.office.batches.batch(batch.id)

    batch = batches.run(story)
    assert (batch.state, batch.counts[RowState.CANCELLED]) == (BatchState.CANCELLED, 1)
    held = "select count(*) from batch_row where batch = $1 and sealed is not null"
    assert batches.fetch(held, batch.number) == [(0,)]


@pytest.mark.long
def test_cancelled_between_rows_the_rest_is_not_done_and_the_manifest_says_so(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        batch = await parts.send(wanted("cancelled"), payloads(*(food(720 + number) for number in range(3))))
        while await tend(parts.worker):
            pass
        assert await parts.worker.do_one()
        await parts.move(batch, BatchMove.CANCEL)
        batch = await parts.work(batch)
        for move in (BatchMove.RESUME, BatchMove.RETRY, BatchMove.PAUSE):
            with pytest.raises(ActNotAllowed):
                await parts.move(batch, move)
        assert batch.manifest is not None
        return batch, [json.loads(line)["state"] for line in parts.worker.manifests.lines(batch.manifest)]

    batch, told = batches.run(story)
    assert (batch.state, told) == (BatchState.CANCELLED, ["done", "cancelled", "cancelled"])
    assert batches.fetch("select count(*) from batch_row where batch = $1 and sealed is not null", batch.number) == [
        (0,)
    ]


@pytest.mark.long
def test_failed_rows_alone_are_tried_again(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(Conflict("冲突", "conflict"), 1)
    monkeypatch.setattr(batch_work, "issue", failing)

    async def story(parts: Parts) -> Any:
        batch = await worked(parts, wanted("to retry"), payloads(food(740), food(741), food(742)))
        first = await parts.rows(batch)
        assert (batch.state, states(first)) == (BatchState.FINISHED, ["failed", "done", "done"])
        manifest = batch.manifest
        for _ in range(2):
            retried = await parts.move(batch, BatchMove.RETRY)
            assert retried.counts[RowState.READY] == 1
            with pytest.raises(NotFound, match="no manifest yet"):
                office_work.manifest(parts.office, retried)
        batch = await parts.work(batch)
        assert batch.manifest not in (None, manifest)
        return batch, first, await parts.rows(batch)

    batch, first, again = batches.run(story)
    assert (batch.state, states(again)) == (BatchState.FINISHED, ["done", "done", "done"])
    assert [row.ref for row in again[1:]] == [row.ref for row in first[1:]]
    assert again[0].error is None
    assert failing.asked == [f"{batch.id}/{line}" for line in (1, 2, 3, 1)]


@pytest.mark.long
def test_where_no_row_failed_or_what_it_asked_for_is_gone_nothing_is_tried_again(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(parts: Parts) -> None:
        whole = await worked(parts, wanted("nothing failed"), payloads(food(750)))
        with pytest.raises(ActNotAllowed, match="no failed row"):
            await parts.move(whole, BatchMove.RETRY)
        monkeypatch.setattr(batch_work, "issue", Failing(Conflict("冲突", "conflict"), 1))
        failed = await worked(parts, wanted("one failed"), payloads(food(751)))
        later = replace(parts.worker.issuing, clock=lambda: datetime.now(UTC) + timedelta(days=31))
        while await tend(replace(parts.worker, issuing=later)):
            pass
        with pytest.raises(ActNotAllowed, match="no failed row"):
            await parts.move(failed, BatchMove.RETRY)
        assert (await parts.rows(failed))[0].error is not None

    batches.run(story)


UNAVAILABLE = TimestampUnavailable("时间戳服务没有应答。", "The timestamp authority does not answer.")


@pytest.mark.long
def test_what_cannot_be_done_now_waits_longer_each_time_and_the_batch_rests(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(UNAVAILABLE, 2)
    monkeypatch.setattr(batch_work, "issue", failing)
    moment = datetime.now(UTC)

    def clock() -> datetime:
        return moment

    async def story(parts: Parts) -> Any:
        nonlocal moment
        batch = await parts.work(await parts.send(wanted("later"), payloads(food(760), food(761))))
        assert len(failing.asked) == 1
        waiting = (await parts.rows(batch))[0]
        assert (waiting.state, waiting.error.code) == (RowState.READY, UNAVAILABLE.code)  # type: ignore[union-attr]
        assert waiting.due_at == moment + timedelta(seconds=2)
        moment += timedelta(seconds=1)
        await parts.work(batch)
        assert len(failing.asked) == 2 and len(set(failing.asked)) == 2
        moment += timedelta(seconds=1)
        await parts.work(batch)
        assert len(failing.asked) == 2
        monkeypatch.undo()
        moment = datetime.now(UTC)
        parts.worker.turns.forget_others([])
        for row in await parts.rows(batch):
            moment = max(moment, row.due_at or moment)
        return await parts.work(batch)

    batch = batches.run(story, clock=clock)
    assert (batch.state, batch.counts[RowState.DONE]) == (BatchState.FINISHED, 2)


@pytest.mark.long
@pytest.mark.parametrize("error", [Conflict("冲突", "conflict"), Forbidden("无权", "no"), InvalidInput("错", "wrong")])
def test_what_will_never_be_done_fails_with_its_reason_and_once(
    batches: Batches, monkeypatch: pytest.MonkeyPatch, error: CertsvcError
) -> None:
    failing = Failing(error, 100)
    monkeypatch.setattr(batch_work, "issue", failing)

    async def story(parts: Parts) -> Any:
        batch = await worked(parts, wanted(f"never {error.code}"), payloads(food(770)))
        return batch, await parts.rows(batch)

    batch, (row,) = batches.run(story)
    assert (batch.state, row.state, row.error.code, row.error.en) == ("finished", "failed", error.code, error.en)
    assert len(failing.asked) == 1


@pytest.mark.long
def test_what_nobody_foresaw_is_tried_some_times_and_told_without_its_message(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(OSError("张三's file"), 100)
    monkeypatch.setattr(batch_work, "issue", failing)
    told: list[str] = []

    async def story(parts: Parts) -> Any:
        worker = replace(parts.worker, unexpected=lambda row, error: told.append(row))
        parts = Parts(parts.office, worker)
        batch = await parts.work(await parts.send(wanted("unforeseen"), payloads(food(780))))
        for _ in range(batch_work.UNFORESEEN_TRIES - 1):
            await _now_due(parts, batch)
            batch = await parts.work(batch)
        return batch, await parts.rows(batch)

    batch, (row,) = batches.run(story)
    assert (batch.state, row.state, row.error.code) == ("finished", "failed", "internal")
    assert told == [f"{batch.id}/1"] * batch_work.UNFORESEEN_TRIES
    assert "张三" not in str(row)


async def _now_due(parts: Parts, batch: Batch) -> None:
    async with parts.worker.work._pool.connection() as connection:
        await connection.execute("update batch_row set due_at = null where batch = $1", batch.number)


@pytest.mark.long
def test_a_sender_that_was_cut_off_has_its_batch_paused(batches: Batches) -> None:
    async def nobody(name: str, scopes: frozenset[str]) -> Actor:
        raise Forbidden("已停用。", "It is cut off.")

    async def story(parts: Parts) -> Any:
        batch = await parts.send(wanted("cut off"), payloads(food(790)))
        while await tend(parts.worker):
            pass
        cut = Parts(parts.office, replace(parts.worker, actor_of=nobody))
        assert not await cut.worker.do_one()
        paused = await parts.office.batches.batch(batch.id)
        unchecked = await parts.send(wanted("cut off before the check"), payloads(food(791)))
        return paused, await cut.work(unchecked)

    paused, unchecked = batches.run(story)
    assert (paused.state, paused.counts[RowState.DONE]) == (BatchState.PAUSED, 0)
    assert (unchecked.state, unchecked.counts[RowState.CANCELLED]) == (BatchState.CANCELLED, 1)


@pytest.mark.long
def test_a_small_batch_does_not_wait_for_a_large_one(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(Conflict("冲突", "conflict"), 1000)
    monkeypatch.setattr(batch_work, "issue", failing)

    async def story(parts: Parts) -> list[str]:
        large = await parts.send(wanted("large"), payloads(*(food(800 + number) for number in range(40))))
        small = await parts.send(wanted("small"), payloads(food(850), food(851)))
        while await tend(parts.worker):
            pass
        for _ in range(4):
            await parts.worker.do_one()
        asked = [key.partition("/")[0] for key in failing.asked]
        assert sorted(asked) == sorted([large.id, small.id] * 2)
        assert asked[:2] != asked[1:3]
        await asyncio.gather(parts.move(large, BatchMove.CANCEL))
        await parts.work(large)
        return asked

    batches.run(story)


@pytest.mark.long
def test_many_workers_at_once_check_and_do_every_row_once(batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(Conflict("冲突", "conflict"), 10_000)
    monkeypatch.setattr(batch_work, "issue", failing)

    async def story(parts: Parts) -> Batch:
        batch = await parts.send(wanted("many"), payloads(*(food(1000 + number) for number in range(250))))

        async def work() -> None:
            worker = BatchWorker(
                work=parts.worker.work,
                issuing=parts.worker.issuing,
                manifests=parts.worker.manifests,
                actor_of=anybody,
                unexpected=parts.worker.unexpected,
            )
            idle = 0
            while idle < 3:
                did = await tend(worker) or await worker.do_one()
                idle = 0 if did else idle + 1
                await asyncio.sleep(0 if did else 0.02)

        await asyncio.gather(*(work() for _ in range(4)))
        return await parts.office.batches.batch(batch.id)

    batch = batches.run(story)
    assert (batch.state, batch.counts[RowState.FAILED]) == (BatchState.FINISHED, 250)
    assert len(failing.asked) == len(set(failing.asked)) == 250


@pytest.mark.long
def test_many_failed_rows_are_put_back_some_at_a_time_and_what_fails_anew_is_not_put_back_again(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "CHUNK", 2)
    failing = Failing(Conflict("冲突", "conflict"), 7)
    monkeypatch.setattr(batch_work, "issue", failing)

    async def story(parts: Parts) -> Any:
        batch = await worked(parts, wanted("many to retry"), payloads(*(food(9400 + number) for number in range(5))))
        assert batch.counts[RowState.FAILED] == 5
        batch = await parts.move(batch, BatchMove.RETRY)
        assert (batch.counts[RowState.READY], batch.counts[RowState.FAILED]) == (2, 3)
        while await parts.worker.do_one():  # both fail anew before the others are put back
            pass
        with pytest.raises(ActNotAllowed):
            await parts.worker.work.move(batch, [BatchMove.FINISH], "worker", datetime.now(UTC))
        batch = await parts.move(await parts.move(batch, BatchMove.PAUSE), BatchMove.RESUME)
        batch = await parts.work(batch)
        assert (batch.state, states(await parts.rows(batch))) == ("finished", ["failed", "failed", *["done"] * 3])
        batch = await parts.work(await parts.move(batch, BatchMove.RETRY))
        return batch, states(await parts.rows(batch))

    assert batches.run(story)[1] == ["done"] * 5
    assert [key.rpartition("/")[2] for key in failing.asked] == [*"12345", *"12", *"345", *"12"]


@pytest.mark.long
def test_cancelled_while_failed_rows_are_put_back_the_rest_stays_failed(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_module, "CHUNK", 1)
    monkeypatch.setattr(batch_work, "issue", Failing(Conflict("冲突", "conflict"), 3))

    async def story(parts: Parts) -> Any:
        batch = await worked(parts, wanted("retried, cancelled"), payloads(food(9410), food(9411), food(9412)))
        await parts.move(batch, BatchMove.RETRY)
        batch = await parts.work(await parts.move(batch, BatchMove.CANCEL))
        return batch, states(await parts.rows(batch))

    batch, told = batches.run(story)
    assert (batch.state, told) == (BatchState.CANCELLED, ["cancelled", "failed", "failed"])
    assert batch.manifest is not None
    assert batches.fetch("select closed, retry_after from batch where number = $1", batch.number) == [(True, None)]
