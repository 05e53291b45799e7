"""Signed lists of states, as a worker makes and publishes them."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from certsvc.domain.status_list import ListedCertificate, ListedValue


@dataclass(frozen=True, slots=True)
class ChangedList:
    """A list, its newest change, and the newest after which a certificate is not, or no longer, in force."""

    name: str
    sequence: int
    urgent: int


@dataclass(frozen=True, slots=True)
class PackedList:
    """A list as it is now, two entries to a byte, with at least all changes up to this one."""

    sequence: int
    packed: bytes


class StatusTurn(Protocol):
    """A few lives that are told otherwise, while nobody else makes entries. What is put takes effect with the end of
    the turn, together with how far the entries have come."""

    @property
    def certificates(self) -> Sequence[ListedCertificate]:
        """Everything whose entry hangs on these lives."""

    @property
    def is_any(self) -> bool:
        """Whether there was anything to follow."""

    @property
    def is_level(self) -> bool:
        """Whether with it all is followed that was told and is due; going through everything is another matter."""

    async def put(self, values: Iterable[ListedValue]) -> None:
        """What the lists are to say."""


class StatusLists(Protocol):
    """The entries of all lists. Raises `RegisterUnavailable`."""

    def turn(self, basis: bytes, on: date) -> AbstractAsyncContextManager[StatusTurn | None]:
        """The next lives to be looked at on a day, under the rules with the digest `basis`; None while somebody else is
        at it."""

    def publishing(self) -> AbstractAsyncContextManager[bool]:
        """Whether lists are ours to publish, for as long as the context lasts."""

    async def changed(self, after: int) -> Sequence[ChangedList]:
        """The lists with a change after that one, in the order of changes."""

    async def read(self, name: str) -> PackedList:
        """A list. Raises `NotFound`."""

    async def begin_anew(self) -> None:
        """Have every certificate gone through once more; lists stay as they are until then."""
