"""Delivering what is due to a web-hook: on record before it is sent, and what came of it after.

Killed in between, it is sent again under the same `webhook-id`: twice perhaps, never not at all. One job at a time
serves a web-hook, with a few messages at once while its receiver answers well, and one at a time while it does not.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from certsvc.domain.webhook import Answer, Delivery, SealedSecret, Trouble, WebHook
from certsvc.errors import CustodyError
from certsvc.services import PayloadCipher
from certsvc.telling.parts import Deliveries, Notices
from certsvc.telling.signature import headers

AT_ONCE = 4
"""Messages on their way to one receiver that answers well."""


class Sending(Protocol):
    """Sends a message once."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What came of it; never an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What the worker has to do with web-hooks: `settle` every second, `handle` for each job, `tidy` now and then."""

    notices: Notices
    deliveries: Deliveries
    cipher: PayloadCipher
    sender: Sending
    clock: Callable[[], datetime]
    draw: Callable[[], float] = field(default=random.random)

    async def settle(self, now: datetime) -> None:
        """Give new notices their place in the feed, and see that what is due is delivered."""
        await self.notices.settle(now)
        await self.deliveries.wake(now)

    async def tidy(self, now: datetime) -> None:
        """Forget deliveries that ended long ago."""
        await self.deliveries.tidy(now)

    async def handle(self, key: str, now: datetime) -> datetime | None:
        """Send what is due to the web-hook `key`; when there is more at once, now. What falls due later wakes a worker
        by `settle`."""
        hook = await self.deliveries.hook(key, now)
        if hook is None:
            return None
        keys = self._keys(hook, now)
        due = await self.deliveries.due(hook, now, 1 if hook.failures else AT_ONCE)
        done = await asyncio.gather(*(self._deliver(hook, keys, one) for one in due), return_exceptions=True)
        for error in done:
            if error is not None:
                raise error
        later = self.clock()
        return later if await self.deliveries.is_any_due(key, later) else None

    async def _deliver(self, hook: WebHook, keys: Sequence[bytes], delivery: Delivery) -> None:
        now = self.clock()
        begun = await self.deliveries.begin(delivery, now)
        if begun is None:
            return
        if keys:
            body = delivery.body()
            answer = await self.sender.send(hook.url, headers(delivery.message_id, body, keys, now), body)
        else:
            answer = Answer(took=timedelta(), trouble=Trouble.KEY)
        await self.deliveries.end(begun, answer, self.draw(), self.clock())

    def _keys(self, hook: WebHook, now: datetime) -> Sequence[bytes]:
        """What signs now. A secret whose data key was lost is left out; then its owner has to make another."""
        return [key for one in hook.secrets_on(now) if (key := self._opened(hook, one)) is not None]

    def _opened(self, hook: WebHook, secret: SealedSecret) -> bytes | None:
        try:
            return self.cipher.decrypt(secret.sealed, hook.context, secret.key_id)
        except CustodyError:
            return None
