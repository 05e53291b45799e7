"""Batches: many requests in one. The tables of moves say how a batch and its rows go on, and nothing else moves them.

The database holds the same tables as the views `batch_move` and `batch_row_move`, and a test compares them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from certsvc.domain.acts import Act
from certsvc.errors import InvalidIdentifier, Problem
from certsvc.ids import Ref, new_opaque_id

ID = re.compile(r"b-[a-z2-7]{20}", re.ASCII)
MOST_ROWS = 1_000_000
MOST_BYTES = 2 * 1024**3
LONGEST_ROW = 64 * 1024
"""Bytes of one row as it was sent."""

LONGEST_KEY = 200
MOST_SAMPLES = 100
"""Rows of a dry run that are put through everything up to the reservation."""

UPLOAD_DAYS = timedelta(days=1)
"""So long an upload that broke off lies there and may be sent again; then it is swept."""

CONTENT_DAYS = timedelta(days=30)
"""So long after a batch's end its failed rows may be tried again; then their contents are gone."""

STANDSTILL_DAYS = timedelta(days=90)
"""So long a batch waits for approval, or paused, for somebody to have it go on; then it is cancelled."""

LATELY = timedelta(minutes=1)
"""The time by which is told how fast a batch goes on."""

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=8)
MOST_DOUBLINGS = 8


class BatchState(StrEnum):
    """How far a batch has come."""

    RECEIVING = "receiving"
    ABANDONED = "abandoned"
    CHECKING = "checking"
    CHECKED = "checked"
    REFUSED = "refused"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class BatchMove(StrEnum):
    """What moves a batch from one state to the next."""

    RECEIVE = "receive"
    ABANDON = "abandon"
    PASS = "pass"  # noqa: S105 - the name of a move
    REFUSE = "refuse"
    ASK = "ask"
    RUN = "run"
    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"
    RETRY = "retry"


class RowState(StrEnum):
    """How far a row has come. A row that is `ready` and waits for another try says why."""

    RECEIVED = "received"
    WRONG = "wrong"
    READY = "ready"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OnWrong(StrEnum):
    """What becomes of a batch in which a row is wrong: nothing of it is done, or all of it but that row."""

    REFUSE = "refuse"
    SKIP = "skip"


