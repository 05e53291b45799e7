"""Batches from the first byte to the manifest: checked before anything is done, done row by row."""

import json
from dataclasses import replace
from typing import Any

import pytest
from batched import (
    LICENCE,
    SENDER,
    Batches,
    Parts,
    food,
    licence,
    ndjson,
    payloads,
    states,
    wanted,
    worked,
)

from certsvc.domain.batch import Batch, BatchState, OnWrong, RowState
from certsvc.issuance.batches import end as batch_end
from certsvc.issuance.batches.checks import require_sound

pytest_plugins = ["batch_fixtures"]


def test_a_batch_is_received_checked_done_and_told_in_its_manifest(batches: Batches) -> None:
    async def story(parts: Parts) -> tuple[Batch, Any, list[dict[str, Any]]]:
        batch = await parts.send(wanted("whole", LICENCE), payloads(licence(1), licence(2)))
        assert (batch.state, batch.counts[RowState.RECEIVED]) == (BatchState.CHECKING, 2)
        batch = await parts.work(batch)
        assert batch.manifest is not None
        lines = [json.loads(line) for line in parts.worker.manifests.lines(batch.manifest)]
        return batch, await parts.rows(batch), lines

    batch, rows, lines = batches.run(story)
    assert (batch.state, batch.counts[RowState.DONE]) == (BatchState.FINISHED, 2)
    assert [(line["line"], line["key"], line["state"]) for line in lines] == [
        (1, "row 1", "done"),
        (2, "row 2", "done"),
    ]
    for row, line in zip(rows, lines, strict=True):
        assert line["code"] == row.ref.typed_code and line["identifier"] == row.identifier
        assert line["number"] == row.number
        assert [document["layout"] for document in line["documents"]] == ["duplicate", "original"]
        held = batches.fetch(
            "select encode(sha256, 'hex') from document where ref = $1 order by layout", row.ref.to_bytes()
        )
        assert [(document["sha256"],) for document in line["documents"]] == held
    orders = batches.fetch("select key, client from issue_order where key like $1 order by key", f"{batch.id}/%")
    assert orders == [(f"{batch.id}/1", SENDER), (f"{batch.id}/2", SENDER)]
    assert batches.fetch("select closed from batch where number = $1", batch.number) == [(True,)]
    told = batches.fetch("select kind, data from notice where client = $1 and data ->> 'batch' = $2", SENDER, batch.id)
    assert [kind for kind, _ in told] == ["batch.finished"]
    assert json.loads(told[0][1])["counts"]["done"] == 2


WRONG = [
    {"key": "a", "payload": food(101)},
    {"key": "b", "payload": {**food(102), "category": "小卖部"}},
    {"key": "a", "payload": food(103)},
    {"key": "c", "payload": {**food(104), "valid_to": "2026-02-30", "name": ""}},
]


def test_a_wrong_row_refuses_the_batch_and_nothing_of_it_is_done(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        batch = await parts.work(await parts.send(wanted("refused"), ndjson(WRONG) + b"{\n"))
        return batch, await parts.rows(batch)

    batch, rows = batches.run(story)
    assert batch.state is BatchState.REFUSED
    assert states(rows) == ["ready", "wrong", "wrong", "wrong", "wrong"]
    assert [row.line for row in rows] == [1, 2, 3, 4, 5]
    assert [row.error.code for row in rows[1:]] == [
        "payload_invalid",
        "row_key_twice",
        "payload_invalid",
        "row_unreadable",
    ]
    assert {problem.field for problem in rows[3].error.problems} >= {"valid_to", "name"}
    assert "line 1" in rows[2].error.en and "第 1 行" in rows[2].error.zh
    assert batches.fetch("select count(*) from issue_order where key like $1", f"{batch.id}/%") == [(0,)]
    told = batches.fetch("select kind from notice where data ->> 'batch' = $1", batch.id)
    assert told == [("batch.refused",)]


@pytest.mark.long
def test_asked_to_skip_wrong_rows_the_others_are_done(batches: Batches) -> None:
    async def story(parts: Parts) -> Any:
        batch = await parts.work(await parts.send(wanted("skipped", on_wrong=OnWrong.SKIP), ndjson(WRONG)))
        return batch, await parts.rows(batch)

    batch, rows = batches.run(story)
    assert batch.state is BatchState.FINISHED
    assert states(rows) == ["done", "wrong", "wrong", "wrong"]


def test_a_batch_of_nothing_but_wrong_rows_is_refused_even_if_they_are_skipped(batches: Batches) -> None:
    batch = batches.run(
        lambda parts: worked(parts, wanted("all wrong", on_wrong=OnWrong.SKIP), ndjson([{"payload": {}}, {"x": 1}]))
    )
    assert (batch.state, batch.counts[RowState.WRONG]) == (BatchState.REFUSED, 2)


@pytest.mark.long
def test_a_dry_run_ends_with_the_check_and_rehearses_the_rows_asked_for(batches: Batches) -> None:
    taken = food(7777)
    unprintable = {**food(202), "residence": "云山市云岗镇\U0003134a村一号"}

    async def story(parts: Parts) -> Any:
        await worked(parts, wanted("taken"), payloads(taken))
        shallow = await worked(parts, wanted("dry", dry_run=True), payloads(food(201), unprintable, taken))
        deep = await worked(
            parts, wanted("dry and deep", dry_run=True, sample=100), payloads(food(201), unprintable, taken)
        )
        return shallow, deep, await parts.rows(deep)

    before = batches.fetch("select count(*) from number")
    shallow, deep, rows = batches.run(story)
    assert (shallow.state, shallow.counts[RowState.READY]) == (BatchState.CHECKED, 3)
    assert deep.state is BatchState.REFUSED
    assert [row.error and row.error.code for row in rows] == [None, "missing_glyph", "conflict"]
    assert batches.fetch("select count(*) from number") == [(before[0][0] + 1,)]
    held = "select count(*) from batch_row where batch in ($1, $2) and sealed is not null"
    assert batches.fetch(held, shallow.number, deep.number) == [(0,)]
    assert batches.fetch("select kind from notice where data ->> 'batch' = $1", shallow.id) == [("batch.checked",)]


def test_a_row_whose_check_nobody_foresaw_is_wrong_and_holds_up_no_other_batch(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    real = require_sound

    async def strange(issuing: Any, checking: Any, content: Any, key: str, now: Any, *, rehearsed: bool) -> None:
        if content.payload == food(785):
            raise RecursionError
        await real(issuing, checking, content, key, now, rehearsed=rehearsed)

    monkeypatch.setattr(batch_end, "require_sound", strange)

    async def story(parts: Parts) -> Any:
        parts = Parts(parts.office, replace(parts.worker, unexpected=lambda row, error: told.append(row)))
        strange = await parts.send(wanted("strange", dry_run=True), payloads(food(785), food(786)))
        other = await parts.work(await parts.send(wanted("not strange", dry_run=True), payloads(food(786))))
        return await parts.office.batches.batch(strange.id), await parts.rows(strange), other

    refused, rows, other = batches.run(story)
    assert (refused.state, states(rows), rows[0].error.code) == ("refused", ["wrong", "ready"], "internal")
    assert told == [f"{refused.id}/1"]
    assert other.state is BatchState.CHECKED
