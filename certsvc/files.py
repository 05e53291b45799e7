"""Files that are whole or not there, also when the power fails: written beside, synced, then named."""

import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

PRIVATE, FOR_EVERYONE = 0o600, 0o644
SETTLED_NS = 1_000_000_000
"""A folder's time of change is coarse: two files that come within a few milliseconds may leave it the same."""

Value = TypeVar("Value")


class WrittenOnce(Generic[Value]):
    """A folder of files that are written once and never changed: each is read once, new ones are seen at the next
    look, those that were taken away are forgotten."""

    def __init__(self, folder: Path, suffix: str, read: Callable[[Path], Value]) -> None:
        self._folder, self._suffix, self._read = folder, suffix, read
        self._values: Mapping[str, Value] = {}
        self._seen: int | None = None

    def values(self) -> Mapping[str, Value]:
        """What is in the files, by name without suffix, in the order of names; nothing where there is no folder.

        Raises: what `read` raises; the next look tries again.
        """
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._seen:
            looked = time.time_ns()
            paths = sorted(self._folder.glob(f"[!.]*{self._suffix}"))
            names = [(path.name.removesuffix(self._suffix), path) for path in paths]
            known = self._values
            self._values = {name: known[name] if name in known else self._read(path) for name, path in names}
            self._seen = changed if looked - changed > SETTLED_NS else None
        return self._values


def create_file(path: Path, data: bytes, mode: int = PRIVATE) -> bool:
    """Create a file; False when there was one, which is left as it is.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = _written_beside(path, data, mode)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)
    return True


def replace_file(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file in the place of the one that may be there; folders above it are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _written_beside(path, data, mode)
    try:
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(path: Path) -> list[Path]:
    """What processes that were killed while they wrote `path` left beside it."""
    form = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}")
    return [each for each in path.parent.glob(f".{path.name}.*") if form.fullmatch(each.name)]


def _written_beside(path: Path, data: bytes, mode: int) -> Path:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return unfinished