class Form(StrEnum):
    """How the rows are written: a JSON object a line, or a table."""

    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One row of the table."""

    zh: str
    en: str
    before: frozenset[BatchState]
    after: BatchState


def _move(zh: str, en: str, after: BatchState, *before: BatchState) -> Move:
    return Move(zh=zh, en=en, before=frozenset(before), after=after)


S = BatchState
MOVES: Mapping[BatchMove, Move] = {
    BatchMove.RECEIVE: _move("收齐", "receive the last row", S.CHECKING, S.RECEIVING),
    BatchMove.ABANDON: _move("放弃接收", "give up receiving", S.ABANDONED, S.RECEIVING),
    BatchMove.PASS: _move("核对通过", "pass", S.CHECKED, S.CHECKING),
    BatchMove.REFUSE: _move("核对不通过", "refuse", S.REFUSED, S.CHECKING),
    BatchMove.ASK: _move("送批", "ask for approval", S.AWAITING_APPROVAL, S.CHECKED),
    BatchMove.RUN: _move("开始办理", "run", S.RUNNING, S.CHECKED),
    BatchMove.APPROVE: _move("批准", "approve", S.RUNNING, S.AWAITING_APPROVAL),
    BatchMove.PAUSE: _move("暂停", "pause", S.PAUSED, S.RUNNING),
    BatchMove.RESUME: _move("继续", "resume", S.RUNNING, S.PAUSED),
    BatchMove.CANCEL: _move("取消", "cancel", S.CANCELLED, S.CHECKING, S.AWAITING_APPROVAL, S.RUNNING, S.PAUSED),
    BatchMove.FINISH: _move("办结", "finish", S.FINISHED, S.RUNNING),
    BatchMove.RETRY: _move("重办失败的行", "try the failed rows again", S.RUNNING, S.FINISHED),
}
"""Every move, its row. A dry run ends `checked`."""

ROW_MOVES: Mapping[RowState, frozenset[RowState]] = {
    RowState.RECEIVED: frozenset({RowState.WRONG, RowState.READY, RowState.CANCELLED}),
    RowState.READY: frozenset({RowState.WRONG, RowState.DONE, RowState.FAILED, RowState.CANCELLED}),
    RowState.FAILED: frozenset({RowState.READY}),
}
"""From which state a row goes to which; what is not named is an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """A request for a batch. `client` and `key` together name it: the same one sent again is the same batch.

    `scopes` are what the client was allowed when it sent the batch: it does nothing beyond them. `sample` is how many
    rows of a dry run are put through everything up to the reservation.
    """

    client: str
    key: str
    act: Act
    type_id: str
    form: Form
    scopes: frozenset[str] = frozenset()
    on_wrong: OnWrong = OnWrong.REFUSE
    dry_run: bool = False
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch on record. `number` is the register's own; `needed` is how many persons must approve it, `approved_by`
    who has; `sha256` and `size` (bytes) are of the whole upload, `manifest` the SHA-256 of the last one made."""

    number: int
    id: str
    request: BatchRequest
    state: BatchState
    needed: int
    began_at: datetime
    sha256: bytes | None
    size: int | None
    manifest: bytes | None
    counts: Mapping[RowState, int]
    approved_by: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How fast rows were ended within the last minute, and when the last one will be if it goes on so."""

    rows_per_second: float
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEvent:
    """One move on record."""

    move: BatchMove
    state: BatchState
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why a row is wrong, failed, or waits for another try."""

    code: str
    zh: str
    en: str
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row as it was read: what it asks for (absent where it is past reading), or what is wrong with it."""

    line: int
    key: str
    content: Mapping[str, Any] | None
    error: RowError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRow:
    """A row that somebody is at. `in_vain` is how often it was begun without an end, for its worker's process ended;
    `twice` is the line on which its key came first, if it came before."""

    line: int
    key: str
    content: bytes | None
    content_key_id: str | None
    tries: int
    in_vain: int = 0
    twice: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a row became: the certificate made or acted on, and the event of an act."""

    ref: Ref
    number: str
    event: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """A row on record, with its result or its error. `documents` are the SHA-256 of the files it had sealed."""

    line: int
    key: str
    state: RowState
    ref: Ref | None = None
    number: str | None = None
    identifier: str | None = None
    event: int | None = None
    documents: tuple[tuple[str, bytes], ...] = field(default=())
    error: RowError | None = None
    tries: int = 0
    due_at: datetime | None = None


def new_batch_id() -> str:
    """An id that says nothing and cannot be guessed: 100 bits."""
    return new_opaque_id("b")


def parse_batch_id(text: str) -> str:
    """An id of a batch.

    Raises:
        InvalidIdentifier: it has another form.
    """
    if not ID.fullmatch(text):
        raise InvalidIdentifier(
            "批次号应为 b- 加 20 个字符。", "The id of a batch is b- and 20 characters: take it from the answer."
        )
    return text


def row_key(batch_id: str, line: int) -> str:
    """The key under which a row's order or act is known: sent again, it is the same work."""
    return f"{batch_id}/{line}"


def try_again_at(tries: int, now: datetime) -> datetime:
    """When a row that could not be done for now is tried again: later each time, at most 8 minutes."""
    return now + min(FIRST_WAIT * (1 << min(tries, MOST_DOUBLINGS)), LONGEST_WAIT)


def is_sample(line: int, rows: int, sample: int) -> bool:
    """Whether a line is among the rows, at most `sample`, that are spread evenly over a batch of `rows`."""
    return sample > 0 and line % max(1, -(-rows // sample)) == 0
