"""Entries of signed lists on PostgreSQL: they follow what is told of certificates, in the order of committing, and the
days on which a state begins or ends by itself. The work is with what changes.

Notices have positions in the order of committing (`notices.py`), so one number says how far the entries have come. It
moves in the transaction that makes them: killed anywhere, the same is done again.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby

from asyncpg import Record

from certsvc.domain.status_list import (
    FILLING,
    HOLDS,
    ListedCertificate,
    ListedValue,
    empty_list,
    entry,
    set_entry,
)
from certsvc.errors import NotFound
from certsvc.services.status_lists import ChangedList, PackedList
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.rows import root_among, to_bare_certificate

SQL = queries("status_lists")
NOTICES, DUE, WALKED = 500, 200, 200
"""Looked at in one turn: notices, lives that are due, and lives on the way through all of them."""

PART_ENTRIES = 2048
PART_BYTES = PART_ENTRIES // 2
BEFORE_ALL = -1, b""

Life = tuple[int, bytes]
Part = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the entries have come: `position` in what is told, and `walked` through all lives, None when done."""

    sequence: int
    position: int
    basis: bytes
    walked: Life | None


@dataclass(slots=True)
class Turn:
    """`services.StatusTurn`."""

    certificates: Sequence[ListedCertificate]
    is_any: bool
    is_level: bool
    progress: Progress
    _connection: Connection
    _sequence: int = field(init=False)

    def __post_init__(self) -> None:
        self._sequence = self.progress.sequence

    async def put(self, values: Iterable[ListedValue]) -> None:
        """What the lists are to say; what they say already changes nothing."""
        wanted = defaultdict[Part, list[ListedValue]](list)
        for value in values:
            wanted[value.list_name, value.index // PART_ENTRIES].append(value)
        parts = {place: bytearray(data) for place, data in (await self._parts(wanted)).items()}
        changed, urgent = set[Part](), set[str]()
        for place, new in wanted.items():
            for value in new:
                if entry(parts[place], value.index % PART_ENTRIES) == value.state:
                    continue
                set_entry(parts[place], value.index % PART_ENTRIES, value.state)
                changed.add(place)
                if value.state not in HOLDS:
                    urgent.add(value.list_name)
        if changed:
            await self._write({place: bytes(parts[place]) for place in sorted(changed)}, urgent)

    async def _parts(self, places: Iterable[Part]) -> Mapping[Part, bytes]:
        found = dict.fromkeys(places, FILLING * PART_BYTES)
        for row in await self._connection.fetch(SQL["parts"], *_columns(found, 2)):
            found[row["list_name"], row["part"]] = row["entries"]
        return found

    async def _write(self, parts: Mapping[Part, bytes], urgent: Iterable[str]) -> None:
        self._sequence += 1
        names = sorted({name for name, _ in parts})
        await self._connection.execute(SQL["change_lists"], self._sequence, names, sorted(urgent))
        rows = [(*place, data) for place, data in parts.items()]
        await self._connection.execute(SQL["put_parts"], *_columns(rows, 3))

    async def end(self) -> None:
        """Put on record how far the entries have come, and when the lives are to be looked at again."""
        due = {
            (one.next_day, one.certificate.life.slot, one.certificate.life.to_bytes())
            for one in self.certificates
            if one.next_day is not None
        }
        if due:
            await self._connection.execute(SQL["set_due"], *_columns(sorted(due), 3))
        now = replace(self.progress, sequence=self._sequence)
        walked = now.walked or (None, None)
        await self._connection.execute(SQL["move_on"], now.sequence, now.position, now.basis, *walked)


class PostgresStatusLists:
    """`services.StatusLists`. Needs the database role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def turn(self, basis: bytes, on: date) -> AsyncIterator[Turn | None]:
        """See `services.StatusLists`.

        Raises:
            RegisterUnavailable: the database does not answer; nothing was done.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_progress"])
            if row is None:
                yield None
                return
            turn = await _begin(connection, _begun(row, basis), row["last_position"], on)
            yield turn
            if turn.is_any or row["basis"] != basis:
                await turn.end()

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[bool]:
        """See `services.StatusLists`.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.transaction() as connection:
            yield await connection.fetchval(SQL["lock_publishing"]) is not None

    async def changed(self, after: int) -> Sequence[ChangedList]:
        """See `services.StatusLists`.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["changed"], after)
        return [ChangedList(row["name"], row["sequence"], row["urgent"]) for row in rows]

    async def read(self, name: str) -> PackedList:
        """See `services.StatusLists`.

        Raises:
            NotFound: there is no such list.
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["read"], name)
        if not rows:
            raise NotFound(f"没有状态列表 {name}。", f"There is no status list {name}.")
        packed = empty_list()
        for row in rows:
            if row["entries"] is not None:
                packed[row["part"] * PART_BYTES : (row["part"] + 1) * PART_BYTES] = row["entries"]
        return PackedList(rows[0]["sequence"], bytes(packed))

    async def begin_anew(self) -> None:
        """See `services.StatusLists`.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["begin_anew"])


def _begun(row: Record, basis: bytes) -> Progress:
    """How far the entries are; under other rules than before a walk through all lives begins, while what is told goes
    on being followed. The first walk of all sees everything that was told before it."""
    position = row["last_position"] if row["position"] is None else row["position"]
    if row["basis"] != basis:
        return Progress(row["sequence"], position, basis, BEFORE_ALL)
    walked = None if row["walked_slot"] is None else (row["walked_slot"], row["walked_ref"])
    return Progress(row["sequence"], position, basis, walked)


async def _begin(connection: Connection, before: Progress, last: int, on: date) -> Turn:
    until = min(before.position + NOTICES, last)
    lives = set[Life]()
    if until > before.position:
        lives |= _lives(await connection.fetch(SQL["told"], before.position, until))
    due = await connection.fetch(SQL["take_due"], on, DUE)
    lives |= _lives(due)
    walked = before.walked
    if walked is not None:
        rows = await connection.fetch(SQL["walk"], *walked, WALKED)
        lives |= _lives(rows)
        walked = (rows[-1]["slot"], rows[-1]["ref"]) if len(rows) == WALKED else None
    rows = await connection.fetch(SQL["gather"], *_columns(sorted(lives), 2), on) if lives else []
    is_any = bool(lives) or until > before.position or walked != before.walked
    is_level = until >= last and len(due) < DUE
    after = replace(before, position=max(until, before.position), walked=walked)
    return Turn([*_listed(rows)], is_any, is_level, after, connection)


def _lives(rows: Iterable[Record]) -> set[Life]:
    return {(row["slot"], row["life_ref"]) for row in rows}


def _columns(rows: Iterable[Sequence[object]], count: int) -> list[list[object]]:
    """Rows as columns, for `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(count)]


def _listed(rows: Sequence[Record]) -> Iterator[ListedCertificate]:
    """The certificates with the licence that acts on each: of those with one root, the one that holds."""
    by_root = sorted(rows, key=_root)
    for _, group in groupby(by_root, key=_root):
        related = [(row, to_bare_certificate(row)) for row in group]
        root = root_among([certificate for _, certificate in related])
        for row, certificate in related:
            yield ListedCertificate(
                certificate=certificate,
                root=root,
                list_name=row["list_name"],
                index=row["list_index"],
                next_day=row["next_day"],
            )


def _root(row: Record) -> Life:
    return row["slot"], row["root_ref"]
