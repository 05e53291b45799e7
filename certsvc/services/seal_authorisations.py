"""Seals opened beforehand, what waits for them, and the book of their uses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from certsvc.domain.account import AccountId
from certsvc.domain.seal_authorisation import AuthorisationRequest, SealAuthorisation, SealWait, Standing
from certsvc.domain.seal_book import BookLine, Period


class SealAuthorisations(Protocol):
    """Authorisations on record. Every method is one transaction and safe to repeat."""

    async def authorise(self, request: AuthorisationRequest, now: datetime) -> SealAuthorisation:
        """Open a seal. Raises `NotFound`, `Forbidden`, `ActNotAllowed`, `InvalidInput`, `KeyReused`."""

    async def given(self, account: AccountId, key: str, digest: bytes) -> SealAuthorisation | None:
        """What the same request was given before. Raises `KeyReused`."""

    async def revoke(
        self, seal_id: str, authorisation_id: str, by: str, reason: str, now: datetime
    ) -> SealAuthorisation:
        """End an authorisation at once. Raises `NotFound`, `Forbidden`."""

    async def standings(self, seal_id: str, now: datetime, *, ever: bool = False) -> Sequence[Standing]:
        """What holds, or was `ever` given, and what is left of it; the newest first."""


class SealWaits(Protocol):
    """What is approved or reserved and cannot be sealed."""

    async def of_approval(self, approval_id: str) -> SealWait | None:
        """Why what was approved is not sealed yet; None when it does not wait for that."""

    async def under(self, seal_id: str, limit: int) -> Sequence[SealWait]:
        """What waits for a seal, for longest first."""


class SealBook(Protocol):
    """The seal-use book, by the seal; numbers without gaps."""

    async def newest(
        self, seal_id: str, before: int | None, limit: int, period: Period, type_id: str | None = None
    ) -> Sequence[BookLine]:
        """Lines with a number below `before`, the newest first."""

    async def oldest(
        self, seal_id: str, after: int, limit: int, period: Period, type_id: str | None = None
    ) -> Sequence[BookLine]:
        """Lines with a number above `after`, the oldest first."""
