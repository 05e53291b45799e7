"""What telling others needs, as protocols: the feed, web-hooks as their owners have them and as the worker does."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.notice import Notice
from certsvc.domain.webhook import (
    Answer,
    Attempt,
    Begun,
    Delivery,
    DeliveryState,
    HookRequest,
    HookState,
    SealedSecret,
    WebHook,
)


class Notices(Protocol):
    """What others are told. Raises `RegisterUnavailable` when it cannot be asked."""

    async def read(
        self, client: str, scopes: Iterable[str], after: int, kinds: Iterable[str] | None, limit: int, now: datetime
    ) -> tuple[Sequence[Notice], int]:
        """What a client may know, in order, from after a position; and the position to go on from. Raises
        `InvalidInput` for a position that the feed has not come to."""

    async def end(self, now: datetime) -> int:
        """The last position, with all that is committed by now."""

    async def settle(self, now: datetime) -> int:
        """Give what is committed its positions, and make the deliveries to web-hooks; how many notices."""


class WebHooks(Protocol):
    """Web-hooks as their owners have them. Every method is one transaction and safe to repeat; a web-hook of somebody
    else raises `NotFound`."""

    async def add(self, hook: WebHook, request: HookRequest) -> WebHook:
        """Put a web-hook on record. Raises `KeyReused`, `Conflict` (too many)."""

    async def hook(self, client: str, hook_id: str) -> WebHook:
        """A web-hook."""

    async def hooks(self, client: str) -> Sequence[WebHook]:
        """All of a client, oldest first."""

    async def change(
        self, client: str, hook_id: str, url: str, kinds: frozenset[str] | None, state: HookState, now: datetime
    ) -> WebHook:
        """Another address, other kinds, another state."""

    async def rotate(
        self, client: str, hook_id: str, secret: SealedSecret, request: HookRequest, now: datetime
    ) -> WebHook:
        """Another secret; for a while both sign. Raises `KeyReused`."""

    async def remove(self, client: str, hook_id: str, now: datetime) -> None:
        """It is no more."""

    async def ping(self, client: str, hook_id: str, now: datetime) -> Delivery:
        """Send a message that tells nothing. Raises `Conflict` when it is disabled."""

    async def replay(self, client: str, hook_id: str, delivery_id: int, now: datetime) -> Delivery:
        """Begin a delivery anew. Raises `Conflict` when it is disabled."""

    async def replay_since(self, client: str, hook_id: str, since: datetime, now: datetime) -> int:
        """Send everything again that happened since then; how much. Raises `Conflict`."""

    async def deliveries(
        self, client: str, hook_id: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Deliveries, newest first."""

    async def delivery(self, client: str, hook_id: str, delivery_id: int) -> Delivery:
        """One delivery. Raises `NotFound`."""

    async def attempts(self, delivery_ids: Sequence[int]) -> Sequence[Attempt]:
        """The last attempts of deliveries."""


class Deliveries(Protocol):
    """What is on its way to web-hooks. Every method is one transaction."""

    async def hook(self, hook_id: str, now: datetime) -> WebHook | None:
        """A web-hook that something may be sent to now."""

    async def due(self, hook: WebHook, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is due to it, for longest first."""

    async def is_any_due(self, hook_id: str, now: datetime) -> bool:
        """Whether there is more."""

    async def begin(self, delivery: Delivery, now: datetime) -> Begun | None:
        """Put an attempt on record before it is made; None when it is not to be made any more."""

    async def end(self, begun: Begun, answer: Answer, draw: float, now: datetime) -> None:
        """What came of an attempt."""

    async def wake(self, now: datetime) -> None:
        """See that a worker is told of every web-hook that something is due to."""

    async def tidy(self, now: datetime) -> None:
        """Forget deliveries that ended long ago."""
