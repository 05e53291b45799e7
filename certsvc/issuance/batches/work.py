"""Batches as the workers have them: rows checked and done one by one, every batch brought to its end.

A row is its worker's as long as a transaction lasts. It is done under a key made of batch and line, so that whoever
does it again, after whatever crash, finds the same order or act.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from certsvc.domain.actor import Actor
from certsvc.domain.acts import ACTS, Act, Makes
from certsvc.domain.batch import BatchMove, Result, RowError, row_key, try_again_at
from certsvc.domain.client import ClientState, RegisteredClient, as_scopes
from certsvc.domain.scope import narrowed
from certsvc.errors import ActNotAllowed, CertsvcError, Forbidden, NotFound
from certsvc.issuance import acts
from certsvc.issuance.batches.checks import CRASHED, INTERNAL, LATER, EndsItsWorker, completed, row_error
from certsvc.issuance.batches.line import RowContent, acting_of, order_of
from certsvc.issuance.batches.secrets import open_content, sealed_error
from certsvc.issuance.issue import issue
from certsvc.issuance.service import Issuing
from certsvc.store.batch_work import BatchWork, RowAtHand, Running
from certsvc.store.manifests import FileManifests

ActorOf = Callable[[str, frozenset[str]], Awaitable[Actor]]
"""Who sent a batch, with what is left today of the scopes it had then. Raises `Forbidden` when it may not call now."""

Unexpected = Callable[[str, Exception], None]
"""Told of a row (batch and line) that failed in a way nobody foresaw."""

PROGRAM = "worker"
"""In whose name batches go on by themselves."""

LONGEST = 240.0
"""Seconds a row may take: its end must be on record before its connection is taken from it."""

UNFORESEEN_TRIES = 5
"""So often is tried what fails in a way nobody foresaw."""

AFRESH = 100
"""After so many rows is looked from the start of a batch."""

REST, LONGEST_REST = timedelta(seconds=1), timedelta(minutes=1)
MOST_DOUBLINGS = 6


def actor_by(of_name: Callable[[str], Awaitable[RegisteredClient | None]]) -> ActorOf:
    """`ActorOf` over clients on record: what was granted then, as far as the client still has it."""

    async def actor_of(name: str, scopes: frozenset[str]) -> Actor:
        found = await of_name(name)
        if found is None or found.client.state is not ClientState.ACTIVE:
            raise Forbidden(f"客户端 {name} 已停用。", f"The client {name} is cut off.")
        registered = as_scopes(found.client.scopes)
        left = (scope for scope in as_scopes(scopes) if narrowed(registered, scope))
        return Actor(name=name, scopes=frozenset(map(str, left)))

    return actor_of


class MayNotCall(Exception):
    """Who sent a batch may not call any more."""


@dataclass(slots=True)
class Turns:
    """Whose turn it is in this process: batches one after the other, and one that met trouble rests."""

    last: int = 0
    _takes: int = 0
    _lines: dict[int, int] = field(default_factory=dict)
    _rests: dict[int, tuple[int, datetime]] = field(default_factory=dict)

    def places(self, batch: int) -> Iterable[int]:
        """Behind which lines to look for a row: the one taken last, then from the start; now and then from there at
        once, so that rows put off do not wait for all the others."""
        line = self._lines.get(batch, 0)
        return (line, 0) if line and self._takes % AFRESH else (0,)

    def took(self, batch: int, line: int) -> None:
        """A row of this batch was taken."""
        self.last, self._lines[batch] = batch, line
        self._takes += 1

    def rests(self, batch: int, now: datetime) -> bool:
        """Whether to leave it alone for now. A clock that was set back does no harm."""
        _, until = self._rests.get(batch, (0, now))
        return now < until <= now + LONGEST_REST

    def went(self, batch: int, well: bool, now: datetime) -> None:
        """A row went well, or met trouble that others would meet too."""
        if well:
            self._rests.pop(batch, None)
            return
        times, _ = self._rests.get(batch, (0, now))
        self._rests[batch] = times + 1, now + min(REST * (1 << min(times, MOST_DOUBLINGS)), LONGEST_REST)

    def forget_others(self, running: Iterable[int]) -> None:
        """Only what runs is remembered."""
        known = set(running)
        self._lines = {batch: line for batch, line in self._lines.items() if batch in known}
        self._rests = {batch: rest for batch, rest in self._rests.items() if batch in known}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWorker:
    """What doing batches needs. One for a process: `turns` is its own."""

    work: BatchWork
    issuing: Issuing
    manifests: FileManifests
    actor_of: ActorOf
    unexpected: Unexpected
    turns: Turns = field(default_factory=Turns)

    async def do_one(self) -> bool:
        """Do one row that is due; False when there is none.

        Raises:
            RegisterUnavailable: the database does not answer; the row stays as it was.
        """
        now = self.issuing.clock()
        running = await self.work.running(self.turns.last)
        self.turns.forget_others(batch.number for batch in running)
        for batch in running:
            if self.turns.rests(batch.number, now):
                continue
            for after in self.turns.places(batch.number):
                if await self._did_one_of(batch, after, now):
                    return True
        return False

    async def actor(self, name: str, scopes: frozenset[str]) -> Actor:
        """Who sent a batch.

        Raises:
            MayNotCall: it was cut off.
        """
        try:
            return await self.actor_of(name, scopes)
        except Forbidden:
            raise MayNotCall from None

    async def _did_one_of(self, batch: Running, after: int, now: datetime) -> bool:
        """Whether there was a row of this batch behind a line, which is done now as far as it can be. A batch whose
        sender may not call any more is paused."""
        try:
            actor = await self.actor(batch.by, batch.scopes)
        except MayNotCall:
            with suppress(ActNotAllowed):
                await self.work.move(await self.work.batch(batch.id), [BatchMove.PAUSE], PROGRAM, now)
            return False
        async with self.work.taken(batch.number, after, now) as at_hand:
            if at_hand is None:
                return False
            self.turns.took(batch.number, at_hand.row.line)
            async with at_hand.begun(now) as may:
                if may:
                    await self._do(batch, actor, at_hand, now)
                else:
                    self.unexpected(row_key(batch.id, at_hand.row.line), EndsItsWorker())
                    await self._failed(batch, at_hand, CRASHED)
            return True

    async def _do(self, batch: Running, actor: Actor, at_hand: RowAtHand, now: datetime) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                result = await self._result(batch, actor, at_hand, now)
        except LATER as error:
            self.turns.went(batch.number, False, now)
            await self._put_off(batch, at_hand, row_error(error))
        except CertsvcError as error:
            await self._failed(batch, at_hand, row_error(error))
        except Exception as error:
            self.unexpected(row_key(batch.id, at_hand.row.line), error)
            again = at_hand.row.tries + 1 < UNFORESEEN_TRIES
            await (self._put_off if again else self._failed)(batch, at_hand, INTERNAL)
        else:
            self.turns.went(batch.number, True, now)
            await at_hand.done(result, self.issuing.clock())

    async def _result(self, batch: Running, actor: Actor, at_hand: RowAtHand, now: datetime) -> Result:
        row = at_hand.row
        if row.content is None or row.content_key_id is None:
            raise NotFound("这一行的内容已不再保存。", "What this row asked for is not kept any more.")
        content = open_content(self.issuing.cipher, batch.id, row.line, row.content, row.content_key_id)
        key = row_key(batch.id, row.line)
        if ACTS[batch.act].makes is Makes.NOTHING:
            return await self._act(batch, actor, content, key, now)
        kind = self.issuing.catalog.latest(batch.type_id)
        content = await completed(self.issuing, content, batch.act)
        reservation = await issue(self.issuing, actor, order_of(content, batch.by, key, batch.act, kind), now)
        return Result(ref=reservation.ref, number=reservation.number)

    async def _act(self, batch: Running, actor: Actor, content: RowContent, key: str, now: datetime) -> Result:
        asked = acting_of(content, batch.by, key, batch.act)
        asked = replace(asked, confirmed_by=_second(batch.approved_by, batch.act, batch.type_id))
        event = await acts.act(self.issuing.register, self.issuing.catalog, actor, asked, now)
        number = (await self.issuing.register.newest_version(asked.ref)).number
        return Result(ref=asked.ref, number=number, event=event.id)

    async def _put_off(self, batch: Running, at_hand: RowAtHand, error: RowError) -> None:
        until = try_again_at(at_hand.row.tries, self.issuing.clock())
        await at_hand.put_off(until, error.code, *self._sealed(batch, at_hand, error))

    async def _failed(self, batch: Running, at_hand: RowAtHand, error: RowError) -> None:
        await at_hand.failed(error.code, *self._sealed(batch, at_hand, error), self.issuing.clock())

    def _sealed(self, batch: Running, at_hand: RowAtHand, error: RowError) -> tuple[bytes, str]:
        cipher = self.issuing.cipher
        return sealed_error(cipher, batch.id, at_hand.row.line, error), cipher.key_id


def _second(approved_by: Sequence[str], act: Act, type_id: str) -> Actor | None:
    """Who confirms what nobody does alone: the first who approved the batch, which is what the approval was for."""
    if ACTS[act].persons == 1 or not approved_by:
        return None
    return Actor(name=approved_by[0], scopes=frozenset({f"{act}:{type_id}"}))
