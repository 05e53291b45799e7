"""Sealed files by their SHA-256: `services.Blobs` on a folder."""

import hashlib
import os
import secrets
from pathlib import Path

from certsvc.errors import NotFound, StoreError

MAX_BYTES = 20 * 1024 * 1024
"""What the verifier takes back, too."""


class FileBlobs:
    """Files under `folder/ab/abcd….pdf`; what was put there is on the disk before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> bytes:
        """Store durably and return the digest; the same data twice is one blob.

        Raises:
            StoreError: over 20 MiB.
            OSError: the disk is full or refuses.
        """
        if len(data) > MAX_BYTES:
            raise StoreError("文件超过 20 MiB，不能存放。", "A file over 20 MiB is not stored.")
        digest = hashlib.sha256(data).digest()
        path = self.path(digest)
        if not _holds(path, digest):
            _make_folder(path.parent)
            _write_durably(path, data)
        return digest

    def get(self, sha256: bytes) -> bytes:
        """The file.

        Raises:
            NotFound: there is none of this digest.
            StoreError: what lies there is damaged.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"没有文件 {sha256.hex()}。", f"There is no file {sha256.hex()}.") from None
        if hashlib.sha256(data).digest() != sha256:
            raise StoreError(f"文件 {sha256.hex()} 已损坏。", f"The file {sha256.hex()} is damaged.")
        return data

    def path(self, sha256: bytes) -> Path:
        """Where the file of this digest lies, or would."""
        name = sha256.hex()
        return self._folder / name[:2] / f"{name}.pdf"


def _holds(path: Path, digest: bytes) -> bool:
    """A damaged file is as good as none: it is written again."""
    try:
        return hashlib.sha256(path.read_bytes()).digest() == digest
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder.parent)


def _write_durably(path: Path, data: bytes) -> None:
    """Written whole or not at all, also when the power fails: file, then name."""
    unfinished = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
