"""The revocations that were decided: what the next CRL says. One durable file for each, written once."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from certsvc.authority.archive import damaged
from certsvc.domain.revocation import Revocation
from certsvc.errors import Conflict
from certsvc.files import WrittenOnce, create_file, sync


class Ledger(Protocol):
    """Revocations, in any order; a compromise found out later stands beside the revocation before it, and rules; one
    that is found to have begun earlier stands beside the first, and rules."""

    def require_new(self, revocation: Revocation) -> None:
        """See that `record` would take it. Raises `Conflict`: it would not."""

    def record(self, revocation: Revocation) -> Revocation:
        """Put one on record; sent again, the one on record. Raises `Conflict`: it is revoked for another reason."""

    def all(self) -> Sequence[Revocation]:
        """Everything on record."""

    def locked(self) -> AbstractContextManager[None]:
        """One process at a time reads the ledger and signs a CRL from it."""


class FolderLedger:
    """`<name>.revoked.json` and `<name>.compromised.json` in a folder, and `<name>.compromised-<since>.json` where the
    compromise began earlier than was thought first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._decided = WrittenOnce(folder, ".json", self._parse)

    def require_new(self, revocation: Revocation) -> None:
        """See that `record` would take it: it is on record already, or is the first of its kind for this certificate,
        or a compromise that began earlier than was thought.

        Raises:
            Conflict: this certificate is revoked already for another reason, or from another time.
        """
        known = self._of_same_kind(revocation)
        if not known or any(_same(each, revocation) for each in known):
            return
        rules = min(known, key=_effective)
        if not (revocation.reason.is_compromise and revocation.effective < rules.effective):
            raise _conflict(rules)

    def record(self, revocation: Revocation) -> Revocation:
        """Put one on record durably.

        Raises:
            Conflict: see `require_new`.
        """
        self.require_new(revocation)
        known = self._of_same_kind(revocation)
        if on_record := next((each for each in known if _same(each, revocation)), None):
            return on_record
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            sync(self._folder.parent)
        kind = "compromised" if revocation.reason.is_compromise else "revoked"
        since = f"-{revocation.effective.astimezone(UTC):%Y%m%dT%H%M%S}" if known else ""
        path = self._folder / f"{revocation.name}.{kind}{since}.json"
        create_file(path, msgspec.json.encode(revocation))
        written = self._parse(path)
        if not _same(written, revocation):  # another process was faster
            raise _conflict(written)
        return written

    def _of_same_kind(self, revocation: Revocation) -> list[Revocation]:
        same = (each for each in self.all() if each.name == revocation.name)
        return [each for each in same if each.reason.is_compromise == revocation.reason.is_compromise]

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


def _same(one: Revocation, other: Revocation) -> bool:
    return (one.reason, one.effective) == (other.reason, other.effective)


def _effective(revocation: Revocation) -> datetime:
    return revocation.effective


def _conflict(known: Revocation) -> Conflict:
    return Conflict(
        f"{known.name} 已因 {known.reason} 自 {known.effective:%Y-%m-%d %H:%M}Z 起吊销。",
        f"{known.name} is revoked already for {known.reason} from {known.effective:%Y-%m-%d %H:%M}Z.",
    )


class NoLedger:
    """For keys that are thrown away: nothing is ever revoked."""

    def require_new(self, revocation: Revocation) -> None:
        """Everything is."""

    def record(self, revocation: Revocation) -> Revocation:
        """Nothing is kept."""
        return revocation

    def all(self) -> Sequence[Revocation]:
        """Nothing."""
        return ()

    def locked(self) -> AbstractContextManager[None]:
        """No other process knows these keys."""
        return nullcontext()
