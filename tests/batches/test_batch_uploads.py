"""Uploads: who may send, what is sent again, what breaks off, and who sees it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from batched import (
    FOOD,
    LICENCE,
    OFFICER,
    SCOPES,
    SENDER,
    Batches,
    Parts,
    food,
    payloads,
    pieces,
    wanted,
)

from certsvc.domain.actor import Actor
from certsvc.domain.batch import BatchMove, BatchState, OnWrong, RowState
from certsvc.errors import (
    Conflict,
    Forbidden,
    KeyReused,
    NotFound,
)
from certsvc.issuance.batches import requests as office_work
from certsvc.issuance.batches.end import tend
from certsvc.issuance.batches.requests import conclude, receive

pytest_plugins = ["batch_fixtures"]
NOW = datetime.now(UTC)


def test_who_may_not_issue_this_type_is_refused_before_the_first_row(batches: Batches) -> None:
    async def story(parts: Parts) -> None:
        request = wanted("not allowed")
        for scopes in (frozenset[str](), frozenset({f"issue:{LICENCE}"}), frozenset({f"issue:{FOOD}:no-such-seal"})):
            with pytest.raises(Forbidden):
                await receive(parts.office, Actor(name=SENDER, scopes=scopes), request, pieces(b"x"), NOW)
        with pytest.raises(NotFound):
            await parts.send(replace(request, type_id="no-such-type"), b"x")

    batches.run(story)


@pytest.mark.long
def test_the_same_upload_again_is_the_same_batch_and_another_is_refused(batches: Batches) -> None:
    data = payloads(food(401))

    async def story(parts: Parts) -> None:
        first = await parts.send(wanted("same"), data)
        assert (await parts.send(wanted("same"), data, 11)).id == first.id
        done = await parts.work(first)
        assert (await parts.send(wanted("same"), data)).id == first.id
        assert done.rows == 1
        with pytest.raises(KeyReused):
            await parts.send(wanted("same"), data + b"\n")
        with pytest.raises(KeyReused):
            await parts.send(wanted("same", on_wrong=OnWrong.SKIP), data)

    batches.run(story)


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    yield data
    raise ConnectionResetError


@pytest.mark.long
def test_an_upload_that_breaks_off_is_sent_again_from_the_start_under_the_same_key(batches: Batches) -> None:
    data = payloads(*(food(500 + number) for number in range(1200)))
    actor, request = Actor(name=SENDER, scopes=SCOPES), wanted("broken", dry_run=True)

    async def story(parts: Parts) -> Any:
        with pytest.raises(ConnectionResetError):
            await receive(parts.office, actor, request, broken_off(data[: len(data) - 100]), NOW)
        (left,) = await parts.office.batches.batches(SENDER, [], None, 1)
        assert left.state is BatchState.RECEIVING
        assert left.counts[RowState.RECEIVED] == 1000
        assert await parts.work(left) == left
        batch = await parts.send(request, data)
        assert batch.id != left.id
        with pytest.raises(NotFound):
            await parts.office.batches.batch(left.id)
        return left, await parts.work(batch)

    left, batch = batches.run(story)
    assert (batch.state, batch.rows) == (BatchState.CHECKED, 1200)
    assert batches.fetch("select count(*) from batch where number = $1", left.number) == [(0,)]
    assert batches.fetch("select count(*) from batch_row where batch = $1", left.number) == [(0,)]


def test_of_two_uploads_under_one_key_at_once_the_later_one_counts(batches: Batches) -> None:
    data = payloads(*(food(600 + number) for number in range(4)))
    actor, request = Actor(name=SENDER, scopes=SCOPES), wanted("two at once", dry_run=True)

    async def story(parts: Parts) -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield data[:10]
            await parts.send(request, data)
            yield data[10:]

        with pytest.raises(Conflict, match="counts no more"):
            await receive(parts.office, actor, request, slow(), NOW)
        (batch,) = await parts.office.batches.batches(SENDER, [], None, 1)
        assert (batch.state, batch.rows) == (BatchState.CHECKING, 4)
        await parts.work(batch)

    batches.run(story)


def test_an_upload_that_broke_off_is_swept_after_a_day(batches: Batches) -> None:
    actor, request = Actor(name=SENDER, scopes=SCOPES), wanted("left lying", dry_run=True)

    async def story(parts: Parts) -> int:
        yesterday = datetime.now(UTC) - timedelta(hours=25)
        with pytest.raises(ConnectionResetError):
            await receive(parts.office, actor, request, broken_off(payloads(food(1)) * 600), yesterday)
        (left,) = await parts.office.batches.batches(SENDER, [], None, 1)
        while await tend(parts.worker):
            pass
        with pytest.raises(NotFound):
            await parts.office.batches.batch(left.id)
        return left.number

    number = batches.run(story)
    for table in ("batch_row where batch", "batch_event where batch", "batch_count where batch", "batch where number"):
        assert batches.fetch(f"select count(*) from {table} = $1", number) == [(0,)]


@pytest.mark.long
def test_for_others_a_batch_does_not_exist_but_for_who_may_approve_it(batches: Batches) -> None:
    async def story(parts: Parts) -> None:
        batch = await parts.send(wanted("mine"), payloads(food(900)))
        stranger = Actor(name="other-system", scopes=SCOPES)
        for actor in (stranger, OFFICER):
            with pytest.raises(NotFound):
                await office_work.find(parts.office, actor, batch.id)
            with pytest.raises(NotFound):
                await office_work.move(parts.office, actor, batch.id, BatchMove.CANCEL, NOW)
        sender = Actor(name=SENDER, scopes=SCOPES)
        assert batch.id in [one.id for one in await office_work.listed(parts.office, sender, None, 100)]
        assert await office_work.listed(parts.office, stranger, None, 100) == []
        await parts.work(batch)

    batches.run(story)


def test_pages_of_rows_and_batches_hold_everything_once(batches: Batches) -> None:
    async def story(parts: Parts) -> None:
        batch = await parts.send(wanted("pages", dry_run=True), payloads(*(food(1) for _ in range(25))))
        lines, after = [], 0
        while page := await office_work.rows(parts.office, batch, None, after, 10):
            lines += [row.line for row in page]
            after = page[-1].line
        assert lines == list(range(1, 26))
        await parts.work(batch)
        wrong = await office_work.rows(parts.office, batch, RowState.WRONG, 0, 100)
        assert wrong == []
        actor, found, before = Actor(name=SENDER, scopes=SCOPES), [], None
        while listed := await office_work.listed(parts.office, actor, before, 3):
            found += [one.number for one in listed]
            before = listed[-1].number
        assert found == sorted(set(found), reverse=True)
        assert batch.number in found

    batches.run(story)


def test_a_receipt_concluded_twice_is_one_batch(batches: Batches) -> None:
    data, request = payloads(food(1)), wanted("concluded twice", dry_run=True)

    async def story(parts: Parts) -> None:
        receipt = await receive(parts.office, Actor(name=SENDER, scopes=SCOPES), request, pieces(data), NOW)
        first = await conclude(parts.office, receipt, request, NOW)
        assert await conclude(parts.office, receipt, request, NOW) == first
        await parts.work(first)

    batches.run(story)
