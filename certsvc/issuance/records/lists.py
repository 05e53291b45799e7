"""Lists of all that a source has: read line by line, kept by portions, applied at their end, wholly or not at all."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from certsvc.domain.actor import Actor
from certsvc.domain.snapshot import Compared, ListedRecord, Snapshot
from certsvc.domain.source import Source
from certsvc.errors import CertsvcError, InvalidInput, KeyReused, MessageTooLarge, NotFound, Problem
from certsvc.issuance.records.content import compared_fields, content_of
from certsvc.issuance.records.form import Begin, BeginLine, ComparedForm, EndLine, RowForm
from certsvc.issuance.records.reporting import Recording, own_source, require_kind, require_past

LONGEST_LINE = 128 * 1024
MOST_BYTES = 4 << 30
MOST_ROWS = 10_000_000
PORTION = 1000
MOST_PROBLEMS = 100

Chunks = AsyncIterator[bytes]


async def take_snapshot(
    recording: Recording, actor: Actor, source_id: str, chunks: Chunks, key: str, clock: Callable[[], datetime]
) -> Snapshot:
    """Take a list of all that a source has, as NDJSON: a line `begin`, a line for each record, a line `end`. What the
    list lacks is missing from then on. One that breaks off changes nothing. `clock` is asked once more at the end,
    because a list may take long to come.

    Raises:
        NotFound: the actor feeds no such source.
        InvalidInput, Forbidden: a line is wrong, or the end does not come or counts otherwise; with up to 100 problems.
        Conflict, TooMuchMissing, KeyReused: see `SnapshotRegister.apply`.
    """
    now = clock()
    source = (await own_source(recording, actor, source_id)).source
    lines = _Lines(chunks)
    begin = await lines.begin()
    require_past(begin.observed_at, now)
    snapshots = recording.snapshots
    if (known := await snapshots.applied(actor.name, key)) is not None:
        return _same_again(known, source.id, await lines.read_on(), key)
    number = await snapshots.begin(source.id, actor.name, key, begin.observed_at, now)
    async with _refused(recording, number, clock):
        reader = _Rows(recording, actor, source)
        async for portion in reader.portions(lines):
            await snapshots.add(number, portion)
        return await snapshots.apply(number, lines.digest, lines.rows_read, begin.expect_missing, clock())


async def reconcile(
    recording: Recording, actor: Actor, source_id: str, chunks: Chunks, key: str, clock: Callable[[], datetime]
) -> Compared:
    """Compare a list of all that a source has with the register, and change nothing. Its rows are whole records, or ids
    with a digest or some fields.

    Raises:
        NotFound, InvalidInput, Forbidden: see `take_snapshot`.
    """
    now = clock()
    source = (await own_source(recording, actor, source_id)).source
    lines = _Lines(chunks)
    begin = await lines.begin()
    require_past(begin.observed_at, now)
    number = await recording.snapshots.begin(source.id, actor.name, key, begin.observed_at, now)
    async with _refused(recording, number, clock):
        reader = _Rows(recording, actor, source, compares=True)
        async for portion in reader.portions(lines):
            await recording.snapshots.add(number, portion)
        return await recording.snapshots.compare(number, lines.rows_read, clock())


async def differences(
    recording: Recording, actor: Actor, source_id: str, snapshot_id: int, after: str, limit: int
) -> Compared:
    """Where the register now and a list that has ended differ, after the id `after`.

    Raises:
        NotFound: the actor feeds no such source, or the source has no such list.
    """
    await own_source(recording, actor, source_id)
    if not 0 < snapshot_id < 1 << 63:
        raise NotFound(f"没有清单 {snapshot_id}。", f"There is no list {snapshot_id}.")
    return await recording.snapshots.differences(source_id, snapshot_id, after, limit)


@asynccontextmanager
async def _refused(recording: Recording, number: int, clock: Callable[[], datetime]) -> AsyncIterator[None]:
    """A list that is not taken is on record with the reason; one that merely stops stays begun, which says as much."""
    try:
        yield
    except CertsvcError as error:
        if error.status < 500:
            await recording.snapshots.refuse(number, error.code, clock())
        raise


@dataclass(slots=True)
class _Rows:
    """Rows of a list: each line its problems, up to a hundred of them."""

    recording: Recording
    actor: Actor
    source: Source
    compares: bool = False
    _problems: list[Problem] = field(default_factory=list)
    _allowed: set[str] = field(default_factory=set)

    async def portions(self, lines: "_Lines") -> AsyncIterator[list[ListedRecord]]:
        """The rows up to the line `end`, some at a time."""
        portion: list[ListedRecord] = []
        async for number, line in lines.rows():
            row = self._row(number, line)
            if row is not None:
                portion.append(row)
            if len(self._problems) >= MOST_PROBLEMS:
                break
            if len(portion) == PORTION and not self._problems:
                yield portion
                portion = []
        _refuse(self._problems)
        if portion:
            yield portion

    def _row(self, number: int, line: bytes) -> ListedRecord | None:
        try:
            return self._compared(line) if self.compares else self._whole(line)
        except msgspec.DecodeError as error:
            zh, en = f"第 {number} 行不合格式：{error}", f"Line {number} is malformed: {error}"
            self._problems.append(Problem(f"line {number}", "malformed", zh, en))
        except InvalidInput as error:
            for one in error.problems or [Problem("", error.code, error.zh, error.en)]:
                where = f"line {number}.{one.field}".rstrip(".")
                self._problems.append(Problem(where, one.code, f"第 {number} 行：{one.zh}", f"Line {number}: {one.en}"))
        return None

    def _whole(self, line: bytes) -> ListedRecord:
        form = msgspec.json.decode(line, type=RowForm)
        if form.kind not in self._allowed:
            require_kind(self.actor, self.source, form.kind)
            self._allowed.add(form.kind)
        return ListedRecord(id=form.id, content=content_of(self.recording.catalog, form))

    def _compared(self, line: bytes) -> ListedRecord:
        try:
            form = msgspec.json.decode(line, type=ComparedForm)
        except msgspec.ValidationError:
            return self._whole(line)
        digest = bytes.fromhex(form.digest) if form.digest else None
        return ListedRecord(id=form.id, digest=digest, fields=compared_fields(self.recording.catalog, form))


def _same_again(known: Snapshot, source_id: str, digest: bytes, key: str) -> Snapshot:
    if (known.source_id, known.digest) != (source_id, digest):
        raise KeyReused(f"请求编号 {key} 已用于另一份清单。", f"The key {key} was used for another list.")
    return known


def _refuse(problems: Iterable[Problem]) -> None:
    found = [*problems]
    if found:
        raise InvalidInput(f"清单没有采用：{found[0].zh}", f"The list was not taken: {found[0].en}", problems=found)


class _Lines:
    """The lines of a stream, bounded; `digest` is over all that was read, `rows_read` how many rows that was."""

    def __init__(self, chunks: Chunks) -> None:
        self.rows_read = 0
        self._lines = self._split(chunks)
        self._hash, self._number, self._bytes = hashlib.sha256(), 0, 0

    @property
    def digest(self) -> bytes:
        """SHA-256 over all lines read so far."""
        return self._hash.digest()

    async def begin(self) -> Begin:
        """The first line.

        Raises:
            InvalidInput: it is no `begin`.
        """
        async for line in self._lines:
            try:
                return msgspec.json.decode(line, type=BeginLine).begin
            except msgspec.DecodeError as error:
                raise _malformed_begin(str(error)) from None
        raise _malformed_begin("nothing came")

    async def rows(self) -> AsyncIterator[tuple[int, bytes]]:
        """The lines between, each with its number from 1, the first line being 1.

        Raises:
            InvalidInput: no `end` comes, it counts otherwise, or something follows it.
        """
        ended = None
        async for line in self._lines:
            if ended is not None:
                raise InvalidInput("end 之后还有内容。", "Something follows the line end.")
            ended = _end_of(line)
            if ended is None:
                self.rows_read += 1
                if self.rows_read > MOST_ROWS:
                    raise MessageTooLarge(f"清单超过 {MOST_ROWS} 行。", f"The list has more than {MOST_ROWS} rows.")
                yield self._number, line
        if ended != self.rows_read:
            raise InvalidInput(
                f"清单没有传完：收到 {self.rows_read} 行，end 写明 {ended}。",
                f"The list did not come whole: {self.rows_read} rows came, its end says {ended}.",
            )

    async def read_on(self) -> bytes:
        """Read to the end; the digest."""
        async for _ in self._lines:
            pass
        return self.digest

    async def _split(self, chunks: Chunks) -> AsyncIterator[bytes]:
        rest = b""
        async for chunk in chunks:
            self._bytes += len(chunk)
            if self._bytes > MOST_BYTES:
                raise MessageTooLarge(f"清单超过 {MOST_BYTES >> 30} GiB。", f"The list is over {MOST_BYTES >> 30} GiB.")
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if self._count(line):
                    yield line
            if len(rest) > LONGEST_LINE:
                raise _long_line(self._number + 1)
        if self._count(rest):
            yield rest

    def _count(self, line: bytes) -> bool:
        """Take note of a line; whether it is one at all: empty ones are passed over."""
        if len(line) > LONGEST_LINE:
            raise _long_line(self._number + 1)
        self._number += 1
        if not line.strip():
            return False
        self._hash.update(line.strip() + b"\n")
        return True


def _end_of(line: bytes) -> int | None:
    """The number of rows if the line is an `end`."""
    if b'"end"' not in line[:40]:
        return None
    try:
        return msgspec.json.decode(line, type=EndLine).end.rows
    except msgspec.DecodeError:
        return None


def _malformed_begin(why: str) -> InvalidInput:
    return InvalidInput(
        f'清单的第一行应为 {{"begin": {{"observed_at": …}}}}（{why}）。',
        f'The first line of a list is {{"begin": {{"observed_at": …}}}} ({why}).',
    )


def _long_line(number: int) -> MessageTooLarge:
    return MessageTooLarge(
        f"第 {number} 行超过 {LONGEST_LINE >> 10} KiB。", f"Line {number} is over {LONGEST_LINE >> 10} KiB."
    )
