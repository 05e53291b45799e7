"""The worker's loop over batches, what is left of a sender's scopes, and memory that does not grow with an upload."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from batched import FOOD, food, wanted
from chosen import tree_catalog

from certsvc.domain.acts import Act
from certsvc.domain.batch import Form
from certsvc.domain.client import Client, ClientKind, ClientState, RegisteredClient, new_client_id
from certsvc.errors import Forbidden, RegisterUnavailable
from certsvc.issuance.batches.reading import Upload
from certsvc.issuance.batches.table import columns_of
from certsvc.issuance.batches.work import AFRESH, LONGEST_REST, REST, BatchWorker, Turns, actor_by
from certsvc.jobs import batches as loop
from certsvc.jobs.batches import do_batches

NOW = datetime.now(UTC)


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def warning(self, event: str, **said: Any) -> None:
        self.lines.append((event, said["error"]))

    error = warning


class Steps:
    """A worker that takes the steps it is told to."""

    def __init__(self, *steps: bool | Exception) -> None:
        self._steps, self.taken, self.end = iter(steps), 0, asyncio.Event()

    async def do_one(self) -> bool:
        self.taken += 1
        step = next(self._steps, None)
        if step is None:
            self.end.set()
            return False
        if isinstance(step, Exception):
            raise step
        return step


def run(worker: Steps, log: Log) -> None:
    async def story() -> None:
        await asyncio.wait_for(do_batches(cast(BatchWorker, worker), worker.end, cast(Any, log), at_once=1), 10)

    asyncio.run(story())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long rests, and nothing beside the rows."""

    async def nothing(worker: BatchWorker) -> bool:
        return False

    monkeypatch.setattr(loop, "RESTS", 0.01)
    monkeypatch.setattr(loop, "LOOKS_AGAIN", 0.01)
    monkeypatch.setattr(loop, "tend", nothing)


def test_rows_are_done_one_after_the_other_and_troubles_end_no_worker() -> None:
    log = Log()
    trouble = RegisterUnavailable("登记簿没有应答。", "The register does not answer.")
    worker = Steps(True, trouble, True, OSError("张三's disk is full"), False, True)
    run(worker, log)
    assert worker.taken == 7
    assert log.lines == [("batches_troubled", "register_unavailable"), ("unexpected_error", "OSError")]
    assert "张三" not in str(log.lines)


def test_told_to_stop_it_stops_though_a_row_is_under_way() -> None:
    class Endless(Steps):
        async def do_one(self) -> bool:
            self.end.set()
            await asyncio.Event().wait()
            return True

    run(Endless(), Log())


def registered(state: ClientState = ClientState.ACTIVE, *scopes: str) -> RegisteredClient:
    client = Client(
        id=new_client_id(),
        name="sender",
        kind=ClientKind.SYSTEM,
        scopes=frozenset(scopes),
        organisation=None,
        state=state,
        registered_at=NOW,
    )
    return RegisteredClient(client=client, keys=())


def left(found: RegisteredClient | None, *granted: str) -> frozenset[str]:
    async def of_name(name: str) -> RegisteredClient | None:
        assert name == "sender"
        return found

    async def story() -> frozenset[str]:
        return (await actor_by(of_name)("sender", frozenset(granted))).scopes

    return asyncio.run(story())


def test_a_batch_does_nothing_beyond_what_its_sender_was_allowed_then_and_is_today() -> None:
    active = ClientState.ACTIVE
    assert left(registered(active, "issue:*"), "issue:food-business") == {"issue:food-business"}
    assert left(registered(active, "issue:food-business"), "issue:*") == frozenset()
    assert left(registered(active, "issue:food-business"), "issue:food-business:*:4419") == {
        "issue:food-business:*:4419"
    }
    assert left(registered(active, "revoke:*"), "issue:*", "revoke:*") == {"revoke:*"}


@pytest.mark.parametrize("found", [None, registered(ClientState.CUT_OFF, "issue:*")])
def test_who_is_not_known_or_cut_off_does_nothing(found: RegisteredClient | None) -> None:
    with pytest.raises(Forbidden):
        left(found, "issue:*")


def test_a_batch_in_trouble_rests_longer_each_time_and_goes_on_at_once_when_it_went_well() -> None:
    turns = Turns()
    assert not turns.rests(1, NOW)
    for times in range(10):
        turns.went(1, False, NOW)
        rest = min(REST * 2**times, LONGEST_REST)
        assert turns.rests(1, NOW + rest * 0.9)
        assert not turns.rests(1, NOW + rest)
    assert not turns.rests(2, NOW)
    assert not turns.rests(1, NOW - LONGEST_REST * 2), "a clock that was set back"
    turns.went(1, True, NOW)
    assert not turns.rests(1, NOW)


def test_rows_are_looked_for_behind_the_last_one_and_then_from_the_start() -> None:
    turns = Turns()
    assert [*turns.places(1)] == [0]
    turns.took(1, 500)
    assert ([*turns.places(1)], turns.last) == ([500, 0], 1)
    for line in range(501, 501 + AFRESH - 1):
        turns.took(1, line)
    assert [*turns.places(1)] == [0], "rows put off do not wait for all the others"
    turns.took(1, 3)
    assert [*turns.places(1)] == [3, 0]
    turns.forget_others([2])
    assert [*turns.places(1)] == [0]


CATALOG = tree_catalog()
ROW = json.dumps({"payload": food(1)}, ensure_ascii=False).encode() + b"\n"
TABLE_ROW = b'"' + "云山市".encode() * 100 + b'\n","b"\n'


def chunks(row: bytes, head: bytes, size: int) -> Iterator[bytes]:
    """An upload of so many bytes that is never whole anywhere."""
    held, sent = bytearray(head), 0
    while sent < size:
        held += row
        if len(held) >= 65536:
            sent += len(held)
            yield bytes(held)
            held.clear()
    yield bytes(held)


@pytest.mark.long
@pytest.mark.parametrize(("form", "row", "head"), [(Form.NDJSON, ROW, b""), (Form.CSV, TABLE_ROW, b"name,address\n")])
def test_memory_does_not_grow_with_an_upload(form: Form, row: bytes, head: bytes) -> None:
    def peak(size: int) -> int:
        upload = Upload(wanted("key", FOOD, Act.ISSUE, form=form), columns_of(CATALOG.latest(FOOD), Act.ISSUE))
        tracemalloc.start()
        try:
            read = sum(1 for chunk in chunks(row, head, size) for _ in upload.feed(chunk))
            read += sum(1 for _ in upload.finish())
            assert read > size // len(row) * 0.9
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(300_000), peak(6_000_000)
    assert large < small * 1.5
    assert large < 2_000_000
