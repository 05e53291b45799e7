"""Public facts by name: what anyone may read and mirror. They are signed, or lead to what is."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from certsvc.files import FOR_EVERYONE, replace_file

MAX_FACT = 8 * 1024 * 1024
FileIdentity = tuple[int, int, int]


class Shelf(Protocol):
    """Where public facts are put: `crl/issuing.crl`, `ca/root.cer`, `anchors/root.pem`, …"""

    def put(self, name: str, data: bytes) -> None:
        """Publish under a name, whole, in the place of what is there."""

    def get(self, name: str) -> bytes | None:
        """What is published under a name."""


class FolderShelf:
    """Public facts in a folder, each replaced whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, data: bytes) -> None:
        """Publish; what is there already and says the same is left alone."""
        if self.get(name) != data:
            replace_file(self._folder / name, data, FOR_EVERYONE)

    def get(self, name: str) -> bytes | None:
        """The file, read anew: another process may have replaced it."""
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(MAX_FACT)
        except FileNotFoundError:
            return None

    def identity(self, name: str) -> FileIdentity | None:
        """What tells the file from one that takes its place, without reading it; None where there is none."""
        try:
            found = (self._folder / name).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class MemoryShelf:
    """Public facts of keys that are only in memory; `tell` hears of each."""

    def __init__(self, tell: Callable[[str, bytes], None]) -> None:
        self._facts: dict[str, bytes] = {}
        self._tell = tell

    def put(self, name: str, data: bytes) -> None:
        """Keep it and tell."""
        self._facts[name] = data
        self._tell(name, data)

    def get(self, name: str) -> bytes | None:
        """What was put last."""
        return self._facts.get(name)
