"""Signed lists of states, kept up with the register: first their entries, then the lists that changed or grow old.

Entries need no key: when the key for lists cannot be used they go on being made, and what is out there runs out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from structlog.typing import FilteringBoundLogger

from certsvc.authority.authority import Authority
from certsvc.authority.status_lists import StatusShelf, key_name, sign_status_list, status_signer
from certsvc.domain.calendar import beijing_date
from certsvc.domain.status_list import ListedCertificate, ListedValue
from certsvc.errors import CertsvcError
from certsvc.services import Sealing, StatusLists
from certsvc.services.status_lists import ChangedList

TURNS = 20
"""After so many, once all is followed that was told and is due, lists are signed: a walk through all certificates does
not hold up a revocation."""

SIGNED = 8
"""Lists signed while nobody else may: a remote signer takes a second for each, and the lock is held at most 15."""

MOST_PASSES = 1000
"""Of who does it once: others may be signing meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRules:
    """What the lists are made by: the value of each certificate on a day, a digest that tells these rules from others,
    and how long a reader may rely on a list."""

    values: Callable[[Iterable[ListedCertificate], date], Iterable[ListedValue]]
    digest: bytes
    lasts: Callable[[str], timedelta]


@dataclass(slots=True, kw_only=True)
class StatusListWork:
    """The chore. `settle` gives what is told of certificates its place in the order of committing."""

    lists: StatusLists
    settle: Callable[[datetime], Awaitable[object]]
    rules: ListRules
    authority: Authority
    shelf: StatusShelf
    log: FilteringBoundLogger
    _seen: int = field(default=0, init=False)
    _known: dict[str, ChangedList] = field(default_factory=dict, init=False)
    _trouble: str | None = field(default=None, init=False)

    async def keep(self, now: datetime) -> None:
        """Bring the entries up to date, and publish what is due: a list is dated `now`, so not before they are.

        Raises:
            RegisterUnavailable, OSError: the register does not answer, or the disk takes nothing; the next time goes on
                from there.
        """
        await self.settle(now)
        await self._publish(now, may_sign=await self._follow(beijing_date(now)))

    async def keep_up(self, now: datetime) -> None:
        """The same until there is nothing left to do: for who does it once, and is not a worker that comes again.

        Raises:
            RegisterUnavailable, OSError: see `keep`.
        """
        for _ in range(MOST_PASSES):
            await self.keep(now)
            signer = self._signer()
            if signer is None or not self._due(key_name(signer), now):
                return

    async def _follow(self, on: date) -> bool:
        """Make entries; whether all was followed that was told and is due, which is not known while somebody else is at
        it."""
        turns = 0
        while True:
            async with self.lists.turn(self.rules.digest, on) as turn:
                if turn is None:
                    return False
                await turn.put(self.rules.values(turn.certificates, on))
            turns += 1
            if turn.is_level and (turns >= TURNS or not turn.is_any):
                return True

    async def _publish(self, now: datetime, may_sign: bool) -> None:
        for one in await self.lists.changed(self._seen):
            self._known[one.name], self._seen = one, one.sequence
        signer = self._signer()
        if signer is None or not may_sign:
            return
        kid = key_name(signer)
        if self._due(kid, now):
            async with self.lists.publishing() as is_ours:
                trouble = await self._sign_due(signer, kid, now) if is_ours else None
            if trouble is not None:
                raise trouble
        elif self.shelf.has_index:
            return
        self.shelf.put_index(self._known)

    async def _sign_due(self, signer: Sealing, kid: str, now: datetime) -> OSError | None:
        """Sign what is due. A disk that takes nothing is told apart from a register that does not answer."""
        try:
            for one in self._due(kid, now)[:SIGNED]:
                await self._sign(one.name, signer, now)
        except OSError as error:
            return error
        return None

    def _due(self, kid: str, now: datetime) -> list[ChangedList]:
        """The lists to be signed, the urgent ones first."""
        due = []
        for one in self._known.values():
            there = self.shelf.published(one.name)
            if there is None or not there.is_current(one.sequence, one.urgent, kid, now):
                due.append((there is not None and one.urgent <= there.sequence, one.sequence, one))
        return [one for _, _, one in sorted(due, key=lambda each: each[:2])]

    async def _sign(self, name: str, signer: Sealing, now: datetime) -> None:
        found = await self.lists.read(name)
        url, lasts = self.shelf.url(name), self.rules.lasts(name)
        self.shelf.put(
            name, await asyncio.to_thread(sign_status_list, found.packed, found.sequence, url, lasts, signer, now)
        )

    def _signer(self) -> Sealing | None:
        """The key, if it can be used. The log says once that it cannot, and once that it can again."""
        try:
            signer = status_signer(self.authority)
            key_name(signer)
        except CertsvcError as error:
            if self._trouble != error.code:
                self.log.error("status_lists_stopped", error=error.code, zh=error.zh, en=error.en)
            self._trouble = error.code
            return None
        if self._trouble is not None:
            self.log.info("status_lists_go_on")
        self._trouble = None
        return signer
