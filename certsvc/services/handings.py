"""Handing out sealed proofs, and who is told of them, as the use cases of a village have them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.handing import CodeTry, Handing, NewHanding, TryPlace
from certsvc.domain.receiver import ReceiverChoice, Told


class Handings(Protocol):
    """What is handed out, each try to open it, and which organs are told. Every method is one transaction."""

    async def hand_out(self, new: NewHanding) -> None:
        """Put a secret on record; the same again is the same. Raises `ActNotAllowed`, `Forbidden`, `KeyReused`."""

    async def of_request(self, request_id: str) -> Sequence[Handing]:
        """Every secret of a request, the newest first."""

    async def begin(self, request_id: str, place: TryPlace, now: datetime) -> CodeTry | None:
        """Put a try on record, before it is looked at; None where there is nothing to fetch. Raises `NoTryLeft`,
        `NotFound`."""

    async def note_opened(self, tried: CodeTry, now: datetime) -> None:
        """Put on record that a try opened what it was for."""

    async def choose(self, choice: ReceiverChoice) -> None:
        """Put on record whom the resident agrees is told; the same again is the same. Raises `ActNotAllowed`,
        `Forbidden`."""

    async def chosen(self, request_id: str) -> ReceiverChoice | None:
        """Whom the resident agrees is told, as they said last."""

    async def told(self, request_id: str) -> Sequence[Told]:
        """Which organ was told what, in order."""
