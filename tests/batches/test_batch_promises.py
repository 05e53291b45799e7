"""What the database itself holds of batches: the same tables of moves, counts that are right, and nothing rewritten."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from batched import SENDER, Batches, Parts, food, payloads, wanted

from certsvc.domain.batch import (
    LONGEST_WAIT,
    MOVES,
    ROW_MOVES,
    Batch,
    BatchMove,
    BatchState,
    RowState,
    is_sample,
    new_batch_id,
    parse_batch_id,
    try_again_at,
)
from certsvc.errors import InvalidIdentifier

pytest_plugins = ["batch_fixtures"]
NOW = datetime.now(UTC)
COUNTS = "select received, wrong, ready, done, failed, cancelled from batch_count where batch = $1"
COUNTED = """select count(*) filter (where state = 'received'), count(*) filter (where state = 'wrong'),
  count(*) filter (where state = 'ready'), count(*) filter (where state = 'done'),
  count(*) filter (where state = 'failed'), count(*) filter (where state = 'cancelled')
  from batch_row where batch = $1"""


def test_the_database_has_the_same_table_of_moves(batches: Batches) -> None:
    ours = {(move.value, before.value, rule.after.value) for move, rule in MOVES.items() for before in rule.before}
    assert set(batches.fetch("select move, before, after from batch_move")) == ours
    assert MOVES.keys() == set(BatchMove)


def test_the_database_has_the_same_table_of_moves_of_rows(batches: Batches) -> None:
    ours = {(before.value, after.value) for before, found in ROW_MOVES.items() for after in found}
    assert set(batches.fetch("select before, after from batch_row_move")) == ours


def tried(batches: Batches, story: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """What a story in a transaction of its own gives, which is taken back."""

    async def run() -> Any:
        connection = await asyncpg.connect(batches.uri)
        try:
            transaction = connection.transaction()
            await transaction.start()
            try:
                return await story(connection)
            finally:
                await transaction.rollback()
        finally:
            await connection.close()

    return asyncio.run(run())


async def made(connection: asyncpg.Connection, needed: int = 0, dry_run: bool = False) -> int:
    """A batch that is received now."""
    number: int = await connection.fetchval(
        """insert into batch (id, client, key, act, type_id, scopes, form, on_wrong, dry_run, sample, needed, began_at)
        select $1::text, 'sender', $1::text, 'issue', 'food-business', '{}', 'ndjson', 'refuse', $2, 0, $3, now()
        returning number""",
        *(new_batch_id(), dry_run, needed),
    )
    return number


async def moved(connection: asyncpg.Connection, number: int, move: str) -> str:
    digest, size = (b"\0" * 32, 1) if move == "receive" else (None, None)
    state: str = await connection.fetchval(
        """insert into batch_event (batch, move, by, at, sha256, size) values ($1, $2, 'x', now(), $3, $4)
        returning state""",
        *(number, move, digest, size),
    )
    return state


async def added(connection: asyncpg.Connection, number: int, lines: int) -> None:
    await connection.execute(
        """insert into batch_row (batch, line, key, state, sealed, data_key_id)
        select $1, line, line::text, 'received', 'x', 'data-1' from generate_series(1, $2) line""",
        *(number, lines),
    )


WAYS: dict[BatchState, tuple[str, ...]] = {
    BatchState.RECEIVING: (),
    BatchState.ABANDONED: ("abandon",),
    BatchState.CHECKING: ("receive",),
    BatchState.CHECKED: ("receive", "pass"),
    BatchState.REFUSED: ("receive", "refuse"),
    BatchState.AWAITING_APPROVAL: ("receive", "pass", "ask"),
    BatchState.RUNNING: ("receive", "pass", "run"),
    BatchState.PAUSED: ("receive", "pass", "run", "pause"),
    BatchState.FINISHED: ("receive", "pass", "run", "finish"),
    BatchState.CANCELLED: ("receive", "pass", "run", "cancel"),
}


@pytest.mark.parametrize("state", BatchState)
def test_from_every_state_the_database_allows_the_moves_of_the_table_and_no_other(
    batches: Batches, state: BatchState
) -> None:
    async def story(connection: asyncpg.Connection) -> dict[str, str]:
        number = await made(connection)
        for move in WAYS[state]:
            await moved(connection, number, move)
        assert await connection.fetchval("select state from batch where number = $1", number) == state
        found, codes = {}, {"BT001"}
        for move in BatchMove:
            save = connection.transaction()
            await save.start()
            try:
                found[move.value] = await moved(connection, number, move)
            except asyncpg.PostgresError as error:
                codes.add(error.sqlstate)
            await save.rollback()
        assert codes == {"BT001"}
        return found

    allowed = {move.value: rule.after.value for move, rule in MOVES.items() if state in rule.before}
    assert tried(batches, story) == allowed


def refused(batches: Batches, why: str, story: Callable[[asyncpg.Connection], Awaitable[Any]]) -> None:
    with pytest.raises(asyncpg.PostgresError, match=why):
        tried(batches, story)


def test_nothing_runs_that_was_not_checked_or_not_approved_or_was_only_to_be_tried(batches: Batches) -> None:
    async def unchecked(connection: asyncpg.Connection) -> None:
        number = await made(connection)
        await added(connection, number, 2)
        await moved(connection, number, "receive")
        await moved(connection, number, "pass")

    async def unapproved(connection: asyncpg.Connection, approvals: int = 0, move: str = "approve") -> str:
        number = await made(connection, needed=2)
        for step in ("receive", "pass", "ask")[: 3 if move == "approve" else 2]:
            await moved(connection, number, step)
        for person in range(approvals):
            await connection.execute("insert into batch_approval values ($1, $2, now())", number, f"person {person}")
        return await moved(connection, number, move)

    async def only_tried(connection: asyncpg.Connection) -> None:
        number = await made(connection, dry_run=True)
        for move in ("receive", "pass", "run"):
            await moved(connection, number, move)

    refused(batches, "not_checked", unchecked)
    refused(batches, "not_approved", unapproved)
    refused(batches, "not_approved", lambda connection: unapproved(connection, 1))
    refused(batches, "not_approved", lambda connection: unapproved(connection, move="run"))
    refused(batches, "dry_run", only_tried)
    assert tried(batches, lambda connection: unapproved(connection, 2)) == "running"


def test_a_batch_is_not_finished_while_a_row_is_to_be_done(batches: Batches) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        number = await made(connection)
        await added(connection, number, 1)
        await moved(connection, number, "receive")
        await connection.execute("update batch_row set state = 'ready' where batch = $1", number)
        for move in ("pass", "run", "finish"):
            await moved(connection, number, move)

    refused(batches, "not_done", story)


def test_nobody_approves_what_they_sent_and_only_what_waits_for_it(batches: Batches) -> None:
    async def own(connection: asyncpg.Connection) -> None:
        number = await made(connection, needed=1)
        for move in ("receive", "pass", "ask"):
            await moved(connection, number, move)
        await connection.execute("insert into batch_approval values ($1, 'sender', now())", number)

    async def too_early(connection: asyncpg.Connection) -> None:
        await connection.execute("insert into batch_approval values ($1, 'x', now())", await made(connection, needed=1))

    refused(batches, "of their own|for themselves", own)
    refused(batches, "wrong_state", too_early)


REWRITTEN = {
    "a batch that turns into another": "update batch set type_id = 'x' where number = $1",
    "fewer approvals than were needed": "update batch set needed = 1 where number = $1",
    "a state without an event": "update batch set state = 'finished' where number = $1",
    "another digest": "update batch set sha256 = '\\x00'::bytea || sha256(''::bytea) where number = $1",
    "a batch that was never there": "delete from batch where number = $1",
    "an event that was never there": "delete from batch_event where batch = $1",
    "an event told otherwise": "update batch_event set by = 'y' where batch = $1",
    "rows that were never there": "delete from batch_row where batch = $1",
    "a row elsewhere": "update batch_row set line = line + 100 where batch = $1",
    "a row under another key": "update batch_row set key = 'x' where batch = $1 and line = 1",
    "a row that is done twice": "update batch_row set state = 'ready' where batch = $1 and state = 'failed'; "
    "update batch_row set state = 'received' where batch = $1 and line = 1",
    "a row that comes late": "insert into batch_row (batch, line, key, state, sealed, data_key_id) "
    "values ($1, 99, 'x', 'received', 'x', 'data-1')",
    "a row that is ready unchecked": "insert into batch_row (batch, line, key, state, sealed, data_key_id) "
    "values ($1, 99, 'x', 'ready', 'x', 'data-1')",
    "a row that is done without a certificate": "update batch_row set state = 'done' where batch = $1 and line = 1",
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_what_is_on_record_is_not_rewritten(batches: Batches, name: str) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        number = await made(connection)
        await added(connection, number, 3)
        await moved(connection, number, "receive")
        await connection.execute("update batch_row set state = 'ready' where batch = $1", number)
        await moved(connection, number, "pass")
        await moved(connection, number, "run")
        for statement in REWRITTEN[name].split("; "):
            await connection.execute(statement, number)

    with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)):
        tried(batches, story)


def test_counts_follow_the_rows_through_every_kind_of_statement(batches: Batches) -> None:
    async def story(connection: asyncpg.Connection) -> None:
        number, other = await made(connection), await made(connection)

        async def same() -> tuple[int, ...]:
            kept, counted = [tuple(*await connection.fetch(one, number)) for one in (COUNTS, COUNTED)]
            assert kept == counted
            return kept

        await added(connection, number, 7)
        await added(connection, other, 5)
        assert await same() == (7, 0, 0, 0, 0, 0)
        await connection.execute("delete from batch_row where line = 7 and batch in ($1, $2)", number, other)
        assert await same() == (6, 0, 0, 0, 0, 0)
        await connection.execute("update batch_row set state = 'ready' where batch in ($1, $2)", number, other)
        await connection.execute(
            """update batch_row set state = case line when 1 then 'failed' when 2 then 'cancelled' when 3 then 'wrong'
            else 'ready' end, error_code = 'x', sealed_error = 'x', error_key_id = 'x' where batch = $1""",
            number,
        )
        assert await same() == (0, 1, 3, 0, 1, 1)
        await connection.execute("update batch_row set tries = 3 where batch = $1", number)
        assert await same() == (0, 1, 3, 0, 1, 1)

    tried(batches, story)


def test_the_public_role_sees_no_batch(batches: Batches) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(batches.server.uri("certsvc_public"))
        try:
            for table in ("batch", "batch_row", "batch_event", "batch_approval", "batch_count"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select * from {table}")
        finally:
            await connection.close()

    asyncio.run(story())


def test_what_rows_ask_for_and_why_they_are_wrong_lies_there_encrypted(batches: Batches) -> None:
    secret = "电话一三八零零"

    async def story(parts: Parts) -> Batch:
        wrong = {**food(1), "nonsense": secret, "category": secret}
        batch = await parts.send(wanted("secrets"), payloads({**food(1), "residence": secret}, wrong))
        return await parts.office.batches.batch(batch.id)

    batch = batches.run(story)
    held = batches.fetch("select batch_row::text, sealed, sealed_error from batch_row where batch = $1", batch.number)
    assert len(held) == 2
    assert not any(secret.encode() in part for row in held for part in (row[0].encode(), row[1] or b"", row[2] or b""))

    async def check(parts: Parts) -> Any:
        await parts.work(batch)
        return await parts.rows(batch)

    rows = batches.run(check)
    assert [(row.state, row.key) for row in rows] == [(RowState.READY, "row 1"), (RowState.WRONG, "row 2")]
    assert {problem.field for problem in rows[1].error.problems} == {"nonsense", "category"}
    assert batches.fetch("select count(*) from batch_row where batch = $1 and sealed is not null", batch.number) == [
        (0,)
    ]
    assert batches.fetch("select count(*) from batch_event where by = $1", SENDER)[0][0] >= 1


def test_an_id_of_a_batch_is_long_random_and_read_strictly() -> None:
    assert len({parse_batch_id(new_batch_id()) for _ in range(50)}) == 50
    for text in ("b-", "b-" + "a" * 19, "b-" + "A" * 20, "b-" + "a" * 20 + "\n", "a" * 22, "b-" + "1" * 20):
        with pytest.raises(InvalidIdentifier):
            parse_batch_id(text)


def test_waits_grow_and_end_and_samples_are_spread_evenly() -> None:
    waits = [try_again_at(tries, NOW) - NOW for tries in range(40)]
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (2, 4, 8, 16)]
    assert waits == sorted(waits) and waits[-1] == LONGEST_WAIT
    assert [line for line in range(1, 11) if is_sample(line, 10, 3)] == [4, 8]
    assert [line for line in range(1, 4) if is_sample(line, 3, 100)] == [1, 2, 3]
    assert not any(is_sample(line, 100, 0) for line in range(1, 101))
    for rows in (1, 7, 99, 1000):
        for sample in (1, 3, 100):
            assert 1 <= sum(is_sample(line, rows, sample) for line in range(1, rows + 1)) <= sample
