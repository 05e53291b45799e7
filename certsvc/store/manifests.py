"""Manifests of batches: files of any length by their SHA-256, written line by line and whole or not there."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from certsvc.errors import NotFound
from certsvc.files import PRIVATE, sync

PIECE = 64 * 1024
MANIFESTS = "manifests"
"""The folder under home."""


class Writing:
    """A manifest that is being written; `sha256` is of what was written so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        """Of what was written so far."""
        return self._digest.digest()

    def write(self, data: bytes) -> None:
        """Write on. Raises `OSError` when the disk is full or refuses."""
        self._digest.update(data)
        self._file.write(data)


class FileManifests:
    """Files under `folder/<sha256>.ndjson`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """A new manifest. At the end of the context it is on the disk under its name; after an error nothing is left.

        Raises:
            OSError: the disk is full or refuses.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f".{secrets.token_hex(8)}"
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
                writing = Writing(file)
                yield writing
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path(writing.sha256))
        finally:
            unfinished.unlink(missing_ok=True)
        sync(self._folder)

    def lines(self, sha256: bytes) -> Iterator[bytes]:
        """A manifest line by line, each with its line feed.

        Raises:
            NotFound: there is none of this digest; said at once.
        """
        try:
            file = self._path(sha256).open("rb", buffering=PIECE)
        except FileNotFoundError:
            raise NotFound(f"没有清单 {sha256.hex()}。", f"There is no manifest {sha256.hex()}.") from None
        return _lines(file)

    def _path(self, sha256: bytes) -> Path:
        return self._folder / f"{sha256.hex()}.ndjson"


def _lines(file: BinaryIO) -> Iterator[bytes]:
    with file:
        yield from file
