"""The revocations that were decided: what the next CRL says. One durable file for each, written once."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import msgspec

from certsvc.authority.archive import damaged
from certsvc.domain.revocation import Revocation
from certsvc.errors import Conflict
from certsvc.files import WrittenOnce, create_file, sync


class Ledger(Protocol):
    """Revocations, in any order; a compromise found out later stands beside the revocation before it, and rules."""

    def record(self, revocation: Revocation) -> Revocation:
        """Put one on record; sent again, the one on record. Raises `Conflict`: it is revoked for another reason."""

    def all(self) -> Sequence[Revocation]:
        """Everything on record."""

    def locked(self) -> AbstractContextManager[None]:
        """One process at a time reads the ledger and signs a CRL from it."""


class FolderLedger:
    """`<name>.revoked.json` and `<name>.compromised.json` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decided = WrittenOnce(folder, ".json", self._parse)

    def record(self, revocation: Revocation) -> Revocation:
        """Put one on record durably.

        Raises:
            Conflict: this certificate is revoked already for another reason, or from another time.
        """
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            sync(self._folder.parent)
        kind = "compromised" if revocation.reason.is_compromise else "revoked"
        path = self._folder / f"{revocation.name}.{kind}.json"
        create_file(path, msgspec.json.encode(revocation))
        known = self._parse(path)
        if (known.reason, known.effective) != (revocation.reason, revocation.effective):
            raise Conflict(
                f"{known.name} 已因 {known.reason} 自 {known.effective:%Y-%m-%d %H:%M}Z 起吊销。",
                f"{known.name} is revoked already for {known.reason} from {known.effective:%Y-%m-%d %H:%M}Z.",
            )
        return known

    def all(self) -> Sequence[Revocation]:
        """Everything on record, what another process put there too.

        Raises:
            CeremonyError: a file is damaged.
        """
        return tuple(self._decided.values().values())

    def _parse(self, path: Path) -> Revocation:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Revocation)
        except (OSError, msgspec.MsgspecError) as error:
            raise damaged(self._folder, f"{path.name}: {error}") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A lock that goes with the process that has it."""
        descriptor = os.open(self._folder.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


class NoLedger:
    """For keys that are thrown away: nothing is ever revoked."""

    def record(self, revocation: Revocation) -> Revocation:
        """Nothing is kept."""
        return revocation

    def all(self) -> Sequence[Revocation]:
        """Nothing."""
        return ()

    def locked(self) -> AbstractContextManager[None]:
        """No other process knows these keys."""
        return nullcontext()
